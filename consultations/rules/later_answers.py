"""What an answer given after the consultation stops, and what it may open again only by a reasoned decision."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import Answer, Decision
from consultations.models import (
    ContraindicationAnswer,
    ContraindicationQuestion,
    HealthAnswer,
    Plan,
    PlanStop,
)
from consultations.rules import suitability


@dataclass(frozen=True, slots=True)
class Stop:
    """What an answer means for one plan: closed, or not before a day."""

    plan: Plan
    decision: Decision
    defer_until: date | None


def stops_of(
    question: ContraindicationQuestion, plans: Iterable[Plan], *, waits_until: date, by_name: bool
) -> list[Stop]:
    """A stop for every plan that a yes touches; a named decision with its reason (`by_name`) lets a plan go on."""
    found = []
    for plan in plans:
        decision = suitability.decision_for(question, suitability.intention_of(plan))
        if decision in (None, Decision.ASK) or (decision == Decision.OVERRIDE and by_name):
            continue
        waits = decision == Decision.DEFER
        found.append(Stop(plan, Decision(decision), waits_until if waits else None))
    return found


def check_day_said(answer: HealthAnswer, stops: Iterable[Stop]) -> None:
    """A yes that makes a plan wait says from which day, or that nobody knows it: a wait never counts from today unsaid.

    Raises:
        DomainError: event_missing, event_or_unknown.
    """
    if answer.event_on and answer.event_unknown:
        raise DomainError(
            _("Either the day, or that nobody knows it; not both."), "event_or_unknown", field="event_unknown"
        )
    timed = answer.answer == Answer.YES and any(stop.decision == Decision.DEFER for stop in stops)
    if timed and not answer.event_on and not answer.event_unknown:
        raise DomainError(
            suitability.DAY_MISSING % {"question": answer.question.name}, "event_missing", field="event_on"
        )


def check_opens_with_reason(standing: Iterable[PlanStop], stops: Collection[Stop], *, reason: str) -> None:
    """What an earlier answer closed is opened, or its wait shortened, only with a reason: a no is a decision too.

    Raises:
        DomainError: reason_missing.
    """
    now = {stop.plan.pk: stop for stop in stops}
    if not reason.strip() and any(_opens(each, now.get(each.plan_id)) for each in standing):
        raise DomainError(
            _("This opens what an earlier answer has closed. Give your reason for going on."),
            "reason_missing",
            field="override_reason",
        )


def _opens(earlier: PlanStop, now: Stop | None) -> bool:
    """Whether the plan may go on sooner than the earlier stop let it."""
    if now is None:
        return True
    if now.defer_until is None:
        return False  # ruled out until a practitioner lifts it
    return earlier.defer_until is None or now.defer_until < earlier.defer_until


def waits_that_stay(answer: HealthAnswer, *, on: date) -> QuerySet[ContraindicationAnswer]:
    """The waits that open plans still have from their consultations for the same question: no later answer lifts them."""
    consultations = Plan.objects.open().filter(patient=answer.patient_id).values("consultation")
    return ContraindicationAnswer.objects.filter(
        consultation__in=consultations, question__code=answer.question.code, defer_until__gt=on
    ).select_related("consultation__patient", "consultation__indication")
