"""Some days as they are drawn: columns with cards, shades and free places, on rows of five minutes. Read only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from clinic.diary import sheet
from clinic.diary.cards import TO_COME, Card, Place
from clinic.diary.lanes import Lane
from clinic.diary.sheet import Sheet, read_sheet, week_around
from clinic.intervals import MINUTE, Interval, Minutes, clock_time, local_day
from clinic.models import ClinicSettings, ClosedDay, OutOfService, Practitioner, User

ROW = 5 * MINUTE
_MOST_ROWS = 288  # a day; the style sheet has no more
_NEXT_UP = 6
_WORKDAYS = 5  # Saturday and Sunday are drawn only when something is on
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Shade:
    """Time that cannot be booked, where it stands; `kind` as in the sheet."""

    place: Place
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Free:
    """A free place: a visit in this column could begin then."""

    place: Place
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Column:
    """One lane on one day."""

    lane: Lane
    day: date
    cards: list[Card]
    shades: list[Shade]
    free: list[Free]
    now_row: int | None

    @property
    def practitioner(self) -> Practitioner | None:
        """With whom a click on a free place books; nobody in particular in a room's column."""
        return self.lane.thing if isinstance(self.lane.thing, Practitioner) else None


@dataclass(frozen=True, slots=True)
class Day:
    """Everything the diary shows of one local calendar day, or of a week of one lane."""

    days: list[date]
    columns: list[Column]
    cards: list[Card]
    called_off: list[Card]
    hours: list[tuple[int, datetime]]
    rows: int
    closed: list[ClosedDay]
    out_of_service: list[OutOfService]
    next_up: list[Card] = field(default_factory=list)

    @property
    def by_day(self) -> list[tuple[date, list[Card]]]:
        """The cards of each day, for the list."""
        return sheet.by_day(self.days, self.cards)


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

    @classmethod
    def of_days(cls, spans: dict[date, list[Interval]]) -> dict[date, Scale]:
        """The same hours of the wall clock for each of the days, so that they can stand side by side."""
        alone = {day: cls.around(day, found) for day, found in spans.items()}
        busy = [alone[day] for day, found in spans.items() if found] or list(alone.values())
        opens = min(timezone.localtime(each.window.starts_at).hour for each in busy)
        rows = max(
            timezone.localtime(each.window.starts_at).hour * 12 - opens * 12 + each.rows for each in busy
        )
        zone = timezone.get_default_timezone()
        begins = {day: clock_time(day, time(opens), zone) for day in spans}
        return {day: cls(Interval(begin, begin + rows * ROW)) for day, begin in begins.items()}

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


def read_day(day: date, *, user: User, at: datetime, things: bool = False, hides_names: bool = False) -> Day:
    """The day as this person may see it: by practitioner, or by room and device (`things`)."""
    return _drawn_day(read_sheet([day], user=user, at=at, things=things, hides_names=hides_names), at)


def read_week(day: date, *, lane: Lane, user: User, at: datetime, hides_names: bool = False) -> Day:
    """The week the day lies in, of one practitioner, room or device."""
    return _drawn_day(read_sheet(week_around(day), user=user, at=at, lane=lane, hides_names=hides_names), at)


def scales_of(found: Sheet) -> dict[date, Scale]:
    """The hours that are drawn: from the first opening or visit to the last, of all the days."""
    spans: dict[date, list[Interval]] = {day: [] for day in found.days}
    zone = timezone.get_default_timezone()
    whole = {day: local_day(day, zone) for day in found.days}
    opened = [each for minutes in found.opened.values() for each in minutes.intervals()]
    visits = [card.visit for card in found.cards]
    for span in opened + [
        Interval(min(each.starts_at, each.room_from), max(each.ends_at, each.room_until)) for each in visits
    ]:
        for day, part in ((day, span.intersection(each)) for day, each in whole.items()):
            spans[day] += [part] if part else []
    return Scale.of_days(spans)


def columns_of(found: Sheet) -> list[tuple[Lane, date]]:
    """Each lane on each day; a weekend only when something is on."""
    zone = timezone.get_default_timezone()
    return [
        (lane, day)
        for lane in found.lanes
        for day in found.days
        if len(found.days) == 1
        or day.isoweekday() <= _WORKDAYS
        or _is_used(found, lane, local_day(day, zone))
    ]


def _is_used(found: Sheet, lane: Lane, span: Interval) -> bool:
    visits = (card.visit for card in found.cards_in(lane))
    opened = found.opened[lane.key].intervals()
    return any(span.contains(each.starts_at) for each in visits) or any(
        each.overlaps(span) for each in opened
    )


def _drawn_day(found: Sheet, at: datetime) -> Day:
    scales, grid = scales_of(found), max(5, ClinicSettings.current().grid_minutes)
    columns = [_Draft(found, lane, day, scales[day], grid).column(at) for lane, day in columns_of(found)]
    placed = {card.visit.pk: card for column in columns for card in column.cards}
    first = scales[found.days[0]]
    coming = [card for card in found.cards if card.visit.status in TO_COME and card.visit.ends_at > at]
    coming = [each for each in coming if _on_same_day(each, coming[0])]
    return Day(
        days=found.days,
        columns=columns,
        cards=[placed.get(card.visit.pk, card) for card in found.cards],
        called_off=found.called_off,
        hours=[(row, first.window.starts_at + (row - 1) * ROW) for row in range(1, first.rows + 1, 12)],
        rows=first.rows,
        closed=found.closed,
        out_of_service=found.out_of_service,
        next_up=coming[:_NEXT_UP],
    )


def _on_same_day(card: Card, other: Card) -> bool:
    return timezone.localdate(card.visit.starts_at) == timezone.localdate(other.visit.starts_at)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What one column is drawn from."""

    found: Sheet
    lane: Lane
    day: date
    scale: Scale
    grid: int

    def column(self, at: datetime) -> Column:
        window = self.scale.window
        return Column(
            lane=self.lane,
            day=self.day,
            cards=[card for card in map(self._drawn, self.found.cards_in(self.lane)) if card.place],
            shades=self._shades(self.found.shades[self.lane.key]),
            free=self._free(at),
            now_row=self.scale.row(at) if window.contains(at) else None,
        )

    def _drawn(self, card: Card) -> Card:
        return replace(
            card, place=self.scale.place(card.visit.practitioner_from, card.visit.practitioner_until)
        )

    def _shades(self, shades: Sequence[sheet.Shade]) -> list[Shade]:
        placed = ((self.scale.place(each.span.starts_at, each.span.ends_at), each) for each in shades)
        return [Shade(place, each.kind, each.text) for place, each in placed if place]

    def _free(self, at: datetime) -> list[Free]:
        """The starts on the clinic's grid at which the lane is open, here and not booked."""
        if not self.lane.thing.is_active:
            return []
        free: Minutes = self.found.opened[self.lane.key] & self.found.table.free(self.lane.thing.pk)
        starts = free.on_grid(self.grid, timezone.get_default_timezone())
        placed = (
            (self.scale.place(start, start + self.grid * MINUTE), start) for start in starts if start >= at
        )
        return [Free(place, start) for place, start in placed if place]
