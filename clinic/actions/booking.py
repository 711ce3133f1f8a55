"""Booking and moving. `book_many` is the primitive: one transaction, one set of sorted locks, all visits or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from clinic import queries, readiness
from clinic.actions import contacts, waitlist
from clinic.actions.locking import explained, lock
from clinic.availability import Place
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import DomainError
from clinic.models import (
    Appointment,
    AppointmentType,
    ClinicSettings,
    Device,
    Patient,
    Practitioner,
    Room,
    User,
)
from clinic.rules import access, booking


@dataclass(frozen=True, slots=True)
class Wish:
    """One visit to be booked. `pair_of` is the position, in the same request, of the visit it belongs to.

    `minutes` is how long the patient will be here; None means as long as the type says.
    """

    patient: Patient
    type: AppointmentType
    practitioner: Practitioner
    room: Room
    starts_at: datetime
    device: Device | None = None
    purpose: str = ""
    note: str = ""
    pair_of: int | None = None
    minutes: int | None = None

    @property
    def place(self) -> Place:
        """Where and when, with the type as long as this visit."""
        kind = self.type.lasting(self.minutes)
        return Place(kind, self.patient, self.practitioner, self.room, self.device, self.starts_at)

    @property
    def visit(self) -> readiness.Visit:
        """What the pathway is asked about."""
        return readiness.Visit(self.patient, self.purpose, self.starts_at)


@dataclass(frozen=True, slots=True)
class Move:
    """A visit to be put elsewhere; `version` is that of the page the person looked at.

    `minutes` is how long the patient will be here; None keeps the length the visit has.
    """

    appointment: Appointment
    version: int
    practitioner: Practitioner
    room: Room
    starts_at: datetime
    device: Device | None = None
    minutes: int | None = None

    @classmethod
    def to(cls, appointment: Appointment, place: Place) -> "Move":
        """The visit as it was read, as long as it is, to where and when the place is."""
        return cls(
            appointment,
            appointment.version,
            place.practitioner,
            place.room,
            place.starts_at,
            place.device,
        )

    def place(self, row: Appointment) -> Place:
        """Where and when the locked row goes, with its type as long as it will be."""
        kind = row.type.lasting(row.minutes if self.minutes is None else self.minutes)
        return Place(kind, row.patient, self.practitioner, self.room, self.device, self.starts_at)


def book(*, wish: Wish, by: User, at: datetime, request_id: UUID | None = None) -> Appointment:
    """Book one visit; see `book_many`."""
    return book_many(wishes=[wish], by=by, at=at, request_id=request_id)[0]


@explained
def book_many(
    *, wishes: Sequence[Wish], by: User, at: datetime, request_id: UUID | None = None
) -> list[Appointment]:
    """Book all of the visits or none of them.

    The same `request_id` by the same person returns what it booked the first time, so that a retry is harmless.

    Raises:
        Stale: what the same request booked before was called off since.
        NotAllowed: the person may not book.
        SlotTaken: practitioner, room, device or patient is taken (409).
        NotCleared: the clinical pathway refuses one of the visits.
        DomainError: past, closed, outside hours …
    """
    booked, before = _put_on_the_books(wishes, None, by=by, at=at, request_id=request_id)
    if not before.is_retry:
        readiness.pathway().booked(booked, by=by, at=at)
    if before.somebody_waits and not before.is_retry:
        waitlist.booked(appointments=booked, by=by, at=at)
    return booked


@explained
def hold_many(
    *, wishes: Sequence[Wish], until: datetime, by: User, at: datetime, request_id: UUID | None = None
) -> list[Appointment]:
    """Keep the time of all of the visits for a patient who calls back; nobody else gets it before `until`.

    The pathway takes a hold for a wish, not for a booking: nothing follows from it. See `clinic.actions.holds`.

    Raises:
        DomainError: bad_hold, for an end in the past, after the visit, or later than the clinic allows.
        NotAllowed, SlotTaken, NotCleared, DomainError: as for `book_many`.
    """
    longest = timedelta(hours=ClinicSettings.current().longest_hold_hours)
    for wish in wishes:
        booking.check_hold(until, starts_at=wish.starts_at, longest=longest, at=at)
    return _put_on_the_books(wishes, until, by=by, at=at, request_id=request_id)[0]


def _put_on_the_books(
    wishes: Sequence[Wish], held_until: datetime | None, *, by: User, at: datetime, request_id: UUID | None
) -> tuple[list[Appointment], queries.BeforeBooking]:
    """The rows, with what was known before (a retry finds what the first try made)."""
    access.check_may_book(by)
    if not wishes:
        raise DomainError(_("Choose at least one visit."), "nothing_to_book")
    request_id = request_id or uuid4()
    lock(
        patients=[wish.patient.pk for wish in wishes],
        practitioners=[wish.practitioner.pk for wish in wishes],
        rooms=[wish.room.pk for wish in wishes],
        devices=[wish.device.pk for wish in wishes if wish.device],
    )
    patients = {wish.patient.pk for wish in wishes}
    before = queries.before_booking(patients=patients, by=by, request_id=request_id, at=at)
    if before.is_retry:
        return booked_before(request_id=request_id, by=by, at=at), before
    if before.erasure_decided:
        booking.check_not_to_be_erased(*(wish.patient for wish in wishes))
    if before.holds_ran_out:
        clear_run_out(at=at, by=by)
    _check_wishes(wishes, at=at)
    verdicts = booking.check_cleared([wish.visit for wish in wishes], at=at)
    rows = insert(
        wishes=wishes, verdicts=verdicts, held_until=held_until, request_id=request_id, by=by, at=at
    )
    return rows, before


def booked_before(*, request_id: UUID, by: User, at: datetime) -> list[Appointment]:
    """What this very request of this person has put on the books, in its order; nothing where it has not.

    Raises:
        Stale: a visit of it was called off since, or the time to call back has passed.
    """
    earlier = Appointment.objects.filter(created_by=by, request_id=request_id)
    rows = list(earlier.order_by("request_item"))
    booking.check_on_the_books(rows, at=at)
    return rows


def insert(
    *,
    wishes: Sequence[Wish],
    verdicts: Sequence[readiness.Verdict],
    held_until: datetime | None = None,
    request_id: UUID,
    by: User,
    at: datetime,
) -> list[Appointment]:
    """Write the visits down. Called under the locks, after the rules have agreed."""
    rows = [_appointment(wish, by=by, at=at) for wish in wishes]
    for item, (row, wish, verdict) in enumerate(zip(rows, wishes, verdicts, strict=True)):
        row.request_id, row.request_item = request_id, item
        row.pair_of = None if wish.pair_of is None else rows[wish.pair_of]
        row.status = AppointmentStatus.HELD if held_until else booking.status_of(verdict)
        row.held_until = held_until
        _check_fields(row)
    return Appointment.objects.bulk_create(rows)


def clear_run_out(*, by: User, at: datetime) -> None:
    """Call off the holds whose time to call back has passed. Whoever is about to take time does this first.

    Rows that somebody else is clearing away at this moment are theirs.
    """
    gone = Appointment.objects.run_out(at).order_by().select_for_update(skip_locked=True, no_key=True)
    Appointment.objects.filter(pk__in=gone.values("pk")).update(
        status=AppointmentStatus.CANCELLED,
        held_until=None,
        cancelled_at=at,
        cancelled_by=CancelledBy.CLINIC,
        cancel_reason=_("The hold ran out."),
        version=F("version") + 1,
    )


def _check_fields(appointment: Appointment) -> None:
    """Lengths and choices. Rows pointed at were locked a moment ago; asking for each again is a query apiece."""
    pointers = [field.name for field in Appointment._meta.concrete_fields if field.is_relation]
    appointment.clean_fields(exclude=pointers)


@explained
def move_many(*, moves: Sequence[Move], by: User, at: datetime, told: bool = False) -> list[Appointment]:
    """Put visits elsewhere, all or none; two visits may swap places. A hold stays a hold, until the same moment.

    Each patient comes on the contact list, unless they have been `told` (or asked for it): then that is recorded. Whose
    time is only held calls back, and hears of it then.

    Raises:
        NotAllowed, SlotTaken, NotCleared, DomainError: as for booking.
        Stale: one of them was changed since the page was opened.
    """
    access.check_may_book(by)
    locked = _lock_both_ends(moves)
    clear_run_out(at=at, by=by)
    rows = [locked[move.appointment.pk] for move in moves]
    places = destinations(moves=moves, rows=rows, at=at)
    booking.check_free(places, at=at, ignoring=rows)
    visits = [
        readiness.Visit(row.patient, row.purpose, move.starts_at, row)
        for row, move in zip(rows, moves, strict=True)
    ]
    verdicts = booking.check_cleared(visits, at=at)
    return place_all(rows=rows, places=places, verdicts=verdicts, told=told, by=by, at=at)


def place_all(
    *,
    rows: Sequence[Appointment],
    places: Sequence[Place],
    verdicts: Sequence[readiness.Verdict],
    told: bool,
    by: User,
    at: datetime,
) -> list[Appointment]:
    """Write down where each visit goes. Called under the locks, after the rules have agreed."""
    with connection.cursor() as cursor:
        # Two visits that swap places overlap for a moment.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        before = [(row.starts_at, row.practitioner) for row in rows]
        for row, place, verdict in zip(rows, places, verdicts, strict=True):
            _place(row, place, verdict)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    readiness.pathway().moved([row for row in rows if not row.is_held], by=by, at=at)
    for row, (was_at, was_with) in zip(rows, before, strict=True):
        if not row.is_held:
            contacts.visit_moved(visit=row, was_at=was_at, was_with=was_with, told=told, by=by, at=at)
    waitlist.moved(appointments=rows, was_at=[was_at for was_at, _who in before], by=by, at=at)
    return list(rows)


def destinations(*, moves: Sequence[Move], rows: Sequence[Appointment], at: datetime) -> list[Place]:
    """Where the locked rows go; each is as the page showed it and may be moved."""
    return [_checked(move, row, at=at) for move, row in zip(moves, rows, strict=True)]


def _lock_both_ends(moves: Sequence[Move]) -> dict[UUID, Appointment]:
    """Where the visits are and where they go, in one go."""
    held = [move.appointment for move in moves]
    return lock(
        patients=[each.patient_id for each in held],
        practitioners=[*(each.practitioner_id for each in held), *(move.practitioner.pk for move in moves)],
        rooms=[*(each.room_id for each in held), *(move.room.pk for move in moves)],
        devices=[*(each.device_id for each in held), *(move.device.pk for move in moves if move.device)],
        appointments=[each.pk for each in held],
    )


def _place(row: Appointment, place: Place, verdict: readiness.Verdict) -> None:
    row.practitioner, row.room, row.device = place.practitioner, place.room, place.device
    put(row, place.starts_at, as_type=place.type)
    if not row.is_held:
        row.status = booking.status_of(verdict)
    row.version += 1
    _check_fields(row)
    row.save(force_update=True)


def move(*, to: Move, by: User, at: datetime, told: bool = False) -> Appointment:
    """Move one visit; see `move_many`."""
    return move_many(moves=[to], by=by, at=at, told=told)[0]


def put(appointment: Appointment, starts_at: datetime, *, as_type: AppointmentType | None = None) -> None:
    """Set the visit's six times from the offsets (minutes relative to the patient's start) of its type.

    `as_type` is that type with another length, see `AppointmentType.lasting`.
    """
    kind = as_type or appointment.type

    def after(minutes: int) -> datetime:
        return starts_at + timedelta(minutes=minutes)

    appointment.starts_at, appointment.ends_at = starts_at, after(kind.patient_minutes)
    appointment.practitioner_from = after(kind.practitioner_from)
    appointment.practitioner_until = after(kind.practitioner_until)
    appointment.room_from, appointment.room_until = (
        after(kind.room_from),
        after(kind.room_until),
    )


def _check_wishes(wishes: Sequence[Wish], *, at: datetime) -> None:
    booking.check_free(places_of(wishes=wishes, at=at), at=at)


def places_of(*, wishes: Sequence[Wish], at: datetime) -> list[Place]:
    """Where the wishes go, once everything has been checked that does not depend on who else is there."""
    for wish in wishes:
        booking.check_record(wish.patient)
        booking.check_length(wish.type, wish.minutes)
        booking.check_time(wish.starts_at, type=wish.type, at=at)
    return [wish.place for wish in wishes]


def _checked(move: Move, row: Appointment, *, at: datetime) -> Place:
    """Where the visit goes, once everything has been checked that does not depend on who else is there."""
    booking.check_version(row, move.version)
    if row.is_held:
        booking.check_hold_may_move(row, move.starts_at, at=at)
    else:
        booking.check_reschedulable(row)
    booking.check_length(row.type, move.minutes)
    booking.check_time(move.starts_at, type=row.type, at=at)
    return move.place(row)


def _appointment(wish: Wish, *, by: User, at: datetime) -> Appointment:
    appointment = Appointment(
        patient=wish.patient,
        type=wish.type,
        practitioner=wish.practitioner,
        room=wish.room,
        device=wish.device,
        purpose=wish.purpose,
        note=wish.note,
        created_by=by,
        created_at=at,
    )
    put(appointment, wish.starts_at, as_type=wish.place.type)
    return appointment
