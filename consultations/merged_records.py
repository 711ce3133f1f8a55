"""What a merge of two patients' records means for the pathway: what goes along, what keeps a record, what is relied on."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q

from clinic.models import Appointment, Patient
from consultations.models import (
    AdverseEvent,
    Alert,
    Allergy,
    CauseFinding,
    CauseSearch,
    CheckIn,
    ClinicalReport,
    Consent,
    Consultation,
    Deviation,
    FollowUp,
    HealthAnswer,
    LeafletHandout,
    PatchTest,
    Photo,
    PhotographyConsent,
    Plan,
    PlannedSession,
    Review,
    Session,
    TestReading,
)

# What warns, and is not signed: it goes to the record that is opened.
MOVING: tuple[type[Model], ...] = (Allergy, Alert, ClinicalReport)
# What stays where it was written, drafts among them: a record with one of these is never the one merged away.
KEEPING: tuple[type[Model], ...] = (
    Consultation,
    Plan,
    Deviation,
    Session,
    CauseSearch,
    CauseFinding,
    CheckIn,
    Consent,
    FollowUp,
    PatchTest,
    TestReading,
    AdverseEvent,
    HealthAnswer,
    LeafletHandout,
    Review,
    PhotographyConsent,
    Photo,
)
_AT_A_VISIT: tuple[type[Model], ...] = (Consultation, PlannedSession, Session, CheckIn, PatchTest, Review)


def keeping(patients: Collection[UUID]) -> set[UUID]:
    """Which of them carry what is never moved; a report that was looked at is closed, and such a thing too."""
    carries = Q(Exists(ClinicalReport.objects.filter(patient=OuterRef("pk"), triaged_at__isnull=False)))
    for model in KEEPING:
        carries |= Q(Exists(model._default_manager.filter(patient=OuterRef("pk"))))
    return set(Patient.objects.filter(carries, pk__in=patients).values_list("pk", flat=True))


def relied_on(visits: Collection[UUID]) -> set[UUID]:
    """Which of these visits something clinical was written at, or a planned session is booked as."""
    relies = Q()
    for model in _AT_A_VISIT:
        relies |= Q(Exists(model._default_manager.filter(appointment=OuterRef("pk"))))
    return set(Appointment.objects.filter(relies, pk__in=visits).values_list("pk", flat=True))
