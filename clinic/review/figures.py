"""Counts of a period beside those of the periods before it."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Value

from clinic.models import User
from clinic.review import lists
from clinic.review.period import Period
from clinic.review.whose import visits_for

TRAIL = 8  # periods in a trend, this one included
_LONG = 92  # days from which a trend is this period and the one before: years of visits are not read for a sparkline
COUNTED = (lists.VISITS, lists.NO_SHOWS, lists.LATE)


@dataclass(frozen=True, slots=True)
class Trend:
    """Counts of one kind, oldest period first; the last is the period itself."""

    kind: str
    counts: tuple[int, ...]

    @property
    def now(self) -> int:
        """Of the period itself."""
        return self.counts[-1]

    @property
    def before(self) -> int:
        """Of the period before."""
        return self.counts[-2]


def trail(period: Period) -> list[Period]:
    """The period and those before it, oldest first."""
    length = TRAIL if len(period.days) <= _LONG else 2
    return [period.shifted(-back) for back in reversed(range(length))]


def trends(period: Period, *, user: User, at: datetime) -> list[Trend]:
    """Visits, no-shows and late cancellations over the trail; one query."""
    periods = trail(period)
    edges = [each.span.starts_at for each in periods]
    bucket = Func(
        F("starts_at"),
        Value(edges, output_field=ArrayField(DateTimeField())),
        function="width_bucket",
        output_field=IntegerField(),
    )
    counted = (
        visits_for(user, at=at)
        .filter(starts_at__gte=edges[0], starts_at__lt=period.span.ends_at)
        .annotate(bucket=bucket)
        .values("bucket")
        .order_by()
        .annotate(**{_column(kind): Count("pk", filter=lists.KINDS[kind]) for kind in COUNTED})
    )
    rows = {row["bucket"]: row for row in counted}
    return [
        Trend(kind, tuple(rows.get(n, {}).get(_column(kind), 0) for n in range(1, len(periods) + 1)))
        for kind in COUNTED
    ]


def _column(kind: str) -> str:
    return kind.replace("-", "_")
