"""Changing what can be booked: practitioners and their hours, rooms, devices, kinds of visit.

A booking reads these rows under its locks. Whoever changes them takes the same locks, so that every visit is either
booked by the rows as they were, and listed afterwards, or judged by the rows as they are. No visit is ever deleted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

from clinic.actions.locking import explained, lock
from clinic.models import AppointmentType, Device, Practitioner, Room, User, WorkingHours
from clinic.rules import access

Entry: TypeAlias = Practitioner | WorkingHours | Room | Device | AppointmentType
E = TypeVar("E", Practitioner, WorkingHours, Room, Device, AppointmentType)


@explained
def keep(*, entry: E, by: User, at: datetime) -> E:
    """Save a new or changed entry.

    Raises:
        NotAllowed: only admins set the clinic up.
        DomainError: a named constraint of the entry, in its own words.
    """
    access.check_may_set_up(by)
    _lock_bookings_of(entry)
    entry.save()
    return entry


@explained
def drop(*, entry: WorkingHours, by: User, at: datetime) -> None:
    """Take weekly hours away; their history is kept. Everything else is switched off instead.

    Raises:
        NotAllowed: only admins set the clinic up.
    """
    access.check_may_set_up(by)
    _lock_bookings_of(entry)
    entry.delete()


def _lock_bookings_of(entry: Entry) -> None:
    """The rows that a booking this entry matters to would lock as well."""
    if isinstance(entry, WorkingHours):
        before = WorkingHours.objects.filter(pk=entry.pk).values_list("practitioner_id", flat=True)
        lock(practitioners=[entry.practitioner_id, *before])
    elif isinstance(entry, Practitioner):
        lock(practitioners=[entry.pk])
    elif isinstance(entry, AppointmentType):
        lock(practitioners=_everybody())
    else:
        lock(**{"rooms" if isinstance(entry, Room) else "devices": [entry.pk]})


def _everybody() -> Iterable[UUID]:
    """A kind of visit is booked with anybody: no visit is booked at all meanwhile."""
    return Practitioner.objects.values_list("pk", flat=True)
