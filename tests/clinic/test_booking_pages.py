"""The booking panel in the browser's hands: what it offers, what it refuses beside the field, and what it never loses."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from html import unescape
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.chooser import Option, Slot
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.models import Appointment, Patient, User, WalkIn, WorkingHours
from clinic.readiness import Caution, Offer, PairOffer
from tests.clinic.desk import MISSING, Desk, ToldPathway, on
from tests.factories.booking import AppointmentTypeFactory, WalkInFactory
from tests.factories.clock import CLINIC_NOW, PARIS, ago
from tests.factories.erasures import ErasureFactory
from tests.factories.opening import AbsenceFactory
from tests.factories.people import PatientFactory
from tests.factories.places import DeviceCareErrorFactory, DeviceCareFactory
from tests.factories.users import UserFactory
from tests.signing_in import sign_in

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


@pytest.mark.parametrize("count", [1, 3, 12])
def test_the_search_asks_the_same_questions_for_few_and_for_many(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        PatientFactory(family_name=f"Quint{n}")
    with django_assert_num_queries(5):
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


def test_seconds_of_a_time_that_was_asked_for_do_not_count(desk: Desk, reception_client: Client) -> None:
    typed = {"moment_0": "2026-03-03", "moment_1": "09:10:59"}
    for query in ({"starts_at": "2026-03-03T09:10:30.5+01:00"}, typed):
        page = text(reception_client.get(url(desk.patient, **query)))
        assert f'value="{value(desk, tuesday("09:10"))}" checked' in page


def test_who_does_not_do_this_kind_of_visit_is_not_asked(desk: Desk, reception_client: Client) -> None:
    """The link of another visit keeps the practitioner who was chosen."""
    desk.amari.skills = ["laser"]
    desk.amari.save()
    laser = AppointmentTypeFactory(code="laser", skill="laser", grid_minutes=30)
    response = reception_client.get(url(desk.patient, what="laser:", practitioner=str(desk.silva.pk)))
    chooser = response.context["chooser"]
    assert (chooser["what"].type, [chip.label for chip in chooser["whos"] if chip.current]) == (
        laser,
        ["Any"],
    )
    assert f'value="{value(desk, CLINIC_NOW, practitioner=desk.amari.pk)}" checked' in text(response)


def test_one_place_is_one_radio_button_and_one_is_checked(desk: Desk, reception_client: Client) -> None:
    """Of two with one value the browser checks the last, which may be folded away."""
    wanted = text(reception_client.get(url(desk.patient, starts_at="2026-03-03T15:00:00+01:00")))
    desk.book(tuesday("09:00"), patient=PatientFactory())
    lost = text(reception_client.post(url(desk.patient), form(desk, tuesday("09:00"))))
    for page in (wanted, lost):
        values = re.findall(r'name="choice" value="([^"]+)"', page)
        assert len(values) == len(set(values))
        assert len(re.findall(r'name="choice" value="[^"]+" checked', page)) == 1


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


def test_who_may_not_open_this_time_is_told_why_and_no_more(desk: Desk, client: Client) -> None:
    query = {"practitioner": str(desk.silva.pk), "starts_at": "2026-03-03T18:00:00+01:00"}
    opening = reverse("clinic:opening_add", args=["extra"])
    own = desk.silva.user or UserFactory(practitioner=True)
    desk.silva.user = own
    desk.silva.save()
    for user, may in ((own, True), (UserFactory(practitioner=True), False)):
        sign_in(client, user)
        page = text(client.get(url(desk.patient, **query)))
        assert "Dr Silva does not work at this time." in page
        assert (opening in page) == may


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


def test_a_device_that_is_out_of_use_is_named_with_its_day(desk: Desk, reception_client: Client) -> None:
    kind = AppointmentTypeFactory(device_kind=desk.gun.kind)
    query = {"what": f"{kind.code}:", "practitioner": str(desk.silva.pk)}
    query["starts_at"] = "2026-03-03T09:00:00+01:00"
    out = DeviceCareFactory(device=desk.gun, out=True, happened_at=CLINIC_NOW - timedelta(days=2))
    said = (
        "Gun 1 is out of use since Sat 28 Feb 2026, and no other device for this visit is free at this time."
    )
    assert said in text(reception_client.get(url(desk.patient, **query)))
    DeviceCareErrorFactory(care=out)
    desk.book(
        tuesday("09:00"),
        type=kind,
        practitioner=desk.amari,
        room=desk.room2,
        device=desk.gun,
        patient=PatientFactory(),
    )
    page = text(reception_client.get(url(desk.patient, **query)))
    assert "The device this visit needs is not free at this time." in page
    assert "out of use" not in page


def test_a_visit_that_must_wait_says_for_what_and_cannot_be_chosen(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.offered = [Offer(desk.visit, "Session 2 of 6", "session:7", conditions=(MISSING,))]
    page = text(reception_client.get(url(desk.patient)))
    assert "The consent is not signed. (Dr Silva)" in page
    assert "session%3A7" not in page


def test_a_record_that_is_to_be_erased_is_not_booked_and_its_page_says_whom_to_ask(
    desk: Desk, reception_client: Client
) -> None:
    ErasureFactory(patient=desk.patient, reason="asked by letter")
    sentence = "This record is to be erased from Sun 8 Mar 2026 on: no visit is booked on it."
    shown = reception_client.get(url(desk.patient))
    assert (shown.status_code, shown.context["chooser"]) == (200, None)
    sent = reception_client.post(url(desk.patient), form(desk, tuesday("09:00")))
    assert sent.status_code == 422
    for page in (text(shown), text(sent)):
        assert sentence in page
        assert "ask an admin to withdraw the erasure" in page
        assert "letter" not in page
    assert not Appointment.objects.exists()


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
        ({"part": "midnight"}, "This is not offered, or not any more."),
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


# --- when it suits -------------------------------------------------------------------------------------------------------


def starts_shown(response) -> list[str]:
    return [
        f"{option.first.starts_at.astimezone(PARIS):%a %H:%M}"
        for day in response.context["chooser"]["days"]
        for option in (*day.shown, *day.more)
    ]


@pytest.fixture
def thursday_patient(desk: Desk) -> Patient:
    """Comes on Thursdays between ten and eleven, to Dr Amari."""
    desk.patient.suits_weekdays, desk.patient.usual_practitioner = [4], desk.amari
    desk.patient.suits_since, desk.patient.suits_until = time(10), time(11)
    desk.patient.save()
    return desk.patient


def test_what_is_recorded_is_chosen_and_said(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    response = reception_client.get(url(thursday_patient))
    assert starts_shown(response) == ["Thu 10:00", "Thu 10:30"]
    assert "On the patient's record: Thu · 10:00–11:00 · Dr Amari." in text(response)
    chips = {
        name: [chip.label for chip in response.context["chooser"][name] if chip.current] for name in CHIPS
    }
    assert chips == {"whos": ["Dr Amari"], "weekdays": ["Thu"], "parts": ["10:00–11:00"]}


CHIPS = ("whos", "weekdays", "parts")


def test_one_click_drops_what_is_recorded(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    opened = reception_client.get(url(thursday_patient))
    dropped = reception_client.get(opened.context["chooser"]["anything_url"], headers=HTMX)
    assert starts_shown(dropped)[0] == "Mon 09:00"
    assert dropped.context["chooser"]["recorded"] == ""
    thursday_patient.refresh_from_db()
    assert thursday_patient.suits_weekdays == [4]


def test_one_of_the_recorded_choices_can_be_changed_alone(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    opened = reception_client.get(url(thursday_patient))
    friday_too = opened.context["chooser"]["weekdays"][5].url
    changed = reception_client.get(friday_too, headers=HTMX)
    assert starts_shown(changed) == ["Thu 10:00", "Thu 10:30", "Fri 10:00", "Fri 10:30"]
    assert changed.context["chooser"]["recorded"] == "10:00–11:00 · Dr Amari"


def test_a_time_clicked_in_the_diary_goes_before_what_is_recorded(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    page = text(reception_client.get(url(thursday_patient, starts_at="2026-03-03T09:00:00+01:00")))
    assert f'value="{value(desk, tuesday("09:00"), practitioner=desk.amari.pk)}" checked' in page
    assert "By the patient's record this time does not suit." in page


@pytest.mark.parametrize(
    ("hours", "words", "first"),
    [
        ((time(14), None), "From 14:00", "Mon 14:00"),
        ((None, time(11)), "Until 11:00", "Mon 09:00"),
    ],
)
def test_recorded_hours_may_have_one_end_alone(
    desk: Desk, reception_client: Client, hours: tuple[time | None, time | None], words: str, first: str
) -> None:
    desk.patient.suits_since, desk.patient.suits_until = hours
    desk.patient.save()
    response = reception_client.get(url(desk.patient))
    assert f"On the patient's record: {words}." in text(response)
    assert [chip.label for chip in response.context["chooser"]["parts"] if chip.current] == [words]
    assert starts_shown(response)[0] == first


def test_a_usual_practitioner_who_has_left_is_not_chosen(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    desk.amari.is_active = False
    desk.amari.save()
    response = reception_client.get(url(thursday_patient))
    assert response.context["chooser"]["recorded"] == "Thu · 10:00–11:00"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"days": "3"}, ["Wed"]),
        ({"days": "35"}, ["Wed", "Fri"]),
        ({"part": "afternoon", "days": "2"}, ["Tue"]),
    ],
)
def test_weekdays_and_parts_of_the_day_narrow_the_week(
    desk: Desk, reception_client: Client, query: dict[str, str], found: list[str]
) -> None:
    shown = starts_shown(reception_client.get(url(desk.patient, seen="yes", **query)))
    assert sorted({each[:3] for each in shown}, key=shown_order) == found
    if "part" in query:
        assert shown[0] == "Tue 13:00"


def shown_order(day: str) -> int:
    return ["Mon", "Tue", "Wed", "Thu", "Fri"].index(day)


@pytest.mark.parametrize(
    "query", [{"days": "8"}, {"days": "x"}, {"since": "11:00", "until": "10:00"}, {"minutes": "3"}]
)
def test_nonsense_in_the_address_is_explained_and_left_out(
    desk: Desk, reception_client: Client, query: dict[str, str]
) -> None:
    response = reception_client.get(url(desk.patient, seen="yes", **query))
    assert response.status_code == 422
    assert starts_shown(response)[0] == "Mon 09:00"


def test_a_day_that_does_not_suit_says_so(desk: Desk, reception_client: Client) -> None:
    query = {"seen": "yes", "days": "7", "week": "2026-03-02", "why": "2026-03-03"}
    WorkingHours.objects.filter(weekday=7).delete()
    page = text(reception_client.get(url(desk.patient, **query)))
    assert "Nothing that suits is free this week." in page
    assert "Dr Silva</strong>: Dr Silva is free, but not on the days and at the times" in page


def test_the_next_ten_are_listed_with_their_days_and_go_on(desk: Desk, reception_client: Client) -> None:
    asked = {"seen": "yes", "days": "4", "part": "morning", "view": "next"}
    first = reception_client.get(url(desk.patient, **asked))
    listed = first.context["chooser"]["next_ten"]
    assert [f"{each.first.starts_at.astimezone(PARIS):%d %H:%M}" for each in (listed[0], listed[-1])] == [
        "05 09:00",
        "12 10:30",
    ]
    assert "Thu 5 Mar 09:00" in text(first)
    second = reception_client.get(first.context["chooser"]["later_url"]).context["chooser"]
    assert second["next_ten"][0].first.starts_at == on(date(2026, 3, 12), "11:00")
    assert second["sooner_url"]


def test_the_next_ten_say_when_there_is_none(desk: Desk, reception_client: Client) -> None:
    WorkingHours.objects.all().delete()
    page = text(reception_client.get(url(desk.patient, view="next")))
    assert "Nothing that is asked for is free" in page


def test_whom_the_patient_knows_is_offered_first(
    desk: Desk, thursday_patient: Patient, reception_client: Client
) -> None:
    whos = reception_client.get(url(thursday_patient)).context["chooser"]["whos"]
    assert [(chip.label, chip.note) for chip in whos] == [
        ("Any", ""),
        ("Dr Amari", "knows the patient"),
        ("Dr Silva", ""),
    ]


# --- how long ------------------------------------------------------------------------------------------------------------


def test_a_longer_visit_is_looked_for_and_booked_at_its_length(desk: Desk, reception_client: Client) -> None:
    desk.book(tuesday("10:00"), patient=PatientFactory())
    query = {"seen": "yes", "minutes": "90", "week": "2026-03-02", "practitioner": str(desk.silva.pk)}
    response = reception_client.get(url(desk.patient, **query))
    assert [each for each in starts_shown(response) if each.startswith("Tue")][:2] == [
        "Tue 10:30",
        "Tue 13:00",
    ]
    fields = form(desk, tuesday("10:30"), minutes="90", seen="yes")
    assert reception_client.post(url(desk.patient), fields).status_code == 302
    visit = Appointment.objects.get(patient=desk.patient)
    assert (visit.minutes, visit.practitioner_until) == (90, tuesday("12:00"))


def test_lengths_are_offered_as_far_as_the_kind_allows(desk: Desk, reception_client: Client) -> None:
    lengths = reception_client.get(url(desk.patient, seen="yes", minutes="50")).context["chooser"]["lengths"]
    assert [(chip.label, chip.note, chip.current) for chip in lengths] == [
        ("15 min", "", False),
        ("30 min", "as usual", False),
        ("45 min", "", False),
        ("50 min", "", True),
        ("60 min", "", False),
        ("90 min", "", False),
    ]


def test_a_length_the_kind_does_not_allow_is_left_out(desk: Desk, reception_client: Client) -> None:
    desk.visit.practitioner_from = 20
    desk.visit.room_from = 20
    desk.visit.save()
    chooser = reception_client.get(url(desk.patient, seen="yes", minutes="20")).context["chooser"]
    assert [chip.label for chip in chooser["lengths"] if chip.current] == ["30 min"]


# --- booked ------------------------------------------------------------------------------------------------------------


def test_booking_leads_back_to_the_diary_of_that_day(desk: Desk, reception_client: Client) -> None:
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), note="brings photos"))
    visit = Appointment.objects.get()
    assert response.url == f"/diary/?day=2026-03-03&booked={visit.pk}"
    assert (visit.starts_at, visit.patient, visit.note) == (tuesday("09:00"), desk.patient, "brings photos")


def test_a_double_submit_books_once(desk: Desk, reception_client: Client) -> None:
    fields = form(desk, tuesday("09:00"))
    answers = [reception_client.post(url(desk.patient), fields) for _ in range(2)]
    visit = Appointment.objects.get()
    assert [answer.url for answer in answers] == [f"/diary/?day=2026-03-03&booked={visit.pk}"] * 2


def test_the_next_page_says_what_was_booked_and_the_session_is_not_written(
    desk: Desk, reception_client: Client
) -> None:
    before = reception_client.session.items()
    page = text(reception_client.post(url(desk.patient), form(desk, tuesday("09:00")), follow=True))
    assert "Booked: Moreau, J., Check-up, Tue 3 Mar 2026, 09:00." in page
    assert reception_client.session.items() == before


def test_of_a_provisional_visit_it_says_so_and_what_is_still_missing(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.offered = [Offer(desk.visit, "Session", "session")]
    pathway.provisional = {"session"}
    fields = form(desk, tuesday("09:00"), what=f"{desk.visit.code}:session")
    page = text(reception_client.post(url(desk.patient), fields, follow=True))
    said = "Booked provisionally: Moreau, J., Check-up, Tue 3 Mar 2026, 09:00. The consent is not signed."
    assert said in page
    assert "Booked: " not in page


@pytest.mark.parametrize(
    ("provisional", "begins"), [(set(), "Booked: "), ({"test"}, "Booked provisionally: ")]
)
def test_with_a_test_its_reading_is_said_to_be_booked(
    desk: Desk, pathway: ToldPathway, reception_client: Client, provisional: set[str], begins: str
) -> None:
    gap = [timedelta(hours=each) for each in (48, 48, 72)]
    reading = PairOffer(desk.visit, "Reading", "reading", *gap)
    pathway.offered = [Offer(desk.visit, "Test + reading", "test", pair=reading)]
    both = f"{value(desk, CLINIC_NOW)}+{value(desk, CLINIC_NOW + timedelta(hours=48))}"
    pathway.provisional = provisional
    fields = form(desk, CLINIC_NOW, what=f"{desk.visit.code}:test", choice=both)
    page = text(reception_client.post(url(desk.patient), fields, follow=True))
    assert f"{begins}Moreau, J., Check-up, Mon 2 Mar 2026, 09:00, and the visit that belongs to it." in page
    assert (MISSING.what in page) == bool(provisional)


@pytest.mark.parametrize("booked", ["x", str(UUID(int=1))])
def test_an_address_that_announces_nothing_real_is_a_page_like_any_other(
    desk: Desk, reception_client: Client, booked: str
) -> None:
    response = reception_client.get("/diary/", {"booked": booked})
    assert response.status_code == 200
    assert "Booked:" not in text(response)


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


def test_an_answer_that_was_lost_is_given_again_where_nothing_is_offered_any_more(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    """What the pathway has offered is booked now, so that it offers it no more: the same form must not hear a no."""
    pathway.offered = [Offer(desk.visit, "Session", "session")]
    fields = form(desk, tuesday("09:00"), what=f"{desk.visit.code}:session")
    reception_client.post(url(desk.patient), fields)
    pathway.offered = []
    again = reception_client.post(url(desk.patient), fields, follow=True)
    assert "Booked: Moreau, J., Check-up, Tue 3 Mar 2026, 09:00." in text(again)
    assert Appointment.objects.count() == 1
    other = reception_client.post(url(desk.patient), {**fields, "request_id": str(uuid4())})
    assert (other.status_code, Appointment.objects.count()) == (422, 1)


def test_a_page_sent_again_after_its_visit_was_called_off_does_not_say_booked(
    desk: Desk, reception_client: Client
) -> None:
    fields = form(desk, tuesday("09:00"))
    reception_client.post(url(desk.patient), fields)
    reception_client.get("/diary/")
    visits.cancel(
        appointment=Appointment.objects.get(), cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW
    )
    again = reception_client.post(url(desk.patient), fields)
    assert (again.status_code, Appointment.objects.count()) == (409, 1)
    assert "that visit is not on the books any more. Nothing was booked now" in text(again)


def test_a_page_that_held_a_time_does_not_say_booked(desk: Desk, reception_client: Client) -> None:
    fields = form(desk, tuesday("09:00"))
    until = {"hold": "yes", "held_until_0": "2026-03-02", "held_until_1": "17:00"}
    reception_client.post(url(desk.patient), {**fields, **until})
    again = reception_client.post(url(desk.patient), fields, follow=True)
    assert "it is still only held. Take the hold to book it." in text(again)
    with time_machine.travel(CLINIC_NOW + timedelta(hours=8), tick=False):
        sign_in(reception_client, desk.user)
        late = reception_client.post(url(desk.patient), fields)
    assert (late.status_code, Appointment.objects.get().status) == (409, "held")


def test_a_lost_race_keeps_everything_and_offers_the_next_best(desk: Desk, reception_client: Client) -> None:
    desk.book(tuesday("09:00"), patient=PatientFactory())
    AppointmentTypeFactory(purpose="consultation", name="Consultation")
    fields = form(desk, tuesday("09:00"), note="brings photos", practitioner=str(desk.silva.pk))
    response = reception_client.post(url(desk.patient), fields)
    page = text(response)
    assert response.status_code == 409
    assert "Dr Silva is booked at this time." in page
    assert f'value="{fields["request_id"]}"' in page
    assert 'value="brings photos"' in page
    assert "Consultation" in page  # what else could be booked is offered as before
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


@pytest.mark.parametrize(
    ("last_on", "query", "is_said"),
    [
        (date(2026, 3, 8), {"week": "2026-03-02"}, False),
        (date(2026, 3, 7), {"week": "2026-03-02"}, True),
        (None, {"week": "2026-03-02"}, True),
        (date(2026, 3, 2), {"starts_at": "2026-03-03T08:00Z"}, True),
        (date(2026, 3, 2), {"view": "next", "after": "2026-03-03T08:00Z"}, True),
        (date(2026, 12, 31), {"view": "next", "after": "2026-03-03T08:00Z"}, False),
    ],
    ids=[
        "its last day",
        "the day after",
        "every day",
        "a wanted time",
        "the next ten",
        "the next ten before",
    ],
)
def test_a_caution_is_said_where_a_start_is_after_its_last_day_and_the_visit_is_booked_all_the_same(
    desk: Desk,
    pathway: ToldPathway,
    reception_client: Client,
    last_on: date | None,
    query: dict[str, str],
    is_said: bool,
) -> None:
    told = "Tell Dr Silva. Booking goes on."
    pathway.offered = [Offer(desk.visit, "Session", "session", caution=Caution(told, last_on))]
    what = f"{desk.visit.code}:session"
    page = text(reception_client.get(url(desk.patient, what=what, **query)))
    assert 'name="choice"' in page
    assert (told in page) is is_said
    reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), what=what))
    assert [visit.purpose for visit in Appointment.objects.all()] == ["session"]


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


@pytest.mark.parametrize("starts_at", [CLINIC_NOW, tuesday("09:00")])
def test_a_walk_in_a_colleague_saw_off_meanwhile_is_booked_all_the_same_and_it_is_said(
    desk: Desk, reception_client: Client, starts_at: datetime
) -> None:
    gone = WalkInFactory(patient=desk.patient, left_at=CLINIC_NOW, left_noted_by=desk.user)
    sent = form(desk, starts_at, walk_in=str(gone.pk))
    answer = reception_client.post(url(desk.patient), sent, follow=True)
    assert "This walk-in has been dealt with already." in text(answer)
    visit = Appointment.objects.get()
    gone.refresh_from_db()
    assert (gone.appointment, visit.status) == (None, AppointmentStatus.BOOKED)


def test_another_patients_walk_in_is_not_found(desk: Desk, reception_client: Client) -> None:
    walk_in = WalkInFactory(patient=PatientFactory())
    response = reception_client.post(url(desk.patient), form(desk, CLINIC_NOW, walk_in=str(walk_in.pk)))
    assert (response.status_code, Appointment.objects.count()) == (404, 0)
    assert WalkIn.objects.waiting().count() == 1


def test_a_practitioner_books_too(desk: Desk, client: Client) -> None:
    sign_in(client, UserFactory(practitioner=True))
    client.post(url(desk.patient), form(desk, tuesday("09:00")))
    assert Appointment.objects.count() == 1


def test_an_admins_crafted_post_books_nothing(desk: Desk, admin_client: Client) -> None:
    response = admin_client.post(url(desk.patient), form(desk, tuesday("09:00")))
    assert (response.status_code, Appointment.objects.count()) == (403, 0)


@pytest.mark.parametrize(
    ("target", "lands"), [("/patients/", "/patients/?"), ("https://evil.example/", "/diary/?day=2026-03-03&")]
)
def test_the_way_back_stays_in_the_house(
    desk: Desk, reception_client: Client, target: str, lands: str
) -> None:
    response = reception_client.post(url(desk.patient), form(desk, tuesday("09:00"), next=target))
    assert response.url == f"{lands}booked={Appointment.objects.get().pk}"


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


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        ("2026-03-05", ["05", "06", "07", "08"]),
        ("2026-03-06", ["06", "07", "08", "09", "10", "11", "12", "13", "14", "15"]),
        ("2026-03-08", ["08", "09", "10", "11", "12", "13", "14", "15"]),
    ],
    ids=["Thursday", "Friday", "Sunday"],
)
def test_by_day_shows_the_next_week_as_well_where_only_a_week_end_is_left(
    desk: Desk, reception: User, reception_client: Client, now: str, shown: list[str]
) -> None:
    with time_machine.travel(on(date.fromisoformat(now), "08:00"), tick=False):
        sign_in(reception_client, reception)
        chooser = reception_client.get(url(desk.patient)).context["chooser"]
        assert [day.day.strftime("%d") for day in chooser["days"]] == shown
        assert all(day.shown for day in chooser["days"])
        assert chooser["week_before"] == ""
        after = reception_client.get(chooser["week_after"]).context["chooser"]
    assert after["first_day"] == chooser["last_day"] + timedelta(days=1)
    assert len(after["days"]) == 7
