"""The reviews without which a course does not go on: the clinic's review rules say which, and after which session."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules.reviews import required_before


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`review_due`, once the session was given that a required review follows, until the review is signed."""
    wanted = required_before(facts, planned, on=on)
    if wanted is None:
        return []
    return [
        Condition(
            "review_due",
            _("An outcome review has to be held first."),
            detail=_("The review “%(name)s” is not signed.") % {"name": wanted.name},
        )
    ]
