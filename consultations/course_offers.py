"""The visits of a plan that can be booked in one go, as steps for the search: `clinic.readiness.Pathway.courses`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.gaps import DayGap, HourGap
from clinic.models import AppointmentType
from clinic.readiness import Condition, CourseOffer, FixedVisit, Offer, Step
from consultations import offers, purposes
from consultations.dates import start_of_day
from consultations.enums import IntervalUnit, PlanStatus
from consultations.models import Plan, PlannedSession
from consultations.purposes import Kind
from consultations.queries import PlanFacts, unbooked
from consultations.rules import course_caps, plans

_LATE_START = timedelta(days=14)  # how long after its ideal day the first visit of a course may be


def for_facts(all_facts: Iterable[PlanFacts], *, at: datetime) -> list[CourseOffer]:
    """Plan by plan, what is still to be booked of it; from the facts of a patient's open plans."""
    types = list(AppointmentType.objects.active().exclude(purpose=""))
    return [
        offer
        for facts in all_facts
        if facts.plan.status == PlanStatus.ACTIVE
        for offer in _of_plan(facts, types, at=at)
    ]


def key_of(plan: Plan, *, first_only: bool = False) -> str:
    """The name of a plan's course in addresses: all of it, or test, reading and first session."""
    return f"{'first' if first_only else 'all'}-{plan.pk}"


def _of_plan(facts: PlanFacts, types: list[AppointmentType], *, at: datetime) -> list[CourseOffer]:
    waiting = unbooked(facts)
    family = facts.plan.technique.family
    kind = next((each for each in types if (each.purpose, each.skill) == (Kind.SESSION, family)), None)
    if kind is None or not waiting:
        return []
    sessions = _sessions(facts, kind, at=at)
    for test in offers.test_offers(facts, types, at=at):
        if test.pair:
            return _with_test(facts, test, [step for step in sessions if not step.fixed], at=at)
    if len(waiting) == 1:
        return []
    blocked = _in_the_way(facts, waiting[0], at=at)
    label = offers.named(_("All %(count)s open sessions") % {"count": len(waiting)}, facts)
    return [CourseOffer(key_of(facts.plan), label, tuple(sessions), blocked)]


def _in_the_way(facts: PlanFacts, first: PlannedSession, *, at: datetime) -> tuple[Condition, ...]:
    """What keeps the course from being booked at all; the gaps are kept by the search itself."""
    windows = plans.windows(facts, on=timezone.localdate(at))
    window = next(each for each in windows if each.planned.pk == first.pk)
    missing = offers.in_the_way(facts, first, at=max(start_of_day(window.ideal) + timedelta(hours=12), at))
    return tuple(each for each in missing if each.code != "too_soon")


def _with_test(facts: PlanFacts, test: Offer, sessions: list[Step], *, at: datetime) -> list[CourseOffer]:
    """The pair, the first session behind it and, where nothing behind that is on the books, all the others."""
    assert test.pair is not None
    first = replace(sessions[0], gap=_behind_reading(facts, sessions[0], at), latest=None)
    begin = (
        Step(
            test.type,
            _("Test"),
            test.purpose,
            earliest=test.earliest,
            latest=max(at, test.earliest or at) + _LATE_START,
        ),
        Step(
            test.pair.type,
            test.pair.label,
            test.pair.purpose,
            HourGap(test.pair.shortest, test.pair.ideal, test.pair.longest),
            pairs=True,
        ),
        first,
    )
    label = offers.named(_("Test, reading and first session"), facts)
    if facts.given:
        label = offers.named(_("Test, reading and next session"), facts)
    found = [CourseOffer(key_of(facts.plan, first_only=True), label, begin, test.conditions)]
    if 1 < len(sessions) == len(facts.planned) - len(facts.given):
        words = _("Test, reading and all %(count)s sessions") % {"count": len(sessions)}
        steps = (*begin, *sessions[1:])
        found.append(CourseOffer(key_of(facts.plan), offers.named(words, facts), steps, test.conditions))
    return found


def _behind_reading(facts: PlanFacts, session: Step, at: datetime) -> HourGap:
    """Not before the test would clear: the reading's first hour counts from the test, the policy's wait does too."""
    policy = facts.plan.test_policy
    wait = timedelta(hours=max(policy.min_hours_before_session - policy.reading_from_hours, 0), minutes=1)
    starts_late = session.ideal is not None and session.ideal > at + _LATE_START
    return HourGap(wait, wait, None if starts_late else wait + _LATE_START)


def _sessions(facts: PlanFacts, kind: AppointmentType, *, at: datetime) -> list[Step]:
    """Every session of the plan; those given or on the books are fixed, and the intervals count from them."""
    waiting = {planned.pk for planned in unbooked(facts)}
    visits = {visit.pk: visit for visit in facts.visits}
    steps: list[Step] = []
    for window in plans.windows(facts, on=timezone.localdate(at)):
        planned = window.planned
        label = offers.session_label(planned.ordinal, len(facts.planned))
        step = Step(kind, label, purposes.session_of(planned))
        if window.session:
            fixed = FixedVisit(window.session.started_at, window.session.practitioner)
            steps.append(replace(step, fixed=fixed))
        elif planned.pk not in waiting and planned.appointment_id in visits:
            visit = visits[planned.appointment_id]
            gap = _gap(facts, planned) if steps else None
            steps.append(replace(step, gap=gap, fixed=FixedVisit(visit.starts_at, visit.practitioner, visit)))
        elif steps and (steps[-1].fixed is None or steps[-1].fixed.appointment):
            steps.append(replace(step, gap=_gap(facts, planned)))
        else:
            steps.append(_next_session(step, facts, window, at=at))
    return steps


def _next_session(step: Step, facts: PlanFacts, window: plans.Window, *, at: datetime) -> Step:
    """The first one, or the one after what was given: by its window, and not before the test would clear it."""
    earliest = max(start_of_day(window.earliest), at, offers.cleared_from(facts, at))
    ideal = max(start_of_day(window.ideal) + timedelta(hours=12), earliest)
    latest = max(start_of_day(window.latest + timedelta(days=1)), ideal + _LATE_START)
    return replace(step, earliest=earliest, ideal=ideal, latest=latest)


def _gap(facts: PlanFacts, planned: PlannedSession) -> DayGap:
    in_months = planned.unit == IntervalUnit.MONTHS
    days = 0 if in_months else planned.interval * (7 if planned.unit == IntervalUnit.WEEKS else 1)
    return DayGap(
        shortest=max(planned.min_gap_days, course_caps.days_apart(facts.in_session(planned))),
        ideal=days,
        months=planned.interval if in_months else 0,
        slack=plans.slack_days(planned),
    )
