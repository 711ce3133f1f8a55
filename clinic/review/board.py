"""Is the next day ready? One line for each problem, under whoever can fix it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import readiness
from clinic.enums import Readiness
from clinic.intervals import local_day
from clinic.models import Appointment, User
from clinic.outside import judged
from clinic.review.whose import visits_for


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps one visit from being ready."""

    visit: Appointment
    label: str
    what: str
    state: Readiness


@dataclass(frozen=True, slots=True)
class Board:
    """The next day that has visits (None: none is booked), how many, how many are not ready, and why, by who can fix it."""

    day: date | None = None
    visits: int = 0
    not_ready: int = 0
    by_who: dict[str, list[Problem]] = field(default_factory=dict)


def read(*, user: User, at: datetime) -> Board:
    """The board of the next day with visits, after today."""
    tonight = local_day(timezone.localdate(at), timezone.get_default_timezone()).ends_at
    coming = visits_for(user, at=at).upcoming(at).filter(starts_at__gte=tonight)
    soonest = coming.order_by("starts_at").values_list("starts_at", flat=True).first()
    if soonest is None:
        return Board()
    day = timezone.localdate(soonest)
    visits = list(coming.on_day(day).with_people().order_by("starts_at", "practitioner"))
    badges = readiness.pathway().badges(visits, user=user, at=at)
    outside = {each.visit.pk: each.reasons for each in judged(visits)}
    by_who: dict[str, list[Problem]] = {}
    for visit in visits:
        for who, problem in _problems(visit, badges[visit.pk], outside.get(visit.pk, ())):
            by_who.setdefault(who, []).append(problem)
    not_ready = {problem.visit.pk for problems in by_who.values() for problem in problems}
    return Board(day, len(visits), len(not_ready), dict(sorted(by_who.items())))


def _problems(
    visit: Appointment, badge: readiness.Badge, outside: Iterable[str]
) -> Iterable[tuple[str, Problem]]:
    """Who can fix it, and what: the pathway's conditions, then why its time or place is not open any more."""
    label, state = badge.label or str(visit.type), badge.verdict.state
    for condition in badge.verdict.conditions if state != Readiness.CLEAR else ():
        yield condition.who or _("Anybody"), Problem(visit, label, condition.what, state)
    if state != Readiness.CLEAR and not badge.verdict.conditions:
        yield _("Anybody"), Problem(visit, label, str(state.label).capitalize(), state)
    for reason in outside:
        yield str(_("Reception")), Problem(visit, label, _("%(reason)s Move it.") % {"reason": reason}, _NO)


_NO = Readiness.REFUSED
