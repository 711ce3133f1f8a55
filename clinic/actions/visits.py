"""What happens to a booked visit: confirmed, arrived, started, completed, cancelled, missed; and taken back."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic import readiness
from clinic.actions import contacts, waitlist
from clinic.actions.booking import clear_run_out
from clinic.actions.locking import explained, lock
from clinic.enums import AppointmentStatus, CancelledBy, Readiness
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, ClinicSettings, User
from clinic.rules import access, booking
from clinic.rules.contacts import patient_asked


def _lock_one(appointment: Appointment, *, version: int | None) -> Appointment:
    row = lock(patients=[appointment.patient_id], appointments=[appointment.pk])[appointment.pk]
    if version is not None:
        booking.check_version(row, version)
    return row


def _lock_all(appointment: Appointment, *, version: int | None) -> Appointment:
    """For a visit that takes its time again."""
    locked = lock(
        patients=[appointment.patient_id],
        practitioners=[appointment.practitioner_id],
        rooms=[appointment.room_id],
        devices=[appointment.device_id],
        appointments=[appointment.pk],
    )
    if version is not None:
        booking.check_version(locked[appointment.pk], version)
    return locked[appointment.pk]


def _save(row: Appointment) -> Appointment:
    row.version += 1
    row.save(force_update=True)
    return row


@explained
def confirm(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The patient has said that they will come. Raises DomainError in the wrong state."""
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    booking.check_move(row, AppointmentStatus.CONFIRMED)
    row.status = AppointmentStatus.CONFIRMED
    return _save(row)


@explained
def arrive(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The patient is here: a fact, recorded whatever the pathway says; the card shows what is missing."""
    access.check_may_book(by)
    row = _lock_all(appointment, version=version)
    booking.check_move(row, AppointmentStatus.ARRIVED)
    was_missed = row.status == AppointmentStatus.NO_SHOW
    if was_missed:
        clear_run_out(by=by, at=at)
    row.status = AppointmentStatus.ARRIVED
    row.arrived_at = row.arrived_at or at
    row.started_at = None
    _save(row)
    if was_missed:
        readiness.pathway().booked([row], by=by, at=at)
    return row


@explained
def undo_arrival(
    *, appointment: Appointment, by: User, at: datetime, version: int | None = None
) -> Appointment:
    """Checked in by mistake: on the books again, provisional where something is still awaited."""
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    if row.status != AppointmentStatus.ARRIVED:
        raise DomainError(
            _("Only a check-in that has not led to treatment can be taken back."),
            "wrong_state",
        )
    row.status, row.arrived_at = AppointmentStatus.BOOKED, None
    _save(row)
    visit = readiness.Visit(row.patient, row.purpose, row.starts_at, row)
    (verdict,) = readiness.pathway().judge([visit], at=at)
    if booking.status_of(verdict) == AppointmentStatus.BOOKED:
        return row
    row.status = AppointmentStatus.PROVISIONAL
    return _save(row)


@explained
def start(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The practitioner begins. Only a clear verdict of the pathway opens this door.

    Raises:
        NotCleared: something is missing; the conditions say what, who and from when.
    """
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    booking.check_move(row, AppointmentStatus.IN_PROGRESS)
    if row.status != AppointmentStatus.ARRIVED:
        raise DomainError(_("Only a patient who has arrived can be started."), "wrong_state")
    visit = readiness.Visit(row.patient, row.purpose, at, row)
    (verdict,) = readiness.pathway().judge([visit], at=at, starting=True)
    if verdict.state != Readiness.CLEAR:
        first = verdict.conditions[0]
        raise NotCleared(first.what, first.code, conditions=verdict.conditions)
    row.status, row.started_at = AppointmentStatus.IN_PROGRESS, at
    return _save(row)


@explained
def complete(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The visit is over."""
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    booking.check_move(row, AppointmentStatus.COMPLETED)
    row.status, row.ended_at = AppointmentStatus.COMPLETED, at
    return _save(row)


@explained
def reopen(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """Completed by mistake: in progress again."""
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    if row.status != AppointmentStatus.COMPLETED:
        raise DomainError(_("Only a completed visit can be reopened."), "wrong_state")
    row.status, row.ended_at = AppointmentStatus.IN_PROGRESS, None
    return _save(row)


@explained
def cancel(
    *,
    appointment: Appointment,
    cancelled_by: CancelledBy,
    reason: str = "",
    told: bool = False,
    by: User,
    at: datetime,
    version: int | None = None,
) -> Appointment:
    """Call the visit off and free its time. Late is judged by the clinic's own setting.

    Unless the patient asked for it, or has been `told`, they come on the contact list.
    """
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    booking.check_cancellable(row)
    return call_off(row=row, cancelled_by=cancelled_by, reason=reason, told=told, by=by, at=at)


def call_off(
    *, row: Appointment, cancelled_by: CancelledBy, reason: str, told: bool, by: User, at: datetime
) -> Appointment:
    """Write the cancellation down. Called under the locks, for a row that may be cancelled."""
    row.status, row.cancelled_at, row.cancelled_by = (
        AppointmentStatus.CANCELLED,
        at,
        cancelled_by,
    )
    late_hours = ClinicSettings.current().late_cancellation_hours
    row.cancelled_late = booking.is_late_cancellation(row, at=at, late_hours=late_hours)
    row.cancel_reason = reason
    row.arrived_at = None
    _save(row)
    readiness.pathway().released([row], by=by, at=at)
    contacts.visit_cancelled(visit=row, told=told or patient_asked(cancelled_by), by=by, at=at)
    return row


@explained
def no_show(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """The patient did not come. Only once the start has passed."""
    access.check_may_book(by)
    row = _lock_one(appointment, version=version)
    booking.check_move(row, AppointmentStatus.NO_SHOW)
    if at < row.starts_at:
        raise DomainError(
            _("The visit has not begun yet; wait until its start has passed."),
            "not_yet",
        )
    row.status, row.arrived_at = AppointmentStatus.NO_SHOW, None
    _save(row)
    readiness.pathway().released([row], by=by, at=at)
    return row


@explained
def reinstate(*, appointment: Appointment, by: User, at: datetime, version: int | None = None) -> Appointment:
    """Take a cancellation or a no-show back, if the time is still free and the pathway still agrees.

    Raises:
        SlotTaken: the time has been given to somebody else.
        DomainError: to_be_erased.
    """
    access.check_may_book(by)
    row = _lock_all(appointment, version=version)
    clear_run_out(by=by, at=at)
    booking.check_called_off(row)
    booking.check_not_to_be_erased(row.patient)
    visit = readiness.Visit(row.patient, row.purpose, row.starts_at, row)
    (verdict,) = booking.check_cleared([visit], at=at)
    return take_back(row=row, status=booking.status_of(verdict), by=by, at=at)


def take_back(*, row: Appointment, status: AppointmentStatus, by: User, at: datetime) -> Appointment:
    """Write the return to the books down. Called under the locks, for a row that was called off or missed.

    Who was missed was booked; whether a visit that was cancelled is provisional, the pathway has said.
    """
    was_told_off = bool(row.cancelled_by) and not patient_asked(CancelledBy(row.cancelled_by))
    was_cancelled = row.status == AppointmentStatus.CANCELLED
    row.status = status if was_cancelled else AppointmentStatus.BOOKED
    row.cancelled_at, row.cancelled_by, row.cancelled_late, row.cancel_reason = (
        None,
        "",
        False,
        "",
    )
    _save(row)
    readiness.pathway().booked([row], by=by, at=at)
    waitlist.booked(appointments=[row], by=by, at=at)
    if was_told_off:
        contacts.visit_reinstated(visit=row, by=by, at=at)
    return row


@explained
def settle(
    *,
    appointments: list[Appointment],
    status: AppointmentStatus,
    by: User,
    at: datetime,
) -> list[Appointment]:
    """Turn provisional visits into booked ones (a reading without reaction) or back (a reading undone).

    Called by the pathway inside its own transaction, after it has taken the locks.
    """
    changed = []
    for row in lock(appointments=[each.pk for each in appointments]).values():
        if row.is_upcoming and row.status != status and booking.may_move(row, status):
            row.status = status
            changed.append(_save(row))
    return changed
