"""The hours of a course, held against every chain of starts there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from clinic.courses.hours import Calendar, Seat, Who, instant, when
from clinic.intervals import Interval, floor_minute, local_day

PARIS = ZoneInfo("Europe/Paris")
SATURDAY = date(2026, 3, 28)  # the clocks go forward the night after
CALENDAR = Calendar(
    Interval(local_day(SATURDAY, PARIS).starts_at, local_day(SATURDAY + timedelta(days=3), PARIS).ends_at),
    PARIS,
)

Steps = list[dict[Who, list[Who]]]
People = list[dict[tuple[int, int], dict[int, list[int]]]]


@st.composite
def courses(draw: st.DrawFn) -> tuple[Steps, People]:
    """Two to four visits, a day after one another; with whom they could be, when, and whom that can be reached from."""
    steps: Steps = []
    people: People = []
    for number in range(draw(st.integers(2, 4))):
        day = SATURDAY + timedelta(days=number)
        first = floor_minute(local_day(day, PARIS).starts_at)
        node = (day.toordinal(), -1)
        hours = st.lists(st.integers(16, 30), min_size=1, max_size=4, unique=True)
        starts = draw(st.dictionaries(st.integers(1, 3), hours, min_size=1))
        people.append(
            {node: {who: sorted(first + 30 * half for half in found) for who, found in starts.items()}}
        )
        before = list(steps[-1]) if steps else []
        some = st.lists(st.sampled_from(before), min_size=1, unique=True) if before else st.just([])
        steps.append({(node, who): draw(some) for who in starts})
    return steps, people


def every_chain(steps: Steps, people: People) -> Iterator[tuple[Seat, ...]]:
    def back(number: int, seats: list[tuple[Who, int]]) -> Iterator[tuple[Seat, ...]]:
        (node, who), _start = seats[0]
        if number == 0:
            yield tuple(Seat(node[0], who, start) for (node, who), start in seats)
            return
        for source in steps[number][node, who]:
            for start in people[number - 1][source[0]][source[1]]:
                yield from back(number - 1, [(source, start), *seats])

    last = len(steps) - 1
    for node, who in steps[last]:
        for start in people[last][node][who]:
            yield from back(last, [((node, who), start)])


def minutes_between(chain: tuple[Seat, ...]) -> int:
    local = [timezone.localtime(instant(seat.start), PARIS) for seat in chain]
    clocks = [each.hour * 60 + each.minute for each in local]
    return sum(abs(there - here) for there, here in pairwise(clocks))


@given(courses())
def test_the_hours_lie_as_near_to_each_other_as_in_any_chain_and_of_these_the_last_is_the_earliest(
    course: tuple[Steps, People],
) -> None:
    steps, people = course
    minutes, seats = when(steps, people, CALENDAR)
    chains = set(every_chain(steps, people))
    least = min(map(minutes_between, chains))
    assert tuple(seats) in chains
    assert (minutes, minutes_between(tuple(seats))) == (least, least)
    assert seats[-1].start == min(chain[-1].start for chain in chains if minutes_between(chain) == least)


def test_the_clock_counts_and_not_the_hours_that_went_by() -> None:
    """Over the night on which the clocks go forward, ten o'clock comes after twenty-three hours."""
    days = [SATURDAY, SATURDAY + timedelta(days=1)]
    nodes = [(day.toordinal(), -1) for day in days]
    first = floor_minute(local_day(days[0], PARIS).starts_at) + 10 * 60
    people: People = [{nodes[0]: {1: [first]}}, {nodes[1]: {1: [first + 23 * 60, first + 24 * 60]}}]
    steps: Steps = [{(nodes[0], 1): []}, {(nodes[1], 1): [(nodes[0], 1)]}]
    assert when(steps, people, CALENDAR) == (
        0,
        [Seat(nodes[0][0], 1, first), Seat(nodes[1][0], 1, first + 23 * 60)],
    )


def test_a_visit_before_the_calendar_is_held_to_the_clock_of_its_own_day() -> None:
    """Booked on Friday at ten in winter time; on Monday, in summer time, ten o'clock is as near as can be."""
    friday, monday = SATURDAY - timedelta(days=1), SATURDAY + timedelta(days=2)
    nodes = [(day.toordinal(), -1) for day in (friday, monday)]
    assert CALENDAR.minutes_of(nodes[0][0]) == (0, 0)
    booked, ten = (floor_minute(local_day(day, PARIS).starts_at) + 10 * 60 for day in (friday, monday))
    people: People = [{nodes[0]: {1: [booked]}}, {nodes[1]: {1: [ten - 60, ten, ten + 60]}}]
    steps: Steps = [{(nodes[0], 1): []}, {(nodes[1], 1): [(nodes[0], 1)]}]
    assert when(steps, people, CALENDAR) == (0, [Seat(nodes[0][0], 1, booked), Seat(nodes[1][0], 1, ten)])


def test_an_hour_that_is_nearer_is_not_taken_when_the_way_to_it_was_longer() -> None:
    days = [SATURDAY + timedelta(days=number) for number in (1, 2, 3)]
    nodes = [(day.toordinal(), -1) for day in days]
    eight, nine, half_past, noon = (
        [floor_minute(local_day(day, PARIS).ends_at) - 24 * 60 + minutes for day in days]
        for minutes in (8 * 60, 9 * 60, 9 * 60 + 30, 12 * 60)
    )
    people: People = [
        {nodes[0]: {1: [eight[0]], 2: [noon[0]]}},
        {nodes[1]: {1: [eight[1]], 2: [nine[1]]}},
        {nodes[2]: {1: [half_past[2]]}},
    ]
    steps: Steps = [
        {(nodes[0], 1): [], (nodes[0], 2): []},
        {(nodes[1], 1): [(nodes[0], 1)], (nodes[1], 2): [(nodes[0], 2)]},
        {(nodes[2], 1): [(nodes[1], 1), (nodes[1], 2)]},
    ]
    minutes, seats = when(steps, people, CALENDAR)
    assert (minutes, [seat.start for seat in seats]) == (90, [eight[0], eight[1], half_past[2]])
