"""Who on the waitlist fits a free place: worked out when it is asked, from one reading of the timetable. Read only.

The number of queries depends neither on how many wait nor on how many fit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from clinic import readiness, timetable
from clinic.availability import FreeStart, Obstacle, Place, why_not_all
from clinic.chooser import Slot
from clinic.enums import Readiness
from clinic.intervals import MINUTE, Interval, local_day
from clinic.models import (
    AppointmentType,
    ClinicSettings,
    Device,
    Practitioner,
    Room,
    User,
    WaitlistEntry,
    WaitlistOffer,
)
from clinic.rules.booking import JUST_NOW
from clinic.search import Candidates, Search, Wishes, stretch

_MOST = 100  # of those who wait the longest; nobody calls more for one place
# What does not make an offered time disappear: staff may book at short notice and at any minute.
_STILL_THERE = {Obstacle.NOTICE, Obstacle.OFF_GRID}


@dataclass(frozen=True, slots=True)
class Fit:
    """Somebody who waits, the place that suits them, and what the pathway says of it."""

    entry: WaitlistEntry
    place: FreeStart
    verdict: readiness.Verdict
    is_offered: bool = False

    @property
    def choice(self) -> str:
        """The place as a form posts it."""
        return str(Slot.of(self.place))


class FreedTime(NamedTuple):
    """A practitioner's time that has become free, from its first minute on."""

    practitioner: Practitioner
    begins_at: datetime


def fits_at(practitioner: Practitioner, begins_at: datetime, *, user: User, at: datetime) -> list[Fit]:
    """Who could take the practitioner's time that begins then; the best first: cleared, then the longest wait."""
    (found,) = fits_at_each([FreedTime(practitioner, begins_at)], user=user, at=at)
    return found


def fits_at_each(times: Sequence[FreedTime], *, user: User, at: datetime) -> list[list[Fit]]:
    """The same for several times at once, in their order: somebody may fit more than one of them.

    A visit in which the patient comes earlier than the practitioner (cream) starts as much earlier.
    """
    entries = _waiting([each.begins_at for each in times], user=user)
    wanted = [
        Wanted(entry, Interval(starts_at, starts_at + MINUTE), [time.practitioner], number)
        for number, time in enumerate(times)
        for entry in entries
        for starts_at in [time.begins_at - entry.kind.practitioner_from * MINUTE]
        if starts_at >= at - JUST_NOW and _is_day(entry, time.begins_at)
    ]
    fits = _with_offers(_judged(_places(wanted, exact=True, at=at), at=at))
    best_first = sorted(
        fits, key=lambda row: (row[1].verdict.state != Readiness.CLEAR, row[1].entry.asked_at)
    )
    return [[fit for wish, fit in best_first if wish.number == number] for number in range(len(times))]


def _is_day(entry: WaitlistEntry, moment: datetime) -> bool:
    day = timezone.localdate(moment)
    return entry.earliest_on <= day <= entry.latest_on and day.isoweekday() in entry.weekdays


def fits_today(*, user: User, at: datetime) -> list[Fit]:
    """Those who wait and could still be seen today, each with the first place that suits; the longest wait first."""
    tonight = local_day(timezone.localdate(at), timezone.get_default_timezone()).ends_at
    entries = _waiting([at], user=user)
    if not entries:
        return []
    people = list(Practitioner.objects.active())
    wanted = [Wanted(entry, Interval(at, tonight), people) for entry in entries]
    return [fit for _wish, fit in _with_offers(_judged(_places(wanted, exact=False, at=at), at=at))]


def gone(offers: Collection[WaitlistOffer], *, at: datetime) -> set[UUID]:
    """The offered times that cannot be had any more: passed, or somebody or something is taken or away.

    `offers` come with their entry, its patient and type, practitioner, room and device.
    """
    coming = [each for each in offers if each.starts_at >= at]
    passed = {each.pk for each in offers} - {each.pk for each in coming}
    if not coming:
        return passed
    found = why_not_all([place_of(each) for each in coming], at=at)
    return passed | {
        each.pk for each, obstacles in zip(coming, found, strict=True) if set(obstacles) - _STILL_THERE
    }


def place_of(offer: WaitlistOffer) -> Place:
    """Exactly where and when the offered visit would be."""
    entry = offer.entry
    return Place(entry.kind, entry.patient, offer.practitioner, offer.room, offer.device, offer.starts_at)


def _waiting(moments: Sequence[datetime], *, user: User) -> list[WaitlistEntry]:
    """Those whose days the day of one of the moments is among, the longest wait first."""
    days = {timezone.localdate(moment) for moment in moments}
    waiting = WaitlistEntry.objects.visible_to(user).open().wanting_any(days)
    return list(waiting.with_wishes()[:_MOST])


@dataclass(frozen=True, slots=True)
class Wanted:
    """A place is looked for: for whom, in which window, with which of these people; `number` tells freed times apart."""

    entry: WaitlistEntry
    window: Interval
    people: Sequence[Practitioner]
    number: int = 0


def _places(wanted: Sequence[Wanted], *, exact: bool, at: datetime) -> list[tuple[Wanted, FreeStart]]:
    """For each the first place in its window that suits the patient, if there is one. `exact`: at any minute."""
    if not wanted:
        return []
    rooms, devices = list(Room.objects.active()), list(Device.objects.active())
    spans = [stretch(wish.entry.kind, wish.window) for wish in wanted]
    table = timetable.read(
        Interval(min(each.starts_at for each in spans), max(each.ends_at for each in spans)),
        at=at,
        practitioners=list({each.pk for wish in wanted for each in wish.people}),
        rooms=[each.pk for each in rooms],
        devices=[each.pk for each in devices],
        patients=list({wish.entry.patient_id for wish in wanted}),
    )
    grid = 1 if exact else ClinicSettings.current().grid_minutes
    found = []
    for wish in wanted:
        entry = wish.entry
        kind = _on_grid(entry.kind, grid, exact=exact)
        wishes = Wishes(
            practitioners=_preferred(entry, wish.people),
            rooms=rooms,
            devices=devices,
            patient=entry.patient,
            suits=entry.suits,
        )
        places = Search(kind, wish.window, Candidates.suiting(kind, wishes), table).found(1)
        found += [(wish, place) for place in places if _is_earlier(entry, place)]
    return found


def _is_earlier(entry: WaitlistEntry, place: FreeStart) -> bool:
    """Than the visit the patient has, if that is what they wait for."""
    return entry.moves is None or place.starts_at < entry.moves.starts_at


def _preferred(entry: WaitlistEntry, people: Iterable[Practitioner]) -> list[Practitioner]:
    """Those of the people whom the patient would see; all, where it does not matter."""
    named = set(entry.practitioners.all())
    return [each for each in people if not named or each in named]


def _on_grid(kind: AppointmentType, grid: int, *, exact: bool) -> AppointmentType:
    """The type with its grid spelled out, so that no search has to look it up."""
    kind = copy(kind)
    kind.grid_minutes = grid if exact else kind.grid_minutes or grid
    return kind


def _judged(found: Sequence[tuple[Wanted, FreeStart]], *, at: datetime) -> list[tuple[Wanted, Fit]]:
    """Without those whom the pathway refuses at that time."""
    visits = [
        readiness.Visit(wish.entry.patient, wish.entry.purpose, place.starts_at, wish.entry.moves)
        for wish, place in found
    ]
    verdicts = readiness.pathway().judge(visits, at=at) if visits else []
    return [
        (wish, Fit(wish.entry, place, verdict))
        for (wish, place), verdict in zip(found, verdicts, strict=True)
        if verdict.state != Readiness.REFUSED
    ]


def _with_offers(fits: Sequence[tuple[Wanted, Fit]]) -> list[tuple[Wanted, Fit]]:
    """The same, those marked who have been offered that very place and have not answered."""
    entries = [fit.entry for _wish, fit in fits]
    offers = WaitlistOffer.objects.unanswered().filter(entry__in=entries) if fits else []
    offered = {(each.entry_id, each.practitioner_id, each.starts_at) for each in offers}

    def is_offered(fit: Fit) -> bool:
        return (fit.entry.pk, fit.place.practitioner.pk, fit.place.starts_at) in offered

    return [(wish, replace(fit, is_offered=is_offered(fit))) for wish, fit in fits]
