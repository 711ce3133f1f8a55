"""Allergies, alerts, reports and deviations."""

from consultations.enums import (
    AllergyStatus,
)
from tests.factories import (
    AlertFactory,
    AllergyFactory,
    ClinicalReportFactory,
    DeviationFactory,
)
from tests.factories.clock import CLINIC_NOW
from tests.final_records import Record, delete_in_sql, never_deleted, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()

records(
    triggers,
    Record(lambda: ClinicalReportFactory(triaged=True), "note", "clinical_report_signed", opens=True),
    Record(DeviationFactory, "reason", "deviation_append_only"),
)
never_deleted(triggers, AllergyFactory, "allergy_no_delete")
never_deleted(triggers, AlertFactory, "alert_no_delete")


@constraints.refused_by("allergy_assessed_together")
def _an_assessment_by_nobody() -> None:
    AllergyFactory(confirmed=True, assessed_by=None)


@constraints.refused_by("allergy_status_assessed")
def _an_allergy_refuted_without_assessment() -> None:
    AllergyFactory(status=AllergyStatus.REFUTED)


@constraints.refused_by("allergy_worded")
def _an_allergy_to_nothing() -> None:
    AllergyFactory(words="")


@constraints.refused_by("alert_lifted_together")
def _an_alert_lifted_by_nobody() -> None:
    AlertFactory(lifted_at=CLINIC_NOW)


@constraints.refused_by("alert_worded")
def _an_alert_that_says_nothing() -> None:
    AlertFactory(text="")


@constraints.refused_by("clinical_report_triaged_together")
def _a_triage_by_nobody() -> None:
    ClinicalReportFactory(triaged=True, triaged_by=None)


@constraints.refused_by("clinical_report_outcome")
def _a_triage_without_an_outcome() -> None:
    ClinicalReportFactory(triaged=True, outcome="")


@constraints.refused_by("clinical_report_outcome")
def _an_outcome_before_the_triage() -> None:
    ClinicalReportFactory(outcome="advice")


@constraints.refused_by("clinical_report_worded")
def _a_report_without_words() -> None:
    ClinicalReportFactory(words="")


@constraints.refused_by("deviation_reason")
def _a_deviation_without_a_reason() -> None:
    DeviationFactory(reason="")


@constraints.refused_by("deviation_codes")
def _a_deviation_from_nothing() -> None:
    DeviationFactory(codes=[])


@triggers.refused_by("clinical_report_signed")
def _a_report_deleted_before_anybody_has_looked() -> None:
    delete_in_sql(ClinicalReportFactory())
