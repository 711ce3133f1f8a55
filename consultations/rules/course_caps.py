"""Caps on a whole course: how many sessions a plan may have, and how far apart a component is given (CLINICAL 2.1)."""

from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from consultations.enums import CapMeasure
from consultations.models import Component
from consultations.queries import PlanFacts, confirmed_error
from consultations.rules.doses import caps_for


@dataclass(frozen=True)
class CourseCap:
    """How many sessions of a plan a component allows."""

    sessions: int
    component: Component


def course_cap(facts: PlanFacts) -> CourseCap | None:
    """The smallest cap on the number of sessions in the plan, if any."""
    formula = facts.plan.formula.code
    found = [
        CourseCap(int(cap.limit), part.component)
        for part in facts.parts
        for cap in caps_for(facts.caps, part.component.code, formula, CapMeasure.SESSIONS_PER_PLAN)
        if cap.limit is not None
    ]
    return min(found, key=lambda each: each.sessions, default=None)


def interval_cap(facts: PlanFacts, *, on: date) -> tuple[date, Component] | None:
    """The first day the components' own intervals allow, over all plans of the patient; None when `on` is fine."""
    formula = facts.plan.formula.code
    latest: tuple[date, Component] | None = None
    for part in facts.parts:
        limits = [
            cap.limit
            for cap in caps_for(facts.caps, part.component.code, formula, CapMeasure.MIN_INTERVAL_DAYS)
            if cap.limit is not None
        ]
        if not limits:
            continue
        for given_on in _days_given(facts, part.component.code):
            allowed = date.fromordinal(given_on.toordinal() + int(max(limits)))
            if given_on <= on < allowed and (latest is None or allowed > latest[0]):
                latest = (allowed, part.component)
    return latest


def _days_given(facts: PlanFacts, component: str) -> list[date]:
    return [
        timezone.localdate(session.started_at)
        for session in facts.sessions
        if session.is_signed
        and not confirmed_error(session)
        and any(dose.component.code == component for dose in session.doses.all())
    ]
