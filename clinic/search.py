"""One search for free starts: the candidates, their timetable, and the starts that each of them can serve.

Everything is a set of start minutes. Whoever or whatever is free on [a, b) and needed from offset p to offset q can
serve the starts in [a - p, b - q]; what needs all of them is the intersection of such sets, what needs any of them
the union (never a union of free time: two half hours in two rooms are no hour in a room).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, reduce
from operator import and_, attrgetter, or_
from typing import TypedDict, TypeVar
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.intervals import MINUTE, Interval, Minutes, Suits, ceil_minute
from clinic.models import (
    Appointment,
    AppointmentType,
    Device,
    Location,
    Patient,
    Practitioner,
    Room,
)
from clinic.prepared import Objects
from clinic.timetable import Timetable

_practitioners = Objects(
    Practitioner,
    "WHERE is_active AND (%(skill)s = '' OR %(skill)s = ANY(skills)) ORDER BY position, name",
    skill="text",
)
_rooms = Objects(Room, "WHERE is_active AND kind = %(kind)s ORDER BY position, name", kind="text")
_devices = Objects(Device, "WHERE is_active AND kind = %(kind)s ORDER BY name", kind="text")


class Wishes(TypedDict, total=False):
    """What narrows a search. What is left out, or None, means anyone and anything suitable."""

    practitioners: Collection[Practitioner] | None
    rooms: Collection[Room] | None
    devices: Collection[Device] | None
    location: Location | None
    patient: Patient | None
    ignoring: Collection[Appointment]
    suits: Suits | None


class Obstacle(StrEnum):
    """Why a visit cannot start, in the order in which a person would say it."""

    NOTICE = "notice"
    TOO_FAR = "too_far"
    OFF_GRID = "off_grid"
    NOT_TRAINED = "not_trained"
    CLOSED_DAY = "closed_day"
    OUTSIDE_HOURS = "outside_hours"
    ABSENT = "absent"
    PRACTITIONER_BUSY = "practitioner_busy"
    PATIENT_BUSY = "patient_busy"
    ROOM_NONE_FREE = "room_none_free"
    SERVICE_DUE = "service_due"
    DEVICE_NONE_FREE = "device_none_free"
    DOES_NOT_SUIT = "does_not_suit"


@dataclass(frozen=True, slots=True)
class FreeStart:
    """A visit could start then with this practitioner; room and device are the first suitable ones."""

    starts_at: datetime
    practitioner: Practitioner
    room: Room
    device: Device | None


@dataclass(frozen=True)
class Candidates:
    """Who and what may be chosen, read once for as many windows as are searched."""

    practitioners: list[Practitioner]
    rooms: list[Room]
    devices: list[Device]
    location: Location | None
    patient: Patient | None
    ignoring: list[Appointment]
    suits: Suits | None = None

    @classmethod
    def suiting(cls, type: AppointmentType, wishes: Wishes) -> Candidates:
        """Of those wished for, or of all in use, the ones that can serve the type; in the order of the diary."""
        people, rooms, devices = wishes.get("practitioners"), wishes.get("rooms"), wishes.get("devices")
        if people is None:
            people = _practitioners(skill=type.skill)
        if rooms is None:
            rooms = _rooms(kind=type.room_kind)
        if devices is None:
            devices = _devices(kind=type.device_kind) if type.device_kind else []
        return cls(
            practitioners=[each for each in people if may_do(each, type)],
            rooms=[each for each in rooms if each.is_active and each.kind == type.room_kind],
            devices=[each for each in devices if each.is_active and each.kind == type.device_kind],
            location=wishes.get("location"),
            patient=wishes.get("patient"),
            ignoring=list(wishes.get("ignoring", ())),
            suits=wishes.get("suits"),
        )


Offer = tuple[Practitioner, UUID, Minutes]  # who can start, at which location, when
Resource = TypeVar("Resource", Room, Device)


@dataclass(frozen=True)
class Search:
    """What was asked and what was read for it; the sets are worked out as they are needed."""

    type: AppointmentType
    window: Interval
    candidates: Candidates
    table: Timetable

    @classmethod
    def load(cls, type: AppointmentType, window: Interval, candidates: Candidates, *, at: datetime) -> Search:
        """Read the timetable of the candidates, in one query. `window` is that of the starts."""
        table = timetable.read(
            stretch(type, window),
            at=at,
            practitioners=[each.pk for each in candidates.practitioners],
            rooms=[each.pk for each in candidates.rooms],
            devices=[each.pk for each in candidates.devices],
            patients=[candidates.patient.pk] if candidates.patient else [],
            ignoring=[each.pk for each in candidates.ignoring],
        )
        return cls(type, window, candidates, table)

    def found(self, limit: int | None = None) -> list[FreeStart]:
        """The free starts by time, then in the order of the practitioners."""
        offers = list(self._offers())
        if limit is not None:
            # Every start has at least one practitioner, so that the first `limit` starts are enough.
            soonest = self._union(starts for *_, starts in offers).first(limit)
            latest = soonest[-1] if soonest else self.window.starts_at
            cut = self.within(Interval(self.window.starts_at, latest + MINUTE))
            offers = [(practitioner, location, starts & cut) for practitioner, location, starts in offers]
        room, device = (
            self._first_choice(self.candidates.rooms, offers),
            self._first_choice(self.candidates.devices, offers),
        )
        free = [
            FreeStart(start, practitioner, room[location, start], device.get((location, start)))
            for practitioner, location, starts in offers
            for start in starts
        ]
        return sorted(free, key=attrgetter("starts_at"))[:limit]

    @cached_property
    def by_practitioner(self) -> dict[Practitioner, Minutes]:
        """Who can start when, at whatever location; without those who cannot at all."""
        found: dict[Practitioner, Minutes] = {}
        for practitioner, _, starts in self._all_offers:
            found[practitioner] = found.get(practitioner, self.table.nothing) | starts
        return found

    def place(self, practitioner: Practitioner, starts_at: datetime) -> FreeStart | None:
        """This start with the first suitable room and device; None when it is not free."""
        for who, location, starts in self._all_offers:
            if who == practitioner and starts_at in starts:
                room = self._first_usable(self.candidates.rooms, location, starts_at)
                device = self._first_usable(self.candidates.devices, location, starts_at)
                return FreeStart(starts_at, practitioner, room, device) if room else None
        return None

    def within(self, window: Interval) -> Minutes:
        """The starts that lie in the window."""
        span = (ceil_minute(window.starts_at), ceil_minute(window.ends_at))
        return self.table.nothing.with_spans([span])

    @cached_property
    def on_grid(self) -> Minutes:
        """The starts in the window that lie on the grid of the clinic's clock."""
        grid = self.type.grid_minutes or self.table.grid_minutes
        return self.within(self.window).on_grid(grid, timezone.get_default_timezone())

    @cached_property
    def suiting(self) -> Minutes:
        """The starts that suit the patient; all, when nothing is known of that."""
        suits = self.candidates.suits
        if suits is None:
            return ~self.table.nothing
        return suits.minutes(self.table.nothing, timezone.get_default_timezone())

    @cached_property
    def patient_free(self) -> Minutes:
        """The starts at which the patient is in no other visit; all, when nobody is named."""
        patient = self.candidates.patient
        free = self.table.free(patient.pk) if patient else ~self.table.nothing
        return free.starts(0, self.type.patient_minutes)

    def requirements(self, practitioner: Practitioner) -> dict[Obstacle, Minutes]:
        """For each obstacle the starts it leaves; the visit can start where all of them agree."""
        no_start, table = self.table.nothing, self.table
        works, open_days, rooms, devices, serviced = no_start, no_start, no_start, no_start, no_start
        for location in self._locations(practitioner):
            here = self._seen(table.open(practitioner.pk, location, on_closed_days=True))
            works |= here
            open_days |= self._seen(table.open(practitioner.pk, location))
            rooms |= here & self._any(self.candidates.rooms, location)
            devices |= here & self._any(self.candidates.devices, location)
            serviced |= here & self._any_but_for_service(location)
        # Outside the hours, the hours are what is wrong: no room or closed day is blamed there.
        return {
            Obstacle.OFF_GRID: self.on_grid,
            Obstacle.CLOSED_DAY: open_days | ~works,
            Obstacle.OUTSIDE_HOURS: works,
            Obstacle.ABSENT: self._seen(~table.away.get(practitioner.pk, no_start)),
            Obstacle.PRACTITIONER_BUSY: self._seen(~table.booked.get(practitioner.pk, no_start)),
            Obstacle.PATIENT_BUSY: self.patient_free,
            Obstacle.ROOM_NONE_FREE: rooms | ~works,
            # Where a device would be free were it serviced, its service is what is wrong.
            Obstacle.SERVICE_DUE: devices | ~serviced,
            Obstacle.DEVICE_NONE_FREE: serviced | ~works if self.type.device_kind else ~no_start,
        }

    @cached_property
    def _all_offers(self) -> list[Offer]:
        return list(self._offers())

    def obstacles(self, practitioner: Practitioner, window: Interval) -> list[Obstacle]:
        """Why the window holds no start with this practitioner; empty when it holds one.

        Names each obstacle that would be enough alone; where only several together leave nothing, it names those.
        What suits the patient is asked last: it is named only where there would be a start without it, so that "free,
        but not when it suits" is true.
        """
        leaves, within = self.requirements(practitioner), self.within(window)
        asked = self.on_grid & within or within
        if left := reduce(and_, leaves.values(), asked):
            return [] if left & self.suiting else [Obstacle.DOES_NOT_SUIT]
        alone = [obstacle for obstacle, starts in leaves.items() if not asked & starts]
        return alone or _together(asked, leaves)

    def _offers(self) -> Iterator[Offer]:
        """Who can start where and when, practitioner by practitioner."""
        for practitioner in self.candidates.practitioners:
            free = self.table.free(practitioner.pk)
            for location in self._locations(practitioner):
                works = self.table.open(practitioner.pk, location)
                if starts := self._seen(works & free) & self._fitting.get(location, self.table.nothing):
                    yield practitioner, location, starts

    @cached_property
    def _fitting(self) -> dict[UUID, Minutes]:
        """By location, the starts that suit the grid, the patient, a room and, where one is needed, a device."""
        fitting, anywhere = {}, self.on_grid & self.suiting & self.patient_free
        for location in {room.location_id for room in self.candidates.rooms}:
            starts = self._served(anywhere, self.candidates.rooms, location)
            fitting[location] = (
                self._served(starts, self.candidates.devices, location) if self.type.device_kind else starts
            )
        return fitting

    def _usable(self, each: Room | Device) -> Minutes:
        """The starts that the room or device can serve; worked out when it is first asked for."""
        if each.pk not in self._known_usable:
            free = self.table.free(each.pk)
            self._known_usable[each.pk] = free.starts(self.type.room_from, self.type.room_until)
        return self._known_usable[each.pk]

    @cached_property
    def _known_usable(self) -> dict[UUID, Minutes]:
        return {}

    def _first_choice(
        self, resources: Iterable[Resource], offers: Iterable[Offer]
    ) -> dict[tuple[UUID, datetime], Resource]:
        """By location and start, the first room (or device) in order that can serve it."""
        left: dict[UUID, Minutes] = defaultdict(lambda: self.table.nothing)
        for _, location, starts in offers:
            left[location] |= starts
        chosen: dict[tuple[UUID, datetime], Resource] = {}
        for each in resources:
            if not left[each.location_id]:
                continue
            served = left[each.location_id] & self._usable(each)
            left[each.location_id] -= served
            chosen |= {(each.location_id, start): each for start in served}
        return chosen

    def _first_usable(
        self, resources: Iterable[Resource], location: UUID, starts_at: datetime
    ) -> Resource | None:
        here = (each for each in resources if each.location_id == location)
        return next((each for each in here if starts_at in self._usable(each)), None)

    def _seen(self, minutes: Minutes) -> Minutes:
        """The starts for which the practitioner's part of the visit lies in these minutes."""
        return minutes.starts(self.type.practitioner_from, self.type.practitioner_until)

    def _any(self, resources: Iterable[Room | Device], location: UUID) -> Minutes:
        """The starts that at least one of the resources of the location can serve."""
        return self._union(self._usable(each) for each in resources if each.location_id == location)

    def _any_but_for_service(self, location: UUID) -> Minutes:
        """The starts that at least one of its devices could serve if no service were ever due."""
        first, last = self.type.room_from, self.type.room_until
        devices = (each.pk for each in self.candidates.devices if each.location_id == location)
        return self._union(self.table.free_but_for_service(key).starts(first, last) for key in devices)

    def _served(self, wanted: Minutes, resources: Iterable[Room | Device], location: UUID) -> Minutes:
        """Those of the wanted starts that at least one of the resources can serve; often the first few serve all."""
        left = wanted
        for each in resources:
            if not left:
                break
            if each.location_id == location:
                left -= self._usable(each)
        return wanted - left

    def _union(self, sets: Iterable[Minutes]) -> Minutes:
        return reduce(or_, sets, self.table.nothing)

    def _locations(self, practitioner: Practitioner) -> list[UUID]:
        wanted = self.candidates.location
        return [each for each in self.table.locations(practitioner.pk) if wanted is None or each == wanted.pk]


def stretch(type: AppointmentType, window: Interval) -> Interval:
    """The time that visits which start in the window can take of anybody or anything."""
    before, after = reach(type)
    return Interval(window.starts_at - before, window.ends_at + after)


def reach(type: AppointmentType) -> tuple[timedelta, timedelta]:
    """How long before and after its start a visit of this type needs anybody or anything."""
    return max(-type.room_from, 0) * MINUTE, max(type.patient_minutes, type.room_until) * MINUTE


def may_do(practitioner: Practitioner, type: AppointmentType) -> bool:
    """Whether the practitioner takes patients and is trained in what the type needs."""
    return practitioner.is_active and (not type.skill or type.skill in practitioner.skills)


_NO_NEWS: frozenset[Obstacle] = frozenset({Obstacle.OUTSIDE_HOURS, Obstacle.OFF_GRID})


def _together(asked: Minutes, leaves: dict[Obstacle, Minutes]) -> list[Obstacle]:
    """Those that only together leave none of the starts asked for; the hours and the grid are not news."""
    narrowing: list[Obstacle] = []
    for obstacle, starts in leaves.items():
        if asked - starts:
            narrowing.append(obstacle)
        asked &= starts
    news = [each for each in narrowing if each not in _NO_NEWS]
    return news or narrowing[-1:]
