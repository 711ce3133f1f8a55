"""The visits behind every figure, and what narrows them: one resource, a weekday, an hour, a lead time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Func, IntegerField, Q, QuerySet
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay, TruncDate
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from clinic.enums import HOLDS_TIME, AppointmentStatus, CancelledBy
from clinic.models import Appointment, User
from clinic.review.period import Period
from clinic.review.whose import visits_for

# The patient's own: what the clinic called off at short notice, or took back at once, is no lateness of theirs.
_CANCELLED_LATE = Q(status=AppointmentStatus.CANCELLED, cancelled_late=True, cancelled_by=CancelledBy.PATIENT)
VISITS, NO_SHOWS, LATE, LOST, TIMED = "visits", "no-shows", "late-cancellations", "lost", "times"
KINDS: dict[str, Q] = {
    VISITS: Q(status__in=sorted(HOLDS_TIME)),
    NO_SHOWS: Q(status=AppointmentStatus.NO_SHOW),
    LATE: _CANCELLED_LATE,
    LOST: Q(status=AppointmentStatus.NO_SHOW) | _CANCELLED_LATE,
    TIMED: Q(status__in=[AppointmentStatus.IN_PROGRESS, AppointmentStatus.COMPLETED]),
}
TITLES: dict[str, str | Promise] = {
    VISITS: _("Visits"),
    NO_SHOWS: _("Did not come"),
    LATE: _("Cancelled late"),
    LOST: _("Did not come or cancelled late"),
    TIMED: _("Waiting and lateness"),
}
# Days from booking to visit, first and last of each step.
LEADS: list[tuple[int, int | None]] = [
    (0, 0), (1, 1), (2, 3), (4, 7), (8, 14), (15, 28), (29, 56), (57, None),
]  # fmt: skip
_INSTANT = timedelta(microseconds=1)


class LeadDays(Func):
    """Calendar days from the day a visit was booked to the day it starts."""

    template = "(%(expressions)s)"
    arg_joiner = " - "
    output_field = IntegerField()

    def __init__(self) -> None:
        super().__init__(TruncDate("starts_at"), TruncDate("created_at"))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to. `of` is a practitioner, room or device, `kind` which of these an hour is looked at
    for (their times differ), `lead` a step of LEADS.
    """

    of: UUID | None = None
    kind: str = ""
    weekday: int | None = None
    hour: int | None = None
    lead: int | None = None

    @property
    def asked(self) -> dict[str, str]:
        """As addresses name it."""
        named = {name: getattr(self, name) for name in ("of", "kind", "weekday", "hour", "lead")}
        return {name: str(value) for name, value in named.items() if value not in (None, "")}


def visits(
    kind: str, period: Period, *, user: User, at: datetime, narrowed: Narrowed
) -> QuerySet[Appointment]:
    """The visits of one list, in the order they start."""
    span = period.span
    found = visits_for(user, at=at).filter(
        KINDS[kind], starts_at__gte=span.starts_at, starts_at__lt=span.ends_at
    )
    if narrowed.of:
        found = found.filter(Q(practitioner=narrowed.of) | Q(room=narrowed.of) | Q(device=narrowed.of))
    if narrowed.hour is not None and narrowed.weekday is not None:
        found = _in_hour(found, narrowed)
    elif narrowed.weekday is not None:
        found = found.annotate(weekday=ExtractIsoWeekDay("starts_at")).filter(weekday=narrowed.weekday)
    if narrowed.lead is not None:
        first, last = LEADS[narrowed.lead]
        found = found.annotate(lead=LeadDays())
        found = found.filter(lead__gte=first) if first else found  # noted afterwards counts as the same day
        found = found.filter(lead__lte=last) if last is not None else found
    return found.order_by("starts_at", "pk")


def url(kind: str, period: Period, narrowed: Narrowed | None = None) -> str:
    """The address of a list."""
    asked = {**period.asked, **(narrowed.asked if narrowed else {})}
    return f"{reverse('clinic:review_list', args=[kind])}?{urlencode(asked)}"


def _in_hour(visits: QuerySet[Appointment], narrowed: Narrowed) -> QuerySet[Appointment]:
    """Those that take some minute of this hour on this weekday, on the clinic's clock."""
    whose = "practitioner" if narrowed.kind == "practitioner" else "room"
    weekday, hour = narrowed.weekday, narrowed.hour
    last_moment = F(f"{whose}_until") - _INSTANT
    timed = visits.annotate(
        from_day=ExtractIsoWeekDay(f"{whose}_from"),
        from_hour=ExtractHour(f"{whose}_from"),
        until_day=ExtractIsoWeekDay(last_moment),
        until_hour=ExtractHour(last_moment),
    )
    if narrowed.kind == "device":
        timed = timed.exclude(device=None)
    over_midnight = ~Q(until_day=F("from_day"))
    return timed.filter(
        (Q(from_day=weekday, from_hour__lte=hour) & (over_midnight | Q(until_hour__gte=hour)))
        | (over_midnight & Q(until_day=weekday, until_hour__gte=hour))
    )
