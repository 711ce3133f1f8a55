"""Booking and moving through the actions: what goes through, what is refused and why, and nothing done twice."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction

from clinic.actions import booking, replanning, visits
from clinic.actions.booking import Move
from clinic.actions.locking import explaining
from clinic.actions.replanning import Return
from clinic.availability import Obstacle
from clinic.enums import AppointmentStatus, CancelledBy, RoomKind
from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.models import Appointment, Device
from clinic.rules import booking as rules
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW, ago
from tests.factories.erasures import ErasureDoneFactory, ErasureFactory
from tests.factories.opening import AbsenceFactory, ClosedDayFactory, OutOfServiceFactory
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.users import UserFactory

TUESDAY = date(2026, 3, 3)


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def move(visit: Appointment, to: datetime, **changes) -> Move:
    """To another time, everything else the same."""
    defaults = {
        "appointment": visit,
        "version": visit.version,
        "practitioner": visit.practitioner,
        "room": visit.room,
        "starts_at": to,
        "device": visit.device,
    }
    return Move(**{**defaults, **changes})


# --- booking ------------------------------------------------------------------------------------------------------


def test_booking_sets_all_six_times_from_the_type(desk: Desk) -> None:
    session = AppointmentTypeFactory(session=True)
    visit = desk.book(tuesday("10:00"), type=session, room=desk.treatment)
    times = (visit.starts_at, visit.ends_at, visit.practitioner_from, visit.practitioner_until)
    assert times == tuple(tuesday(each) for each in ("10:00", "11:45", "11:00", "11:30"))
    assert (visit.room_from, visit.room_until) == (tuesday("09:55"), tuesday("11:55"))


def test_booking_records_who_and_when(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    assert (visit.created_by, visit.created_at, visit.status) == (
        desk.user,
        CLINIC_NOW,
        AppointmentStatus.BOOKED,
    )


def test_a_provisional_verdict_books_provisionally(desk: Desk, pathway: ToldPathway) -> None:
    pathway.provisional = {"session"}
    assert desk.book(tuesday("09:00"), purpose="session").status == AppointmentStatus.PROVISIONAL


def test_the_pathway_is_asked_of_the_moment_of_the_booking(desk: Desk, pathway: ToldPathway) -> None:
    desk.book(tuesday("10:00"), at=ago(minutes=7))
    assert pathway.asked_at == [ago(minutes=7)]


def test_the_pathway_is_told_of_what_was_booked(desk: Desk, pathway: ToldPathway) -> None:
    visit = desk.book(tuesday("09:00"))
    assert pathway.told == [("booked", [visit.pk])]


def test_a_refusing_pathway_keeps_the_visit_off_the_books(desk: Desk, pathway: ToldPathway) -> None:
    pathway.refuses = {"session"}
    with pytest.raises(NotCleared) as refusal:
        desk.book(tuesday("09:00"), purpose="session")
    assert refusal.value.code == "consent"
    assert [each.code for each in refusal.value.conditions] == ["consent"]
    assert Appointment.objects.count() == 0


def test_all_visits_of_a_request_are_booked_or_none(desk: Desk) -> None:
    taken = desk.book(tuesday("11:00"), patient=PatientFactory())
    wishes = [desk.wish(tuesday("09:00")), desk.wish(tuesday("11:00"))]
    with pytest.raises(SlotTaken):
        booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    assert list(Appointment.objects.all()) == [taken]


def test_a_pair_is_booked_together(desk: Desk) -> None:
    wishes = [desk.wish(tuesday("09:00")), desk.wish(tuesday("09:00") + timedelta(days=2), pair_of=0)]
    test, reading = booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)
    assert (reading.pair_of, test.pair_of) == (test, None)


def test_nothing_to_book_is_refused(desk: Desk) -> None:
    with pytest.raises(DomainError) as refusal:
        booking.book_many(wishes=[], by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "nothing_to_book"


# --- a request carried out once -----------------------------------------------------------------------------------


def test_the_same_request_again_returns_what_it_booked(desk: Desk) -> None:
    request_id, wish = uuid4(), desk.wish(tuesday("09:00"))
    first = booking.book(wish=wish, by=desk.user, at=CLINIC_NOW, request_id=request_id)
    again = booking.book(wish=wish, by=desk.user, at=CLINIC_NOW, request_id=request_id)
    assert (again, Appointment.objects.count()) == (first, 1)


def test_a_request_id_counts_for_one_person_only(desk: Desk) -> None:
    request_id = uuid4()
    booking.book(wish=desk.wish(tuesday("09:00")), by=desk.user, at=CLINIC_NOW, request_id=request_id)
    colleague = UserFactory(reception=True)
    booking.book(wish=desk.wish(tuesday("10:00")), by=colleague, at=CLINIC_NOW, request_id=request_id)
    assert Appointment.objects.count() == 2


def test_a_request_without_an_id_books_each_time(desk: Desk) -> None:
    booking.book(wish=desk.wish(tuesday("09:00")), by=desk.user, at=CLINIC_NOW)
    with pytest.raises(SlotTaken):
        booking.book(wish=desk.wish(tuesday("09:00")), by=desk.user, at=CLINIC_NOW)


# --- each refusal --------------------------------------------------------------------------------------------------


def refusal_of(desk: Desk, starts_at: datetime, **changes) -> tuple[str, str | None]:
    """Its code, and the field that it stands at."""
    with pytest.raises(DomainError) as refusal:
        desk.book(starts_at, **changes)
    return refusal.value.code, refusal.value.field


def refused(desk: Desk, starts_at: datetime, **changes) -> str:
    """The code of the refusal."""
    return refusal_of(desk, starts_at, **changes)[0]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"patient": "other"}, "practitioner_taken"),
        ({"practitioner": "other", "patient": "other"}, "room_taken"),
        ({"practitioner": "other", "room": "other"}, "patient_taken"),
    ],
)
def test_whoever_is_taken_is_named(desk: Desk, changes: dict, code: str) -> None:
    desk.book(tuesday("09:00"))
    others = {"patient": PatientFactory(), "practitioner": desk.amari, "room": desk.room2}
    wanted = {name: others[name] for name in changes}
    assert refused(desk, tuesday("09:00"), **wanted) == code


def test_a_device_that_is_taken_is_named(desk: Desk) -> None:
    kind = AppointmentTypeFactory(device_kind="gun")
    desk.book(tuesday("09:00"), type=kind, device=desk.gun)
    others = {"patient": PatientFactory(), "practitioner": desk.amari, "room": desk.room2}
    assert refused(desk, tuesday("09:00"), type=kind, device=desk.gun, **others) == "device_taken"


def test_a_device_that_is_due_for_service_is_named_and_one_that_will_be_is_not(desk: Desk) -> None:
    kind = AppointmentTypeFactory(device_kind="gun")
    desk.gun.service_due_on = TUESDAY - timedelta(days=1)
    desk.gun.save()
    with pytest.raises(DomainError) as refusal:
        desk.book(tuesday("09:00"), type=kind, device=desk.gun)
    assert refusal.value.message.startswith(f"{desk.gun} is due for service since Mon 2 Mar 2026 ")
    assert (
        rules.obstacle_words(Obstacle.CLOSED_DAY, device=Device(service_due_on=TUESDAY))
        == "The clinic is closed on this day."
    )


def test_a_visit_that_needs_a_device_is_not_booked_without_one(desk: Desk) -> None:
    assert refused(desk, tuesday("09:00"), type=AppointmentTypeFactory(device_kind="gun")) == "device_missing"


def test_a_visit_that_needs_no_device_is_not_booked_with_one(desk: Desk) -> None:
    assert refusal_of(desk, tuesday("09:00"), device=desk.gun) == ("device_missing", "device")


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        (CLINIC_NOW - timedelta(minutes=31), "past"),
        (tuesday("09:00") + timedelta(seconds=1), "off_minute"),
        (tuesday("09:00") + timedelta(microseconds=1), "off_minute"),
        (datetime(9999, 12, 30, tzinfo=UTC), "too_far"),
        (CLINIC_NOW + timedelta(days=366), "too_far"),
        (tuesday("08:30"), "outside_hours"),
        (tuesday("12:00"), "outside_hours"),
    ],
)
def test_a_time_that_cannot_be_is_refused(desk: Desk, starts_at: datetime, code: str) -> None:
    assert refusal_of(desk, starts_at) == (code, "starts_at")


_LAST_MIDNIGHT = tuesday("00:00") + timedelta(days=7)


@pytest.mark.parametrize(
    ("starts_at", "code"),
    [
        (CLINIC_NOW - rules.JUST_NOW, None),
        (CLINIC_NOW - rules.JUST_NOW - timedelta(minutes=1), "past"),
        (_LAST_MIDNIGHT - timedelta(minutes=1), None),
        (_LAST_MIDNIGHT, "too_far"),
    ],
    ids=["the mark just gone", "a minute before it", "the last minute", "the midnight after"],
)
def test_the_first_and_the_last_minute_at_which_a_visit_may_begin(
    starts_at: datetime, code: str | None
) -> None:
    kind = AppointmentTypeFactory.build(bookable_days_ahead=7)
    if code is None:
        rules.check_time(starts_at, type=kind, at=CLINIC_NOW)
    else:
        with pytest.raises(DomainError) as refusal:
            rules.check_time(starts_at, type=kind, at=CLINIC_NOW)
        assert refusal.value.code == code


def test_a_walk_in_may_be_placed_on_the_mark_just_gone(desk: Desk) -> None:
    at = CLINIC_NOW + timedelta(minutes=29)
    assert desk.book(CLINIC_NOW, at=at).starts_at == CLINIC_NOW


def test_staff_may_book_off_the_grid(desk: Desk) -> None:
    assert desk.book(tuesday("09:10")).starts_at == tuesday("09:10")


def test_a_closed_day_is_refused(desk: Desk) -> None:
    ClosedDayFactory(day=TUESDAY)
    assert refused(desk, tuesday("09:00")) == "closed_day"


def test_an_absent_practitioner_is_refused(desk: Desk) -> None:
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("09:00"), ends_at=tuesday("10:00"))
    assert refused(desk, tuesday("09:30")) == "absent"


def test_a_room_out_of_service_is_refused(desk: Desk) -> None:
    OutOfServiceFactory(room=desk.room, starts_at=tuesday("09:00"), ends_at=tuesday("10:00"))
    assert refused(desk, tuesday("09:30")) == "room_taken"


def test_a_room_of_another_kind_is_refused(desk: Desk) -> None:
    kind = AppointmentTypeFactory(room_kind=RoomKind.TREATMENT)
    assert refused(desk, tuesday("09:00"), type=kind) == "room_taken"


def test_an_untrained_practitioner_is_refused(desk: Desk) -> None:
    kind = AppointmentTypeFactory(skill="gun")
    untrained = PractitionerFactory(skills=[])
    assert refused(desk, tuesday("09:00"), type=kind, practitioner=untrained) == "not_trained"


def test_a_merged_record_is_not_booked(desk: Desk) -> None:
    merged = PatientFactory(merged_into=desk.patient)
    assert refused(desk, tuesday("09:00"), patient=merged) == "merged_patient"


def test_an_erased_record_is_not_booked(desk: Desk) -> None:
    erased = desk.patient
    erased.erased_at = CLINIC_NOW - timedelta(days=1)  # as it is read; only the owner of the tables writes it
    with pytest.raises(DomainError, match="Nothing is booked on it any more") as refusal:
        desk.book(tuesday("09:00"), patient=erased)
    assert refusal.value.code == "erased_patient"
    assert not Appointment.objects.exists()


def test_nothing_comes_on_the_books_while_an_erasure_can_be_withdrawn(desk: Desk) -> None:
    called_off = desk.book(tuesday("10:00"))
    visits.cancel(appointment=called_off, cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW)
    called_off.refresh_from_db()
    erasure = ErasureFactory(patient=desk.patient)
    put_back = [Return(called_off, called_off.version)]
    wishes, until = [desk.wish(tuesday("09:00"))], tuesday("08:00")
    ways = [
        lambda: desk.book(tuesday("09:00")),
        lambda: booking.hold_many(wishes=wishes, until=until, by=desk.user, at=CLINIC_NOW),
        lambda: visits.reinstate(appointment=called_off, by=desk.user, at=CLINIC_NOW),
        lambda: replanning.rearrange(wishes=wishes, by=desk.user, at=CLINIC_NOW),
        lambda: replanning.rearrange(put_back=put_back, by=desk.user, at=CLINIC_NOW),
    ]
    for way in ways:
        with pytest.raises(DomainError, match="erased from Sun 8 Mar 2026 on: no visit") as refusal:
            way()
        assert refusal.value.code == "to_be_erased"
    assert desk.book(tuesday("09:00"), patient=PatientFactory())

    ErasureDoneFactory(erasure=erasure)  # what is left is kept for years, and the patient comes back
    assert desk.book(tuesday("11:00"))
    other = ErasureFactory(withdrawn_at=CLINIC_NOW, withdrawn_by=desk.user, withdrawn_because="a slip")
    assert desk.book(tuesday("14:00"), patient=other.patient)


def test_an_admin_does_not_book(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        booking.book(wish=desk.wish(tuesday("09:00")), by=UserFactory(admin=True), at=CLINIC_NOW)


def test_a_practitioner_books(desk: Desk) -> None:
    visit = booking.book(wish=desk.wish(tuesday("09:00")), by=UserFactory(practitioner=True), at=CLINIC_NOW)
    assert visit.status == AppointmentStatus.BOOKED


def test_touching_visits_do_not_overlap(desk: Desk) -> None:
    desk.book(tuesday("09:00"))
    assert desk.book(tuesday("09:30")).starts_at == tuesday("09:30")


def test_a_cancelled_visit_gives_its_time_back(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    visits.cancel(appointment=visit, cancelled_by=CancelledBy.PATIENT, by=desk.user, at=CLINIC_NOW)
    assert desk.book(tuesday("09:00")).status == AppointmentStatus.BOOKED


def test_what_only_the_constraint_sees_becomes_a_sentence(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules look first; were they wrong, the database would still refuse, and in words."""
    desk.book(tuesday("09:00"))
    monkeypatch.setattr(booking, "_check_wishes", lambda wishes, at: None)
    with pytest.raises(SlotTaken) as refusal:
        desk.book(tuesday("09:00"), patient=PatientFactory())
    assert (refusal.value.code, refusal.value.status) == ("practitioner_taken", 409)
    assert str(refusal.value) == "The practitioner has just been booked for this time."


# --- moving --------------------------------------------------------------------------------------------------------


def test_a_move_takes_everything_along(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    to = move(visit, tuesday("14:00"), practitioner=desk.amari, room=desk.room2)
    booking.move(to=to, by=desk.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert (visit.starts_at, visit.practitioner, visit.room) == (tuesday("14:00"), desk.amari, desk.room2)
    assert (visit.ends_at, visit.version) == (tuesday("14:30"), 2)


def test_a_move_tells_the_pathway(desk: Desk, pathway: ToldPathway) -> None:
    visit = desk.book(tuesday("09:00"))
    booking.move(to=move(visit, tuesday("14:00")), by=desk.user, at=CLINIC_NOW)
    assert pathway.told == [("booked", [visit.pk]), ("moved", [visit.pk])]


def test_a_visit_may_move_within_its_own_time(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    moved = booking.move(to=move(visit, tuesday("09:15")), by=desk.user, at=CLINIC_NOW)
    assert moved.starts_at == tuesday("09:15")


def test_two_visits_swap_places(desk: Desk) -> None:
    first, second = desk.book(tuesday("09:00")), desk.book(tuesday("10:00"), patient=PatientFactory())
    moves = [move(first, tuesday("10:00")), move(second, tuesday("09:00"))]
    booking.move_many(moves=moves, by=desk.user, at=CLINIC_NOW)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.starts_at, second.starts_at) == (tuesday("10:00"), tuesday("09:00"))


def test_two_visits_do_not_move_onto_each_other(desk: Desk) -> None:
    first, second = desk.book(tuesday("09:00")), desk.book(tuesday("10:00"), patient=PatientFactory())
    moves = [move(first, tuesday("11:00")), move(second, tuesday("11:00"))]
    with pytest.raises(SlotTaken):
        booking.move_many(moves=moves, by=desk.user, at=CLINIC_NOW)
    first.refresh_from_db()
    assert first.starts_at == tuesday("09:00")


def test_a_move_into_taken_time_changes_nothing(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    desk.book(tuesday("10:00"), patient=PatientFactory())
    with pytest.raises(SlotTaken) as refusal:
        booking.move(to=move(visit, tuesday("10:00")), by=desk.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert (refusal.value.code, visit.starts_at, visit.version) == ("practitioner_taken", tuesday("09:00"), 1)


def test_a_move_from_a_stale_page_changes_nothing(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    visits.confirm(appointment=visit, by=desk.user, at=CLINIC_NOW)
    with pytest.raises(Stale):
        booking.move(to=move(visit, tuesday("10:00")), by=desk.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.starts_at == tuesday("09:00")


def test_a_confirmed_visit_that_is_moved_has_to_be_confirmed_again(desk: Desk) -> None:
    visit = visits.confirm(appointment=desk.book(tuesday("09:00")), by=desk.user, at=CLINIC_NOW)
    moved = booking.move(to=move(visit, tuesday("10:00")), by=desk.user, at=CLINIC_NOW)
    assert moved.status == AppointmentStatus.BOOKED


def test_a_confirmed_visit_that_must_wait_for_something_is_moved_provisionally(
    desk: Desk, pathway: ToldPathway
) -> None:
    visit = desk.book(tuesday("09:00"), purpose="session")
    visits.confirm(appointment=visit, by=desk.user, at=CLINIC_NOW)
    pathway.provisional = {"session"}
    moved = booking.move(to=move(visit, tuesday("10:00"), version=2), by=desk.user, at=CLINIC_NOW)
    assert moved.status == AppointmentStatus.PROVISIONAL


def test_who_has_arrived_is_not_moved(desk: Desk) -> None:
    visit = visits.arrive(appointment=desk.book(CLINIC_NOW), by=desk.user, at=CLINIC_NOW)
    with pytest.raises(DomainError) as refusal:
        booking.move(to=move(visit, tuesday("10:00")), by=desk.user, at=CLINIC_NOW)
    assert refusal.value.code == "wrong_state"


def test_a_move_is_judged_by_the_pathway(desk: Desk, pathway: ToldPathway) -> None:
    visit = desk.book(tuesday("09:00"), purpose="session")
    pathway.refuses = {"session"}
    with pytest.raises(NotCleared):
        booking.move(to=move(visit, tuesday("10:00")), by=desk.user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.starts_at == tuesday("09:00")


def test_an_admin_does_not_move(desk: Desk) -> None:
    visit = desk.book(tuesday("09:00"))
    with pytest.raises(NotAllowed):
        booking.move(to=move(visit, tuesday("10:00")), by=UserFactory(admin=True), at=CLINIC_NOW)


@pytest.mark.parametrize(("minutes", "fits"), [(79, False), (80, True), (720, True), (721, False)])
def test_a_length_of_its_own_leaves_the_practitioner_five_minutes_and_ends_within_the_day(
    minutes: int, fits: bool
) -> None:
    # An hour of cream and a quarter of cleaning stay as they are around the practitioner's half hour.
    session = AppointmentTypeFactory.build(session=True)
    assert rules.may_last(session, minutes) is fits
    if not fits:
        with pytest.raises(DomainError, match="takes 80 to 720 minutes") as refusal:
            rules.check_length(session, minutes)
        assert (refusal.value.code, refusal.value.field) == ("bad_length", "minutes")


@pytest.mark.parametrize(
    ("before", "late"), [(timedelta(hours=24), False), (timedelta(hours=24, seconds=-1), True)], ids=str
)
def test_exactly_the_hours_the_clinic_asks_for_are_not_late(before: timedelta, late: bool) -> None:
    visit = Appointment(starts_at=CLINIC_NOW + before)
    assert rules.is_late_cancellation(visit, at=CLINIC_NOW, late_hours=24) == late


@pytest.mark.parametrize(
    ("since", "may"), [(timedelta(hours=1), True), (timedelta(hours=1, seconds=1), False)], ids=str
)
def test_a_clinical_release_is_taken_back_within_the_hour(since: timedelta, may: bool) -> None:
    visit = Appointment(cancelled_by=CancelledBy.CLINICAL, cancelled_at=CLINIC_NOW - since)
    assert rules.may_return_refused(visit, at=CLINIC_NOW) == may


@pytest.mark.django_db
def test_who_does_not_get_a_lock_in_time_is_told_that_somebody_else_is_booking() -> None:
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    with closing(psycopg2.connect(**parameters)) as other, other.cursor() as held:
        held.execute("SELECT pg_advisory_xact_lock(20260303)")
        with pytest.raises(SlotTaken) as refusal, explaining(), transaction.atomic():
            connection.cursor().execute("SET LOCAL lock_timeout = '50ms'")
            connection.cursor().execute("SELECT pg_advisory_xact_lock(20260303)")
    assert refusal.value.code == "busy"


@pytest.mark.django_db
def test_a_database_that_takes_too_long_is_not_said_to_be_somebody_else() -> None:
    with pytest.raises(OperationalError, match="statement timeout"), explaining(), transaction.atomic():
        connection.cursor().execute("SET LOCAL statement_timeout = '50ms'")
        connection.cursor().execute("SELECT pg_sleep(5)")
