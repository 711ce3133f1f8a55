"""Erasures that were decided, and stages that were carried out."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from clinic.enums import ErasureKind, ErasureStage
from clinic.models import Erasure, ErasureDone
from tests.factories.clock import ago
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory


class ErasureFactory(DjangoModelFactory):
    """Decided yesterday by an admin at the patient's wish, with a week in which it can be withdrawn."""

    class Meta:
        model = Erasure

    patient = factory.SubFactory(PatientFactory)
    kind = ErasureKind.ASKED
    reason = "asked in writing"
    decided_at = factory.LazyFunction(lambda: ago(days=1))
    decided_by = factory.SubFactory(UserFactory, admin=True)
    not_before = factory.LazyAttribute(lambda erasure: erasure.decided_at + timedelta(days=7))


class ErasureDoneFactory(DjangoModelFactory):
    """What the desk noted is gone; nothing was there."""

    class Meta:
        model = ErasureDone

    erasure = factory.SubFactory(ErasureFactory)
    stage = ErasureStage.DESK
    done_at = factory.LazyFunction(lambda: ago(hours=1))
