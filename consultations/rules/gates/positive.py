"""No positive test of anything in the formula."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.enums import TestResult
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import causes
from consultations.rules.gates.words import not_cleared, not_confirmed
from consultations.rules.reading_errors import still_closes, still_opens


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`test_positive`, until a second person has confirmed that the reading or its test was an error; of what tests of
    single components have opened since, no more."""
    codes = facts.component_codes
    for reading in facts.readings:
        if reading.result != TestResult.POSITIVE:
            continue
        closed = codes & causes.still_closed(facts, reading)
        if closed and still_closes(reading):
            day = in_words(reading.read_at)
            shared = ", ".join(part.component.name for part in facts.parts if part.component.code in closed)
            words = _("The test read on %(day)s was positive; shared components: %(shared)s.")
            detail = words % {"day": day, "shared": shared}
            if not still_opens(reading):
                detail = f"{detail} {not_confirmed()}"
            return [Condition("test_positive", not_cleared(facts), detail=detail)]
    return []
