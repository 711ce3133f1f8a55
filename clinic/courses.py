"""Several visits in one go: all of a course in one search, or what is in the way and what would help. Read only.

One timetable is read for the whole span. `clinic.course_days` finds the best chain; this module asks it, puts places
to its starts, and explains where there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.availability import last_start
from clinic.course_days import Calendar, Chain, Cost, Layer, Seat, Supply, instant, seat_of
from clinic.gaps import DayGap, HourGap
from clinic.intervals import MINUTE, Interval, ceil_minute, local_day
from clinic.models import Device, Practitioner, Room
from clinic.readiness import Step
from clinic.search import Candidates, FreeStart, Obstacle, Search, Wishes, reach

# How far behind the ideal end the first look goes; only a course that does not fit reads on to the far end.
_MARGIN = 14
_MONTHS_DIFFER = 3  # days by which calendar months differ in length


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
        return Obstruction(layer.step, window, said, is_too_tight=not said and not nobody)

    def options(self, number: int, *, days: int) -> list[Start]:
        """Free starts for one visit of the found course, so many days around it: one a start, best the same person."""
        chain, course = self._answer
        assert course is not None
        visit, layer = course.visits[number], chain.layers[number]
        today = timezone.localdate(visit.starts_at).toordinal()
        supply = layer.supply
        found: list[Start] = []
        for day in range(today - days, today + days + 1):
            people = supply.people(day)
            order = sorted(people, key=lambda who: who == visit.practitioner.pk)
            by_start = {start: who for who in order for start in people[who] if start >= layer.low}
            found += [
                Start(instant(start), supply.practitioners[by_start[start]]) for start in sorted(by_start)
            ]
        return found

    @cached_property
    def _answer(self) -> tuple[Chain, Course | None]:
        """What is near the ideal is looked at first; the far end is read only for a course that does not fit."""
        has_more = self._far_end > self._near_end
        chain = self._read(self._near_end)
        found = chain.best(_MARGIN) if has_more else chain.best()
        if found is None and has_more:
            chain = self._read(self._far_end)
            found = chain.best()
        return chain, self._course(chain.layers, *found) if found else None

    @cached_property
    def _people_and_things(self) -> tuple[list[Practitioner], list[Room], list[Device]]:
        people, rooms, devices = (self.wishes.get(name) for name in ("practitioners", "rooms", "devices"))
        return (
            list(Practitioner.objects.active() if people is None else people),
            list(Room.objects.active() if rooms is None else rooms),
            list(Device.objects.active() if devices is None else devices),
        )

    def _read(self, last_day: date) -> Chain:
        """The timetable of everybody and everything that could serve a visit of the course, and its layers."""
        zone = timezone.get_default_timezone()
        span = Interval(self._begin, local_day(last_day, zone).ends_at)
        people, rooms, devices = self._people_and_things
        wanted = Wishes(**{**self.wishes, "practitioners": people, "rooms": rooms, "devices": devices})
        kinds = {step.type.pk: step.type for step in self.steps}
        suiting = {key: Candidates.suiting(kind, wanted) for key, kind in kinds.items()}
        before, after = (max(parts) for parts in zip(*(reach(kind) for kind in kinds.values()), strict=True))
        patient = self.wishes.get("patient")
        table = timetable.read(
            Interval(span.starts_at - before, span.ends_at + after),
            practitioners={each.pk for found in suiting.values() for each in found.practitioners},
            rooms={each.pk for found in suiting.values() for each in found.rooms},
            devices={each.pk for found in suiting.values() for each in found.devices},
            patients=[patient.pk] if patient else [],
            ignoring=[each.pk for each in self.wishes.get("ignoring", ())],
        )
        calendar = Calendar(span, zone)
        supplies = {key: Supply(Search(kinds[key], span, suiting[key], table), calendar) for key in kinds}
        return Chain([self._layer(number, supplies[step.type.pk]) for number, step in enumerate(self.steps)])

    def _layer(self, number: int, supply: Supply) -> Layer:
        step = self.steps[number]
        following = self.steps[number + 1].gap if number + 1 < len(self.steps) else None
        low, high = self._bounds(step)
        ideal = step.ideal or (None if step.gap else instant(low))
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
            who = supply.practitioners.get(choice.practitioner)
            if who and choice.starts_at in supply.search.by_practitioner[who]:
                layer.only = seat_of(who, choice.starts_at)
            else:
                layer.wanted = timezone.localdate(choice.starts_at).toordinal()
        return layer

    def _bounds(self, step: Step) -> tuple[int, int]:
        """Epoch minutes: the first start that may be and the first that may not."""
        soonest = self.at + step.type.minimum_notice_minutes * MINUTE
        low = ceil_minute(max(soonest, step.earliest or soonest))
        last = last_start(step.type, self.at)
        return low, max(low + 1, ceil_minute(min(last, step.latest or last)))

    @cached_property
    def _begin(self) -> datetime:
        """The first moment that matters: nothing is looked at before the first visit that is open."""
        number, step = next((n, each) for n, each in enumerate(self.steps) if not each.fixed)
        before = self.steps[number - 1].fixed if number and step.gap else None
        low = instant(self._bounds(step)[0])
        begin = max(low, before.starts_at) if before else low
        return min([begin, *(choice.starts_at for choice in self.chosen.values())])

    @cached_property
    def _near_end(self) -> date:
        """The ideal end and a margin; no course up to the margin off the ideal ends later."""
        months = sum(isinstance(step.gap, DayGap) and step.gap.months > 0 for step in self.steps)
        return min(self._end(slack=False) + timedelta(days=_MARGIN + _MONTHS_DIFFER * months), self._far_end)

    @cached_property
    def _far_end(self) -> date:
        return max(self._end(slack=True), timezone.localdate(self._begin))

    def _end(self, *, slack: bool) -> date:
        """When the last visit would be: ideally, or at the latest."""
        day = last = timezone.localdate(self._begin)
        for number, step in enumerate(self.steps):
            choice = self.chosen.get(number)
            if step.fixed or choice:
                day = timezone.localdate(step.fixed.starts_at if step.fixed else choice.starts_at)
            else:
                low, high = (timezone.localdate(instant(each)) for each in self._bounds(step))
                ideal = max(low, timezone.localdate(step.ideal) if step.ideal else low)
                day = min(max(_next_day(step, day, slack=slack) or high, ideal), high)
            last = max(last, day)
        return last

    def _course(self, layers: Sequence[Layer], cost: Cost, seats: list[Seat]) -> Course:
        visits: list[CourseVisit] = []
        before: Seat | None = None
        for number, (layer, seat) in enumerate(zip(layers, seats, strict=True)):
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


def _next_day(step: Step, before: date, *, slack: bool) -> date | None:
    """The day after the visit before that is ideal, or the last that does; None where nothing says."""
    gap = step.gap
    if gap is None:
        return None if slack else date.min
    if isinstance(gap, HourGap):
        far = gap.longest if slack else gap.ideal
        return None if far is None else before + far + timedelta(days=1)
    if not slack:
        return gap.due(before)
    return None if gap.slack is None else gap.due(before) + timedelta(days=gap.slack)
