"""Test injections on screen: the verdict first, then the form; readings; what follows from each result."""

from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, Practitioner, RecordOpened, User
from consultations import purposes
from consultations.enums import Grade, PlanStatus
from consultations.enums import TestResult as Result
from consultations.models import Deviation, PatchTest, Plan
from consultations.models import TestReading as Reading
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    LotFactory,
    PatchTestFactory,
    PlanFactory,
    TestReadingFactory,
    consented_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
UNCLEAR = {"grade": Grade.DOUBTFUL, "result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}


@pytest.fixture
def plan(doctor: Practitioner) -> Plan:
    made = consented_plan()
    lots_of(made.formula)
    return made


@pytest.fixture
def waiting(plan: Plan) -> PatchTest:
    """Given two days ago, looked at after twenty minutes, not read yet: its window is open."""
    test = PatchTestFactory(plan=plan, given_at=ago(hours=48))
    seen = {"result": Result.AWAITING, "grade": "", "valid_from": None, "valid_until": None}
    TestReadingFactory(patch_test=test, kind="immediate", read_at=test.observed_until, **seen)
    return test


def put_aside_by(user: User) -> dict[str, Any]:
    return {"quarantined_at": ago(days=1), "quarantined_by": user, "quarantine_reason": "recall"}


def give_url(plan: Plan) -> str:
    return reverse("consultations:patch_test_give", args=[plan.pk])


def url(test: PatchTest, route: str = "patch_test") -> str:
    return reverse(f"consultations:{route}", args=[test.pk])


def moment(name: str, at: datetime) -> dict[str, str]:
    local = timezone.localtime(at)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M}"}


def typed(plan: Plan, *, given_at: datetime | None = None, **changes: Any) -> dict[str, Any]:
    """An injection half an hour ago, as the page posts it; a change of None leaves the field out."""
    given = given_at or ago(minutes=30)
    fields = {
        **moment("given_at", given),
        **moment("observed_until", given + timedelta(minutes=20)),
        "method": "intradermal",
        "arm": "left",
        "site": "left forearm",
        "volume_ml": "0,05",
        "saline_control": "on",
        "wheal_start_mm": "5",
        "wheal_end_mm": "5.5",
        **{f"lot_{lot.component.code}": str(lot.pk) for lot in lots_of(plan.formula)},
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def _session_visit(plan: Plan, **other: Any) -> Appointment:
    return AppointmentFactory(
        patient=plan.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(plan.planned_sessions.first()),
        **{"starts_at": ahead(days=5), "status": AppointmentStatus.PROVISIONAL, **other},
    )


# --- The verdict and the form --------------------------------------------------------------------------------------


def test_cleared_the_form_is_filled_in_from_the_policy(practitioner_client: Client, plan: Plan) -> None:
    response = practitioner_client.get(give_url(plan))
    form = response.context["form"]
    assert "Cleared for a test injection" in text(response)
    assert "deviation_reason" not in form.fields
    values = {
        name: form[name].value() for name in ("method", "site", "volume_ml", "given_at", "observed_until")
    }
    assert values == {
        "method": "intradermal",
        "site": "left forearm",
        "volume_ml": "0.05",
        "given_at": CLINIC_NOW,
        "observed_until": CLINIC_NOW + timedelta(minutes=21),  # the full minute after twenty
    }


def test_dilution_and_distance_of_the_control_are_the_policys_on_the_form_and_on_record(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    plan = consented_plan(test_policy__dilution="1 in 10", test_policy__control_distance_cm=Decimal("7.5"))
    lots_of(plan.formula)
    form = practitioner_client.get(give_url(plan)).content.decode()
    assert "At least 7.5 cm from the test." in form and ", 1 in 10. Observe for 20 minutes" in form
    test = PatchTestFactory(plan=plan, given_at=ago(hours=48), saline_control=True)
    record = practitioner_client.get(url(test)).content.decode()
    assert "ml, 1 in 10</dd>" in record and "saline, at least 7.5 cm away" in record


def test_the_first_lot_to_expire_is_chosen_and_expired_ones_are_absent(
    practitioner_client: Client, plan: Plan
) -> None:
    component = plan.formula.parts.first().component
    LotFactory(component=component, number="OLD", expires_on=TODAY - timedelta(days=1))
    soon = LotFactory(component=component, number="SOON", expires_on=TODAY + timedelta(days=1))
    response = practitioner_client.get(give_url(plan))
    field = response.context["form"][f"lot_{component.code}"]
    assert field.value() == str(soon.pk)
    assert "OLD" not in text(response)


def test_a_component_without_a_lot_in_date_leads_to_receiving_one(practitioner_client: Client) -> None:
    shown = text(practitioner_client.get(give_url(consented_plan())))
    assert "No lot in date:" in shown
    assert reverse("consultations:lot_receive") in shown


def test_not_cleared_each_missing_thing_stands_first_with_who(practitioner_client: Client) -> None:
    plan = PlanFactory()
    shown = text(practitioner_client.get(give_url(plan)))
    assert "Not cleared for a test injection" in shown
    assert "No consent in force names this formula." in shown
    assert str(plan.consultation.practitioner) in shown
    assert shown.index("No consent in force") < shown.index("It was given anyway: record what happened")


def test_signed_it_leads_to_the_reading_and_its_booking(
    practitioner_client: Client, practitioner_user: User, plan: Plan
) -> None:
    practitioner_client.post(give_url(plan), typed(plan))
    test = PatchTest.objects.get()
    assert (test.signed_by, test.given_at, test.volume_ml) == (
        practitioner_user,
        ago(minutes=30),
        Decimal("0.050"),
    )
    assert set(test.lots.all()) == set(lots_of(plan.formula))
    shown = text(practitioner_client.get(url(test)))
    assert "Waits for its reading" in shown
    assert (
        "Read it from Tue 3 Mar 2026, 08:30 and before Fri 6 Mar 2026, 08:30, best Wed 4 Mar 2026, 08:30."
        in shown
    )
    assert reverse("clinic:book_for", args=[plan.patient_id]) in shown
    assert "Book the reading" in shown


def test_a_reading_that_is_on_the_books_is_named_and_not_booked_again(
    practitioner_client: Client, waiting: PatchTest
) -> None:
    asked = "Book the reading"
    assert asked in text(practitioner_client.get(url(waiting)))
    visit = AppointmentFactory(
        patient=waiting.patient, purpose=purposes.reading_of(waiting.plan), starts_at=ahead(hours=3)
    )
    shown = text(practitioner_client.get(url(waiting)))
    assert f"12:00, {visit.practitioner}." in shown and asked not in shown


def test_it_attaches_to_the_visit_in_progress_whatever_its_type(
    practitioner_client: Client, plan: Plan
) -> None:
    visit = AppointmentFactory(
        patient=plan.patient, status=AppointmentStatus.IN_PROGRESS, starts_at=ago(hours=1)
    )
    practitioner_client.post(give_url(plan), typed(plan))
    assert PatchTest.objects.get().appointment == visit


def test_the_minute_in_which_the_page_was_opened_means_that_moment(
    practitioner_client: Client, practitioner_user: User, plan: Plan
) -> None:
    """Consent signed at 09:00:30, page opened at 09:00:40: the typed 09:00 must not lie before the consent."""
    opened = CLINIC_NOW + timedelta(seconds=40)
    with time_machine.travel(opened + timedelta(minutes=30), tick=False):
        sign_in(practitioner_client, practitioner_user)
        sent = typed(plan, given_at=CLINIC_NOW, opened_at=opened.isoformat())
        sent |= moment("observed_until", opened + timedelta(minutes=21))
        practitioner_client.post(give_url(plan), sent)
    assert PatchTest.objects.get().given_at == opened


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"volume_ml": "-1"}, "At least 0.001."),
        ({"volume_ml": "0.5"}, "The volume is 0.02 to 0.1 ml."),
        ({"volume_ml": "5 drops"}, "Enter a number, like 0.3."),
        ({"wheal_end_mm": ""}, "Enter the wheal in millimetres"),
        ({"wheal_end_mm": "9999"}, "At most 200."),
        ({"given_at_0": "9999-01-01"}, "Choose a date between 2000 and 2100."),
        ({"given_at_0": "2025-03-30", "given_at_1": "02:30"}, "does not exist"),
        ({"given_at_1": ""}, "Please fill this in."),
        ({"observed_until_1": "08:40"}, "Observe for at least 20 minutes."),
        ({"observed_until_1": "10:30"}, "Observation is not over"),
        ({"site": "arm\x00"}, "This contained an invisible character"),
        ({"site": "a" * 101}, "Write at most 100 characters"),
        ({"method": "guess"}, "This is not offered, or not any more."),
    ],
)
def test_bad_input_keeps_what_was_typed_and_changes_nothing(
    practitioner_client: Client, plan: Plan, changes: dict[str, Any], sentence: str
) -> None:
    response = practitioner_client.post(give_url(plan), typed(plan, note="kept as typed", **changes))
    assert response.status_code == 422
    assert sentence in text(response)
    assert "kept as typed" in text(response)
    assert PatchTest.objects.count() == 0


def test_a_lot_that_is_not_offered_is_refused(practitioner_client: Client, plan: Plan) -> None:
    component = plan.formula.parts.first().component
    old = LotFactory(component=component, expires_on=TODAY - timedelta(days=1))
    for value in (str(old.pk), "", "nonsense"):
        response = practitioner_client.post(give_url(plan), typed(plan, **{f"lot_{component.code}": value}))
        assert response.status_code == 422
    assert PatchTest.objects.count() == 0


# --- Deviations -------------------------------------------------------------------------------------------------------


def test_without_consent_the_page_refuses_and_asks_why_it_was_given(practitioner_client: Client) -> None:
    plan = PlanFactory()
    response = practitioner_client.post(give_url(plan), typed(plan))
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {"deviation_reason"}
    practitioner_client.post(give_url(plan), typed(plan, deviation_reason="wrong patient"))
    test = PatchTest.objects.get()
    assert (test.deviation.codes, test.deviation.reason) == (["consent"], "wrong patient")
    assert "Given outside the rules" in text(practitioner_client.get(url(test)))


def test_an_expired_lot_that_was_used_can_be_recorded(practitioner_client: Client, plan: Plan) -> None:
    component = plan.formula.parts.first().component
    old = LotFactory(component=component, number="OLD", expires_on=TODAY - timedelta(days=1))
    assert "OLD" in text(practitioner_client.get(give_url(plan), {"anyway": "1"}))
    sent = typed(plan, deviation_reason="seen afterwards", **{f"lot_{component.code}": str(old.pk)})
    practitioner_client.post(give_url(plan), sent)
    assert Deviation.objects.get().codes == ["lot_unusable"]


def test_a_lot_in_quarantine_is_named_only_where_it_was_used_all_the_same(
    practitioner_client: Client, practitioner_user: User, plan: Plan
) -> None:
    component = plan.formula.parts.first().component
    aside = LotFactory(component=component, number="ASIDE", **put_aside_by(practitioner_user))
    assert "ASIDE" not in text(practitioner_client.get(give_url(plan)))
    shown = text(practitioner_client.get(give_url(plan), {"anyway": "1"}))
    assert f"{aside.number}, {aside.maker}, until 31 Dec 2027 (in quarantine)</option>" in shown


# --- Reading -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [(2, "Too early"), (48, "The window is open until"), (96, "Too late"), (200, "Too late")],
)
def test_the_page_says_beforehand_what_a_reading_outside_the_window_is_worth(
    practitioner_client: Client, plan: Plan, hours: int, sentence: str
) -> None:
    test = PatchTestFactory(plan=plan, given_at=ago(hours=hours))
    assert sentence in text(practitioner_client.get(url(test, "patch_test_read")))


@pytest.mark.parametrize(
    ("answer", "title", "line"),
    [
        ({"grade": "neg"}, "No reaction seen", "Clears 2 Mar 2026 to 2 Sep 2026."),
        ({"grade": "pos2"}, "Positive", "Nothing that shares a component with this formula may be injected."),
        ({"grade": "doubtful"}, "Unclear: repeat", "Repeat it once, on the other arm, from 14 Mar 2026 on."),
        ({"grade": "neg", "saline_positive": "on"}, "Invalid: test again", "The saline control reacted too"),
        ({"site_readable": None}, "Invalid: test again", "The test site could not be read."),
        ({"grade": "neg", "systemic_sign": "on"}, "Positive", "refer to an allergist"),
    ],
)
def test_what_is_seen_becomes_a_result_in_plain_words(
    practitioner_client: Client, waiting: PatchTest, answer: dict[str, Any], title: str, line: str
) -> None:
    fields = {**moment("read_at", CLINIC_NOW), "site_readable": "on", **answer}
    sent = {name: value for name, value in fields.items() if value is not None}
    response = practitioner_client.post(url(waiting, "patch_test_read"), sent)
    assert response.headers["Location"] == url(waiting)
    shown = text(practitioner_client.get(url(waiting)))
    assert title in shown
    assert ("toast-success" in shown) == (title == "No reaction seen")  # good news alone is told as such
    assert line in shown


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"grade": ""}, "Choose the grade you see."),
        ({"grade": "fine"}, "This is not offered, or not any more."),
        ({"read_at_0": "2026-02-01"}, "The reading lies before the injection."),
        ({"read_at_0": "2026-03-09"}, "The reading lies in the future."),
        ({"read_at_1": ""}, "Please fill this in."),
    ],
)
def test_a_refused_reading_keeps_what_was_typed(
    practitioner_client: Client, waiting: PatchTest, changes: dict[str, Any], sentence: str
) -> None:
    usual = {**moment("read_at", CLINIC_NOW), "site_readable": "on", "grade": "neg", "note": "kept as typed"}
    response = practitioner_client.post(url(waiting, "patch_test_read"), usual | changes)
    assert response.status_code == 422
    assert sentence in text(response)
    assert "kept as typed" in text(response)
    assert Reading.objects.filter(kind="delayed").count() == 0


def test_a_test_that_was_read_leads_to_its_page(practitioner_client: Client) -> None:
    reading = TestReadingFactory()
    response = practitioner_client.get(url(reading.patch_test, "patch_test_read"))
    assert response.headers["Location"] == url(reading.patch_test)
    again = {**moment("read_at", CLINIC_NOW), "site_readable": "on", "grade": "neg"}
    response = practitioner_client.post(url(reading.patch_test, "patch_test_read"), again)
    assert response.status_code == 422
    assert "This test has been read. Record a later reaction instead." in text(response)


def test_the_diarys_way_in_finds_the_test_that_waits(practitioner_client: Client, waiting: PatchTest) -> None:
    way_in = reverse("consultations:reading_of_plan", args=[waiting.plan_id])
    assert practitioner_client.get(way_in).headers["Location"] == url(waiting, "patch_test_read")


def test_where_nothing_waits_the_way_in_says_what_to_do(practitioner_client: Client, plan: Plan) -> None:
    way_in = reverse("consultations:reading_of_plan", args=[plan.pk])
    shown = text(practitioner_client.get(way_in))
    assert "No test injection has been given yet" in shown
    assert give_url(plan) in shown
    test = TestReadingFactory(patch_test__plan=plan).patch_test
    assert url(test) in text(practitioner_client.get(way_in))


def test_what_was_not_read_in_time_says_when_that_was(practitioner_client: Client) -> None:
    test = PatchTestFactory(given_at=ago(days=5))
    shown = text(practitioner_client.get(url(test)))
    assert "Not read in time" in shown
    assert "The window closed on 1 Mar 2026. A reading now is invalid, unless it shows a reaction." in shown


def test_a_reading_that_the_pathway_does_not_offer_is_not_booked_from_the_test(
    practitioner_client: Client, waiting: PatchTest
) -> None:
    AppointmentTypeFactory(purpose="reading")

    def ways() -> tuple[bool, bool]:
        shown = practitioner_client.get(url(waiting))
        return bool(shown.context["outcome"].booking_url), "Book the reading" in text(shown)

    assert ways() == (True, True)
    waiting.plan.status = PlanStatus.STOPPED
    waiting.plan.save(update_fields=["status"])
    assert ways() == (False, False)


# --- What follows ------------------------------------------------------------------------------------------------------


def test_a_positive_test_lists_what_it_closes_the_visits_to_release_and_whom_to_call(
    practitioner_client: Client, plan: Plan
) -> None:
    test = TestReadingFactory(patch_test__plan=plan, positive=True).patch_test
    sharing = PlanFactory(patient=plan.patient, formula=plan.formula)
    PlanFactory(patient=plan.patient)
    visit = _session_visit(plan)
    outcome = practitioner_client.get(url(test)).context["outcome"]
    assert {each.pk for each in outcome.closed} == {plan.pk, sharing.pk}
    assert outcome.waiting == [visit]
    shown = text(practitioner_client.get(url(test)))
    assert reverse("clinic:release", args=[plan.patient_id]) in shown
    assert plan.patient.phone in shown


def test_an_unclear_test_is_repeated_from_a_date_and_its_repeat_page_says_so(
    practitioner_client: Client, plan: Plan
) -> None:
    TestReadingFactory(patch_test__plan=plan, **UNCLEAR)
    assert "The last test was unclear. Repeat it from Fri 6 Mar 2026 on" in text(
        practitioner_client.get(give_url(plan))
    )
    response = practitioner_client.post(give_url(plan), typed(plan))
    assert response.status_code == 422
    assert "repeat it from 6 Mar 2026 on, on the other arm" in text(response)


def test_a_reaction_reported_later_makes_it_positive(practitioner_client: Client, plan: Plan) -> None:
    test = TestReadingFactory(patch_test__plan=plan).patch_test
    address = url(test, "patch_test_reaction")
    assert "This makes the test positive" in text(practitioner_client.get(address))
    assert practitioner_client.post(address, moment("read_at", CLINIC_NOW)).status_code == 422
    practitioner_client.post(address, {**moment("read_at", CLINIC_NOW), "note": "itching for two days"})
    shown = text(practitioner_client.get(url(test)))
    assert Reading.objects.filter(result=Result.POSITIVE).count() == 1
    assert "itching for two days" in shown
    assert "Closed at once" in shown


# --- Who may -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reception_client", "admin_client"])
def test_others_find_nothing(role: str, waiting: PatchTest, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    reading = reverse("consultations:reading_of_plan", args=[waiting.plan_id])
    routes = ("patch_test", "patch_test_read", "patch_test_reaction")
    for address in (give_url(waiting.plan), reading, *(url(waiting, route) for route in routes)):
        assert client.get(address).status_code == 404
    assert client.post(url(waiting, "patch_test_reaction"), {"note": "x"}).status_code == 404
    assert Reading.objects.count() == 1


def test_nobody_signed_in_is_sent_to_sign_in(client: Client, waiting: PatchTest) -> None:
    for address in (give_url(waiting.plan), url(waiting), url(waiting, "patch_test_read")):
        assert client.get(address).status_code == 302


def test_opening_is_written_down_and_signing_is_not(practitioner_client: Client, waiting: PatchTest) -> None:
    practitioner_client.get(url(waiting, "patch_test_read"))
    practitioner_client.post(
        url(waiting, "patch_test_read"), {**moment("read_at", CLINIC_NOW), "grade": "neg"}
    )
    assert list(RecordOpened.objects.values_list("patient", "page")) == [
        (waiting.patient_id, "consultations:patch_test_read")
    ]


def test_the_pages_ask_a_fixed_number_of_queries(
    practitioner_client: Client, waiting: PatchTest, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _round in range(2):
        with django_assert_num_queries(GIVE_QUERIES):
            practitioner_client.get(give_url(waiting.plan))
        with django_assert_num_queries(SHOW_QUERIES):
            practitioner_client.get(url(waiting))
        with django_assert_num_queries(READ_QUERIES):
            practitioner_client.get(url(waiting, "patch_test_read"))
        LotFactory(component=waiting.formula.parts.first().component)
        TestReadingFactory(patch_test__given_at=ago(days=20), patch_test__plan=waiting.plan, **UNCLEAR)


GIVE_QUERIES, SHOW_QUERIES, READ_QUERIES = 27, 39, 11


# --- What was taken before, the arm, a stricter judgement --------------------------------------------------------------


def test_an_antihistamine_is_recorded_and_warned_of_and_not_refused(
    practitioner_client: Client, plan: Plan
) -> None:
    taken = typed(plan, antihistamine_last_on=f"{TODAY - timedelta(days=1):%Y-%m-%d}")
    response = practitioner_client.post(give_url(plan), taken, follow=True)
    test = PatchTest.objects.get()
    assert test.antihistamine_last_on == TODAY - timedelta(days=1)
    assert "a test from 8 Mar 2026 on would be free of what was taken" in text(response)


def test_the_form_says_by_when_it_has_to_have_been_taken(practitioner_client: Client, plan: Plan) -> None:
    page = text(practitioner_client.get(give_url(plan)))
    assert "After 23 Feb 2026 the skin may not answer." in page


def test_after_an_unclear_test_on_the_left_the_right_arm_is_proposed(
    practitioner_client: Client, plan: Plan
) -> None:
    unclear = {"grade": "doubtful", "result": "equivocal", "valid_from": None, "valid_until": None}
    TestReadingFactory(
        patch_test__plan=plan, patch_test__given_at=ago(days=17), patch_test__arm="left", **unclear
    )
    assert practitioner_client.get(give_url(plan)).context["form"]["arm"].value() == "right"
    response = practitioner_client.post(give_url(plan), typed(plan))
    assert (response.status_code, PatchTest.objects.count()) == (422, 1)
    assert "repeat it on the other one" in text(response)


def test_a_stricter_judgement_stands_beside_what_was_computed(
    practitioner_client: Client, waiting: PatchTest
) -> None:
    fields = {
        **moment("read_at", CLINIC_NOW),
        "site_readable": "on",
        "stricter_reason": "a papule at the edge",
    }
    page = url(waiting, "patch_test_read")
    milder = practitioner_client.post(page, {**fields, "grade": "pos1", "stricter": "invalid"})
    assert (milder.status_code, waiting.readings.count()) == (422, 1)
    stricter = {**fields, "grade": "neg", "stricter": "positive"}
    said = text(practitioner_client.post(page, stricter, follow=True))
    assert "Computed: no reaction seen. Judged stricter: a papule at the edge" in said
