"""A practitioner is ill, a room is out, a day is closed: new places for the visits that stand in that time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import booking, holds
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.models import Absence, Appointment, ContactEntry, User
from clinic.replanning import by_urgency, substitutes
from consultations import purposes
from consultations.dates import in_words
from tests.clinic.desk import Desk, make_desk, on
from tests.factories import (
    AbsenceFactory,
    ClosedDayFactory,
    ExtraOpeningFactory,
    OutOfServiceFactory,
    PatientFactory,
    PractitionerFactory,
    WorkingHoursFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.booking import AppointmentFactory, AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.signing_in import sign_in

_S = AppointmentStatus
TUESDAY = date(2026, 3, 3)


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


def ill(desk: Desk, *, days: int = 1) -> Absence:
    """Dr Silva, from Tuesday on."""
    return AbsenceFactory(
        practitioner=desk.silva,
        starts_at=tuesday("00:00"),
        ends_at=tuesday("00:00") + timedelta(days=days),
    )


def booked(desk: Desk, *clocks: str, **more: Any) -> list[Appointment]:
    return [desk.book(tuesday(clock), **{"patient": PatientFactory(), **more}) for clock in clocks]


def url(entry: Any, kind: str = "absence", *, page: int = 1) -> str:
    return f"{reverse('clinic:new_places', args=[kind, entry.pk])}?page={page}"


def text(response: Any) -> str:
    return unescape(response.content.decode())


def sent(rows: list[Any], *, but: int | None = None) -> dict[str, list[str]]:
    """What the page posts when it is submitted as it is shown, one row unticked."""
    chosen = [
        next((c for c in row.choices if c.is_chosen), row.choices[0]).value for row in rows if row.choices
    ]
    ticked = [row.key for number, row in enumerate(rows) if row.is_ticked and number != but]
    return {"shift": ticked, "place": chosen}


def places_of(visits: list[Appointment]) -> list[tuple[str, datetime]]:
    for visit in visits:
        visit.refresh_from_db()
    return [(visit.practitioner.name, visit.starts_at) for visit in visits]


# --- which place -------------------------------------------------------------------------------------------------------


def test_somebody_else_at_the_same_time_is_the_best_substitute(desk: Desk) -> None:
    (visit,) = booked(desk, "10:00")
    ill(desk)
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert (row.options[0].practitioner, row.options[0].starts_at) == (desk.amari, tuesday("10:00"))
    assert (row.is_at_once, row.is_same_person) == (True, False)


def test_without_anybody_at_that_time_the_same_practitioner_soon_after_comes_first(desk: Desk) -> None:
    (visit,) = booked(desk, "10:00")
    desk.book(tuesday("10:00"), patient=PatientFactory(), practitioner=desk.amari, room=desk.room2)
    ill(desk)
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert (row.options[0].practitioner, row.options[0].starts_at) == (
        desk.silva,
        on(date(2026, 3, 4), "10:00"),
    )


def test_a_substitute_has_the_skill(desk: Desk) -> None:
    kind = AppointmentTypeFactory(skill="laser", grid_minutes=30)
    desk.silva.skills = ["laser"]
    desk.silva.save()
    (visit,) = booked(desk, "10:00", type=kind)
    ill(desk)
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert {place.practitioner for place in row.options} == {desk.silva}


def test_who_knows_the_patient_comes_before_who_does_not(desk: Desk) -> None:
    third = PractitionerFactory(name="Dr Roth", position=9)
    for weekday in range(1, 8):
        WorkingHoursFactory(practitioner=third, location=desk.location, weekday=weekday)
    (visit,) = booked(desk, "10:00")
    AppointmentFactory(
        patient=visit.patient,
        practitioner=third,
        status=_S.COMPLETED,
        starts_at=CLINIC_NOW - timedelta(days=30),
    )
    ill(desk)
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert [place.practitioner for place in row.options[:2]] == [third, desk.amari]


def test_no_two_proposals_take_the_same_place(desk: Desk) -> None:
    visits = booked(desk, "10:00", "10:30", "11:00")
    booked(desk, "10:00", practitioner=desk.amari, room=desk.room2)
    ill(desk, days=30)
    rows = substitutes(visits, at=CLINIC_NOW)
    taken = [(place.practitioner.pk, place.starts_at) for row in rows for place in row.options[:1]]
    assert len(taken) == len(set(taken)) == 3


def test_a_closed_day_sends_everybody_to_another_day(desk: Desk) -> None:
    visits = booked(desk, "10:00", "10:30")
    ClosedDayFactory(day=TUESDAY)
    rows = substitutes(visits, at=CLINIC_NOW)
    assert [row.options[0].practitioner for row in rows] == [desk.silva] * 2
    assert all(row.options[0].starts_at.date() != TUESDAY for row in rows)


def test_a_room_that_is_out_is_replaced_at_the_same_time_with_the_same_practitioner(desk: Desk) -> None:
    (visit,) = booked(desk, "10:00")
    OutOfServiceFactory(room=desk.room, starts_at=tuesday("00:00"), ends_at=tuesday("23:00"))
    (row,) = substitutes([visit], at=CLINIC_NOW)
    best = row.options[0]
    assert (best.practitioner, best.room, best.starts_at) == (desk.silva, desk.room2, tuesday("10:00"))


def test_readings_come_first_and_stay_inside_their_window(desk: Desk) -> None:
    plan = consented_plan()
    wishes = [
        desk.wish(CLINIC_NOW + timedelta(hours=1), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(tuesday("16:00"), patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0),
    ]
    test, reading = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    earlier = booked(desk, "09:00")[0]
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=tuesday("00:00"), ends_at=on(date(2026, 3, 6), "00:00"))
    ordered = by_urgency([earlier, reading], at=CLINIC_NOW)
    assert ordered == [reading, earlier]
    row, _other = substitutes(ordered, at=CLINIC_NOW)
    assert row.options[0].starts_at < test.starts_at + timedelta(hours=96)
    assert {place.starts_at.date() for place in row.options} == {date(2026, 3, 6)}


def test_a_session_that_its_moved_reading_leaves_no_time_before_the_next_one_stays(desk: Desk) -> None:
    """Read on Friday instead of Wednesday, it could be on Friday at the earliest: five days before the next session."""
    plan = consented_plan(sessions=2)
    first, second = plan.planned_sessions.all()
    monday = CLINIC_NOW + timedelta(hours=1)
    wishes = [
        desk.wish(at, patient=plan.patient, purpose=purpose, **more)
        for at, purpose, more in (
            (monday, purposes.test_of(plan), {}),
            (monday + timedelta(days=2), purposes.reading_of(plan), {"pair_of": 0}),
            (monday + timedelta(days=3), purposes.session_of(first), {}),
            (monday + timedelta(days=9), purposes.session_of(second), {}),
        )
    ]
    _test, reading, session, next_ = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=tuesday("00:00"), ends_at=on(date(2026, 3, 6), "00:00"))
    moved, stays = substitutes([reading, session], at=CLINIC_NOW)
    assert moved.options[0].starts_at.date() == date(2026, 3, 6)
    assert stays.options == ()
    day = in_words(next_.starts_at)
    assert stays.problem == f"No time is right for it before session 2 on {day}. Move that one first."


def test_a_session_keeps_its_gaps_to_the_sessions_on_both_sides(desk: Desk) -> None:
    plan = cleared_plan(sessions=3)
    visits = [
        desk.book(
            tuesday("10:00") + timedelta(days=days), patient=plan.patient, purpose=purposes.session_of(each)
        )
        for days, each in zip((0, 6, 12), plan.planned_sessions.all(), strict=True)
    ]
    AbsenceFactory(
        practitioner=desk.silva,
        starts_at=on(date(2026, 3, 9), "00:00"),
        ends_at=on(date(2026, 3, 10), "00:00"),
    )
    AbsenceFactory(
        practitioner=desk.amari,
        starts_at=on(date(2026, 3, 9), "00:00"),
        ends_at=on(date(2026, 3, 9), "12:00"),
    )
    (row,) = substitutes([visits[1]], at=CLINIC_NOW)
    # Six days after the one before and six before the next one: only that very day is left, with somebody else.
    assert {place.starts_at.date() for place in row.options} == {date(2026, 3, 9)}
    assert {place.practitioner for place in row.options} == {desk.amari}


def test_a_visit_that_the_pathway_refuses_stays_with_the_reason(desk: Desk) -> None:
    plan = cleared_plan()
    visit = desk.book(
        tuesday("10:00"),
        patient=plan.patient,
        purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1)),
    )
    plan.status = "stopped"
    plan.save()
    ill(desk)
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert row.options == ()
    assert row.problem.startswith("Not cleared: ask")


def test_where_nobody_is_free_it_is_said(desk: Desk) -> None:
    (visit,) = booked(desk, "10:00")
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=CLINIC_NOW, ends_at=CLINIC_NOW + timedelta(days=200))
    (row,) = substitutes([visit], at=CLINIC_NOW)
    assert row.problem.startswith("Nobody is free")


# --- the page ----------------------------------------------------------------------------------------------------------


def test_the_entry_leads_to_the_page_on_which_every_found_place_is_ticked(
    desk: Desk, reception_client: Client
) -> None:
    booked(desk, "10:00", "10:30")
    entry = ill(desk)
    assert url(entry).partition("?")[0] in text(
        reception_client.get(reverse("clinic:opening_entry", args=["absence", entry.pk]))
    )
    shown = reception_client.get(url(entry))
    assert [row.is_ticked for row in shown.context["rows"]] == [True, True]
    assert "same time, with somebody else" in text(shown)


def test_the_batch_is_moved_whole_and_undone_whole(desk: Desk, reception_client: Client) -> None:
    visits = booked(desk, "10:00", "10:30")
    entry = ill(desk)
    before = places_of(visits)
    shown = reception_client.get(url(entry))
    assert reception_client.post(url(entry), sent(shown.context["rows"])).status_code == 302
    assert places_of(visits) == [("Dr Amari", tuesday("10:00")), ("Dr Amari", tuesday("10:30"))]
    after = reception_client.get(url(entry))
    assert after.context["rows"] == []
    undo = after.context["undo"]
    assert after.content.decode().count("2 visits moved.") == 1
    assert (
        'name="csrfmiddlewaretoken"' in after.content.decode()
    )  # the way back is a form that a browser can send
    # The way back leads into time that has been closed: refused whole, with the reason.
    assert reception_client.post(undo["url"], undo["fields"]).status_code == 422
    entry.delete()
    assert reception_client.post(undo["url"], undo["fields"]).status_code == 302
    assert places_of(visits) == before


def test_an_unticked_visit_stays_listed(desk: Desk, reception_client: Client) -> None:
    visits = booked(desk, "10:00", "10:30")
    entry = ill(desk)
    shown = reception_client.get(url(entry))
    reception_client.post(url(entry), sent(shown.context["rows"], but=0))
    assert places_of(visits) == [("Dr Silva", tuesday("10:00")), ("Dr Amari", tuesday("10:30"))]
    assert [row.shift.visit for row in reception_client.get(url(entry)).context["rows"]] == [visits[0]]


def test_a_lost_race_moves_nothing_and_marks_the_row_with_its_next_best(
    desk: Desk, reception_client: Client
) -> None:
    visits = booked(desk, "10:00", "10:30")
    entry = ill(desk)
    page = sent(reception_client.get(url(entry)).context["rows"])
    booked(desk, "10:00", practitioner=desk.amari, room=desk.room2)
    answer = reception_client.post(url(entry), page)
    assert answer.status_code == 409
    lost, other = answer.context["rows"]
    assert (lost.is_lost, lost.is_ticked, other.is_lost, other.is_ticked) == (True, True, False, True)
    assert lost.shift.options[0].starts_at == on(date(2026, 3, 4), "10:00")
    assert places_of(visits) == [("Dr Silva", tuesday("10:00")), ("Dr Silva", tuesday("10:30"))]
    assert "Nothing was moved." in text(answer)
    assert reception_client.post(url(entry), sent(answer.context["rows"])).status_code == 302


@pytest.mark.parametrize("fields", [{}, {"shift": ["x"]}, {"place": ["a:b:c"]}, {"shift": ["0" * 32 + ":0"]}])
def test_a_page_that_says_nothing_or_nonsense_moves_nothing(
    desk: Desk, reception_client: Client, fields: dict[str, list[str]]
) -> None:
    visits = booked(desk, "10:00")
    answer = reception_client.post(url(ill(desk)), fields)
    assert answer.status_code == 422
    assert places_of(visits) == [("Dr Silva", tuesday("10:00"))]


def test_more_than_a_page_comes_in_batches(desk: Desk, reception_client: Client) -> None:
    for day in range(3):
        for number in range(9):
            AppointmentFactory(
                practitioner=desk.silva,
                type=desk.visit,
                room=desk.room,
                starts_at=tuesday("09:00") + timedelta(days=day, minutes=30 * number),
            )
    entry = ill(desk, days=5)
    first, second = (reception_client.get(url(entry, page=page)).context for page in (1, 2))
    assert (len(first["rows"]), len(second["rows"]), first["total"]) == (25, 2, 27)
    assert (bool(first["older_url"]), bool(second["older_url"]), bool(second["newer_url"])) == (
        True,
        False,
        True,
    )


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_visits(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for number in range(count):
        plan = cleared_plan()
        desk.book(
            tuesday(f"{10 + number}:00") if number < 2 else tuesday("14:00"),
            patient=plan.patient,
            purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1)),
        )
    entry = ill(desk)
    with django_assert_num_queries(39):
        shown = reception_client.get(url(entry))
    assert len(shown.context["rows"]) == count


# --- holds ------------------------------------------------------------------------------------------------------------


def held(desk: Desk, clock: str, until: str = "12:00") -> Appointment:
    """Kept until today at that time."""
    wish = desk.wish(tuesday(clock), patient=PatientFactory())
    return booking.hold_many(wishes=[wish], until=on(TODAY, until), by=desk.user, at=CLINIC_NOW)[0]


def test_a_hold_moves_with_the_visits_and_stays_a_hold_until_the_same_moment(
    desk: Desk, reception_client: Client
) -> None:
    kept = held(desk, "10:00")
    (visit,) = booked(desk, "10:30")
    entry = ill(desk)
    shown = reception_client.get(url(entry))
    assert [row.shift.visit for row in shown.context["rows"]] == [visit, kept]  # what is booked comes first
    assert "held until Mon 2 Mar 2026, 12:00, at the new place too" in text(shown)
    assert reception_client.post(url(entry), sent(shown.context["rows"])).status_code == 302
    assert places_of([kept, visit]) == [("Dr Amari", tuesday("10:00")), ("Dr Amari", tuesday("10:30"))]
    assert (kept.status, kept.held_until) == (AppointmentStatus.HELD, on(TODAY, "12:00"))
    assert list(ContactEntry.objects.values_list("about", flat=True)) == [
        visit.pk
    ]  # who calls back hears of it
    undo = reception_client.get(url(entry)).context["undo"]
    entry.delete()
    assert reception_client.post(undo["url"], undo["fields"]).status_code == 302
    assert places_of([kept]) == [("Dr Silva", tuesday("10:00"))]
    assert (kept.status, kept.held_until) == (AppointmentStatus.HELD, on(TODAY, "12:00"))


def test_a_moved_hold_is_taken_where_it_is_now(desk: Desk) -> None:
    kept = held(desk, "10:00")
    place = booking.Move(kept, kept.version, desk.amari, desk.room2, tuesday("11:00"))
    (moved,) = booking.move_many(moves=[place], by=desk.user, at=CLINIC_NOW)
    taken = holds.take(appointment=moved, by=desk.user, at=CLINIC_NOW)
    assert (taken.status, taken.practitioner, taken.starts_at) == (
        AppointmentStatus.BOOKED,
        desk.amari,
        tuesday("11:00"),
    )


def test_a_held_time_does_not_begin_before_the_call(desk: Desk) -> None:
    """Today at 15:00, held until 14:30; Dr Silva is free until 14:30 only."""
    wish = desk.wish(on(TODAY, "15:00"), patient=PatientFactory())
    (kept,) = booking.hold_many(wishes=[wish], until=on(TODAY, "14:30"), by=desk.user, at=CLINIC_NOW)
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=on(TODAY, "14:30"), ends_at=on(TODAY, "23:59"))
    (row,) = substitutes([kept], at=CLINIC_NOW)
    assert row.options
    assert all(place.starts_at.date() > TODAY for place in row.options)
    place = booking.Move(kept, kept.version, desk.amari, desk.room2, on(TODAY, "14:00"))
    with pytest.raises(DomainError, match="calls back by 2 Mar 2026, 14:30") as refused:
        booking.move_many(moves=[place], by=desk.user, at=CLINIC_NOW)
    assert refused.value.code == "bad_hold"


def test_a_hold_that_ran_out_is_neither_listed_nor_moved(
    desk: Desk, reception: User, reception_client: Client
) -> None:
    kept = held(desk, "10:00", until="09:30")
    entry = ill(desk)
    late = on(TODAY, "09:30")
    with time_machine.travel(late, tick=False):
        sign_in(reception_client, reception)
        assert reception_client.get(url(entry)).context["rows"] == []
    place = booking.Move(kept, kept.version, desk.amari, desk.room2, tuesday("11:00"))
    with pytest.raises(DomainError, match="This hold is gone"):
        booking.move_many(moves=[place], by=desk.user, at=late)


def test_extra_opening_closes_nothing(desk: Desk, reception_client: Client) -> None:
    entry = ExtraOpeningFactory(practitioner=desk.silva, location=desk.location)
    assert reception_client.get(url(entry, "extra")).context["rows"] == []


def test_an_admin_moves_nobody(desk: Desk, admin_client: Client) -> None:
    booked(desk, "10:00")
    entry = ill(desk)
    assert [admin_client.get(url(entry)).status_code, admin_client.post(url(entry), {}).status_code] == [
        403,
        403,
    ]
