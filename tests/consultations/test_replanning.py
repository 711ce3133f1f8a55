"""One visit of a course changes: the later ones are shown with what would be wrong, and shifted as far as is ticked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import booking, holds, replanning, visits
from clinic.actions.replanning import Cancellation
from clinic.chooser import Slot
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import NotCleared
from clinic.forms.replanning import Pick, Version
from clinic.models import Appointment, User
from clinic.replanning import outlook
from consultations import purposes
from consultations.dates import in_words
from consultations.models import Lot, Plan
from tests.clinic.desk import Desk, make_desk, on
from tests.factories import (
    AbsenceFactory,
    PatchTestFactory,
    PatientFactory,
    TestReadingFactory,
    WaitlistEntryFactory,
    cleared_plan,
    consented_plan,
    received_as,
)
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW

_S = AppointmentStatus
TUESDAY = date(2026, 3, 3)
HTMX = {"HX-Request": "true"}


def week(number: int, clock: str = "10:00", *, day: int = 0) -> datetime:
    """A time in the so-manieth week of the course; its sessions are on Tuesdays at ten."""
    return on(TUESDAY + timedelta(weeks=number - 1, days=day), clock)


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


def course(desk: Desk, count: int = 4, **plan: Any) -> tuple[Plan, list[Appointment]]:
    """A cleared plan of weekly sessions, at least six days apart, all booked for Tuesdays at ten."""
    made = cleared_plan(sessions=count, **plan)
    return made, [
        desk.book(week(each.ordinal), patient=made.patient, purpose=purposes.session_of(each))
        for each in made.planned_sessions.all()
    ]


def page(visit: Appointment, name: str) -> str:
    return reverse(f"clinic:{name}", args=[visit.pk])


def text(response: Any) -> str:
    return unescape(response.content.decode())


def slot(desk: Desk, starts_at: datetime) -> Slot:
    return Slot(starts_at, desk.silva.pk, desk.room.pk, None)


def pick(desk: Desk, visit: Appointment, starts_at: datetime) -> dict[str, Any]:
    """The visit ticked, to be moved there."""
    return {
        "shift": [str(Version(visit.pk, visit.version))],
        "place": [str(Pick(visit.pk, visit.version, 0, slot(desk, starts_at)))],
    }


def starts_of(visits: list[Appointment]) -> list[datetime]:
    for visit in visits:
        visit.refresh_from_db()
    return [visit.starts_at for visit in visits]


def states_of(visits: list[Appointment]) -> list[str]:
    for visit in visits:
        visit.refresh_from_db()
    return [visit.status for visit in visits]


def take_undo(client: Client) -> Any:
    """Press "Undo" in the diary."""
    undo = client.get("/diary/").context["undo"]
    return client.post(undo["url"], undo["fields"])


# --- what follows ------------------------------------------------------------------------------------------------------


def test_a_move_that_leaves_the_gaps_disturbs_nothing(desk: Desk) -> None:
    _plan, booked = course(desk)
    found = outlook(booked[1], at=CLINIC_NOW, moved={booked[1].pk: week(2, day=1)})
    assert (found.shifts, found.unaffected, found.label) == ((), 2, "Session 2 of 4")


def test_a_late_move_pushes_every_later_session_on_to_its_own_interval(desk: Desk) -> None:
    """Session 4 follows from where session 3 would then be, not from where it is."""
    _plan, booked = course(desk)
    found = outlook(booked[1], at=CLINIC_NOW, moved={booked[1].pk: week(3)})
    assert [each.label for each in found.shifts] == ["Session 3 of 4", "Session 4 of 4"]
    assert [each.options[0].starts_at for each in found.shifts] == [week(4), week(5)]
    assert [each.options[0].practitioner for each in found.shifts] == [desk.silva] * 2
    assert [each.is_refused for each in found.shifts] == [True, True]


def test_a_shift_takes_the_next_best_place_where_the_best_is_taken(desk: Desk) -> None:
    _plan, booked = course(desk, 3)
    desk.book(week(4), patient=PatientFactory())
    found = outlook(booked[1], at=CLINIC_NOW, moved={booked[1].pk: week(3)})
    assert found.shifts[0].options[0].starts_at in (week(4, "09:30"), week(4, "10:30"))


def test_where_the_practitioner_has_no_time_others_follow_in_the_choice(desk: Desk) -> None:
    """Dr Silva has one place in the planned window; what Dr Amari has comes after it."""
    _plan, booked = course(desk, 3)
    AbsenceFactory(practitioner=desk.silva, starts_at=week(3, "11:00"), ends_at=week(4, "10:00"))
    AbsenceFactory(practitioner=desk.silva, starts_at=week(4, "10:30"), ends_at=week(60))
    (shift,) = outlook(booked[1], at=CLINIC_NOW, moved={booked[1].pk: week(3)}).shifts
    people = [place.practitioner for place in shift.options]
    assert people == [desk.silva, *[desk.amari] * 5]
    assert (shift.options[0].starts_at, shift.is_same_person) == (week(4), True)


def test_where_nobody_is_free_the_visit_stands_without_a_place(desk: Desk) -> None:
    _plan, booked = course(desk, 3)
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=week(4, "00:00", day=-3), ends_at=week(40))
    (shift,) = outlook(booked[1], at=CLINIC_NOW, moved={booked[1].pk: week(3)}).shifts
    assert (shift.options, shift.problem) == (
        (),
        "Nobody is free in the time in which it would be right. Move it by hand, or open some time.",
    )


def test_a_released_session_is_offered_again_from_the_next_day_on(desk: Desk) -> None:
    _plan, booked = course(desk)
    found = outlook(booked[1], at=CLINIC_NOW, again=True)
    again = found.shifts[0]
    assert (again.is_again, again.visit, again.options[0].starts_at) == (True, booked[1], week(2, day=1))
    assert found.unaffected == 2  # six days before session 3: the gap is kept
    assert not found.is_disturbed


def test_a_released_session_that_no_test_would_clear_any_more_is_offered_nowhere(desk: Desk) -> None:
    """The test clears until the night after the session: the next day needs a new one."""
    plan = consented_plan(sessions=2)
    TestReadingFactory(patch_test__plan=plan, valid_until=week(1, "00:00", day=1))
    first = desk.book(
        week(1), patient=plan.patient, purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1))
    )
    (again,) = outlook(first, at=CLINIC_NOW, again=True).shifts
    assert (again.is_again, again.options) == (True, ())
    assert again.problem == ("No time is right for it: what clears it expires before. Book a new test first.")


@pytest.mark.parametrize(
    ("released", "read", "said"),
    [
        (0, week(1, "11:00"), "No time is right for it before its reading on {}. Move the reading first."),
        (
            1,
            week(1, "09:00", day=3),
            "No other day is right for it: the test is read until {} at the latest.",
        ),
    ],
    ids=["test", "reading"],
)
def test_a_released_test_or_reading_that_no_other_day_is_right_for_says_what_ends_it(
    desk: Desk, released: int, read: datetime, said: str
) -> None:
    plan = consented_plan()
    wishes = [
        desk.wish(week(1, day=-1), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(read, patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0),
    ]
    booked = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    again = outlook(booked[released], at=CLINIC_NOW, again=True).shifts[0]
    assert (again.is_again, again.options, again.problem) == (True, (), said.format(in_words(read)))


def test_a_released_session_whose_test_is_off_the_books_is_offered_nowhere_and_the_later_one_told(
    desk: Desk,
) -> None:
    plan = consented_plan(sessions=2)
    first, second = (purposes.session_of(each) for each in plan.planned_sessions.all())
    wishes = [
        desk.wish(week(1), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(week(1, day=2), patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0),
        desk.wish(week(2), patient=plan.patient, purpose=first),
        desk.wish(week(3), patient=plan.patient, purpose=second),
    ]
    test, reading, session, later = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    assert [each.is_again for each in outlook(session, at=CLINIC_NOW, again=True).shifts] == [True]
    for each in (reading, test):
        each.refresh_from_db()
        visits.cancel(appointment=each, cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW)
    found = outlook(session, at=CLINIC_NOW, again=True)
    assert [(each.visit, each.is_again) for each in found.shifts] == [(later, False)]
    assert (found.shifts[0].options, found.unaffected) == ((), 0)


# --- moving ------------------------------------------------------------------------------------------------------------


def move(client: Client, visit: Appointment, to: Slot) -> Any:
    return client.post(page(visit, "appointment_move"), {"version": visit.version, "choice": str(to)})


def test_a_move_that_disturbs_nothing_is_made_at_once(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk)
    answer = move(reception_client, booked[1], slot(desk, week(2, "11:00")))
    assert answer.url == "/diary/?day=2026-03-10"
    assert starts_of(booked)[1] == week(2, "11:00")


def test_a_move_that_disturbs_later_visits_is_shown_before_anything_changes(
    desk: Desk, reception_client: Client
) -> None:
    _plan, booked = course(desk)
    answer = move(reception_client, booked[1], slot(desk, week(3, day=-1)))
    response = reception_client.get(answer.url)
    shown = text(response)
    assert "Move Session 2 of 4 to Mon 16 Mar 2026, 10:00?" in shown
    assert "sessions follow each other at least 6 days apart" in shown
    # Nothing is ever applied unpicked.
    ticks = [line for line in shown.splitlines() if 'type="checkbox" name="shift"' in line]
    assert (len(ticks), [line for line in ticks if "checked" in line]) == (2, [])
    assert starts_of(booked) == [week(n) for n in range(1, 5)]


def confirm(client: Client, desk: Desk, visit: Appointment, to: datetime, *picks: dict[str, Any]) -> Any:
    fields = {"choice": str(slot(desk, to)), "version": visit.version, "shift": [], "place": []}
    for each in picks:
        fields["shift"] += each["shift"]
        fields["place"] += each["place"]
    return client.post(page(visit, "appointment_later"), fields)


def test_what_is_ticked_moves_along_and_undo_takes_all_of_it_back(
    desk: Desk, reception_client: Client
) -> None:
    _plan, booked = course(desk)
    picks = [pick(desk, booked[2], week(4)), pick(desk, booked[3], week(5))]
    answer = confirm(reception_client, desk, booked[1], week(3), *picks)
    assert answer.status_code == 302
    assert starts_of(booked) == [week(1), week(3), week(4), week(5)]
    assert take_undo(reception_client).status_code == 302
    assert starts_of(booked) == [week(n) for n in range(1, 5)]
    assert [each.version for each in booked] == [1, 3, 3, 3]


def test_what_is_not_ticked_stays_and_the_pathway_has_the_last_word(
    desk: Desk, reception_client: Client
) -> None:
    """Session 3 stays where it is: session 2 may not come so close before it, and nothing at all is moved."""
    _plan, booked = course(desk)
    answer = confirm(reception_client, desk, booked[1], week(3, day=-1))
    assert answer.status_code == 422
    assert "sessions follow each other at least 6 days apart" in text(answer)
    assert starts_of(booked) == [week(n) for n in range(1, 5)]


def test_a_place_that_is_taken_meanwhile_moves_nothing_and_keeps_the_ticks(
    desk: Desk, reception_client: Client
) -> None:
    _plan, booked = course(desk, 3)
    desk.book(week(4), patient=PatientFactory())
    answer = confirm(reception_client, desk, booked[1], week(3), pick(desk, booked[2], week(4)))
    assert answer.status_code == 409
    (row,) = answer.context["rows"]
    assert (row.is_ticked, row.is_lost) == (True, True)
    assert "The chosen place is no longer free. The next best is chosen now." in text(answer)
    assert starts_of(booked) == [week(1), week(2), week(3)]


def test_a_later_visit_that_somebody_changed_meanwhile_moves_nothing(
    desk: Desk, reception_client: Client
) -> None:
    _plan, booked = course(desk, 3)
    picked = pick(desk, booked[2], week(4))
    visits.confirm(appointment=booked[2], by=desk.user, at=CLINIC_NOW)
    answer = confirm(reception_client, desk, booked[1], week(3), picked)
    assert answer.status_code == 409
    assert starts_of(booked) == [week(1), week(2), week(3)]


PLACE = "{0}:1:%s:%s-03-24T09:00Z_{0}_{0}_-".format(UUID(int=1).hex)


@pytest.mark.parametrize(
    "fields",
    [
        {"place": ["x"]},
        {"shift": ["0:0"]},
        {"choice": "nonsense"},
        {"version": "x"},
        {"version": ""},
        {"place": [PLACE % ("1441", "2026")]},
        {"place": [PLACE % ("-1", "2026")]},
        {"place": [PLACE % ("²", "2026")]},
        {"place": [PLACE % ("0", "1999")]},
    ],
)
def test_a_page_that_cannot_be_read_changes_nothing(
    desk: Desk, reception_client: Client, fields: dict[str, Any]
) -> None:
    _plan, booked = course(desk, 3)
    sent = {"choice": str(slot(desk, week(3))), "version": 1, **fields}
    assert reception_client.post(page(booked[1], "appointment_later"), sent).status_code == 422
    assert starts_of(booked) == [week(1), week(2), week(3)]


@pytest.mark.parametrize(("count", "is_read"), [(60, True), (61, False)])
def test_more_visits_than_a_batch_holds_are_not_read(
    desk: Desk, reception_client: Client, count: int, is_read: bool
) -> None:
    """Up to sixty are looked for; more are not."""
    _plan, booked = course(desk, 2)
    picked = pick(desk, booked[1], week(4))
    others = [str(Pick(UUID(int=n), 1, 0, slot(desk, week(4)))) for n in range(1, count)]
    sent = {"choice": str(slot(desk, week(1, "14:00"))), "version": 1}
    sent |= {"place": [*picked["place"], *others], "shift": picked["shift"]}
    answer = reception_client.post(page(booked[0], "appointment_later"), sent)
    assert answer.status_code == (302 if is_read else 422)
    assert starts_of(booked) == ([week(1, "14:00"), week(4)] if is_read else [week(1), week(2)])


def test_a_visit_that_is_not_there_is_not_moved_along(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk, 2)
    unknown = Appointment(pk=UUID(int=1), version=1)
    answer = confirm(
        reception_client,
        desk,
        booked[0],
        week(1, "14:00"),
        pick(desk, booked[1], week(4)),
        pick(desk, unknown, week(5)),
    )
    assert answer.status_code == 422
    assert "Choose one of the times that are offered." in text(answer)
    assert starts_of(booked) == [week(1), week(2)]


@pytest.mark.parametrize("fields", [{"cancel": ["x"]}, {"cancel": [f"{UUID(int=1).hex}:1"]}])
def test_an_undo_that_cannot_be_read_takes_nothing_back(
    desk: Desk, reception_client: Client, fields: dict[str, Any]
) -> None:
    _plan, (visit,) = course(desk, 1)
    visits.cancel(appointment=visit, cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    put_back = {"put_back": [str(Version(visit.pk, visit.version))]}
    answer = reception_client.post(reverse("clinic:undo"), {**put_back, **fields})
    assert answer.status_code == 422
    assert "This page was incomplete. Open it again before you go on." in text(answer)
    assert states_of([visit]) == [_S.CANCELLED]
    assert reception_client.post(reverse("clinic:undo"), put_back).status_code == 302
    assert states_of([visit]) == [_S.BOOKED]


def test_a_visit_still_on_the_books_has_nothing_to_make_up_for(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk)
    assert reception_client.get(page(booked[1], "appointment_later")).url == page(booked[1], "appointment")


def test_a_visit_that_moves_along_says_that_no_lot_is_in_date_then(
    desk: Desk, reception_client: Client
) -> None:
    """Sessions 3 and 4 move by a week; the lots end between the two new days."""
    _plan, booked = course(desk)
    received_as(Lot.objects.all(), expires_on=week(4, day=1))
    url = f"{page(booked[1], 'appointment_later')}?choice={slot(desk, week(3))}&version=1"
    shown = reception_client.get(url)
    cautions = [row.shift.caution for row in shown.context["rows"]]
    assert (cautions[0], cautions[1].startswith("After 25 Mar 2026 not every lot")) == ("", True)
    assert text(shown).count(cautions[1]) == 1


@pytest.mark.parametrize("count", [2, 4])
def test_the_preview_asks_as_much_for_one_later_visit_as_for_three(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    _plan, booked = course(desk, count)
    url = f"{page(booked[0], 'appointment_later')}?choice={slot(desk, week(2))}&version=1"
    with django_assert_num_queries(29):
        shown = reception_client.get(url)
    assert len(shown.context["rows"]) == count - 1


# --- cancelling --------------------------------------------------------------------------------------------------------


def cancel(client: Client, visit: Appointment, *picks: dict[str, Any], **more: Any) -> Any:
    fields = {"version": visit.version, "cancelled_by": "patient", "reason": "", "shift": [], "place": []}
    for each in picks:
        fields["shift"] += each["shift"]
        fields["place"] += each["place"]
    return client.post(page(visit, "appointment_cancel"), {**fields, **more})


def test_the_question_names_the_session_and_offers_it_again(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk)
    shown = text(reception_client.get(page(booked[2], "appointment_cancel"), headers=HTMX))
    assert "Cancel “Session 3 of 4” of" in shown
    assert "Book again: Session 3 of 4" in shown
    assert "1 later visit is right where it is." in shown


def test_a_cancellation_alone_changes_nothing_else(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk)
    cancel(reception_client, booked[1])
    assert states_of(booked) == [_S.BOOKED, _S.CANCELLED, _S.BOOKED, _S.BOOKED]
    assert Appointment.objects.count() == 4


def test_a_cancellation_books_again_and_shifts_what_is_ticked_and_undo_reverses_it(
    desk: Desk, reception_client: Client
) -> None:
    plan, booked = course(desk)
    again, later = pick(desk, booked[1], week(3)), pick(desk, booked[2], week(4))
    answer = cancel(reception_client, booked[1], again, later, pick(desk, booked[3], week(5)))
    assert answer.status_code == 302
    planned = plan.planned_sessions.get(ordinal=2)
    assert (planned.appointment.starts_at, planned.appointment.status) == (week(3), _S.BOOKED)
    assert starts_of(booked)[2:] == [week(4), week(5)]
    assert take_undo(reception_client).status_code == 302
    planned.refresh_from_db()
    assert planned.appointment == booked[1]
    assert (starts_of(booked), states_of(booked)) == ([week(n) for n in range(1, 5)], [_S.BOOKED] * 4)
    assert Appointment.objects.holding_time().count() == 4


def test_who_waited_for_the_session_that_is_booked_again_waits_no_more(desk: Desk) -> None:
    plan, (visit, *_rest) = course(desk, 2)
    entry = WaitlistEntryFactory(patient=plan.patient, type=desk.visit, purpose=visit.purpose)
    wish = desk.wish(week(1, day=1), patient=plan.patient, purpose=visit.purpose)
    calling_off = Cancellation(visit, visit.version, CancelledBy.CLINIC)
    done = replanning.rearrange(cancel=[calling_off], wishes=[wish], by=desk.user, at=CLINIC_NOW)
    entry.refresh_from_db()
    assert (entry.outcome, entry.appointment) == ("booked", done.booked[0])


def test_a_session_booked_again_meanwhile_is_not_put_back_beside_it(desk: Desk) -> None:
    plan, (visit, *_rest) = course(desk, 1)
    visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINIC, by=desk.user, at=CLINIC_NOW)
    again = desk.book(week(1, day=1), patient=plan.patient, purpose=visit.purpose)
    with pytest.raises(NotCleared) as refusal:
        visits.reinstate(appointment=visit, by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "booked_already"
    assert plan.planned_sessions.get().appointment == again


def test_a_hold_for_a_session_booked_meanwhile_is_not_taken(desk: Desk) -> None:
    plan = cleared_plan(sessions=1)
    session = purposes.session_of(plan.planned_sessions.get())
    wish = desk.wish(week(1), patient=plan.patient, purpose=session)
    until = CLINIC_NOW + timedelta(hours=2)
    (held,) = booking.hold_many(wishes=[wish], until=until, by=desk.user, at=CLINIC_NOW)
    booked = desk.book(week(1, day=1), patient=plan.patient, purpose=session)
    with pytest.raises(NotCleared) as refusal:
        holds.take(appointment=held, by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "booked_already"
    assert plan.planned_sessions.get().appointment == booked


def test_a_shift_that_is_refused_cancels_nothing(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk)
    answer = cancel(
        reception_client, booked[1], pick(desk, booked[2], week(4, "14:00"))
    )  # the day of session 4
    assert answer.status_code == 422
    assert states_of(booked) == [_S.BOOKED] * 4


def test_undo_is_refused_whole_where_a_part_of_it_is_gone(desk: Desk, reception_client: Client) -> None:
    _plan, booked = course(desk, 3)
    cancel(reception_client, booked[1], pick(desk, booked[1], week(2, day=1)))
    desk.book(week(2), patient=PatientFactory())
    answer = take_undo(reception_client)
    assert answer.status_code == 409
    assert "The practitioner has just been booked for this time." in text(answer)
    assert states_of(booked) == [_S.BOOKED, _S.CANCELLED, _S.BOOKED]
    assert Appointment.objects.filter(purpose=booked[1].purpose, status=_S.BOOKED).exists()


@pytest.mark.parametrize("count", [2, 4])
def test_the_question_asks_as_much_for_one_later_visit_as_for_three(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    _plan, booked = course(desk, count)
    with django_assert_num_queries(26):
        reception_client.get(page(booked[0], "appointment_cancel"))


def test_a_cancelled_test_says_which_sessions_wait_for_it(desk: Desk, reception_client: Client) -> None:
    plan = consented_plan()
    wishes = [
        desk.wish(week(1), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(week(1, day=2), patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0),
        desk.wish(
            week(3),
            patient=plan.patient,
            purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1)),
        ),
    ]
    test, reading, session = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    shown = text(reception_client.get(page(test, "appointment_cancel")))
    assert "Cancel both visits" in shown
    assert "Book the test injection and its reading before this session." in shown
    assert 'name="pair_version" value="1"' in shown
    cancel(reception_client, test, both="on", pair_version=reading.version)
    assert states_of([test, reading, session]) == [_S.CANCELLED, _S.CANCELLED, _S.PROVISIONAL]


def apart(desk: Desk) -> tuple[Plan, Appointment, Appointment]:
    """On the books for one plan, and not booked as a pair."""
    plan = consented_plan()
    wishes = [
        desk.wish(week(1), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(week(1, day=2), patient=plan.patient, purpose=purposes.reading_of(plan)),
    ]
    test, reading = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    return plan, test, reading


def test_a_test_cancelled_alone_offers_its_reading_though_they_are_no_pair(
    desk: Desk, reception_client: Client
) -> None:
    _plan, test, reading = apart(desk)
    shown = text(reception_client.get(page(test, "appointment_cancel")))
    assert "“Check-up”, Thu 5 Mar 2026, 10:00, means nothing without it." in shown
    assert "Cancel “Check-up” on Thu 5 Mar 2026, 10:00, too" in shown
    cancel(reception_client, test, both="on", pair_version=reading.version)
    assert states_of([test, reading]) == [_S.CANCELLED, _S.CANCELLED]
    take_undo(reception_client)
    assert [each in (_S.BOOKED, _S.PROVISIONAL) for each in states_of([test, reading])] == [True, True]


def test_nothing_is_cancelled_with_it_that_was_not_ticked(desk: Desk, reception_client: Client) -> None:
    _plan, test, reading = apart(desk)
    cancel(reception_client, test)
    assert states_of([test, reading]) == [_S.CANCELLED, _S.BOOKED]


def test_a_reading_somebody_changed_meanwhile_is_not_cancelled_with_its_test(
    desk: Desk, reception_client: Client
) -> None:
    _plan, test, reading = apart(desk)
    answer = cancel(reception_client, test, both="on", pair_version=reading.version + 1)
    assert answer.status_code == 409
    assert states_of([test, reading]) == [_S.BOOKED, _S.BOOKED]


def test_a_reading_that_has_something_to_read_is_not_offered(desk: Desk, reception_client: Client) -> None:
    """A test that was given waits to be read: the one to come may go without its reading."""
    plan, test, _reading = apart(desk)
    url = page(test, "appointment_cancel")
    assert "means nothing without it" in text(reception_client.get(url))
    PatchTestFactory(plan=plan, given_at=CLINIC_NOW - timedelta(hours=40))
    assert "means nothing without it" not in text(reception_client.get(url))


def test_cancelling_a_reading_or_a_session_asks_for_nothing_else(
    desk: Desk, reception_client: Client
) -> None:
    _plan, _test, reading = apart(desk)
    other = cleared_plan(sessions=1)
    purpose = purposes.session_of(other.planned_sessions.get())
    session = desk.book(week(1, "14:00"), patient=other.patient, purpose=purpose)
    for visit in (reading, session):
        assert "means nothing without it" not in text(reception_client.get(page(visit, "appointment_cancel")))


def test_the_question_about_a_test_takes_a_fixed_number_of_queries(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _plan, test, _reading = apart(desk)
    with django_assert_num_queries(31):
        reception_client.get(page(test, "appointment_cancel"))


# --- a pair ------------------------------------------------------------------------------------------------------------


def test_a_test_that_moves_any_distance_offers_its_reading_inside_the_new_window(
    desk: Desk, reception_client: Client
) -> None:
    """The reading was 90 hours after its test; on a Friday two days open, only the windows' other end is free."""
    plan = consented_plan()
    wishes = [
        desk.wish(week(1, "16:00"), patient=plan.patient, purpose=purposes.test_of(plan)),
        desk.wish(
            week(1, "10:00", day=4), patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0
        ),
    ]
    test, _reading = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    for who in (desk.silva, desk.amari):
        AbsenceFactory(practitioner=who, starts_at=week(2, "00:00", day=2), ends_at=week(3, "00:00"))
    shown = reception_client.get(f"{page(test, 'appointment_move')}?week=2026-03-09").context["chooser"]
    options = [option for day in shown["days"] for option in [*day.shown, *day.more]]
    assert options
    gaps = {option.second.starts_at - option.first.starts_at for option in options}
    assert min(gaps) >= timedelta(hours=24) and max(gaps) < timedelta(hours=96)
    # Tuesday afternoon has only Wednesday left: a day after it, not 90 hours.
    late = next(each for each in options if each.first.starts_at == week(2, "16:00"))
    assert late.second.starts_at.date() == date(2026, 3, 11)


# --- after a visit has fallen out --------------------------------------------------------------------------------------


def test_after_a_missed_session_the_panel_leads_to_the_later_visits(
    desk: Desk, reception_client: Client
) -> None:
    plan = cleared_plan(sessions=2)
    first, second = (
        desk.book(
            moment,
            at=CLINIC_NOW - timedelta(hours=1),
            patient=plan.patient,
            purpose=purposes.session_of(each),
        )
        for each, moment in zip(
            plan.planned_sessions.all(), [CLINIC_NOW, on(date(2026, 3, 8), "10:00")], strict=False
        )
    )
    reception_client.post(page(first, "appointment") + "no-show/", {"version": first.version})
    assert page(first, "appointment_later") in text(reception_client.get(page(first, "appointment")))
    shown = reception_client.get(page(first, "appointment_later"))
    again, shifted = shown.context["rows"]
    assert (again.shift.is_again, again.shift.options[0].starts_at) == (True, on(date(2026, 3, 3), "09:00"))
    assert shifted.shift.options[0].starts_at >= on(date(2026, 3, 9), "00:00")
    first.refresh_from_db()
    sent = {
        "shift": [again.key, shifted.key],
        "place": [again.choices[0].value, shifted.choices[0].value],
    }
    assert reception_client.post(page(first, "appointment_later"), sent).status_code == 302
    planned = plan.planned_sessions.get(ordinal=1)
    assert planned.appointment.starts_at == again.shift.options[0].starts_at
    assert starts_of([second]) == [shifted.shift.options[0].starts_at]


def test_an_admin_rearranges_nothing(desk: Desk, admin_client: Client) -> None:
    _plan, booked = course(desk, 2)
    assert admin_client.post(reverse("clinic:undo"), {"cancel": f"{booked[0].pk.hex}:1"}).status_code == 403
    assert states_of(booked) == [_S.BOOKED] * 2


def test_a_visit_type_outside_the_pathway_asks_no_more_than_before(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visit = desk.book(week(1), type=AppointmentTypeFactory(grid_minutes=30))
    with django_assert_num_queries(5):
        reception_client.get(page(visit, "appointment_cancel"))
