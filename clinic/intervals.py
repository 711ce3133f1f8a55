"""Time in Mesoclinic: half-open, aware, and in this one module. Plain Python, no Django.

`Interval` is one stretch of time, `Minutes` a set of whole minutes as one big integer (a season is one `&`), and the
functions at the end turn the clinic's wall clock into instants. Everything is kept in UTC: Python compares two
datetimes of one zone by wall clock, which is wrong twice a year.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from itertools import islice, pairwise
from operator import itemgetter
from typing import TypeVar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = 24 * 60
Point = TypeVar("Point", int, datetime)


class NaiveTime(ValueError):
    """A datetime without a zone: nobody can say which instant is meant."""


class EmptyInterval(ValueError):
    """The end is not after the start."""


class NonexistentTime(ValueError):
    """The clocks jump over this local time; `next_valid` is the first instant after the jump."""

    def __init__(self, naive: datetime, next_valid: datetime) -> None:
        super().__init__(f"{naive} does not exist: the clocks go forward.")
        self.naive, self.next_valid = naive, next_valid


class AmbiguousTime(ValueError):
    """The clocks are set back and this local time comes twice, at `earlier` and at `later`."""

    def __init__(self, naive: datetime, earlier: datetime, later: datetime) -> None:
        super().__init__(f"{naive} exists twice: the clocks go back.")
        self.naive, self.earlier, self.later = naive, earlier, later


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The instants from `starts_at` up to, but not including, `ends_at`; kept in UTC, equal by instant.

    Raises NaiveTime for a datetime without a zone, EmptyInterval unless the end is after the start.
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", _in_utc(self.starts_at))
        object.__setattr__(self, "ends_at", _in_utc(self.ends_at))
        if self.ends_at <= self.starts_at:
            raise EmptyInterval(f"{self.ends_at} is not after {self.starts_at}.")

    @property
    def duration(self) -> timedelta:
        """Elapsed time, not the difference of the wall clocks."""
        return self.ends_at - self.starts_at

    def overlaps(self, other: Interval) -> bool:
        """Whether the two share an instant; intervals that only touch do not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies inside: the start does, the end does not."""
        return self.starts_at <= _in_utc(instant) < self.ends_at

    def covers(self, other: Interval) -> bool:
        """Whether every instant of `other` lies inside."""
        return self.starts_at <= other.starts_at and other.ends_at <= self.ends_at

    def intersection(self, other: Interval) -> Interval | None:
        """The shared stretch, or None where there is none."""
        first, last = max(self.starts_at, other.starts_at), min(self.ends_at, other.ends_at)
        return Interval(first, last) if first < last else None

    def shifted(self, by: timedelta) -> Interval:
        """The same length, moved by elapsed time."""
        return Interval(self.starts_at + by, self.ends_at + by)


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The union, sorted; intervals that overlap or touch become one."""
    return [Interval(*run) for run in _runs((each.starts_at, each.ends_at) for each in intervals)]


@dataclass(frozen=True, slots=True)
class Minutes:
    """A set of whole minutes inside a fixed window. Bit n of `bits` is the minute `origin + n`.

    `origin` counts minutes since 1970 (UTC), `length` is the window's. Sets combine only within one window
    (ValueError otherwise). What lies outside the window is in no set.
    """

    origin: int
    length: int
    bits: int = 0

    @classmethod
    def none(cls, window: Interval) -> Minutes:
        """The empty set; the window is widened to whole minutes."""
        return cls(first := floor_minute(window.starts_at), ceil_minute(window.ends_at) - first)

    @classmethod
    def from_intervals(cls, window: Interval, intervals: Iterable[Interval], *, outward: bool) -> Minutes:
        """`outward` counts a minute that is touched (busy time); otherwise only whole ones count (open time)."""
        first, last = (floor_minute, ceil_minute) if outward else (ceil_minute, floor_minute)
        return cls.none(window).with_spans((first(each.starts_at), last(each.ends_at)) for each in intervals)

    def with_spans(self, spans: Iterable[tuple[int, int]]) -> Minutes:
        """These minutes and the half-open spans of epoch minutes, in any order, overlapping or not.

        The sum of all 2^end less the sum of all 2^start has exactly the bits of disjoint spans set: a thousand
        spans cost two sums and one subtraction instead of a thousand shifts of a season's bits.
        """
        ordered = sorted(spans)
        if not ordered:
            return self
        # Turning bytes into an integer is most of the work, so the bytes begin and end where the spans do.
        origin = max(self.origin, ordered[0][0])
        far = min(self.origin + self.length, max(map(itemgetter(1), ordered)))
        starts, ends = (bytearray(max(far - origin, 0) // 8 + 1) for _ in range(2))
        reached = origin
        for begin, end in ordered:
            begin = begin if begin > reached else reached  # what overlaps the span before is in already
            reached = end if end < far else far
            if begin < reached:
                starts[begin - origin >> 3] |= 1 << (begin - origin & 7)
                ends[reached - origin >> 3] |= 1 << (reached - origin & 7)
            elif reached < begin:
                reached = begin
        found = int.from_bytes(ends, "little") - int.from_bytes(starts, "little")
        return self._with(self.bits | found << origin - self.origin)

    def __or__(self, other: Minutes) -> Minutes:
        return self._with(self.bits | self._same_window(other).bits)

    def __and__(self, other: Minutes) -> Minutes:
        return self._with(self.bits & self._same_window(other).bits)

    def __sub__(self, other: Minutes) -> Minutes:
        return self._with(self.bits ^ self.bits & self._same_window(other).bits)

    def __invert__(self) -> Minutes:
        return self._with(self.bits ^ _every(self.length))

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __bool__(self) -> bool:
        return self.bits != 0

    def __contains__(self, instant: datetime) -> bool:
        return (offset := floor_minute(instant) - self.origin) >= 0 and bool(self.bits >> offset & 1)

    def __iter__(self) -> Iterator[datetime]:
        """The minutes in order, as UTC datetimes; lazily, and the work is per minute found, not per bit."""
        data = self.bits.to_bytes(self.bits.bit_length() // 8 + 1, "little")
        for chunk in range(0, len(data), 180):
            digits = bin(int.from_bytes(data[chunk : chunk + 180], "little"))[:1:-1]
            offset = -1
            while (offset := digits.find("1", offset + 1)) >= 0:
                yield EPOCH + (self.origin + chunk * 8 + offset) * MINUTE

    def first(self, count: int) -> list[datetime]:
        """The earliest `count` minutes, or all if there are fewer."""
        return list(islice(self, count))

    def starts(self, first: int, last: int) -> Minutes:
        """The start minutes t for which every minute of [t + first, t + last) is in this set.

        Offsets in minutes, either may be negative; EmptyInterval unless first < last. A resource free on [a, b)
        can so serve the starts [a - first, b - last]. Doubling shifts: O(log(last - first)).
        """
        if first >= last:
            raise EmptyInterval(f"offset {last} is not after {first}.")
        bits, run = self.bits, 1
        while run < last - first:
            step = min(run, last - first - run)
            bits, run = bits & bits >> step, run + step
        return self._with(bits >> first if first >= 0 else (bits << -first) & _every(self.length))

    def on_grid(self, minutes: int, zone: tzinfo) -> Minutes:
        """Only those whose wall clock in `zone` shows a multiple of `minutes` after midnight (both times, where an
        hour comes twice). The grid begins anew each midnight, so it need not divide the day.
        """
        comb, width, kept = _comb(minutes), DAY, 0
        while width < self.length + DAY:
            comb |= comb << width
            width *= 2
        for first, last, ahead in self._constant_offsets(zone):
            kept |= (comb >> (self.origin + first + ahead) % DAY & (1 << last - first) - 1) << first
        return self._with(self.bits & kept)

    def intervals(self) -> list[Interval]:
        """The set as sorted intervals that do not touch."""
        edges = list(Minutes(self.origin, self.length + 1, self.bits ^ self.bits << 1))
        return [Interval(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def _constant_offsets(self, zone: tzinfo) -> Iterator[tuple[int, int, int]]:
        """(first, last, minutes ahead of UTC) for each stretch of the window between two clock changes."""
        first, days = 0, [*range(0, self.length, DAY), self.length]
        for before, after in pairwise(EPOCH + (self.origin + offset) * MINUTE for offset in days):
            if _offset(before, zone) != _offset(after, zone):
                change = ceil_minute(_clock_change(before, after, zone)) - self.origin
                yield first, change, _offset(before, zone) // MINUTE
                first = change
        yield first, self.length, _offset(after, zone) // MINUTE

    def _same_window(self, other: Minutes) -> Minutes:
        if (self.origin, self.length) != (other.origin, other.length):
            raise ValueError("Sets of minutes combine only within one window.")
        return other

    def _with(self, bits: int) -> Minutes:
        """Other minutes of the same window; `bits` has none outside it."""
        return Minutes(self.origin, self.length, bits)


@dataclass(frozen=True, slots=True)
class Suits:
    """When somebody can come: ISO weekdays, and starts from `since` up to, but not including, `until` (None: midnight).

    Clock times are the clinic's; `since` must come before `until`.
    """

    weekdays: frozenset[int] = frozenset(range(1, 8))
    since: time = time.min
    until: time | None = None

    def minutes(self, nothing: Minutes, zone: tzinfo) -> Minutes:
        """The minutes of the window of `nothing` that suit."""
        first, last = (
            (EPOCH + minute * MINUTE).astimezone(zone).date()
            for minute in (nothing.origin, nothing.origin + nothing.length)
        )
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return nothing.with_spans(self._span(day, zone) for day in days if day.isoweekday() in self.weekdays)

    def contains(self, instant: datetime, zone: tzinfo) -> bool:
        """Whether a visit that starts then suits; the same answer as `minutes`, where an hour comes twice too."""
        day = _in_utc(instant).astimezone(zone).date()
        first, last = self._span(day, zone)
        return day.isoweekday() in self.weekdays and first <= floor_minute(instant) < last

    def _span(self, day: date, zone: tzinfo) -> tuple[int, int]:
        """Epoch minutes; where an hour comes twice, both are meant."""
        end = (
            clock_time(day, self.until, zone, later=True)
            if self.until
            else clock_time(day + timedelta(days=1), time.min, zone)
        )
        return floor_minute(clock_time(day, self.since, zone)), floor_minute(end)


@lru_cache(maxsize=8)
def _every(length: int) -> int:
    """All minutes of a window. A search asks for those of its own window again and again."""
    return (1 << length) - 1


@cache
def _comb(minutes: int) -> int:
    """A day of minutes, every so many of them set. A clinic has few grids, and each is asked for all day long."""
    return sum(1 << minute for minute in range(0, DAY, minutes))


def floor_minute(instant: datetime) -> int:
    """The epoch minute the instant lies in."""
    return (_in_utc(instant) - EPOCH) // MINUTE


def ceil_minute(instant: datetime) -> int:
    """The first epoch minute that starts at the instant or after it."""
    return -((EPOCH - _in_utc(instant)) // MINUTE)


def clock_time(day: date, at: time, zone: tzinfo, *, later: bool = False) -> datetime:
    """The instant an opening-hours clock time means on that day, in UTC.

    A time the clocks jump over means the first instant after it; one that comes twice the earlier, or the later
    with `later` (for ends: who works until 02:30 stays the hour that is repeated).
    """
    return _clock_time(day, at, zone, later)


@lru_cache(maxsize=4096)  # the midnights and the opening hours of the same days are asked for all day long
def _clock_time(day: date, at: time, zone: tzinfo, later: bool) -> datetime:
    try:
        return exact_local(datetime.combine(day, at), zone)
    except NonexistentTime as gap:
        return gap.next_valid
    except AmbiguousTime as twice:
        return twice.later if later else twice.earlier


def exact_local(naive: datetime, zone: tzinfo) -> datetime:
    """The one instant, in UTC, that a typed wall-clock time means; NonexistentTime or AmbiguousTime if not one."""
    before = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    after = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if before < after:
        raise AmbiguousTime(naive, before, after)
    if after < before:  # In a gap, fold 0 reads with the old offset, which is too late.
        raise NonexistentTime(naive, _clock_change(after, before, zone))
    return before


def local_day(day: date, zone: tzinfo) -> Interval:
    """Midnight to midnight, 23, 24 or 25 hours; days tile without gap. EmptyInterval for a date the zone skipped."""
    return Interval(clock_time(day, time.min, zone), clock_time(day + timedelta(days=1), time.min, zone))


def _runs(spans: Iterable[tuple[Point, Point]]) -> Iterator[tuple[Point, Point]]:
    """The union of half-open spans, sorted; those that overlap or touch become one."""
    edges: list[Point] = []
    for first, last in sorted(spans):
        if not edges or first > edges[-1]:
            edges += first, last
        elif last > edges[-1]:
            edges[-1] = last
    return zip(edges[::2], edges[1::2], strict=True)


def _in_utc(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise NaiveTime(f"{instant} has no time zone.")
    return instant.astimezone(UTC)


def _offset(instant: datetime, zone: tzinfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _clock_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant, to the second, from which the offset in force just `after` applies; `before` has another."""
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return after.replace(microsecond=0)


_IN_ADDRESSES = "%Y-%m-%dT%H:%MZ"


def to_address(instant: datetime) -> str:
    """The instant as it stands in an address or a form: "2026-03-02T08:15Z", the same in every zone."""
    return instant.astimezone(UTC).strftime(_IN_ADDRESSES)


def from_address(text: str) -> datetime:
    """The instant that was written; ValueError for anything else."""
    return datetime.strptime(text, _IN_ADDRESSES).replace(tzinfo=UTC)
