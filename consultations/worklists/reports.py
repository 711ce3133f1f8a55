"""What was reported and waits for a practitioner."""

from datetime import datetime

from clinic.models import Patient, User
from consultations.models import Allergy, ClinicalReport
from consultations.rules.allergens import unassessed


def allergies_to_assess(user: User) -> list[Allergy]:
    """Reported in words that name no group, oldest first."""
    reported = Allergy.objects.visible_to(user).in_force().select_related("patient").order_by("reported_at")
    return unassessed(reported)


def report_waiting_since(patient: Patient) -> datetime | None:
    """When the oldest report nobody has looked at was taken; all that the desk may know of earlier reports."""
    waiting = ClinicalReport.objects.filter(patient=patient, triaged_at=None)
    return waiting.order_by("reported_at").values_list("reported_at", flat=True).first()
