"""The course search: the best chain of visits, held against every chain there is, and what it says when there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from clinic.availability import free_starts
from clinic.courses import Choice, CourseSearch
from clinic.courses.looks import Look
from clinic.courses.relaxations import Way, relaxations
from clinic.enums import RoomKind
from clinic.gaps import DayGap, HourGap
from clinic.intervals import Interval, Suits
from clinic.models import AppointmentType
from clinic.readiness import FixedVisit, Step
from clinic.search import Candidates, FreeStart, Obstacle
from tests.clinic.desk import Desk, on
from tests.factories.booking import AppointmentFactory, AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.opening import AbsenceFactory, ClosedDayFactory, WorkingHoursFactory
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import LocationFactory, RoomFactory

pytestmark = pytest.mark.django_db

TUESDAY = date(2026, 3, 3)
WEEKLY = DayGap(shortest=6, ideal=7, slack=3)
HARMLESS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def weekly(kind: AppointmentType, count: int, gap: DayGap = WEEKLY) -> tuple[Step, ...]:
    first = Step(
        kind, "1", "s:1", earliest=on(TUESDAY, "00:00"), latest=on(TUESDAY + timedelta(days=7), "00:00")
    )
    return (first, *(Step(kind, str(n), f"s:{n}", gap) for n in range(2, count + 1)))


def search(desk: Desk, steps: Sequence[Step], chosen=None, **wishes) -> CourseSearch:
    return CourseSearch(tuple(steps), CLINIC_NOW, {"patient": desk.patient, **wishes}, chosen or {})


def days(found: CourseSearch) -> list[str]:
    assert found.course is not None
    return [f"{timezone.localtime(visit.starts_at):%d %b %H:%M}" for visit in found.course.visits]


# --- against every chain there is ------------------------------------------------------------------------------------


@dataclass
class Small:
    """A small clinic's fortnight and a course in it."""

    hours: list[tuple[int, int, int]]  # practitioner, weekday, hour from
    away: list[tuple[int, int]]  # practitioner, day
    taken: list[tuple[int, int, int]]  # practitioner, day, hour
    gaps: list[DayGap | HourGap]
    fixed: tuple[int, int] | None  # position, day
    span: int = field(default=4)


@st.composite
def smalls(draw: st.DrawFn) -> Small:
    who, day = st.integers(0, 1), st.integers(0, 13)
    hour = st.sampled_from([9, 14])
    day_gap = st.builds(
        lambda shortest, ideal, slack: DayGap(shortest, shortest + ideal, 0, slack),
        st.integers(1, 3),
        st.integers(0, 3),
        st.integers(0, 3),
    )
    hour_gap = st.builds(
        lambda first, ideal, longest: HourGap(
            timedelta(hours=first), timedelta(hours=first + ideal), timedelta(hours=first + ideal + longest)
        ),
        st.sampled_from([1, 20, 47]),
        st.sampled_from([0, 24, 30]),
        st.sampled_from([1, 25]),
    )
    return Small(
        hours=draw(st.lists(st.tuples(who, st.integers(1, 7), hour), min_size=4, max_size=12, unique=True)),
        away=draw(st.lists(st.tuples(who, day), max_size=3)),
        taken=draw(st.lists(st.tuples(who, day, hour), max_size=4, unique=True)),
        gaps=draw(st.lists(st.one_of(day_gap, hour_gap), min_size=1, max_size=3)),
        fixed=draw(st.none() | st.tuples(st.integers(0, 2), st.integers(2, 9))),
    )


class World:
    """The clinic as rows, the course as steps, and every chain of free starts there is."""

    def __init__(self, small: Small) -> None:
        AppointmentType.objects.update(is_active=False)
        self.small = small
        location = LocationFactory()
        self.people = [PractitionerFactory(name=name, position=n) for n, name in enumerate("AB")]
        rooms = [RoomFactory(location=location, kind=RoomKind.CONSULTATION) for _ in range(2)]
        for who, weekday, hour in small.hours:
            WorkingHoursFactory(
                practitioner=self.people[who],
                location=location,
                weekday=weekday,
                starts=time(hour),
                ends=time(hour + 2),
            )
        self.kind = AppointmentTypeFactory(grid_minutes=60)
        self.patient = PatientFactory()
        for who, day in small.away:
            AbsenceFactory(practitioner=self.people[who], starts_at=self.day(day), ends_at=self.day(day + 1))
        for who, day, hour in small.taken:
            AppointmentFactory(
                type=self.kind, practitioner=self.people[who], room=rooms[who], starts_at=self.day(day, hour)
            )
        self.steps = self._steps()

    def day(self, number: int, hour: int = 0) -> datetime:
        return on(TUESDAY + timedelta(days=number), f"{hour:02}:00")

    def _steps(self) -> tuple[Step, ...]:
        first = Step(
            self.kind, "1", "s:1", earliest=self.day(0), ideal=self.day(1), latest=self.day(self.small.span)
        )
        steps = [first, *(Step(self.kind, str(n), f"s:{n}", gap) for n, gap in enumerate(self.small.gaps, 2))]
        if self.small.fixed and self.small.fixed[0] < len(steps) and len(steps) > 1:
            number, day = self.small.fixed
            fixed = FixedVisit(self.day(day, 10), self.people[0])
            steps[number] = Step(self.kind, "fixed", gap=steps[number].gap, fixed=fixed)
        return tuple(steps)

    def free(self) -> list[FreeStart]:
        window = Interval(self.day(0), self.day(45))
        return free_starts(
            type=self.kind, window=window, at=CLINIC_NOW, practitioners=self.people, patient=self.patient
        )

    def every_cost(self) -> list[tuple[int, int, int, int]]:
        free = self.free()
        return [_cost(self.steps, chain) for chain in self._chains(free, ())]

    def _chains(self, free: list[FreeStart], chain: tuple) -> Iterator[tuple]:
        if len(chain) == len(self.steps):
            yield chain
            return
        step, before = self.steps[len(chain)], chain[-1] if chain else None
        earlier_fixed = bool(chain) and self.steps[len(chain) - 1].fixed is not None
        for place in [step.fixed] if step.fixed else free:
            if (
                (earlier_fixed and step.fixed)
                or (before is None and step.fixed)
                or _fits(step, before, place)
            ):
                yield from self._chains(free, (*chain, place))


def _fits(step: Step, before, place) -> bool:
    if before is None or step.gap is None:
        low, high = step.earliest or CLINIC_NOW, step.latest
        return low <= place.starts_at and (high is None or place.starts_at < high)
    if isinstance(step.gap, HourGap):
        apart = place.starts_at - before.starts_at
        return max(step.gap.shortest, timedelta(minutes=30)) <= apart <= step.gap.longest
    there, here = timezone.localdate(before.starts_at), timezone.localdate(place.starts_at)
    late = None if step.fixed else step.gap.due(there) + timedelta(days=step.gap.slack)
    return (here - there).days >= step.gap.shortest and (late is None or here <= late)


def _off(step: Step, before, place, settled: bool) -> int:
    here = timezone.localdate(place.starts_at)
    if settled:
        return 0
    if before is None or step.gap is None:
        return abs((here - timezone.localdate(step.ideal)).days)
    if isinstance(step.gap, HourGap):
        return abs((here - timezone.localdate(before.starts_at + step.gap.ideal)).days)
    return abs((here - step.gap.due(timezone.localdate(before.starts_at))).days)


def _cost(steps: Sequence[Step], chain: Sequence) -> tuple[int, int, int, int]:
    """Days off the ideal, changes of practitioner, of weekday, minutes between the hours: plainly."""
    total = [0, 0, 0, 0]
    for number, (step, place) in enumerate(zip(steps, chain, strict=True)):
        before = chain[number - 1] if number else None
        settled = step.fixed is not None and (before is None or steps[number - 1].fixed is not None)
        total[0] += _off(step, before, place, settled)
        if before is None:
            continue
        there, here = timezone.localtime(before.starts_at), timezone.localtime(place.starts_at)
        total[1] += before.practitioner != place.practitioner
        total[2] += there.weekday() != here.weekday()
        total[3] += abs(there.hour * 60 + there.minute - here.hour * 60 - here.minute)
    return tuple(total)


@given(small=smalls())
@settings(max_examples=25, suppress_health_check=HARMLESS)
def test_the_course_is_the_best_of_all_chains_of_free_starts(
    rows: None, clinic_now: datetime, small: Small
) -> None:
    with transaction.atomic():
        world = World(small)
        costs = world.every_cost()
        found = CourseSearch(
            world.steps, CLINIC_NOW, {"practitioners": world.people, "patient": world.patient}, {}
        )
        assert (tuple(found.course.cost) if found.course else None) == min(costs, default=None)
        if found.course:
            free = {(each.starts_at, each.practitioner.pk) for each in world.free()}
            chosen = [visit.place for visit in found.course.visits if visit.place]
            assert all((each.starts_at, each.practitioner.pk) in free for each in chosen)
            assert (
                _cost(world.steps, [visit.place or visit for visit in found.course.visits])
                == found.course.cost
            )
        transaction.set_rollback(True)


# --- what it answers -------------------------------------------------------------------------------------------------


def test_ten_sessions_are_found_in_two_queries(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kind = AppointmentTypeFactory(grid_minutes=None)
    lists = {"practitioners": [desk.silva, desk.amari], "rooms": [desk.room, desk.room2], "devices": []}
    with django_assert_num_queries(2):  # the first start that is free, and the timetable from there on
        found = search(desk, weekly(kind, 10), **lists).course
    assert [visit.days_since for visit in found.visits] == [None, *[7] * 9]


def full_day(desk: Desk, *days: date) -> None:
    whole = AppointmentTypeFactory(patient_minutes=480, practitioner_until=480, room_until=480)
    for day in days:
        for who, room in ((desk.silva, desk.room), (desk.amari, desk.room2)):
            AppointmentFactory(type=whole, practitioner=who, room=room, starts_at=on(day, "09:00"))


def test_where_the_ideal_days_are_full_only_the_next_best_are_read_once_more(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    full_day(desk, *(TUESDAY + timedelta(days=7 * n) for n in range(1, 4)))
    lists = {"practitioners": [desk.silva, desk.amari], "rooms": [desk.room, desk.room2], "devices": []}
    with django_assert_num_queries(3):
        found = search(desk, weekly(desk.visit, 4), **lists)
        assert days(found) == ["04 Mar 09:00", "11 Mar 09:00", "18 Mar 09:00", "25 Mar 09:00"]
    assert found.course.cost.days == 1


def test_no_day_is_read_for_later_visits_before_the_first_can_be(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    full_day(desk, *(TUESDAY + timedelta(days=n) for n in range(5)))
    lists = {"practitioners": [desk.silva, desk.amari], "rooms": [desk.room, desk.room2], "devices": []}
    with django_assert_num_queries(
        4
    ):  # one day, two days, four days, and the timetable from the sixth day on
        found = search(desk, weekly(desk.visit, 3), **lists)
        assert days(found) == ["08 Mar 09:00", "15 Mar 09:00", "22 Mar 09:00"]
    assert found.course.cost.days == 5


def test_days_that_turn_out_full_are_passed_over_however_many_they_are(desk: Desk) -> None:
    full_day(desk, *(TUESDAY + timedelta(days=n) for n in range(6, 26) if n != 16))
    found = search(desk, weekly(desk.visit, 2, replace(WEEKLY, slack=18)))
    assert days(found) == ["05 Mar 09:00", "19 Mar 09:00"]
    assert found.course.cost.days == 9
    assert search(desk, weekly(desk.visit, 2)).course is None


def test_a_day_is_read_once(desk: Desk, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    full_day(desk, TUESDAY, TUESDAY + timedelta(days=1))
    suiting = {desk.visit: Candidates.suiting(desk.visit, {})}
    first, second = (TUESDAY.toordinal() + number for number in range(2))
    last = TUESDAY + timedelta(days=3)
    look = Look(suiting, TUESDAY, last, [first], begin=on(TUESDAY, "00:00"), at=CLINIC_NOW)
    with django_assert_num_queries(0):
        look.read([first])
    assert look.unread([first, second]) == {second}
    with django_assert_num_queries(1):
        look.read([first, second])
    with django_assert_num_queries(0):
        look.read([second])


def test_calendar_months_keep_the_day_of_the_month(desk: Desk) -> None:
    monthly = DayGap(shortest=20, months=1, slack=3)
    start = on(date(2026, 3, 31), "00:00")
    steps = weekly(desk.visit, 3, monthly)
    found = search(desk, [Step(desk.visit, "1", earliest=start), *steps[1:]])
    assert days(found) == ["31 Mar 09:00", "30 Apr 09:00", "30 May 09:00"]


def test_the_patient_s_other_visits_and_days_and_hours_are_kept_clear(desk: Desk) -> None:
    desk.book(on(TUESDAY, "14:00"))
    suits = Suits(frozenset({2}), time(14), time(15))
    found = search(desk, weekly(desk.visit, 2), suits=suits)
    assert days(found) == ["03 Mar 14:30", "10 Mar 14:30"]


def test_the_same_practitioner_is_kept_although_another_is_first_in_the_diary(desk: Desk) -> None:
    AbsenceFactory(
        practitioner=desk.silva,
        starts_at=on(TUESDAY, "00:00"),
        ends_at=on(TUESDAY + timedelta(days=1), "00:00"),
    )
    found = search(desk, weekly(desk.visit, 3)).course
    assert [visit.practitioner for visit in found.visits] == [desk.amari] * 3


def test_a_start_that_leads_nowhere_is_not_taken_although_it_is_the_ideal_one(desk: Desk) -> None:
    """Exactly a week apart, and the clinic is closed on the 10th: only who starts on the 4th gets through."""
    ClosedDayFactory(day=date(2026, 3, 10))
    strict = DayGap(shortest=7, ideal=7, slack=0)
    assert days(search(desk, weekly(desk.visit, 3, strict))) == [
        "04 Mar 09:00",
        "11 Mar 09:00",
        "18 Mar 09:00",
    ]


def test_a_chosen_start_stays_and_the_others_follow_it(desk: Desk) -> None:
    choice = {1: Choice(desk.amari.pk, on(TUESDAY + timedelta(days=9), "10:00"))}
    first, *others = weekly(desk.visit, 3)
    found = search(desk, [replace(first, latest=on(TUESDAY, "23:00")), *others], choice)
    assert days(found) == ["03 Mar 10:00", "12 Mar 10:00", "19 Mar 10:00"]
    assert [visit.is_chosen for visit in found.course.visits] == [False, True, False]


def test_a_chosen_start_that_is_taken_is_replaced_near_to_it_and_said(desk: Desk) -> None:
    wanted = on(TUESDAY + timedelta(days=9), "10:00")
    for who, room in ((desk.silva, desk.room), (desk.amari, desk.room2)):
        desk.book(wanted, practitioner=who, room=room, patient=PatientFactory())
    found = search(desk, weekly(desk.visit, 3), {1: Choice(desk.silva.pk, wanted)})
    assert found.taken == [1]
    assert days(found)[1].startswith("12 Mar")


def test_a_visit_on_the_books_is_a_fixed_point(desk: Desk) -> None:
    steps = list(weekly(desk.visit, 3))
    fixed = FixedVisit(on(TUESDAY + timedelta(days=8), "11:00"), desk.amari)
    steps[1] = Step(desk.visit, "2", gap=WEEKLY, fixed=fixed)
    found = search(desk, steps).course
    assert [visit.place is None for visit in found.visits] == [False, True, False]
    assert [visit.practitioner for visit in found.visits] == [desk.amari] * 3
    assert [visit.days_since for visit in found.visits] == [None, 7, 7]


def test_a_reading_lies_in_its_window_of_hours(desk: Desk) -> None:
    window = HourGap(timedelta(hours=48), timedelta(hours=72), timedelta(hours=96))
    steps = [weekly(desk.visit, 1)[0], Step(desk.visit, "reading", "r", window, pairs=True)]
    assert days(search(desk, steps)) == ["03 Mar 09:00", "06 Mar 09:00"]


def test_other_starts_lie_a_week_around_the_visit_and_keep_the_hard_gap(desk: Desk) -> None:
    found = search(desk, weekly(desk.visit, 2))
    options = found.options(1)
    assert (options[0].starts_at, options[-1].starts_at) == (
        on(TUESDAY + timedelta(days=6), "09:00"),
        on(TUESDAY + timedelta(days=14), "16:30"),
    )
    assert {each.practitioner for each in options} == {desk.silva}


# --- when there is none ----------------------------------------------------------------------------------------------


def away(desk: Desk, first: int, last: int, *people) -> None:
    for who in people or (desk.silva, desk.amari):
        AbsenceFactory(
            practitioner=who,
            starts_at=on(TUESDAY + timedelta(days=first), "00:00"),
            ends_at=on(TUESDAY + timedelta(days=last), "00:00"),
        )


def test_the_first_visit_that_cannot_be_reached_says_where_and_why(desk: Desk) -> None:
    away(desk, 1, 12)
    found = search(desk, weekly(desk.visit, 3)[:1] + tuple(weekly(desk.visit, 4)[1:]))
    assert found.course is None
    why = found.obstruction
    assert why.step.label == "2"
    assert timezone.localdate(why.window.starts_at) == date(2026, 3, 9)
    assert dict(why.reasons) == {desk.silva: (Obstacle.ABSENT,), desk.amari: (Obstacle.ABSENT,)}


def test_two_fixed_visits_that_leave_no_day_between_are_too_tight(desk: Desk) -> None:
    steps = list(weekly(desk.visit, 3))
    steps[0] = Step(desk.visit, "1", fixed=FixedVisit(on(TUESDAY, "09:00"), desk.silva))
    steps[2] = Step(
        desk.visit, "3", gap=WEEKLY, fixed=FixedVisit(on(TUESDAY + timedelta(days=9), "09:00"), desk.silva)
    )
    found = search(desk, steps)
    assert found.course is None and found.obstruction.is_too_tight
    assert found.obstruction.step == steps[1]  # the others have their places


def test_nobody_trained_is_said_as_such(desk: Desk) -> None:
    kind = AppointmentTypeFactory(skill="laser", grid_minutes=30)
    found = search(desk, weekly(kind, 2))
    assert found.course is None
    assert (found.obstruction.reasons, found.obstruction.is_too_tight) == ((), False)


@pytest.mark.parametrize(
    ("wishes", "way"),
    [
        ({"suits": Suits(since=time(20))}, Way.HOURS),
        ({"suits": Suits(frozenset({2}), time(9), time(10))}, Way.WEEKDAYS),
        ({"practitioners": "silva"}, Way.ANYONE),
    ],
)
def test_the_nearest_way_out_is_found_by_trying(desk: Desk, wishes: dict, way: Way) -> None:
    if "practitioners" in wishes:
        away(desk, 1, 30, desk.silva)
        wishes = {"practitioners": [desk.silva]}
    elif way == Way.WEEKDAYS:
        away(desk, 7, 8)
    found = relaxations(search(desk, weekly(desk.visit, 2), **wishes))
    assert found[0].way == way
    assert len(found[0].course.visits) == 2


def test_a_stretched_gap_says_by_how_many_days(desk: Desk) -> None:
    away(desk, 1, 12)
    (found, *_rest) = relaxations(search(desk, weekly(desk.visit, 2)))
    assert (found.way, found.days) == (Way.GAP, 2)
    assert timezone.localdate(found.course.visits[1].starts_at) == TUESDAY + timedelta(days=12)


def test_a_later_start_says_by_how_many_days(desk: Desk) -> None:
    away(desk, 0, 9)
    (found, *_rest) = relaxations(search(desk, weekly(desk.visit, 2)))
    assert (found.way, found.days) == (Way.LATER, 3)


def test_a_clinical_window_is_never_stretched(desk: Desk) -> None:
    window = HourGap(timedelta(hours=48), timedelta(hours=72), timedelta(hours=96))
    away(desk, 1, 60)
    ClosedDayFactory(day=date(2026, 3, 2))
    steps = [weekly(desk.visit, 1)[0], Step(desk.visit, "reading", "r", window, pairs=True)]
    assert [each.way for each in relaxations(search(desk, steps))] == [Way.LATER]
