"""What moving or releasing one visit does to the later ones, and where they could go instead. Read only.

The pathway says what would be wrong and when it would be right (`clinic.readiness`); the timetable says what is free.
Each later visit is judged by where the ones before it would be then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import readiness
from clinic.availability import FreeStart
from clinic.intervals import Interval, clock_time, local_day
from clinic.models import Appointment
from clinic.readiness import Changes, Condition, Consequences, Span
from clinic.replanning.places import Places, last_bookable

_LATER_STILL = timedelta(weeks=8)  # how far past the planned window a place is still looked for
_OFFERED = 6  # places to choose from
_HORIZON = timedelta(weeks=60)  # how far ahead the timetable is read at the most


@dataclass(frozen=True, slots=True)
class Shift:
    """One visit that is affected: what is wrong with it, and the free places, the best first.

    `is_again`: the released visit itself, to be booked anew. `problem` says why there is no place, `awaited` what has to
    come before the visit if it takes the best one, `caution` what to tell somebody then.
    """

    visit: Appointment
    label: str
    conditions: tuple[Condition, ...] = ()
    is_refused: bool = False
    options: tuple[FreeStart, ...] = ()
    problem: str = ""
    is_again: bool = False
    latest: datetime | None = None
    awaited: tuple[Condition, ...] = ()
    caution: str = ""

    @property
    def is_at_once(self) -> bool:
        """Whether the best place is at the time the visit has now."""
        return bool(self.options) and self.options[0].starts_at == self.visit.starts_at

    @property
    def is_same_person(self) -> bool:
        """Whether the best place is with the practitioner the visit has now."""
        return bool(self.options) and self.options[0].practitioner.pk == self.visit.practitioner_id

    @property
    def is_late(self) -> bool:
        """Whether even the best place is past the planned window."""
        return bool(self.options and self.latest and self.options[0].starts_at >= self.latest)


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that follows from a change: what is affected, how many later visits stay as they are, and what the visit is
    called.
    """

    shifts: tuple[Shift, ...] = ()
    unaffected: int = 0
    label: str = ""

    @property
    def is_disturbed(self) -> bool:
        """Whether any later visit is affected."""
        return any(not each.is_again for each in self.shifts)


def outlook(
    visit: Appointment, *, at: datetime, moved: Changes | None = None, again: bool = False
) -> Outlook:
    """What follows when the visit moves (`moved` says where it and others will be), or is released.

    `again`: a place for the released visit itself is looked for first, and the later ones are judged by it.
    """
    consequences = readiness.pathway().consequences([visit], at=at)
    changes: dict[UUID, datetime | None] = dict(moved or {visit.pk: None})
    later = [each for each in consequences.followers(visit) if each.pk not in changes]
    label = consequences.label(visit)
    if not later and not (again and consequences.span(visit, changes)):
        return Outlook(label=label)
    places = _read([visit, *later], at=at)
    first = [_again(visit, consequences, changes, places, at=at)] if again else []
    affected = [_shift(each, consequences, changes, places) for each in later]
    found = tuple(each for each in [*first, *affected] if each)
    return Outlook(found, len(later) - sum(not each.is_again for each in found), label)


def _read(visits: Sequence[Appointment], *, at: datetime) -> Places:
    until = max(visit.starts_at for visit in visits) + _LATER_STILL * 2
    horizon = min(max(until, at + _LATER_STILL), at + _HORIZON, last_bookable(visits, at))
    return Places.read(visits, Interval(at, max(horizon, at + timedelta(days=1))), at=at)


def _again(
    visit: Appointment,
    consequences: Consequences,
    changes: dict[UUID, datetime | None],
    places: Places,
    *,
    at: datetime,
) -> Shift | None:
    """The released visit anew: from the day after the one it was on, as soon as it would be right."""
    span = consequences.span(visit, changes)
    if span is None:
        return None
    zone = timezone.get_default_timezone()
    after = max(span.earliest, local_day(timezone.localdate(visit.starts_at, zone), zone).ends_at, at)
    clock = timezone.localtime(visit.starts_at, zone).time()
    soon = max(after, clock_time(timezone.localdate(after, zone), clock, zone))
    wanted = replace(span, earliest=after, ideal=max(soon, span.ideal))
    return _placed(visit, consequences, wanted, places, changes, is_again=True)


def _shift(
    visit: Appointment, consequences: Consequences, changes: dict[UUID, datetime | None], places: Places
) -> Shift | None:
    """The visit as the changes so far leave it; where it finds a place, the change is noted for the next ones."""
    said = consequences.of(visit, changes)
    if not said.conditions:
        places.keep(visit)
        return None
    if said.span is None or all(each.code == "earlier_session" for each in said.conditions):
        places.keep(visit)
        return Shift(visit, said.label, said.conditions, said.is_refused)
    return _placed(
        visit,
        consequences,
        said.span,
        places,
        changes,
        conditions=said.conditions,
        is_refused=said.is_refused,
    )


def _placed(
    visit: Appointment,
    consequences: Consequences,
    span: Span,
    places: Places,
    changes: dict[UUID, datetime | None],
    **more: Any,
) -> Shift:
    """With the free places inside the span, or shortly after it; or why there is none."""
    label = consequences.label(visit)
    window = _window(span)
    options = _options(visit, window, span, places) if window else []
    if not options:
        places.keep(visit)
        return Shift(visit, label, problem=no_place(span), latest=span.latest, **more)
    places.take(visit, options[0])
    changes[visit.pk] = options[0].starts_at
    caution = consequences.caution(visit)
    return Shift(
        visit,
        label,
        options=tuple(options),
        latest=span.latest,
        awaited=consequences.awaited(visit, options[0].starts_at, changes),
        caution=caution.on(timezone.localdate(options[0].starts_at)) if caution else "",
        **more,
    )


def _options(visit: Appointment, window: Interval, span: Span, places: Places) -> list[FreeStart]:
    """With the same practitioner first; where they have little time then, others follow."""
    same = places.near(visit, window, span.ideal, practitioners=[visit.practitioner], limit=_OFFERED)
    others = places.near(visit, window, span.ideal, limit=_OFFERED) if len(same) < _OFFERED else []
    found = {(place.starts_at, place.practitioner.pk): place for place in [*same, *others]}
    return list(found.values())[:_OFFERED]


def _window(span: Span) -> Interval | None:
    until = span.until or span.latest + _LATER_STILL
    return Interval(span.earliest, until) if span.earliest < until else None


def no_place(span: Span | None) -> str:
    """Why a visit goes nowhere: no time is right for it, or nobody is free in the time that is."""
    if span and span.until and span.earliest >= span.until:
        return span.too_late
    return _("Nobody is free in the time in which it would be right. Move it by hand, or open some time.")
