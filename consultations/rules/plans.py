"""When the sessions of a plan are due, and which changes of a plan are possible."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import Appointment
from consultations.dates import later
from consultations.enums import PLAN_MOVES, IntervalUnit, PlanStatus
from consultations.models import PathwayPolicy, Plan, PlannedSession, PlanTemplate, Session
from consultations.queries import PlanFacts
from consultations.rules import course_caps

_DAYS = {IntervalUnit.DAYS: 1, IntervalUnit.WEEKS: 7, IntervalUnit.MONTHS: 28}


@dataclass(frozen=True)
class Window:
    """One session of a plan with its place in time. Days are clinic days; `earliest` is hard, `latest` advisory."""

    planned: PlannedSession
    earliest: date
    ideal: date
    latest: date
    session: Session | None = None
    visit: Appointment | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was given."""
        return self.session is not None


def intervals_of(template: PlanTemplate) -> list[tuple[int, str]]:
    """The interval before each session, first session included (it follows the start of the course)."""
    return [(phase.interval, phase.unit) for phase in template.phases.all() for _each in range(phase.count)]


def min_gap_days(template: PlanTemplate, interval: int, unit: str, *, policy: PathwayPolicy) -> int:
    """The hard minimum gap in days: the template's own, or the policy's share of the interval, rounded up."""
    days = interval * _DAYS[IntervalUnit(unit)]
    if template.min_gap_days is not None:
        return template.min_gap_days
    return int((days * policy.hard_gap_percent / 100).to_integral_value(ROUND_CEILING))


def windows(
    facts: PlanFacts, *, on: date, instead: Mapping[UUID, datetime | None] | None = None
) -> list[Window]:
    """Every session of the plan with its window. Intervals count from what was really given, then from what is
    booked, then from the ideal day of the one before; nothing is due before `on`.

    `instead` says by planned session where it would be, whatever is booked; None: not on the books."""
    instead = instead or {}
    given = {session.planned_id: session for session in facts.given}
    out: list[Window] = []
    before: date | None = None
    for planned in facts.planned:
        session, visit = given.get(planned.pk), _visit_of(planned)
        window = _window(
            planned,
            before,
            apart=course_caps.first_day_after(facts.in_session(planned), before) if before else on,
            start=facts.plan.starts_on or on,
            on=on,
            session=session,
            visit=visit,
        )
        out.append(window)
        if session:
            before = timezone.localdate(session.started_at)
        elif planned.pk in instead:
            before = local_day(moment) if (moment := instead[planned.pk]) else window.ideal
        elif visit:
            before = timezone.localdate(visit.starts_at)
        else:
            before = window.ideal
    return out


def next_to_give(facts: PlanFacts) -> PlannedSession | None:
    """The first session of the plan that has not been given; None when all were."""
    done = {session.planned_id for session in facts.given}
    return next((planned for planned in facts.planned if planned.pk not in done), None)


def _window(
    planned: PlannedSession,
    before: date | None,
    *,
    apart: date,
    start: date,
    on: date,
    session: Session | None,
    visit: Appointment | None,
) -> Window:
    if before is None:
        earliest = ideal = max(start, on)
    else:
        earliest = max(before + timedelta(days=planned.min_gap_days), apart, on)
        ideal = max(later(before, planned.interval, planned.unit), earliest)
    return Window(planned, earliest, ideal, ideal + timedelta(days=slack_days(planned)), session, visit)


def slack_days(planned: PlannedSession) -> int:
    """How many days after its ideal day a session is still in time: half its interval, three days at least."""
    return max(3, planned.interval * _DAYS[IntervalUnit(planned.unit)] // 2)


def _visit_of(planned: PlannedSession) -> Appointment | None:
    visit = planned.appointment
    return visit if visit is not None and visit.holds_time else None


def booked_on(planned: Iterable[PlannedSession], *, at: datetime) -> dict[int, date]:
    """The clinic's day of each session that is on the books and still to come, by its number in the plan."""
    found = ((each.ordinal, _visit_of(each)) for each in planned)
    return {
        number: timezone.localdate(visit.starts_at) for number, visit in found if visit and visit.ends_at > at
    }


def local_day(moment: datetime) -> date:
    """The clinic's day of a moment."""
    return timezone.localdate(moment)


def too_close(planned: PlannedSession, facts: PlanFacts, moment: datetime) -> date | None:
    """The first day on which the hard gap to every given session of the plan is kept, or None when it is kept."""
    day = timezone.localdate(moment)
    worst: date | None = None
    for session in facts.given:
        if session.planned_id == planned.pk:
            continue
        given_on = timezone.localdate(session.started_at)
        if abs((day - given_on).days) < planned.min_gap_days:
            worst = max(worst or given_on, given_on + timedelta(days=planned.min_gap_days))
    return worst


def check_status(plan: Plan, status: PlanStatus, reason: str) -> None:
    """The plan may change this way, and somebody says why.

    Raises:
        DomainError: wrong_state or reason_missing.
    """
    if not may_change_status(plan, status):
        raise DomainError(
            _("A plan that is “%(now)s” cannot become “%(then)s”.")
            % {"now": plan.get_status_display(), "then": status.label},
            "wrong_state",
        )
    if not reason.strip():
        raise DomainError(
            _("Say why, for those who read this later."),
            "reason_missing",
            field="reason",
        )


def may_change_status(plan: Plan, status: PlanStatus) -> bool:
    """See check_status; stopped plans are never reopened (policy of the clinic)."""
    return status in PLAN_MOVES[PlanStatus(plan.status)]
