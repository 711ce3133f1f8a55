"""How the time of practitioners, rooms and devices is used: booked, open, and lost; by weekday and hour.

Counted in whole minutes on sets (`clinic.intervals.Minutes`), so that the weeks in which the clocks change are right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from uuid import UUID

from django.utils import timezone

from clinic import availability
from clinic.intervals import Interval, Minutes, ceil_minute, clock_time, floor_minute
from clinic.models import Appointment, Device, Practitioner, Room, User
from clinic.review import lists
from clinic.review.period import Period
from clinic.review.whose import everybodys

Resource = Practitioner | Room | Device
PRACTITIONER, ROOM, DEVICE = "practitioner", "room", "device"


@dataclass(frozen=True, slots=True)
class Use:
    """One resource's minutes. `lost` were open and booked for somebody who did not come or cancelled late, and nobody
    else was booked instead.
    """

    resource: Resource
    opened: Minutes
    booked: Minutes
    lost: Minutes

    @property
    def kind(self) -> str:
        """Practitioner, room or device."""
        return kind_of(self.resource)


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of the clock on one weekday (ISO), in minutes over the whole period. Booked may exceed open."""

    weekday: int
    hour: int
    opened: int
    booked: int
    lost: int

    @property
    def share(self) -> int | None:
        """Booked of open in per cent; None when it was closed, whatever was booked outside the hours."""
        return round(100 * self.booked / self.opened) if self.opened else None


def kind_of(resource: Resource) -> str:
    """Practitioner, room or device."""
    if isinstance(resource, Practitioner):
        return PRACTITIONER
    return ROOM if isinstance(resource, Room) else DEVICE


def read(window: Interval, *, user: User, at: datetime) -> list[Use]:
    """The use of everything this person sees figures of, in the order of the diary; six queries."""
    found = availability.usage(window=window, at=at)
    if not everybodys(user):
        found = [
            each
            for each in found
            if isinstance(each.resource, Practitioner) and each.resource.user_id == user.pk
        ]
    lost = _lost(window, [each.resource.pk for each in found])
    return [
        Use(each.resource, each.opened, each.booked, (lost[each.resource.pk] & each.opened) - each.booked)
        for each in found
    ]


def within(uses: Iterable[Use], span: Interval) -> list[Use]:
    """The same, of a part of the window only."""
    span_of = (floor_minute(span.starts_at), ceil_minute(span.ends_at))

    def part(minutes: Minutes) -> Minutes:
        return minutes & Minutes(minutes.origin, minutes.length).with_spans([span_of])

    return [Use(each.resource, part(each.opened), part(each.booked), part(each.lost)) for each in uses]


def heat_map(uses: Sequence[Use], period: Period) -> list[Cell]:
    """Every hour of every weekday in which something was open or booked, hour by hour; the uses are added up."""
    if not uses:
        return []
    zone, anything = timezone.get_default_timezone(), 0
    for each in uses:
        anything |= each.opened.bits | each.booked.bits
    blank = Minutes(uses[0].opened.origin, uses[0].opened.length)
    cells = []
    for hour in range(24):
        for weekday in range(1, 8):
            days = [day for day in period.days if day.isoweekday() == weekday]
            mask = blank.with_spans(_hours_of(days, hour, zone)).bits
            if mask & anything:
                cells.append(Cell(weekday, hour, *(_counted(uses, name, mask) for name in _SETS)))
    return cells


_SETS = ("opened", "booked", "lost")


def _counted(uses: Sequence[Use], name: str, mask: int) -> int:
    return sum((getattr(each, name).bits & mask).bit_count() for each in uses)


def _hours_of(days: Iterable[date], hour: int, zone: tzinfo) -> list[tuple[int, int]]:
    """The hour of each day as epoch minutes: none where the clocks jump over it, twice as long where it repeats."""
    spans = []
    for day in days:
        first = ceil_minute(clock_time(day, time(hour), zone))
        after = (day, time(hour + 1)) if hour < 23 else (date.fromordinal(day.toordinal() + 1), time.min)
        last = ceil_minute(clock_time(*after, zone))
        if first < last:
            spans.append((first, last))
    return spans


def _lost(window: Interval, wanted: Sequence[UUID]) -> dict[UUID, Minutes]:
    """What visits that did not happen had taken of whose time; one query."""
    visits = Appointment.objects.filter(
        lists.KINDS[lists.LOST], starts_at__gte=window.starts_at, starts_at__lt=window.ends_at
    ).values_list(
        "practitioner", "practitioner_from", "practitioner_until", "room", "device", "room_from", "room_until"
    )
    spans: dict[UUID | None, list[tuple[int, int]]] = {key: [] for key in wanted}
    not_asked: list[tuple[int, int]] = []
    for who, busy_from, busy_until, room, device, room_from, room_until in visits:
        spans.get(who, not_asked).append((floor_minute(busy_from), ceil_minute(busy_until)))
        for place in (room, device):
            spans.get(place, not_asked).append((floor_minute(room_from), ceil_minute(room_until)))
    blank = Minutes.none(window)
    return {key: blank.with_spans(spans[key]) for key in wanted}
