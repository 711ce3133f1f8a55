"""Whether a visit may be put at a time, and whether its state may change. Reads only; asked under the locks."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic import readiness
from clinic.availability import Obstacle, Place, last_start, why_not_all
from clinic.enums import TRANSITIONS, AppointmentStatus, CancelledBy, Readiness
from clinic.errors import DomainError, NotCleared, SlotTaken, Stale
from clinic.models import (
    Appointment,
    AppointmentType,
    Device,
    DeviceCare,
    Erasure,
    Patient,
    Practitioner,
)

# A walk-in is placed on the grid mark just gone; anything earlier is the past.
JUST_NOW = timedelta(minutes=30)
SHORTEST, LONGEST = 5, 12 * 60  # minutes: of the practitioner, of the patient (as appointment_type_length)
_SECOND_THOUGHTS = timedelta(hours=1)
_STAFF_MAY = {Obstacle.NOTICE, Obstacle.OFF_GRID}
_TAKEN = {
    Obstacle.PRACTITIONER_BUSY: "practitioner_taken",
    Obstacle.PATIENT_BUSY: "patient_taken",
    Obstacle.ROOM_NONE_FREE: "room_taken",
    Obstacle.DEVICE_NONE_FREE: "device_taken",
}


def obstacle_words(
    obstacle: Obstacle,
    *,
    practitioner: Practitioner | None = None,
    device: Device | None = None,
    out: DeviceCare | None = None,
) -> str:
    """The obstacle as the desk says it; `device` is the one whose service is due and `out` what took one out of use,
    where they are known."""
    if obstacle == Obstacle.SERVICE_DUE and device and device.service_due_on:
        words = _(
            "%(device)s is due for service since %(day)s and cannot be used until it has been serviced."
        )
        return words % {"device": device, "day": _day(device.service_due_on)}
    if obstacle == Obstacle.DEVICE_NONE_FREE and out:
        words = _(
            "%(device)s is out of use since %(day)s, and no other device for this visit is free at this time."
        )
        return words % {"device": out.device, "day": _day(timezone.localtime(out.happened_at))}
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
        Obstacle.DOES_NOT_SUIT: _(
            "%(who)s is free, but not on the days and at the times that suit the patient."
        )
        % {"who": who},
        Obstacle.SERVICE_DUE: _("The device this visit needs is due for service."),
        Obstacle.DEVICE_NONE_FREE: _("The device this visit needs is not free at this time."),
    }[obstacle]


def _day(of: date) -> str:
    return date_format(of, pgettext("date format", "D j M Y"))


def check_record(patient: Patient) -> None:
    """Visits are booked on the record that counts, and that is still one.

    Raises:
        DomainError: merged_patient or erased_patient.
    """
    if patient.merged_into_id:
        raise DomainError(_("This record was merged into another. Open that one."), "merged_patient")
    if patient.erased_at:
        raise DomainError(_("This record was erased. Nothing is booked on it any more."), "erased_patient")


def check_not_to_be_erased(*patients: Patient | UUID) -> None:
    """Nobody has decided that one of the records is erased; or it was begun with: what is left is kept for years, and the
    patient may come back.

    Raises:
        DomainError: to_be_erased.
    """
    erasure = Erasure.objects.of(*patients).withdrawable().order_by("not_before").first()
    if erasure:
        words = _(
            "This record is to be erased from %(day)s on: no visit is booked on it. If the patient wants to come all the"
            " same, ask an admin to withdraw the erasure."
        )
        day = _day(timezone.localtime(erasure.not_before))
        raise DomainError(words % {"day": day}, "to_be_erased")


def why_to_be_erased(patient: Patient) -> DomainError | None:
    """See check_not_to_be_erased."""
    try:
        check_not_to_be_erased(patient)
    except DomainError as refusal:
        return refusal
    return None


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


def check_length(type: AppointmentType, minutes: int | None) -> None:
    """A visit of its own length is whole: the practitioner has at least five minutes, and it ends within the day.

    Raises:
        DomainError: bad_length, for the field `minutes`.
    """
    if minutes is None:
        return
    kind = type.lasting(minutes)
    if minutes > LONGEST or kind.practitioner_until - kind.practitioner_from < SHORTEST:
        raise DomainError(
            _("This kind of visit takes %(shortest)d to %(longest)d minutes. Choose a length between these.")
            % {"shortest": type.patient_minutes + SHORTEST - _seen(type), "longest": LONGEST},
            "bad_length",
            field="minutes",
        )


def may_last(type: AppointmentType, minutes: int) -> bool:
    """See check_length."""
    try:
        check_length(type, minutes)
    except DomainError:
        return False
    return True


def check_hold(until: datetime, *, starts_at: datetime, longest: timedelta, at: datetime) -> None:
    """A hold ends in the future, before the visit begins, and no later than the clinic allows.

    Raises:
        DomainError: bad_hold, for the field `held_until`.
    """
    latest = min(starts_at, at + longest)
    if not at < until <= latest:
        raise DomainError(
            _("A time is held until %(latest)s at the latest. Choose an earlier moment.")
            % {"latest": date_format(timezone.localtime(latest), "j M Y, H:i")},
            "bad_hold",
            field="held_until",
        )


def _seen(type: AppointmentType) -> int:
    """For how many minutes the practitioner is needed."""
    return type.practitioner_until - type.practitioner_from


def check_free(places: Sequence[Place], *, at: datetime, ignoring: Collection[Appointment] = ()) -> None:
    """Practitioner, room, device and patient are open and free for the whole of each visit.

    `ignoring` are visits that this very transaction moves away.

    Raises:
        SlotTaken: somebody else has one of them.
        DomainError: closed, away, outside hours, not trained, or the device is missing.
    """
    for place in places:
        if bool(place.type.device_kind) != (place.device is not None):
            raise DomainError(_("Choose the device this visit needs."), "device_missing", field="device")
    anywhen = [place._replace(type=place.type.at_any_minute()) for place in places]
    for place, obstacles in zip(places, why_not_all(anywhen, at=at, ignoring=ignoring), strict=True):
        for obstacle in obstacles:
            if obstacle not in _STAFF_MAY:
                raise _refusal(obstacle, place)


def _refusal(obstacle: Obstacle, place: Place) -> DomainError:
    sentence = _named(obstacle, place)
    if code := _TAKEN.get(obstacle):
        return SlotTaken(sentence, code)
    return DomainError(sentence, str(obstacle), field="starts_at")


def _named(obstacle: Obstacle, place: Place) -> str:
    if obstacle == Obstacle.ROOM_NONE_FREE:
        return _("%(room)s is not free at this time.") % {"room": place.room}
    if obstacle == Obstacle.DEVICE_NONE_FREE:
        return _("%(device)s is not free at this time.") % {"device": place.device}
    return obstacle_words(obstacle, practitioner=place.practitioner, device=place.device)


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


def check_cancellable(appointment: Appointment) -> None:
    """Only visits that have not begun can be called off; a hold is released, which nobody has to be told.

    Raises:
        DomainError: wrong_state.
    """
    if appointment.status == AppointmentStatus.HELD:
        raise DomainError(
            _("This time is held, not booked. Release it if it is not wanted any more."), "wrong_state"
        )
    check_move(appointment, AppointmentStatus.CANCELLED)


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


def check_hold_may_move(hold: Appointment, starts_at: datetime, *, at: datetime) -> None:
    """A hold that still holds can be put elsewhere, to a time that has not begun when the patient calls back.

    Raises:
        DomainError: wrong_state or bad_hold.
    """
    if hold.held_until is None or hold.held_until <= at:
        raise DomainError(_("This hold is gone. Look for another time."), "wrong_state")
    if starts_at < hold.held_until:
        until = date_format(timezone.localtime(hold.held_until), "j M Y, H:i")
        sentence = _("The patient calls back by %(until)s. Choose a time after that.")
        raise DomainError(sentence % {"until": until}, "bad_hold", field="starts_at")


def check_on_the_books(appointments: Collection[Appointment], *, at: datetime) -> None:
    """What a page booked before still stands. Whoever sends it once more is else told that a visit is booked that is not.

    Raises:
        Stale: one was called off or missed, or is a hold that has run out.
    """
    for each in appointments:
        has_run_out = each.held_until is not None and each.held_until <= at
        if has_run_out or not each.holds_time:
            raise Stale(
                _(
                    "This page had booked already, and that visit is not on the books any more. Nothing was booked now:"
                    " open booking again."
                ),
                "called_off_since",
            )


def check_called_off(appointment: Appointment) -> None:
    """Only a visit that was cancelled or missed can be put back.

    Raises:
        DomainError: wrong_state.
    """
    if appointment.status not in (AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW):
        raise DomainError(_("This appointment is on the books already."), "wrong_state")


def may_return_refused(appointment: Appointment, *, at: datetime) -> bool:
    """Whether a visit the pathway refuses may be put back all the same: its release was a clinical decision of the
    last hour that is taken back. It then holds its time as before, and cannot start, as before.
    """
    return (
        appointment.cancelled_by == CancelledBy.CLINICAL
        and appointment.cancelled_at is not None
        and at - appointment.cancelled_at <= _SECOND_THOUGHTS
    )


def is_late_cancellation(appointment: Appointment, *, at: datetime, late_hours: int) -> bool:
    """Whether a cancellation at `at` comes within `late_hours` of the start."""
    return appointment.starts_at - at < timedelta(hours=late_hours)


def check_cleared(visits: Sequence[readiness.Visit], *, at: datetime) -> list[readiness.Verdict]:
    """What the pathway says of visits that are to be booked together: each clear or provisional.

    Raises:
        NotCleared: with the conditions of the first visit that is refused.
    """
    verdicts = readiness.pathway().judge(visits, at=at)
    check_none_refused(verdicts)
    return verdicts


def check_none_refused(verdicts: Iterable[readiness.Verdict]) -> None:
    """The pathway refuses none of them.

    Raises:
        NotCleared: with the conditions of the first visit that is refused.
    """
    for verdict in verdicts:
        if verdict.state == Readiness.REFUSED:
            first = verdict.conditions[0]
            raise NotCleared(first.what, first.code, conditions=verdict.conditions)


def status_of(verdict: readiness.Verdict) -> AppointmentStatus:
    """As which a visit with this verdict goes on the books: booked when clear, else provisional.

    A refused one comes here only where a clinical release is taken back (`may_return_refused`).
    """
    provisional = verdict.state != Readiness.CLEAR
    return AppointmentStatus.PROVISIONAL if provisional else AppointmentStatus.BOOKED
