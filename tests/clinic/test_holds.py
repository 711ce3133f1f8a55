"""A time kept for a patient who calls back: nobody else gets it, and it is free again by itself."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from clinic import availability, queries
from clinic.actions import booking, holds, opening, replanning, visits
from clinic.actions.replanning import Cancellation
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.intervals import Interval
from clinic.models import Appointment, ExtraOpening
from clinic.rules import booking as rules
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories.clock import CLINIC_NOW
from tests.factories.opening import AbsenceFactory, ExtraOpeningFactory
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory

TUESDAY = date(2026, 3, 3)
FIVE_O_CLOCK = CLINIC_NOW + timedelta(hours=8)
LATER = FIVE_O_CLOCK + timedelta(minutes=1)


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def hold(desk: Desk, *clocks: str, until: datetime = FIVE_O_CLOCK, **changes: object) -> list[Appointment]:
    """Held for the patient; the second clock belongs to the first."""
    wishes = [
        desk.wish(tuesday(clock), pair_of=0 if number else None, **changes)
        for number, clock in enumerate(clocks)
    ]
    return booking.hold_many(wishes=wishes, until=until, by=desk.user, at=CLINIC_NOW)


def starts(desk: Desk, at: datetime) -> list[datetime]:
    """Free starts with Dr Silva on Tuesday morning."""
    window = Interval(tuesday("09:00"), tuesday("10:30"))
    found = availability.free_starts(type=desk.visit, window=window, at=at, practitioners=[desk.silva])
    return [each.starts_at for each in found]


def test_a_held_time_is_nobody_elses(desk: Desk) -> None:
    hold(desk, "09:30")
    with pytest.raises(SlotTaken):
        desk.book(tuesday("09:30"), patient=PatientFactory())
    assert starts(desk, CLINIC_NOW) == [tuesday("09:00"), tuesday("10:00")]


def test_a_hold_that_ran_out_is_free_and_the_next_booking_clears_it_away(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    assert starts(desk, LATER) == [tuesday("09:00"), tuesday("09:30"), tuesday("10:00")]
    booked = desk.book(tuesday("09:30"), patient=PatientFactory(), at=LATER)
    held.refresh_from_db()
    assert (booked.status, held.status, held.version) == (
        AppointmentStatus.BOOKED,
        AppointmentStatus.CANCELLED,
        2,
    )
    assert (held.cancel_reason, held.held_until) == ("The hold ran out.", None)


def test_without_the_clearing_away_the_run_out_hold_still_keeps_others_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The harm: a search offers the time, and the database refuses it."""
    hold(desk, "09:30")
    monkeypatch.setattr(booking, "clear_run_out", lambda **_: None)
    with pytest.raises(SlotTaken):
        desk.book(tuesday("09:30"), patient=PatientFactory(), at=LATER)


def test_a_hold_is_for_what_the_pathway_lets_book_and_tells_it_nothing(
    desk: Desk, pathway: ToldPathway
) -> None:
    hold(desk, "09:30")
    assert pathway.told == []
    pathway.refuses = {"session"}
    with pytest.raises(NotCleared):
        hold(desk, "10:30", purpose="session")


@pytest.mark.parametrize(
    "until", [CLINIC_NOW, on(TUESDAY, "09:31"), CLINIC_NOW - timedelta(minutes=1)], ids=str
)
def test_a_hold_ends_in_the_future_and_before_the_visit(desk: Desk, until: datetime) -> None:
    with pytest.raises(DomainError) as refusal:
        hold(desk, "09:30", until=until)
    assert (refusal.value.code, refusal.value.field) == ("bad_hold", "held_until")
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize(
    ("until", "starts_at", "refused"),
    [
        (CLINIC_NOW, on(TUESDAY, "09:30"), ("wrong_state", None)),
        (on(TUESDAY, "10:00"), on(TUESDAY, "09:59"), ("bad_hold", "starts_at")),
        (on(TUESDAY, "10:00"), on(TUESDAY, "10:00"), None),
    ],
    ids=["gone", "before the patient calls back", "when the patient calls back"],
)
def test_a_hold_is_put_where_the_patient_can_still_answer(
    until: datetime, starts_at: datetime, refused: tuple[str, str | None] | None
) -> None:
    held = Appointment(held_until=until)
    if refused is None:
        rules.check_hold_may_move(held, starts_at, at=CLINIC_NOW)
    else:
        with pytest.raises(DomainError) as refusal:
            rules.check_hold_may_move(held, starts_at, at=CLINIC_NOW)
        assert (refusal.value.code, refusal.value.field) == refused


@pytest.mark.parametrize(
    ("starts_at", "until"),
    [(on(TUESDAY, "10:00"), on(TUESDAY, "10:00")), (on(TUESDAY, "10:00"), CLINIC_NOW + timedelta(hours=4))],
    ids=["to the start of the visit", "to the end of what the clinic allows"],
)
def test_a_hold_may_last_to_its_very_end(starts_at: datetime, until: datetime) -> None:
    longest = min(until - CLINIC_NOW, timedelta(days=2))
    rules.check_hold(until, starts_at=starts_at, longest=longest, at=CLINIC_NOW)
    with pytest.raises(DomainError):
        rules.check_hold(until + timedelta(minutes=1), starts_at=starts_at, longest=longest, at=CLINIC_NOW)


def test_a_hold_lasts_no_longer_than_the_clinic_allows(desk: Desk) -> None:
    friday = on(date(2026, 3, 6), "10:00")
    with pytest.raises(DomainError) as refusal:
        booking.hold_many(
            wishes=[desk.wish(friday)],
            until=CLINIC_NOW + timedelta(hours=72, minutes=1),
            by=desk.user,
            at=CLINIC_NOW,
        )
    assert refusal.value.code == "bad_hold"


def test_taking_a_hold_books_it_and_tells_the_pathway(desk: Desk, pathway: ToldPathway) -> None:
    (held,) = hold(desk, "09:30")
    taken = holds.take(appointment=held, version=1, by=desk.user, at=FIVE_O_CLOCK)
    assert (taken.status, taken.held_until, taken.version) == (AppointmentStatus.BOOKED, None, 2)
    assert pathway.told == [("booked", [held.pk])]


def test_a_held_pair_is_taken_and_released_together(desk: Desk) -> None:
    first, second = hold(desk, "09:30", "10:30")
    holds.take(appointment=second, by=desk.user, at=CLINIC_NOW)
    assert set(Appointment.objects.values_list("status", flat=True)) == {AppointmentStatus.BOOKED}
    first, second = hold(desk, "13:30", "14:30")
    holds.release(appointment=first, by=desk.user, at=CLINIC_NOW)
    second.refresh_from_db()
    assert second.status == AppointmentStatus.CANCELLED


def test_a_hold_that_ran_out_can_still_be_taken_while_nobody_wanted_its_time(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    assert holds.take(appointment=held, by=desk.user, at=LATER).status == AppointmentStatus.BOOKED


def test_a_hold_whose_time_was_given_away_cannot_be_taken(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    desk.book(tuesday("09:30"), patient=PatientFactory(), at=LATER)
    with pytest.raises(DomainError) as refusal:
        holds.take(appointment=held, by=desk.user, at=LATER)
    assert refusal.value.code == "wrong_state"


def test_a_hold_cannot_be_taken_once_the_practitioner_is_away(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("09:00"), ends_at=tuesday("11:00"))
    with pytest.raises(DomainError) as refusal:
        holds.take(appointment=held, by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "absent"


def test_a_stale_page_takes_nothing(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    with pytest.raises(Stale):
        holds.take(appointment=held, version=7, by=desk.user, at=CLINIC_NOW)


@pytest.mark.parametrize("act", [holds.take, holds.release])
def test_an_admin_neither_takes_nor_releases(desk: Desk, act) -> None:
    (held,) = hold(desk, "09:30")
    with pytest.raises(NotAllowed):
        act(appointment=held, by=UserFactory(admin=True), at=CLINIC_NOW)


# --- a visit's own length -----------------------------------------------------------------------------------------


def test_a_visit_can_be_longer_than_its_type(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"), minutes=50)
    assert (visit.ends_at, visit.practitioner_until, visit.room_until) == (tuesday("09:50"),) * 3


def test_a_move_keeps_the_length_unless_another_is_asked_for(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"), minutes=50)
    to = booking.Move(visit, 1, desk.silva, desk.room, tuesday("10:00"))
    moved = booking.move(to=to, by=desk.user, at=CLINIC_NOW)
    assert moved.minutes == 50
    shorter = booking.Move(moved, 2, desk.silva, desk.room, tuesday("10:00"), minutes=20)
    assert booking.move(to=shorter, by=desk.user, at=CLINIC_NOW).practitioner_until == tuesday("10:20")


def test_a_longer_visit_needs_the_time_it_takes(desk: Desk) -> None:
    desk.book(tuesday("09:30"), patient=PatientFactory())
    with pytest.raises(SlotTaken):
        desk.book(tuesday("09:00"), minutes=31)


@pytest.mark.parametrize("minutes", [0, 4, 721])
def test_a_length_that_makes_no_visit_is_refused(desk: Desk, minutes: int) -> None:
    with pytest.raises(DomainError) as refusal:
        desk.book(tuesday("09:00"), minutes=minutes)
    assert (refusal.value.code, refusal.value.field) == ("bad_length", "minutes")


# --- beside what else happens to a visit --------------------------------------------------------------------------


def test_a_hold_is_released_not_cancelled(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    off = {"cancelled_by": CancelledBy.CLINIC}
    for call_off in (
        lambda: visits.cancel(appointment=held, **off, by=desk.user, at=CLINIC_NOW),
        lambda: replanning.rearrange(cancel=[Cancellation(held, 1, **off)], by=desk.user, at=CLINIC_NOW),
    ):
        with pytest.raises(DomainError) as refusal:
            call_off()
        assert refusal.value.code == "wrong_state"
        assert str(refusal.value).startswith("This time is held, not booked.")


def test_a_patient_who_comes_after_all_is_not_kept_out_by_a_hold_that_ran_out(desk: Desk) -> None:
    missed = desk.book(tuesday("09:30"))
    visits.no_show(appointment=missed, by=desk.user, at=tuesday("09:31"))
    until, noted = tuesday("09:40"), tuesday("09:32")
    wish = desk.wish(tuesday("09:45"), patient=PatientFactory())
    booking.hold_many(wishes=[wish], until=until, by=desk.user, at=noted)
    with pytest.raises(SlotTaken):
        visits.arrive(appointment=missed, by=desk.user, at=until - timedelta(minutes=1))
    assert visits.arrive(appointment=missed, by=desk.user, at=until).status == AppointmentStatus.ARRIVED


def test_a_hold_that_ran_out_does_not_keep_an_extra_opening(desk: Desk) -> None:
    evening = ExtraOpeningFactory(
        practitioner=desk.silva,
        location=desk.location,
        starts_at=tuesday("18:00"),
        ends_at=tuesday("20:00"),
    )
    hold(desk, "18:30")
    with pytest.raises(DomainError):
        opening.remove(entry=evening, by=desk.user, at=CLINIC_NOW)
    opening.remove(entry=evening, by=desk.user, at=LATER)
    assert not ExtraOpening.objects.exists()


def test_a_hold_is_among_the_visits_that_closed_time_affects_until_it_runs_out(desk: Desk) -> None:
    (held,) = hold(desk, "09:30")
    absence = AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("09:00"), ends_at=tuesday("11:00"))
    for listed in (queries.affected_by(absence, at=CLINIC_NOW), queries.perhaps_outside(at=CLINIC_NOW)):
        assert [each.pk for each in listed] == [held.pk]
    for listed in (queries.affected_by(absence, at=LATER), queries.perhaps_outside(at=LATER)):
        assert list(listed) == []


def test_a_page_that_held_a_time_is_answered_the_same_until_the_time_is_free() -> None:
    """Not at the very end: who looks for a time then is offered this one."""
    held = Appointment(status=AppointmentStatus.HELD, held_until=FIVE_O_CLOCK)
    rules.check_on_the_books([held], at=FIVE_O_CLOCK - timedelta(microseconds=1))
    with pytest.raises(Stale) as refusal:
        rules.check_on_the_books([held], at=FIVE_O_CLOCK)
    assert refusal.value.code == "called_off_since"
