"""What would help a course that does not fit: found by trying, the nearest first, each with its own result. Read only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from django.utils import timezone

from clinic.courses.search import Course, CourseSearch
from clinic.gaps import DayGap
from clinic.intervals import Suits
from clinic.readiness import Step
from clinic.search import Wishes

_ENOUGH = 2  # this many ways out are offered


class Way(StrEnum):
    """What is given up, from what costs the patient least to what costs most."""

    HOURS = "hours"
    WEEKDAYS = "weekdays"
    TIMES = "times"
    ANYONE = "anyone"
    GAP = "gap"
    LATER = "later"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A way out that works, and the course it gives. `days`: by how much the gap is stretched or the start is late."""

    way: Way
    course: Course
    days: int = 0


def relaxations(search: CourseSearch) -> list[Relaxation]:
    """The nearest ways out of a search that found nothing; empty when none helps."""
    found: list[Relaxation] = []
    for way in Way:
        if len(found) == _ENOUGH or (found and way == Way.EVERYTHING):
            break
        if found and way == Way.TIMES:
            continue  # half of it is enough
        tried = relaxed(search, way)
        if tried and tried.course:
            found.append(Relaxation(way, tried.course, _days(search, tried.course, way)))
    return found


def relaxed(search: CourseSearch, way: Way) -> CourseSearch | None:
    """The search with that much less asked of it; None where it is not asked."""
    wishes, steps = search.wishes, search.steps
    if way in (Way.HOURS, Way.WEEKDAYS, Way.TIMES, Way.EVERYTHING):
        wishes = _without_times(wishes, way)
    if way in (Way.ANYONE, Way.EVERYTHING):
        wishes = Wishes(**{**wishes, "practitioners": None})
    if way in (Way.GAP, Way.EVERYTHING):
        steps = tuple(stretched(step) for step in steps)
    if way in (Way.LATER, Way.EVERYTHING):
        steps = tuple(step if step.gap else replace(step, latest=None) for step in steps)
    if (wishes, steps) == (search.wishes, search.steps):
        return None
    return CourseSearch(steps, search.at, wishes, search.chosen)


def _without_times(wishes: Wishes, way: Way) -> Wishes:
    suits = wishes.get("suits")
    if suits is None:
        return wishes
    open_ = Suits()
    kept = {
        Way.HOURS: replace(open_, weekdays=suits.weekdays),
        Way.WEEKDAYS: replace(suits, weekdays=open_.weekdays),
    }.get(way)
    return Wishes(**{**wishes, "suits": None if kept == open_ else kept})


def stretched(step: Step) -> Step:
    """Later than the slack; a gap in hours is a clinical window and stays."""
    return replace(step, gap=replace(step.gap, slack=None)) if isinstance(step.gap, DayGap) else step


def _days(search: CourseSearch, course: Course, way: Way) -> int:
    """The most by which one gap is stretched, or how long after the last day that was asked for it starts."""
    late = [0]
    for step, visit in zip(search.steps, course.visits, strict=True):
        if way == Way.GAP and isinstance(step.gap, DayGap) and step.gap.slack is not None:
            late.append((visit.days_off or 0) - step.gap.slack)
        elif way == Way.LATER and step.latest and not step.gap:
            over = timezone.localdate(visit.starts_at) - timezone.localdate(
                step.latest - timedelta(minutes=1)
            )
            late.append(over.days)
    return max(late)
