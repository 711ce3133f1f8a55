"""With whom and at what hour, once the days of a course are found: the second half of `clinic.courses.days`. Read only."""

from __future__ import annotations

from bisect import bisect_right
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
    reached: dict[Who, list[tuple[int, int, Found]]] = {}  # cost and clock of each start, with the way to it
    for number, layer in enumerate(steps):
        here: dict[Who, list[tuple[int, int, Found]]] = {}
        for (node, who), sources in layer.items():
            earlier = [each for source in sources for each in reached[source]]
            earlier.sort(key=_by_start)
            here[node, who] = [
                _nearest_hour(Seat(node[0], who, start), earlier, calendar)
                for start in people[number][node][who]
            ]
        reached = here
    ends = [each for found in reached.values() for each in found]
    least, _clock, way = min(ends, key=lambda each: (each[0], each[2][0].start))
    chain: list[Seat] = []
    last: Found | None = way
    while last:
        seat, last = last
        chain.append(seat)
    return least, chain[::-1]


def _nearest_hour(
    seat: Seat, earlier: list[tuple[int, int, Found]], calendar: Calendar
) -> tuple[int, int, Found]:
    """The start with the cheapest way to it; of equal ones the earliest, which comes first."""
    clock = clock_minutes(seat, calendar)
    least, way = (_FAR, None) if earlier else (0, None)
    for cost, before, found in earlier:
        total = cost + abs(before - clock)
        if total < least:
            least, way = total, found
    return least, clock, (seat, way)


def _by_start(reached: tuple[int, int, Found]) -> int:
    return reached[2][0].start


def clock_minutes(seat: Seat, calendar: Calendar) -> int:
    """The wall clock of a start, in minutes after midnight; past a clock change it is the clock after it."""
    _, end = calendar.minutes_of(seat.day)
    if end:
        return seat.start - end + 24 * 60
    local = timezone.localtime(instant(seat.start), timezone.get_default_timezone())
    return local.hour * 60 + local.minute


def instant(minute: int) -> datetime:
    """An epoch minute as a moment in UTC."""
    return EPOCH + minute * MINUTE


def seat_of(practitioner: Practitioner, starts_at: datetime) -> Seat:
    """A visit whose time and practitioner are settled."""
    return Seat(timezone.localdate(starts_at).toordinal(), practitioner.pk.int, floor_minute(starts_at))
