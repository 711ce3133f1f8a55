"""Waiting, lateness and overrun from what really happened; and how long before a visit it was booked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from clinic.models import User
from clinic.review import lists
from clinic.review.period import Period
from clinic.review.whose import everybodys

# Minutes. Waited: from arrival to the start, less the preparation that was planned in between (cream). Late: the
# start, behind plan; below nought, early. Overrun: from the start to the end, longer than planned.
_TIMES = """
SELECT practitioner_id, weekday, count(*),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY waited),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY late),
       percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY overrun)
  FROM (SELECT practitioner_id, extract(isodow FROM starts_at AT TIME ZONE %(zone)s)::int AS weekday,
               greatest(0, extract(epoch FROM started_at - arrived_at - (practitioner_from - starts_at)) / 60) AS waited,
               extract(epoch FROM started_at - practitioner_from) / 60 AS late,
               extract(epoch FROM (ended_at - started_at) - (ends_at - practitioner_from)) / 60 AS overrun
          FROM clinic_appointment
         WHERE starts_at >= %(from)s AND starts_at < %(until)s AND status IN ('in_progress', 'completed')
           AND (%(everybody)s OR practitioner_id = (SELECT id FROM clinic_practitioner WHERE user_id = %(user)s))
       ) AS visits
 GROUP BY GROUPING SETS ((), (practitioner_id), (weekday))
"""


@dataclass(frozen=True, slots=True)
class Spread:
    """In whole minutes: half of the visits had at most `median`, nine of ten at most `most`; None without visits."""

    median: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """One line of the table: of a practitioner, of a weekday, or (both None) of all."""

    practitioner: UUID | None
    weekday: int | None
    visits: int
    waited: Spread
    late: Spread
    overrun: Spread


@dataclass(frozen=True, slots=True)
class Lead:
    """How many visits were booked so long before: a step of lists.LEADS."""

    step: int
    first: int
    last: int | None
    visits: int


def times(period: Period, *, user: User) -> list[Times]:
    """All together first, then by practitioner and by weekday; one query. Only visits that were started count."""
    wanted = {
        "zone": str(timezone.get_default_timezone()),
        "from": period.span.starts_at,
        "until": period.span.ends_at,
        "everybody": everybodys(user),
        "user": user.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TIMES, wanted)
        rows = [_line(*row) for row in cursor.fetchall()]
    return sorted(rows, key=lambda row: (row.practitioner is not None, row.weekday or 0))


def leads(period: Period, *, user: User, at: datetime) -> tuple[list[Lead], int | None]:
    """The visits of the period by how many days before they were booked, and the median in days; one query."""
    found = lists.visits(lists.VISITS, period, user=user, at=at, narrowed=lists.Narrowed())
    counted = found.annotate(lead=lists.LeadDays()).order_by("lead").values_list("lead").annotate(Count("pk"))
    days: dict[int, int] = {}
    for day, count in counted:
        days[max(day, 0)] = days.get(max(day, 0), 0) + count  # noted afterwards counts as the same day
    steps = [
        Lead(n, first, last, sum(count for day, count in days.items() if _is_in(day, first, last)))
        for n, (first, last) in enumerate(lists.LEADS)
    ]
    return steps, _median(days)


def _is_in(day: int, first: int, last: int | None) -> bool:
    return first <= day and (last is None or day <= last)


def _median(days: dict[int, int]) -> int | None:
    """The lower one of two; days are whole."""
    before, half = 0, sum(days.values()) / 2
    for day, count in days.items():
        before += count
        if before >= half:
            return day
    return None


def _line(who: Any, weekday: int | None, visits: int, *spreads: list[float | None] | None) -> Times:
    waited, late, overrun = (
        Spread(*(None if each is None else round(each) for each in spread or (None, None)))
        for spread in spreads
    )
    return Times(who, weekday, visits, waited, late, overrun)
