"""Far enough from the session before: the plan's own hard gap, and the components' intervals over all plans.
`gate_interval()` says the same."""

from datetime import datetime, time

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import course_caps, plans


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`too_soon`, with the first day that is far enough."""
    day = timezone.localdate(on)
    first = plans.too_close(planned, facts, on) if planned else None
    capped = course_caps.interval_cap(facts, on=day)
    if capped and (first is None or capped[0] > first):
        first = capped[0]
    if first is None:
        return []
    return [
        Condition(
            "too_soon",
            _("Too soon after the last session: %(day)s at the earliest.") % {"day": in_words(first)},
            earliest=timezone.make_aware(datetime.combine(first, time())),
        )
    ]
