"""One day as it is drawn: columns with cards, shades and free places, on rows of five minutes. Read only.

The number of queries does not depend on the number of cards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.diary.cards import CALLED_OFF, TO_COME, Card, Place, cards_of
from clinic.intervals import MINUTE, Interval, Minutes, local_day
from clinic.models import (
    Absence,
    Appointment,
    ClinicSettings,
    ClosedDay,
    OutOfService,
    Practitioner,
    User,
)
from clinic.timetable import Timetable

ROW = 5 * MINUTE
_MOST_ROWS = 288  # a day; the style sheet has no more
_NEXT_UP = 6


@dataclass(frozen=True, slots=True)
class Shade:
    """Time that cannot be booked: outside the hours or away ("off"), or room time around a visit ("buffer")."""

    place: Place
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Free:
    """A free place: a visit with this practitioner could begin then."""

    place: Place
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Column:
    """One practitioner's day."""

    practitioner: Practitioner
    cards: list[Card]
    shades: list[Shade]
    free: list[Free]


@dataclass(frozen=True, slots=True)
class Day:
    """Everything the diary shows of one local calendar day."""

    day: date
    columns: list[Column]
    cards: list[Card]
    called_off: list[Card]
    hours: list[tuple[int, datetime]]
    rows: int
    now_row: int | None
    closed: ClosedDay | None
    out_of_service: list[OutOfService]
    next_up: list[Card] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scale:
    """The stretch of the day that is drawn, and where an instant stands in it."""

    window: Interval

    @classmethod
    def around(cls, day: date, spans: Iterable[Interval]) -> Scale:
        """From the full hour before the first of the spans to the one after the last; nine to five without any."""
        whole, found = local_day(day, timezone.get_default_timezone()), list(spans)
        first = min((each.starts_at for each in found), default=whole.starts_at + timedelta(hours=9))
        last = max((each.ends_at for each in found), default=whole.starts_at + timedelta(hours=17))
        since = whole.starts_at + (max(first, whole.starts_at) - whole.starts_at) // _HOUR * _HOUR
        until = whole.starts_at - (whole.starts_at - last) // _HOUR * _HOUR
        return cls(Interval(since, max(since + _HOUR, min(until, since + _MOST_ROWS * ROW))))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.window.duration // ROW

    def row(self, instant: datetime) -> int:
        """The row the instant lies in."""
        return (instant - self.window.starts_at) // ROW + 1

    def place(self, starts_at: datetime, ends_at: datetime) -> Place | None:
        """Where the span stands, as far as it is drawn; None where nothing of it is."""
        first, last = max(starts_at, self.window.starts_at), min(ends_at, self.window.ends_at)
        if last <= first:
            return None
        row = self.row(first)
        return Place(row, max(1, -((self.window.starts_at - last) // ROW) - row + 1))


_HOUR = timedelta(hours=1)


def read_day(day: date, *, user: User, at: datetime) -> Day:
    """The day as this person may see it."""
    span = local_day(day, timezone.get_default_timezone())
    on_the_day = Appointment.objects.visible_to(user).in_force(at).on_day(day)
    visits = list(on_the_day.with_people().order_by("starts_at"))
    cards = cards_of(visits, user=user, at=at)
    people = {each.pk: each for each in Practitioner.objects.active()}
    people |= {each.practitioner_id: each.practitioner for each in visits}
    table = timetable.read(span, at=at, practitioners=list(people))
    closed = ClosedDay.objects.filter(day=day).first()
    opened = {key: _open_minutes(table, key) for key in people}
    held = [card for card in cards if card.visit.status not in CALLED_OFF]
    busy = {card.visit.practitioner_id for card in held}
    shown = [who for who in people.values() if opened[who.pk] or who.pk in busy]
    scale = Scale.around(day, _spans([opened[who.pk] for who in shown], held))
    away, grid = _away(span, shown), max(5, ClinicSettings.current().grid_minutes)
    drawn = [_drawn(card, scale) for card in held]
    return Day(
        day=day,
        columns=[
            _Draft(who, scale, table, opened[who.pk], away[who.pk], grid).column(drawn, at)
            for who in sorted(shown, key=lambda each: (each.position, each.name))
        ],
        cards=drawn,
        called_off=[card for card in cards if card.visit.status in CALLED_OFF],
        hours=[(row, scale.window.starts_at + (row - 1) * ROW) for row in range(1, scale.rows + 1, 12)],
        rows=scale.rows,
        now_row=scale.row(at) if scale.window.contains(at) else None,
        closed=closed,
        out_of_service=_out_of_service(span),
        next_up=[card for card in held if card.visit.status in TO_COME and card.visit.ends_at > at][
            :_NEXT_UP
        ],
    )


@dataclass(frozen=True, slots=True)
class _Draft:
    """What one column is drawn from."""

    practitioner: Practitioner
    scale: Scale
    table: Timetable
    opened: Minutes
    away: list[Absence]
    grid: int

    def column(self, cards: Iterable[Card], at: datetime) -> Column:
        mine = [card for card in cards if card.visit.practitioner_id == self.practitioner.pk]
        return Column(self.practitioner, mine, [*self._off(), *self._buffers(mine)], self._free(at))

    def _off(self) -> list[Shade]:
        """Outside the hours, then each absence with its reason."""
        spans = [(each.starts_at, each.ends_at, "") for each in (~self.opened).intervals()]
        spans += [(each.starts_at, each.ends_at, _reason(each)) for each in self.away]
        placed = ((self.scale.place(first, last), text) for first, last, text in spans)
        return [Shade(place, "off", text) for place, text in placed if place]

    def _buffers(self, cards: Iterable[Card]) -> list[Shade]:
        """Room and patient are busy before and after the practitioner is: preparation, observation, cleaning."""
        spans = []
        for visit in (card.visit for card in cards):
            before = min(visit.starts_at, visit.room_from), visit.practitioner_from
            after = visit.practitioner_until, max(visit.ends_at, visit.room_until)
            spans += [(first, last, str(visit.room)) for first, last in (before, after) if first < last]
        placed = ((self.scale.place(first, last), room) for first, last, room in spans)
        return [Shade(place, "buffer", room) for place, room in placed if place]

    def _free(self, at: datetime) -> list[Free]:
        """The starts on the clinic's grid at which the practitioner is open, here and not booked."""
        if not self.practitioner.is_active:
            return []
        free = self.opened & self.table.free(self.practitioner.pk)
        starts = free.on_grid(self.grid, timezone.get_default_timezone())
        placed = (
            (self.scale.place(start, start + self.grid * MINUTE), start) for start in starts if start >= at
        )
        return [Free(place, start) for place, start in placed if place]


def _open_minutes(table: Timetable, practitioner: UUID) -> Minutes:
    places = table.locations(practitioner)
    return reduce(or_, (table.open(practitioner, place) for place in places), table.nothing)


def _spans(opened: Iterable[Minutes], cards: Iterable[Card]) -> list[Interval]:
    visits = (card.visit for card in cards)
    return [each for minutes in opened for each in minutes.intervals()] + [
        Interval(min(each.starts_at, each.room_from), max(each.ends_at, each.room_until)) for each in visits
    ]


def _drawn(card: Card, scale: Scale) -> Card:
    place = scale.place(card.visit.practitioner_from, card.visit.practitioner_until)
    return replace(card, place=place)


def _away(span: Interval, people: Iterable[Practitioner]) -> dict[UUID, list[Absence]]:
    found: dict[UUID, list[Absence]] = defaultdict(list)
    absences = Absence.objects.overlapping(span.starts_at, span.ends_at)
    for absence in absences.filter(practitioner__in=[each.pk for each in people]):
        found[absence.practitioner_id].append(absence)
    return found


def _reason(absence: Absence) -> str:
    kind = absence.get_kind_display()
    return f"{kind}: {absence.note}" if absence.note else kind


def _out_of_service(span: Interval) -> list[OutOfService]:
    rows = OutOfService.objects.overlapping(span.starts_at, span.ends_at)
    return list(rows.select_related("room", "device"))
