"""Doses per component against every cap (CLINICAL 0.4, 2.1). All numbers are Decimal; caps are reference data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import CapDecision, CapMeasure
from consultations.models import Component, DoseCap, FormulaPart, PathwayPolicy, Session
from consultations.queries import PlanFacts
from consultations.rules.day_doses import COUNTED_TO, Portion, portions_on


@dataclass(frozen=True)
class ZoneDose:
    """What goes into one zone: `points` × `ml_per_point` ml, or for a needleless session a volume in ml."""

    points: int
    ml_per_point: Decimal
    volume_ml: Decimal


@dataclass(frozen=True)
class ComponentDose:
    """The dose of one component today, in its own unit, and the tightest cap with its arithmetic."""

    component: Component
    strength: Decimal
    amount: Decimal
    cap: Decimal | None
    arithmetic: str
    others: tuple[Portion, ...] = ()

    @property
    def other_amount(self) -> Decimal:
        """What other sessions, drafts and test injections of the same day put in."""
        return sum((portion.amount for portion in self.others), Decimal(0))

    @property
    def total(self) -> Decimal:
        """With what others put in on the same day."""
        return self.amount + self.other_amount

    @property
    def is_over(self) -> bool:
        """Above the tightest cap."""
        return self.cap is not None and self.total > self.cap


@dataclass(frozen=True)
class PointLimit:
    """A cap on points per session or on ml per point, and how much of it is used."""

    measure: CapMeasure
    value: Decimal
    cap: Decimal
    component: Component

    @property
    def is_over(self) -> bool:
        """Above the cap."""
        return self.value > self.cap


def volume_of(zones: Iterable[ZoneDose]) -> Decimal:
    """Total ml."""
    return sum((zone.volume_ml for zone in zones), Decimal(0))


def caps_for(caps: Iterable[DoseCap], component: str, formula: str, measure: CapMeasure) -> list[DoseCap]:
    """The caps of the measure that bind this component in this formula."""
    return [
        cap
        for cap in caps
        if cap.component_code == component and cap.measure == measure and cap.formula_code in ("", formula)
    ]


def undecided(facts: PlanFacts) -> list[DoseCap]:
    """Caps of the plan's components that the clinic has not decided yet: nothing is injected before it has."""
    codes = facts.component_codes
    return [
        cap
        for cap in facts.caps
        if cap.component_code in codes
        and cap.decision == CapDecision.UNSET
        and cap.formula_code in ("", facts.plan.formula.code)
        and not _decided_for_formula(facts, cap)
    ]


def _decided_for_formula(facts: PlanFacts, general: DoseCap) -> bool:
    return not general.formula_code and any(
        cap.component_code == general.component_code
        and cap.measure == general.measure
        and cap.formula_code == facts.plan.formula.code
        and cap.decision != CapDecision.UNSET
        for cap in facts.caps
    )


def component_doses(
    facts: PlanFacts,
    *,
    volume_ml: Decimal,
    weight_kg: Decimal | None,
    on: date,
    session: Session | None = None,
) -> list[ComponentDose]:
    """Volume × strength for each component, with the tightest of its per-session and per-kg caps.

    Sessions of the same patient on the clinic day `on`, of any plan, signed or drafted, count with it, and so do test
    injections.
    """
    others = portions_on(facts, on, ignoring=session)
    doses = []
    for part in facts.parts:
        cap, arithmetic = _tightest(facts, part, weight_kg)
        doses.append(
            ComponentDose(
                component=part.component,
                strength=part.strength,
                amount=(volume_ml * part.strength).quantize(COUNTED_TO),
                cap=cap,
                arithmetic=arithmetic,
                others=tuple(each for each in others if each.component_code == part.component.code),
            )
        )
    return doses


def _tightest(facts: PlanFacts, part: FormulaPart, weight_kg: Decimal | None) -> tuple[Decimal | None, str]:
    unit = part.component.get_unit_display()
    found: list[tuple[Decimal, str]] = []
    formula = facts.plan.formula.code
    for cap in caps_for(facts.caps, part.component.code, formula, CapMeasure.PER_SESSION):
        if cap.limit is not None:
            words = _("%(limit)s %(unit)s per session") % {
                "limit": plain(cap.limit),
                "unit": unit,
            }
            found.append((cap.limit, words))
    for cap in caps_for(facts.caps, part.component.code, formula, CapMeasure.PER_KG):
        if cap.limit is not None and weight_kg is not None:
            words = _("%(limit)s %(unit)s per kg × %(weight)s kg = %(total)s %(unit)s") % {
                "limit": plain(cap.limit),
                "unit": unit,
                "weight": plain(weight_kg),
                "total": plain(cap.limit * weight_kg),
            }
            found.append((cap.limit * weight_kg, words))
    return min(found, default=(None, ""), key=lambda each: each[0])


def needs_weight(facts: PlanFacts) -> bool:
    """Whether a cap counts per kg body weight."""
    formula = facts.plan.formula.code
    return any(
        cap.limit is not None
        for part in facts.parts
        for cap in caps_for(facts.caps, part.component.code, formula, CapMeasure.PER_KG)
    )


def check_zones(
    facts: PlanFacts, zones: Sequence[ZoneDose], *, needleless: bool, policy: PathwayPolicy
) -> None:
    """Points, ml per point and volume fit each other and the caps per point and per session.

    Points × ml may differ from the volume by the policy's tolerance (CLINICAL 4.1); without a needle there are no points.

    Raises:
        DomainError: field `zones`.
    """
    if not zones or volume_of(zones) <= 0:
        raise DomainError(
            _("Enter at least one treated zone with its volume."),
            "zones_missing",
            field="zones",
        )
    for zone in zones:
        if zone.points < 0 or zone.ml_per_point < 0 or zone.volume_ml <= 0:
            raise DomainError(_("Points and volumes are above zero."), "zone_negative", field="zones")
        computed = zone.points * zone.ml_per_point
        if (
            not needleless
            and abs(computed - zone.volume_ml) > computed * policy.volume_tolerance_percent / 100
        ):
            raise DomainError(
                _("%(points)s points × %(each)s ml make %(computed)s ml, but %(volume)s ml are entered.")
                % {
                    "points": zone.points,
                    "each": plain(zone.ml_per_point),
                    "computed": plain(computed),
                    "volume": plain(zone.volume_ml),
                },
                "volume_implausible",
                field="zones",
            )
    _check_point_caps(facts, zones)


def point_limits(facts: PlanFacts, zones: Sequence[ZoneDose]) -> list[PointLimit]:
    """How much of each cap on points, and on ml per point, the zones use."""
    used = {
        CapMeasure.POINTS_PER_SESSION: Decimal(sum(zone.points for zone in zones)),
        CapMeasure.ML_PER_POINT: max((zone.ml_per_point for zone in zones), default=Decimal(0)),
    }
    return [
        PointLimit(measure, value, cap.limit, part.component)
        for measure, value in used.items()
        for part in facts.parts
        for cap in caps_for(facts.caps, part.component.code, facts.plan.formula.code, measure)
        if cap.limit is not None
    ]


def _check_point_caps(facts: PlanFacts, zones: Sequence[ZoneDose]) -> None:
    for limit in point_limits(facts, zones):
        if not limit.is_over:
            continue
        said = {"value": plain(limit.value), "limit": plain(limit.cap), "component": limit.component}
        if limit.measure == CapMeasure.POINTS_PER_SESSION:
            words = _("%(value)s points are more than the %(limit)s that %(component)s allows in a session.")
            raise DomainError(words % said, "too_many_points", field="zones")
        words = _("%(value)s ml per point are more than the %(limit)s ml that %(component)s allows.")
        raise DomainError(words % said, "too_much_per_point", field="zones")


def check_doses(facts: PlanFacts, doses: Iterable[ComponentDose], *, weight_kg: Decimal | None) -> None:
    """Every dose stays within the tightest of its caps; the refusal names it with its arithmetic.

    Raises:
        DomainError: weight_missing or over_cap.
    """
    if weight_kg is None and needs_weight(facts):
        raise DomainError(
            _("Enter the weight: a cap counts per kg."),
            "weight_missing",
            field="weight_kg",
        )
    for dose in doses:
        if dose.is_over:
            raise DomainError(
                " ".join([_over(dose), *words_of_others(dose)]),
                "over_cap",
                field="zones",
            )


def _over(dose: ComponentDose) -> str:
    return _("%(component)s: %(total)s %(unit)s are more than the cap (%(arithmetic)s).") % {
        "component": dose.component,
        "total": plain(dose.total),
        "unit": dose.component.get_unit_display(),
        "arithmetic": dose.arithmetic,
    }


def words_of_others(dose: ComponentDose) -> list[str]:
    """A sentence for each amount of the day that is not this session's: how much, and whose draft or signature."""
    unit = dose.component.get_unit_display()
    return [
        _("%(amount)s %(unit)s of it: %(where)s.")
        % {"amount": plain(portion.amount), "unit": unit, "where": portion.words}
        for portion in dose.others
    ]


def plain(number: Decimal) -> str:
    """Localised, without trailing zeros."""
    return number_format(number.normalize() if number else Decimal(0), use_l10n=True)
