"""Holds: a time kept for a patient who calls back. It is taken, released, or runs out by itself (booking.clear_run_out)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic import readiness
from clinic.actions import waitlist
from clinic.actions.locking import explained, lock
from clinic.availability import Place
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import DomainError
from clinic.models import Appointment, User
from clinic.rules import access, booking


@explained
def take(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The patient has called back: the held visit is booked, and the visit that is held with it.

    A hold that has run out can still be taken as long as nobody else wanted its time.

    Raises:
        DomainError: wrong_state, for a hold that is gone; past, away … as for booking.
        NotCleared: the clinical pathway refuses by now.
    """
    access.check_may_book(by)
    held = _locked(appointment, version=version)
    for row in held:
        booking.check_time(row.starts_at, type=row.type, at=at)
    booking.check_free([_place(row) for row in held], at=at, ignoring=held)
    visits = [readiness.Visit(row.patient, row.purpose, row.starts_at, row) for row in held]
    for row, verdict in zip(held, booking.check_cleared(visits, at=at), strict=True):
        row.status, row.held_until = booking.status_of(verdict), None
        row.version += 1
        row.save(force_update=True)
    readiness.pathway().booked(held, by=by, at=at)
    waitlist.booked(appointments=held, by=by, at=at)
    return held[0]


@explained
def release(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The time is not wanted any more, nor that of the visit held with it.

    Raises:
        DomainError: wrong_state, for a hold that is gone.
    """
    access.check_may_book(by)
    held = _locked(appointment, version=version)
    for row in held:
        row.status, row.held_until = AppointmentStatus.CANCELLED, None
        row.cancelled_at, row.cancelled_by = at, CancelledBy.PATIENT
        row.cancel_reason = _("The hold was released.")
        row.version += 1
        row.save(force_update=True)
    return held[0]


def _locked(appointment: Appointment, *, version: int | None) -> list[Appointment]:
    """The held visit, then the one held with it; with everything they take."""
    pair = getattr(appointment, "pair", None) or appointment.pair_of
    both = [appointment, *([pair] if pair and pair.status == AppointmentStatus.HELD else [])]
    rows = lock(
        patients=[each.patient_id for each in both],
        practitioners=[each.practitioner_id for each in both],
        rooms=[each.room_id for each in both],
        devices=[each.device_id for each in both],
        appointments=[each.pk for each in both],
    )
    held = [rows[each.pk] for each in both]
    if version is not None:
        booking.check_version(held[0], version)
    if any(row.status != AppointmentStatus.HELD for row in held):
        raise DomainError(_("This hold is gone. Look for another time."), "wrong_state")
    return held


def _place(row: Appointment) -> Place:
    kind = row.type.lasting(row.minutes)
    return Place(kind, row.patient, row.practitioner, row.room, row.device, row.starts_at)
