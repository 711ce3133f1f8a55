"""The patient page: as much of it as each role may see, with a fixed number of queries."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus
from clinic.models import Patient, RecordOpened, User
from consultations import purposes, steppers, timeline
from consultations.enums import AllergyStatus, PlanStatus
from consultations.enums import TestRequirement as Requirement
from consultations.models import Alert, Allergy, Plan
from consultations.next_steps import next_of
from consultations.queries import facts_of_one
from tests.factories import (
    AlertFactory,
    AllergyFactory,
    AppointmentFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ConsentWithdrawalFactory,
    EnteredInErrorFactory,
    ErasureDoneFactory,
    ErasureFactory,
    PatchTestFactory,
    PatientFactory,
    PlanFactory,
    ReviewFactory,
    SessionFactory,
    TestReadingFactory,
    cause_found,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = pytest.mark.django_db


def page(client: Client, patient: Patient, query: str = "") -> str:
    answer = client.get(reverse("consultations:patient", args=[patient.pk]) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def states(plan: Plan) -> list[tuple[str, str]]:
    return [(step.label, step.state) for step in steppers.steps_of(facts_of_one(plan), at=CLINIC_NOW)]


def course(patient: Patient) -> steppers.Course:
    (found,) = steppers.courses(steppers.open_facts(patient), at=CLINIC_NOW)
    return found


# --- The stepper and what comes next ---------------------------------------------------------------------------------

ALL = ["Consultation", "Consent", "Test", "Reading", "Plan", "Sessions", "Review"]


def test_the_steps_of_a_fresh_plan_wait_for_the_consent() -> None:
    assert states(PlanFactory()) == list(
        zip(ALL, ["done", "current", "todo", "todo", "done", "todo", "todo"], strict=True)
    )


def test_the_steps_of_a_cleared_plan_wait_for_its_sessions() -> None:
    assert states(cleared_plan()) == list(
        zip(ALL, ["done", "done", "done", "done", "done", "current", "todo"], strict=True)
    )


def test_a_positive_reading_and_a_plan_on_hold_are_blocked() -> None:
    plan = consented_plan()
    TestReadingFactory(patch_test__plan=plan, positive=True)
    assert dict(states(plan))["Reading"] == "blocked"
    held = cleared_plan()
    held.status = PlanStatus.ON_HOLD
    held.save()
    assert dict(states(held))["Plan"] == "blocked"


def test_a_given_test_says_when_its_reading_is_due() -> None:
    plan = consented_plan()
    PatchTestFactory(plan=plan, given_at=ago(hours=30))
    step = steppers.steps_of(facts_of_one(plan), at=CLINIC_NOW)[3]
    assert (step.state, step.detail) == ("current", "due 3 Mar 2026, 03:00")
    overdue = steppers.steps_of(facts_of_one(plan), at=ahead(days=4))[3]
    assert overdue.detail == "overdue since 5 Mar 2026, 03:00"


def what_next(plan: Plan, at: datetime = CLINIC_NOW) -> tuple[str, str]:
    found = next_of(facts_of_one(plan), at=at)
    return found.what, found.primary.label


def test_next_follows_the_way() -> None:
    plan = PlanFactory()
    assert what_next(plan) == ("Sign the consent.", "Sign consent")
    plan = consented_plan()
    assert what_next(plan) == ("Book the test injection and its reading.", "Book test + reading")
    AppointmentFactory(patient=plan.patient, purpose=purposes.test_of(plan))
    assert what_next(plan) == ("Give the test injection.", "Record the test injection")
    test = PatchTestFactory(plan=plan, given_at=ago(days=2))
    assert what_next(plan) == ("Read the test injection.", "Open reading")
    TestReadingFactory(patch_test=test, read_at=ago(minutes=1))
    assert what_next(plan) == ("Book session 1.", "Book session 1")
    first = plan.planned_sessions.get(ordinal=1)
    AppointmentFactory(patient=plan.patient, purpose=purposes.session_of(first), starts_at=ahead(days=3))
    assert what_next(plan) == ("Session 1 of 3.", "Open session")
    SessionFactory(plan=plan, started_at=CLINIC_NOW)
    assert what_next(plan) == ("Finish and sign session 1.", "Open session")


def test_next_is_the_review_when_all_was_given() -> None:
    plan = cleared_plan(sessions=1)
    SessionFactory(plan=plan, signed=True)
    assert what_next(plan) == ("Review the outcome.", "Book the review")


def test_next_says_what_else_is_in_the_way() -> None:
    plan = cleared_plan()
    test = PatchTestFactory(plan=plan, given_at=ago(days=4))
    ClinicalReportFactory(patient=plan.patient)
    found = next_of(facts_of_one(plan), at=CLINIC_NOW)
    assert [condition.code for condition in found.conditions] == ["report_open"]
    TestReadingFactory(patch_test=test, positive=True)
    found = next_of(facts_of_one(plan), at=CLINIC_NOW)
    assert (found.what, found.primary.label) == ("Decide how this plan goes on.", "Open plan")


def test_a_session_has_an_earliest_day_that_keeps_the_interval() -> None:
    plan = cleared_plan(interval_days=7, min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=1))
    found = next_of(facts_of_one(plan), at=CLINIC_NOW)
    assert found.earliest is not None
    assert found.earliest.astimezone(CLINIC_NOW.tzinfo).date() == (CLINIC_NOW + timedelta(days=5)).date()


def test_the_desk_s_line_counts_and_dates_without_anything_clinical() -> None:
    plan = cleared_plan(sessions=3)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    second = plan.planned_sessions.get(ordinal=2)
    AppointmentFactory(patient=plan.patient, purpose=purposes.session_of(second), starts_at=ahead(days=2))
    found = course(plan.patient)
    assert (found.total, found.done, found.next_at) == (3, 1, ahead(days=2))


# --- The page by role ------------------------------------------------------------------------------------------------


@pytest.fixture
def known(clinic_now: datetime) -> Plan:
    """A plan with a history, allergies, an alert and a visit to come."""
    plan = cleared_plan(
        patient__family_name="Haddad",
        patient__desk_note="rings twice",
        formula__name="Peach mix",
        technique__name="fine papules",
    )
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    AllergyFactory(patient=plan.patient, words="shellfish", group_code="fish")
    AlertFactory(patient=plan.patient, text="takes an anticoagulant")
    second = plan.planned_sessions.get(ordinal=2)
    AppointmentFactory(patient=plan.patient, purpose=purposes.session_of(second), starts_at=ahead(days=2))
    return plan


def test_a_practitioner_sees_the_way_and_the_records(practitioner_client: Client, known: Plan) -> None:
    text = page(practitioner_client, known.patient)
    for expected in (
        str(known.indication),
        str(known.formula),
        "Timeline",
        "Session 1:",
        "shellfish",
        "Assess",
        "Lift",
    ):
        assert expected in text


def test_opening_the_records_is_noted_and_a_filter_of_the_same_page_is_not(
    practitioner_client: Client, practitioner_user: User, known: Plan
) -> None:
    page(practitioner_client, known.patient)
    url = reverse("consultations:patient", args=[known.patient_id])
    practitioner_client.get(url + "?kind=test", headers={"HX-Request": "true"})
    noted = RecordOpened.objects.values_list("patient", "page", "user", "at")
    assert list(noted) == [(known.patient_id, "consultations:patient", practitioner_user.pk, CLINIC_NOW)]


def test_the_desk_sees_counts_and_dates_and_whom_to_ask(reception_client: Client, known: Plan) -> None:
    text = page(reception_client, known.patient)
    assert "Course: 3, done 1, next Wed 4 Mar" in text
    assert f"For clinical questions ask {known.consultation.practitioner}." in text
    assert "rings twice" in text and "shellfish" in text and "takes an anticoagulant" in text
    for clinical in (str(known.formula), "Timeline", "Assess", "Lift", str(known.technique)):
        assert clinical not in text
    assert RecordOpened.objects.count() == 0


def test_the_desk_never_reads_why_something_is_refused(reception_client: Client, known: Plan) -> None:
    TestReadingFactory(patch_test__plan=known, positive=True)
    text = page(reception_client, known.patient)
    assert f"Not cleared: ask {known.consultation.practitioner}." in text
    assert "positive" not in text


def test_an_admin_sees_identity_and_whom_to_ask(admin_client: Client, known: Plan) -> None:
    text = page(admin_client, known.patient)
    assert "Haddad" in text and f"For clinical questions ask {known.consultation.practitioner}." in text
    for hidden in ("shellfish", "anticoagulant", "Course:", str(known.indication), "Appointments"):
        assert hidden not in text


def test_nobody_signed_in_is_sent_to_the_sign_in_page(client: Client, known: Plan) -> None:
    answer = client.get(reverse("consultations:patient", args=[known.patient_id]))
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, reverse("account_login"))


def test_a_new_patient_s_page_says_what_would_fill_it(
    practitioner_client: Client, clinic_now: datetime
) -> None:
    text = page(practitioner_client, PatientFactory())
    assert (
        "No open plan" in text and "Nothing has been recorded yet." in text and "Nothing is booked." in text
    )


def test_a_hold_is_among_what_is_to_come_until_it_runs_out(
    reception_client: Client, clinic_now: datetime
) -> None:
    held = AppointmentFactory(status="held", held_until=ahead(hours=2), starts_at=ahead(days=1))
    ran_out = AppointmentFactory(
        patient=held.patient, status="held", held_until=ago(minutes=1), starts_at=ago(hours=3)
    )
    shown = reception_client.get(reverse("consultations:patient", args=[held.patient.pk]))
    assert (shown.context["upcoming"], shown.context["past"]) == ([held], [])
    assert "until 1" in shown.content.decode()
    assert str(ran_out.pk) not in shown.content.decode()


def test_a_hold_that_ran_out_is_no_part_of_the_record(practitioner_user: User) -> None:
    ran_out = AppointmentFactory(status="held", held_until=ago(minutes=1), starts_at=ago(hours=3))
    assert titles(ran_out.patient, practitioner_user) == []


def test_a_merged_record_leads_to_the_one_that_counts(practitioner_client: Client) -> None:
    kept = PatientFactory()
    merged = PatientFactory(merged_into=kept)
    answer = practitioner_client.get(reverse("consultations:patient", args=[merged.pk]), follow=True)
    assert answer.redirect_chain == [(reverse("clinic:patient_merged", args=[merged.pk]), 302)]
    assert f'href="{reverse("consultations:patient", args=[kept.pk])}"' in answer.text


def test_that_the_record_is_to_be_erased_is_told_to_everybody_who_might_book(
    practitioner_client: Client, reception_client: Client, admin_client: Client, clinic_now: datetime
) -> None:
    erasure = ErasureFactory(reason="asked by letter")
    for client in (practitioner_client, reception_client):
        said = page(client, erasure.patient)
        assert "is to be erased from Sun 8 Mar 2026 on" in said
        assert erasure.reason not in said
        assert not offered(said, erasure.patient)
    assert reverse("consultations:erasure", args=[erasure.pk]) in page(admin_client, erasure.patient)
    ErasureDoneFactory(erasure=erasure)
    said = page(reception_client, erasure.patient)
    assert "is to be erased" not in said
    assert offered(said, erasure.patient) == {"book", "waitlist", "Can be booked next"}


def offered(said: str, patient: Patient) -> set[str]:
    """What the page offers of visits to come."""
    links = {each for each in ("book", "waitlist") if f"/patients/{patient.pk}/{each}/" in said}
    return links | ({"Can be booked next"} if "Can be booked next" in said else set())


def test_similar_patients_show_in_the_header(practitioner_client: Client, clinic_now: datetime) -> None:
    one, other = PatientFactory(family_name="Moreau"), PatientFactory(family_name="Moreaux")
    assert f"№ {other.number}" in page(practitioner_client, one)


@pytest.mark.parametrize("plans", [1, 3])
def test_the_page_takes_a_fixed_number_of_queries(
    practitioner_client: Client,
    reception_client: Client,
    clinic_now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
    plans: int,
) -> None:
    patient = PatientFactory()
    for _each in range(plans):
        plan = cleared_plan(patient=patient, min_gap_days=1)
        SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
        AppointmentFactory(patient=patient, status=AppointmentStatus.COMPLETED, starts_at=ago(days=3 + _each))
    AllergyFactory.create_batch(plans, patient=patient)
    url = reverse("consultations:patient", args=[patient.pk])
    with django_assert_num_queries(CLINICAL_QUERIES):
        practitioner_client.get(url)
    with django_assert_num_queries(DESK_QUERIES):
        reception_client.get(url)


CLINICAL_QUERIES = 58
DESK_QUERIES = 35

# --- The timeline ----------------------------------------------------------------------------------------------------


def titles(patient: Patient, user: User, **more: Any) -> list[str]:
    wanted = {"kind": None, "at": CLINIC_NOW, "offset": 0, "limit": 50, **more}
    return [entry.title for entry in timeline.entries(patient, user=user, **wanted)]


def test_the_timeline_is_newest_first_and_filtered_by_kind(practitioner_user: User, known: Plan) -> None:
    everything = titles(known.patient, practitioner_user)
    assert [title.partition(":")[0] for title in everything] == [
        "Session 1",
        "Reading",
        "Test injection",
        "Consent signed",
        "Consultation",
    ]
    assert titles(known.patient, practitioner_user, kind=timeline.Kind.SESSION) == everything[:1]
    assert titles(known.patient, practitioner_user, offset=1, limit=2) == everything[1:3]


def test_the_timeline_is_for_practitioners(reception: User, admin: User, known: Plan) -> None:
    assert titles(known.patient, reception) == titles(known.patient, admin) == []


@pytest.mark.parametrize(
    ("trait", "title", "tone"),
    [
        ({}, "Check-in: not answered", "warn"),
        ({"open": True}, "Check-in: an answer needs a look", "warn"),
        ({"answered": True}, "Check-in: every question answered with no", ""),
    ],
)
def test_a_check_in_is_in_the_timeline_with_what_came_of_it(
    practitioner_user: User, clinic_now: datetime, trait: dict[str, bool], title: str, tone: str
) -> None:
    check_in = CheckInFactory(**trait)
    wanted = {"kind": None, "at": CLINIC_NOW, "offset": 0, "limit": 50}
    (found,) = [
        each
        for each in timeline.entries(check_in.patient, user=practitioner_user, **wanted)
        if each.icon == "clipboard-check"
    ]
    assert (found.title, found.tone) == (title, tone)
    assert found.url == reverse("consultations:check_in_review", args=[check_in.pk])


def test_a_withdrawal_a_report_and_a_visit_are_in_the_timeline(practitioner_user: User, known: Plan) -> None:
    ConsentWithdrawalFactory(consent=known.consents.get())
    ClinicalReportFactory(patient=known.patient)
    visit = AppointmentFactory(patient=known.patient, starts_at=ago(days=1), status=AppointmentStatus.NO_SHOW)
    found = titles(known.patient, practitioner_user)[:3]
    assert found == ["Consent withdrawn", "Report: nobody has looked yet", str(visit.type)]


@pytest.mark.parametrize(
    "query", ["?kind=nonsense", "?page=0", "?page=x", "?page=999999999", "?past=-1", "?past=99"]
)
def test_nonsense_in_the_address_shows_the_page(practitioner_client: Client, known: Plan, query: str) -> None:
    assert "Timeline" in page(practitioner_client, known.patient, query)


# --- Allergies and alerts ----------------------------------------------------------------------------------------------


def test_the_desk_reports_an_allergy(reception_client: Client, reception: User, known: Plan) -> None:
    url = reverse("consultations:allergy_new", args=[known.patient_id])
    assert reception_client.get(url).status_code == 200
    data = {"words": "soy milk", "group_code": "soy", "reaction": "hives"}
    answer = reception_client.post(url, data)
    assert answer["Location"] == reverse("consultations:patient", args=[known.patient_id])
    row = Allergy.objects.get(words="soy milk")
    assert (row.group_code, row.status, row.reported_by) == ("soy", AllergyStatus.REPORTED, reception)


def test_an_allergy_without_words_is_refused_and_what_was_typed_stays(
    reception_client: Client, known: Plan
) -> None:
    url = reverse("consultations:allergy_new", args=[known.patient_id])
    answer = reception_client.post(url, {"words": "", "group_code": "soy", "reaction": "hives all over"})
    assert answer.status_code == 422
    assert answer.context["form"].error_codes == {"required"}
    assert "hives all over" in answer.content.decode()
    assert Allergy.objects.filter(patient=known.patient).count() == 1


def test_a_practitioner_assesses_an_allergy(
    practitioner_client: Client, practitioner_user: User, known: Plan
) -> None:
    allergy = known.patient.allergies.get()
    url = reverse("consultations:allergy_assess", args=[allergy.pk])
    assert practitioner_client.post(url, {"status": "reported", "assessment": "x"}).status_code == 422
    answer = practitioner_client.post(
        url, {"status": "refuted", "group_code": "fish", "assessment": "eats fish"}
    )
    assert answer.status_code == 302
    allergy.refresh_from_db()
    assert (allergy.status, allergy.assessment, allergy.assessed_by) == (
        "refuted",
        "eats fish",
        practitioner_user,
    )


def test_alerts_are_raised_and_lifted_by_practitioners(practitioner_client: Client, known: Plan) -> None:
    url = reverse("consultations:alert_new", args=[known.patient_id])
    practitioner_client.post(url, {"text": "latex"})
    alert = Alert.objects.get(text="latex")
    lift = reverse("consultations:alert_lift", args=[alert.pk])
    assert "Lift the alert “latex”?" in practitioner_client.get(lift).content.decode()
    practitioner_client.post(lift)
    alert.refresh_from_db()
    assert alert.lifted_at == CLINIC_NOW
    assert practitioner_client.post(lift).status_code == 302


@pytest.mark.parametrize("route", ["allergy_assess", "alert_lift", "alert_new"])
def test_the_desk_does_not_assess_raise_or_lift(reception_client: Client, known: Plan, route: str) -> None:
    key = {
        "allergy_assess": known.patient.allergies.get().pk,
        "alert_lift": known.patient.alerts.get().pk,
        "alert_new": known.patient_id,
    }[route]
    url = reverse(f"consultations:{route}", args=[key])
    assert reception_client.get(url).status_code == 403
    assert (
        reception_client.post(url, {"text": "x", "status": "refuted", "assessment": "x"}).status_code == 403
    )


def test_an_admin_neither_reports_nor_sees_allergies(admin_client: Client, known: Plan) -> None:
    new = reverse("consultations:allergy_new", args=[known.patient_id])
    assert admin_client.get(new).status_code == 403
    assess = reverse("consultations:allergy_assess", args=[known.patient.allergies.get().pk])
    assert admin_client.get(assess).status_code == 404


def test_no_test_required_counts_as_done() -> None:
    plan = consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED)
    assert dict(states(plan))["Reading"] == "done"


def test_a_plan_that_is_only_proposed_waits_for_the_signature_of_its_consultation() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED)
    found = next_of(facts_of_one(plan), at=CLINIC_NOW)
    assert (found.what, found.who) == (
        "Finish and sign the consultation.",
        str(plan.consultation.practitioner),
    )
    assert found.primary.url == reverse("consultations:consultation", args=[plan.consultation_id])


def test_once_the_cause_is_found_nobody_is_led_to_look_for_it() -> None:
    assert what_next(cause_found()) == ("The plan is stopped.", "Open plan")


def details(plan: Plan, at: datetime = CLINIC_NOW) -> dict[str, tuple[str, str]]:
    found = steppers.steps_of(facts_of_one(plan), at=at)
    return {step.label: (step.state, step.detail) for step in found}


def test_the_steps_are_all_done_when_the_last_review_was_held() -> None:
    plan = cleared_plan(sessions=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    plan.status = PlanStatus.COMPLETED
    plan.save(update_fields=["status"])
    assert [state for _label, state in states(plan)] == ["done"] * 6 + ["current"]
    ReviewFactory(plan=plan, signed=True, created_at=ago(days=1))
    assert [state for _label, state in states(plan)] == ["done"] * 7
    assert details(plan)["Review"] == ("done", "1 Mar 2026")


def test_a_consultation_of_another_patient_blocks_the_way() -> None:
    plan = cleared_plan()
    EnteredInErrorFactory(consultation=plan.consultation)
    assert details(plan)["Consultation"] == ("blocked", "entered in error")


def test_a_test_that_has_run_out_is_to_be_repeated() -> None:
    plan = consented_plan()
    TestReadingFactory(patch_test__plan=plan, valid_until=ahead(days=1))
    assert details(plan)["Reading"] == ("done", "valid to 3 Mar 2026")
    later = details(plan, at=ahead(days=1))
    assert (later["Test"], later["Reading"]) == (("current", "to repeat"), ("todo", "no longer valid"))


def test_what_was_tested_with_another_plan_is_not_tested_again() -> None:
    tested = cleared_plan()
    plan = consented_plan(
        patient=tested.patient, formula=tested.formula, test_policy__requirement=Requirement.NOT_AGAIN
    )
    found = details(plan)
    assert (found["Test"], found["Reading"]) == (("done", "tested before"), ("done", "valid"))
