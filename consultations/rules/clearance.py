"""May this be injected then? The one place that composes the rules; the SQL gate says the same in codes.

Two gates: `test` (suitable, consent, no allergy, no stop) and `session` (all that, the test where the policy asks for
it, intervals, caps decided). Every refusal says what, who can fix it, and from when. What each thing asks for stands
in its module of `rules.gates`, what its code means elsewhere in `rules.codes`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from clinic.readiness import Condition
from consultations.models import PlannedSession, TestReading
from consultations.queries import PlanFacts
from consultations.rules.gates import (
    allergies,
    caps,
    consent,
    interval,
    plan,
    positive,
    review,
    stops,
    suitable,
    test,
)
from consultations.rules.gates.test import clearing_reading, clearing_readings, settled_from, test_settled
from consultations.rules.knowledge import as_known

__all__ = [
    "Clearance",
    "Gate",
    "clearing_reading",
    "clearing_readings",
    "judge",
    "settled_from",
    "test_settled",
]

# In the order in which a clinic would settle it, and in which `pathway_refusal()` asks.
_ALWAYS = (
    suitable.missing,
    plan.missing,
    stops.missing,
    allergies.missing,
    consent.missing,
    positive.missing,
)
_FOR_SESSIONS = (test.missing, interval.missing, review.missing, caps.missing)


class Gate(StrEnum):
    """What is about to be injected."""

    TEST = "test"
    SESSION = "session"


@dataclass(frozen=True)
class Clearance:
    """What clears a session, for the banner of the session page."""

    conditions: list[Condition]
    reading: TestReading | None = None

    @property
    def is_clear(self) -> bool:
        """Nothing is missing."""
        return not self.conditions


def judge(
    facts: PlanFacts,
    *,
    gate: Gate,
    on: datetime,
    planned: PlannedSession | None = None,
    known_by: datetime | None = None,
) -> Clearance:
    """Everything that is missing at the moment `on`, in the order in which a clinic would settle it.

    By everything known now; `known_by` leaves out what came to be known only later, for signing what was given. By the
    plan's formula in each of its sessions, as the SQL gate: consent and test cover what is in it, and nothing less. The
    caps of a session's own formula bind it as well.
    """
    facts = facts.of_whole_plan.in_session(planned)
    if known_by is not None:
        facts = as_known(facts, known_by)
    asked = [*_ALWAYS, *_FOR_SESSIONS] if gate == Gate.SESSION else _ALWAYS
    missing = [condition for each in asked for condition in each(facts, on, planned)]
    reading = clearing_reading(facts, on) if gate == Gate.SESSION else None
    who = str(facts.plan.consultation.practitioner)
    return Clearance([each if each.who else replace(each, who=who) for each in missing], reading)
