"""Photographs, the consent to them, and pictures to send."""

from io import BytesIO
from typing import Any

import factory
from factory.django import DjangoModelFactory
from PIL import Image

from consultations import photographs
from consultations.enums import IndicationGroup, PhotoMoment, Signer
from consultations.models import (
    Photo,
    PhotographyConsent,
    PhotographyConsentWithdrawal,
    PhotographyText,
    PhotoRemoval,
    StandardView,
)
from tests.factories.clock import ago
from tests.factories.consultations import CONTENT_HASH
from tests.factories.people import PatientFactory
from tests.factories.reference import VersionedFactory
from tests.factories.users import UserFactory


class StandardViewFactory(VersionedFactory):
    """A face."""

    class Meta:
        model = StandardView

    group = IndicationGroup.FACE


class PhotographyTextFactory(VersionedFactory):
    """A short one."""

    class Meta:
        model = PhotographyText

    body = "Photographs may be taken."


class PhotographyConsentFactory(DjangoModelFactory):
    """Signed by the patient twenty days ago."""

    class Meta:
        model = PhotographyConsent

    patient = factory.SubFactory(PatientFactory)
    text = factory.SubFactory(PhotographyTextFactory)
    words = "Photographs may be taken."
    signer = Signer.PATIENT
    signer_name = "Jeanne Moreau"
    signed_at = factory.LazyFunction(lambda: ago(days=20))
    signed_by = factory.SubFactory(UserFactory, practitioner=True)
    content_hash = CONTENT_HASH


class PhotographyWithdrawalFactory(DjangoModelFactory):
    """The patient has changed their mind."""

    class Meta:
        model = PhotographyConsentWithdrawal

    consent = factory.SubFactory(PhotographyConsentFactory)
    withdrawn_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, practitioner=True)


class PhotoFactory(DjangoModelFactory):
    """Taken two hours ago; `with_file=True` keeps a small picture as its file."""

    class Meta:
        model = Photo

    patient = factory.SubFactory(PatientFactory)
    consent = factory.SubFactory(PhotographyConsentFactory, patient=factory.SelfAttribute("..patient"))
    view = factory.SubFactory(StandardViewFactory)
    moment = PhotoMoment.BEFORE
    taken_at = factory.LazyFunction(lambda: ago(hours=2))
    file_name = factory.LazyFunction(photographs.new_name)
    sha256 = "0" * 64
    byte_count = 1000
    width = 30
    height = 40
    recorded_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, practitioner=True)

    @classmethod
    def _create(cls, model_class: type[Photo], *args: Any, with_file: bool = False, **kwargs: Any) -> Photo:
        if with_file:
            sent = image_file()
            picture = photographs.redrawn(sent, byte_count=len(sent.getvalue()))
            photographs.keep(kwargs["file_name"], picture)
            kwargs |= {"sha256": picture.sha256, "byte_count": len(picture.content)}
        return super()._create(model_class, *args, **kwargs)


class PhotoRemovalFactory(DjangoModelFactory):
    """Of somebody else."""

    class Meta:
        model = PhotoRemoval

    photo = factory.SubFactory(PhotoFactory)
    reason = "of another patient"
    removed_at = factory.LazyFunction(lambda: ago(minutes=30))
    removed_by = factory.SubFactory(UserFactory, practitioner=True)


def image_file(
    kind: str = "JPEG", size: tuple[int, int] = (30, 40), colour: str = "peru", **options: Any
) -> BytesIO:
    """A picture of one colour, as a file of the kind; options go to Pillow."""
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, kind, **options)
    file.seek(0)
    return file
