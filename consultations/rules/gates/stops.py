"""Nothing that the desk reported waits for a practitioner (CLINICAL 6.4)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`report_open`, until any practitioner has looked at it."""
    if not facts.reports:
        return []
    return [
        Condition(
            "report_open",
            _("A practitioner has to look at a report from the desk first."),
            who=_("any practitioner"),
            detail=_("A report from the desk waits on the worklist."),
        )
    ]
