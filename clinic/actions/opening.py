"""Closing and opening time. What a change affects is listed for the person; no appointment is ever deleted."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained, lock
from clinic.enums import AbsenceKind, Role
from clinic.errors import DomainError, NotAllowed
from clinic.intervals import Interval
from clinic.models import (
    Absence,
    ClosedDay,
    Device,
    ExtraOpening,
    Location,
    OutOfService,
    Practitioner,
    Room,
    User,
)
from clinic.rules import access

_LONGEST_EXTRA = timedelta(hours=16)


@explained
def add_absence(
    *,
    practitioner: Practitioner,
    span: Interval,
    kind: AbsenceKind,
    note: str = "",
    by: User,
    at: datetime,
) -> Absence:
    """The practitioner takes no patients for the span: leave, sickness, training or blocked time."""
    access.check_may_change_opening(by, practitioner)
    lock(practitioners=[practitioner.pk])
    return Absence.objects.create(
        practitioner=practitioner,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        kind=kind,
        note=note,
        created_by=by,
        created_at=at,
    )


@explained
def add_out_of_service(
    *, thing: Room | Device, span: Interval, reason: str, by: User, at: datetime
) -> OutOfService:
    """A room or device cannot be used for the span."""
    access.check_may_change_opening(by, None)
    room, device = (thing, None) if isinstance(thing, Room) else (None, thing)
    lock(rooms=[room.pk] if room else [], devices=[device.pk if device else None])
    return OutOfService.objects.create(
        room=room,
        device=device,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        reason=reason,
        created_by=by,
        created_at=at,
    )


@explained
def open_once(
    *,
    practitioner: Practitioner,
    location: Location,
    span: Interval,
    reason: str,
    by: User,
    at: datetime,
) -> ExtraOpening:
    """Open this time once, outside the weekly hours.

    Raises:
        DomainError: longer than sixteen hours, which is a mistyped date.
    """
    access.check_may_change_opening(by, practitioner)
    if span.duration > _LONGEST_EXTRA:
        raise DomainError(
            _("Extra opening lasts at most sixteen hours. Check the dates."),
            "too_long",
            field="ends_at",
        )
    lock(practitioners=[practitioner.pk])
    return ExtraOpening.objects.create(
        practitioner=practitioner,
        location=location,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        reason=reason,
        created_by=by,
        created_at=at,
    )


def close_day(*, day: date, name: str, by: User, at: datetime) -> ClosedDay:
    """The whole clinic is closed on the day; see `close_days`."""
    return close_days(days={day: name}, by=by, at=at)[0]


@explained
def close_days(*, days: Mapping[date, str], by: User, at: datetime) -> list[ClosedDay]:
    """The whole clinic is closed on each of these days, all or none; `days` says why.

    Raises:
        NotAllowed: only reception and admins close the clinic.
        DomainError: none was chosen, or one of them has passed or is closed already.
    """
    if not by.has_role(Role.RECEPTION, Role.ADMIN):
        raise NotAllowed(_("The clinic is closed by reception or an admin."), "closing_not_allowed")
    if not days:
        raise DomainError(_("Choose at least one day."), "nothing_chosen", field="days")
    if min(days) < timezone.localdate(at):
        raise DomainError(_("This day has passed."), "past", field="day")
    lock(practitioners=Practitioner.objects.values_list("pk", flat=True))
    if ClosedDay.objects.filter(day__in=days).exists():
        raise DomainError(
            _("The clinic is closed on this day already."),
            "closed_already",
            field="day",
        )
    return [ClosedDay.objects.create(day=day, name=days[day]) for day in sorted(days)]


@explained
def remove(*, entry: Absence | OutOfService | ExtraOpening | ClosedDay, by: User, at: datetime) -> None:
    """Take an entry back. Its history stays; an extra opening with visits in it stays too.

    Raises:
        DomainError: visits are booked in this extra opening.
    """
    practitioner = getattr(entry, "practitioner", None)
    access.check_may_change_opening(by, practitioner)
    if isinstance(entry, ExtraOpening):
        lock(practitioners=[entry.practitioner_id])
        inside = (
            entry.practitioner.appointments.holding_time()
            .in_force(at)
            .filter(practitioner_from__lt=entry.ends_at, practitioner_until__gt=entry.starts_at)
        )
        if inside.exists():
            raise DomainError(
                _("Visits are booked in this extra opening. Move or cancel them first."),
                "extra_opening_used",
            )
    entry.delete()
