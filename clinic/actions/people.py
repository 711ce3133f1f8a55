"""Registering patients and correcting what identifies them."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clinic.actions.locking import explained, lock, one_registration_at_a_time
from clinic.errors import DomainError, Stale
from clinic.models import NotADuplicate, Patient, User
from clinic.queries import likely_duplicates
from clinic.rules import access, people


@explained
def register(
    *,
    details: Mapping[str, Any],
    not_duplicates: Collection[Patient] = (),
    by: User,
    at: datetime,
) -> Patient:
    """Put a new patient on record. `details` are Patient's own fields.

    `not_duplicates` are the look-alikes the person has been shown and has called other people.

    Raises:
        DomainError: likely_duplicate, when there is a look-alike the person has not been shown.
    """
    access.check_may_edit_patients(by)
    patient = Patient(**details, created_by=by, created_at=at)
    people.check_details(patient, at=at)
    one_registration_at_a_time()
    unseen = [each for each in likely_duplicates(patient) if each not in not_duplicates]
    if unseen:
        raise DomainError(
            _("This may be a patient you already have. Compare before you save."),
            "likely_duplicate",
        )
    patient.save(force_insert=True)
    patient.refresh_from_db()
    for other in not_duplicates:
        _remember(patient, other, by=by, at=at)
    return patient


@explained
def correct(
    *,
    patient: Patient,
    details: Mapping[str, Any],
    version: int,
    by: User,
    at: datetime,
) -> Patient:
    """Change identity, contacts, representative or desk note.

    Raises:
        Stale: somebody changed the record since the page was opened.
    """
    access.check_may_edit_patients(by)
    lock(patients=[patient.pk])
    row = Patient.objects.get(pk=patient.pk)
    if row.version != version:
        raise Stale(
            _("Somebody changed this record meanwhile. Look at it again before you save."),
            "stale_patient",
        )
    for name, value in details.items():
        setattr(row, name, value)
    people.check_details(row, at=at)
    row.version += 1
    row.save(force_update=True)
    return row


@explained
def not_a_duplicate(*, patient: Patient, other: Patient, by: User, at: datetime) -> None:
    """Remember that somebody looked and these are two people."""
    access.check_may_edit_patients(by)
    _remember(patient, other, by=by, at=at)


@explained
def may_be_a_duplicate(*, patient: Patient, other: Patient, by: User, at: datetime) -> None:
    """Take back that these are two people: they are asked about again, and may be merged. Harmless where nobody said so."""
    access.check_may_edit_patients(by)
    told_apart = NotADuplicate.objects.in_force().of(patient, other)
    told_apart.update(withdrawn_at=at, withdrawn_by=by)


def _remember(patient: Patient, other: Patient, *, by: User, at: datetime) -> None:
    first, second = sorted((patient, other), key=lambda each: each.pk)
    NotADuplicate.objects.in_force().get_or_create(
        first=first, second=second, defaults={"decided_by": by, "decided_at": at}
    )
