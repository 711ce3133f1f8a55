"""A consent in force that names the plan's formula (CLINICAL 3)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules.consent import in_force


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`consent`, as long as there is none."""
    if in_force(facts, on=on):
        return []
    return [
        Condition(
            "consent",
            _("Consent to sign."),
            detail=_("No consent in force names this formula."),
        )
    ]
