"""What a course has put in so far, session by session and in all: points, volume, and the dose of every component."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils.translation import gettext as _

from consultations.models import SessionDose, SessionZone
from consultations.queries import PlanFacts
from consultations.rules.doses import plain


@dataclass(frozen=True, slots=True)
class Total:
    """One line: what, its unit, how much in each session that was given, oldest first, and in all."""

    label: str
    unit: str
    each: tuple[Decimal, ...]

    @property
    def total(self) -> Decimal:
        """Of all sessions."""
        return sum(self.each, Decimal(0))

    @property
    def by_session(self) -> str:
        """40, 40, 20."""
        return " · ".join(plain(amount) for amount in self.each)


def totals(facts: PlanFacts) -> list[Total]:
    """Points, volume and components of the sessions that were given; nothing before the first."""
    order = [session.pk for session in facts.given]
    if not order:
        return []
    zones = SessionZone.objects.filter(session__in=order).order_by().values_list("session")
    by_session = {
        key: (points, volume)
        for key, points, volume in zones.annotate(points=Sum("points"), volume=Sum("volume_ml"))
    }
    found = [by_session.get(key, (0, Decimal(0))) for key in order]
    points = Total(_("Points"), "", tuple(Decimal(each) for each, _volume in found))
    volume = Total(_("Volume"), _("ml"), tuple(volume for _points, volume in found))
    return [*([points] if points.total else []), volume, *_components(order)]


def _components(order: list[object]) -> Iterable[Total]:
    amounts: dict[tuple[str, str], dict[object, Decimal]] = {}
    doses = SessionDose.objects.filter(session__in=order).select_related("component").order_by("pk")
    for dose in doses:
        line = (str(dose.component), dose.component.get_unit_display())
        amounts.setdefault(line, {})[dose.session_id] = dose.amount
    for (label, unit), by_session in amounts.items():
        yield Total(label, unit, tuple(by_session.get(key, Decimal(0)) for key in order))
