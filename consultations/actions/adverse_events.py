"""Reports from the desk: taken down by anyone who answers the phone, looked at by a practitioner."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Patient, User
from consultations.actions import plans
from consultations.actions.visits import hold_still, resettle
from consultations.enums import PlanStatus, TriageOutcome
from consultations.models import ClinicalReport, Plan
from consultations.rules import authorship

# Which plans of the patient an outcome changes. A plan on hold is held already; it can still be stopped.
CONCERNS = {
    TriageOutcome.HOLD: (PlanStatus.ACTIVE,),
    TriageOutcome.STOP: (PlanStatus.ACTIVE, PlanStatus.ON_HOLD),
}


@explained
def report(
    *,
    patient: Patient,
    words: str,
    call_back: str,
    red_flag: bool,
    by: User,
    at: datetime,
) -> ClinicalReport:
    """Take the caller's words down. From now on no session of this patient starts until somebody has looked.

    A form that is sent twice is one report: the first is returned, so that the page says once more what to do now.

    Raises:
        NotAllowed: reception and practitioners only.
    """
    authorship.check_may_take_report(by)
    if not words.strip():
        raise DomainError(_("Write down the caller's words."), "words_missing", field="words")
    hold_still(patient.pk)
    said = {"words": words, "call_back": call_back, "red_flag": red_flag, "reported_by": by}
    if there := ClinicalReport.objects.untriaged().filter(patient=patient, **said).first():
        return there
    entry = ClinicalReport.objects.create(patient=patient, reported_at=at, **said)
    resettle(patient_id=patient.pk, by=by, at=at)
    return entry


@explained
def triage(
    *, entry: ClinicalReport, outcome: TriageOutcome, note: str, by: User, at: datetime
) -> ClinicalReport:
    """A practitioner has looked. Holding concerns every active plan of the patient, stopping those on hold too.

    Raises:
        DomainError: looked at before, or no note where plans are held or stopped.
    """
    authorship.check_may_record(by)
    hold_still(entry.patient_id)
    row = ClinicalReport.objects.get(pk=entry.pk)
    check_triage(entry=row, outcome=outcome, note=note)
    row.triaged_at, row.triaged_by, row.outcome, row.note = at, by, outcome, note
    row.save()
    for plan in Plan.objects.filter(patient_id=row.patient_id, status__in=CONCERNS.get(outcome, ())):
        if outcome == TriageOutcome.HOLD:
            plans.hold(plan=plan, reason=note, by=by, at=at)
        else:
            plans.stop(plan=plan, reason=note, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def check_triage(*, entry: ClinicalReport, outcome: TriageOutcome, note: str) -> None:
    """Nobody has looked yet, and a held or stopped plan gets its reason.

    Raises:
        DomainError: triaged_already or note_missing.
    """
    if entry.triaged_at:
        raise DomainError(_("Somebody has looked at this report already."), "triaged_already")
    if outcome in CONCERNS and not note.strip():
        raise DomainError(_("Say why, for those who read this later."), "note_missing", field="note")
