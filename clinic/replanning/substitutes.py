"""New places for visits that stand in time which has been closed: a practitioner is ill, a room or device is out.

Readings come first, then sessions by how soon their test expires, then the rest by time; what is only held comes last.
Each gets the same time with somebody else (best somebody who knows the patient), or the nearest time that the pathway
allows, best with the same practitioner. No two proposals take the same place. Read only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from clinic import readiness
from clinic.intervals import Interval
from clinic.models import Appointment
from clinic.readiness import Consequences
from clinic.replanning.places import Places, last_bookable
from clinic.replanning.shifts import Shift, no_place
from clinic.search import FreeStart

_EARLIER, _LATER = timedelta(weeks=2), timedelta(weeks=8)  # how far from their time visits are placed anew
_AT_ONCE, _OFFERED = 3, 8  # how many substitutes at the same time, and how many places in all


def by_urgency(visits: Sequence[Appointment], *, at: datetime) -> list[Appointment]:
    """The visits in the order in which they get their new places."""
    consequences = readiness.pathway().consequences(visits, at=at)
    return sorted(visits, key=lambda visit: (visit.is_held, consequences.urgency(visit)))


def substitutes(visits: Sequence[Appointment], *, at: datetime) -> list[Shift]:
    """For each visit its new places, the best first, or why there is none; in the order given."""
    if not visits:
        return []
    consequences = readiness.pathway().consequences(visits, at=at)
    starts = [visit.starts_at for visit in visits]
    first, last = max(at, min(starts) - _EARLIER), min(max(starts) + _LATER, last_bookable(visits, at))
    places = Places.read(visits, Interval(first, max(last, first + timedelta(days=1))), at=at)
    for visit in visits:
        places.keep(visit)
    changes: dict[UUID, datetime | None] = {}
    return [_substitute(visit, consequences, changes, places) for visit in visits]


def _substitute(
    visit: Appointment, consequences: Consequences, changes: dict[UUID, datetime | None], places: Places
) -> Shift:
    label = consequences.label(visit)
    span = consequences.span(visit, changes, keeps_later=True)
    window = None
    if span:
        until = span.until or max(span.latest, visit.starts_at) + _LATER
        if span.earliest >= until:
            return Shift(visit, label, problem=no_place(span))
        window = Interval(span.earliest, until)
    if visit.held_until:
        window = _after_the_call(visit.held_until, window, visit)
    found = _found(visit, window, places)
    allowed = [place for place in found if consequences.refusal(visit, place.starts_at, changes) is None]
    if allowed:
        places.take(visit, allowed[0])
        changes[visit.pk] = allowed[0].starts_at
        return Shift(visit, label, options=tuple(allowed[:_OFFERED]), latest=span.latest if span else None)
    refusal = consequences.refusal(visit, found[0].starts_at, changes) if found else None
    return Shift(visit, label, problem=refusal.what if refusal else no_place(None))


def _after_the_call(held_until: datetime, window: Interval | None, visit: Appointment) -> Interval:
    """A held time must not begin before the patient calls back."""
    window = window or Interval(held_until, visit.starts_at + _LATER)
    return Interval(max(held_until, window.starts_at), max(window.ends_at, held_until + timedelta(minutes=1)))


def _found(visit: Appointment, window: Interval | None, places: Places) -> list[FreeStart]:
    """At the same time with somebody else; then near it with the same practitioner; where neither is, with anybody."""
    at_once = places.at_once(visit, visit.starts_at)[:_AT_ONCE]
    near = places.near(visit, window, visit.starts_at, practitioners=[visit.practitioner])
    others = [] if at_once and near else places.near(visit, window, visit.starts_at)
    found = [*at_once, *near, *others]
    return list({(place.starts_at, place.practitioner.pk): place for place in found}.values())
