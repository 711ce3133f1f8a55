"""Whether a session's figures are usual for its technique. What is not is no error: the record says why."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from clinic.errors import DomainError
from consultations.models import Session, Technique, TechniqueRule
from consultations.rules.doses import ZoneDose, plain
from consultations.technique_enums import Counted

_CM2 = 100  # mm²


def unusual(
    technique: Technique,
    rule: TechniqueRule,
    zones: Sequence[ZoneDose],
    *,
    spacing_mm: Decimal | None,
    minutes: int | None,
) -> list[str]:
    """A sentence for each figure outside what is usual for the technique (reference data, with its sources there).

    Points are held against the area where area and spacing are known: a grid of that spacing has one point on each
    square of it.
    """
    return [
        *_unusual_zones(technique, rule, zones, spacing_mm),
        *_outside(
            rule.spacing_min_mm,
            rule.spacing_max_mm,
            spacing_mm,
            _("A spacing of %(value)s mm; usual is %(usual)s mm."),
        ),
        *_outside(
            rule.points_min,
            rule.points_max,
            sum(zone.points for zone in zones) or None,
            _("%(value)s points in one session; usual are %(usual)s."),
        ),
        *_outside(
            rule.minutes_min,
            rule.minutes_max,
            minutes,
            _("%(value)s minutes; usual are %(usual)s."),
        ),
    ]


def room_for(area_cm2: Decimal, spacing_mm: Decimal) -> int:
    """How many points of a square grid fit on the area, one on each square of the spacing."""
    return int(area_cm2 * _CM2 / spacing_mm**2)


_PER_ONE = {
    Counted.POINTS: _lazy("%(value)s ml per point; usual are %(usual)s ml."),
    Counted.LINES: _lazy("%(value)s ml per line; usual are %(usual)s ml."),
    Counted.SHOTS: _lazy("%(value)s ml per shot; usual are %(usual)s ml."),
}


def _unusual_zones(
    technique: Technique, rule: TechniqueRule, zones: Sequence[ZoneDose], spacing_mm: Decimal | None
) -> Iterator[str]:
    if rule.counts == Counted.AREA or rule.injects_nothing:
        return
    low, high = technique.ml_per_point_min, technique.ml_per_point_max
    for each in sorted({zone.ml_per_point for zone in zones if zone.points}):
        yield from _outside(low, high, each, str(_PER_ONE[Counted(rule.counts)]))
    for zone in zones:
        if spacing_mm and zone.area_cm2:
            room = room_for(zone.area_cm2, spacing_mm)
            if zone.points > room:
                yield ngettext(
                    "%(points)s points, but %(area)s cm² have room for %(room)s point %(spacing)s mm apart.",
                    "%(points)s points, but %(area)s cm² have room for %(room)s points %(spacing)s mm apart.",
                    room,
                ) % {
                    "points": zone.points,
                    "area": plain(zone.area_cm2),
                    "room": room,
                    "spacing": plain(spacing_mm),
                }


def _outside(
    low: Decimal | int | None, high: Decimal | int | None, value: Decimal | int | None, words: str
) -> Iterator[str]:
    """The sentence, unless the value is usual or nothing is said of either."""
    if low is None or high is None or value is None or low <= value <= high:
        return
    usual = plain(Decimal(low)) if low == high else f"{plain(Decimal(low))}\N{EN DASH}{plain(Decimal(high))}"
    yield words % {"value": plain(Decimal(value)), "usual": usual}


def unusual_in(session: Session, rule: TechniqueRule, zones: Sequence[ZoneDose]) -> list[str]:
    """The same for a draft as it is saved."""
    return unusual(
        session.technique,
        rule,
        zones,
        spacing_mm=session.spacing_mm,
        minutes=session.minutes_applied,
    )


def check_explained(session: Session, rule: TechniqueRule, zones: Sequence[ZoneDose]) -> None:
    """What is unusual has its reason.

    Raises:
        DomainError: field `unusual_reason`.
    """
    found = unusual_in(session, rule, zones)
    if found and not session.unusual_reason.strip():
        raise DomainError(
            " ".join([*found, _("Correct the figure, or say here why it was so.")]),
            "unusual_unexplained",
            field="unusual_reason",
        )
