"""One visit's panel and pages: its steps, moving, cancelling, undoing, and what a stale tab is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import booking, visits
from clinic.chooser import Slot
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.models import Appointment
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories.booking import AppointmentFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.people import PatientFactory

_S = AppointmentStatus
TUESDAY = date(2026, 3, 3)
HTMX = {"HX-Request": "true"}


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def in_state(desk: Desk, status: str, starts_at: datetime = CLINIC_NOW, **changes) -> Appointment:
    rows = {"type": desk.visit, "practitioner": desk.silva, "room": desk.room, "patient": desk.patient}
    return AppointmentFactory(status=status, starts_at=starts_at, **{**rows, **changes})


def page(visit: Appointment, name: str = "appointment", *more: str) -> str:
    return reverse(f"clinic:{name}", args=[visit.pk, *more])


def text(response) -> str:
    return unescape(response.content.decode())


def take(client: Client, visit: Appointment, step: str, *, version: int | None = None, **more):
    fields = {"version": version or visit.version, **more.pop("fields", {})}
    return client.post(page(visit, "appointment_step", step), fields, **more)


# --- the panel ---------------------------------------------------------------------------------------------------------


def test_the_panel_shows_who_what_and_when(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.ARRIVED, arrived_at=CLINIC_NOW + timedelta(minutes=3))
    shown = text(reception_client.get(page(visit)))
    for words in ("Moreau, Jeanne", "+33 6 12 00 44 71", "Check-up", "Dr Silva", "Room 1", "09:00", "09:03"):
        assert words in shown


def test_htmx_gets_the_panel_alone(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert "<html" not in text(reception_client.get(page(visit), headers=HTMX))
    assert "<html" in text(reception_client.get(page(visit)))


@pytest.mark.parametrize(
    ("status", "steps"),
    [
        (_S.PROVISIONAL, ["arrive", "no-show"]),
        (_S.BOOKED, ["arrive", "no-show"]),
        (_S.CONFIRMED, ["arrive", "no-show"]),
        (_S.ARRIVED, ["start", "undo-arrival", "no-show"]),
        (_S.IN_PROGRESS, ["complete"]),
        (_S.COMPLETED, ["reopen"]),
        (_S.CANCELLED, ["reinstate"]),
        (_S.NO_SHOW, ["arrive", "reinstate"]),
    ],
)
def test_the_next_sensible_steps_come_first(
    desk: Desk, reception_client: Client, status: str, steps: list[str]
) -> None:
    visit = in_state(desk, status)
    shown = [step.slug for step in reception_client.get(page(visit)).context["steps"]]
    assert shown == steps


def test_tomorrows_visit_can_be_confirmed_but_has_not_arrived(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED, tuesday("09:00"))
    shown = [step.slug for step in reception_client.get(page(visit)).context["steps"]]
    assert shown == ["confirm"]


def test_an_admin_reads_the_panel_without_steps(desk: Desk, admin_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    shown = admin_client.get(page(visit))
    assert (shown.context["steps"], shown.context["may_move"], shown.context["may_cancel"]) == (
        [],
        False,
        False,
    )


def test_readiness_stands_with_its_reasons(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.refuses = {"session"}
    visit = in_state(desk, _S.BOOKED, purpose="session")
    shown = text(reception_client.get(page(visit)))
    for words in ("not cleared", "The consent is not signed.", "Dr Silva", "Tue 3 Mar 2026, 09:00"):
        assert words in shown


def test_the_panel_asks_few_questions(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit = in_state(desk, _S.BOOKED)
    with django_assert_num_queries(6):  # whether the patient waits for an earlier time among them
        reception_client.get(page(visit), headers=HTMX)


@pytest.mark.parametrize("name", ["appointment", "appointment_move", "appointment_cancel"])
def test_an_unknown_visit_is_not_found(desk: Desk, reception_client: Client, name: str) -> None:
    assert reception_client.get(reverse(f"clinic:{name}", args=[uuid4()])).status_code == 404


# --- steps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("confirm", _S.BOOKED, _S.CONFIRMED),
        ("arrive", _S.BOOKED, _S.ARRIVED),
        ("start", _S.ARRIVED, _S.IN_PROGRESS),
        ("complete", _S.IN_PROGRESS, _S.COMPLETED),
        ("no-show", _S.BOOKED, _S.NO_SHOW),
        ("undo-arrival", _S.ARRIVED, _S.BOOKED),
        ("reopen", _S.COMPLETED, _S.IN_PROGRESS),
        ("reinstate", _S.CANCELLED, _S.BOOKED),
    ],
)
def test_each_button_takes_its_step(
    desk: Desk, reception_client: Client, step: str, before: str, after: str
) -> None:
    visit = in_state(desk, before)
    assert take(reception_client, visit, step).url == page(visit)
    visit.refresh_from_db()
    assert visit.status == after


def test_a_step_in_the_panel_redraws_it_and_the_diary_behind(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    response = take(reception_client, visit, "arrive", headers=HTMX)
    assert (response.status_code, response["HX-Trigger"]) == (200, "diary-changed")
    assert 'hx-swap-oob="true"' in text(response)
    assert response.context["steps"][0].slug == "start"


def test_a_step_leads_back_to_where_it_was_taken(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert take(reception_client, visit, "arrive", fields={"next": "/my-day/"}).url == "/my-day/"


def test_a_step_never_leads_out_of_the_house(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert take(reception_client, visit, "arrive", fields={"next": "//evil.example/"}).url == page(visit)


def test_a_step_is_never_taken_by_looking(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert reception_client.get(page(visit, "appointment_step", "arrive")).status_code == 405


def test_an_unknown_step_is_not_found(desk: Desk, reception_client: Client) -> None:
    assert take(reception_client, in_state(desk, _S.BOOKED), "delete").status_code == 404


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_step_without_a_version_changes_nothing(desk: Desk, reception_client: Client, version: str) -> None:
    visit = in_state(desk, _S.BOOKED)
    response = reception_client.post(page(visit, "appointment_step", "arrive"), {"version": version})
    visit.refresh_from_db()
    assert (response.status_code, visit.status) == (422, _S.BOOKED)


def test_a_version_that_never_was_is_stale_and_nothing_is_said_to_have_changed(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(tuesday("09:00"))
    response = take(reception_client, visit, "confirm", version=7, headers=HTMX)
    assert (response.status_code, response.context["changes"]) == (409, [])
    assert "Somebody changed this appointment meanwhile." in text(response)
    visit.refresh_from_db()
    assert (visit.status, visit.version) == (_S.BOOKED, 1)


def test_a_stale_tab_is_told_what_changed_and_changes_nothing(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    to = booking.Move(visit, 1, desk.amari, desk.room2, tuesday("14:00"))
    booking.move(to=to, by=desk.user, at=CLINIC_NOW)
    response = take(reception_client, visit, "confirm", version=1, headers=HTMX)
    shown = text(response)
    assert response.status_code == 409
    assert "Somebody changed this appointment meanwhile." in shown
    assert [tuple(change) for change in response.context["changes"]] == [
        ("Time", "Tue 3 Mar 2026, 09:00", "Tue 3 Mar 2026, 14:00"),
        ("Practitioner", "Dr Silva", "Dr Amari"),
        ("Room", "Room 1", "Room 2"),
    ]
    assert 'name="version" value="2"' in shown
    visit.refresh_from_db()
    assert visit.status == _S.BOOKED


def test_a_start_that_is_refused_says_what_who_and_when(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.refuses = {"session"}
    visit = in_state(desk, _S.ARRIVED, purpose="session")
    response = take(reception_client, visit, "start")
    visit.refresh_from_db()
    assert (response.status_code, visit.status) == (422, _S.ARRIVED)
    for words in ("The consent is not signed.", "Dr Silva", "Tue 3 Mar 2026, 09:00"):
        assert words in text(response)


def test_reinstating_into_given_away_time_is_a_conflict(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.CANCELLED, tuesday("09:00"))
    desk.book(tuesday("09:00"), patient=PatientFactory())
    response = take(reception_client, visit, "reinstate")
    assert response.status_code == 409
    assert "The practitioner has just been booked for this time." in text(response)


def test_an_admins_crafted_step_changes_nothing(desk: Desk, admin_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert take(admin_client, visit, "arrive").status_code == 403
    visit.refresh_from_db()
    assert visit.status == _S.BOOKED


# --- cancelling --------------------------------------------------------------------------------------------------------


def cancel(client: Client, visit: Appointment, **changes):
    headers = changes.pop("headers", None)
    fields = {"version": visit.version, "cancelled_by": "patient", "reason": "a cold", **changes}
    return client.post(page(visit, "appointment_cancel"), fields, headers=headers)


def test_the_question_says_what_follows(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED, tuesday("08:59"))
    shown = text(reception_client.get(page(visit, "appointment_cancel")))
    assert "Cancel “Check-up” of Moreau, Jeanne, Tue 3 Mar 2026, 08:59?" in shown
    assert "This is a late cancellation: less than 24 hours before the visit." in shown
    assert "The time becomes free for others: Dr Silva, Room 1." in shown


def test_a_cancellation_in_time_is_not_called_late(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED, tuesday("09:00"))
    assert "late cancellation" not in text(reception_client.get(page(visit, "appointment_cancel")))


def test_cancelling_says_by_whom_and_why_and_offers_the_way_back(
    desk: Desk, reception_client: Client
) -> None:
    visit = in_state(desk, _S.BOOKED, tuesday("09:00"))
    cancel(reception_client, visit)
    visit.refresh_from_db()
    assert (visit.status, visit.cancelled_by, visit.cancel_reason) == (
        _S.CANCELLED,
        CancelledBy.PATIENT,
        "a cold",
    )
    undo = reception_client.get("/diary/?day=2026-03-03").context["undo"]
    reception_client.post(undo["url"], undo["fields"])
    visit.refresh_from_db()
    assert visit.status == _S.BOOKED


def test_the_way_back_is_offered_once(desk: Desk, reception_client: Client) -> None:
    cancel(reception_client, in_state(desk, _S.BOOKED, tuesday("09:00")))
    offers = [reception_client.get("/diary/").context["undo"] for _ in range(2)]
    assert [bool(each) for each in offers] == [True, False]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cancelled_by": ""}, "Please choose."),
        ({"cancelled_by": "weather"}, "This is not offered, or not any more."),
        ({"reason": "r" * 501}, "Write at most 500 characters"),
        ({"version": ""}, "Please fill this in."),
    ],
)
def test_a_cancellation_that_says_too_little_or_too_much_is_refused(
    desk: Desk, reception_client: Client, changes: dict[str, str], sentence: str
) -> None:
    visit = in_state(desk, _S.BOOKED, tuesday("09:00"))
    response = cancel(reception_client, visit, **changes)
    visit.refresh_from_db()
    assert (response.status_code, visit.status) == (422, _S.BOOKED)
    assert sentence in text(response)


def test_what_is_called_off_is_not_cancelled_again(desk: Desk, reception_client: Client) -> None:
    visit = in_state(desk, _S.CANCELLED, tuesday("09:00"))
    response = reception_client.get(page(visit, "appointment_cancel"))
    assert response.status_code == 422
    assert "cannot become “cancelled”" in text(response)


def test_cancelling_from_a_stale_tab_shows_the_visit_as_it_is(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    visits.confirm(appointment=visit, by=desk.user, at=CLINIC_NOW)
    response = cancel(reception_client, visit, headers=HTMX)
    assert response.status_code == 409
    assert [tuple(each) for each in response.context["changes"]] == [("Status", "booked", "confirmed")]


def pair_of(desk: Desk) -> tuple[Appointment, Appointment]:
    wishes = [desk.wish(tuesday("09:00")), desk.wish(on(date(2026, 3, 5), "09:00"), pair_of=0)]
    test, reading = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    return test, reading


@pytest.mark.parametrize(("both", "after"), [("on", _S.CANCELLED), ("", _S.BOOKED)])
def test_a_pair_is_cancelled_together_or_not(
    desk: Desk, reception_client: Client, both: str, after: str
) -> None:
    test, reading = pair_of(desk)
    cancel(reception_client, test, both=both, pair_version=reading.version)
    reading.refresh_from_db()
    assert reading.status == after


def test_a_pair_of_which_one_was_changed_meanwhile_is_looked_at_again(
    desk: Desk, reception_client: Client
) -> None:
    test, reading = pair_of(desk)
    visits.confirm(appointment=reading, by=desk.user, at=CLINIC_NOW)
    response = cancel(reception_client, test, both="on", pair_version=1)
    assert (response.status_code, response.templates[0].name) == (409, "clinic/appointment.html")
    assert not Appointment.objects.filter(status=_S.CANCELLED).exists()


def test_cancelling_both_without_saying_which_second_one_is_an_incomplete_page(
    desk: Desk, reception_client: Client
) -> None:
    test, _reading = pair_of(desk)
    assert cancel(reception_client, test, both="on").status_code == 422
    assert not Appointment.objects.filter(status=_S.CANCELLED).exists()


def test_an_admin_cancels_nothing(desk: Desk, admin_client: Client) -> None:
    visit = in_state(desk, _S.BOOKED)
    assert cancel(admin_client, visit).status_code == 403
    visit.refresh_from_db()
    assert visit.status == _S.BOOKED


# --- moving ------------------------------------------------------------------------------------------------------------


def slot(desk: Desk, starts_at: datetime, **changes) -> Slot:
    return Slot(starts_at, desk.silva.pk, desk.room.pk, None)._replace(**changes)


def move(client: Client, visit: Appointment, *to: Slot, **changes):
    fields = {"version": visit.version, "choice": "+".join(str(each) for each in to), **changes}
    return client.post(page(visit, "appointment_move"), fields)


def test_the_move_page_offers_times_with_the_same_practitioner(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    shown = reception_client.get(page(visit, "appointment_move")).context["chooser"]
    starts = [option.first for day in shown["days"] for option in day.shown]
    assert {start.practitioner for start in starts} == {desk.silva}
    # Its own time counts as free.
    assert tuesday("09:00") in [start.starts_at for start in starts]


def test_anybody_may_be_chosen_for_a_move(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    anyone = reception_client.get(page(visit, "appointment_move")).context["chooser"]["whos"][0]
    assert reception_client.get(anyone.url).context["panel"].practitioner is None


def test_a_move_begins_in_the_week_of_the_visit(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(on(date(2026, 3, 18), "09:00"))
    shown = reception_client.get(page(visit, "appointment_move")).context["chooser"]
    assert shown["first_day"] == date(2026, 3, 16)


def test_a_move_leads_to_the_new_day_and_can_be_undone(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    response = move(reception_client, visit, slot(desk, on(date(2026, 3, 4), "14:00")))
    assert response.url == "/diary/?day=2026-03-04"
    undo = reception_client.get(response.url).context["undo"]
    reception_client.post(undo["url"], undo["fields"])
    visit.refresh_from_db()
    assert (visit.starts_at, visit.version) == (tuesday("09:00"), 3)


def test_a_move_into_taken_time_keeps_the_page_and_offers_others(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(tuesday("09:00"))
    desk.book(tuesday("10:00"), patient=PatientFactory())
    response = move(reception_client, visit, slot(desk, tuesday("10:00")))
    visit.refresh_from_db()
    assert (response.status_code, visit.starts_at) == (409, tuesday("09:00"))
    assert "Dr Silva is booked at this time." in text(response)
    assert len(response.context["alternatives"]) == 4


def test_a_move_without_a_time_is_asked_for_one_and_moves_nothing(
    desk: Desk, reception_client: Client
) -> None:
    visit = desk.book(tuesday("09:00"))
    response = move(reception_client, visit)
    assert response.status_code == 422
    visit.refresh_from_db()
    assert (visit.starts_at, visit.version) == (tuesday("09:00"), 1)


def test_a_move_from_a_stale_tab_says_what_changed(desk: Desk, reception_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    visits.confirm(appointment=visit, by=desk.user, at=CLINIC_NOW)
    response = move(reception_client, visit, slot(desk, tuesday("10:00")))
    visit.refresh_from_db()
    assert (response.status_code, visit.starts_at) == (409, tuesday("09:00"))
    assert [tuple(each) for each in response.context["changes"]] == [("Status", "booked", "confirmed")]


def test_a_pair_moves_together(desk: Desk, reception_client: Client) -> None:
    test, reading = pair_of(desk)
    to = [slot(desk, on(date(2026, 3, each), "10:00")) for each in (4, 6)]
    response = move(reception_client, test, *to, pair_version=reading.version)
    for visit, place in zip((test, reading), to, strict=True):
        visit.refresh_from_db()
        assert visit.starts_at == place.starts_at
    undo = reception_client.get(response.url).context["undo"]
    reception_client.post(undo["url"], undo["fields"])
    test.refresh_from_db()
    reading.refresh_from_db()
    assert (test.starts_at, reading.starts_at) == (tuesday("09:00"), on(date(2026, 3, 5), "09:00"))


def test_one_of_a_pair_may_move_alone_and_back(desk: Desk, reception_client: Client) -> None:
    test, reading = pair_of(desk)
    response = move(reception_client, test, slot(desk, tuesday("10:00")), alone="yes")
    undo = reception_client.get(response.url).context["undo"]
    reception_client.post(undo["url"], undo["fields"])
    test.refresh_from_db()
    reading.refresh_from_db()
    assert (test.starts_at, reading.version) == (tuesday("09:00"), 1)


@pytest.mark.parametrize(
    "changes",
    [{"choice": ""}, {"choice": "x"}, {"version": ""}, {"choice": "both"}],
)
def test_a_move_that_cannot_be_read_changes_nothing(
    desk: Desk, reception_client: Client, changes: dict[str, str]
) -> None:
    visit = desk.book(tuesday("09:00"))
    if changes.get("choice") == "both":
        changes = {"choice": "+".join(str(slot(desk, tuesday(each))) for each in ("10:00", "11:00"))}
    response = move(reception_client, visit, slot(desk, tuesday("10:00")), **changes)
    visit.refresh_from_db()
    assert (response.status_code, visit.starts_at) == (422, tuesday("09:00"))


@pytest.mark.parametrize("status", [_S.ARRIVED, _S.COMPLETED, _S.CANCELLED])
def test_what_is_not_upcoming_has_no_move_page(desk: Desk, reception_client: Client, status: str) -> None:
    response = reception_client.get(page(in_state(desk, status), "appointment_move"))
    assert response.status_code == 422
    assert "only upcoming ones can be moved" in text(response)


def test_an_admin_moves_nothing(desk: Desk, admin_client: Client) -> None:
    visit = desk.book(tuesday("09:00"))
    assert move(admin_client, visit, slot(desk, tuesday("10:00"))).status_code == 403
    visit.refresh_from_db()
    assert visit.starts_at == tuesday("09:00")
