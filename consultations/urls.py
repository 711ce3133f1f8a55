"""The pathway's addresses."""

from django.urls import path

from consultations.views import (
    consents,
    consultations,
    late,
    lots,
    outcomes,
    patch_tests,
    patients,
    plans,
    records,
    reports,
    reviews,
    sessions,
    worklists,
)

app_name = "consultations"

urlpatterns = [
    path("patients/<uuid:patient_id>/", patients.show, name="patient"),
    path(
        "patients/<uuid:patient_id>/consultations/new/",
        consultations.begin,
        name="consultation_begin",
    ),
    path(
        "patients/<uuid:patient_id>/allergies/new/",
        patients.report_allergy,
        name="allergy_new",
    ),
    path("patients/<uuid:patient_id>/alerts/new/", patients.raise_alert, name="alert_new"),
    path("patients/<uuid:patient_id>/report/", reports.new, name="report_new"),
    path(
        "allergies/<uuid:allergy_id>/assess/",
        patients.assess_allergy,
        name="allergy_assess",
    ),
    path("alerts/<uuid:alert_id>/lift/", patients.lift_alert, name="alert_lift"),
    path("reports/<uuid:report_id>/triage/", reports.triage, name="report_triage"),
    path(
        "visits/<uuid:appointment_id>/consultation/",
        consultations.of_visit,
        name="consultation_of",
    ),
    path("consultations/<uuid:consultation_id>/", consultations.show, name="consultation"),
    path("plans/<uuid:plan_id>/", plans.show, name="plan"),
    path("plans/<uuid:plan_id>/consent/", consents.sign, name="consent_sign"),
    path("plans/<uuid:plan_id>/test/", patch_tests.give, name="patch_test_give"),
    path(
        "plans/<uuid:plan_id>/reading/",
        patch_tests.reading_of_plan,
        name="reading_of_plan",
    ),
    path("plans/<uuid:plan_id>/reviews/", reviews.of_plan, name="reviews_of"),
    path("plans/<uuid:plan_id>/<slug:change>/", plans.change, name="plan_change"),
    path("consents/<uuid:consent_id>/", consents.show, name="consent"),
    path(
        "consents/<uuid:consent_id>/withdraw/",
        consents.withdraw,
        name="consent_withdraw",
    ),
    path("tests/<uuid:test_id>/", patch_tests.show, name="patch_test"),
    path("tests/<uuid:test_id>/read/", patch_tests.read, name="patch_test_read"),
    path(
        "tests/<uuid:test_id>/reaction/",
        patch_tests.reaction,
        name="patch_test_reaction",
    ),
    path("planned-sessions/<uuid:planned_id>/", sessions.of_plan, name="session_of"),
    path(
        "planned-sessions/<uuid:planned_id>/begin/",
        sessions.begin,
        name="session_begin",
    ),
    path(
        "planned-sessions/<uuid:planned_id>/not-given/",
        sessions.not_given,
        name="session_not_given",
    ),
    path(
        "planned-sessions/<uuid:planned_id>/deviation/",
        sessions.deviation,
        name="session_deviation",
    ),
    path("sessions/<uuid:session_id>/", sessions.show, name="session"),
    path("sessions/<uuid:session_id>/doses/", sessions.doses, name="session_doses"),
    path("reviews/<uuid:review_id>/", reviews.show, name="review"),
    path("patients/<uuid:patient_id>/outcomes/", outcomes.of_patient, name="outcomes"),
    path("cohorts/", outcomes.courses, name="cohorts"),
    path("cohorts/<slug:code>/", outcomes.cohort, name="cohort"),
    path("cohorts/<slug:code>/sheet/", outcomes.cohort_sheet, name="cohort_sheet"),
    path("records/<slug:kind>/<uuid:record_id>/addendum/", records.add, name="addendum"),
    path(
        "records/<slug:kind>/<uuid:record_id>/take-over/",
        records.take_over,
        name="take_over",
    ),
    path(
        "records/<slug:kind>/<uuid:record_id>/entered-in-error/",
        records.error,
        name="entered_in_error",
    ),
    path("errors/<uuid:error_id>/confirm/", records.confirm_error, name="error_confirm"),
    path("worklists/", worklists.show, name="worklists"),
    path("late/", late.show, name="late"),
    path("late/<uuid:test_id>/call/", late.call, name="late_call"),
    path("incidents/", worklists.incidents, name="incidents"),
    path("lots/", lots.show, name="lots"),
    path("lots/new/", lots.receive, name="lot_receive"),
    path("lots/<uuid:lot_id>/quarantine/", lots.quarantine, name="lot_quarantine"),
    path("lots/<uuid:lot_id>/used-up/", lots.use_up, name="lot_use_up"),
    path("lots/<uuid:lot_id>/put-back/", lots.put_back, name="lot_put_back"),
    path("lots/<uuid:lot_id>/recall/", lots.recall, name="lot_recall"),
]
