"""Whole days of the clinic's calendar: a week, a month, a quarter, or from one day to another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from django.utils.http import urlencode

from clinic.intervals import Interval, local_day

WEEK, MONTH, QUARTER, DAYS = "week", "month", "quarter", "days"
LONGEST = 366  # days
EARLIEST, LATEST = date(2000, 1, 15), date(2100, 12, 17)
_MONTHS = {MONTH: 1, QUARTER: 3}


@dataclass(frozen=True, slots=True)
class Period:
    """From the first day to the last, both included."""

    kind: str
    first: date
    last: date

    @property
    def span(self) -> Interval:
        """From the first day's midnight to the one that ends the last."""
        zone = timezone.get_default_timezone()
        return Interval(local_day(self.first, zone).starts_at, local_day(self.last, zone).ends_at)

    @property
    def days(self) -> list[date]:
        """Each of its days."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def asked(self) -> dict[str, str]:
        """As addresses name it: week=2026-W48, month=2026-11, quarter=2026-Q4, or from=…&until=…"""
        if self.kind == WEEK:
            year, week, _day = self.first.isocalendar()
            return {WEEK: f"{year}-W{week:02}"}
        if self.kind == MONTH:
            return {MONTH: f"{self.first:%Y-%m}"}
        if self.kind == QUARTER:
            return {QUARTER: f"{self.first.year}-Q{(self.first.month + 2) // 3}"}
        return {"from": self.first.isoformat(), "until": self.last.isoformat()}

    @property
    def query(self) -> str:
        """`asked`, ready to stand in an address."""
        return urlencode(self.asked)

    def shifted(self, count: int) -> "Period":
        """So many periods of this kind later (or earlier)."""
        if self.kind in _MONTHS:
            return _months(self.kind, self.first.year, self.first.month + count * _MONTHS[self.kind])
        days = timedelta(days=count * len(self.days))
        return Period(self.kind, self.first + days, self.last + days)

    def as_kind(self, kind: str) -> "Period":
        """The week, month or quarter that its first day lies in."""
        return containing(kind, self.first)


def containing(kind: str, day: date) -> Period:
    """The week, month or quarter of the day."""
    if kind == WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(WEEK, monday, monday + timedelta(days=6))
    first_month = day.month if kind == MONTH else day.month - (day.month - 1) % 3
    return _months(kind, day.year, first_month)


def asked_for(data: Mapping[str, str], *, today: date) -> Period:
    """The week, month or quarter named in an address; this week where it names none, or nonsense."""
    try:
        found = _week(data.get(WEEK, "")) or _month(data.get(MONTH, "")) or _quarter(data.get(QUARTER, ""))
    except (ValueError, OverflowError):  # 2026-W60; a week that ends after the last date there is
        found = None
    if found is None or found.first < EARLIEST or found.last > LATEST:
        return containing(WEEK, today)
    return found


def _week(text: str) -> Period | None:
    match = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", text)
    return containing(WEEK, date.fromisocalendar(int(match[1]), int(match[2]), 1)) if match else None


def _month(text: str) -> Period | None:
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
    return containing(MONTH, date(int(match[1]), int(match[2]), 1)) if match else None


def _quarter(text: str) -> Period | None:
    match = re.fullmatch(r"([0-9]{4})-Q([1-4])", text)
    return containing(QUARTER, date(int(match[1]), int(match[2]) * 3, 1)) if match else None


def _months(kind: str, year: int, month: int) -> Period:
    """`month` may run over the year's ends: 0 is last December."""
    first = _month_start(year, month)
    return Period(kind, first, _month_start(year, month + _MONTHS[kind]) - timedelta(days=1))


def _month_start(year: int, month: int) -> date:
    years, rest = divmod(month - 1, 12)
    return date(year + years, rest + 1, 1)
