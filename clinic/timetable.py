"""Who works when, and what takes whose time, in one window: one query, read as sets of minutes. Read only.

`clinic.timetable_rows` reads the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from clinic.intervals import Interval, Minutes, ceil_minute, clock_time, floor_minute
from clinic.models import ClinicSettings
from clinic.timetable_rows import Asked, Row

_DAY = 24 * 60 * 60  # seconds

Key = tuple[UUID, UUID]  # practitioner and location


class Hours(NamedTuple):
    """One interval of somebody's week; the days are ordinals, an open end is the last of all."""

    weekday: int
    starts: time
    ends: time
    first: int
    last: int

    @classmethod
    def of(cls, row: Row) -> Hours:
        """The row in Python's words."""
        weekday, starts = divmod(row.since, _DAY)
        last = date.max.toordinal() if row.last is None else row.last
        return cls(weekday + 1, _clock(starts), _clock(row.until % _DAY), row.first, last)

    def holds_on(self, day: date) -> bool:
        """Whether it is worked on the day."""
        return day.isoweekday() == self.weekday and self.first <= day.toordinal() <= self.last


def _clock(seconds: int) -> time:
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


@dataclass(frozen=True)
class Timetable:
    """Sets of minutes by primary key. What is missing has nothing: no hours, no bookings, no absence.

    `hours` and `extra` are by practitioner and location, `closed` are the hours that fall on a closed day. Extra
    opening holds on a closed day too; an absence ends either. `due` is when a device waits for its service: it can be
    used on the very day the service is due, and not from midnight after. `retired` are those not in use any more when this
    was read, whatever whoever asked had read before. `grid_minutes` is how often visits start.
    """

    window: Interval
    nothing: Minutes
    grid_minutes: int = 1
    hours: dict[Key, Minutes] = field(default_factory=dict)
    closed: dict[Key, Minutes] = field(default_factory=dict)
    extra: dict[Key, Minutes] = field(default_factory=dict)
    away: dict[UUID, Minutes] = field(default_factory=dict)
    due: dict[UUID, Minutes] = field(default_factory=dict)
    booked: dict[UUID, Minutes] = field(default_factory=dict)
    retired: set[UUID] = field(default_factory=set)

    def open(self, practitioner: UUID, location: UUID, *, on_closed_days: bool = False) -> Minutes:
        """When the practitioner works there, whether away or booked or not."""
        key = (practitioner, location)
        minutes = self.hours.get(key, self.nothing) | self.extra.get(key, self.nothing)
        return minutes | self.closed.get(key, self.nothing) if on_closed_days else minutes

    def locations(self, practitioner: UUID) -> list[UUID]:
        """Where the practitioner works at any time of the window."""
        return sorted(
            {place for who, place in (*self.hours, *self.extra, *self.closed) if who == practitioner}
        )

    def free(self, resource: UUID) -> Minutes:
        """When the person, room or device is neither booked nor away nor waiting for its service."""
        return self.free_but_for_service(resource) - self.due.get(resource, self.nothing)

    def free_but_for_service(self, resource: UUID) -> Minutes:
        """When it would be free if its service were never due."""
        return ~(self.booked.get(resource, self.nothing) | self.away.get(resource, self.nothing))


def read(
    window: Interval,
    *,
    at: datetime,
    practitioners: Collection[UUID],
    rooms: Collection[UUID] = (),
    devices: Collection[UUID] = (),
    patients: Collection[UUID] = (),
    ignoring: Collection[UUID] = (),
    spans: Sequence[Interval] = (),
    open_on_all_days: bool = False,
) -> Timetable:
    """The timetable of these people and things as known at `at`, when holds that have run out count no more.

    `ignoring` are appointments to look through (one being moved). With `spans` only these parts of the window are
    read: the visits of a course are a few hours of half a year. `open_on_all_days`: but who works when in all of it.
    """
    asked = _asked(window, spans or [window], practitioners, rooms, devices, on_all_days=open_on_all_days)
    found = asked.opening_and_booked(at=at, patients=patients, ignoring=ignoring)
    booked = [row for row in found if row[0] == "booked"]
    table = _opened(asked, [Row(*row) for row in found if row[0] != "booked"])
    _fill_booked(table, booked, [*practitioners, *rooms, *devices, *patients])
    return table


def read_more(
    table: Timetable,
    spans: Sequence[Interval],
    *,
    at: datetime,
    practitioners: Collection[UUID],
    rooms: Collection[UUID],
    devices: Collection[UUID],
    patients: Collection[UUID],
    ignoring: Collection[UUID],
) -> None:
    """Add what is booked in more parts of the window, for whom and as known when it was read. One query."""
    asked = _asked(table.window, spans, practitioners, rooms, devices)
    booked = asked.booked(at=at, patients=patients, ignoring=ignoring)
    _fill_booked(table, booked, [*practitioners, *rooms, *devices, *patients])


def read_opening(
    window: Interval,
    *,
    practitioners: Collection[UUID],
    rooms: Collection[UUID] = (),
    devices: Collection[UUID] = (),
) -> Timetable:
    """Who works when and what is away or waits for its service, whoever is booked. One query."""
    asked = _asked(window, [window], practitioners, rooms, devices)
    return _opened(asked, [Row(*row) for row in asked.opening()])


def _asked(
    window: Interval, spans: Sequence[Interval], *resources: Collection[UUID], on_all_days: bool = False
) -> Asked:
    days = _local_days([window] if on_all_days else spans, timezone.get_default_timezone())
    return Asked(window, spans, days, *resources)


def _opened(asked: Asked, rows: Sequence[Row]) -> Timetable:
    """A timetable in which nobody is booked yet."""
    zone = timezone.get_default_timezone()
    table = Timetable(asked.window, Minutes.none(asked.window), _grid(rows))
    _fill_hours(table, rows, asked.days, zone)
    _fill_spans(table, rows)
    _fill_due(table, rows, zone)
    table.retired.update(UUID(row.who) for row in rows if row.kind == "retired")
    return table


def _grid(rows: Iterable[Row]) -> int:
    """The clinic's grid; before set-up has written its settings, the one they will begin with."""
    written = [row.since for row in rows if row.kind == "grid"]
    return written[0] if written else ClinicSettings().grid_minutes


def _local_days(spans: Iterable[Interval], zone: tzinfo) -> list[date]:
    """Every local date of the spans, and the one before each: its last hours may come again after a clock change."""
    days: set[date] = set()
    for span in spans:
        first, last = (instant.astimezone(zone).date() for instant in (span.starts_at, span.ends_at))
        days.update(first + timedelta(days=n) for n in range(-1, (last - first).days + 1))
    return sorted(days)


def _fill_hours(table: Timetable, rows: Iterable[Row], days: Sequence[date], zone: tzinfo) -> None:
    """Weekly hours as minutes; those on closed days apart. Colleagues with the same week share one working out."""
    closed_days = {date.fromordinal(row.first) for row in rows if row.kind == "closed"}
    weeks: dict[Key, list[Hours]] = defaultdict(list)
    for row in rows:
        if row.kind == "hours":
            weeks[UUID(row.who), UUID(row.place)].append(Hours.of(row))

    opened: dict[tuple[bool, tuple[Hours, ...]], Minutes] = {}
    for key, week in weeks.items():
        same = tuple(sorted(week))
        for is_closed, filled in ((False, table.hours), (True, table.closed)):
            if (is_closed, same) not in opened:
                shown = [day for day in days if (day in closed_days) == is_closed]
                opened[is_closed, same] = table.nothing.with_spans(_worked(same, shown, zone))
            if minutes := opened[is_closed, same]:
                filled[key] = minutes


def _worked(week: Iterable[Hours], days: Iterable[date], zone: tzinfo) -> Iterator[tuple[int, int]]:
    """The hours of each of the days, in epoch minutes."""
    for day in days:
        for each in week:
            if each.holds_on(day):
                opens, closes = (
                    clock_time(day, each.starts, zone),
                    clock_time(day, each.ends, zone, later=True),
                )
                yield ceil_minute(opens), floor_minute(closes)


def _fill_spans(table: Timetable, rows: Iterable[Row]) -> None:
    """Extra opening and absences: only whole minutes are open, and a minute that is touched is away."""
    for row in rows:
        if row.kind == "extra":
            key = UUID(row.who), UUID(row.place)
            table.extra[key] = table.extra.get(key, table.nothing).with_spans([(row.since, row.until)])
        elif row.kind == "away":
            who = UUID(row.who)
            table.away[who] = table.away.get(who, table.nothing).with_spans([(row.since, row.until)])


def _fill_due(table: Timetable, rows: Iterable[Row], zone: tzinfo) -> None:
    """A device whose service is due, from its first local day too many until the end of the window."""
    end = table.nothing.origin + table.nothing.length
    for row in rows:
        if row.kind == "due":
            since = floor_minute(clock_time(date.fromordinal(row.first), time.min, zone))
            table.due[UUID(row.who)] = table.nothing.with_spans([(since, end)])


def _fill_booked(table: Timetable, rows: Iterable[tuple[Any, ...]], wanted: Collection[UUID]) -> None:
    """What appointments take of whose time, beside what was known to be taken."""
    spans: dict[str, list[tuple[int, int]]] = {str(key): [] for key in wanted}
    add = {key: found.append for key, found in spans.items()}
    not_asked: list[tuple[int, int]] = []
    for _kind, who, busy_from, busy_until, room, device, room_from, room_until in rows:
        add.get(who, not_asked.append)((busy_from, busy_until))
        if room in add:
            add[room]((room_from, room_until))
        if device in add:
            add[device]((room_from, room_until))
    for key in wanted:
        if busy := spans[str(key)]:
            table.booked[key] = table.booked.get(key, table.nothing).with_spans(busy)
