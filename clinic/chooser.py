"""What this patient may book, with whom and when: the choices of the booking panel. Read only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic import readiness
from clinic.availability import FreeStart, Gap, Obstacle, first_free, free_starts, pairs, why_none
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.intervals import MINUTE, Interval, Suits, from_address, local_day, to_address
from clinic.models import Appointment, AppointmentType, Device, Patient, Practitioner, Room
from clinic.prepared import ByKey
from clinic.rules.booking import JUST_NOW, obstacle_words
from clinic.rules.device_care import taken_out
from clinic.search import Wishes, may_do, reach

# Visits anybody may book without the pathway offering them; any other clinical purpose comes from an offer only.
_FREE_PURPOSES = ["", "consultation"]
_OFFERED = ("type", "label", "purpose", "earliest", "ideal", "latest", "pair", "conditions", "caution")
_WEEK = timedelta(days=7)
_PAIR_WEEKS = 8  # how far the first pair of a test and its reading is looked for
_ALTERNATIVES = 4
_ROWS_A_START = 8  # several people may be free at one start: more rows are read than are shown
_PAIR_SHIFT = timedelta(hours=12)  # how much earlier or later than now a moved reading may follow its test


_types = ByKey(AppointmentType, "code", "text")
_practitioners, _rooms, _devices = (ByKey(kept, "id", "uuid") for kept in (Practitioner, Room, Device))
Kept = TypeVar("Kept", AppointmentType, Practitioner, Room, Device)


class Part(StrEnum):
    """The part of the day somebody can come."""

    ANY = ""
    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


PARTS = {
    Part.ANY: gettext_lazy("Any time"),
    Part.MORNING: gettext_lazy("Mornings"),
    Part.AFTERNOON: gettext_lazy("Afternoons"),
    Part.EVENING: gettext_lazy("After 17:00"),
}
_HOURS = {
    Part.ANY: (time.min, None),
    Part.MORNING: (time.min, time(12)),
    Part.AFTERNOON: (time(12), time(17)),
    Part.EVENING: (time(17), None),
}


class Slot(NamedTuple):
    """A chosen place as it travels through a form; `str()` writes it and `Slot.read` reads it back."""

    starts_at: datetime
    practitioner: UUID
    room: UUID
    device: UUID | None

    def __str__(self) -> str:
        device = self.device.hex if self.device else "-"
        return f"{to_address(self.starts_at)}_{self.practitioner.hex}_{self.room.hex}_{device}"

    @classmethod
    def read(cls, text: str) -> Slot:
        """The slot that was written; ValueError for anything else."""
        moment, practitioner, room, device = text.split("_")
        thing = None if device == "-" else UUID(device)
        return cls(from_address(moment), UUID(practitioner), UUID(room), thing)

    @classmethod
    def of(cls, place: FreeStart | Appointment) -> Slot:
        """Where a free start or a booked visit is."""
        return cls(
            place.starts_at, place.practitioner.pk, place.room.pk, place.device.pk if place.device else None
        )


@dataclass(frozen=True, slots=True)
class What:
    """Something that may be booked, or that waits for `conditions` to be met first."""

    key: str
    type: AppointmentType
    label: str
    purpose: str = ""
    earliest: datetime | None = None
    ideal: datetime | None = None
    latest: datetime | None = None
    pair: readiness.PairOffer | None = None
    conditions: tuple[readiness.Condition, ...] = ()
    caution: readiness.Caution | None = None

    def caution_among(self, options: Iterable[Option]) -> str:
        """What to tell somebody, where one of these places is on a day that it concerns; else empty."""
        days = {timezone.localdate(option.first.starts_at) for option in options}
        return next((self.caution.on(day) for day in sorted(days, reverse=True)), "") if self.caution else ""


@dataclass(frozen=True, slots=True)
class Option:
    """A free place, for a pair with the place of the second visit."""

    first: FreeStart
    second: FreeStart | None = None

    @property
    def value(self) -> str:
        """What the form posts."""
        return "+".join(str(Slot.of(place)) for place in (self.first, self.second) if place)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: which visit, for whom, with whom (or anybody), looking through which booked visits."""

    what: What
    patient: Patient
    at: datetime
    practitioner: Practitioner | None = None
    ignoring: Collection[Appointment] = ()
    known: Collection[UUID] = ()
    suits: Suits | None = None

    def options(self, window: Interval, *, limit: int | None = None) -> list[Option]:
        """The free places in the window. With anybody: one a start, best somebody who knows the patient."""
        first = max(window.starts_at, self.what.earliest or window.starts_at)
        if first >= window.ends_at:
            return []
        return self._one_a_start(
            self._found(self.what.type, Interval(first, window.ends_at), self.at, limit)
        )[:limit]

    def exact(self, starts_at: datetime) -> list[Option]:
        """Places at this very time, on the grid or not and however soon: what staff may do and the public may not.

        Whom the patient knows comes first. What suits is left aside: somebody has asked for this time.
        """
        if starts_at.second or starts_at.microsecond:
            return []
        asked = starts_at if self.at - JUST_NOW <= starts_at < self.at else self.at
        window = Interval(starts_at, starts_at + MINUTE)
        found = replace(self, suits=None)._found(self.what.type.at_any_minute(), window, asked, None)
        return sorted(found, key=self._is_unknown)

    def following(self, earliest: datetime, *, limit: int) -> list[Option]:
        """The next places from this moment on, over as many weeks as it takes; one a start."""
        begin = max(earliest, self.at, self.what.earliest or self.at)
        if not self.what.pair:
            rows = first_free(
                type=self.what.type, at=self.at, earliest=begin, limit=limit * _ROWS_A_START, **self._wishes()
            )
            return self._one_a_start(Option(each) for each in rows)[:limit]
        found: list[Option] = []
        for week in self._weeks(begin):
            window = week_of(week)
            if window.ends_at > begin and len(found) < limit:
                found += self.options(
                    Interval(max(begin, window.starts_at), window.ends_at), limit=limit - len(found)
                )
        return found

    def _weeks(self, begin: datetime) -> list[date]:
        """The Mondays of the weeks in which a pair is looked for."""
        start = monday(timezone.localdate(begin))
        return [start + n * _WEEK for n in range(_PAIR_WEEKS)]

    def first_week(self) -> date | None:
        """The Monday of the first week that has a place; None where there is none in sight."""
        earliest = max(self.at, self.what.earliest or self.at)
        if not self.what.pair:
            found = first_free(type=self.what.type, at=self.at, earliest=earliest, **self._wishes())
            return monday(timezone.localdate(found[0].starts_at)) if found else None
        return next((week for week in self._weeks(earliest) if self.options(week_of(week), limit=1)), None)

    def alternatives(self, starts_at: datetime) -> list[Option]:
        """The next best places after a lost race: the same time elsewhere, then the same person soon after."""
        anyone = replace(self, practitioner=None)
        later = Interval(max(starts_at, self.at), max(starts_at, self.at) + _WEEK)
        found = [*self.exact(starts_at), *anyone.exact(starts_at)][:2]
        found += self.options(later, limit=_ALTERNATIVES) or anyone.options(later, limit=_ALTERNATIVES)
        return list({option.value: option for option in found}.values())[:_ALTERNATIVES]

    def reasons(self, window: Interval) -> list[tuple[Practitioner, list[str]]]:
        """For each practitioner asked why the window holds no place, in words; who has one is left out."""
        people = [self.practitioner] if self.practitioner else practitioners_for(self.what.type)
        asked = [(who, self._obstacles(who, self.what.type, window)) for who in people]
        return [(who, self.words(who, found)) for who, found in asked if found]

    def words(self, who: Practitioner, obstacles: Iterable[Obstacle]) -> list[str]:
        """The obstacles as the desk says them, with the device whose service is due or that is out of use."""
        found, kind = list(obstacles), self.what.type
        due = _due_for_service(kind) if Obstacle.SERVICE_DUE in found else None
        out = taken_out(kind.device_kind, self.at) if Obstacle.DEVICE_NONE_FREE in found else None
        return [obstacle_words(each, practitioner=who, device=due, out=out) for each in found]

    def obstacles_at(self, practitioner: Practitioner, starts_at: datetime) -> list[Obstacle]:
        """Why the visit cannot be at this very time with this practitioner, the grid and the notice left aside."""
        window = Interval(starts_at, starts_at + MINUTE)
        return replace(self, suits=None)._obstacles(practitioner, self.what.type.at_any_minute(), window)

    def lacks_second(self, window: Interval) -> bool:
        """Whether the first visit of a pair would have a place and only the second has none."""
        alone = replace(self, what=replace(self.what, pair=None))
        return self.what.pair is not None and bool(alone.options(window, limit=1))

    def _obstacles(self, who: Practitioner, kind: AppointmentType, window: Interval) -> list[Obstacle]:
        wishes = Wishes(patient=self.patient, ignoring=self.ignoring, suits=self.suits)
        return why_none(type=kind, practitioner=who, window=window, at=self.at, **wishes)

    def _found(
        self, kind: AppointmentType, window: Interval, at: datetime, limit: int | None
    ) -> list[Option]:
        rows = None if limit is None else limit * _ROWS_A_START
        if not self.what.pair:
            return [
                Option(each)
                for each in free_starts(type=kind, window=window, at=at, limit=rows, **self._wishes())
            ]
        pair = self.what.pair
        gap = Gap(pair.shortest, pair.ideal, pair.longest)
        wishes = self._wishes()
        found = pairs(
            first_type=kind, second_type=pair.type, window=window, gap=gap, at=at, limit=rows, **wishes
        )
        return [Option(*each) for each in found]

    def _wishes(self) -> Wishes:
        wanted = [self.practitioner] if self.practitioner else None
        return Wishes(practitioners=wanted, patient=self.patient, ignoring=self.ignoring, suits=self.suits)

    def _one_a_start(self, options: Iterable[Option]) -> list[Option]:
        by_start = groupby(options, key=lambda option: option.first.starts_at)
        return [min(group, key=self._is_unknown) for _, group in by_start]

    def _is_unknown(self, option: Option) -> bool:
        """Sorts whom the patient knows before the others."""
        return option.first.practitioner.pk not in self.known


def whats(patient: Patient, *, at: datetime, wanted: str = "") -> list[What]:
    """What may be booked: the pathway's offers first, then the kinds of visit that need none.

    Where `wanted` is the key of a visit without clinical meaning, that one alone: the pathway has no say in it.
    """
    code, colon, purpose = wanted.partition(":")
    if colon and not purpose:
        kind = kind_of(code)
        if kind and not kind.purpose:
            return [What(wanted, kind, kind.name)]
    offered = [
        What(f"{offer.type.code}:{offer.purpose}", **{name: getattr(offer, name) for name in _OFFERED})
        for offer in readiness.pathway().offers(patient, at=at)
    ]
    free = AppointmentType.objects.active().filter(purpose__in=_FREE_PURPOSES)
    others = [What(f"{kind.code}:{kind.purpose}", kind, kind.name, kind.purpose) for kind in free]
    keys = {what.key for what in offered}
    return [*offered, *(what for what in others if what.key not in keys)]


def what_is(
    appointment: Appointment, second: Appointment | None = None, *, at: datetime, with_caution: bool = False
) -> What:
    """A visit on the books as something to look for a place for, as early as the pathway allows.

    `second` moves along: anywhere in the window that the pathway gives it after the new time, best at the distance it
    has now; where the pathway names no window, at about that distance.
    """
    asked = [appointment, *([second] if second else [])]
    consequences = readiness.pathway().consequences(asked, at=at)
    kind, pair = appointment.type.lasting(appointment.minutes), None
    if second:
        span = consequences.span(second, {appointment.pk: appointment.starts_at})
        pair = _pair_offer(appointment, second, span)
    span = consequences.span(appointment, {second.pk: None} if second else {})
    return What(
        key="this",
        type=kind,
        label=kind.name,
        purpose=appointment.purpose,
        earliest=span.earliest if span else None,
        latest=span.latest if span and not second else None,
        pair=pair,
        caution=consequences.caution(appointment) if with_caution else None,
    )


def _pair_offer(first: Appointment, second: Appointment, span: readiness.Span | None) -> readiness.PairOffer:
    ideal = second.starts_at - first.starts_at
    closest = reach(first.type)[1] + reach(second.type)[0]
    shortest, longest = ideal - _PAIR_SHIFT, ideal + _PAIR_SHIFT
    if span and span.until:
        shortest, longest = span.earliest - first.starts_at, span.until - first.starts_at - MINUTE
        ideal = min(max(ideal, shortest), longest)
    return readiness.PairOffer(
        type=second.type,
        label=second.type.name,
        purpose=second.purpose,
        shortest=max(closest, shortest),
        ideal=ideal,
        longest=max(closest, longest),
    )


def practitioners_for(type: AppointmentType) -> list[Practitioner]:
    """Who is trained in what this visit needs, in the order of the diary."""
    return [each for each in Practitioner.objects.active() if may_do(each, type)]


def _due_for_service(type: AppointmentType) -> Device | None:
    """The device of this kind that has waited longest for its service; the words name it."""
    due = Device.objects.active().filter(kind=type.device_kind, service_due_on__isnull=False)
    return due.order_by("service_due_on", "name").first()


def known_to(patient: Patient) -> set[UUID]:
    """The practitioners whom the patient knows: who have seen them, or are recorded as the usual one."""
    seen = patient.appointments.filter(status=AppointmentStatus.COMPLETED)
    usual = {patient.usual_practitioner_id} - {None}
    return {*seen.values_list("practitioner_id", flat=True), *usual}


def resolve(slots: Iterable[Slot]) -> list[FreeStart]:
    """The people and things that were chosen.

    Raises:
        DomainError: one of them is unknown or no longer in use.
    """
    chosen = list(slots)
    people = _in_use(_practitioners({slot.practitioner for slot in chosen}))
    rooms = _in_use(_rooms({slot.room for slot in chosen}))
    devices = _in_use(_devices({slot.device for slot in chosen if slot.device}))
    try:
        return [
            FreeStart(
                slot.starts_at,
                people[slot.practitioner],
                rooms[slot.room],
                devices[slot.device] if slot.device else None,
            )
            for slot in chosen
        ]
    except KeyError as unknown:
        raise DomainError(
            _("Choose one of the times that are offered."), "unknown_choice", field="choice"
        ) from unknown


def kind_of(code: str) -> AppointmentType | None:
    """The kind of visit, if there is one of this code that is in use."""
    return _in_use(_types([code])).get(code)


def practitioner_of(key: UUID) -> Practitioner | None:
    """The practitioner, if there is one who is active."""
    return _in_use(_practitioners([key])).get(key)


def _in_use(found: dict[Any, Kept]) -> dict[Any, Kept]:
    return {key: each for key, each in found.items() if each.is_active}


def monday(day: date) -> date:
    """The first day of the week."""
    return day - timedelta(days=day.weekday())


def week_of(first_day: date) -> Interval:
    """Seven local days."""
    zone = timezone.get_default_timezone()
    return Interval(
        local_day(first_day, zone).starts_at, local_day(first_day + _WEEK - timedelta(days=1), zone).ends_at
    )


def hours_of(part: Part) -> tuple[time, time | None]:
    """From when until when the part of the day lasts, on the clinic's clock; None: until midnight."""
    return _HOURS[part]


def part_of(since: time | None, until: time | None) -> Part:
    """The smallest part of the day that holds all of these hours."""
    first, last = since or time.min, until or time.max
    parts = (Part.MORNING, Part.AFTERNOON, Part.EVENING)
    return next((part for part in parts if _HOURS[part][0] <= first and last <= _HOURS[part][1]), Part.ANY)
