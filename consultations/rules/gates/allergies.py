"""No allergy to anything in the formula, and none that nobody has assessed."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.models import PlannedSession
from consultations.queries import PlanFacts
from consultations.rules import allergens, causes
from consultations.rules.gates.words import not_cleared


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`allergy` for each component that one closes, `allergy_unassessed` for each reported in words only."""
    suspected = [causes.still_suspected(facts, each) for each in facts.allergies]
    found = [
        Condition(
            "allergy",
            not_cleared(facts),
            detail=_("%(allergy)s (%(status)s): the formula contains %(component)s.")
            % {
                "allergy": allergy.words,
                "status": allergy.get_status_display(),
                "component": component,
            },
        )
        for allergy, component in allergens.conflicts(facts.parts, suspected)
    ]
    found += [
        Condition(
            "allergy_unassessed",
            _("A practitioner has to assess a reported allergy first."),
            who=_("any practitioner"),
            detail=_("Reported: %(words)s.") % {"words": allergy.words},
        )
        for allergy in allergens.unassessed(facts.allergies)
    ]
    return found
