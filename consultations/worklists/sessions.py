"""Sessions that nobody has booked although they are late."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from consultations.models import PlannedSession
from consultations.queries import PlanFacts, facts_of, quiet_plans, unbooked
from consultations.rules import clearance
from consultations.rules.codes import MAY_STILL_COME

# How long past its hard gap, and at the least, before an unbooked session is called overdue.
_GRACE, _PATIENCE = timedelta(days=7), timedelta(days=14)
MOST = 50


@dataclass(frozen=True)
class SessionLate:
    """The next session of a plan, neither given nor booked although late; `since` is when something last happened."""

    planned: PlannedSession
    total: int
    since: datetime


def late(*, at: datetime) -> list[SessionLate]:
    """Sessions to book, the longest forgotten first."""
    return sorted(overdue(at), key=lambda row: row.since)


def overdue(at: datetime) -> list[SessionLate]:
    """The next session of each active plan that could be given and is neither booked nor given although a week late.

    A plan that is closed (a positive test, an allergy) waits for a decision, not for a booking. At most MOST, of
    the latest plans: every diary page counts them, and what a plan is judged by takes a dozen queries to read.
    """
    late: list[SessionLate] = []
    quiet, start = quiet_plans(since=at - _PATIENCE), 0
    while True:
        plans = list(quiet[start : start + MOST])
        late += [row for facts in facts_of(plans).values() if (row := _overdue(facts, at))]
        if len(late) >= MOST or len(plans) < MOST:
            return late[:MOST]
        start += MOST


def _overdue(facts: PlanFacts, at: datetime) -> SessionLate | None:
    """The plan's next session, if it is late and the plan is not closed."""
    planned = next(iter(unbooked(facts)), None)
    if planned is None:
        return None
    last = facts.given[-1].started_at if facts.given else facts.plan.consultation.signed_at
    wait = max(timedelta(days=planned.min_gap_days) + _GRACE, _PATIENCE)
    if not last or at - last <= wait:
        return None
    judged = clearance.judge(facts, gate=clearance.Gate.TEST, on=at)
    closed = any(each.code not in MAY_STILL_COME for each in judged.conditions)
    return None if closed else SessionLate(planned, len(facts.planned), since=last)
