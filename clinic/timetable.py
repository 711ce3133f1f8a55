"""Who works when, and what takes whose time, in one window: two queries, read as sets of minutes. Read only.

In SQL, because this is what a search spends its time on: whole minutes as integers and keys as text are read several
times faster than rows with timestamps and UUIDs, and the opening time of all comes in one round trip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from clinic.enums import HOLDS_TIME
from clinic.intervals import Interval, Minutes, ceil_minute, clock_time, floor_minute
from clinic.models import ClinicSettings
from clinic.prepared import Prepared

_OPENING = Prepared(
    """
SELECT 'hours' AS kind, practitioner_id AS who, location_id AS place, weekday, starts, ends, valid_from, valid_until,
       NULL::timestamptz AS starts_at, NULL::timestamptz AS ends_at
  FROM clinic_workinghours
 WHERE practitioner_id = ANY(%(practitioners)s)
   AND valid_from <= %(last_day)s AND (valid_until IS NULL OR valid_until >= %(first_day)s)
 UNION ALL
SELECT 'closed', NULL, NULL, NULL, NULL, NULL, day, day, NULL, NULL
  FROM clinic_closedday
 WHERE day BETWEEN %(first_day)s AND %(last_day)s
 UNION ALL
SELECT 'extra', practitioner_id, location_id, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_extraopening
 WHERE practitioner_id = ANY(%(practitioners)s) AND starts_at < %(until)s AND ends_at > %(since)s
 UNION ALL
SELECT 'away', practitioner_id, NULL, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_absence
 WHERE practitioner_id = ANY(%(practitioners)s) AND starts_at < %(until)s AND ends_at > %(since)s
 UNION ALL
SELECT 'away', coalesce(room_id, device_id), NULL, NULL, NULL, NULL, NULL, NULL, starts_at, ends_at
  FROM clinic_outofservice
 WHERE (room_id = ANY(%(rooms)s) OR device_id = ANY(%(devices)s))
   AND starts_at < %(until)s AND ends_at > %(since)s
 UNION ALL
SELECT 'due', id, NULL, NULL, NULL, NULL, service_due_on + 1, NULL, NULL, NULL
  FROM clinic_device
 WHERE id = ANY(%(devices)s) AND service_due_on < %(last_day)s
 UNION ALL
SELECT 'grid', NULL, NULL, grid_minutes, NULL, NULL, NULL, NULL, NULL, NULL
  FROM clinic_clinicsettings
""",
    practitioners="uuid[]",
    rooms="uuid[]",
    devices="uuid[]",
    since="timestamptz",
    until="timestamptz",
    first_day="date",
    last_day="date",
)

# One row says who is busy when, and which room and device are; the patient asked for comes as a further "who". Who is
# busy in two of the spans comes twice. The room is kept for longer than the practitioner (appointment_nested), and
# neither the visit nor its room for more than a day (appointment_within_a_day): that bounds the index on starts_at
# from both sides.
_BOOKED = Prepared(
    """
SELECT practitioner_id::text,
       floor(date_part('epoch', practitioner_from) / 60)::int, ceil(date_part('epoch', practitioner_until) / 60)::int,
       room_id::text, device_id::text,
       floor(date_part('epoch', room_from) / 60)::int, ceil(date_part('epoch', room_until) / 60)::int
  FROM unnest(%(since)s, %(until)s) AS span (since, until)
  JOIN clinic_appointment
    ON starts_at > since - interval '48 hours' AND starts_at < until + interval '24 hours'
   AND room_until > since AND room_from < until
 WHERE status = ANY(%(holding)s) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s)
   AND (practitioner_id = ANY(%(practitioners)s) OR room_id = ANY(%(rooms)s) OR device_id = ANY(%(devices)s))
 UNION ALL
SELECT patient_id::text,
       floor(date_part('epoch', starts_at) / 60)::int, ceil(date_part('epoch', ends_at) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM unnest(%(since)s, %(until)s) AS span (since, until)
  JOIN clinic_appointment
    ON starts_at > since - interval '24 hours' AND starts_at < until AND ends_at > since
 WHERE patient_id = ANY(%(patients)s)
   AND status = ANY(%(holding)s) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s)
""",
    since="timestamptz[]",
    until="timestamptz[]",
    holding="text[]",
    at="timestamptz",
    ignoring="uuid[]",
    practitioners="uuid[]",
    rooms="uuid[]",
    devices="uuid[]",
    patients="uuid[]",
)
_HOLDING = sorted(HOLDS_TIME)
_LITTLE = timedelta(days=2)  # of one window; reading more takes longer than planning how

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
    is_little = len(spans) == 1 and spans[0].duration <= _LITTLE
    booked = (_BOOKED.rows if is_little else _BOOKED.rows_planned_anew)(
        since=[each.starts_at for each in spans],
        until=[each.ends_at for each in spans],
        holding=_HOLDING,
        at=at,
        ignoring=list(ignoring),
        practitioners=list(practitioners),
        rooms=list(rooms),
        devices=list(devices),
        patients=list(patients),
    )
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
    found = _OPENING.rows(
        practitioners=list(practitioners),
        rooms=list(rooms),
        devices=list(devices),
        since=window.starts_at,
        until=window.ends_at,
        first_day=days[0],
        last_day=days[-1],
    )
    rows = [Row(*row) for row in found]
    table = Timetable(window, Minutes.none(window), _grid(rows))
    _fill_hours(table, rows, days, zone)
    _fill_spans(table, rows)
    _fill_due(table, rows, zone)
    return table


def _grid(rows: Iterable[Row]) -> int:
    """The clinic's grid; before set-up has written its settings, the one they will begin with."""
    written = [row.weekday for row in rows if row.kind == "grid"]
    return written[0] if written else ClinicSettings().grid_minutes


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

    opened: dict[tuple[bool, tuple[Hours, ...]], Minutes] = {}
    for key, week in weeks.items():
        same = tuple(sorted(week, key=str))
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
