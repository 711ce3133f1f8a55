"""How long after one another two visits are wished for. Plain Python; one `DayGap` or `HourGap` per pair of visits."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class DayGap:
    """In days of the clinic's calendar, whatever the hour.

    `shortest` is hard, in days. Ideal are `months` calendar months and then `ideal` days after the visit before.
    `slack` is how many days after the ideal day still do; None: any.
    """

    shortest: int
    ideal: int = 0
    months: int = 0
    slack: int | None = None

    def due(self, before: date) -> date:
        """The ideal day after a visit on that day; never before the shortest gap is over."""
        ideal = months_later(before, self.months) + timedelta(days=self.ideal)
        return max(ideal, before + timedelta(days=self.shortest))


@dataclass(frozen=True, slots=True)
class HourGap:
    """In elapsed time from start to start, to the minute. `longest` None: any."""

    shortest: timedelta
    ideal: timedelta
    longest: timedelta | None = None


def months_later(day: date, months: int) -> date:
    """The same day some calendar months later; the last day of a shorter month."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
