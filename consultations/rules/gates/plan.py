"""The plan is agreed, and neither on hold nor over (policy of the clinic)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.enums import PlanStatus
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules.gates.words import not_cleared


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`plan_` and the status that the plan is in. A plan held for an allergic event admits the test it waits for."""
    status = PlanStatus(facts.plan.status)
    is_test = planned is None
    if status == PlanStatus.ACTIVE or (status == PlanStatus.ON_HOLD and is_test and facts.allergic_since):
        return []
    return [
        Condition(
            f"plan_{status}",
            not_cleared(facts),
            detail=_("The plan is %(status)s.") % {"status": facts.plan.get_status_display()},
        )
    ]
