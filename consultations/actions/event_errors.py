"""An adverse event that never happened: what it closed opens again, with a note of why."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.models import User
from consultations.enums import AllergyStatus, PlanStatus
from consultations.models import AdverseEvent, PlanStatusChange
from consultations.rules.event_errors import Undone, undone_by


def undo(*, event: AdverseEvent, by: User, at: datetime) -> Undone:
    """Take back what the event closed and nothing else closes. Called inside the second person's confirmation, which
    may be an admin's: it follows from the rule, nobody decides anything here."""
    undone = undone_by(event)
    note = _("The adverse event behind it was entered in error.")
    for plan in undone.plans:
        plan.status = PlanStatus.ACTIVE
        plan.save(update_fields=["status"])
        PlanStatusChange.objects.create(
            plan=plan, status=plan.status, reason=note, adverse_event=event, changed_at=at, changed_by=by
        )
    for allergy in undone.allergies:
        allergy.status, allergy.assessment = AllergyStatus.REFUTED, note
        allergy.assessed_at, allergy.assessed_by = at, by
        allergy.save()
    for alert in undone.alerts:
        alert.lifted_at, alert.lifted_by = at, by
        alert.save()
    return undone
