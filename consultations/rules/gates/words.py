"""Sentences that several gates say: what the desk may read where the reason is clinical, and what is not confirmed yet."""

from django.utils.translation import gettext as _

from consultations.queries import PlanFacts


def not_cleared(facts: PlanFacts) -> str:
    """Whom to ask, without a word of why."""
    return _("Not cleared: ask %(who)s.") % {"who": facts.plan.consultation.practitioner}


def not_confirmed() -> str:
    """Why what one person has called an error goes on closing, for clinicians."""
    return _("It is called an error, not yet confirmed by a second person.")
