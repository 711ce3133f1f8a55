"""Who works when, and what takes whose time, in one window: two queries, read as sets of minutes. Read only.

In SQL, because this is what a search spends its time on: whole minutes as integers and keys as text are read several
times faster than rows with timestamps and UUIDs, and the opening time of all comes in one round trip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from clinic.enums import HOLDS_TIME
from clinic.intervals import Interval, Minutes, ceil_minute, clock_time, floor_minute
from clinic.models import ClinicSettings

_OPENING = """
SELECT 'hours' AS kind, practitioner_id AS who, location_id AS place, weekday, starts, ends, valid_from, valid_until,
       NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at
  FROM clinic_workinghours
 WHERE practitioner_id = ANY(%(practitioners)s::uuid[])
   AND valid_from <= %(last_day)s AND (valid_until IS NULL OR valid_until >= %(first_day)s)
 UNION ALL
SELECT 'closed', NULL, NULL, NULL, NULL, NULL, day, day, NULL, NULL
  FROM clinic_closedday
 WHERE day BETWEEN %(first_day)s AND %(last_day)s
 UNION ALL
SELECT 'extra', practitioner_id, location_id, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_extraopening
 WHERE practitioner_id = ANY(%(practitioners)s::uuid[]) AND starts_at < %(until)s AND ends_at > %(from)s
 UNION ALL
SELECT 'away', practitioner_id, NULL, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_absence
 WHERE practitioner_id = ANY(%(practitioners)s::uuid[]) AND starts_at < %(until)s AND ends_at > %(from)s
 UNION ALL
SELECT 'away', coalesce(room_id, device_id), NULL, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_outofservice
 WHERE (room_id = ANY(%(rooms)s::uuid[]) OR device_id = ANY(%(devices)s::uuid[]))
   AND starts_at < %(until)s AND ends_at > %(from)s
 UNION ALL
SELECT 'due', id, NULL, NULL, NULL, NULL, service_due_on + 1, NULL, NULL, NULL
  FROM clinic_device
 WHERE id = ANY(%(devices)s::uuid[]) AND service_due_on < %(last_day)s
 UNION ALL
SELECT 'grid', NULL, NULL, grid_minutes, NULL, NULL, NULL, NULL, NULL, NULL
  FROM clinic_clinicsettings
"""

# One row says who is busy when, and which room and device are; the patient asked for comes as a further "who".
# The room is kept for longer than the practitioner (appointment_nested), and neither the visit nor its room for more
# than a day (appointment_within_a_day): that bounds the index on starts_at from both sides.
_BOOKED = """
SELECT practitioner_id::text,
       floor(date_part('epoch', practitioner_from) / 60)::int, ceil(date_part('epoch', practitioner_until) / 60)::int,
       room_id::text, device_id::text,
       floor(date_part('epoch', room_from) / 60)::int, ceil(date_part('epoch', room_until) / 60)::int
  FROM clinic_appointment
 WHERE ({near_room})
   AND status = ANY(%(holding)s) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s::uuid[])
   AND (practitioner_id = ANY(%(practitioners)s::uuid[]) OR room_id = ANY(%(rooms)s::uuid[])
        OR device_id = ANY(%(devices)s::uuid[]))
"""
_BOOKED_OF_PATIENTS = """
 UNION ALL
SELECT patient_id::text,
       floor(date_part('epoch', starts_at) / 60)::int, ceil(date_part('epoch', ends_at) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM clinic_appointment
 WHERE patient_id = ANY(%(patients)s::uuid[])
   AND ({near_visit})
   AND status = ANY(%(holding)s) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s::uuid[])
"""
_NEAR_ROOM = (
    "starts_at > %(from_{n})s - interval '48 hours' AND starts_at < %(until_{n})s + interval '24 hours'"
    " AND room_until > %(from_{n})s AND room_from < %(until_{n})s"
)
_NEAR_VISIT = (
    "starts_at > %(from_{n})s - interval '24 hours' AND starts_at < %(until_{n})s AND ends_at > %(from_{n})s"
)

Key = tuple[UUID, UUID]  # practitioner and location


class Row(NamedTuple):
    """One row of _OPENING: weekly hours on a weekday, a closed day, a span of extra opening or of absence, the first
    day on which a device should have been serviced, or, where the weekday stands, the clinic's grid in minutes.
    """

    kind: str
    who: Any
    place: Any
    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_until: date | None
    starts_at: Any
    ends_at: Any


class Hours(NamedTuple):
    """One interval of somebody's week."""

    weekday: int
    starts: time
    ends: time
    valid_from: date
    valid_until: date | None

    def holds_on(self, day: date) -> bool:
        """Whether it is worked on the day."""
        valid = self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
        return valid and day.isoweekday() == self.weekday


@dataclass(frozen=True)
class Timetable:
    """Sets of minutes by primary key. What is missing has nothing: no hours, no bookings, no absence.

    `hours` and `extra` are by practitioner and location, `closed` are the hours that fall on a closed day. Extra
    opening holds on a closed day too; an absence ends either. `due` is when a device waits for its service: it can be
    used on the very day the service is due, and not from midnight after. `grid_minutes` is how often visits start.
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
) -> Timetable:
    """The timetable of these people and things as known at `at`, when holds that have run out count no more.

    `ignoring` are appointments to look through (one being moved). With `spans` only these parts of the window are
    read: the visits of a course are a few hours of half a year.
    """
    spans = spans or [window]
    table = read_opening(window, practitioners=practitioners, rooms=rooms, devices=devices, spans=spans)
    wanted = {
        "practitioners": list(practitioners),
        "rooms": list(rooms),
        "devices": list(devices),
        "patients": list(patients),
        "ignoring": list(ignoring),
        "holding": sorted(HOLDS_TIME),
        "at": at,
    }
    booked = _rows(_booked_in(spans, wanted), wanted)
    _fill_booked(table, booked, [*practitioners, *rooms, *devices, *patients])
    return table


def read_opening(
    window: Interval,
    *,
    practitioners: Collection[UUID],
    rooms: Collection[UUID] = (),
    devices: Collection[UUID] = (),
    spans: Sequence[Interval] = (),
) -> Timetable:
    """Who works when and what is away or waits for its service, whoever is booked. One query. `spans` as in `read`."""
    zone = timezone.get_default_timezone()
    days = sorted({day for span in spans or [window] for day in _local_days(span, zone)})
    wanted = {
        "practitioners": list(practitioners),
        "rooms": list(rooms),
        "devices": list(devices),
        "from": window.starts_at,
        "until": window.ends_at,
        "first_day": days[0],
        "last_day": days[-1],
    }
    rows = [Row(*row) for row in _rows(_OPENING, wanted)]
    table = Timetable(window, Minutes.none(window), _grid(rows))
    _fill_hours(table, rows, days, zone)
    _fill_spans(table, rows)
    _fill_due(table, rows, zone)
    return table


def _grid(rows: Iterable[Row]) -> int:
    """The clinic's grid; before set-up has written its settings, the one they will begin with."""
    return next((row.weekday for row in rows if row.kind == "grid"), ClinicSettings().grid_minutes)


def _booked_in(spans: Sequence[Interval], wanted: dict[str, Any]) -> str:
    """The statement for these spans; their ends are added to what is `wanted`. Our own text only is put together.

    Patients are asked for only where there are any: for one day, planning takes longer than reading.
    """
    for n, span in enumerate(spans):
        wanted |= {f"from_{n}": span.starts_at, f"until_{n}": span.ends_at}
    near_room, near_visit = (
        " OR ".join(f"({near.format(n=n)})" for n in range(len(spans))) for near in (_NEAR_ROOM, _NEAR_VISIT)
    )
    sql = _BOOKED + _BOOKED_OF_PATIENTS if wanted["patients"] else _BOOKED
    return sql.format(near_room=near_room, near_visit=near_visit)


def _rows(sql: str, wanted: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, wanted)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _local_days(window: Interval, zone: tzinfo) -> list[date]:
    """Every local date of the window, and the one before: its last hours may come again after a clock change."""
    first, last = (instant.astimezone(zone).date() for instant in (window.starts_at, window.ends_at))
    return [first + timedelta(days=n) for n in range(-1, (last - first).days + 1)]


def _fill_hours(table: Timetable, rows: Iterable[Row], days: list[date], zone: tzinfo) -> None:
    """Weekly hours as minutes; those on closed days apart. Colleagues with the same week share one working out."""
    closed_days = {row.valid_from for row in rows if row.kind == "closed"}
    weeks: dict[Key, list[Hours]] = defaultdict(list)
    for row in rows:
        if row.kind == "hours":
            hours = Hours(row.weekday, row.starts, row.ends, row.valid_from, row.valid_until)
            weeks[row.who, row.place].append(hours)

    @cache
    def minutes(day: date, starts: time, ends: time) -> tuple[int, int]:
        opens, closes = clock_time(day, starts, zone), clock_time(day, ends, zone, later=True)
        return ceil_minute(opens), floor_minute(closes)

    @cache
    def open_on(week: tuple[Hours, ...], closed: bool) -> Minutes:
        return table.nothing.with_spans(
            minutes(day, each.starts, each.ends)
            for day in days
            if (day in closed_days) == closed
            for each in week
            if each.holds_on(day)
        )

    for key, week in weeks.items():
        same = tuple(sorted(week, key=str))
        for closed, filled in ((False, table.hours), (True, table.closed)):
            if opened := open_on(same, closed):
                filled[key] = opened


def _fill_spans(table: Timetable, rows: Iterable[Row]) -> None:
    """Extra opening and absences: only whole minutes are open, and a minute that is touched is away."""
    for row in rows:
        if row.kind == "extra":
            key, span = (row.who, row.place), [Interval(row.starts_at, row.ends_at)]
            opened = Minutes.from_intervals(table.window, span, outward=False)
            table.extra[key] = table.extra.get(key, table.nothing) | opened
        elif row.kind == "away":
            away = Minutes.from_intervals(table.window, [Interval(row.starts_at, row.ends_at)], outward=True)
            table.away[row.who] = table.away.get(row.who, table.nothing) | away


def _fill_due(table: Timetable, rows: Iterable[Row], zone: tzinfo) -> None:
    """A device whose service is due, from its first local day too many until the end of the window."""
    end = table.nothing.origin + table.nothing.length
    for row in rows:
        if row.kind == "due":
            since = floor_minute(clock_time(row.valid_from, time.min, zone))
            table.due[row.who] = table.nothing.with_spans([(since, end)])


def _fill_booked(table: Timetable, rows: Iterable[tuple[Any, ...]], wanted: Collection[UUID]) -> None:
    """What appointments take of whose time."""
    spans: dict[str, list[tuple[int, int]]] = {str(key): [] for key in wanted}
    add = {key: found.append for key, found in spans.items()}
    not_asked: list[tuple[int, int]] = []
    for who, busy_from, busy_until, room, device, room_from, room_until in rows:
        add.get(who, not_asked.append)((busy_from, busy_until))
        if room in add:
            add[room]((room_from, room_until))
        if device in add:
            add[device]((room_from, room_until))
    table.booked.update((key, table.nothing.with_spans(spans[str(key)])) for key in wanted)
