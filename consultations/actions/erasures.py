"""Deciding that a record is erased, and withdrawing that. Carried out elsewhere: see `erasing`."""

from datetime import datetime, timedelta

from clinic.actions.locking import explained, lock
from clinic.enums import ErasureKind
from clinic.errors import DomainError
from clinic.models import ClinicSettings, Erasure, Patient, User
from consultations.erasure.keeping import kept_until
from consultations.erasure.obstacles import obstacles
from consultations.rules import erasures as rules


@explained
def decide(
    *, patient: Patient, kind: ErasureKind, reason: str, number: int, by: User, at: datetime
) -> Erasure:
    """The record is to be erased, after the clinic's days in which that can be withdrawn.

    The patient is locked, so that nobody opens a case meanwhile.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: erasure_blocked (the first of what is to be settled), wrong_number, not_said, names_the_patient,
            still_kept, erasure_once (decided already).
    """
    rules.check_may_decide(by)
    lock(patients=[patient.pk])
    row = Patient.objects.get(pk=patient.pk)
    if found := obstacles(row, at=at):
        raise DomainError(found[0], "erasure_blocked")
    rules.check_number(number, row)
    rules.check_said(reason, row, field="reason")
    rules.check_time_is_over(kind, kept_until(row), at=at)
    return Erasure.objects.create(
        patient=row,
        kind=kind,
        reason=reason.strip(),
        not_before=at + timedelta(days=ClinicSettings.current().erasure_days),
        decided_at=at,
        decided_by=by,
    )


@explained
def withdraw(*, erasure: Erasure, because: str, by: User, at: datetime) -> Erasure:
    """It is not carried out. Any admin can, as long as nothing was done.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: erasure_begun, erasure_withdrawn, not_said, names_the_patient.
    """
    rules.check_may_decide(by)
    lock(patients=[erasure.patient_id])
    row = (
        Erasure.objects.select_related("patient")
        .select_for_update(no_key=True, of=("self",))
        .get(pk=erasure.pk)
    )
    rules.check_may_withdraw(row)
    rules.check_said(because, row.patient, field="because")
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_because = at, by, because.strip()
    row.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_because"])
    return row
