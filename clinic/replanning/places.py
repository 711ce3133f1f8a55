"""Other places for visits that cannot stay where they are: nearest to a wanted time, over one reading of the timetable.

A place that is given to one visit is taken for the others, so that no two proposals want the same practitioner, room,
device or patient. Read only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.availability import last_start
from clinic.enums import AppointmentStatus
from clinic.intervals import EPOCH, MINUTE, Interval, Suits, ceil_minute, floor_minute
from clinic.models import Appointment, AppointmentType, ClinicSettings, Device, Patient, Practitioner, Room
from clinic.search import Candidates, FreeStart, Search, may_do, reach
from clinic.timetable import Timetable

_DAY = timedelta(days=1)
# How far around the wanted time is looked, a step at a time, until there is a place.
_STEPS = (timedelta(days=2), timedelta(days=8), timedelta(days=30), timedelta(days=400))
# What a change costs the patient, in days of distance from the wanted time.
_OTHER_PERSON, _UNKNOWN_PERSON, _OTHER_WEEKDAY, _HOUR = 2.0, 1.0, 1.0, 0.25
_EARLIER = 2  # a day earlier weighs as much as so many later: the patient has to be reached in time


@dataclass
class Places:
    """The free places for some visits, in a window; `known` says which patient has seen which practitioner."""

    at: datetime
    window: Interval
    table: Timetable
    people: list[Practitioner]
    rooms: list[Room]
    devices: list[Device]
    grid: int
    known: set[tuple[UUID, UUID]] = field(default_factory=set)
    _spans: dict[UUID, list[tuple[UUID, Interval]]] = field(default_factory=dict)

    @classmethod
    def read(cls, visits: Sequence[Appointment], window: Interval, *, at: datetime) -> Places:
        """For these visits; their own time counts as free until `keep` says that one of them stays."""
        people = list(Practitioner.objects.active())
        rooms, devices = list(Room.objects.active()), list(Device.objects.active())
        patients = {visit.patient_id for visit in visits}
        longest = max((max(reach(_lasting(visit))) for visit in visits), default=timedelta())
        table = timetable.read(
            Interval(window.starts_at - longest, window.ends_at + longest),
            at=at,
            practitioners=[each.pk for each in people],
            rooms=[each.pk for each in rooms],
            devices=[each.pk for each in devices],
            patients=list(patients),
            ignoring=[visit.pk for visit in visits],
        )
        seen = Appointment.objects.filter(patient__in=patients, status=AppointmentStatus.COMPLETED)
        known = set(seen.values_list("patient_id", "practitioner_id").distinct())
        grid = ClinicSettings.current().grid_minutes
        return cls(at, window, table, people, rooms, devices, grid, known)

    def near(
        self,
        visit: Appointment,
        window: Interval | None,
        wanted: datetime,
        *,
        practitioners: Collection[Practitioner] | None = None,
        limit: int = 6,
    ) -> list[FreeStart]:
        """Free places in the window, the best first: near the wanted time, with the same person if possible.

        At times that suit the patient, as far as there are any. Where little is free near the wanted time, some from
        further away follow; nobody wants those from months away while there is a nearer one.
        """
        for suits in dict.fromkeys([visit.patient.suits, None]):
            found: dict[tuple[datetime, UUID], FreeStart] = {}
            for step, around in self._around(window, wanted):
                if len(found) >= limit or (found and step == _STEPS[-1]):
                    break
                more = self._found(visit, around, practitioners, suits=suits)
                nearest = sorted(more, key=lambda place: self._strain(place, visit, wanted))
                for place in nearest[: limit + len(found)]:
                    found.setdefault((place.starts_at, place.practitioner.pk), place)
            if found:
                return list(found.values())[:limit]
        return []

    def at_once(self, visit: Appointment, starts_at: datetime) -> list[FreeStart]:
        """Who else could see the patient at this very time, on the grid or not; who knows them first."""
        if not self.window.starts_at <= starts_at < self.window.ends_at or starts_at < self.at:
            return []
        found = self._found(visit, Interval(starts_at, starts_at + MINUTE), None, grid=1)
        return sorted(found, key=lambda place: self._strain(place, visit, starts_at))

    def take(self, visit: Appointment, place: FreeStart) -> None:
        """The place is proposed for the visit: nobody else gets it."""
        kind, room, device = _lasting(visit), place.room.pk, place.device.pk if place.device else None
        self._mark(visit, place.practitioner.pk, room, device, _spans(kind, place.starts_at))

    def keep(self, visit: Appointment) -> None:
        """The visit stays where it is."""
        spans = (
            Interval(visit.starts_at, visit.ends_at),
            Interval(visit.practitioner_from, visit.practitioner_until),
            Interval(visit.room_from, visit.room_until),
        )
        self._mark(visit, visit.practitioner_id, visit.room_id, visit.device_id, spans)

    def knows(self, place: FreeStart, patient: Patient) -> bool:
        """Whether the practitioner has seen the patient."""
        return (patient.pk, place.practitioner.pk) in self.known

    def _mark(
        self,
        visit: Appointment,
        practitioner: UUID,
        room: UUID,
        device: UUID | None,
        spans: tuple[Interval, Interval, Interval],
    ) -> None:
        """What this visit takes of whose time, instead of what it took before."""
        patient, who, where = spans
        taken = [(visit.patient_id, patient), (practitioner, who), (room, where)]
        self._spans[visit.pk] = [*taken, *([(device, where)] if device else [])]

    def _found(
        self,
        visit: Appointment,
        window: Interval,
        practitioners: Collection[Practitioner] | None,
        *,
        grid: int | None = None,
        suits: Suits | None = None,
    ) -> list[FreeStart]:
        kind = self._kind(_lasting(visit), grid)
        candidates = Candidates(
            practitioners=[each for each in practitioners or self.people if may_do(each, kind)],
            rooms=[each for each in self.rooms if each.kind == kind.room_kind],
            devices=[each for each in self.devices if each.kind == kind.device_kind],
            location=None,
            patient=visit.patient,
            ignoring=[],
            suits=suits,
        )
        return Search(kind, window, candidates, self._table_without(visit)).found()

    def _kind(self, type: AppointmentType, grid: int | None) -> AppointmentType:
        """The type on its grid; the notice is for patients, and staff are placing them again."""
        kind = copy(type)
        kind.grid_minutes = grid or type.grid_minutes or self.grid
        return kind

    def _table_without(self, visit: Appointment) -> Timetable:
        """The timetable with everybody's proposals and places but this visit's own."""
        taken: dict[UUID, list[tuple[int, int]]] = defaultdict(list)
        for key, spans in self._spans.items():
            for who, span in spans if key != visit.pk else ():
                taken[who].append((floor_minute(span.starts_at), ceil_minute(span.ends_at)))
        booked = {
            who: self.table.booked.get(who, self.table.nothing).with_spans(spans)
            for who, spans in taken.items()
        }
        return replace(self.table, booked={**self.table.booked, **booked})

    def _around(self, window: Interval | None, wanted: datetime) -> Iterator[tuple[timedelta, Interval]]:
        """Wider and wider around the wanted time, inside the window, each with how far it reaches."""
        soonest = EPOCH + ceil_minute(self.at) * MINUTE
        first = max(self.window.starts_at, soonest, *([window.starts_at] if window else []))
        last = min([self.window.ends_at, *([window.ends_at] if window else [])])
        for step in _STEPS:
            since, until = max(first, wanted - step), min(last, wanted + step)
            if since < until:
                yield step, Interval(since, until)

    def _strain(self, place: FreeStart, visit: Appointment, wanted: datetime) -> tuple[float, datetime]:
        """How far a place is from what the patient is used to: the time, the person, the weekday, the hour."""
        then, now = timezone.localtime(place.starts_at), timezone.localtime(visit.starts_at)
        days = abs(place.starts_at - wanted) / _DAY
        days *= _EARLIER if place.starts_at < wanted else 1
        if place.practitioner.pk != visit.practitioner_id:
            days += _OTHER_PERSON + (0 if self.knows(place, visit.patient) else _UNKNOWN_PERSON)
        days += _OTHER_WEEKDAY if then.weekday() != now.weekday() else 0
        days += _HOUR * abs((then.hour * 60 + then.minute) - (now.hour * 60 + now.minute)) / 60
        return days, place.starts_at


def _lasting(visit: Appointment) -> AppointmentType:
    """Its type as long as this visit is."""
    return visit.type.lasting(visit.minutes)


def last_bookable(visits: Iterable[Appointment], at: datetime) -> datetime:
    """How far ahead the first of these visits' types ends to be bookable."""
    return min((last_start(visit.type, at) for visit in visits), default=at)


def _spans(kind: AppointmentType, starts_at: datetime) -> tuple[Interval, Interval, Interval]:
    """When patient, practitioner and room are busy."""
    return (
        Interval(starts_at, starts_at + kind.patient_minutes * MINUTE),
        Interval(starts_at + kind.practitioner_from * MINUTE, starts_at + kind.practitioner_until * MINUTE),
        Interval(starts_at + kind.room_from * MINUTE, starts_at + kind.room_until * MINUTE),
    )
