"""Free starts: when can this visit begin, with whom and where, and why not then? Read only.

The questions the desk asks; `clinic.search` answers them with sets of start minutes, and `why_not` asks the same
sets as the search, so that the search and its explanation cannot disagree.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import attrgetter, or_
from typing import NamedTuple, Unpack

from django.utils import timezone

from clinic import timetable
from clinic.intervals import EPOCH, MINUTE, Interval, Minutes, Suits, ceil_minute, local_day, merge
from clinic.models import Appointment, AppointmentType, Device, Patient, Practitioner, Room
from clinic.search import Candidates, FreeStart, Obstacle, Search, Wishes, may_do, reach, stretch
from clinic.timetable import Timetable

__all__ = [
    "FreeStart",
    "Gap",
    "Obstacle",
    "Pair",
    "Place",
    "Usage",
    "Wishes",
    "first_free",
    "free_starts",
    "last_start",
    "pairs",
    "usage",
    "why_none",
    "why_not",
    "why_not_all",
]

# "First free" looks at one day, then at the rest of the week, of four weeks, of twelve; then at twelve weeks a time.
WIDENING = [timedelta(days=days) for days in (1, 6, 21, 56, 84)]


class Pair(NamedTuple):
    """Two visits that belong together, such as a test injection and its reading."""

    first: FreeStart
    second: FreeStart


class Gap(NamedTuple):
    """From the start of the first visit of a pair to the start of the second."""

    shortest: timedelta
    ideal: timedelta
    longest: timedelta


class Place(NamedTuple):
    """Exactly where and when one visit is wanted. `starts_at` is a whole minute."""

    type: AppointmentType
    patient: Patient
    practitioner: Practitioner
    room: Room
    device: Device | None
    starts_at: datetime

    @property
    def window(self) -> Interval:
        """The one minute at which it may start."""
        return Interval(self.starts_at, self.starts_at + MINUTE)


class Usage(NamedTuple):
    """When in a window somebody or something could be booked, and was. Booked may lie outside open time."""

    resource: Practitioner | Room | Device
    opened: Minutes
    booked: Minutes


def free_starts(
    *,
    type: AppointmentType,
    window: Interval,
    at: datetime,
    limit: int | None = None,
    **wishes: Unpack[Wishes],
) -> list[FreeStart]:
    """Every start in the window, by time and then by practitioner; at most `limit` of them.

    Respects the type's notice and how far ahead it may be booked, both counted from `at`, and the clinic's grid.
    """
    span = _bookable(type, window, at)
    return Search.load(type, span, Candidates.suiting(type, wishes), at=at).found(limit) if span else []


def first_free(
    *,
    type: AppointmentType,
    at: datetime,
    earliest: datetime | None = None,
    limit: int = 1,
    **wishes: Unpack[Wishes],
) -> list[FreeStart]:
    """The next `limit` starts from `earliest` (or `at`), looking no further ahead than it has to."""
    found: list[FreeStart] = []
    begin, end = max(earliest or at, at), last_start(type, at)
    span = _bookable(type, Interval(begin, end), at) if begin < end else None
    candidates = Candidates.suiting(type, wishes)
    for window in _widening(span) if span else []:
        found += Search.load(type, window, candidates, at=at).found(limit - len(found))
        if len(found) >= limit:
            break
    return found


def pairs(
    *,
    first_type: AppointmentType,
    second_type: AppointmentType,
    window: Interval,
    gap: Gap,
    at: datetime,
    limit: int | None = None,
    second_practitioners: Collection[Practitioner] | None = None,
    **wishes: Unpack[Wishes],
) -> list[Pair]:
    """Starts of the first visit in the window for which a second exists, each with the second nearest to ideal.

    A second that suits the patient goes before one that does not: its days are given by the first, so that `suits`
    narrows only that. Between two equally near the same practitioner is preferred. `practitioners`, `rooms` and
    `devices` narrow the first visit only. ValueError if the shortest gap is so short that both visits could claim the same minutes.
    """
    if gap.shortest < reach(first_type)[1] + reach(second_type)[0]:
        raise ValueError("The second visit must begin after the first has ended.")
    span = _bookable(first_type, window, at)
    if span is None:
        return []
    later = Interval(span.starts_at + gap.shortest, span.ends_at + gap.longest)
    others = Wishes(
        practitioners=second_practitioners,
        patient=wishes.get("patient"),
        location=wishes.get("location"),
        ignoring=wishes.get("ignoring", ()),
    )
    seconds = free_starts(type=second_type, window=later, at=at, **others)
    found: list[Pair] = []
    for first in free_starts(type=first_type, window=span, at=at, **wishes) if seconds else []:
        if second := _nearest(first, seconds, gap, wishes.get("suits")):
            found.append(Pair(first, second))
        if limit is not None and len(found) >= limit:
            break
    return found[:limit]


def why_not(
    *,
    type: AppointmentType,
    practitioner: Practitioner,
    starts_at: datetime,
    at: datetime,
    **wishes: Unpack[Wishes],
) -> list[Obstacle]:
    """Everything that keeps the visit from starting then with this practitioner; empty when it can."""
    if starts_at.second or starts_at.microsecond:
        return [Obstacle.OFF_GRID]
    window = Interval(starts_at, starts_at + MINUTE)
    return why_none(type=type, practitioner=practitioner, window=window, at=at, **wishes)


def why_none(
    *,
    type: AppointmentType,
    practitioner: Practitioner,
    window: Interval,
    at: datetime,
    **wishes: Unpack[Wishes],
) -> list[Obstacle]:
    """Why the window (a Monday, say) holds no start with this practitioner; empty when it holds one.

    Names each obstacle that would be enough alone; where only several together leave nothing, it names those. Where
    only `suits` leaves nothing, it names that alone.
    """
    if plain := _before_any_search(type, practitioner, window, at):
        return plain
    candidates = Candidates.suiting(type, {**wishes, "practitioners": [practitioner]})
    span = _bookable(type, window, at)
    search = Search.load(type, span or window, candidates, at=at)
    return _too_soon(span) + search.obstacles(practitioner, search.window)


def why_not_all(
    places: Sequence[Place], *, at: datetime, ignoring: Collection[Appointment] = ()
) -> list[list[Obstacle]]:
    """`why_not` for every place, the timetable of all of them read once; they do not stand in each other's way here.

    For a course, whose visits are decided on together.
    """
    table = _table_of(places, at=at, ignoring=ignoring)
    return [_why_not_there(place, table, at) for place in places]


def _table_of(places: Sequence[Place], *, at: datetime, ignoring: Collection[Appointment]) -> Timetable:
    spans = [stretch(each.type, each.window) for each in places]
    hull = Interval(min(each.starts_at for each in spans), max(each.ends_at for each in spans))
    return timetable.read(
        hull,
        at=at,
        spans=merge(spans),
        practitioners={each.practitioner.pk for each in places},
        rooms={each.room.pk for each in places},
        devices={each.device.pk for each in places if each.device},
        patients={each.patient.pk for each in places},
        ignoring=[each.pk for each in ignoring],
    )


def _why_not_there(place: Place, table: Timetable, at: datetime) -> list[Obstacle]:
    """Whether each is still in use says the table: a page may have waited for whoever switched one off meanwhile."""
    if place.practitioner.pk in table.retired:
        return [Obstacle.NOT_TRAINED]
    if plain := _before_any_search(place.type, place.practitioner, place.window, at):
        return plain
    span = _bookable(place.type, place.window, at)
    wishes = Wishes(
        practitioners=[place.practitioner],
        rooms=[each for each in [place.room] if each.pk not in table.retired],
        devices=[each for each in [place.device] if each and each.pk not in table.retired],
        patient=place.patient,
    )
    search = Search(place.type, place.window, Candidates.suiting(place.type, wishes), table)
    return _too_soon(span) + search.obstacles(place.practitioner, search.window)


def _before_any_search(
    type: AppointmentType, practitioner: Practitioner, window: Interval, at: datetime
) -> list[Obstacle]:
    """What is wrong whatever the timetable says."""
    if window.starts_at >= last_start(type, at):
        return [Obstacle.TOO_FAR]
    if window.ends_at < at - timedelta(days=1):
        return [Obstacle.NOTICE]
    return [] if may_do(practitioner, type) else [Obstacle.NOT_TRAINED]


def _too_soon(span: Interval | None) -> list[Obstacle]:
    """Staff may overrule the notice, so that it must not hide what else is in the way."""
    return [] if span else [Obstacle.NOTICE]


def usage(*, window: Interval, at: datetime) -> list[Usage]:
    """Open and booked minutes of every active practitioner, room and device, in the order of the diary.

    A practitioner is open in working hours and extra opening, less absences. A room or device is open while a
    practitioner is at its location, less the time it is out of service or waits for its service.
    """
    people = list(Practitioner.objects.active())
    rooms, devices = list(Room.objects.active()), list(Device.objects.active())
    table = timetable.read(
        window,
        at=at,
        practitioners=[each.pk for each in people],
        rooms=[each.pk for each in rooms],
        devices=[each.pk for each in devices],
    )
    present = {
        (who.pk, place): table.open(who.pk, place) - table.away.get(who.pk, table.nothing)
        for who in people
        for place in table.locations(who.pk)
    }

    def row(resource: Practitioner | Room | Device) -> Usage:
        owner = resource.pk if isinstance(resource, Practitioner) else resource.location_id
        opened = reduce(or_, (minutes for key, minutes in present.items() if owner in key), table.nothing)
        away, due, booked = (
            found.get(resource.pk, table.nothing) for found in (table.away, table.due, table.booked)
        )
        return Usage(resource, opened - away - due, booked)

    resources: list[Practitioner | Room | Device] = [*people, *rooms, *devices]
    return [row(each) for each in resources]


def last_start(type: AppointmentType, at: datetime) -> datetime:
    """The end of the last local day on which the type can be booked."""
    zone = timezone.get_default_timezone()
    return local_day(at.astimezone(zone).date() + timedelta(days=type.bookable_days_ahead), zone).ends_at


def _notice(type: AppointmentType) -> timedelta:
    return type.minimum_notice_minutes * MINUTE


def _bookable(type: AppointmentType, window: Interval, at: datetime) -> Interval | None:
    """The part of the window that is neither too soon nor too far ahead."""
    soonest = EPOCH + ceil_minute(at + _notice(type)) * MINUTE
    first, last = max(window.starts_at, soonest), min(window.ends_at, last_start(type, at))
    return Interval(first, last) if first < last else None


def _widening(span: Interval) -> Iterator[Interval]:
    """The span as windows that follow each other, short ones first."""
    steps, start = iter(WIDENING), span.starts_at
    while start < span.ends_at:
        until = min(span.ends_at, start + next(steps, WIDENING[-1]))
        yield Interval(start, until)
        start = until


def _nearest(first: FreeStart, seconds: list[FreeStart], gap: Gap, suits: Suits | None) -> FreeStart | None:
    """The second visit within the gap that suits and is nearest to ideal, if there is one. `seconds` are sorted."""
    by_start = attrgetter("starts_at")
    since = bisect_left(seconds, first.starts_at + gap.shortest, key=by_start)
    until = bisect_right(seconds, first.starts_at + gap.longest, key=by_start)
    ideal, zone = first.starts_at + gap.ideal, timezone.get_default_timezone()

    def distance(second: FreeStart) -> tuple[bool, timedelta, bool]:
        does_not_suit = suits is not None and not suits.contains(second.starts_at, zone)
        return does_not_suit, abs(second.starts_at - ideal), second.practitioner != first.practitioner

    return min(seconds[since:until], key=distance, default=None)
