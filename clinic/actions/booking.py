"""Booking and moving. `book_many` is the primitive: one transaction, one set of sorted locks, all visits or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import connection
from django.utils.translation import gettext as _

from clinic import readiness
from clinic.actions.locking import explained, lock
from clinic.enums import AppointmentStatus, Readiness
from clinic.errors import DomainError, NotCleared
from clinic.models import (
    Appointment,
    AppointmentType,
    Device,
    Patient,
    Practitioner,
    Room,
    User,
)
from clinic.rules import access, booking


@dataclass(frozen=True, slots=True)
class Wish:
    """One visit to be booked. `pair_of` is the position, in the same request, of the visit it belongs to."""

    patient: Patient
    type: AppointmentType
    practitioner: Practitioner
    room: Room
    starts_at: datetime
    device: Device | None = None
    purpose: str = ""
    note: str = ""
    pair_of: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A visit to be put elsewhere; `version` is that of the page the person looked at."""

    appointment: Appointment
    version: int
    practitioner: Practitioner
    room: Room
    starts_at: datetime
    device: Device | None = None


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
        NotAllowed: the person may not book.
        SlotTaken: practitioner, room, device or patient is taken (409).
        NotCleared: the clinical pathway refuses one of the visits.
        DomainError: past, closed, outside hours …
    """
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
    earlier = Appointment.objects.filter(created_by=by, request_id=request_id).order_by("request_item")
    if booked := list(earlier):
        return booked
    for wish in wishes:
        _check_wish(wish, at=at)
    verdicts = _judge([_visit(wish) for wish in wishes], at=at)
    booked = _insert(wishes, verdicts, request_id=request_id, by=by, at=at)
    readiness.pathway().booked(booked, by=by, at=at)
    return booked


def _insert(
    wishes: Sequence[Wish], verdicts: Sequence[readiness.Verdict], *, request_id: UUID, by: User, at: datetime
) -> list[Appointment]:
    booked: list[Appointment] = []
    for item, (wish, verdict) in enumerate(zip(wishes, verdicts, strict=True)):
        appointment = _appointment(wish, verdict.state, by=by, at=at)
        appointment.request_id, appointment.request_item = request_id, item
        if wish.pair_of is not None:
            appointment.pair_of = booked[wish.pair_of]
        _check_fields(appointment)
        appointment.save(force_insert=True)
        booked.append(appointment)
    return booked


def _check_fields(appointment: Appointment) -> None:
    """Lengths and choices. Rows pointed at were locked a moment ago; asking for each again is a query apiece."""
    pointers = [field.name for field in Appointment._meta.concrete_fields if field.is_relation]
    appointment.clean_fields(exclude=pointers)


@explained
def move_many(*, moves: Sequence[Move], by: User, at: datetime) -> list[Appointment]:
    """Put visits elsewhere, all or none; two visits may swap places.

    Raises:
        NotAllowed, SlotTaken, NotCleared, DomainError: as for booking.
        Stale: one of them was changed since the page was opened.
    """
    access.check_may_book(by)
    held = [move.appointment for move in moves]
    locked = _lock_both_ends(moves)
    for move in moves:
        _check_move(move, locked[move.appointment.pk], at=at, ignoring=held)
    rows = [locked[move.appointment.pk] for move in moves]
    visits = [
        readiness.Visit(row.patient, row.purpose, move.starts_at, row)
        for row, move in zip(rows, moves, strict=True)
    ]
    with connection.cursor() as cursor:
        # Two visits that swap places overlap for a moment.
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for row, move, verdict in zip(rows, moves, _judge(visits, at=at), strict=True):
            _place(row, move, verdict)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    readiness.pathway().moved(rows, by=by, at=at)
    return rows


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


def _place(row: Appointment, move: Move, verdict: readiness.Verdict) -> None:
    row.practitioner, row.room, row.device = move.practitioner, move.room, move.device
    put(row, move.starts_at)
    row.status = _status(verdict.state)
    row.version += 1
    _check_fields(row)
    row.save(force_update=True)


def move(*, to: Move, by: User, at: datetime) -> Appointment:
    """Move one visit; see `move_many`."""
    return move_many(moves=[to], by=by, at=at)[0]


def put(appointment: Appointment, starts_at: datetime) -> None:
    """Set the visit's six times from its type's offsets (minutes relative to the patient's start)."""
    kind = appointment.type

    def after(minutes: int) -> datetime:
        return starts_at + timedelta(minutes=minutes)

    appointment.starts_at, appointment.ends_at = starts_at, after(kind.patient_minutes)
    appointment.practitioner_from = after(kind.practitioner_from)
    appointment.practitioner_until = after(kind.practitioner_until)
    appointment.room_from, appointment.room_until = (
        after(kind.room_from),
        after(kind.room_until),
    )


def _check_wish(wish: Wish, *, at: datetime) -> None:
    if wish.patient.merged_into_id:
        raise DomainError(_("This record was merged into another. Open that one."), "merged_patient")
    booking.check_time(wish.starts_at, type=wish.type, at=at)
    booking.check_free(
        type=wish.type,
        patient=wish.patient,
        practitioner=wish.practitioner,
        room=wish.room,
        device=wish.device,
        starts_at=wish.starts_at,
        at=at,
    )


def _check_move(move: Move, row: Appointment, *, at: datetime, ignoring: Sequence[Appointment]) -> None:
    booking.check_version(row, move.version)
    booking.check_reschedulable(row)
    booking.check_time(move.starts_at, type=row.type, at=at)
    booking.check_free(
        type=row.type,
        patient=row.patient,
        practitioner=move.practitioner,
        room=move.room,
        device=move.device,
        starts_at=move.starts_at,
        at=at,
        ignoring=ignoring,
    )


def _judge(visits: Sequence[readiness.Visit], *, at: datetime) -> list[readiness.Verdict]:
    verdicts = readiness.pathway().judge(visits, at=at)
    for verdict in verdicts:
        if verdict.state == Readiness.REFUSED:
            first = verdict.conditions[0]
            raise NotCleared(first.what, first.code, conditions=verdict.conditions)
    return verdicts


def _visit(wish: Wish) -> readiness.Visit:
    return readiness.Visit(wish.patient, wish.purpose, wish.starts_at)


def _status(state: Readiness) -> AppointmentStatus:
    return AppointmentStatus.PROVISIONAL if state == Readiness.PROVISIONAL else AppointmentStatus.BOOKED


def _appointment(wish: Wish, state: Readiness, *, by: User, at: datetime) -> Appointment:
    appointment = Appointment(
        patient=wish.patient,
        type=wish.type,
        practitioner=wish.practitioner,
        room=wish.room,
        device=wish.device,
        purpose=wish.purpose,
        note=wish.note,
        status=_status(state),
        created_by=by,
        created_at=at,
    )
    put(appointment, wish.starts_at)
    return appointment
