"""Caps on a whole course: how many sessions, and how far apart a component is given.

A patient is one body: sessions and intervals of a component count over all plans. Two caps on sessions differ in that:
`sessions_per_plan` counts those of one plan, `sessions_per_patient` every session with the component.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from clinic.gaps import months_later
from consultations.enums import GIVEN, CapMeasure
from consultations.models import Component, DoseCap, PlannedSession, Session
from consultations.queries import PlanFacts, confirmed_error

# A course is booked months ahead in whole days: no calendar month is longer.
_LONGEST_MONTH = 31
_INTERVALS = (CapMeasure.MIN_INTERVAL_DAYS, CapMeasure.MIN_INTERVAL_MONTHS)


@dataclass(frozen=True)
class CourseCap:
    """How many sessions a component allows, in one plan or over all of the patient's, and how many were given."""

    sessions: int
    component: Component
    given: int
    over_plans: bool = False

    @property
    def left(self) -> int:
        """How many may still be given."""
        return self.sessions - self.given


def course_cap(facts: PlanFacts) -> CourseCap | None:
    """The cap on sessions that leaves the fewest, if any."""
    found = [*_caps_of_plan(facts), *_caps_of_patient(facts)]
    return min(found, key=lambda each: (each.left, each.sessions), default=None)


def is_full(facts: PlanFacts, planned: PlannedSession) -> CourseCap | None:
    """The cap that the planned session is beyond, counting the sessions of the plan that come before it."""
    cap = course_cap(facts)
    done = {session.planned_id for session in facts.given}
    before = [each for each in facts.planned if each.ordinal < planned.ordinal and each.pk not in done]
    return cap if cap and cap.left <= len(before) else None


def _caps_of_plan(facts: PlanFacts) -> Iterator[CourseCap]:
    for cap, component in _limits(facts, CapMeasure.SESSIONS_PER_PLAN):
        yield CourseCap(int(cap.limit or 0), component, len(facts.given))


def _caps_of_patient(facts: PlanFacts) -> Iterator[CourseCap]:
    """A cap of one formula counts what was given with it or in a plan of it, a general one all with the component."""
    for cap, component in _limits(facts, CapMeasure.SESSIONS_PER_PATIENT):
        given = [
            session
            for session in _given_with(facts, component.code)
            if cap.formula_code in ("", session.plan.formula.code, session.formula.code)
        ]
        yield CourseCap(int(cap.limit or 0), component, len(given), over_plans=True)


def interval_cap(facts: PlanFacts, *, on: date) -> tuple[date, Component] | None:
    """The first day the components' own intervals allow, over all plans of the patient; None when `on` is fine."""
    latest: tuple[date, Component] | None = None
    for measure in _INTERVALS:
        for cap, component in _limits(facts, measure):
            for session in _given_with(facts, component.code):
                given_on = timezone.localdate(session.started_at)
                allowed = _allowed_after(given_on, cap)
                if given_on <= on < allowed and (latest is None or allowed > latest[0]):
                    latest = (allowed, component)
    return latest


def first_day_after(facts: PlanFacts, given_on: date) -> date:
    """The first day the components' own intervals allow after a session of this plan on `given_on`."""
    allowed = [
        _allowed_after(given_on, cap) for measure in _INTERVALS for cap, _each in _limits(facts, measure)
    ]
    return max(allowed, default=given_on)


def days_apart(facts: PlanFacts) -> int:
    """The components' longest interval in whole days, whatever the months: for booking far ahead."""
    return max(
        (
            int(cap.limit or 0) * (_LONGEST_MONTH if measure == CapMeasure.MIN_INTERVAL_MONTHS else 1)
            for measure in _INTERVALS
            for cap, _each in _limits(facts, measure)
        ),
        default=0,
    )


def _allowed_after(given_on: date, cap: DoseCap) -> date:
    """The day after the interval; a month ends on the same day of the month, or on the last of a shorter one."""
    if cap.measure == CapMeasure.MIN_INTERVAL_MONTHS:
        return months_later(given_on, int(cap.limit or 0))
    return given_on + timedelta(days=int(cap.limit or 0))


def _limits(facts: PlanFacts, measure: CapMeasure) -> Iterator[tuple[DoseCap, Component]]:
    for cap in facts.own_caps:
        if cap.measure == measure and cap.limit is not None:
            yield (
                cap,
                next(part.component for part in facts.parts if part.component.code == cap.component_code),
            )


def _given_with(facts: PlanFacts, component: str) -> list[Session]:
    """Sessions of any plan that gave the component; one called an error counts until two people say so."""
    return [
        session
        for session in facts.sessions
        if session.is_signed
        and session.outcome in GIVEN
        and not confirmed_error(session)
        and any(dose.component.code == component for dose in session.doses.all())
    ]
