"""The days of a course: the chain of days nearest to the ideal, and on them with whom and at what hour. Read only.

Dynamic programming, layer by layer: one layer per visit, one node per day that has a free start (per start, where a
gap is counted in hours). What is minimised comes in this order, each only among what is best by all before it: days
away from the ideal, changes of practitioner, changes of weekday, minutes between the hours. A bound on the days grows
until a chain fits below it, so that a course that is nearly ideal looks at next to nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.utils import timezone

from clinic.courses.hours import (
    CHANGE,
    WHOLE_DAY,
    Calendar,
    Node,
    People,
    Seat,
    instant,
    when,
    with_whom,
)
from clinic.gaps import HourGap
from clinic.intervals import MINUTE, Interval, Minutes, floor_minute
from clinic.readiness import Step
from clinic.search import FreeStart, Search, reach

_FAR = 10**9


class Cost(NamedTuple):
    """What was minimised, in this order."""

    days: int
    practitioners: int
    weekdays: int
    minutes: int


class Supply:
    """The free starts of one kind of visit, day by day; sets of minutes are cut up only where somebody looks."""

    def __init__(self, search: Search, calendar: Calendar, days: Collection[int]) -> None:
        """`days` are those whose timetable was read; on the others nothing is known, so nothing is free."""
        self.search, self.calendar = search, calendar
        self.practitioners = {each.pk.int: each for each in search.by_practitioner}
        every = reduce(or_, search.by_practitioner.values(), search.table.nothing)
        self._origin = every.origin
        self._bytes = {each.pk.int: _bytes(found) for each, found in search.by_practitioner.items()}
        self._anybody = _bytes(every)
        self.days = [day for day in sorted(days) if self._bits(self._anybody, day)]
        self._known = set(self.days)
        self._starts: dict[int, list[int]] = {}
        self._people: dict[int, People] = {}

    def starts(self, day: int) -> list[int]:
        """When anybody could start that day."""
        if day not in self._starts:
            self._starts[day] = self._minutes(self._anybody, day)
        return self._starts[day]

    def people(self, day: int) -> People:
        """Who could start when that day."""
        if day not in self._people:
            known = self._bytes.items() if day in self._known else ()
            found = ((who, self._minutes(data, day)) for who, data in known)
            self._people[day] = {who: starts for who, starts in found if starts}
        return self._people[day]

    def place(self, practitioner: int, start: int) -> FreeStart:
        """A free start of these, with its room and device."""
        found = self.search.place(self.practitioners[practitioner], instant(start))
        assert found is not None
        return found

    def _bits(self, data: bytes, day: int) -> int:
        first, last = (max(each - self._origin, 0) for each in self.calendar.minutes_of(day))
        chunk = int.from_bytes(data[first >> 3 : (last >> 3) + 1], "little")
        return chunk >> (first & 7) & ((1 << last - first) - 1)

    def _minutes(self, data: bytes, day: int) -> list[int]:
        bits, found = self._bits(data, day), []
        first = max(self.calendar.minutes_of(day)[0], self._origin)
        while bits:
            lowest = bits & -bits
            found.append(first + lowest.bit_length() - 1)
            bits ^= lowest
        return found


@dataclass
class Layer:
    """One visit of the course: when it may be. `only` is the one seat of a visit that is fixed or was chosen."""

    step: Step
    supply: Supply
    low: int  # epoch minutes: the first start that may be, and the first that may not
    high: int
    ideal: int | None
    by_start: bool  # a gap in hours, before or after, tells starts of one day apart
    only: Seat | None = None
    wanted: int | None = None  # the day to stay close to, whatever the ideal: what was chosen for it is taken
    _due: dict[Node, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        calendar = self.supply.calendar
        first, last = calendar.day_of(self.low), calendar.day_of(self.high - 1)
        days = self.supply.days
        self.days = [
            day
            for day in days[bisect_left(days, first) : bisect_right(days, last)]
            if first < day < last or self.starts(day)
        ]

    def starts(self, day: int) -> list[int]:
        """The starts of the day that may be."""
        found = self.supply.starts(day)
        return found[bisect_left(found, self.low) : bisect_left(found, self.high)]

    def people(self, node: Node) -> People:
        """With whom the visit could be then."""
        if self.only:
            return {self.only.practitioner: [self.only.start]}
        day, start = node
        low, high = (self.low, self.high) if start == WHOLE_DAY else (start, start + 1)
        cut = {
            who: found[bisect_left(found, low) : bisect_left(found, high)]
            for who, found in self.supply.people(day).items()
        }
        return {who: found for who, found in cut.items() if found}

    def due(self, before: Node | None) -> int:
        """The ideal day after the visit before."""
        if self.wanted is not None:
            return self.wanted
        ideal, gap = self.ideal or 0, self.step.gap
        if before is None or gap is None:
            return ideal
        if isinstance(gap, HourGap):
            return max(ideal, self.supply.calendar.day_of(before[1] + gap.ideal // MINUTE))
        return max(ideal, gap.due(date.fromordinal(before[0])).toordinal())

    def span(self, before: Node | None, due: int, reach_before: timedelta) -> tuple[int, int, int, int]:
        """First and last day, first and last minute that the gap to the visit before leaves."""
        gap = self.step.gap
        if before is None or gap is None:
            return 0, _FAR, 0, _FAR
        if isinstance(gap, HourGap):
            first = before[1] + max(gap.shortest, reach_before + reach(self.step.type)[0]) // MINUTE
            last = _FAR if gap.longest is None else before[1] + gap.longest // MINUTE
            return 0, _FAR, first, last
        return before[0] + max(gap.shortest, 1), _FAR if gap.slack is None else due + gap.slack, 0, _FAR


Ways = tuple[
    int, list[dict[Node, list[Node]]]
]  # days off the ideal; by layer the nodes, and what they are reached from


class Chain:
    """The layers of a course, and the best way through them."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.stopped_at = 0  # the first layer that cannot be reached, once `days` has found nothing
        self.reached: list[Node] = []  # the nodes of the layer before it
        self._was_cut = False

    def nearest(self, most: int = _FAR) -> Ways | None:
        """The chains of days nearest to the ideal, at most so many days off altogether; None when there is none."""
        bound = 1
        while True:
            bound = min(bound, most)
            self._was_cut = False
            if ways := self._days(bound):
                return ways
            if not self._was_cut or bound >= most:
                return None
            bound = bound * 2 + 1

    def open_days(self, ways: Ways) -> set[int]:
        """The days of these chains on which a visit would be booked: not those of what is given or on the books."""
        layers = zip(self.layers, ways[1], strict=True)
        return {day for layer, nodes in layers if not layer.step.fixed for day, _start in nodes}

    def best(self, ways: Ways) -> tuple[Cost, list[Seat]]:
        """Of the nearest chains of days the best: with whom and when."""
        days, layers = ways
        people = [
            {node: layer.people(node) for node in nodes}
            for layer, nodes in zip(self.layers, layers, strict=True)
        ]
        changes, steps = with_whom(layers, people)
        minutes, seats = when(steps, people, self.layers[0].supply.calendar)
        return Cost(days, changes // CHANGE, changes % CHANGE, minutes), seats

    def window_of_the_stop(self) -> Interval | None:
        """Where the visit that cannot be reached was looked for; None where the gaps leave nothing to look at."""
        layer = self.layers[self.stopped_at]
        calendar = layer.supply.calendar
        before: list[Node | None] = list(self.reached) or [None]
        spans = [layer.span(node, layer.due(node), self._wait(self.stopped_at)) for node in before]
        days = min(each[0] for each in spans), max(each[1] for each in spans)
        low = max(layer.low, min(each[2] for each in spans), calendar.minutes_of(days[0])[0])
        high = min(layer.high, max(each[3] for each in spans) + 1, calendar.minutes_of(days[1])[1] or _FAR)
        return Interval(instant(low), instant(high)) if low < high else None

    def hard_limits(self, number: int, before: datetime) -> tuple[int, int, int]:
        """The first day, and the first and last minute, that the gap to a visit before leaves, however late."""
        layer = self.layers[number]
        node = (timezone.localdate(before).toordinal(), floor_minute(before)) if number else None
        first_day, _last_day, first, last = layer.span(node, layer.due(node), self._wait(number))
        return first_day, first, last

    def _wait(self, number: int) -> timedelta:
        """How long the visit before keeps anybody or anything."""
        return reach(self.layers[number - 1].step.type)[1] if number else timedelta()

    def _days(self, bound: int) -> Ways | None:
        """The least sum of days off, and per layer the nodes on some best way with the nodes they are reached from."""
        costs: dict[Node, int] = {}
        came: list[dict[Node, list[Node]]] = []
        for number in range(len(self.layers)):
            found: dict[Node, int] = {}
            ways: dict[Node, list[Node]] = {}
            sources: list[tuple[Node | None, int]] = list(costs.items()) if number else [(None, 0)]
            for before, so_far in sources:
                for node, off in self._after(number, before, bound - so_far):
                    cost = so_far + off
                    least = found.get(node, _FAR)
                    if cost < least:
                        found[node], ways[node] = cost, [before] if before else []
                    elif cost == least and before:
                        ways[node].append(before)
            if not found:
                self.stopped_at, self.reached = number, list(costs)
                return None
            costs = found
            came.append(ways)
        least = min(costs.values())
        return least, self._on_best_ways(came, [node for node, cost in costs.items() if cost == least])

    @staticmethod
    def _on_best_ways(came: list[dict[Node, list[Node]]], ends: list[Node]) -> list[dict[Node, list[Node]]]:
        kept: list[dict[Node, list[Node]]] = []
        for ways in reversed(came):
            kept.append({node: ways[node] for node in ends})
            ends = list(dict.fromkeys(before for node in ends for before in ways[node]))
        return kept[::-1]

    def _after(self, number: int, before: Node | None, room: int) -> Iterator[tuple[Node, int]]:
        """The nodes of the layer that follow a node of the one before, with the days they are off; at most `room`."""
        layer = self.layers[number]
        earlier = self.layers[number - 1] if number else None
        due = layer.due(before)
        first_day, last_day, first, last = layer.span(before, due, self._wait(number))
        if layer.only:
            yield from self._to_the_only(layer, earlier, due, (first_day, first, last), room)
            return
        if first or last < _FAR:
            calendar = layer.supply.calendar
            first_day, last_day = calendar.day_of(first), calendar.day_of(last)
        days = layer.days
        low, high = bisect_left(days, first_day), bisect_right(days, last_day)
        near, far = bisect_left(days, due - room), bisect_right(days, due + room)
        self._was_cut |= near > low or far < high
        for day in days[max(low, near) : min(high, far)]:
            if layer.by_start:
                yield from (
                    ((day, start), abs(day - due)) for start in layer.starts(day) if first <= start <= last
                )
            else:
                yield (day, WHOLE_DAY), abs(day - due)

    def _to_the_only(
        self, layer: Layer, earlier: Layer | None, due: int, least: tuple[int, int, int], room: int
    ) -> Iterator[tuple[Node, int]]:
        """What is on the books or was chosen stays; only the hard gap to a visit that is still open is asked for."""
        seat = layer.only
        assert seat is not None
        first_day, first, last = least
        if earlier is None or earlier.only or layer.step.gap is None:
            yield (seat.day, seat.start), 0
        elif seat.day >= first_day and first <= seat.start <= last:
            off = abs(seat.day - due)
            self._was_cut |= off > room
            if off <= room:
                yield (seat.day, seat.start), off


def _bytes(minutes: Minutes) -> bytes:
    return minutes.bits.to_bytes(minutes.length // 8 + 2, "little")
