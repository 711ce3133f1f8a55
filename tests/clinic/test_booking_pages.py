"""The booking panel in the browser's hands: what it offers, what it refuses beside the field, and what it never loses."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.chooser import Option, Slot
from clinic.enums import AppointmentStatus
from clinic.models import Appointment, Patient, WalkIn
from clinic.readiness import Offer, PairOffer
from tests.clinic.desk import MISSING, Desk, ToldPathway, on
from tests.factories.booking import AppointmentTypeFactory, WalkInFactory
from tests.factories.clock import CLINIC_NOW, ago
from tests.factories.opening import AbsenceFactory
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory

TUESDAY = date(2026, 3, 3)
HTMX = {"HX-Request": "true"}


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def url(patient: Patient, **query) -> str:
    return reverse("clinic:book_for", args=[patient.pk], query=query or None)


def value(desk: Desk, starts_at: datetime, **changes) -> str:
    """What the radio button of a place posts."""
    slot = Slot(starts_at, desk.silva.pk, desk.room.pk, None)
    return str(slot._replace(**changes))


def form(desk: Desk, starts_at: datetime, **changes) -> dict[str, str]:
    """What the booking panel posts."""
    fields = {"what": f"{desk.visit.code}:", "choice": value(desk, starts_at), "request_id": str(uuid4())}
    return {**fields, **changes}


def text(response) -> str:
    return unescape(response.content.decode())


# --- for whom ----------------------------------------------------------------------------------------------------------


def test_the_search_is_posted_and_keeps_what_was_clicked(desk: Desk, reception_client: Client) -> None:
    response = reception_client.post(f"/book/?practitioner={desk.silva.pk}", {"q": "morea"}, headers=HTMX)
    assert f"{url(desk.patient)}?practitioner={desk.silva.pk}" in text(response)


def test_nobody_found_offers_to_register(desk: Desk, reception_client: Client) -> None:
    assert reverse("clinic:patient_new") in text(reception_client.post("/book/", {"q": "zzzz"}))


@pytest.mark.parametrize("count", [1, 3])
def test_the_search_asks_the_same_questions_for_one_and_for_three(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        PatientFactory(family_name=f"Quint{n}")
    with django_assert_num_queries(6):
        reception_client.post("/book/", {"q": "quint"}, headers=HTMX)


def test_an_admin_is_told_whom_to_ask(desk: Desk, admin_client: Client) -> None:
    for page in ("/book/", url(desk.patient)):
        response = admin_client.get(page)
        assert response.status_code == 403
        assert "Ask the front desk." in text(response)


@pytest.mark.parametrize("patient_id", [uuid4()])
def test_an_unknown_patient_is_not_found(desk: Desk, reception_client: Client, patient_id) -> None:
    assert reception_client.get(reverse("clinic:book_for", args=[patient_id])).status_code == 404


def test_a_merged_record_is_not_found(desk: Desk, reception_client: Client) -> None:
    merged = PatientFactory(merged_into=desk.patient)
    assert reception_client.get(url(merged)).status_code == 404


# --- what, who, when ---------------------------------------------------------------------------------------------------


def test_the_panel_opens_at_the_first_free_time(desk: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(desk.patient)))
    assert f'value="{value(desk, CLINIC_NOW)}" checked' in page
    assert 'data-sentence="Mon 2 Mar 09:00, Dr Silva, Room 1"' in page


def test_a_place_clicked_in_the_diary_is_filled_in(desk: Desk, reception_client: Client) -> None:
    query = {"practitioner": str(desk.amari.pk), "starts_at": "2026-03-03T09:10:00+01:00"}
    page = text(reception_client.get(url(desk.patient, **query)))
    assert f'value="{value(desk, tuesday("09:10"), practitioner=desk.amari.pk)}" checked' in page


def test_a_time_outside_the_hours_says_why_and_offers_to_open_it_once(
    desk: Desk, reception_client: Client
) -> None:
    query = {"practitioner": str(desk.silva.pk), "starts_at": "2026-03-03T18:00:00+01:00"}
    page = text(reception_client.get(url(desk.patient, **query)))
    assert "Dr Silva does not work at this time." in page
    opening = reverse("clinic:opening_add", args=["extra"])
    assert (
        f"{opening}?practitioner={desk.silva.pk}&starts_at=2026-03-03T17%3A00Z&ends_at=2026-03-03T17%3A30Z"
        in page
    )


def test_a_taken_time_is_not_offered_to_be_opened(desk: Desk, reception_client: Client) -> None:
    desk.book(tuesday("09:00"), patient=PatientFactory())
    query = {"practitioner": str(desk.silva.pk), "starts_at": "2026-03-03T09:00:00+01:00"}
    page = text(reception_client.get(url(desk.patient, **query)))
    assert "Dr Silva is booked at this time." in page
    assert reverse("clinic:opening_add", args=["extra"]) not in page


def test_a_day_without_starts_says_why_when_asked(desk: Desk, reception_client: Client) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("00:00"), ends_at=tuesday("23:59"))
    query = {"practitioner": str(desk.silva.pk), "week": "2026-03-02"}
    before = text(reception_client.get(url(desk.patient, **query)))
    assert "Why not Tuesday?" in before
    after = text(reception_client.get(url(desk.patient, **query, why="2026-03-03"), headers=HTMX))
    assert "Dr Silva is away at this time." in after


def test_a_visit_that_must_wait_says_for_what_and_cannot_be_chosen(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.offered = [Offer(desk.visit, "Session 2 of 6", "session:7", conditions=(MISSING,))]
    page = text(reception_client.get(url(desk.patient)))
    assert "The consent is not signed. (Dr Silva)" in page
    assert "session%3A7" not in page


def test_practitioners_who_have_seen_the_patient_are_marked(desk: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(desk.patient)))
    assert "knows the patient" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_panel_asks_the_same_questions_whatever_is_booked(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        desk.book(tuesday(f"{13 + n}:00"), patient=PatientFactory())
    with django_assert_num_queries(11):
        reception_client.get(url(desk.patient, week="2026-03-02"))


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"week": "9999-12-31"}, "Choose a date between"),
        ({"week": "soon"}, "Enter the date as day, month and year."),
        ({"starts_at": "2026-03-03T09:00"}, "This time cannot be read."),
        ({"starts_at": "9999-12-31T23:59Z"}, "This time cannot be read."),
        ({"part": "midnight"}, "Select a valid choice."),
    ],
)
def test_nonsense_in_the_address_gets_a_sentence(
    desk: Desk, reception_client: Client, query: dict[str, str], sentence: str
) -> None:
    response = reception_client.get(url(desk.patient, **query))
    assert response.status_code == 422
    assert sentence in text(response)


def test_an_unknown_practitioner_in_the_address_is_not_found(desk: Desk, reception_client: Client) -> None:
    assert reception_client.get(url(desk.patient, practitioner=str(uuid4()))).status_code == 404


@pytest.mark.parametrize(
    ("day", "clock", "status", "sentence"),
    [
        ("2026-03-04", "10:07", 200, "Wanted: Wed 4 Mar 2026, 10:07"),
        ("2026-03-29", "02:30", 422, "does not exist"),
        ("2026-10-25", "02:30", 422, "comes twice"),
        ("9999-01-01", "09:00", 422, "between 2000 and 2100"),
        ("2026-03-04", "25:00", 422, "like 09:15"),
        ("2026-01-05", "09:00", 200, "This time has passed."),
    ],
)
def test_a_typed_time_is_looked_at_or_explained(
    desk: Desk, reception_client: Client, day: str, clock: str, status: int, sentence: str
) -> None:
    response = reception_client.get(url(desk.patient, moment_0=day, moment_1=clock))
    assert response.status_code == status
    assert sentence in text(response)


# --- booked ------------------------------------------------------------------------------------------------------------


def test_booking_leads_back_to_the_diary_of_that_day(desk: Desk, reception_client: Client) -> None:
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), note="brings photos"))
    assert response.url == "/diary/?day=2026-03-03"
    visit = Appointment.objects.get()
    assert (visit.starts_at, visit.patient, visit.note) == (tuesday("09:00"), desk.patient, "brings photos")


def test_a_double_submit_books_once(desk: Desk, reception_client: Client) -> None:
    fields = form(desk, tuesday("09:00"))
    answers = [reception_client.post(url(desk.patient), fields) for _ in range(2)]
    assert [answer.url for answer in answers] == ["/diary/?day=2026-03-03"] * 2
    assert Appointment.objects.count() == 1


def test_a_page_used_twice_for_two_times_says_that_it_has_booked_already(
    desk: Desk, reception_client: Client
) -> None:
    fields = form(desk, tuesday("09:00"))
    reception_client.post(url(desk.patient), fields)
    response = reception_client.post(
        url(desk.patient), {**fields, "choice": value(desk, tuesday("10:00"))}, follow=True
    )
    assert "This page had booked a visit already." in text(response)
    assert Appointment.objects.count() == 1


def test_a_lost_race_keeps_everything_and_offers_the_next_best(desk: Desk, reception_client: Client) -> None:
    desk.book(tuesday("09:00"), patient=PatientFactory())
    fields = form(desk, tuesday("09:00"), note="brings photos", practitioner=str(desk.silva.pk))
    response = reception_client.post(url(desk.patient), fields)
    page = text(response)
    assert response.status_code == 409
    assert "Dr Silva is booked at this time." in page
    assert f'value="{fields["request_id"]}"' in page
    assert 'value="brings photos"' in page
    other = value(desk, tuesday("09:00"), practitioner=desk.amari.pk, room=desk.room2.pk)
    assert f'value="{other}" checked' in page
    assert f'value="{value(desk, tuesday("09:30"))}"' in page


@pytest.mark.parametrize(
    ("changes", "status", "sentence"),
    [
        ({"choice": ""}, 422, "Please fill this in."),
        ({"choice": "nonsense"}, 422, "Choose one of the times that are offered."),
        ({"choice": "9999-12-31T09:00Z_1_2_-"}, 422, "Choose one of the times that are offered."),
        ({"request_id": "x"}, 422, "Enter a valid UUID."),
        ({"what": "session:session:7"}, 422, "This visit cannot be booked for this patient now."),
        ({"note": "n" * 501}, 422, "Write at most 500 characters"),
    ],
)
def test_bad_input_gets_a_sentence_and_books_nothing(
    desk: Desk, reception_client: Client, changes: dict[str, str], status: int, sentence: str
) -> None:
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), **changes))
    assert response.status_code == status
    assert sentence in text(response)
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize(
    ("starts_at", "sentence"),
    [
        (ago(hours=1), "This time has passed. Choose a later one."),
        (tuesday("18:00"), "Dr Silva does not work at this time."),
        (on(date(2099, 1, 5), "09:00"), "This is further ahead than this kind of visit can be booked."),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_words(
    desk: Desk, reception_client: Client, starts_at: datetime, sentence: str
) -> None:
    response = reception_client.post(url(desk.patient), form(desk, starts_at))
    assert (response.status_code, Appointment.objects.count()) == (422, 0)
    assert sentence in text(response)


def test_a_room_that_does_not_exist_is_refused(desk: Desk, reception_client: Client) -> None:
    choice = value(desk, tuesday("09:00"), room=uuid4())
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), choice=choice))
    assert (response.status_code, Appointment.objects.count()) == (422, 0)


def test_a_clinical_visit_is_booked_through_its_offer_only(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    session = AppointmentTypeFactory(purpose="session", room_kind=desk.room.kind)
    crafted = form(desk, tuesday("09:00"), what=f"{session.code}:session:7")
    assert reception_client.post(url(desk.patient), crafted).status_code == 422
    pathway.offered = [Offer(session, "Session 2 of 6", "session:7")]
    reception_client.post(url(desk.patient), crafted)
    assert [visit.purpose for visit in Appointment.objects.all()] == ["session:7"]


def test_what_the_pathway_refuses_is_explained(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.offered = [Offer(desk.visit, "Session", "session")]
    pathway.refuses = {"session"}
    fields = form(desk, tuesday("09:00"), what=f"{desk.visit.code}:session")
    response = reception_client.post(url(desk.patient), fields)
    assert (response.status_code, Appointment.objects.count()) == (422, 0)
    assert "The consent is not signed." in text(response)


def test_a_test_is_booked_with_its_reading(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    gap = [timedelta(hours=each) for each in (48, 48, 72)]
    pathway.offered = [
        Offer(desk.visit, "Test + reading", "test", pair=PairOffer(desk.visit, "Reading", "reading", *gap))
    ]
    key = f"{desk.visit.code}:test"
    page = text(reception_client.get(url(desk.patient, what=key)))
    both = f"{value(desk, CLINIC_NOW)}+{value(desk, CLINIC_NOW + timedelta(hours=48))}"
    assert f'value="{both}" checked' in page
    reception_client.post(url(desk.patient), form(desk, CLINIC_NOW, what=key, choice=both))
    test, reading = Appointment.objects.order_by("starts_at")
    assert (test.purpose, reading.purpose, reading.pair_of) == ("test", "reading", test)


def test_a_test_is_not_booked_without_its_reading(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    gap = [timedelta(hours=each) for each in (48, 48, 72)]
    pathway.offered = [
        Offer(desk.visit, "Test + reading", "test", pair=PairOffer(desk.visit, "Reading", "reading", *gap))
    ]
    fields = form(desk, CLINIC_NOW, what=f"{desk.visit.code}:test")
    response = reception_client.post(url(desk.patient), fields)
    assert (response.status_code, Appointment.objects.count()) == (422, 0)


def test_a_walk_in_placed_today_has_arrived(desk: Desk, reception_client: Client) -> None:
    walk_in = WalkInFactory(patient=desk.patient)
    reception_client.post(url(desk.patient), form(desk, CLINIC_NOW, walk_in=str(walk_in.pk)))
    visit = Appointment.objects.get()
    walk_in.refresh_from_db()
    assert (walk_in.appointment, visit.status) == (visit, AppointmentStatus.ARRIVED)


def test_a_walk_in_booked_for_another_day_goes_home(desk: Desk, reception_client: Client) -> None:
    walk_in = WalkInFactory(patient=desk.patient)
    reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), walk_in=str(walk_in.pk)))
    walk_in.refresh_from_db()
    assert (walk_in.left_at, Appointment.objects.get().status) == (CLINIC_NOW, AppointmentStatus.BOOKED)


def test_another_patients_walk_in_is_not_found(desk: Desk, reception_client: Client) -> None:
    walk_in = WalkInFactory(patient=PatientFactory())
    response = reception_client.post(url(desk.patient), form(desk, CLINIC_NOW, walk_in=str(walk_in.pk)))
    assert (response.status_code, Appointment.objects.count()) == (404, 0)
    assert WalkIn.objects.waiting().count() == 1


def test_a_practitioner_books_too(desk: Desk, client: Client) -> None:
    client.force_login(UserFactory(practitioner=True), backend="django.contrib.auth.backends.ModelBackend")
    client.post(url(desk.patient), form(desk, tuesday("09:00")))
    assert Appointment.objects.count() == 1


def test_an_admins_crafted_post_books_nothing(desk: Desk, admin_client: Client) -> None:
    response = admin_client.post(url(desk.patient), form(desk, tuesday("09:00")))
    assert (response.status_code, Appointment.objects.count()) == (403, 0)


@pytest.mark.parametrize(
    ("target", "lands"), [("/patients/", "/patients/"), ("https://evil.example/", "/diary/?day=2026-03-03")]
)
def test_the_way_back_stays_in_the_house(
    desk: Desk, reception_client: Client, target: str, lands: str
) -> None:
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), next=target))
    assert response.url == lands


def test_every_offered_place_can_be_booked(desk: Desk, reception_client: Client) -> None:
    """What the panel writes is what it reads: the first option, posted as it stands."""
    options = reception_client.get(url(desk.patient)).context["chooser"]["days"][0].shown
    assert [type(each) for each in options] == [Option] * 6
    reception_client.post(url(desk.patient), form(desk, CLINIC_NOW, choice=options[0].value))
    assert Appointment.objects.get().starts_at == CLINIC_NOW


# --- only held ---------------------------------------------------------------------------------------------------------


def hold(desk: Desk, clock: str, **changes) -> dict[str, str]:
    """What the button "Hold this time" posts."""
    until = {"hold": "yes", "held_until_0": "2026-03-02", "held_until_1": "17:00"}
    return {**form(desk, tuesday(clock)), **until, **changes}


def test_a_time_can_be_held_instead_of_booked(desk: Desk, reception_client: Client) -> None:
    response = reception_client.post(url(desk.patient), hold(desk, "09:30"), follow=True)
    visit = Appointment.objects.get()
    assert (visit.status, visit.held_until) == ("held", CLINIC_NOW + timedelta(hours=8))
    assert "Held until Mon 2 Mar 2026, 17:00" in text(response)


def test_the_book_button_books_whatever_stands_in_the_field_for_holding(
    desk: Desk, reception_client: Client
) -> None:
    reception_client.post(url(desk.patient), hold(desk, "09:30", hold=""))
    assert Appointment.objects.get().status == "booked"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"held_until_0": "", "held_until_1": ""}, "Enter until when the time is held."),
        (
            {"held_until_0": "2026-03-20"},
            "A time is held until 3 Mar 2026, 09:30 at the latest. Choose an earlier moment.",
        ),
    ],
)
def test_a_hold_that_cannot_be_is_explained_and_what_was_typed_is_kept(
    desk: Desk, reception_client: Client, changes: dict[str, str], sentence: str
) -> None:
    response = reception_client.post(url(desk.patient), hold(desk, "09:30", note="calls", **changes))
    assert (response.status_code, Appointment.objects.count()) == (422, 0)
    assert sentence in text(response)
    assert 'value="calls"' in text(response)


def test_the_panel_of_a_hold_offers_to_book_or_release_it(desk: Desk, reception_client: Client) -> None:
    reception_client.post(url(desk.patient), hold(desk, "09:30"))
    visit = Appointment.objects.get()
    page = text(reception_client.get(reverse("clinic:appointment", args=[visit.pk])))
    assert "The patient calls back by Mon 2 Mar 2026, 17:00." in page
    reception_client.post(reverse("clinic:appointment_step", args=[visit.pk, "take"]), {"version": 1})
    visit.refresh_from_db()
    assert visit.status == "booked"
