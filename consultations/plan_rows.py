"""The rows that a plan is judged by, each kind in one query that is written once (`consultations.queries.facts_of`)."""

from typing import Any

from clinic.enums import AppointmentStatus
from clinic.models import Appointment
from clinic.prepared import Objects, RowsFor
from consultations import read_with_plans
from consultations.models import (
    Allergy,
    ClinicalReport,
    Consent,
    ContraindicationAnswer,
    DoseCap,
    FormulaPart,
    PatchTest,
    Plan,
    PlannedSession,
    Session,
    TestReading,
)

# The plans anew, with what they name and how long it holds.
PLANS: RowsFor[Any] = RowsFor(
    Plan.objects.select_related(
        "patient",
        "consultation__practitioner",
        "consultation__entered_in_error",
        "indication",
        "technique",
        "formula",
        "template",
        "test_policy",
    ).annotate(
        asked_reviews=read_with_plans.ASKED_REVIEWS,
        held_reviews=read_with_plans.HELD_REVIEWS,
        consultation_months=read_with_plans.CONSULTATION_MONTHS,
        consent_months=read_with_plans.CONSENT_MONTHS,
        answers_required=read_with_plans.ANSWERS_REQUIRED,
        confirmed=read_with_plans.CONFIRMED,
        stopped=read_with_plans.STOPPED,
        check_ins_known=read_with_plans.CHECK_INS,
        allergic_since=read_with_plans.ALLERGIC_SINCE,
        **read_with_plans.SINCE_TEST | read_with_plans.AFTER_POSITIVE,
    ),
    by="pk",
)
CAP_VERSIONS = Objects(DoseCap, "WHERE published_at IS NOT NULL ORDER BY published_at, version")
PLANNED = RowsFor(PlannedSession.objects.select_related("appointment", "formula"), by="plan")
PARTS = RowsFor(FormulaPart.objects.with_groups_in_force().select_related("component"), by="formula")
# Those that are not a plain no.
ANSWERS = RowsFor(
    ContraindicationAnswer.objects.exclude(answer="no").select_related("question"), by="consultation"
)
CONSENTS = RowsFor(
    Consent.objects.annotate(newer_texts=read_with_plans.NEWER_TEXTS).select_related(
        "withdrawal", "entered_in_error", "text"
    ),
    by="plan",
)
# A hold is a wish: nothing follows from it until it is taken.
_BOOKED = Appointment.objects.holding_time().exclude(status=AppointmentStatus.HELD).exclude(purpose="")
# What any plan of a patient is judged by, under the name of its field in PlanFacts.
OF_PATIENTS: dict[str, RowsFor[Any]] = {
    "sessions": RowsFor(
        Session.objects.select_related(
            "entered_in_error", "planned__formula", "plan__formula", "practitioner"
        )
        .prefetch_related("doses__component", "zones")
        .order_by("started_at"),
        by="patient",
    ),
    "tests": RowsFor(
        PatchTest.objects.filter(signed_at__isnull=False)
        .select_related("entered_in_error", "policy", "cause_search")
        .order_by("given_at"),
        by="patient",
    ),
    "readings": RowsFor(
        TestReading.objects.select_related(
            "entered_in_error", "superseded_by", "patch_test__entered_in_error"
        ).order_by("read_at"),
        by="patient",
    ),
    "allergies": RowsFor(Allergy.objects.in_force().select_related("test_reading"), by="patient"),
    "reports": RowsFor(ClinicalReport.objects.untriaged(), by="patient"),
    "visits": RowsFor(
        _BOOKED.select_related("patient", "practitioner", "room", "device", "type").order_by("starts_at"),
        by="patient",
    ),
}
