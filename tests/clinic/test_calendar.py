"""The calendar's feed and its moves: what stands where on the wall clock, under which rules a drop happens, and what
somebody else's change looks like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic import diary
from clinic.actions import booking, visits
from clinic.diary import Lane, LaneKind
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.models import Appointment, AppointmentType
from clinic.readiness import Changes, Consequence, Consequences
from tests.clinic.desk import MISSING, Desk, ToldPathway, on
from tests.factories.booking import AppointmentFactory, AppointmentTypeFactory, WalkInFactory
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.factories.opening import AbsenceFactory, ClosedDayFactory, OutOfServiceFactory
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import RoomFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

FEED = "/diary/calendar/events/"
CHANGES = "/diary/changes/"


def today(clock: str) -> datetime:
    return on(TODAY, clock)


def key(thing: Any, kind: LaneKind = LaneKind.PRACTITIONER) -> str:
    return Lane(kind, thing).key


def feed(client: Client, **query: str) -> dict[str, Any]:
    return client.get(FEED, query).json()


def cards(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in found["events"] if each.get("display") != "background"]


def shades(found: dict[str, Any], kind: str) -> list[tuple[str, str, str]]:
    return [
        (each["start"][11:], each["end"][11:], each["title"])
        for each in found["events"]
        if each["id"] and f"shade-{kind}" in each["classNames"]
    ]


def drop(client: Client, visit: Appointment, starts_at: str, **fields: Any):
    """The visit is dropped so that the patient comes at `starts_at` on the wall clock."""
    data = {"version": visit.version, "starts_at": starts_at, **fields}
    return client.post(reverse("clinic:calendar_move", args=[visit.pk]), data)


# --- what stands where -------------------------------------------------------------------------------------------------


def test_times_are_the_clinics_wall_clock(desk: Desk, reception_client: Client) -> None:
    desk.book(today("10:00"))
    (card,) = cards(feed(reception_client))
    assert (card["start"], card["end"]) == ("2026-03-02T10:00", "2026-03-02T10:30")
    assert card["resourceIds"] == [key(desk.silva)]


def test_a_card_says_name_type_status_and_readiness(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.provisional = {"session"}
    desk.book(today("10:00"), purpose="session")
    (card,) = cards(feed(reception_client))
    said = card["extendedProps"]
    assert (card["title"], said["what"], said["status_word"], said["readiness_word"]) == (
        "Moreau, J.",
        "Session",
        "provisional",
        "provisional",
    )


def test_the_practitioners_time_is_the_card_and_the_rooms_is_hatched(
    desk: Desk, reception_client: Client
) -> None:
    session = AppointmentTypeFactory(session=True)
    AppointmentFactory(type=session, practitioner=desk.silva, room=desk.treatment, starts_at=today("09:00"))
    found = feed(reception_client)
    (card,) = cards(found)
    assert (card["start"][11:], card["end"][11:], card["extendedProps"]["lead"]) == ("10:00", "10:30", 60)
    assert shades(found, "buffer") == [("08:55", "10:00", ""), ("10:30", "10:55", "")]


def test_what_closes_time_is_shaded_with_its_name(desk: Desk, reception_client: Client) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=today("09:00"), ends_at=today("10:00"), note="congress")
    OutOfServiceFactory(room=desk.room, starts_at=today("00:00"), ends_at=today("23:00"), reason="Paint")
    assert shades(feed(reception_client), "away") == [("09:00", "10:00", "leave: congress")]
    assert shades(feed(reception_client, show="rooms"), "away") == [("09:00", "17:00", "Paint")]


def test_a_closed_day_of_the_week_has_its_name(desk: Desk, reception_client: Client) -> None:
    ClosedDayFactory(day=date(2026, 3, 4), name="Carnival")
    found = feed(reception_client, show="week", of=key(desk.silva))
    assert shades(found, "closed") == [("09:00", "17:00", "Carnival")]


def test_rooms_and_devices_have_columns_too(desk: Desk, reception_client: Client) -> None:
    desk.book(today("10:00"))
    found = feed(reception_client, show="rooms")
    assert [lane["title"] for lane in found["lanes"]] == ["Room 1", "Room 2", "Treatment", "Gun 1"]
    assert [each["resourceIds"] for each in cards(found)] == [[key(desk.room, LaneKind.ROOM)]]


def test_a_week_shows_one_lane_only(desk: Desk, reception_client: Client) -> None:
    mine = desk.book(today("10:00"))
    desk.book(today("10:00"), patient=PatientFactory(), practitioner=desk.amari, room=desk.room2)
    later = desk.book(on(date(2026, 3, 8), "10:00"))
    desk.book(on(date(2026, 3, 9), "10:00"))
    found = cards(feed(reception_client, show="week", of=key(desk.silva), day="2026-03-05"))
    assert [each["id"] for each in found] == [str(mine.pk), str(later.pk)]


def test_a_week_is_the_longest_span(desk: Desk) -> None:
    days = [TODAY + timedelta(days=n) for n in range(8)]
    with pytest.raises(ValueError, match="at most 7"):
        diary.read_sheet(days, user=desk.user, at=CLINIC_NOW)


def test_a_hold_says_until_when_and_disappears_when_it_has_run_out(
    desk: Desk, reception_client: Client
) -> None:
    wish = desk.wish(today("16:00"))
    booking.hold_many(wishes=[wish], until=today("15:00"), by=desk.user, at=CLINIC_NOW)
    (card,) = cards(feed(reception_client))
    assert card["extendedProps"]["status_word"] == "held until 15:00"
    days, late = [TODAY], today("15:00")
    assert diary.read_sheet(days, user=desk.user, at=late).cards == []
    assert diary.mark_of(days, at=late) != diary.mark_of(days, at=CLINIC_NOW)


@pytest.mark.parametrize("kind", ["admin", "reception"])
def test_only_who_may_book_drags(
    desk: Desk, admin_client: Client, reception_client: Client, kind: str
) -> None:
    desk.book(today("10:00"))
    client = {"admin": admin_client, "reception": reception_client}[kind]
    assert [each["editable"] for each in cards(feed(client))] == [kind == "reception"]


def test_what_has_begun_cannot_be_dragged(desk: Desk, reception_client: Client) -> None:
    AppointmentFactory(
        status=AppointmentStatus.ARRIVED, type=desk.visit, practitioner=desk.silva, starts_at=today("10:00")
    )
    assert [each["editable"] for each in cards(feed(reception_client))] == [False]


def test_colours_go_by_type_or_by_status(desk: Desk, reception_client: Client) -> None:
    AppointmentType.objects.filter(pk=desk.visit.pk).update(colour=7)
    desk.book(today("10:00"))
    found = [cards(feed(reception_client, colour=colour))[0]["classNames"] for colour in ("", "status")]
    assert found == [["visit", "type-7"], ["visit", "type-2"]]


def test_a_visit_that_is_over_is_quiet_and_not_struck_out(desk: Desk, reception_client: Client) -> None:
    AppointmentFactory(
        status=AppointmentStatus.COMPLETED, type=desk.visit, practitioner=desk.silva, starts_at=today("08:00")
    )
    (card,) = cards(feed(reception_client))
    assert card["classNames"][2:] == ["visit-over", "visit-done"]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("show", "queries"), [("day", 11), ("rooms", 12), ("week", 10)])
def test_the_feed_asks_the_same_questions_whatever_it_holds(
    desk: Desk,
    reception_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
    show: str,
    queries: int,
) -> None:
    for n in range(count):
        desk.book(today(f"{13 + n}:00"), patient=PatientFactory(), room=RoomFactory(location=desk.location))
    with django_assert_num_queries(queries):
        assert reception_client.get(FEED, {"show": show, "of": key(desk.silva)}).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("show", "queries"), [("day", 13), ("rooms", 14), ("week", 15)])
def test_the_page_asks_the_same_questions_whatever_it_holds(
    desk: Desk,
    reception_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    count: int,
    show: str,
    queries: int,
) -> None:
    for n in range(count):
        desk.book(today(f"{13 + n}:00"), patient=PatientFactory(), room=RoomFactory(location=desk.location))
    with django_assert_num_queries(queries):
        query = {"show": show, "of": key(desk.silva)}
        assert reception_client.get("/diary/calendar/", query).status_code == 200


# --- somebody else's change --------------------------------------------------------------------------------------------


Change = Callable[[Desk, Appointment], Any]
CHANGES_SEEN: dict[str, Change] = {
    "confirmed": lambda desk, visit: visits.confirm(appointment=visit, by=desk.user, at=CLINIC_NOW),
    "cancelled": lambda desk, visit: visits.cancel(
        appointment=visit, cancelled_by=CancelledBy.PATIENT, reason="", by=desk.user, at=CLINIC_NOW
    ),
    "booked": lambda desk, visit: desk.book(today("15:00"), patient=PatientFactory()),
    "absence": lambda desk, visit: AbsenceFactory(practitioner=desk.silva),
    "closed": lambda desk, visit: ClosedDayFactory(day=TODAY),
    "outage": lambda desk, visit: OutOfServiceFactory(room=desk.room),
    "walk-in": lambda desk, visit: WalkInFactory(),
    "moved away": lambda desk, visit: Appointment.objects.filter(pk=visit.pk).update(
        **{
            name: getattr(visit, name) + timedelta(days=1)
            for name in (
                "starts_at",
                "ends_at",
                "practitioner_from",
                "practitioner_until",
                "room_from",
                "room_until",
            )
        }
    ),
}


@pytest.mark.parametrize("change", CHANGES_SEEN)
def test_the_mark_is_another_one_after_a_change(desk: Desk, change: str) -> None:
    visit = desk.book(today("10:00"))
    before = diary.mark_of([TODAY], at=CLINIC_NOW)
    CHANGES_SEEN[change](desk, visit)
    assert diary.mark_of([TODAY], at=CLINIC_NOW) != before


def test_the_mark_stays_when_another_day_changes(desk: Desk) -> None:
    desk.book(today("10:00"))
    before = diary.mark_of([TODAY], at=CLINIC_NOW)
    desk.book(on(date(2026, 3, 3), "10:00"))
    assert diary.mark_of([TODAY], at=CLINIC_NOW) == before


def test_asking_for_changes_is_one_question_and_leaves_the_session_alone(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3):  # the session, the person, and the mark
        response = reception_client.get(CHANGES, {"day": "2026-03-02"})
    assert response.json() == {"mark": diary.mark_of([TODAY], at=CLINIC_NOW)}
    assert "Set-Cookie" not in response.headers


def test_the_feed_leaves_the_session_alone(desk: Desk, reception_client: Client) -> None:
    assert "Set-Cookie" not in reception_client.get(FEED).headers


# --- moving --------------------------------------------------------------------------------------------------------------


def test_a_drop_moves_the_visit_and_offers_the_way_back(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(today("10:00"))
    response = drop(reception_client, visit, "2026-03-02T14:30", lane=key(desk.amari))
    visit.refresh_from_db()
    assert (response.status_code, response.json()) == (200, {"moved": True})
    assert (visit.starts_at, visit.practitioner, visit.room) == (today("14:30"), desk.amari, desk.room)
    page = reception_client.get("/diary/calendar/").content.decode()
    assert "moved to Mon 2 Mar 2026, 14:30, Dr Amari, Room 1." in page
    back = reception_client.session.get("undo")
    assert back is None  # offered once


def test_the_way_back_undoes_it(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(today("10:00"))
    drop(reception_client, visit, "2026-03-02T10:00", minutes=55, next="/diary/calendar/")
    undo = reception_client.session["undo"]
    assert undo["text"] == "Moreau, J., Check-up, Mon 2 Mar 2026, 10:00: now 55 minutes long."
    response = reception_client.post(undo["url"], undo["fields"])
    visit.refresh_from_db()
    assert (response.status_code, response["Location"]) == (302, "/diary/calendar/")
    assert (visit.minutes, visit.starts_at, visit.version) == (30, today("10:00"), 3)


def test_lengthening_moves_the_ends_of_practitioner_and_room(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(today("10:00"))
    assert drop(reception_client, visit, "2026-03-02T10:00", minutes=45).status_code == 200
    visit.refresh_from_db()
    assert (visit.ends_at, visit.practitioner_until, visit.room_until) == (today("10:45"),) * 3


def test_a_drop_on_a_room_moves_it_there(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(today("10:00"))
    drop(reception_client, visit, "2026-03-02T10:00", lane=key(desk.room2, LaneKind.ROOM))
    visit.refresh_from_db()
    assert (visit.room, visit.practitioner, visit.starts_at) == (desk.room2, desk.silva, today("10:00"))


def test_where_only_the_room_is_taken_another_one_is_used_and_said(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(today("10:00"))
    desk.book(today("14:00"), patient=PatientFactory(), practitioner=desk.amari)
    assert drop(reception_client, visit, "2026-03-02T14:00").status_code == 200
    visit.refresh_from_db()
    assert (visit.starts_at, visit.room) == (today("14:00"), desk.room2)
    assert "Dr Silva, Room 2." in reception_client.session["undo"]["text"]


def test_where_every_room_is_taken_the_visit_stays_and_its_room_is_named(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(today("10:00"))
    desk.book(today("14:00"), patient=PatientFactory(), practitioner=desk.amari)
    OutOfServiceFactory(room=desk.room2, starts_at=today("13:00"), ends_at=today("17:00"))
    response = drop(reception_client, visit, "2026-03-02T14:00")
    visit.refresh_from_db()
    assert (response.status_code, response.json()["code"]) == (409, "room_taken")
    assert response.json()["message"] == "Room 1 is not free at this time."
    assert (visit.starts_at, visit.room, visit.version) == (today("10:00"), desk.room, 1)


def test_a_room_that_was_chosen_is_not_exchanged(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(today("10:00"))
    desk.book(today("10:00"), patient=PatientFactory(), practitioner=desk.amari, room=desk.room2)
    response = drop(reception_client, visit, "2026-03-02T10:00", lane=key(desk.room2, LaneKind.ROOM))
    visit.refresh_from_db()
    assert (response.status_code, response.json()["code"], visit.room) == (409, "room_taken", desk.room)
    assert response.json()["message"] == "Room 2 is not free at this time."


REFUSED = {
    "taken": ("2026-03-02T11:00", {}, 409, "Dr Silva is booked at this time."),
    "closed": ("2026-03-02T12:30", {}, 422, "Dr Silva does not work at this time."),
    "past": ("2026-03-01T10:00", {}, 422, "This time has passed. Choose a later one."),
    "stale": ("2026-03-02T14:00", {"version": 7}, 409, "Somebody changed this appointment meanwhile."),
    "no version": ("2026-03-02T14:00", {"version": ""}, 422, "Please fill this in."),
    "no time": ("", {}, 422, "Please fill this in."),
    "gap": ("2026-03-29T02:30", {}, 422, "02:30 does not exist. Choose 03:00 or later."),
    "twice": ("2026-10-25T02:30", {}, 422, "02:30 comes twice."),
    "zone": ("2026-03-02T14:00+01:00", {}, 422, "Enter the time as hours and minutes"),
    "nonsense": ("soon", {}, 422, "Enter the time as hours and minutes"),
    "no such day": ("2026-02-30T10:00", {}, 422, "Enter the time as hours and minutes"),
    "no column": (
        "2026-03-02T14:00",
        {"lane": "practitioner-x"},
        422,
        "Drop the visit in one of the columns",
    ),
    "too short": ("2026-03-02T10:00", {"minutes": "-5"}, 422, "A visit takes at least one minute."),
    "too long": ("2026-03-02T10:00", {"minutes": "900"}, 422, "A visit takes at most twelve hours."),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refused_drop_says_why_and_changes_nothing(desk: Desk, reception_client: Client, why: str) -> None:
    starts_at, fields, status, words = REFUSED[why]
    visit = desk.book(today("10:00"))
    desk.book(today("11:00"), patient=PatientFactory(), room=desk.room2)
    response = drop(reception_client, visit, starts_at, **fields)
    assert (response.status_code, words in response.json()["message"]) == (status, True), response.json()
    visit.refresh_from_db()
    assert (visit.starts_at, visit.version, visit.minutes) == (today("10:00"), 1, 30)


def test_a_drop_on_somebody_who_left_is_refused(desk: Desk, reception_client: Client) -> None:
    gone = PractitionerFactory(is_active=False)
    response = drop(reception_client, desk.book(today("10:00")), "2026-03-02T10:00", lane=key(gone))
    assert response.json()["code"] == "unknown_lane"


def test_what_the_pathway_refuses_is_said_in_full(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    visit = desk.book(today("10:00"), purpose="session")
    pathway.refuses = {"session"}
    response = drop(reception_client, visit, "2026-03-02T14:00")
    assert (response.status_code, response.json()["message"]) == (422, "The consent is not signed.")


def test_who_may_not_book_moves_nothing(desk: Desk, admin_client: Client) -> None:
    visit = desk.book(today("10:00"))
    response = drop(admin_client, visit, "2026-03-02T14:00")
    visit.refresh_from_db()
    assert (response.status_code, visit.version) == (403, 1)


def test_a_drop_needs_the_token(desk: Desk) -> None:
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, desk.user)
    visit = desk.book(today("10:00"))
    assert drop(strict, visit, "2026-03-02T14:00").status_code == 403
    visit.refresh_from_db()
    assert visit.version == 1


def test_a_test_with_a_reading_leads_to_the_page_for_moving(desk: Desk, reception_client: Client) -> None:
    test = desk.book(today("10:00"))
    reading = desk.book(on(date(2026, 3, 4), "10:00"))
    reading.pair_of = test
    reading.save()
    response = drop(reception_client, test, "2026-03-02T14:00", lane=key(desk.amari))
    test.refresh_from_db()
    lead = response.json()["lead"]
    assert (response.status_code, test.starts_at) == (409, today("10:00"))
    assert lead == (
        f"/appointments/{test.pk}/move/?starts_at=2026-03-02T13%3A00Z&practitioner={desk.amari.pk}"
    )
    assert reception_client.get(lead).status_code == 200
    # Only the time concerns the reading: a longer test does not.
    assert drop(reception_client, test, "2026-03-02T10:00", minutes=45).status_code == 200


class _Disturbed(Consequences):
    """A later visit that suffers whatever is changed."""

    def __init__(self, later: Appointment) -> None:
        self.later = later

    def followers(self, appointment: Appointment) -> list[Appointment]:
        return [self.later]

    def of(self, appointment: Appointment, changes: Changes) -> Consequence:
        return Consequence(appointment, conditions=(MISSING,))


def test_a_move_that_disturbs_a_later_visit_leads_to_its_preview(
    desk: Desk, pathway: ToldPathway, reception_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, later = desk.book(today("10:00")), desk.book(on(date(2026, 3, 9), "10:00"))
    monkeypatch.setattr(pathway, "consequences", lambda visits, *, at: _Disturbed(later))
    response = drop(reception_client, session, "2026-03-02T14:00")
    session.refresh_from_db()
    assert (response.status_code, session.starts_at) == (409, today("10:00"))
    lead = response.json()["lead"]
    assert lead.startswith(f"/appointments/{session.pk}/")
    assert "2026-03-02T13%3A00Z" in lead
    assert reception_client.get(lead).status_code == 200
    # Who comes too late hears that first, not what would follow.
    stale = drop(reception_client, session, "2026-03-02T14:00", version=7)
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_appointment")


# --- a free place -----------------------------------------------------------------------------------------------------


def test_a_free_place_leads_to_booking_with_practitioner_and_time(
    desk: Desk, reception_client: Client
) -> None:
    query = {"starts_at": "2026-03-02T14:00", "lane": key(desk.amari)}
    response = reception_client.get("/diary/calendar/book/", query)
    assert response["Location"] == f"/book/?starts_at=2026-03-02T13%3A00Z&practitioner={desk.amari.pk}"


def test_a_free_place_in_a_room_leads_to_booking_with_the_time_alone(
    desk: Desk, reception_client: Client
) -> None:
    query = {"starts_at": "2026-03-02T14:00"}
    for lane in (key(desk.room2, LaneKind.ROOM), f"practitioner-{UUID(int=1)}"):
        response = reception_client.get("/diary/calendar/book/", {**query, "lane": lane})
        assert response["Location"] == "/book/?starts_at=2026-03-02T13%3A00Z"


@pytest.mark.parametrize("starts_at", ["2026-03-29T02:30", "x", ""])
def test_a_time_that_does_not_exist_leads_back_with_a_sentence(
    desk: Desk, reception_client: Client, starts_at: str
) -> None:
    response = reception_client.get("/diary/calendar/book/", {"starts_at": starts_at}, follow=True)
    assert response.redirect_chain == [("/diary/calendar/", 302)]
    assert "toast-error" in response.content.decode()


# --- the page ------------------------------------------------------------------------------------------------------------


def test_the_page_carries_the_feed_and_a_list_for_phones(desk: Desk, reception_client: Client) -> None:
    desk.book(today("10:00"))
    response = reception_client.get("/diary/calendar/")
    settings = response.context["settings"]
    assert (settings["view"], settings["offset"], settings["opens"], settings["closes"]) == (
        "resourceTimeGridDay",
        "+01:00",
        "09:00",
        "17:00",
    )
    assert 'class="visit-row' in response.content.decode()


def test_a_weekend_without_anything_is_left_out(desk: Desk, reception_client: Client) -> None:
    desk.silva.working_hours.filter(weekday__gte=6).delete()
    query = {"show": "week", "of": key(desk.silva)}
    assert reception_client.get(FEED, query).json()["hidden_days"] == [6, 0]


@pytest.mark.parametrize("of", ["room-x", "nurse-1", "practitioner-00000000-0000-0000-0000-000000000000"])
def test_the_week_of_somebody_unknown_is_not_found(desk: Desk, reception_client: Client, of: str) -> None:
    found = [reception_client.get(url, {"show": "week", "of": of}) for url in ("/diary/", "/diary/calendar/")]
    assert [each.status_code for each in found] == [404, 404]
