"""Who on the waitlist fits a free place: worked out when it is asked, from one reading of the timetable. Read only.

The number of queries depends neither on how many wait nor on how many fit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
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
Window = Callable[[AppointmentType], Interval | None]


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


def fits_at(practitioner: Practitioner, begins_at: datetime, *, user: User, at: datetime) -> list[Fit]:
    """Who could take the practitioner's time that begins then; the best first: cleared, then the longest wait.

    A visit in which the patient comes earlier than the practitioner (cream) starts as much earlier.
    """

    def window(kind: AppointmentType) -> Interval | None:
        starts_at = begins_at - kind.practitioner_from * MINUTE
        return Interval(starts_at, starts_at + MINUTE) if starts_at >= at - JUST_NOW else None

    entries = _waiting(begins_at, user=user)
    fits = _judged(_places(entries, [practitioner], window, exact=True, at=at), at=at)
    best_first = sorted(fits, key=lambda fit: (fit.verdict.state != Readiness.CLEAR, fit.entry.asked_at))
    return _with_offers(best_first)


def fits_today(*, user: User, at: datetime) -> list[Fit]:
    """Those who wait and could still be seen today, each with the first place that suits; the longest wait first."""
    tonight = local_day(timezone.localdate(at), timezone.get_default_timezone()).ends_at
    entries = _waiting(at, user=user)
    if not entries:
        return []
    people = list(Practitioner.objects.active())
    today = Interval(at, tonight)
    return _with_offers(_judged(_places(entries, people, lambda kind: today, exact=False, at=at), at=at))


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


def _waiting(moment: datetime, *, user: User) -> list[WaitlistEntry]:
    """Those whose days the moment's day is among, the longest wait first."""
    waiting = WaitlistEntry.objects.visible_to(user).open().wanting(timezone.localdate(moment))
    return list(waiting.with_wishes()[:_MOST])


def _places(
    entries: Sequence[WaitlistEntry],
    people: Sequence[Practitioner],
    window: Window,
    *,
    exact: bool,
    at: datetime,
) -> list[tuple[WaitlistEntry, FreeStart]]:
    """For each entry the first place in its window that suits it, if there is one. `exact`: at any minute."""
    wanted = [(entry, span) for entry in entries if (span := window(entry.kind))]
    if not wanted:
        return []
    rooms, devices = list(Room.objects.active()), list(Device.objects.active())
    spans = [stretch(entry.kind, span) for entry, span in wanted]
    table = timetable.read(
        Interval(min(each.starts_at for each in spans), max(each.ends_at for each in spans)),
        at=at,
        practitioners=[each.pk for each in people],
        rooms=[each.pk for each in rooms],
        devices=[each.pk for each in devices],
        patients=[entry.patient_id for entry, _ in wanted],
    )
    grid = 1 if exact else ClinicSettings.current().grid_minutes
    found = []
    for entry, span in wanted:
        kind = _on_grid(entry.kind, grid, exact=exact)
        wishes = Wishes(
            practitioners=_preferred(entry, people),
            rooms=rooms,
            devices=devices,
            patient=entry.patient,
            suits=entry.suits,
        )
        places = Search(kind, span, Candidates.suiting(kind, wishes), table).found(1)
        found += [(entry, place) for place in places if _is_earlier(entry, place)]
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


def _judged(found: Sequence[tuple[WaitlistEntry, FreeStart]], *, at: datetime) -> list[Fit]:
    """Without those whom the pathway refuses at that time."""
    visits = [
        readiness.Visit(entry.patient, entry.purpose, place.starts_at, entry.moves) for entry, place in found
    ]
    verdicts = readiness.pathway().judge(visits, at=at) if visits else []
    return [
        Fit(entry, place, verdict)
        for (entry, place), verdict in zip(found, verdicts, strict=True)
        if verdict.state != Readiness.REFUSED
    ]


def _with_offers(fits: Sequence[Fit]) -> list[Fit]:
    """The same, those marked who have been offered that very place and have not answered."""
    offers = (
        WaitlistOffer.objects.unanswered().filter(entry__in=[each.entry for each in fits]) if fits else []
    )
    offered = {(each.entry_id, each.practitioner_id, each.starts_at) for each in offers}
    return [
        replace(fit, is_offered=(fit.entry.pk, fit.place.practitioner.pk, fit.place.starts_at) in offered)
        for fit in fits
    ]
