"""The whole search on random small clinics, against an oracle that looks at every minute of everybody.

The clinics stand in several time zones, the server in yet another; their days are ordinary ones, leap days, and those
on which the clocks change by an hour, by half an hour, or at midnight.
"""

from __future__ import annotations

import os
import time as clock
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.availability import first_free, free_starts, why_not
from clinic.intervals import MINUTE, Interval, Suits
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
from clinic.rules.booking import may_last

pytestmark = pytest.mark.django_db

# Where the clinic is, and a day there.
DAYS = [
    ("Europe/Paris", date(2026, 11, 24)),
    ("Europe/Paris", date(2028, 2, 29)),
    ("Europe/Paris", date(2026, 3, 29)),  # an hour is missing
    ("Europe/Paris", date(2026, 10, 25)),  # an hour comes twice
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),  # half an hour is missing
    ("Australia/Lord_Howe", date(2026, 4, 5)),  # half an hour comes twice
    ("America/Santiago", date(2026, 9, 6)),  # midnight itself is missing
    ("Asia/Kathmandu", date(2026, 12, 31)),  # 5 h 45 min ahead of UTC
]
SERVER = "Pacific/Auckland"
HOURS = [
    (time(8), time(12)),
    (time(13), time(17)),
    (time(9, 30), time(10, 15)),
    (time(0), time(23, 59)),
    (time(1, 40), time(2, 35)),  # the hour of most clock changes
    (time(0), time(2, 20)),
]
LIKELY = [0, 0, 1, 2, 3, 3, 3, 4, 5]  # of these hours
LENGTHS = [None, None, -10, 25, 60]  # minutes by which the visit is shorter or longer than its type
AROUND = 400  # minutes looked at before and after the window
BOOKED, CANCELLED, HELD, RUN_OUT = range(4)


@dataclass
class Opening:
    """How long something lasts, in seconds after the start of the day, and whom it concerns."""

    whom: int
    first: int
    seconds: int


@dataclass
class Plan:
    """A small clinic's day, before it is written to the database."""

    place: tuple[str, date]
    window: tuple[int, int]
    offsets: dict[str, int]
    device_kind: str
    grid: int
    notice: int
    ahead: int
    closed: bool
    hours: list[tuple[int, int, int, int]]  # practitioner, location, index into HOURS, days after the day
    rooms: list[tuple[int, str]]
    devices: list[tuple[int, int | None]]  # location, and its service is due so many days after the day
    visits: list[tuple[int, int, int, int, int, int, int]]
    longer: int | None
    suits: Suits | None
    absences: list[Opening] = field(default_factory=list)
    faults: list[Opening] = field(default_factory=list)
    extras: list[Opening] = field(default_factory=list)

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's."""
        return ZoneInfo(self.place[0])

    @property
    def day(self) -> date:
        """The day in the middle."""
        return self.place[1]


def wishes(dice: Random, day: date) -> Suits | None:
    """Nothing said, or some weekdays around the day and some hours, one of them in the hour of clock changes."""
    near = [(day + timedelta(days=n)).isoweekday() for n in (-1, 0, 1)]
    days = dice.choice([None, None, near, near, near, near[1:2], near[::2]])
    hours = [(time.min, None), (time.min, None), (time(9), time(15)), (time(2, 10), time(2, 40))]
    since, until = dice.choice([*hours, (time(10, 30), None)])
    return None if days is None else Suits(frozenset(days), since, until)


def random_plan(dice: Random) -> Plan:
    """A clinic's day. Even dice: Hypothesis's own choices lean to corners in which nothing is ever free."""
    some = dice.randint
    seen_from = some(0, 20)
    seen_until = seen_from + some(5, 40)
    place = dice.choice(DAYS)
    hours = [
        (some(0, 1), house(dice), dice.choice(LIKELY), dice.choice([0, 0, 0, -1, 1]))
        for _ in range(some(2, 6))
    ]
    # Near some hours, a little before and after midnight too.
    opens = HOURS[hours[0][2]][0].hour + 24 * hours[0][3] + some(-2, 1)
    return Plan(
        place=place,
        window=(opens * 60, (opens + some(2, 8)) * 60),
        offsets={
            "practitioner_from": seen_from,
            "practitioner_until": seen_until,
            "patient_minutes": seen_until + some(0, 30),
            "room_from": seen_from - dice.choice([0, 5, 20, 90]),
            "room_until": seen_until + some(0, 40),
        },
        device_kind=dice.choice(["", "gun"]),
        grid=dice.choice([5, 15, 25]),
        notice=dice.choice([0, 0, 0, 11 * 60]),
        ahead=dice.choice([30, 30, 30, 30, 30, 30, 1, 0]),
        closed=some(0, 9) == 0,
        hours=hours,
        rooms=[
            (house(dice), dice.choice(["treatment", "treatment", "consultation"])) for _ in range(some(2, 5))
        ],
        devices=[(house(dice), dice.choice([None, None, None, -1, 0])) for _ in range(some(1, 3))],
        visits=[
            (some(0, 1), some(0, 2), some(-1, 1), some(0, 1), some(-120, 1440), some(10, 120), some(0, 3))
            for _ in range(some(0, 8))
        ],
        longer=dice.choice(LENGTHS),
        suits=wishes(dice, place[1]),
        absences=[lasting(dice, 2) for _ in range(some(0, 2))],
        faults=[lasting(dice, 3) for _ in range(some(0, 2))],
        extras=[lasting(dice, 2) for _ in range(some(0, 2))],
    )


def house(dice: Random) -> int:
    """Mostly the first: else most clinics have people in one house and rooms in the other."""
    return dice.choice([0, 0, 0, 1])


def lasting(dice: Random, whom: int) -> Opening:
    """From the evening before to the night after."""
    return Opening(dice.randrange(whom), dice.randint(-2 * 3600, 25 * 3600), dice.randint(1, 4 * 3600))


class World:
    """The plan as rows, and an oracle that knows nothing but minutes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.midnight = datetime.combine(plan.day, time.min, plan.zone).astimezone(UTC)
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
            Device.objects.create(
                name=f"D{n}",
                kind="gun",
                location=self.locations[where],
                service_due_on=None if due is None else plan.day + timedelta(days=due),
            )
            for n, (where, due) in enumerate(plan.devices)
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
        self.minutes_wanted = None if plan.longer is None else self.type.patient_minutes + plan.longer
        if self.minutes_wanted and not may_last(self.type, self.minutes_wanted):
            self.minutes_wanted = None
        self.asked_type = self.type.lasting(self.minutes_wanted)
        self.open_time()
        for visit in plan.visits:
            self.book(*visit)

    def open_time(self) -> None:
        """Hours, closed day, extra opening, absences, faults."""
        if self.plan.closed:
            ClosedDay.objects.create(day=self.plan.day, name="Holiday")
        for who, where, index, later in self.plan.hours:
            starts, ends = HOURS[index]
            day = self.plan.day + timedelta(days=later)
            WorkingHours.objects.create(
                practitioner=self.practitioners[who],
                location=self.locations[self.only_location(who, where)],
                weekday=day.isoweekday(),
                starts=starts,
                ends=ends,
                valid_from=day,
                valid_until=day,
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
        return next((place for person, place, *_ in self.plan.hours if person == who), where)

    def lasting(self, opening: Opening) -> dict:
        starts_at = self.midnight + timedelta(seconds=opening.first)
        ends_at = starts_at + timedelta(seconds=opening.seconds)
        return {"starts_at": starts_at, "ends_at": ends_at, "created_by": self.by, "created_at": self.at}

    def book(
        self, who: int, room: int, device: int, patient: int, minute: int, length: int, state: int
    ) -> None:
        """A visit or a hold, unless the database refuses it; everybody is busy for a different part of it."""
        held_until = {HELD: self.at + MINUTE, RUN_OUT: self.at}.get(state)
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
                    status="held" if held_until else "booked",
                    held_until=held_until,
                    created_by=self.by,
                    created_at=self.at,
                )
        except IntegrityError:
            return
        if state == CANCELLED:
            visit.status, visit.cancelled_at, visit.cancelled_by = "cancelled", self.at, "patient"
            visit.save()

    # The oracle -------------------------------------------------------------------------------------------------

    @cached_property
    def minutes(self) -> list[tuple[int, Interval]]:
        """Every minute of the window and around it, counted from midnight."""
        first, last = self.plan.window[0] - AROUND, self.plan.window[1] + AROUND
        starts = [(minute, self.midnight + minute * MINUTE) for minute in range(first, last)]
        return [(minute, Interval(start, start + MINUTE)) for minute, start in starts]

    @cached_property
    def wall(self) -> dict[date, list[tuple[int, time]]]:
        """What the clinic's clock shows at each minute, by its date; minutes in the order in which they pass."""
        shown: dict[date, list[tuple[int, time]]] = {}
        for minute in range(-3 * 24 * 60, 4 * 24 * 60):
            local = (self.midnight + minute * MINUTE).astimezone(self.plan.zone)
            shown.setdefault(local.date(), []).append((minute, local.time()))
        return shown

    def between(self, day: date, since: time, until: time | None) -> set[int]:
        """From the first minute of the date that shows `since` or later to the last that shows less than `until`."""
        reached = [minute for minute, shown in self.wall.get(day, []) if shown >= since]
        left = [minute for minute, shown in self.wall.get(day, []) if until is None or shown < until]
        return set(range(min(reached), max(left) + 1)) if reached and left else set()

    def taken(self, thing: Practitioner | Patient | Room | Device) -> set[int]:
        """The minutes that somebody or something is busy, away or due for service, at least for a second."""
        kind = type(thing).__name__.lower()
        spans = {"practitioner": "practitioner_{}", "patient": "{}s_at"}.get(kind, "room_{}")
        names = (
            ("starts_at", "ends_at") if kind == "patient" else (spans.format("from"), spans.format("until"))
        )
        visits = Appointment.objects.filter(**{kind: thing}).exclude(status="cancelled")
        busy = [
            Interval(getattr(visit, names[0]), getattr(visit, names[1]))
            for visit in visits
            if visit.held_until is None or visit.held_until > self.at
        ]
        for model, relation in ((Absence, "practitioner"), (OutOfService, "room"), (OutOfService, "device")):
            if relation == kind:
                busy += [
                    Interval(row.starts_at, row.ends_at) for row in model.objects.filter(**{kind: thing})
                ]
        found = {minute for minute, span in self.minutes if any(span.overlaps(each) for each in busy)}
        if due := getattr(thing, "service_due_on", None):
            found |= {minute for day, shown in self.wall.items() if day > due for minute, _ in shown}
        return found

    def working(self, practitioner: Practitioner, location: Location) -> set[int]:
        """The minutes of hours or of extra opening, the wall clock read minute by minute."""
        here = {"practitioner": practitioner, "location": location}
        found: set[int] = set()
        for row in WorkingHours.objects.filter(**here):
            if not (self.plan.closed and row.valid_from == self.plan.day):
                found |= self.between(row.valid_from, row.starts, row.ends)
        extra = [Interval(row.starts_at, row.ends_at) for row in ExtraOpening.objects.filter(**here)]
        return found | {minute for minute, span in self.minutes if any(each.covers(span) for each in extra)}

    @cached_property
    def suiting(self) -> set[int] | None:
        """The minutes at which a visit may start for the patient to be able to come; None: any."""
        suits = self.plan.suits
        if suits is None:
            return None
        days = [day for day in self.wall if day.isoweekday() in suits.weekdays]
        return {minute for day in days for minute in self.between(day, suits.since, suits.until)}

    def expected(self, patient: Patient | None) -> list[tuple]:
        """(start, practitioner, room, device), trying every minute with everybody and everything in order."""
        o = dict(self.plan.offsets)
        if self.minutes_wanted:
            for name in ("patient_minutes", "practitioner_until", "room_until"):
                o[name] += self.plan.longer
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
        local = instant.astimezone(self.plan.zone)
        return (
            (self.suiting is None or minute in self.suiting)
            and (local.hour * 60 + local.minute) % self.plan.grid == 0
            and instant >= self.at + self.plan.notice * MINUTE
            and (local.date() - self.at.astimezone(self.plan.zone).date()).days <= self.plan.ahead
        )


@contextmanager
def clinic_in(zone: str) -> Iterator[None]:
    """The clinic's clock shows this zone's time, the server's another."""
    with override_settings(TIME_ZONE=zone):
        os.environ["TZ"] = SERVER
        clock.tzset()
        yield


@settings(max_examples=30)
@given(st.randoms(use_true_random=True))
def test_search_finds_exactly_what_looking_at_every_minute_finds(dice):
    """And `why_not` has nothing to say about exactly those starts."""
    plan = random_plan(dice)
    with clinic_in(plan.place[0]), transaction.atomic():
        world = World(plan)
        patient = dice.choice([world.patients[0], None])
        asked = {"type": world.asked_type, "at": world.at, "patient": patient, "suits": plan.suits}
        expected = world.expected(patient)
        assert found(free_starts(window=world.window, **asked)) == expected
        soonest = found(first_free(earliest=world.window.starts_at, limit=3, **asked))
        assert [each for each in soonest if each[0] < world.window.ends_at] == expected[:3]
        possible = {(start, who) for start, who, _, _ in expected}
        for minute in [dice.randint(*plan.window) for _ in range(3)]:
            start = world.midnight + minute * MINUTE
            for who in world.practitioners:
                in_window = minute < plan.window[1]
                reasons = why_not(practitioner=who, starts_at=start, **asked)
                assert not in_window or (reasons == []) is ((start, who) in possible), reasons
        transaction.set_rollback(True)


def found(starts) -> list[tuple]:
    return [(free.starts_at, free.practitioner, free.room, free.device) for free in starts]
