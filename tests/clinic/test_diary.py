"""The diary of a day: what stands where, what each role sees of it, and a fixed number of queries."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic import diary, readiness
from clinic.actions import booking
from clinic.diary import Place, Scale
from clinic.enums import AppointmentStatus, RoomKind
from clinic.intervals import Interval
from clinic.models import Patient, User
from clinic.readiness import Notice
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories.booking import AppointmentFactory, AppointmentTypeFactory, WalkInFactory
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.factories.opening import AbsenceFactory, ClosedDayFactory, OutOfServiceFactory
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import RoomFactory
from tests.factories.users import UserFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
URL = "/diary/"


def today(clock: str) -> datetime:
    return on(TODAY, clock)


def visit(desk: Desk, clock: str, status: str = AppointmentStatus.BOOKED, **changes):
    rows = {"type": desk.visit, "practitioner": desk.silva, "room": desk.room, "patient": desk.patient}
    return AppointmentFactory(status=status, starts_at=today(clock), **{**rows, **changes})


def read(desk: Desk, day: date = TODAY, at: datetime = CLINIC_NOW) -> diary.Day:
    return diary.read_day(day, user=desk.user, at=at)


@pytest.fixture
def silva_client(desk: Desk, practitioner_user: User, client: Client) -> Client:
    """A browser signed in as Dr Silva."""
    desk.silva.user = practitioner_user
    desk.silva.save()
    sign_in(client, practitioner_user)
    return client


def page(client: Client, url: str = URL) -> str:
    return client.get(url).content.decode()


# --- where things stand -----------------------------------------------------------------------------------------------


def test_the_day_is_drawn_from_the_full_hour_before_to_the_one_after(desk: Desk) -> None:
    visit(desk, "17:10")
    day = read(desk)
    assert (day.hours[0], day.hours[-1], day.rows) == ((1, today("09:00")), (97, today("17:00")), 108)


def test_a_day_without_opening_time_is_drawn_nine_to_five() -> None:
    scale = Scale.around(TODAY, [])
    assert scale.window == Interval(today("09:00"), today("17:00"))


def test_the_clock_change_does_not_shift_the_rows(desk: Desk) -> None:
    """On 29 March 2026 the clocks go forward at two: rows count elapsed time, labels show the wall clock."""
    day = read(desk, date(2026, 3, 29))
    assert day.hours[0] == (1, on(date(2026, 3, 29), "09:00"))


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [
        ("09:00", "09:05", Place(1, 1)),
        ("09:00", "09:30", Place(1, 6)),
        ("09:12", "09:13", Place(3, 1)),
        ("09:04", "09:06", Place(1, 2)),
        ("08:00", "09:10", Place(1, 2)),
        ("11:55", "13:00", Place(36, 1)),
        ("08:00", "09:00", None),
        ("12:00", "12:05", None),
    ],
)
def test_a_span_takes_every_row_it_touches(first: str, last: str, place: Place | None) -> None:
    scale = Scale(Interval(today("09:00"), today("12:00")))
    assert scale.place(today(first), today(last)) == place


def test_a_card_stands_where_its_practitioner_is_busy(desk: Desk) -> None:
    session = AppointmentTypeFactory(session=True)
    visit(desk, "09:00", type=session, room=desk.treatment)
    column = read(desk).columns[0]
    # The room is prepared five minutes before nine, so the day is drawn from eight.
    assert [card.place for card in column.cards] == [Place(25, 6)]
    buffers = [shade.place for shade in column.shades if shade.kind == "buffer"]
    assert buffers == [Place(12, 13), Place(31, 5)]


def test_columns_are_those_who_work_or_have_visits(desk: Desk) -> None:
    idle = PractitionerFactory(name="Dr Idle")
    gone = PractitionerFactory(name="Dr Gone", is_active=False, position=9)
    visit(desk, "10:00", practitioner=gone)
    names = [column.lane.thing for column in read(desk).columns]
    assert names == [desk.silva, desk.amari, gone]
    assert idle not in names


def test_an_absence_is_shaded_with_its_reason(desk: Desk) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=today("09:00"), ends_at=today("10:00"), note="congress")
    shades = read(desk).columns[0].shades
    assert [(shade.place, shade.text) for shade in shades if shade.text] == [
        (Place(1, 12), "leave: congress")
    ]


def test_time_outside_the_hours_is_shaded(desk: Desk) -> None:
    shades = read(desk).columns[0].shades
    assert [(shade.place, shade.kind) for shade in shades] == [(Place(37, 12), "off")]


def test_free_places_stand_on_the_clinics_grid_where_nobody_is_booked(desk: Desk) -> None:
    visit(desk, "09:00")
    AbsenceFactory(practitioner=desk.silva, starts_at=today("10:00"), ends_at=today("17:00"))
    free = [place.starts_at for place in read(desk).columns[0].free]
    assert free == [today("09:30"), today("09:45")]


def test_no_free_place_lies_in_the_past(desk: Desk) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=today("10:00"), ends_at=today("17:00"))
    free = [place.starts_at for place in read(desk, at=today("09:31")).columns[0].free]
    assert free == [today("09:45")]


def test_the_now_line_stands_in_today_only(desk: Desk) -> None:
    assert (
        read(desk, at=today("10:07")).columns[0].now_row,
        read(desk, date(2026, 3, 3)).columns[0].now_row,
    ) == (14, None)


def test_a_closed_day_has_no_columns_but_its_name(desk: Desk) -> None:
    closed = ClosedDayFactory(day=TODAY, name="Carnival")
    day = read(desk)
    assert (day.columns, day.closed) == ([], [closed])


def test_called_off_visits_stand_below_the_day(desk: Desk) -> None:
    cancelled = visit(desk, "10:00", AppointmentStatus.CANCELLED)
    missed = visit(desk, "11:00", AppointmentStatus.NO_SHOW)
    day = read(desk)
    assert ([card.visit for card in day.called_off], day.cards) == ([cancelled, missed], [])


def test_next_up_are_those_to_come_and_those_who_wait(desk: Desk) -> None:
    visit(desk, "09:00", AppointmentStatus.COMPLETED)
    waits = visit(desk, "09:30", AppointmentStatus.ARRIVED)
    comes = visit(desk, "10:00")
    assert [card.visit for card in read(desk, at=today("09:45")).next_up] == [waits, comes]


# --- names -------------------------------------------------------------------------------------------------------------


def names(*people: tuple[str, str, int]) -> list[str]:
    patients = [
        Patient(family_name=family, given_names=given, number=number) for family, given, number in people
    ]
    found = diary.short_names(patients)
    return [found[each.pk] for each in patients]


def test_a_card_shows_as_much_of_a_name_as_tells_the_days_patients_apart() -> None:
    assert names(("Moreau", "Jeanne", 1), ("Haddad", "Amir", 2), ("Sukarno", "", 3)) == [
        "Moreau, J.",
        "Haddad, A.",
        "Sukarno",
    ]


def test_the_same_initial_brings_the_whole_name() -> None:
    assert names(("Moreau", "Jeanne", 1), ("Moreau", "Jean", 2)) == ["Moreau, Jeanne", "Moreau, Jean"]


def test_namesakes_are_told_apart_by_number() -> None:
    assert names(("Kim", "Min", 7), ("Kim", "Min", 8)) == ["Kim, Min № 7", "Kim, Min № 8"]


def test_one_patient_twice_a_day_is_no_namesake(desk: Desk) -> None:
    visit(desk, "10:00")
    visit(desk, "15:00")
    assert [card.name for card in read(desk).cards] == ["Moreau, J.", "Moreau, J."]


# --- waiting -----------------------------------------------------------------------------------------------------------


def test_waiting_now_lists_the_longest_wait_first(desk: Desk) -> None:
    arrived = visit(desk, "09:00", AppointmentStatus.ARRIVED, arrived_at=ago(minutes=5))
    walk_in = WalkInFactory(patient=PatientFactory(), came_at=ago(minutes=12))
    WalkInFactory(patient=PatientFactory(), left_at=CLINIC_NOW, left_noted_by=desk.user)
    found = diary.waiting_now(user=desk.user, at=CLINIC_NOW)
    assert [(each.minutes, each.walk_in, each.card and each.card.visit) for each in found] == [
        (12, walk_in, None),
        (5, None, arrived),
    ]


def test_the_waiting_list_answers_htmx_and_leaves_the_session_alone(
    desk: Desk, reception_client: Client
) -> None:
    visit(desk, "09:00", AppointmentStatus.ARRIVED)
    before = reception_client.session.get_expiry_date()
    response = reception_client.get("/diary/waiting/", headers={"HX-Request": "true"})
    assert "Moreau, J." in response.content.decode()
    assert response.cookies == {}
    assert reception_client.session.get_expiry_date() == before


def test_the_waiting_list_is_no_page_of_its_own(desk: Desk, reception_client: Client) -> None:
    assert reception_client.get("/diary/waiting/").url == URL


# --- the pages ---------------------------------------------------------------------------------------------------------


def fill(desk: Desk, count: int) -> None:
    """So many of everything the page shows."""
    for n in range(count):
        room = RoomFactory(location=desk.location, kind=RoomKind.CONSULTATION)
        rows = {"patient": PatientFactory(), "room": room}
        visit(desk, f"{13 + n}:00", **rows)
        visit(desk, f"{13 + n}:30", AppointmentStatus.ARRIVED, **rows)
        visit(desk, f"{10 + n}:30", AppointmentStatus.CANCELLED, **rows)
        WalkInFactory()
        OutOfServiceFactory(room=room, starts_at=today("08:00"), ends_at=today("08:30"))
        AbsenceFactory(practitioner=desk.amari, starts_at=today(f"1{n}:00"), ends_at=today(f"1{n}:30"))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("show", ["", "?show=list"])
def test_the_diary_asks_the_same_questions_whatever_the_day_holds(
    desk: Desk,
    reception_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
    show: str,
) -> None:
    fill(desk, count)
    with django_assert_num_queries(17):
        assert reception_client.get(URL + show).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_my_day_asks_the_same_questions_whatever_the_day_holds(
    desk: Desk, silva_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        visit(desk, f"{13 + n}:00", patient=PatientFactory(), room=RoomFactory())
    with django_assert_num_queries(11):
        assert silva_client.get("/my-day/").status_code == 200


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("query", "queries"), [("?show=rooms", 18), ("?show=week", 21), ("print", 13)])
def test_the_other_layouts_ask_the_same_questions_too(
    desk: Desk,
    reception_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
    query: str,
    queries: int,
) -> None:
    fill(desk, count)
    url = "/diary/print/" if query == "print" else URL + query
    with django_assert_num_queries(queries):
        assert reception_client.get(url).status_code == 200


def test_rooms_and_devices_have_columns_with_their_visits(desk: Desk, reception_client: Client) -> None:
    booked = visit(desk, "10:00")
    OutOfServiceFactory(
        room=None, device=desk.gun, starts_at=today("00:00"), ends_at=today("12:00"), reason="Service"
    )
    columns = diary.read_day(TODAY, user=desk.user, at=CLINIC_NOW, things=True).columns
    assert [(str(each.lane), [card.visit for card in each.cards]) for each in columns] == [
        ("Room 1", [booked]),
        ("Room 2", []),
        ("Treatment", []),
        ("Gun 1", []),
    ]
    assert [shade.text for shade in columns[3].shades if shade.text] == ["Service"]
    assert columns[3].free[0].starts_at == today("13:00")  # after the service and the lunch break


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "words"),
    [
        (today("00:00"), today("00:00") + timedelta(days=3), "Mon 2 Mar 2026 to Wed 4 Mar 2026"),
        (today("00:00"), today("00:00") + timedelta(days=1), "Mon 2 Mar 2026"),
        (today("00:00"), today("12:00"), "Mon 2 Mar 2026 to Mon 2 Mar 2026, 12:00"),
        (today("08:00"), today("12:00"), "Mon 2 Mar 2026, 08:00 to Mon 2 Mar 2026, 12:00"),
    ],
    ids=["whole days", "one whole day", "until noon", "a morning"],
)
def test_out_of_service_for_whole_days_is_said_in_days(
    desk: Desk, reception_client: Client, starts_at: datetime, ends_at: datetime, words: str
) -> None:
    OutOfServiceFactory(room=None, device=desk.gun, starts_at=starts_at, ends_at=ends_at, reason="Service")
    page = reception_client.get(URL).content.decode()
    assert f"Gun 1 is out of service, {words}: Service" in page


def test_a_room_is_open_while_somebody_works_where_it_stands(desk: Desk) -> None:
    elsewhere = RoomFactory(name="Far away")
    columns = diary.read_day(TODAY, user=desk.user, at=CLINIC_NOW, things=True).columns
    free = {column.lane.thing: len(column.free) for column in columns}
    assert (free[elsewhere], free[desk.room] > 0) == (0, True)


def test_a_week_has_a_column_for_each_day_of_one_lane(desk: Desk) -> None:
    desk.silva.working_hours.filter(weekday__gte=6).delete()
    mine = visit(desk, "10:00")
    visit(desk, "10:00", practitioner=desk.amari, room=desk.room2, patient=PatientFactory())
    lane = diary.Lane(diary.LaneKind.PRACTITIONER, desk.silva)
    week = diary.read_week(date(2026, 3, 5), lane=lane, user=desk.user, at=CLINIC_NOW)
    assert [column.day.day for column in week.columns] == [2, 3, 4, 5, 6]
    assert [[card.visit for card in column.cards] for column in week.columns] == [[mine], [], [], [], []]
    assert [column.now_row for column in week.columns] == [1, None, None, None, None]


def test_a_week_across_the_clock_change_keeps_the_hours_side_by_side(desk: Desk) -> None:
    lane = diary.Lane(diary.LaneKind.PRACTITIONER, desk.silva)
    week = diary.read_week(date(2026, 3, 29), lane=lane, user=desk.user, at=CLINIC_NOW)
    first = {column.free[0].starts_at: column.free[0].place.row for column in week.columns}
    assert first == {on(column.day, "09:00"): 1 for column in week.columns}


def test_links_keep_the_layout_and_walk_by_weeks(desk: Desk, reception_client: Client) -> None:
    of = diary.Lane(diary.LaneKind.ROOM, desk.room).key
    links = reception_client.get(URL, {"show": "week", "of": of, "day": "2026-03-02"}).context["links"]
    assert links["after"] == f"/diary/?day=2026-03-09&show=week&of={of}"
    assert links["shows"]["day"] == "/diary/?day=2026-03-02"


def test_a_held_visit_says_until_when(desk: Desk, reception_client: Client) -> None:
    booking.hold_many(wishes=[desk.wish(today("16:00"))], until=today("15:00"), by=desk.user, at=CLINIC_NOW)
    assert [card.status_words for card in read(desk).cards] == ["held until 15:00"]
    assert "until 15:00" in page(reception_client)


def test_the_sheet_prints_a_day_of_everybody_or_of_one(desk: Desk, reception_client: Client) -> None:
    visit(desk, "10:00", note="Bring the old letter")
    haddad = PatientFactory(family_name="Haddad", given_names="Amir")
    visit(desk, "11:00", practitioner=desk.amari, room=desk.room2, patient=haddad)
    whole = page(reception_client, "/diary/print/?day=2026-03-02")
    for words in ("Moreau, J.", "Haddad, A.", "10:00–10:30", "Check-up", "Room 2", "Bring the old letter"):
        assert words in whole
    lane = diary.Lane(diary.LaneKind.PRACTITIONER, desk.amari)
    alone = page(reception_client, f"/diary/print/?day=2026-03-02&of={lane.key}")
    assert ("Moreau" in alone, "Haddad, A." in alone) == (False, True)


def test_a_card_leads_to_its_visit_and_a_free_place_to_booking(desk: Desk, reception_client: Client) -> None:
    booked = visit(desk, "10:00")
    text = page(reception_client)
    assert f'href="{reverse("clinic:appointment", args=[booked.pk])}"' in text
    assert f"/book/?practitioner={desk.silva.pk}&amp;starts_at=2026-03-02T09%3A30%3A00%2B01%3A00" in text


def test_an_admin_sees_the_diary_but_nothing_to_book_with(desk: Desk, admin_client: Client) -> None:
    visit(desk, "10:00")
    text = page(admin_client)
    assert "Moreau, J." in text
    assert "/book/" not in text


def test_readiness_is_shown_for_visits_the_pathway_knows(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.refuses = {"session"}
    visit(desk, "10:00", purpose="session")
    assert "The consent is not signed." in page(reception_client)


def test_the_diary_works_with_a_pathway_without_an_opinion(desk: Desk, reception_client: Client) -> None:
    readiness.connect(readiness.Pathway())
    visit(desk, "10:00")
    assert "Moreau, J." in page(reception_client)


@pytest.mark.parametrize("value", ["2026-13-01", "yesterday", "9999-12-31", "1999-12-31"])
def test_a_day_that_cannot_be_shows_today_and_says_so(
    desk: Desk, reception_client: Client, value: str
) -> None:
    response = reception_client.get(URL, {"day": value})
    assert response.status_code == 422
    assert "id_day_error" in response.content.decode()
    assert "Mon 2 Mar 2026" in response.content.decode()


def test_an_empty_day_says_what_would_fill_it(desk: Desk, reception_client: Client) -> None:
    ClosedDayFactory(day=TODAY, name="Carnival")
    text = page(reception_client)
    assert "The clinic is closed: Carnival." in text
    assert "Nobody works on this day" in text


def test_my_day_shows_my_visits_with_the_next_step(desk: Desk, silva_client: Client) -> None:
    mine = visit(desk, "10:00", AppointmentStatus.ARRIVED)
    visit(desk, "11:00", patient=PatientFactory(family_name="Haddad"), practitioner=desk.amari)
    text = page(silva_client, "/my-day/")
    assert reverse("clinic:appointment_step", args=[mine.pk, "start"]) in text
    assert "Haddad" not in text


def test_my_day_without_a_practitioner_says_what_to_do(desk: Desk, client: Client) -> None:
    sign_in(client, UserFactory(practitioner=True))
    assert "Your sign-in belongs to no practitioner" in page(client, "/my-day/")


@pytest.mark.parametrize("role", ["reception", "admin"])
def test_my_day_is_for_practitioners(desk: Desk, client: Client, role: str) -> None:
    sign_in(client, UserFactory(roles=[role]))
    assert client.get("/my-day/").status_code == 403


@pytest.mark.parametrize(
    ("roles", "url"),
    [
        (["reception"], "/diary/"),
        (["practitioner"], "/my-day/"),
        (["admin"], "/review/"),
        (["admin", "practitioner"], "/my-day/"),
        (["admin", "practitioner", "reception"], "/diary/"),
    ],
)
def test_each_role_begins_on_its_own_page(db: None, client: Client, roles: list[str], url: str) -> None:
    sign_in(client, UserFactory(roles=roles))
    assert client.get("/").url == url


def test_somebody_without_a_role_is_told_whom_to_ask(db: None, client: Client) -> None:
    sign_in(client, UserFactory())
    response = client.get("/")
    assert response.status_code == 403
    assert "Ask an admin" in response.content.decode()


def test_notices_lead_to_their_lists(desk: Desk, reception_client: Client) -> None:
    class Noticing(readiness.Pathway):
        def notices(self, *, user, at):
            return [Notice("readings due today", 3, "/readings/"), Notice("reports", 0, "/reports/")]

    readiness.connect(Noticing())
    text = page(reception_client)
    assert 'href="/readings/"' in text
    assert "/reports/" not in text  # nothing to do needs nobody


def test_what_lies_on_another_day_is_not_shown(desk: Desk) -> None:
    visit(desk, "10:00")
    assert read(desk, TODAY + timedelta(days=1)).cards == []
