"""The course page: the proposal row by row, with gap and readiness, what each row can be changed to, and ways out.

Read only. The page's state is in its address: the wishes, and by purpose what was chosen for single visits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from clinic import readiness
from clinic.availability import Obstacle, last_start
from clinic.chooser import Part, Slot, hours_of
from clinic.courses import Choice, Course, CourseSearch, CourseVisit, Start
from clinic.courses.relaxations import Relaxation, Way, relaxations, stretched
from clinic.intervals import Suits, from_address, local_day, to_address
from clinic.models import Patient
from clinic.readiness import CourseOffer, Step, Verdict, Visit
from clinic.rules.booking import obstacle_words
from clinic.search import FreeStart, Wishes

_A_DAY = 6  # other starts shown of a day


def write_choice(choice: Choice | Start | FreeStart) -> str:
    """A start as it stands in an address."""
    who = choice.practitioner if isinstance(choice, Choice) else choice.practitioner.pk
    return f"{to_address(choice.starts_at)}_{who.hex}"


def read_choice(text: str) -> Choice:
    """The choice that was written; ValueError for anything else."""
    moment, who = text.split("_")
    return Choice(UUID(who), from_address(moment))


@dataclass(frozen=True, slots=True)
class Other:
    """Another free start for a visit; `value` is what its button sends."""

    start: Start
    value: str


@dataclass(frozen=True, slots=True)
class Row:
    """One visit of the proposal as the page shows it."""

    visit: CourseVisit
    gap: str
    verdict: Verdict
    is_pinned: bool = False
    is_taken: bool = False
    kept: str = ""  # for the address
    place: str = ""  # for the booking
    earlier: Other | None = None
    later: Other | None = None
    others: Sequence[tuple[date, list[Other]]] = ()
    caution: str = ""


@dataclass(frozen=True, slots=True)
class WayOut:
    """A relaxation in words, with the changes of the page's state that accept it."""

    words: str
    course: Course
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class CoursePage:
    """Everything the page needs to know. `chosen` are starts by purpose; `pinned` those a person picked."""

    patient: Patient
    offer: CourseOffer
    at: datetime
    state: Mapping[str, Any]
    chosen: Mapping[str, Choice]
    pinned: frozenset[str]

    @cached_property
    def search(self) -> CourseSearch:
        """The search these choices stand for."""
        steps = tuple(self._wished(step) for step in self.offer.steps)
        numbers = {step.purpose: number for number, step in enumerate(steps) if not step.fixed}
        chosen = {
            number: each
            for purpose, each in self.chosen.items()
            if (number := numbers.get(purpose)) is not None
            and self.at <= each.starts_at < last_start(steps[number].type, self.at)
        }
        return CourseSearch(steps, self.at, self._wishes(), chosen)

    @cached_property
    def rows(self) -> list[Row]:
        """The proposal; empty where there is none."""
        course = self.search.course
        if course is None:
            return []
        verdicts = iter(self._verdicts(course))
        return [
            self._row(number, visit, next(verdicts) if visit.place else Verdict())
            for number, visit in enumerate(course.visits)
        ]

    @property
    def open_rows(self) -> list[Row]:
        """Those that are to be booked."""
        return [row for row in self.rows if row.visit.place]

    @property
    def summary(self) -> str:
        """How many visits, from when to when, with whom."""
        course = self.search.course
        return _in_short(course) if course else ""

    @property
    def why_not(self) -> list[str]:
        """Which visit has no place, where it was looked for, and why, in sentences."""
        found = self.search.obstruction
        window = found.window
        said = {"visit": found.step.label}
        if found.step.earliest and found.step.earliest >= last_start(found.step.type, self.at):
            return [obstacle_words(Obstacle.TOO_FAR)]
        if window is None or found.is_too_tight:
            return [
                _("“%(visit)s” has no place: the visits before and after it leave no day between.") % said
            ]
        zone = timezone.get_default_timezone()
        said |= {
            "first": _day(window.starts_at.astimezone(zone).date()),
            "last": _day((window.ends_at - timedelta(minutes=1)).astimezone(zone).date()),
        }
        sentences = [_("“%(visit)s” has no place between %(first)s and %(last)s.") % said]
        if not found.reasons:
            sentences.append(_("Nobody who was asked for does this kind of visit."))
        words = (obstacle_words(each, practitioner=who) for who, why in found.reasons for each in why)
        return sentences + list(dict.fromkeys(words))

    @cached_property
    def ways_out(self) -> list[WayOut]:
        """What would help, the nearest first, each with the course it gives."""
        return [
            WayOut(_way_words(each), each.course, _WAY_STATE[each.way]) for each in relaxations(self.search)
        ]

    def _wished(self, step: Step) -> Step:
        """The first visit not before the wanted day; the start may be as late as it gets once that was accepted."""
        if step.fixed or step.gap:
            return step if step.fixed or not self.state.get("stretch") else stretched(step)
        begin = self.state.get("start")
        if begin:
            wanted = local_day(begin, timezone.get_default_timezone()).starts_at
            if wanted > (step.earliest or self.at):
                late = (step.latest - (step.ideal or step.earliest or self.at)) if step.latest else None
                ideal = max(wanted, step.ideal or wanted)
                step = replace(step, earliest=wanted, ideal=ideal, latest=ideal + late if late else None)
        return replace(step, latest=None) if self.state.get("late") else step

    def _wishes(self) -> Wishes:
        who, days, part = (self.state.get(name) for name in ("practitioner", "weekday", "part"))
        suits = None
        if days or part:
            since, until = hours_of(Part(part or ""))
            suits = Suits(frozenset(days or range(1, 8)), since, None if until == time.max else until)
        return Wishes(practitioners=[who] if who else None, patient=self.patient, suits=suits)

    def _verdicts(self, course: Course) -> list[Verdict]:
        """What the pathway says of all of them together."""
        visits = [
            Visit(self.patient, visit.step.purpose, visit.starts_at) for visit in course.visits if visit.place
        ]
        return readiness.pathway().judge(visits, at=self.at)

    def _row(self, number: int, visit: CourseVisit, verdict: Verdict) -> Row:
        if visit.place is None:
            return Row(visit, _gap_words(visit), verdict)
        purpose = visit.step.purpose
        options = [Other(start, f"{purpose}@{write_choice(start)}") for start in self.search.options(number)]
        today = timezone.localdate(visit.starts_at)
        before = [each for each in options if timezone.localdate(each.start.starts_at) < today]
        behind = [each for each in options if timezone.localdate(each.start.starts_at) > today]
        return Row(
            visit=visit,
            gap=_gap_words(visit),
            verdict=verdict,
            is_pinned=visit.is_chosen and purpose in self.pinned,
            is_taken=number in self.search.taken,
            kept=f"{purpose}@{write_choice(visit.place)}",
            place=f"{purpose}@{Slot.of(visit.place)}",
            earlier=_nearest(before, visit, last_day=True),
            later=_nearest(behind, visit, last_day=False),
            others=_by_day(options, visit),
            caution=visit.step.caution.on(today) if visit.step.caution else "",
        )


def chosen_from(state: Mapping[str, Any]) -> tuple[dict[str, Choice], frozenset[str]]:
    """What the page's state says of single visits: the starts by purpose, and which of them a person picked.

    Where one is changed, those before it stay where they were shown; those behind it only if that is wished.
    """
    shown: Mapping[str, Choice] = state["visit"] or {}
    pinned = set(state["pinned"] or ()) - {state["release"]}
    changed = [state["change"]] if state["change"] else []
    pinned |= {purpose for purpose, _choice in changed}
    order = list(shown)
    before = {
        key for purpose, _choice in changed if purpose in order for key in order[: order.index(purpose)]
    }
    stay = set(order) if state["keep"] else pinned | before
    kept = {key: each for key, each in shown.items() if key in stay and key != state["release"]}
    return kept | dict(changed), frozenset(pinned)


_WAY_STATE: dict[Way, dict[str, Any]] = {
    Way.HOURS: {"part": None},
    Way.WEEKDAYS: {"weekday": None},
    Way.TIMES: {"part": None, "weekday": None},
    Way.ANYONE: {"practitioner": None},
    Way.GAP: {"stretch": "yes"},
    Way.LATER: {"late": "yes"},
    Way.EVERYTHING: {"part": None, "weekday": None, "practitioner": None, "stretch": "yes", "late": "yes"},
}


def _way_words(found: Relaxation) -> str:
    days = {"days": found.days}
    return {
        Way.HOURS: _("At any time of day"),
        Way.WEEKDAYS: _("On any weekday"),
        Way.TIMES: _("On any weekday, at any time"),
        Way.ANYONE: _("With anybody who does it"),
        Way.GAP: ngettext("A gap %(days)s day longer", "A gap up to %(days)s days longer", found.days) % days,
        Way.LATER: ngettext("Starting %(days)s day later", "Starting %(days)s days later", found.days) % days,
        Way.EVERYTHING: _("On any day, at any time, with anybody, and later"),
    }[found.way]


def _in_short(course: Course) -> str:
    visits = [visit for visit in course.visits if visit.place]
    people = list(dict.fromkeys(str(visit.practitioner) for visit in visits))
    said = {
        "count": len(visits),
        "first": _day(timezone.localdate(visits[0].starts_at)),
        "last": _day(timezone.localdate(visits[-1].starts_at)),
        "who": people[0] if len(people) == 1 else _("%(count)s practitioners") % {"count": len(people)},
    }
    return (
        ngettext(
            "%(count)s visit, %(first)s, with %(who)s",
            "%(count)s visits, %(first)s to %(last)s, with %(who)s",
            len(visits),
        )
        % said
    )


def _gap_words(visit: CourseVisit) -> str:
    """How long after the visit before, and how that compares with the ideal."""
    off = _off_words(visit.days_off) if visit.days_off is not None else ""
    if visit.days_since is None:
        return off
    if visit.days_since == 0:
        return _("the same day")
    since = ngettext("%(days)s day", "%(days)s days", visit.days_since) % {"days": visit.days_since}
    return f"{since}, {off}" if off else since


def _off_words(days: int) -> str:
    if days == 0:
        return _("ideal")
    if days > 0:
        return ngettext("%(days)s day later than ideal", "%(days)s days later than ideal", days) % {
            "days": days
        }
    return ngettext("%(days)s day earlier than ideal", "%(days)s days earlier than ideal", -days) % {
        "days": -days
    }


def _nearest(options: Sequence[Other], visit: CourseVisit, *, last_day: bool) -> Other | None:
    """Of the nearest day the start nearest to the visit's hour, best with the same person."""
    if not options:
        return None
    day = timezone.localdate(options[-1 if last_day else 0].start.starts_at)
    there = [each for each in options if timezone.localdate(each.start.starts_at) == day]
    return min(
        there, key=lambda each: (each.start.practitioner != visit.practitioner, _hours_apart(each, visit))
    )


def _hours_apart(option: Other, visit: CourseVisit) -> float:
    ours, theirs = (timezone.localtime(each) for each in (visit.starts_at, option.start.starts_at))
    return abs((ours.hour - theirs.hour) * 60 + ours.minute - theirs.minute)


def _by_day(options: Sequence[Other], visit: CourseVisit) -> list[tuple[date, list[Other]]]:
    """Day by day those nearest to the visit's hour, in the order of the clock; not the one it has."""
    found = []
    for day, group in groupby(options, key=lambda each: timezone.localdate(each.start.starts_at)):
        others = [each for each in group if each.start.starts_at != visit.starts_at]
        near = sorted(others, key=lambda each: _hours_apart(each, visit))[:_A_DAY]
        if near:
            found.append((day, sorted(near, key=lambda each: each.start.starts_at)))
    return found


def _day(day: date) -> str:
    return date_format(day, pgettext("date format", "D j M Y"))
