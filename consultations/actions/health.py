"""A question answered anew after the consultation: what it closes at once, and what reopens it."""

from collections.abc import Collection, Iterable
from datetime import date, datetime

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

    Only a practitioner decides; what the desk hears is a report to the clinician. A wait from the consultation stays.

    Raises:
        NotAllowed: only practitioners.
        DomainError: the day of the event is missing, or the reason for opening what an earlier answer has closed.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    row = HealthAnswer(patient=patient, question=question, answer=said, source=source)
    row.override_reason, row.note, row.recorded_at, row.recorded_by = override_reason, note, at, by
    if said != Answer.NO:
        row.event_on, row.event_unknown = event_on, event_unknown
    stops = _stops(row, wanted=defer_until)
    later_answers.check_day_said(row, stops)
    _replace_earlier(row, stops)
    row.save(force_insert=True)
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
    _keep(row, _stops(row, wanted=None))
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


def _replace_earlier(row: HealthAnswer, stops: Collection[later_answers.Stop]) -> None:
    """What the question stopped before gives way, by the practitioner's reason where that opens anything."""
    standing = PlanStop.objects.standing().filter(
        answer__patient=row.patient_id, answer__question__code=row.question.code
    )
    later_answers.check_opens_with_reason(standing, stops, reason=row.override_reason)
    why = row.override_reason.strip() or _("Answered anew.")
    standing.update(lifted_at=row.recorded_at, lifted_by=row.recorded_by, lift_reason=why)


def _stops(row: HealthAnswer, *, wanted: date | None) -> list[later_answers.Stop]:
    """What the answer stops among the patient's open plans; a wait counts from the event, or from the day it was said."""
    if row.answer == Answer.NO:
        return []
    event = row.event_on or timezone.localdate(row.recorded_at)
    policy = policy_in_force(row.recorded_at)
    waits_until = wanted or suitability.defer_until(row.question, on=event, policy=policy)
    plans = Plan.objects.open().filter(patient=row.patient_id)
    return later_answers.stops_of(
        row.question,
        plans.select_related("indication", "technique", "formula"),
        waits_until=waits_until,
        by_name=bool(row.override_reason.strip()),
    )


def _keep(row: HealthAnswer, stops: Iterable[later_answers.Stop]) -> None:
    for stop in stops:
        PlanStop.objects.create(
            answer=row, plan=stop.plan, decision=stop.decision, defer_until=stop.defer_until
        )
