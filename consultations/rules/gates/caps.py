"""Every limit of the formula decided, and the plan's number of sessions within it (CLINICAL 2.1).

In Python only: caps are reference data that the SQL gate does not read.
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
    course = course_caps.course_cap(facts)
    if course and planned and len(facts.given) >= course.sessions:
        detail = _("%(component)s allows %(limit)s sessions in a plan.") % {
            "component": course.component,
            "limit": course.sessions,
        }
        found.append(Condition("course_full", not_cleared(facts), detail=detail))
    return found
