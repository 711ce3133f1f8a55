"""Photographs: consent to them, and what may be added (the clinic's policy; photographs are health data)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import Patient
from clinic.rules.people import is_minor
from consultations.enums import Signer
from consultations.models import PhotographyConsent
from consultations.rules.consent import check_who


def consent_in_force(patient: Patient, *, on: datetime) -> PhotographyConsent | None:
    """The latest consent to photography that nobody has withdrawn; one that a representative signed for a minor ends
    with the 18th birthday."""
    standing = PhotographyConsent.objects.standing().filter(patient=patient, signed_at__lte=on)
    return next((each for each in standing if not _outgrown(each, patient, on)), None)


def _outgrown(consent: PhotographyConsent, patient: Patient, on: datetime) -> bool:
    return (
        consent.signer == Signer.REPRESENTATIVE
        and is_minor(patient, at=consent.signed_at)
        and not is_minor(patient, at=on)
    )


def check_signer(
    *, patient: Patient, signer: Signer, signer_name: str, relation: str, agreed: bool, at: datetime
) -> None:
    """As for a treatment: a minor's representative signs, the name is typed, the text was read.

    Raises:
        DomainError: for the field that is wrong.
    """
    check_who(patient, signer, signer_name, relation, at=at)
    if not agreed:
        sentence = _("The text has to be read and agreed to before it is signed.")
        raise DomainError(sentence, "agreed", field="agreed")


def check_may_add(patient: Patient, *, taken_at: datetime, at: datetime) -> PhotographyConsent:
    """There is a consent to photography, and the picture was taken already; returns the consent.

    Raises:
        DomainError: photo_not_consented, photo_in_future.
    """
    consent = consent_in_force(patient, on=at)
    if consent is None:
        sentence = _("There is no consent to photography in force. Let the patient sign one first.")
        raise DomainError(sentence, "photo_not_consented")
    if taken_at > at:
        sentence = _("This is in the future. Enter when the photograph was taken.")
        raise DomainError(sentence, "photo_in_future", field="taken_at")
    return consent
