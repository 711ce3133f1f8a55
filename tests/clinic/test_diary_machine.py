"""Anything the desk may do, in any order, on the real database and on a plain model of it: they must agree.

After each step nobody and nothing is taken twice, the rows are what the model says they are, and the action's yes or
no was the model's. The model knows minutes since Monday midnight and nothing else; the week has no clock change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import ClassVar
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from clinic.actions import booking, holds, opening, visits
from clinic.actions.booking import Move, Wish
from clinic.enums import HOLDS_TIME, AbsenceKind, CancelledBy, RoomKind
from clinic.errors import DomainError
from clinic.intervals import MINUTE, Interval
from clinic.models import Appointment, AppointmentType, Device, Patient, Practitioner, Room
from tests.clinic.desk import Desk
from tests.factories import AppointmentTypeFactory, DeviceFactory, PatientFactory, RoomFactory
from tests.factories.clock import PARIS

MONDAY = datetime(2026, 3, 2, tzinfo=PARIS)
DAY = 24 * 60
NOW = 9 * 60  # Monday at nine
WORKS = [(9 * 60, 12 * 60), (13 * 60, 17 * 60)]  # every day, everybody
PAST = 30  # so many minutes ago a walk-in may have begun
SHORTEST = 5  # minutes for which the practitioner sees the patient, at least
SHORTEST = 5  # minutes for which the practitioner sees the patient, at least
HOLD = 45  # minutes for which a time is held
STARTS = [540, 555, 570, 600, 660, 690, 705, 720, 780, 795, 960, 990, 1005, 1010]


@dataclass(frozen=True)
class Booked:
    """A visit as the model knows it; numbers stand for people, rooms and things, None for no device."""

    kind: int
    patient: int
    who: int
    room: int
    device: int | None
    start: int
    minutes: int
    status: str = "booked"
    held_until: int | None = None

    def spans(self) -> Iterator[tuple[tuple[str, int], int, int]]:
        """Whom and what the visit takes, from when until when."""
        kind = KINDS[self.kind]
        longer = self.minutes - kind.patient
        yield ("patient", self.patient), self.start, self.start + self.minutes
        yield ("who", self.who), self.start + kind.seen[0], self.start + kind.seen[1] + longer
        used = (self.start + kind.used[0], self.start + kind.used[1] + longer)
        yield ("room", self.room), *used
        if self.device is not None:
            yield ("device", self.device), *used

    def holds_time(self, now: int) -> bool:
        """Whether others are kept out of its time at this minute."""
        return self.status == "booked" or (self.status == "held" and (self.held_until or 0) > now)


@dataclass(frozen=True)
class Kind:
    """A kind of visit: minutes from the patient's start."""

    patient: int
    seen: tuple[int, int]
    used: tuple[int, int]
    device: bool


KINDS = [
    Kind(patient=30, seen=(0, 30), used=(0, 30), device=False),
    Kind(patient=45, seen=(15, 35), used=(-10, 50), device=True),
]


@dataclass
class Model:
    """The diary in numbers."""

    now: int = NOW
    visits: dict[UUID, Booked] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    shut: list[tuple[tuple[str, int], int, int]] = field(default_factory=list)

    def allows(self, wanted: Booked, ignoring: UUID | None = None) -> bool:
        """Whether the visit can be put there: not in the past, in open time, nobody and nothing taken or shut."""
        _, since, until = next(span for span in wanted.spans() if span[0][0] == "who")
        if wanted.start < self.now - PAST or until - since < SHORTEST:
            return False
        day = since // DAY
        works = any(day * DAY + first <= since and until <= day * DAY + last for first, last in WORKS)
        return (
            works and day not in self.closed and self.is_free(wanted, ignoring) and not self.is_shut(wanted)
        )

    def is_free(self, wanted: Booked, ignoring: UUID | None = None) -> bool:
        """Whether nobody else has what the visit takes."""
        others = [each for key, each in self.visits.items() if key != ignoring and each.holds_time(self.now)]
        return not any(clash(wanted, other) for other in others)

    def is_shut(self, wanted: Booked) -> bool:
        """Whether somebody is away or something out of service meanwhile."""
        return any(
            whom == taken and first < until and since < last
            for whom, first, last in self.shut
            for taken, since, until in wanted.spans()
        )

    def run_out(self) -> None:
        """Whoever takes time calls off the holds that have run out."""
        for key, each in self.visits.items():
            if each.status == "held" and not each.holds_time(self.now):
                self.visits[key] = replace(each, status="cancelled", held_until=None)


def clash(one: Booked, other: Booked) -> bool:
    """Whether both take the same at the same minute."""
    return any(
        whom == taken and first < until and since < last
        for whom, first, last in one.spans()
        for taken, since, until in other.spans()
    )


def moment(minute: int) -> datetime:
    """The instant of a minute of the model."""
    return MONDAY + minute * MINUTE


def minute_of(instant: datetime) -> int:
    """The minute of the model of an instant."""
    return (instant - MONDAY) // MINUTE


one_of_two = st.integers(0, 1)
places = st.fixed_dictionaries(
    {
        "who": one_of_two,
        "room": one_of_two,
        "start": st.builds(lambda day, start: day * DAY + start, st.integers(0, 2), st.sampled_from(STARTS)),
    }
)
lengths = st.sampled_from([0, 0, 0, -15, 15, 60])


class Diary(RuleBasedStateMachine):
    """The desk's day. `world` is written once; each run is rolled back to it."""

    world: ClassVar[World]
    model_class: ClassVar[type[Model]] = Model
    rows = Bundle("rows")

    def __init__(self) -> None:
        super().__init__()
        self.model = self.model_class()
        self._transaction = transaction.atomic()
        self._transaction.__enter__()

    def teardown(self) -> None:
        """Nothing of the run stays."""
        transaction.set_rollback(True)
        self._transaction.__exit__(None, None, None)

    # What the desk does ------------------------------------------------------------------------------------------

    @rule(target=rows, kind=one_of_two, patient=one_of_two, place=places, longer=lengths)
    def book(self, kind: int, patient: int, place: dict, longer: int):
        """A visit, of the usual or its own length."""
        wanted = self.wanted(kind, patient, place, longer)
        expected = self.model.allows(wanted)
        row = self.agree(
            expected, lambda: booking.book(wish=self.wish(wanted), by=self.world.desk.user, at=self.at)
        )
        return self.keep(row, wanted)

    @rule(target=rows, kind=one_of_two, patient=one_of_two, place=places)
    def hold(self, kind: int, patient: int, place: dict):
        """A time kept for a patient who calls back."""
        wanted = self.wanted(kind, patient, place, 0)
        wanted = replace(wanted, status="held", held_until=self.model.now + HOLD)
        expected = self.model.allows(wanted) and self.model.now + HOLD <= wanted.start
        until = moment(self.model.now + HOLD)
        rows = self.agree(
            expected,
            lambda: booking.hold_many(
                wishes=[self.wish(wanted)], until=until, by=self.world.desk.user, at=self.at
            ),
        )
        return self.keep(rows and rows[0], wanted)

    @rule(key=rows)
    def take(self, key: UUID) -> None:
        """The patient calls back; even late, if the time is still there."""
        old = self.model.visits[key]
        expected = old.status == "held" and self.model.allows(old, ignoring=key)
        if self.agree(expected, lambda: holds.take(**self.row(key))):
            self.model.visits[key] = replace(old, status="booked", held_until=None)

    @rule(key=rows)
    def release(self, key: UUID) -> None:
        """The time is not wanted any more."""
        old = self.model.visits[key]
        if self.agree(old.status == "held", lambda: holds.release(**self.row(key))):
            self.model.visits[key] = replace(old, status="cancelled", held_until=None)

    @rule(key=rows, place=places, longer=lengths)
    def move(self, key: UUID, place: dict, longer: int) -> None:
        """Elsewhere, and longer or shorter; a hold that still holds too, to a time after its patient calls back."""
        old = self.model.visits[key]
        new = replace(old, **place, minutes=old.minutes + longer)
        waits = old.status == "held" and old.holds_time(self.model.now) and new.start >= (old.held_until or 0)
        expected = (old.status == "booked" or waits) and self.model.allows(new, ignoring=key)
        row = Appointment.objects.get(pk=key)
        to = Move(
            appointment=row,
            version=row.version,
            practitioner=self.world.people[new.who],
            room=self.world.rooms[new.room],
            starts_at=moment(new.start),
            device=self.device(new.device),
            minutes=new.minutes if longer else None,
        )
        if self.agree(expected, lambda: booking.move(to=to, by=self.world.desk.user, at=self.at)):
            self.model.run_out()
            self.model.visits[key] = new

    @rule(key=rows)
    def cancel(self, key: UUID) -> None:
        """The patient calls it off."""
        old = self.model.visits[key]
        by_patient = {"cancelled_by": CancelledBy.PATIENT}
        if self.agree(old.status == "booked", lambda: visits.cancel(**self.row(key), **by_patient)):
            self.model.visits[key] = replace(old, status="cancelled")

    @rule(key=rows)
    def reinstate(self, key: UUID) -> None:
        """On the books again, whatever has been closed meanwhile, unless somebody else has the time."""
        old = self.model.visits[key]
        expected = old.status == "cancelled" and self.model.is_free(old, ignoring=key)
        if self.agree(expected, lambda: visits.reinstate(**self.row(key))):
            self.model.run_out()
            self.model.visits[key] = replace(old, status="booked")

    @rule(who=one_of_two, start=st.integers(8 * 60, 2 * DAY + 18 * 60), lasts=st.integers(1, 240))
    def absence(self, who: int, start: int, lasts: int) -> None:
        """Closing time cancels nothing and is never refused."""
        span = Interval(moment(start), moment(start + lasts))
        entry = {"practitioner": self.world.people[who], "span": span, "kind": AbsenceKind.SICK}
        assert self.agree(True, lambda: opening.add_absence(**entry, by=self.world.desk.user, at=self.at))
        self.model.shut.append((("who", who), start, start + lasts))

    @rule(
        thing=st.sampled_from(["room", "device"]),
        start=st.integers(8 * 60, 2 * DAY),
        lasts=st.integers(1, 240),
    )
    def out_of_service(self, thing: str, start: int, lasts: int) -> None:
        """The first room, or the device."""
        span = Interval(moment(start), moment(start + lasts))
        entry = {"thing": self.world.rooms[0] if thing == "room" else self.world.gun, "span": span}
        out = {**entry, "reason": "broken", "by": self.world.desk.user, "at": self.at}
        assert self.agree(True, lambda: opening.add_out_of_service(**out))
        self.model.shut.append(((thing, 0), start, start + lasts))

    @rule(day=st.integers(1, 2))
    def close_day(self, day: int) -> None:
        """Once; a day that is closed or over cannot be closed."""
        expected = day not in self.model.closed and day >= self.model.now // DAY
        on = date(2026, 3, 2) + timedelta(days=day)
        closing = {"day": on, "name": "Holiday", "by": self.world.desk.user, "at": self.at}
        if self.agree(expected, lambda: opening.close_day(**closing)):
            self.model.closed.add(day)

    @rule(minutes=st.sampled_from([1, 20, 44, 45, 46, 200]))
    def time_passes(self, minutes: int) -> None:
        """Holds run out by themselves."""
        self.model.now += minutes

    @rule(key=consumes(rows))
    def forget(self, key: UUID) -> None:
        """So that later steps turn to other visits; the row stays."""

    # What must be true after each of them ------------------------------------------------------------------------

    @invariant()
    def the_rows_are_what_the_model_says(self) -> None:
        """Times, people, rooms and states, column by column."""
        shown = {}
        for row in Appointment.objects.all():
            shown[row.pk] = (
                row.status,
                minute_of(row.held_until) if row.held_until else None,
                [
                    (("patient", self.world.patients.index(row.patient_id)), row.starts_at, row.ends_at),
                    (
                        ("who", self.world.who.index(row.practitioner_id)),
                        row.practitioner_from,
                        row.practitioner_until,
                    ),
                    (("room", self.world.where.index(row.room_id)), row.room_from, row.room_until),
                    *([(("device", 0), row.room_from, row.room_until)] if row.device_id else []),
                ],
            )
        assert shown == {
            key: (
                each.status,
                each.held_until,
                [(whom, moment(since), moment(until)) for whom, since, until in each.spans()],
            )
            for key, each in self.model.visits.items()
        }

    @invariant()
    def nobody_and_nothing_is_taken_twice(self) -> None:
        """Looked up in the database alone, pair by pair."""
        rows = list(Appointment.objects.filter(status__in=HOLDS_TIME))
        for one, other in combinations(rows, 2):
            for whom, since, until in TAKES:
                same = getattr(one, whom) is not None and getattr(one, whom) == getattr(other, whom)
                apart = getattr(one, until) <= getattr(other, since) or getattr(other, until) <= getattr(
                    one, since
                )
                assert apart or not same, (whom, one, other)

    # How it is said ----------------------------------------------------------------------------------------------

    @property
    def at(self) -> datetime:
        """Now."""
        return moment(self.model.now)

    def agree(self, expected: bool, act: Callable[[], object]) -> object:
        """What the action gave, or None for a no; the model must have said the same."""
        try:
            with transaction.atomic():
                done = act()
        except DomainError as refusal:
            assert not expected, f"refused ({refusal.code}), although the model allows it: {refusal}"
            return None
        assert expected, f"done, although the model forbids it: {done}"
        return done or True

    def wanted(self, kind: int, patient: int, place: dict, longer: int) -> Booked:
        """The visit as the model would know it."""
        device = 0 if KINDS[kind].device else None
        return Booked(kind, patient, **place, device=device, minutes=KINDS[kind].patient + longer)

    def wish(self, wanted: Booked) -> Wish:
        """The same in rows."""
        world = self.world
        usual = wanted.minutes == KINDS[wanted.kind].patient
        return Wish(
            patient=world.clients[wanted.patient],
            type=world.kinds[wanted.kind],
            practitioner=world.people[wanted.who],
            room=world.rooms[wanted.room],
            device=self.device(wanted.device),
            starts_at=moment(wanted.start),
            minutes=None if usual else wanted.minutes,
        )

    def device(self, number: int | None) -> Device | None:
        """The one there is, or none."""
        return None if number is None else self.world.gun

    def keep(self, row: object, wanted: Booked):
        """Into the model, and into the bundle for later steps."""
        if not isinstance(row, Appointment):
            return multiple()
        self.model.run_out()
        self.model.visits[row.pk] = wanted
        return row.pk

    def row(self, key: UUID) -> dict:
        """What the actions on a visit are called with."""
        return {"appointment": Appointment.objects.get(pk=key), "by": self.world.desk.user, "at": self.at}


TAKES = [
    ("patient_id", "starts_at", "ends_at"),
    ("practitioner_id", "practitioner_from", "practitioner_until"),
    ("room_id", "room_from", "room_until"),
    ("device_id", "room_from", "room_until"),
]


@dataclass
class World:
    """The rows that the model's numbers stand for."""

    desk: Desk
    people: list[Practitioner]
    rooms: list[Room]
    gun: Device
    clients: list[Patient]
    kinds: list[AppointmentType]

    def __post_init__(self) -> None:
        self.patients = [each.pk for each in self.clients]
        self.who = [each.pk for each in self.people]
        self.where = [each.pk for each in self.rooms]


@pytest.fixture
def world(desk: Desk) -> World:
    """Dr Silva and Dr Amari, two treatment rooms, one gun, two patients, a visit with and one without the gun."""
    room = {"location": desk.location, "kind": RoomKind.TREATMENT}
    rooms = [RoomFactory(name=name, **room) for name in ("Left", "Right")]
    kinds = [
        AppointmentTypeFactory(
            patient_minutes=kind.patient,
            practitioner_from=kind.seen[0],
            practitioner_until=kind.seen[1],
            room_from=kind.used[0],
            room_until=kind.used[1],
            room_kind=RoomKind.TREATMENT,
            device_kind="needleless" if kind.device else "",
        )
        for kind in KINDS
    ]
    gun = DeviceFactory(name="Jet", location=desk.location, kind="needleless")
    return World(desk, [desk.silva, desk.amari], rooms, gun, PatientFactory.create_batch(2), kinds)


def run(world: World, model: type[Model] = Model, **changes) -> None:
    """Random steps of everything above, compared with this model."""
    machine = type("Diary", (Diary,), {"world": world, "model_class": model})
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    usual = {"max_examples": 40, "stateful_step_count": 25, "suppress_health_check": slow}
    run_state_machine_as_test(machine, settings=settings(**{**usual, **changes}))


@pytest.mark.django_db
def test_the_diary_and_a_plain_model_of_it_agree(world: World) -> None:
    """Whatever the desk does."""
    run(world)


class Forgetful(Model):
    """Knows of no absence and of nothing out of service."""

    def is_shut(self, wanted: Booked) -> bool:
        """Never."""
        return False


class Blind(Model):
    """Lets everybody be booked twice."""

    def is_free(self, wanted: Booked, ignoring: UUID | None = None) -> bool:
        """Always."""
        return True


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [Forgetful, Blind])
def test_a_wrong_model_is_found_out(world: World, wrong: type[Model]) -> None:
    """The control: the same steps find a difference where there is one."""
    with pytest.raises(AssertionError, match="although the model allows it"):
        run(world, wrong, derandomize=True, database=None, phases=[Phase.generate], max_examples=300)
