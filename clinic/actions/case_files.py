"""Opening a patient's record for a case, giving it more time, and closing it."""

from datetime import datetime, timedelta

from clinic.actions.locking import explained, lock
from clinic.enums import CaseKind
from clinic.models import CaseFile, CaseFilePeriod, ClinicSettings, Patient, User
from clinic.rules import case_files as rules


@explained
def open_case(
    *,
    patient: Patient,
    kind: CaseKind,
    title: str,
    reference: str,
    reason: str,
    as_of: datetime,
    by: User,
    at: datetime,
) -> CaseFile:
    """A case file on one patient: its owner reads the record as it stood at `as_of`, for the clinic's days.

    The patient is locked, so that nobody erases the record meanwhile.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: nothing said, `as_of` in the future, or a record that was merged into another.
    """
    rules.check_may_keep_case_files(by)
    for field, text in (("title", title), ("reason", reason)):
        rules.check_said(text, field=field)
    rules.check_as_of(as_of, at=at)
    lock(patients=[patient.pk])
    rules.check_about(Patient.objects.get(pk=patient.pk))
    case_file = CaseFile.objects.create(
        patient=patient,
        kind=kind,
        title=title,
        reference=reference,
        as_of=as_of,
        opened_by=by,
        opened_at=at,
    )
    _more_time(case_file, reason, by=by, at=at)
    return case_file


@explained
def extend(*, case_file: CaseFile, reason: str, by: User, at: datetime) -> CaseFilePeriod:
    """The clinic's days from now on, with a reason of its own that is kept beside the earlier ones.

    Raises:
        NotAllowed: by anybody but the owner.
        DomainError: closed, or no reason.
    """
    lock(patients=[case_file.patient_id])
    row = _locked(case_file)
    rules.check_may_extend(by, row)
    rules.check_said(reason, field="reason")
    return _more_time(row, reason, by=by, at=at)


@explained
def close(*, case_file: CaseFile, outcome: str, by: User, at: datetime) -> CaseFile:
    """Ends the case with how it ended: from the next request on it opens nothing. Any admin can, when an owner is gone.

    Raises:
        NotAllowed: by somebody who is no admin.
        DomainError: closed before, or no outcome.
    """
    rules.check_may_keep_case_files(by)
    lock(patients=[case_file.patient_id])
    row = _locked(case_file)
    rules.check_is_open(row)
    rules.check_said(outcome, field="outcome")
    row.outcome, row.closed_at, row.closed_by = outcome, at, by
    row.save(update_fields=["outcome", "closed_at", "closed_by"])
    return row


def _more_time(case_file: CaseFile, reason: str, *, by: User, at: datetime) -> CaseFilePeriod:
    days = ClinicSettings.current().case_file_days
    return CaseFilePeriod.objects.create(
        case_file=case_file,
        reason=reason,
        recorded_by=by,
        recorded_at=at,
        ends_at=at + timedelta(days=days),
    )


def _locked(case_file: CaseFile) -> CaseFile:
    rows = CaseFile.objects.select_related("opened_by").select_for_update(no_key=True, of=("self",))
    return rows.get(pk=case_file.pk)
