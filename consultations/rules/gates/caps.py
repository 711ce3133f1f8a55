"""Every limit of the formula decided, and the number of sessions within it, over all plans.

`gate_caps()` says the same of the next session; that a later one of the plan would be beyond it is said here only, so
that it is never booked.
"""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import course_caps, doses
from consultations.rules.gates.words import not_cleared


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`cap_undecided` for the first limit without a decision, `course_full` beyond the last session allowed."""
    found = [
        Condition(
            "cap_undecided",
            _("The clinic has not decided a dose limit yet."),
            who=_("an admin"),
            detail=_("%(name)s: to be decided in the reference data.") % {"name": cap.name},
        )
        for cap in doses.undecided(facts)[:1]
    ]
    full = course_caps.is_full(facts, planned) if planned else None
    if full:
        words = (
            _("%(component)s allows %(limit)s sessions over all plans; %(given)s were given.")
            if full.over_plans
            else _("%(component)s allows %(limit)s sessions in a plan; %(given)s were given.")
        )
        detail = words % {"component": full.component, "limit": full.sessions, "given": full.given}
        found.append(Condition("course_full", not_cleared(facts), detail=detail))
    return found
