"""Several visits in one go: all of a course in one search, or what is in the way and what would help. Read only.

`clinic.courses.looks` reads the timetable and `clinic.courses.days` finds the best chain; this module says which days are
worth reading, puts places to the starts of the chain, and explains where there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from clinic.availability import last_start
from clinic.courses.days import Chain, Cost, Layer, Supply, Ways
from clinic.courses.hours import Seat, instant, seat_of
from clinic.courses.looks import Look, first_start
from clinic.gaps import HourGap
from clinic.intervals import MINUTE, Interval, ceil_minute
from clinic.models import AppointmentType, Practitioner
from clinic.readiness import Step
from clinic.search import Candidates, FreeStart, Obstacle, Wishes

_NEAR = 21  # days off the ideal, altogether, up to which a course is looked for before everything is read
_AROUND = 7  # days around a visit in which other starts for it are looked for


class Choice(NamedTuple):
    """A start that a person chose for one visit of the course."""

    practitioner: UUID
    starts_at: datetime


class Start(NamedTuple):
    """A free start with somebody; room and device are found when it is chosen."""

    starts_at: datetime
    practitioner: Practitioner


@dataclass(frozen=True, slots=True)
class CourseVisit:
    """One visit of the course as proposed. `place` is None for what is given or on the books already.

    `days_since` counts from the visit before, `days_off` from the ideal day; a visit that was chosen may be off either.
    """

    step: Step
    starts_at: datetime
    practitioner: Practitioner
    place: FreeStart | None
    days_since: int | None
    days_off: int | None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """A whole course that can be booked, and what it costs against the ideal."""

    visits: tuple[CourseVisit, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class Obstruction:
    """The first visit that cannot be reached, where it was looked for, and why not, by practitioner.

    `is_too_tight`: between the visits that are settled there is no room for the gaps. Nobody in `reasons`: nobody is
    trained in it.
    """

    step: Step
    window: Interval | None
    reasons: tuple[tuple[Practitioner, tuple[Obstacle, ...]], ...] = ()
    is_too_tight: bool = False


@dataclass(frozen=True)
class CourseSearch:
    """What was asked. What was read for it, and what was found, is worked out once, when it is needed."""

    steps: tuple[Step, ...]
    at: datetime
    wishes: Wishes
    chosen: Mapping[int, Choice]

    @property
    def course(self) -> Course | None:
        """The best course; None where there is none."""
        return self._answer[1]

    @property
    def taken(self) -> list[int]:
        """The visits whose chosen start is not free (any more); they were planned anew, near to it."""
        layers = self._answer[0].layers
        return [number for number, layer in enumerate(layers) if layer.wanted is not None]

    @property
    def obstruction(self) -> Obstruction:
        """Where the course ends and why. Only where no course was found."""
        chain = self._answer[0]
        layer, window = chain.layers[chain.stopped_at], chain.window_of_the_stop()
        search = layer.supply.search
        reasons = (
            []
            if layer.only or window is None
            else [(who, tuple(search.obstacles(who, window))) for who in search.candidates.practitioners]
        )
        said = tuple((who, obstacles) for who, obstacles in reasons if obstacles)
        nobody = not search.candidates.practitioners
        step = layer.step
        if layer.only and chain.stopped_at:
            # What is settled has its place; the visit before it is the one that finds none.
            before = chain.layers[chain.stopped_at - 1]
            step = step if before.only else before.step
        return Obstruction(step, window, said, is_too_tight=not said and not nobody)

    def options(self, number: int) -> list[Start]:
        """Free starts for one visit of the found course, a week around it: one a start, best with the same person."""
        course, layer = self.course, self._surroundings.layers[number]
        assert course is not None
        visit, supply = course.visits[number], layer.supply
        today = timezone.localdate(visit.starts_at).toordinal()
        first_day, first, last = self._surroundings.hard_limits(number, course.visits[number - 1].starts_at)
        found: list[Start] = []
        for day in range(max(today - _AROUND, first_day), today + _AROUND + 1):
            people = supply.people(day)
            order = sorted(people, key=lambda who: who == visit.practitioner.pk.int)
            by_start = {start: who for who in order for start in people[who]}
            found += [
                Start(instant(start), supply.practitioners[by_start[start]])
                for start in sorted(by_start)
                if max(layer.low, first) <= start <= last
            ]
        return found

    @cached_property
    def _surroundings(self) -> Chain:
        assert self.course is not None
        settled = [timezone.localdate(each.starts_at) for each in self.course.visits if each.place]
        around = timedelta(days=_AROUND)
        days = _days((day - around, day + around) for day in settled)
        return self._chain(self._look(min(settled) - around, max(settled) + around, days), days)

    @cached_property
    def _answer(self) -> tuple[Chain, Course | None]:
        """What is near the ideal is looked at first."""
        if near := self._near_the_ideal():
            return near
        stretch = timezone.localdate(self._begin), self._far_end
        chain = self._chain(self._look(*stretch, _days([stretch])))
        ways = chain.nearest()
        return chain, self._course(chain, ways) if ways else None

    def _near_the_ideal(self) -> tuple[Chain, Course] | None:
        """The best course, if it is near the ideal; of the days only those are read that it could lie on.

        A day that was not read counts as free, so that no course is nearer to the ideal than the best chains of days.
        Once every day of theirs was read, they are what is looked for; if not, those days are read next.
        """
        ranges = self._within_reach(_NEAR)
        first, last = min(first for first, _ in ranges), max(last for _, last in ranges)
        look, around = self._look(first, last, _days(self._within_reach(0))), 1
        while True:
            chain = self._chain(look)
            ways = chain.nearest(_NEAR)
            if ways is None:
                return None
            days = look.unread(chain.open_days(ways))
            if not days:
                return chain, self._course(chain, ways)
            look.read(day + n for day in days for n in range(-around, around + 1))
            around = around * 2 + 1

    @cached_property
    def _suiting(self) -> dict[AppointmentType, Candidates]:
        """By kind of visit, everybody and everything that could serve it."""
        kinds = dict.fromkeys(step.type for step in self.steps)
        return {kind: Candidates.suiting(kind, self.wishes) for kind in kinds}

    def _look(self, first: date, last: date, days: Iterable[int]) -> Look:
        return Look(self._suiting, first, last, days, begin=self._begin, at=self.at)

    def _chain(self, look: Look, days: Collection[int] | None = None) -> Chain:
        supplies = look.supplies(days)
        return Chain([self._layer(number, supplies[step.type]) for number, step in enumerate(self.steps)])

    def _layer(self, number: int, supply: Supply) -> Layer:
        step = self.steps[number]
        following = self.steps[number + 1].gap if number + 1 < len(self.steps) else None
        low, high = self._bounds[number]
        ideal = step.ideal or (None if step.gap else instant(self._asked_for[number][0]))
        layer = Layer(
            step=step,
            supply=supply,
            low=low,
            high=high,
            ideal=timezone.localdate(ideal).toordinal() if ideal else None,
            by_start=isinstance(step.gap, HourGap) or isinstance(following, HourGap),
        )
        if step.fixed:
            layer.only = seat_of(step.fixed.practitioner, step.fixed.starts_at)
        elif choice := self.chosen.get(number):
            who = supply.practitioners.get(choice.practitioner.int)
            if who and choice.starts_at in supply.search.by_practitioner[who]:
                layer.only = seat_of(who, choice.starts_at)
            else:
                layer.wanted = timezone.localdate(choice.starts_at).toordinal()
        return layer

    @cached_property
    def _bounds(self) -> list[tuple[int, int]]:
        """Step by step, in epoch minutes: the first start that may be and the first that may not.

        Every visit counts from the first: where that is wanted as soon as possible, nothing before its first free start
        is worth reading for any of them.
        """
        first, (low, high) = self.steps[0], self._asked_for[0]
        if first.fixed or first.ideal or 0 in self.chosen:
            return self._asked_for
        until = min(instant(high), instant(low) + timedelta(days=_NEAR))
        start = first_start(first.type, self._suiting[first.type], Interval(instant(low), until), at=self.at)
        return [(low if start is None else start, high), *self._asked_for[1:]]

    @cached_property
    def _asked_for(self) -> list[tuple[int, int]]:
        """The same, whatever is free."""
        found = []
        for step in self.steps:
            soonest, last = self.at + step.type.minimum_notice_minutes * MINUTE, self._last_starts[step.type]
            low = ceil_minute(max(soonest, step.earliest or soonest))
            found.append((low, max(low + 1, ceil_minute(min(last, step.latest or last)))))
        return found

    @cached_property
    def _last_starts(self) -> dict[AppointmentType, datetime]:
        return {kind: last_start(kind, self.at) for kind in {step.type for step in self.steps}}

    @cached_property
    def _begin(self) -> datetime:
        """The first moment that matters: nothing is looked at before the first visit that is open."""
        number, step = next((n, each) for n, each in enumerate(self.steps) if not each.fixed)
        before = self.steps[number - 1].fixed if number and step.gap else None
        low = instant(self._bounds[number][0])
        begin = max(low, before.starts_at) if before else low
        return min([begin, *(choice.starts_at for choice in self.chosen.values())])

    def _within_reach(self, off: int) -> list[tuple[date, date]]:
        """For each visit the first and last day that a chain at most `off` days off the ideal can put it on.

        Spending k of the days off on the way costs what the visit before was reached with, and the rest here.
        """
        edges: dict[int, list[date]] = {-1: [], 1: []}
        ranges = []
        for number, step in enumerate(self.steps):
            settled = self._settled_on(number)
            for sign, before in edges.items():
                due = [self._due(number, day, upwards=sign > 0) for day in before]
                due = [settled] if settled else due or [self._due(number, None, upwards=False)]
                edges[sign] = due if step.fixed else _spread(due, off, sign)
            if not step.fixed:
                ranges.append((edges[-1][-1], edges[1][-1]))
        return ranges

    def _settled_on(self, number: int) -> date | None:
        """The day of a visit that is fixed or was chosen."""
        fixed, choice = self.steps[number].fixed, self.chosen.get(number)
        settled = fixed or choice
        return timezone.localdate(settled.starts_at) if settled else None

    def _due(self, number: int, before: date | None, *, upwards: bool) -> date:
        """The ideal day after a visit on that day; a gap in hours may begin early or late in the day."""
        step = self.steps[number]
        if before is None or step.gap is None:
            return self._ideals[number]
        if isinstance(step.gap, HourGap):
            due = before + timedelta(days=step.gap.ideal.days + upwards)
        else:
            due = step.gap.due(before)
        return max(due, self._ideals[number]) if step.ideal else due

    @cached_property
    def _ideals(self) -> list[date]:
        """Step by step the day that is aimed at, whenever the visit before is."""
        lows = [instant(low) for low, _ in self._bounds]
        return [
            timezone.localdate(max(step.ideal, low) if step.ideal else low)
            for step, low in zip(self.steps, lows, strict=True)
        ]

    @cached_property
    def _far_end(self) -> date:
        """The last day on which the last visit may be."""
        day = last = timezone.localdate(self._begin)
        for number, step in enumerate(self.steps):
            if settled := self._settled_on(number):
                day = settled
            else:
                low, high = (timezone.localdate(instant(each)) for each in self._bounds[number])
                ideal = max(low, timezone.localdate(step.ideal) if step.ideal else low)
                day = min(max(_last_day(step, day, ideal) or high, ideal), high)
            last = max(last, day)
        return last

    def _course(self, chain: Chain, ways: Ways) -> Course:
        cost, seats = chain.best(ways)
        visits: list[CourseVisit] = []
        before: Seat | None = None
        for number, (layer, seat) in enumerate(zip(chain.layers, seats, strict=True)):
            starts_at, step = instant(seat.start), layer.step
            place = None if step.fixed else layer.supply.place(seat.practitioner, seat.start)
            due = layer.due((before.day, before.start)) if before and step.gap else (layer.ideal or seat.day)
            visits.append(
                CourseVisit(
                    step=step,
                    starts_at=step.fixed.starts_at if step.fixed else starts_at,
                    practitioner=step.fixed.practitioner
                    if step.fixed
                    else layer.supply.practitioners[seat.practitioner],
                    place=place,
                    days_since=seat.day - before.day if before else None,
                    days_off=None if step.fixed else seat.day - due,
                    is_chosen=number in self.chosen and layer.only is not None,
                )
            )
            before = seat
        return Course(tuple(visits), cost)


def _days(ranges: Iterable[tuple[date, date]]) -> set[int]:
    """Every day of the ranges, as ordinals."""
    return {day for first, last in ranges for day in range(first.toordinal(), last.toordinal() + 1)}


def _spread(due: list[date], off: int, sign: int) -> list[date]:
    """For each number of days off up to `off`, the farthest day; `due` are the ideal days by what was spent before.

    What was spent is spent here, or was before: on the way to the last of the ideal days that are known.
    """
    further, farthest = timedelta(days=sign), max if sign > 0 else min
    found = due[:1]
    for spent in range(1, off + 1):
        found.append(farthest([found[-1] + further, *due[spent : spent + 1]]))
    return found


def _last_day(step: Step, before: date, ideal: date) -> date | None:
    """The last day that does after a visit on that day; None where nothing says."""
    gap = step.gap
    if isinstance(gap, HourGap):
        return None if gap.longest is None else before + gap.longest + timedelta(days=1)
    if gap is None or gap.slack is None:
        return None
    return max(gap.due(before), ideal) + timedelta(days=gap.slack)
