"""How much of the timetable a course search has looked at: reading what is booked is most of its work. Read only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.courses.days import Supply
from clinic.courses.hours import Calendar, instant
from clinic.intervals import Interval, floor_minute, local_day, merge
from clinic.models import AppointmentType
from clinic.search import Candidates, Search, reach


class Look:
    """Days on which the visits of a course could be: who works when on all of them, and on some what is booked.

    On a day that was not read nothing counts as booked. What is free there is no promise, but nothing better is hidden.
    """

    def __init__(
        self,
        suiting: Mapping[AppointmentType, Candidates],
        first: date,
        last: date,
        days: Iterable[int],
        *,
        begin: datetime,
        at: datetime,
    ) -> None:
        """Read who works when from the first to the last day, and what is booked on some days (ordinals). One query.

        Nothing before `begin` matters. `at` is when holds that have run out count no more.
        """
        zone = timezone.get_default_timezone()
        begins_at = max(begin, local_day(first, zone).starts_at)
        self.span = Interval(begins_at, local_day(last, zone).ends_at)
        self.calendar = Calendar(self.span, zone)
        self.days = set(range(self.calendar.first, last.toordinal() + 1))
        self._at, self._suiting = at, suiting
        before, after = (max(parts) for parts in zip(*(reach(kind) for kind in suiting), strict=True))
        self._reach = before, after
        self._keys = _keys(suiting.values())
        self._read = self.days.intersection(days)
        self._table = timetable.read(
            Interval(self.span.starts_at - before, self.span.ends_at + after),
            at=at,
            spans=self._spans(self._read),
            open_on_all_days=True,
            **self._keys,
        )

    def unread(self, days: Iterable[int]) -> set[int]:
        """Those of the days on which it was not read what is booked."""
        return self.days.intersection(days) - self._read

    def read(self, days: Iterable[int]) -> None:
        """Read what is booked on these days, too. One query, unless all were read."""
        if wanted := self.unread(days):
            timetable.read_more(self._table, self._spans(wanted), at=self._at, **self._keys)
            self._read |= wanted

    def _spans(self, days: Iterable[int]) -> list[Interval]:
        """All the time that visits which start on these days can take of anybody or anything."""
        before, after = self._reach
        spans = (self.calendar.minutes_of(day) for day in days)
        return merge(Interval(instant(first) - before, instant(last) + after) for first, last in spans)

    def supplies(self, days: Collection[int] | None = None) -> dict[AppointmentType, Supply]:
        """The free starts by kind of visit, on these days or on all."""
        shown = self.days if days is None else days
        return {
            kind: Supply(Search(kind, self.span, found, self._table), self.calendar, shown)
            for kind, found in self._suiting.items()
        }


def first_start(kind: AppointmentType, suiting: Candidates, window: Interval, *, at: datetime) -> int | None:
    """The first free start in the window, in epoch minutes. One query for every doubling of the days looked at."""
    begin, ahead = window.starts_at, timedelta(days=1)
    while begin < window.ends_at:
        end = min(begin + ahead, window.ends_at)
        if found := Search.load(kind, Interval(begin, end), suiting, at=at).found(limit=1):
            return floor_minute(found[0].starts_at)
        begin, ahead = end, ahead * 2
    return None


def _keys(suiting: Iterable[Candidates]) -> dict[str, set[UUID]]:
    everybody = list(suiting)
    return {
        "practitioners": {each.pk for found in everybody for each in found.practitioners},
        "rooms": {each.pk for found in everybody for each in found.rooms},
        "devices": {each.pk for found in everybody for each in found.devices},
        "patients": {found.patient.pk for found in everybody if found.patient},
        "ignoring": {each.pk for found in everybody for each in found.ignoring},
    }
