"""Nothing that the desk reported, and no answer from a check-in, waits for a practitioner (policy of the clinic)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`report_open` and `answer_open`, until any practitioner has looked at it."""
    return _reports(facts) + _answers(facts)


def _answers(facts: PlanFacts) -> list[Condition]:
    """Handed over and not answered counts like an answer that needs eyes."""
    waiting = [each for each in facts.check_ins if each.waits]
    return [
        Condition(
            "answer_open",
            _("A practitioner has to look at the answers from the check-in first."),
            detail=_("An answer from the check-in needs your eyes, or was not given: see the worklist."),
            who=each.practitioner,
        )
        for each in waiting[:1]
    ]


def _reports(facts: PlanFacts) -> list[Condition]:
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
