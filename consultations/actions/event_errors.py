"""An adverse event that never happened, a reading that was wrong: what it closed opens again, with a note of why."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.models import User
from consultations.enums import AllergyStatus, PlanStatus
from consultations.models import AdverseEvent, PatchTest, PlanStatusChange, TestReading
from consultations.rules import reading_errors
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
    _take_back(undone, note, by=by, at=at)
    return undone


def undo_reading(*, record: TestReading | PatchTest, by: User, at: datetime) -> Undone:
    """Take back the allergy that a positive reading made, and its alert, likewise."""
    undone = reading_errors.undone_by(record)
    _take_back(undone, _("The test reading behind it was entered in error."), by=by, at=at)
    return undone


def _take_back(undone: Undone, note: str, *, by: User, at: datetime) -> None:
    for allergy in undone.allergies:
        allergy.status, allergy.assessment = AllergyStatus.REFUTED, note
        allergy.assessed_at, allergy.assessed_by = at, by
        allergy.save()
    for alert in undone.alerts:
        alert.lifted_at, alert.lifted_by = at, by
        alert.save()
