"""A question answered anew after the consultation: what it closes at once, and what reopens it."""

from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.models import Patient, User
from consultations.actions.visits import hold_still, resettle
from consultations.enums import Answer, AnswerSource, Decision
from consultations.models import CheckIn, ContraindicationQuestion, HealthAnswer, Plan, PlanStop
from consultations.queries import policy_in_force
from consultations.rules import authorship, suitability


@explained
def answer(
    *,
    patient: Patient,
    question: ContraindicationQuestion,
    said: Answer,
    source: AnswerSource,
    event_on: date | None = None,
    defer_until: date | None = None,
    override_reason: str = "",
    note: str = "",
    by: User,
    at: datetime,
) -> HealthAnswer:
    """Record what is answered now; for each open plan it takes the place of what the question stopped before.

    Only a practitioner decides; what the desk hears is a report to the clinician. The visits are judged anew.

    Raises:
        NotAllowed: only practitioners.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    row = HealthAnswer.objects.create(
        patient=patient,
        question=question,
        answer=said,
        event_on=None if said == Answer.NO else event_on,
        source=source,
        override_reason=override_reason,
        note=note,
        recorded_at=at,
        recorded_by=by,
    )
    _replace_earlier(row, by=by, at=at)
    if said != Answer.NO:
        _stop_plans(row, wanted=defer_until, at=at)
    resettle(patient_id=patient.pk, by=by, at=at)
    return row


def heard(
    *, check_in: CheckIn, question: ContraindicationQuestion, event_on: date | None, by: User, at: datetime
) -> HealthAnswer:
    """A yes that the patient gave at check-in, inside the transaction that keeps the check-in.

    It only adds stops: what the question stopped before stands beside it until a practitioner decides.
    """
    row = HealthAnswer.objects.create(
        patient=check_in.patient,
        question=question,
        answer=Answer.YES,
        event_on=event_on,
        source=AnswerSource.CHECK_IN,
        check_in=check_in,
        recorded_at=at,
        recorded_by=by,
    )
    _stop_plans(row, wanted=None, at=at)
    return row


@explained
def lift(*, stop: PlanStop, reason: str, by: User, at: datetime) -> PlanStop:
    """The plan goes on, by a practitioner's named decision.

    Raises:
        NotAllowed: only practitioners.
        DomainError: no reason, or lifted before.
    """
    authorship.check_may_record(by)
    patient_id = stop.plan.patient_id
    hold_still(patient_id)
    row = PlanStop.objects.get(pk=stop.pk)
    suitability.check_liftable(row, reason=reason)
    row.lifted_at, row.lifted_by, row.lift_reason = at, by, reason
    row.save()
    resettle(patient_id=patient_id, by=by, at=at)
    return row


def _replace_earlier(row: HealthAnswer, *, by: User, at: datetime) -> None:
    earlier = PlanStop.objects.standing().filter(
        answer__patient=row.patient_id, answer__question__code=row.question.code
    )
    earlier.update(lifted_at=at, lifted_by=by, lift_reason=_("Answered anew."))


def _stop_plans(row: HealthAnswer, *, wanted: date | None, at: datetime) -> None:
    """A stop for every open plan that the answer touches; a named decision with its reason lets it go on."""
    event = row.event_on or timezone.localdate(at)
    waits_until = wanted or suitability.defer_until(row.question, on=event, policy=policy_in_force(at))
    plans = Plan.objects.open().filter(patient=row.patient_id)
    for plan in plans.select_related("indication", "technique", "formula"):
        decision = suitability.decision_for(row.question, suitability.intention_of(plan))
        if decision in (None, Decision.ASK) or (
            decision == Decision.OVERRIDE and row.override_reason.strip()
        ):
            continue
        waits = decision == Decision.DEFER
        PlanStop.objects.create(
            answer=row, plan=plan, decision=decision, defer_until=waits_until if waits else None
        )
