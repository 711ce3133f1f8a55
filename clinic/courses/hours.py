"""With whom and at what hour, once the days of a course are found: the second half of `clinic.courses.days`. Read only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo
from typing import NamedTuple

from django.utils import timezone

from clinic.intervals import EPOCH, MINUTE, Interval, ceil_minute, clock_time, floor_minute
from clinic.models import Practitioner

Node = tuple[
    int, int
]  # the local day as an ordinal, and the start in epoch minutes; WHOLE_DAY: any start of the day
People = dict[int, list[int]]  # by practitioner (their key as a number) the starts, in epoch minutes
WHOLE_DAY = -1
CHANGE = 1000  # one change of practitioner outweighs every change of weekday
_FAR = 10**9
_MANY = 2**32  # more than the ways to any day


class Seat(NamedTuple):
    """When one visit of the chain starts, and with whom (their key as a number)."""

    day: int
    practitioner: int
    start: int


class Calendar:
    """The local days of a span, as ordinals, with their first minutes."""

    def __init__(self, span: Interval, zone: tzinfo) -> None:
        first = span.starts_at.astimezone(zone).date()
        days = (span.ends_at.astimezone(zone).date() - first).days + 1
        midnights = (clock_time(first + timedelta(days=n), time.min, zone) for n in range(days + 1))
        self.first = first.toordinal()
        self.edges = [ceil_minute(midnight) for midnight in midnights]

    def day_of(self, minute: int) -> int:
        """The day of an epoch minute; of one outside the span, the day before or after it."""
        return self.first + bisect_right(self.edges, minute) - 1

    def minutes_of(self, day: int) -> tuple[int, int]:
        """The first minute of the day and of the next one; nothing for a day outside the span."""
        number = day - self.first
        return (self.edges[number], self.edges[number + 1]) if 0 <= number < len(self.edges) - 1 else (0, 0)


Who = tuple[Node, int]
Found = tuple[Seat, "Found | None"]  # the chain so far, the last seat first
Reached = tuple[
    int, int, Found
]  # a start with the cheapest way to it: the cost so far, the start's clock, the chain


def with_whom(
    ways: list[dict[Node, list[Node]]], people: list[dict[Node, People]]
) -> tuple[int, list[dict[Who, list[Who]]]]:
    """The fewest changes of practitioner, then of weekday; per layer who is on a best way, and from whom."""
    costs: dict[Who, int] = {(node, who): 0 for node in ways[0] for who in people[0][node]}
    came: list[dict[Who, list[Who]]] = [{each: [] for each in costs}]
    for number in range(1, len(ways)):
        before: dict[Node, list[tuple[int, int]]] = {
            node: [(costs[node, who], who) for who in there] for node, there in people[number - 1].items()
        }
        found: dict[Who, int] = {}
        from_whom: dict[Who, list[Who]] = {}
        for node, sources in ways[number].items():
            for who in people[number][node]:
                found[node, who], from_whom[node, who] = _least_change(node, who, sources, before)
        costs = found
        came.append(from_whom)
    least = min(costs.values())
    ends = [each for each, cost in costs.items() if cost == least]
    kept: list[dict[Who, list[Who]]] = []
    for layer in reversed(came):
        kept.append({each: layer[each] for each in ends})
        ends = list(dict.fromkeys(source for each in ends for source in layer[each]))
    return least, kept[::-1]


def _least_change(
    node: Node, who: int, sources: list[Node], before: dict[Node, list[tuple[int, int]]]
) -> tuple[int, list[Who]]:
    """What it costs at least to come to this practitioner on this day, and from where it costs that."""
    least, froms = _FAR, []
    for source in sources:
        moved = (source[0] - node[0]) % 7 != 0
        for cost, other in before[source]:
            total = cost + moved if other == who else cost + moved + CHANGE
            if total < least:
                least, froms = total, [(source, other)]
            elif total == least:
                froms.append((source, other))
    return least, froms


def when(
    steps: list[dict[Who, list[Who]]], people: list[dict[Node, People]], calendar: Calendar
) -> tuple[int, list[Seat]]:
    """The hours that lie nearest to each other, and of these the earliest."""
    least, way = _at_one_hour(steps, people, calendar) or _at_near_hours(steps, people, calendar)
    chain: list[Seat] = []
    last: Found | None = way
    while last:
        seat, last = last
        chain.append(seat)
    return least, chain[::-1]


def _at_one_hour(
    steps: list[dict[Who, list[Who]]], people: list[dict[Node, People]], calendar: Calendar
) -> tuple[int, Found] | None:
    """All visits at the same hour, which nothing beats; found among the starts that still have that hour all along."""
    reached: dict[Who, dict[int, Found]] = {}  # by the clock
    for number, layer in enumerate(steps):
        here: dict[Who, dict[int, Found]] = {}
        for (node, who), sources in layer.items():
            before: dict[int, Found] = {}
            for source in sources:
                for clock, found in reached[source].items():
                    if clock not in before or found[0].start < before[clock][0].start:
                        before[clock] = found
            starts = people[number][node][who]
            here[node, who] = {
                clock: (Seat(node[0], who, start), before.get(clock))
                for start, clock in zip(starts, _clocks(node[0], starts, calendar), strict=True)
                if clock in before or number == 0
            }
        reached = here
    ends = [each for found in reached.values() for each in found.values()]
    return (0, min(ends, key=lambda each: each[0].start)) if ends else None


def _at_near_hours(
    steps: list[dict[Who, list[Who]]], people: list[dict[Node, People]], calendar: Calendar
) -> tuple[int, Found]:
    """The fewest minutes between the hours, where there is no hour for all."""
    reached: dict[Who, list[Reached]] = {}
    for number, layer in enumerate(steps):
        here: dict[Who, list[Reached]] = {}
        for (node, who), sources in layer.items():
            earlier = [each for source in sources for each in reached[source]]
            earlier.sort(key=_by_start)
            seats = [Seat(node[0], who, start) for start in people[number][node][who]]
            here[node, who] = _nearest_hours(seats, earlier, calendar)
        reached = here
    ends = [each for found in reached.values() for each in found]
    least, _clock, way = min(ends, key=lambda each: (each[0], each[2][0].start))
    return least, way


def _nearest_hours(seats: list[Seat], earlier: list[Reached], calendar: Calendar) -> list[Reached]:
    """For the starts of one day the cheapest way to each; of equal ones the earliest, which comes first.

    A way costs a minute more with each minute of the clock that a start lies from it. So the cheapest from an earlier
    hour is the same for start after start until a cheaper one is passed: one sweep up the clock and one down find all.
    """
    clocks = _clocks(seats[0].day, [seat.start for seat in seats], calendar)
    if not earlier:
        return [(0, clock, (seat, None)) for seat, clock in zip(seats, clocks, strict=True)]
    ways = sorted([(clock, (cost - clock) * _MANY + n) for n, (cost, clock, _) in enumerate(earlier)])
    back = [(-clock, way + 2 * clock * _MANY) for clock, way in reversed(ways)]
    up = _sweep(clocks, ways)
    down = _sweep([-clock for clock in reversed(clocks)], back)
    found: list[Reached] = []
    for seat, clock, below, above in zip(seats, clocks, up, reversed(down), strict=True):
        cost, number = divmod(below if below < above else above, _MANY)
        found.append((cost, clock, (seat, earlier[number][2])))
    return found


def _sweep(clocks: list[int], ways: Iterable[tuple[int, int]]) -> list[int]:
    """For each clock, in ascending order, the cheapest of the ways that are not later, and its cost at that hour.

    A way is what it would cost at midnight and, in the places below `_MANY`, its number: the first of equal ones wins.
    """
    found, least, waiting = [], _FAR * _MANY, iter(ways)
    clock_of_next, following = next(waiting)
    for clock in clocks:
        while clock_of_next <= clock:
            least = following if following < least else least
            clock_of_next, following = next(waiting, (_FAR, 0))
        found.append(least + clock * _MANY)
    return found


def _by_start(reached: Reached) -> int:
    return reached[2][0].start


def _clocks(day: int, starts: list[int], calendar: Calendar) -> list[int]:
    """The wall clock of the starts of one day, in minutes after midnight; past a clock change it is the clock after it."""
    _, end = calendar.minutes_of(day)
    if end:
        return [start - end + 24 * 60 for start in starts]
    zone = timezone.get_default_timezone()
    local = [timezone.localtime(instant(start), zone) for start in starts]
    return [each.hour * 60 + each.minute for each in local]


def instant(minute: int) -> datetime:
    """An epoch minute as a moment in UTC."""
    return EPOCH + minute * MINUTE


def seat_of(practitioner: Practitioner, starts_at: datetime) -> Seat:
    """A visit whose time and practitioner are settled."""
    return Seat(timezone.localdate(starts_at).toordinal(), practitioner.pk.int, floor_minute(starts_at))
