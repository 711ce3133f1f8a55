"""Rows of the pathway that are written onto a record which was merged into another."""

from tests.factories import (
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsentFactory,
    ConsultationFactory,
    DeviationFactory,
    FollowUpFactory,
    HealthAnswerFactory,
    LeafletHandoutFactory,
    PatchTestFactory,
    PhotoFactory,
    PhotographyConsentFactory,
    PlanFactory,
    ReviewFactory,
    SessionFactory,
    TestReadingFactory,
)
from tests.guards import Cases
from tests.merged_rows import onto_merged_records

triggers = Cases()
onto_merged_records(
    triggers,
    AdverseEventFactory,
    AlertFactory,
    AllergyFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsentFactory,
    ConsultationFactory,
    DeviationFactory,
    FollowUpFactory,
    HealthAnswerFactory,
    LeafletHandoutFactory,
    PatchTestFactory,
    PhotoFactory,
    PhotographyConsentFactory,
    PlanFactory,
    ReviewFactory,
    SessionFactory,
    TestReadingFactory,
)
