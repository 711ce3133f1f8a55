"""The whole search on random small clinics, against an oracle that looks at every minute of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic.availability import free_starts, why_not
from clinic.intervals import MINUTE, Interval
from clinic.models import (
    Absence,
    Appointment,
    AppointmentType,
    ClosedDay,
    Device,
    ExtraOpening,
    Location,
    OutOfService,
    Patient,
    Practitioner,
    Room,
    User,
    WorkingHours,
)

pytestmark = pytest.mark.django_db

PARIS = ZoneInfo("Europe/Paris")
# An ordinary day, the short one and the long one.
DAYS = [date(2026, 11, 24), date(2026, 3, 29), date(2026, 10, 25)]
HOURS = [(time(8), time(12)), (time(13), time(17)), (time(9, 30), time(10, 15)), (time(0), time(23, 59))]
AROUND = 300  # minutes looked at before and after the window

first_or_second = st.integers(0, 1)


@dataclass
class Opening:
    """How long something lasts, in seconds after the start of the day, and whom it concerns."""

    whom: int
    first: int
    seconds: int


@dataclass
class Plan:
    """A small clinic's day, before it is written to the database."""

    day: date
    window: tuple[int, int]
    offsets: dict[str, int]
    device_kind: str
    grid: int
    notice: int
    ahead: int
    closed: bool
    hours: list[tuple[int, int, int]]  # practitioner, location, index into HOURS
    rooms: list[tuple[int, str]]
    devices: list[int]
    visits: list[tuple[int, int, int, int, int, int, bool]]
    absences: list[Opening] = field(default_factory=list)
    faults: list[Opening] = field(default_factory=list)
    extras: list[Opening] = field(default_factory=list)


def lasting(whom: int) -> st.SearchStrategy[Opening]:
    return st.builds(
        Opening, st.integers(0, whom - 1), st.integers(6 * 3600, 18 * 3600), st.integers(1, 3 * 3600)
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    seen_from = draw(st.integers(0, 20))
    seen_until = seen_from + draw(st.integers(5, 40))
    opens = draw(st.integers(0, 15))
    room = st.tuples(first_or_second, st.sampled_from(["treatment", "treatment", "consultation"]))
    visit = st.tuples(
        first_or_second,
        st.integers(0, 2),
        st.integers(-1, 1),
        first_or_second,
        st.integers(7 * 60, 17 * 60),
        st.integers(10, 120),
        st.booleans(),
    )
    return Plan(
        day=draw(st.sampled_from(DAYS)),
        window=(opens * 60, (opens + draw(st.integers(1, 8))) * 60),
        offsets={
            "practitioner_from": seen_from,
            "practitioner_until": seen_until,
            "patient_minutes": seen_until + draw(st.integers(0, 30)),
            "room_from": seen_from - draw(st.integers(0, 35)),
            "room_until": seen_until + draw(st.integers(0, 40)),
        },
        device_kind=draw(st.sampled_from(["", "gun"])),
        grid=draw(st.sampled_from([5, 15, 25])),
        notice=draw(st.sampled_from([0, 11 * 60])),
        ahead=draw(st.sampled_from([0, 1, 30])),
        closed=draw(st.integers(0, 5)) == 0,
        hours=draw(
            st.lists(st.tuples(first_or_second, first_or_second, st.integers(0, 3)), min_size=1, max_size=4)
        ),
        rooms=draw(st.lists(room, min_size=1, max_size=3)),
        devices=draw(st.lists(first_or_second, max_size=2)),
        visits=draw(st.lists(visit, max_size=8)),
        absences=draw(st.lists(lasting(2), max_size=2)),
        faults=draw(st.lists(lasting(3), max_size=2)),
        extras=draw(st.lists(lasting(2), max_size=2)),
    )


class World:
    """The plan as rows, and an oracle that knows nothing but minutes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.midnight = datetime.combine(plan.day, time.min, PARIS).astimezone(UTC)
        self.at = self.midnight - timedelta(hours=4)
        self.window = Interval(*(self.midnight + minute * MINUTE for minute in plan.window))
        self.by = User.objects.create(username="desk")
        self.locations = [Location.objects.create(name=name) for name in ("North", "South")]
        self.practitioners = [
            Practitioner.objects.create(name=name, position=p) for p, name in enumerate("AB")
        ]
        self.patients = [
            Patient.objects.create(
                family_name=name, birth_date=date(1990, 1, 1), created_at=self.at, created_by=self.by
            )
            for name in ("Moreau", "Haddad")
        ]
        self.rooms = [
            Room.objects.create(name=f"R{n}", kind=kind, location=self.locations[where], position=n)
            for n, (where, kind) in enumerate(plan.rooms)
        ]
        self.devices = [
            Device.objects.create(name=f"D{n}", kind="gun", location=self.locations[where])
            for n, where in enumerate(plan.devices)
        ]
        self.type = AppointmentType.objects.create(
            code="test-visit",
            name="Visit",
            room_kind="treatment",
            device_kind=plan.device_kind,
            grid_minutes=plan.grid,
            minimum_notice_minutes=plan.notice,
            bookable_days_ahead=plan.ahead,
            **plan.offsets,
        )
        self.open_time()
        for visit in plan.visits:
            self.book(*visit)

    def open_time(self) -> None:
        """Hours, closed day, extra opening, absences, faults."""
        if self.plan.closed:
            ClosedDay.objects.create(day=self.plan.day, name="Holiday")
        for who, where, index in self.plan.hours:
            starts, ends = HOURS[index]
            WorkingHours.objects.create(
                practitioner=self.practitioners[who],
                location=self.locations[self.only_location(who, where)],
                weekday=self.plan.day.isoweekday(),
                starts=starts,
                ends=ends,
                valid_from=self.plan.day,
                valid_until=self.plan.day,
            )
        for absence in self.plan.absences:
            Absence.objects.create(practitioner=self.practitioners[absence.whom], **self.lasting(absence))
        for fault in self.plan.faults:
            thing = [*self.rooms, *self.devices][fault.whom % (len(self.rooms) + len(self.devices))]
            what = {"room": thing} if isinstance(thing, Room) else {"device": thing}
            OutOfService.objects.create(**what, **self.lasting(fault))
        for extra in self.plan.extras:
            ExtraOpening.objects.create(
                practitioner=self.practitioners[extra.whom],
                location=self.locations[self.only_location(extra.whom, 0)],
                **self.lasting(extra),
            )

    def only_location(self, who: int, where: int) -> int:
        """Nobody works at two places at once: everybody stays at the first place planned for them."""
        return next((place for person, place, _ in self.plan.hours if person == who), where)

    def lasting(self, opening: Opening) -> dict:
        starts_at = self.midnight + timedelta(seconds=opening.first)
        ends_at = starts_at + timedelta(seconds=opening.seconds)
        return {"starts_at": starts_at, "ends_at": ends_at, "created_by": self.by, "created_at": self.at}

    def book(
        self, who: int, room: int, device: int, patient: int, minute: int, length: int, cancel: bool
    ) -> None:
        """A visit, unless the database refuses it; everybody is busy for a different part of it."""
        starts_at = self.midnight + minute * MINUTE
        ends_at = starts_at + length * MINUTE
        try:
            with transaction.atomic():
                visit = Appointment.objects.create(
                    patient=self.patients[patient],
                    type=self.type,
                    practitioner=self.practitioners[who],
                    room=self.rooms[room % len(self.rooms)],
                    device=self.devices[device] if 0 <= device < len(self.devices) else None,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    practitioner_from=starts_at + timedelta(seconds=90),
                    practitioner_until=ends_at - timedelta(seconds=150),
                    room_from=starts_at - 7 * MINUTE,
                    room_until=ends_at + 13 * MINUTE,
                    created_by=self.by,
                    created_at=self.at,
                )
        except IntegrityError:
            return
        if cancel:
            visit.status, visit.cancelled_at, visit.cancelled_by = "cancelled", self.at, "patient"
            visit.save()

    # The oracle -------------------------------------------------------------------------------------------------

    def minutes(self) -> Iterator[tuple[int, Interval]]:
        """Every minute of the window and around it, counted from midnight."""
        for minute in range(self.plan.window[0] - AROUND, self.plan.window[1] + AROUND):
            start = self.midnight + minute * MINUTE
            yield minute, Interval(start, start + MINUTE)

    def taken(self, thing: Practitioner | Patient | Room | Device) -> set[int]:
        """The minutes that somebody or something is busy or away, at least for a second."""
        kind = type(thing).__name__.lower()
        spans = {"practitioner": "practitioner_{}", "patient": "{}s_at"}.get(kind, "room_{}")
        names = (
            ("starts_at", "ends_at") if kind == "patient" else (spans.format("from"), spans.format("until"))
        )
        busy = [
            Interval(getattr(visit, names[0]), getattr(visit, names[1]))
            for visit in Appointment.objects.filter(**{kind: thing}).exclude(status="cancelled")
        ]
        for model, relation in ((Absence, "practitioner"), (OutOfService, "room"), (OutOfService, "device")):
            if relation == kind:
                busy += [
                    Interval(row.starts_at, row.ends_at) for row in model.objects.filter(**{kind: thing})
                ]
        return {minute for minute, span in self.minutes() if any(span.overlaps(each) for each in busy)}

    def working(self, practitioner: Practitioner, location: Location) -> set[int]:
        """The minutes of hours or of extra opening, the wall clock read minute by minute."""
        hours = list(WorkingHours.objects.filter(practitioner=practitioner, location=location))
        extra = [
            Interval(row.starts_at, row.ends_at)
            for row in ExtraOpening.objects.filter(practitioner=practitioner, location=location)
        ]
        found = set()
        for minute, span in self.minutes():
            local = span.starts_at.astimezone(PARIS)
            today = local.date() == self.plan.day and not self.plan.closed
            in_hours = today and any(row.starts <= local.time() < row.ends for row in hours)
            if in_hours or any(each.covers(span) for each in extra):
                found.add(minute)
        return found

    def expected(self, patient: Patient | None) -> list[tuple]:
        """(start, practitioner, room, device), trying every minute with everybody and everything in order."""
        o = self.plan.offsets
        free = {
            each: self.taken(each)
            for each in (*self.practitioners, *self.rooms, *self.devices, *self.patients)
        }
        works = {
            (who, where): self.working(who, where) for who in self.practitioners for where in self.locations
        }

        def first_free(things: list, location: Location, start: int) -> object:
            needed = set(range(start + o["room_from"], start + o["room_until"]))
            return next(
                (each for each in things if each.location == location and not needed & free[each]), None
            )

        found = []
        rooms = [room for room in self.rooms if room.kind == "treatment"]
        for start in filter(self.may_start, range(*self.plan.window)):
            if patient and set(range(start, start + o["patient_minutes"])) & free[patient]:
                continue
            seen = set(range(start + o["practitioner_from"], start + o["practitioner_until"]))
            for who in self.practitioners:
                for where in self.locations:
                    room, device = first_free(rooms, where, start), first_free(self.devices, where, start)
                    if (
                        seen <= works[who, where] - free[who]
                        and room
                        and (device or not self.plan.device_kind)
                    ):
                        used = device if self.plan.device_kind else None
                        found.append((self.midnight + start * MINUTE, who, room, used))
        return found

    def may_start(self, minute: int) -> bool:
        """Grid, notice and how far ahead."""
        instant = self.midnight + minute * MINUTE
        local = instant.astimezone(PARIS)
        return (
            (local.hour * 60 + local.minute) % self.plan.grid == 0
            and instant >= self.at + self.plan.notice * MINUTE
            and (local.date() - self.at.astimezone(PARIS).date()).days <= self.plan.ahead
        )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.booleans(), st.data())
def test_search_finds_exactly_what_looking_at_every_minute_finds(plan, for_a_patient, data):
    """And `why_not` has nothing to say about exactly those starts."""
    with transaction.atomic():
        world = World(plan)
        patient = world.patients[0] if for_a_patient else None
        asked = {"type": world.type, "at": world.at, "patient": patient}
        found = free_starts(window=world.window, **asked)
        expected = world.expected(patient)
        assert [(free.starts_at, free.practitioner, free.room, free.device) for free in found] == expected
        possible = {(start, who) for start, who, _, _ in expected}
        for minute in data.draw(st.lists(st.integers(*plan.window), max_size=3)):
            start = world.midnight + minute * MINUTE
            for who in world.practitioners:
                in_window = minute < plan.window[1]
                reasons = why_not(practitioner=who, starts_at=start, **asked)
                assert not in_window or (reasons == []) is ((start, who) in possible), reasons
        transaction.set_rollback(True)
