"""What a timetable is made of, as rows: opening time, absence, and who and what is booked. One query. Read only.

In SQL, because this is what a search spends its time on: whole minutes as integers and keys as text are read several
times faster than rows with timestamps and UUIDs, and all of it comes in one round trip.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from clinic.enums import HOLDS_TIME
from clinic.intervals import Interval
from clinic.prepared import Prepared

Tuple = tuple[Any, ...]


class Row(NamedTuple):
    """One row of what is read. `kind` says what the others mean; what has no meaning for it is None.

    hours: `since` and `until` in seconds of the ISO week, `place` a location, `first` and `last` day as ordinals.
    closed: the `first` day. extra, away: `since` and `until` in epoch minutes. due: the `first` day on which a device
    should have been serviced. retired: it takes no patients, or is not in use, any more. grid: `since` is the clinic's
    grid in minutes. booked: `since` and `until` of whoever it is, `place` a room; `first` and `last` are until when room
    and device are kept, all in epoch minutes.
    """

    kind: str
    who: Any
    since: int
    until: int
    place: Any
    device: Any
    first: int
    last: int | None


@dataclass(frozen=True)
class Asked:
    """Whose time in which window, on these local days (in order). `spans` are the parts of the window that are read."""

    window: Interval
    spans: Sequence[Interval]
    days: Sequence[date]
    practitioners: Collection[UUID]
    rooms: Collection[UUID] = ()
    devices: Collection[UUID] = ()

    def opening(self) -> list[Tuple]:
        """Who works when, and what is away or waits for its service, whoever is booked."""
        return _OPENING.rows(**self._values())

    def opening_and_booked(
        self, *, at: datetime, patients: Collection[UUID], ignoring: Collection[UUID]
    ) -> list[Tuple]:
        """That and what is booked, as known at `at`, when holds that have run out count no more."""
        values = self._values() | _booked(at, patients, ignoring)
        if list(self.spans) != [self.window]:
            return _IN_SPANS.rows_planned_anew(**self._ends(), **values)
        is_little = self.window.duration <= _LITTLE
        return (_IN_WINDOW.rows if is_little else _IN_WINDOW.rows_planned_anew)(**values)

    def booked(self, *, at: datetime, patients: Collection[UUID], ignoring: Collection[UUID]) -> list[Tuple]:
        """What is booked alone, where the rest is known."""
        values = self._values() | _booked(at, patients, ignoring)
        return _BOOKED_IN_SPANS.rows_planned_anew(**self._ends(), **values)

    def _ends(self) -> dict[str, list[datetime]]:
        return {
            "since": [each.starts_at for each in self.spans],
            "until": [each.ends_at for each in self.spans],
        }

    def _values(self) -> dict[str, Any]:
        return {
            "practitioners": _keys(self.practitioners),
            "rooms": _keys(self.rooms),
            "devices": _keys(self.devices),
            "begin": self.window.starts_at,
            "end": self.window.ends_at,
            "first_day": self.days[0],
            "last_day": self.days[-1],
            "weekdays": sorted({day.isoweekday() for day in self.days}),
        }


def _booked(at: datetime, patients: Collection[UUID], ignoring: Collection[UUID]) -> dict[str, Any]:
    return {"at": at, "patients": _keys(patients), "ignoring": _keys(ignoring)}


def _keys(keys: Collection[UUID]) -> str:
    """As PostgreSQL reads an array of them: psycopg2 takes ten times as long to write one."""
    return f"{{{','.join(key.hex for key in keys)}}}"


_HOLDING = ", ".join(f"'{status}'" for status in sorted(HOLDS_TIME))
_LITTLE = timedelta(days=2)  # reading more takes longer than planning how

# Every query here gives the eight columns of `Row`.
_OPENED = """
SELECT 'hours' AS kind, practitioner_id::text AS who,
       (weekday - 1) * 86400 + floor(date_part('epoch', starts))::int AS since,
       (weekday - 1) * 86400 + floor(date_part('epoch', ends))::int AS until,
       location_id::text AS place, NULL::text AS device,
       valid_from - date '0001-01-01' + 1 AS first, valid_until - date '0001-01-01' + 1 AS last
  FROM clinic_workinghours
 WHERE practitioner_id = ANY(%(practitioners)s) AND weekday = ANY(%(weekdays)s)
   AND valid_from <= %(last_day)s AND (valid_until IS NULL OR valid_until >= %(first_day)s)
 UNION ALL
SELECT 'closed', NULL, NULL, NULL, NULL, NULL, day - date '0001-01-01' + 1, NULL
  FROM clinic_closedday
 WHERE day BETWEEN %(first_day)s AND %(last_day)s
 UNION ALL
SELECT 'extra', practitioner_id::text,
       ceil(date_part('epoch', starts_at) / 60)::int, floor(date_part('epoch', ends_at) / 60)::int,
       location_id::text, NULL, NULL, NULL
  FROM clinic_extraopening
 WHERE practitioner_id = ANY(%(practitioners)s) AND starts_at < %(end)s AND ends_at > %(begin)s
 UNION ALL
SELECT 'away', practitioner_id::text,
       floor(date_part('epoch', starts_at) / 60)::int, ceil(date_part('epoch', ends_at) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM clinic_absence
 WHERE practitioner_id = ANY(%(practitioners)s) AND starts_at < %(end)s AND ends_at > %(begin)s
 UNION ALL
SELECT 'away', coalesce(room_id, device_id)::text,
       floor(date_part('epoch', starts_at) / 60)::int, ceil(date_part('epoch', ends_at) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM clinic_outofservice
 WHERE (room_id = ANY(%(rooms)s) OR device_id = ANY(%(devices)s))
   AND starts_at < %(end)s AND ends_at > %(begin)s
 UNION ALL
SELECT 'away', care.device_id::text,
       floor(date_part('epoch', care.happened_at) / 60)::int, ceil(date_part('epoch', %(end)s) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM clinic_devicecare care
 WHERE care.device_id = ANY(%(devices)s) AND care.kind = 'out_of_use' AND care.happened_at < %(end)s
   AND NOT EXISTS (SELECT 1 FROM clinic_devicecareerror error WHERE error.care_id = care.id)
   AND NOT EXISTS (
       SELECT 1 FROM clinic_devicecare back
        WHERE back.device_id = care.device_id AND back.kind = 'back_in_use' AND back.recorded_at > care.recorded_at
          AND NOT EXISTS (SELECT 1 FROM clinic_devicecareerror error WHERE error.care_id = back.id)
   )
 UNION ALL
SELECT 'due', id::text, NULL, NULL, NULL, NULL, service_due_on - date '0001-01-01' + 2, NULL
  FROM clinic_device
 WHERE id = ANY(%(devices)s) AND service_due_on < %(last_day)s
 UNION ALL
SELECT 'retired', id::text, NULL, NULL, NULL, NULL, NULL, NULL
  FROM clinic_practitioner
 WHERE id = ANY(%(practitioners)s) AND NOT is_active
 UNION ALL
SELECT 'retired', id::text, NULL, NULL, NULL, NULL, NULL, NULL
  FROM clinic_room
 WHERE id = ANY(%(rooms)s) AND NOT is_active
 UNION ALL
SELECT 'retired', id::text, NULL, NULL, NULL, NULL, NULL, NULL
  FROM clinic_device
 WHERE id = ANY(%(devices)s) AND NOT is_active
 UNION ALL
SELECT 'grid', NULL, grid_minutes, NULL, NULL, NULL, NULL, NULL
  FROM clinic_clinicsettings
"""
_OPENING_TYPES = {
    "practitioners": "uuid[]",
    "rooms": "uuid[]",
    "devices": "uuid[]",
    "begin": "timestamptz",
    "end": "timestamptz",
    "first_day": "date",
    "last_day": "date",
    "weekdays": "smallint[]",
}

# One row says who is busy when, and which room and device are; the patient asked for comes as a further "who". Who is
# busy in two of the spans comes twice. The room is kept for longer than the practitioner (appointment_nested), and
# neither the visit nor its room for more than a day (appointment_within_a_day): that bounds the index on starts_at
# from both sides.
_BOOKED = """
SELECT 'booked', practitioner_id::text,
       floor(date_part('epoch', practitioner_from) / 60)::int, ceil(date_part('epoch', practitioner_until) / 60)::int,
       room_id::text, device_id::text,
       floor(date_part('epoch', room_from) / 60)::int, ceil(date_part('epoch', room_until) / 60)::int
  FROM {source}
 WHERE starts_at > {since} - interval '48 hours' AND starts_at < {until} + interval '24 hours'
   AND room_until > {since} AND room_from < {until}
   AND status IN ({holding}) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s)
   AND (practitioner_id = ANY(%(practitioners)s) OR room_id = ANY(%(rooms)s) OR device_id = ANY(%(devices)s))
 UNION ALL
SELECT 'booked', patient_id::text,
       floor(date_part('epoch', starts_at) / 60)::int, ceil(date_part('epoch', ends_at) / 60)::int,
       NULL, NULL, NULL, NULL
  FROM {source}
 WHERE patient_id = ANY(%(patients)s)
   AND starts_at > {since} - interval '24 hours' AND starts_at < {until} AND ends_at > {since}
   AND status IN ({holding}) AND (held_until IS NULL OR held_until > %(at)s)
   AND id <> ALL(%(ignoring)s)
"""
_WINDOW = {"holding": _HOLDING, "source": "clinic_appointment", "since": "%(begin)s", "until": "%(end)s"}
_SPANS = {
    "holding": _HOLDING,
    "source": "unnest(%(since)s, %(until)s) AS span (since, until) CROSS JOIN clinic_appointment",
    "since": "span.since",
    "until": "span.until",
}
_BOOKED_TYPES = {"at": "timestamptz", "ignoring": "uuid[]", "patients": "uuid[]"}
_SPANS_TYPES = {"since": "timestamptz[]", "until": "timestamptz[]"}
_OPENING = Prepared(_OPENED, **_OPENING_TYPES)
_IN_WINDOW = Prepared(f"{_OPENED} UNION ALL {_BOOKED.format(**_WINDOW)}", **_OPENING_TYPES, **_BOOKED_TYPES)
_IN_SPANS = Prepared(
    f"{_OPENED} UNION ALL {_BOOKED.format(**_SPANS)}",
    **_OPENING_TYPES,
    **_BOOKED_TYPES,
    **_SPANS_TYPES,
)
_BOOKED_IN_SPANS = Prepared(_BOOKED.format(**_SPANS), **_OPENING_TYPES, **_BOOKED_TYPES, **_SPANS_TYPES)
