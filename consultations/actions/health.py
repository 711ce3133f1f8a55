"""A question answered anew after the consultation: what it closes at once, and what reopens it."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.models import Patient, User
from consultations.actions.visits import hold_still, resettle
from consultations.enums import Answer, AnswerSource
from consultations.models import CheckIn, ContraindicationQuestion, HealthAnswer, Plan, PlanStop
from consultations.queries import policy_in_force
from consultations.rules import authorship, later_answers, suitability


@explained
def answer(
    *,
    patient: Patient,
    question: ContraindicationQuestion,
    said: Answer,
    source: AnswerSource,
    event_on: date | None = None,
    event_unknown: bool = False,
    defer_until: date | None = None,
    override_reason: str = "",
    note: str = "",
    by: User,
    at: datetime,
) -> HealthAnswer:
    """Record what is answered now; for each open plan it takes the place of what the question stopped before.

    Only a practitioner decides; what the desk hears is a report to the clinician. The visits are judged anew. A wait from
    the consultation itself stays: that is changed by a new consultation.

    Raises:
        NotAllowed: only practitioners.
        DomainError: the day of the event is missing, or the reason for opening what an earlier answer has closed.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    event_on, event_unknown = (None, False) if said == Answer.NO else (event_on, event_unknown)
    waits_until = defer_until or _counted(question, event_on, at=at)
    stops = _stops(patient.pk, question, said, waits_until=waits_until, by_name=bool(override_reason.strip()))
    later_answers.check_day_said(question, said, stops, event_on=event_on, event_unknown=event_unknown)
    standing = PlanStop.objects.standing().filter(
        answer__patient=patient, answer__question__code=question.code
    )
    later_answers.check_opens_with_reason(standing, stops, reason=override_reason)
    row = HealthAnswer.objects.create(
        patient=patient,
        question=question,
        answer=said,
        event_on=event_on,
        event_unknown=event_unknown,
        source=source,
        override_reason=override_reason,
        note=note,
        recorded_at=at,
        recorded_by=by,
    )
    why = override_reason.strip() or _("Answered anew.")
    standing.update(lifted_at=at, lifted_by=by, lift_reason=why)
    _keep(row, stops)
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
        event_unknown=event_on is None,  # the patient was asked for it
        source=AnswerSource.CHECK_IN,
        check_in=check_in,
        recorded_at=at,
        recorded_by=by,
    )
    waits_until = _counted(question, event_on, at=at)
    _keep(row, _stops(row.patient_id, question, Answer.YES, waits_until=waits_until, by_name=False))
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


def _counted(question: ContraindicationQuestion, event_on: date | None, *, at: datetime) -> date:
    """The first possible day, from the event on; from today where nobody knows its day."""
    event = event_on or timezone.localdate(at)
    return suitability.defer_until(question, on=event, policy=policy_in_force(at))


def _stops(
    patient_id: UUID, question: ContraindicationQuestion, said: Answer, *, waits_until: date, by_name: bool
) -> list[later_answers.Stop]:
    """What the answer stops among the patient's open plans."""
    if said == Answer.NO:
        return []
    plans = Plan.objects.open().filter(patient=patient_id)
    plans = plans.select_related("indication", "technique", "formula")
    return later_answers.stops_of(question, plans, waits_until=waits_until, by_name=by_name)


def _keep(row: HealthAnswer, stops: Iterable[later_answers.Stop]) -> None:
    for stop in stops:
        PlanStop.objects.create(
            answer=row, plan=stop.plan, decision=stop.decision, defer_until=stop.defer_until
        )
