"""What the desk may read where the reason is clinical."""

from django.utils.translation import gettext as _

from consultations.queries import PlanFacts


def not_cleared(facts: PlanFacts) -> str:
    """Whom to ask, without a word of why."""
    return _("Not cleared: ask %(who)s.") % {"who": facts.plan.consultation.practitioner}
