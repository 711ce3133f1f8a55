"""Whether a visit may be put at a time, and whether its state may change. Reads only; asked under the locks."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic.availability import Obstacle, last_start, why_not
from clinic.enums import TRANSITIONS, AppointmentStatus
from clinic.errors import DomainError, SlotTaken, Stale
from clinic.models import (
    Appointment,
    AppointmentType,
    Device,
    Patient,
    Practitioner,
    Room,
)

# A walk-in is placed on the grid mark just gone; anything earlier is the past.
JUST_NOW = timedelta(minutes=30)
_STAFF_MAY = {Obstacle.NOTICE, Obstacle.OFF_GRID}
_TAKEN = {
    Obstacle.PRACTITIONER_BUSY: "practitioner_taken",
    Obstacle.PATIENT_BUSY: "patient_taken",
    Obstacle.ROOM_NONE_FREE: "room_taken",
    Obstacle.DEVICE_NONE_FREE: "device_taken",
}


def obstacle_words(obstacle: Obstacle, *, practitioner: Practitioner | None = None) -> str:
    """The obstacle as the desk says it."""
    who = practitioner or _("The practitioner")
    return {
        Obstacle.NOTICE: _("This is too short notice for this kind of visit."),
        Obstacle.TOO_FAR: _("This is further ahead than this kind of visit can be booked."),
        Obstacle.OFF_GRID: _("Visits do not start at this minute."),
        Obstacle.NOT_TRAINED: _("%(who)s does not do this kind of visit.") % {"who": who},
        Obstacle.CLOSED_DAY: _("The clinic is closed on this day."),
        Obstacle.OUTSIDE_HOURS: _("%(who)s does not work at this time.") % {"who": who},
        Obstacle.ABSENT: _("%(who)s is away at this time.") % {"who": who},
        Obstacle.PRACTITIONER_BUSY: _("%(who)s is booked at this time.") % {"who": who},
        Obstacle.PATIENT_BUSY: _("The patient already has a visit at this time."),
        Obstacle.ROOM_NONE_FREE: _("No suitable room is free at this time."),
        Obstacle.DEVICE_NONE_FREE: _("The device this visit needs is not free at this time."),
    }[obstacle]


def check_time(starts_at: datetime, *, type: AppointmentType, at: datetime) -> None:
    """A visit starts now or later, on a whole minute, and no further ahead than its type allows.

    Raises:
        DomainError: past, off_minute or too_far, for the field `starts_at`.
    """
    if starts_at.second or starts_at.microsecond:
        raise DomainError(_("Choose a whole minute."), "off_minute", field="starts_at")
    if starts_at < at - JUST_NOW:
        raise DomainError(_("This time has passed. Choose a later one."), "past", field="starts_at")
    if starts_at >= last_start(type, at):
        raise DomainError(obstacle_words(Obstacle.TOO_FAR), "too_far", field="starts_at")


def check_free(
    *,
    type: AppointmentType,
    patient: Patient,
    practitioner: Practitioner,
    room: Room,
    device: Device | None,
    starts_at: datetime,
    at: datetime,
    ignoring: Collection[Appointment] = (),
) -> None:
    """Practitioner, room, device and patient are open and free for the whole visit.

    `ignoring` are visits that this very transaction moves away.

    Raises:
        SlotTaken: somebody else has one of them.
        DomainError: closed, away, outside hours, not trained, or the device is missing.
    """
    if bool(type.device_kind) != (device is not None):
        raise DomainError(_("Choose the device this visit needs."), "device_missing", field="device")
    obstacles = why_not(
        type=type,
        practitioner=practitioner,
        starts_at=starts_at,
        at=at,
        rooms=[room],
        devices=[device] if device else None,
        patient=patient,
        ignoring=ignoring,
    )
    for obstacle in obstacles:
        if obstacle in _STAFF_MAY:
            continue
        sentence = _named(obstacle, practitioner=practitioner, room=room, device=device)
        if code := _TAKEN.get(obstacle):
            raise SlotTaken(sentence, code)
        raise DomainError(sentence, str(obstacle), field="starts_at")


def _named(obstacle: Obstacle, *, practitioner: Practitioner, room: Room, device: Device | None) -> str:
    if obstacle == Obstacle.ROOM_NONE_FREE:
        return _("%(room)s is not free at this time.") % {"room": room}
    if obstacle == Obstacle.DEVICE_NONE_FREE:
        return _("%(device)s is not free at this time.") % {"device": device}
    return obstacle_words(obstacle, practitioner=practitioner)


def check_version(appointment: Appointment, version: int) -> None:
    """The page was opened on the row as it still is.

    Raises:
        Stale: somebody changed it meanwhile.
    """
    if appointment.version != version:
        raise Stale(
            _("Somebody changed this appointment meanwhile. Look at it again before you go on."),
            "stale_appointment",
        )


def check_move(appointment: Appointment, status: AppointmentStatus) -> None:
    """The state may change this way (clinic.enums.TRANSITIONS).

    Raises:
        DomainError: wrong_state.
    """
    if not may_move(appointment, status):
        raise DomainError(
            _("An appointment that is “%(now)s” cannot become “%(then)s”.")
            % {"now": appointment.get_status_display(), "then": status.label},
            "wrong_state",
        )


def may_move(appointment: Appointment, status: AppointmentStatus) -> bool:
    """See check_move."""
    return status in TRANSITIONS[AppointmentStatus(appointment.status)]


def check_reschedulable(appointment: Appointment) -> None:
    """Only visits that have not begun and are not called off can be moved.

    Raises:
        DomainError: wrong_state.
    """
    if not appointment.is_upcoming:
        raise DomainError(
            _("This appointment is “%(now)s”; only upcoming ones can be moved.")
            % {"now": appointment.get_status_display()},
            "wrong_state",
        )


def is_late_cancellation(appointment: Appointment, *, at: datetime, late_hours: int) -> bool:
    """Whether a cancellation at `at` comes within `late_hours` of the start."""
    return appointment.starts_at - at < timedelta(hours=late_hours)
