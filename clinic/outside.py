"""Visits that stand outside opening time after a change: which, and why. Read only; no visit is ever deleted."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from clinic import queries, timetable
from clinic.availability import Obstacle
from clinic.intervals import Interval, Minutes, ceil_minute, floor_minute
from clinic.models import Appointment, AppointmentType, Device, Practitioner, Room
from clinic.rules.booking import obstacle_words
from clinic.search import may_do
from clinic.timetable import Timetable


@dataclass(frozen=True, slots=True)
class Outside:
    """An upcoming visit with what is wrong with its place now, in the desk's words."""

    visit: Appointment
    reasons: list[str]


def visits_outside(
    *, at: datetime, offset: int, limit: int, **of: Practitioner | Room | Device | AppointmentType
) -> tuple[list[Outside], bool]:
    """One page of them in the order of the diary, and whether there are more. Two queries.

    A page may be shorter than `limit`: what turns out to be in order is left out of it.
    """
    candidates = list(queries.perhaps_outside(at=at, **of)[offset : offset + limit + 1])
    found = judged(candidates[:limit])
    return found, len(candidates) > limit


def judged(visits: Sequence[Appointment]) -> list[Outside]:
    """Those of the visits that stand outside opening time. One query; the visits come with their people."""
    if not visits:
        return []
    window = Interval(min(each.room_from for each in visits), max(each.room_until for each in visits))
    window = Interval(min(window.starts_at, *(each.starts_at for each in visits)), window.ends_at)
    table = timetable.read_opening(
        window,
        practitioners=_keys(each.practitioner_id for each in visits),
        rooms=_keys(each.room_id for each in visits),
        devices=_keys(each.device_id for each in visits),
    )
    judged = [Outside(each, [*_people(each, table), *_things(each, table)]) for each in visits]
    return [each for each in judged if each.reasons]


def _people(visit: Appointment, table: Timetable) -> Iterator[str]:
    """What is wrong with the practitioner's part."""
    who = visit.practitioner
    seen = _minutes(table, visit.practitioner_from, visit.practitioner_until)
    if not who.is_active:
        yield _("%(who)s takes no patients any more.") % {"who": who}
    elif not may_do(who, visit.type):
        yield obstacle_words(Obstacle.NOT_TRAINED, practitioner=who)
    place = visit.room.location_id
    if seen - table.open(who.pk, place, on_closed_days=True):
        yield obstacle_words(Obstacle.OUTSIDE_HOURS, practitioner=who)
    elif seen - table.open(who.pk, place):
        yield obstacle_words(Obstacle.CLOSED_DAY)
    if seen & table.away.get(who.pk, table.nothing):
        yield obstacle_words(Obstacle.ABSENT, practitioner=who)


def _things(visit: Appointment, table: Timetable) -> Iterator[str]:
    """What is wrong with the room and the device."""
    room, device, kind = visit.room, visit.device, visit.type
    used = _minutes(table, visit.room_from, visit.room_until)
    if room.kind != kind.room_kind:
        yield _("%(room)s is not a room for this kind of visit.") % {"room": room}
    if kind.device_kind and device is None:
        yield _("This kind of visit needs a device now.")
    elif kind.device_kind and device.kind != kind.device_kind:
        yield _("%(device)s is not the device this kind of visit needs.") % {"device": device}
    if device and device.location_id != room.location_id:
        yield _("%(device)s stands at another address than the room.") % {"device": device}
    for thing in filter(None, (room, device)):
        if not thing.is_active:
            yield _("%(thing)s is not in use any more.") % {"thing": thing}
        if used & table.away.get(thing.pk, table.nothing):
            yield _("%(thing)s is out of service at this time.") % {"thing": thing}
        if used & table.due.get(thing.pk, table.nothing):
            yield obstacle_words(Obstacle.SERVICE_DUE, device=thing)


def _minutes(table: Timetable, since: datetime, until: datetime) -> Minutes:
    return table.nothing.with_spans([(floor_minute(since), ceil_minute(until))])


def _keys(found: Iterable[UUID | None]) -> Collection[UUID]:
    return {key for key in found if key}
