"""Doses per component against every cap. All numbers are Decimal; caps are reference data."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import CapDecision, CapMeasure, ComponentKind
from consultations.models import (
    Component,
    DoseCap,
    FormulaPart,
    PathwayPolicy,
    Session,
    SessionZone,
    TechniqueRule,
)
from consultations.queries import PlanFacts, confirmed_error
from consultations.rules.day_doses import COUNTED_TO, Origin, Portion, portions_on
from consultations.technique_enums import Counted


@dataclass(frozen=True)
class ZoneDose:
    """What goes into one zone: `points` × `ml_per_point` ml, or for a needleless session a volume in ml.

    `area_cm2` is known where a cap counts by it, `view` (face, scalp …) where the zone was chosen.
    """

    points: int
    ml_per_point: Decimal
    volume_ml: Decimal
    area_cm2: Decimal | None = None
    view: str = ""

    @classmethod
    def of(cls, row: SessionZone) -> "ZoneDose":
        """What is on record; `row.zone` is read."""
        return cls(row.points, row.ml_per_point, row.volume_ml, row.area_cm2, row.zone.view)


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
    def on_record(self) -> Decimal:
        """Without what others have only drafted: a draft may never be given."""
        drafted = (portion.amount for portion in self.others if portion.origin == Origin.DRAFT)
        return self.total - sum(drafted, Decimal(0))

    @property
    def is_over(self) -> bool:
        """Above the tightest cap, drafts counted: what whoever is about to inject has to see."""
        return self.cap is not None and self.total > self.cap

    @property
    def is_over_on_record(self) -> bool:
        """Above the tightest cap by what is signed and tested alone: what a signature is judged by."""
        return self.cap is not None and self.on_record > self.cap


@dataclass(frozen=True)
class PointLimit:
    """A cap on points per session, on ml per point or on the amount per cm², and how much of it is used.

    `zone_view` names the part of the body it is for, where it is not for all.
    """

    measure: CapMeasure
    value: Decimal
    cap: Decimal
    component: Component
    zone_view: str = ""

    @property
    def is_over(self) -> bool:
        """Above the cap."""
        return self.value > self.cap


def volume_of(zones: Iterable[ZoneDose]) -> Decimal:
    """Total ml."""
    return sum((zone.volume_ml for zone in zones), Decimal(0))


def caps_for(
    caps: Iterable[DoseCap], component: str, formulas: Collection[str], measure: CapMeasure
) -> list[DoseCap]:
    """The caps of the measure that bind this component in one of the formulas."""
    return [
        cap
        for cap in caps
        if cap.component_code == component and cap.measure == measure and cap.formula_code in ("", *formulas)
    ]


def undecided(facts: PlanFacts) -> list[DoseCap]:
    """Caps of the formula's components that the clinic has not decided yet: nothing is injected before it has."""
    codes = facts.component_codes
    return [
        cap
        for cap in facts.caps
        if cap.component_code in codes
        and cap.decision == CapDecision.UNSET
        and cap.formula_code in ("", *facts.formula_codes)
        and not _decided_for_formula(facts, cap)
    ]


def _decided_for_formula(facts: PlanFacts, general: DoseCap) -> bool:
    return not general.formula_code and any(
        cap.component_code == general.component_code
        and cap.measure == general.measure
        and cap.formula_code in facts.formula_codes
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
    injections. The caps of every formula that was given on the day bind them all, whichever was given first.
    """
    others = portions_on(facts, on, ignoring=session)
    doses = []
    for part in facts.parts:
        same = tuple(each for each in others if each.component.code == part.component.code)
        cap, arithmetic = _tightest(facts, part, weight_kg, on, formulas=_given_with(facts, same))
        doses.append(
            ComponentDose(
                component=part.component,
                strength=part.strength,
                amount=(volume_ml * part.strength).quantize(COUNTED_TO),
                cap=cap,
                arithmetic=arithmetic,
                others=same,
            )
        )
    return doses


def _given_with(facts: PlanFacts, others: Iterable[Portion]) -> frozenset[str]:
    """Codes of the formulas whose caps bind the day: the session's, and those of what is signed; drafts bind nothing."""
    signed = (each for each in others if each.origin == Origin.SIGNED)
    return facts.formula_codes.union(*(each.formula_codes for each in signed))


def _tightest(
    facts: PlanFacts, part: FormulaPart, weight_kg: Decimal | None, on: date, *, formulas: Collection[str]
) -> tuple[Decimal | None, str]:
    unit = part.component.get_unit_display()
    found: list[tuple[Decimal, str]] = []
    for cap in caps_for(facts.caps, part.component.code, formulas, CapMeasure.PER_SESSION):
        if cap.limit is not None:
            words = _("%(limit)s %(unit)s per session") % {
                "limit": plain(cap.limit),
                "unit": unit,
            }
            found.append((cap.limit, words))
    for cap in caps_for(facts.caps, part.component.code, formulas, CapMeasure.PER_KG):
        if cap.limit is not None and weight_kg is not None:
            words = _("%(limit)s %(unit)s per kg × %(weight)s kg = %(total)s %(unit)s") % {
                "limit": plain(cap.limit),
                "unit": unit,
                "weight": plain(weight_kg),
                "total": plain(cap.limit * weight_kg),
            }
            found.append((cap.limit * weight_kg, words))
    for cap in caps_for(facts.caps, part.component.code, formulas, CapMeasure.PER_INTERVAL):
        if cap.limit is not None and cap.interval_days:
            before = given_around(facts, part.component.code, on, days=cap.interval_days)
            left = max(cap.limit - before, Decimal(0))
            words = _("%(limit)s %(unit)s in %(days)s days − %(before)s %(unit)s = %(left)s %(unit)s") % {
                "limit": plain(cap.limit),
                "unit": unit,
                "days": cap.interval_days,
                "before": plain(before),
                "left": plain(left),
            }
            found.append((left, words))
    return min(found, default=(None, ""), key=lambda each: each[0])


def given_around(facts: PlanFacts, component: str, day: date, *, days: int) -> Decimal:
    """What signed sessions of any plan gave within fewer than `days` days of the day, the day itself left out."""
    return sum(
        (
            dose.amount
            for session in facts.sessions
            if session.is_signed and not confirmed_error(session)
            for dose in session.doses.all()
            if dose.component.code == component
            and 0 < abs((timezone.localdate(session.started_at) - day).days) < days
        ),
        Decimal(0),
    )


def needs_weight(facts: PlanFacts) -> bool:
    """Whether a cap counts per kg body weight."""
    return any(
        cap.limit is not None
        for part in facts.parts
        for cap in caps_for(facts.caps, part.component.code, facts.formula_codes, CapMeasure.PER_KG)
    )


def needs_area(facts: PlanFacts) -> bool:
    """Whether a cap counts per cm²."""
    return any(cap.measure == CapMeasure.PER_CM2 and cap.limit is not None for cap in facts.own_caps)


def check_zones(
    facts: PlanFacts, zones: Sequence[ZoneDose], *, rule: TechniqueRule, policy: PathwayPolicy
) -> None:
    """Points, ml per point and volume fit each other; what they are against the caps is for `rules.over_caps`.

    Points × ml may differ from the volume by the policy's tolerance; where only a volume is counted there are no points.

    Raises:
        DomainError: field `zones`.
    """
    if rule.injects_nothing:
        _check_pricked(zones)
        return
    if not zones or volume_of(zones) <= 0:
        raise DomainError(
            _("Enter at least one treated zone with its volume."),
            "zones_missing",
            field="zones",
        )
    for zone in zones:
        if zone.points < 0 or zone.ml_per_point < 0 or zone.volume_ml <= 0:
            raise DomainError(_("Points and volumes are above zero."), "zone_negative", field="zones")
        if rule.counts != Counted.AREA:
            _check_volume(zone, policy)
    if needs_area(facts) and any(zone.area_cm2 is None for zone in zones):
        raise DomainError(
            _("Enter the area of every zone in cm²: a cap counts by it."), "area_missing", field="zones"
        )


def _check_volume(zone: ZoneDose, policy: PathwayPolicy) -> None:
    computed = zone.points * zone.ml_per_point
    if abs(computed - zone.volume_ml) > computed * policy.volume_tolerance_percent / 100:
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


def _check_pricked(zones: Sequence[ZoneDose]) -> None:
    if not zones or any(zone.points <= 0 for zone in zones):
        raise DomainError(
            _("Enter at least one treated zone with its points."), "zones_missing", field="zones"
        )
    if volume_of(zones) > 0:
        raise DomainError(
            _("This technique injects nothing: leave the volume empty."), "nothing_injected", field="zones"
        )


def point_limits(facts: PlanFacts, zones: Sequence[ZoneDose]) -> list[PointLimit]:
    """How much of each cap on points, on ml per point and on the amount per cm² the zones use, each in its own view."""
    found = []
    for part in facts.parts:
        for cap in facts.own_caps:
            here = [zone for zone in zones if cap.zone_view in ("", zone.view)]
            if cap.component_code != part.component.code or cap.limit is None or (cap.zone_view and not here):
                continue
            value = _used(cap, part, here)
            if value is not None:
                measure = CapMeasure(cap.measure)
                found.append(PointLimit(measure, value, cap.limit, part.component, cap.zone_view))
    return found


def _used(cap: DoseCap, part: FormulaPart, zones: Sequence[ZoneDose]) -> Decimal | None:
    if cap.measure == CapMeasure.POINTS_PER_SESSION:
        return Decimal(sum(zone.points for zone in zones))
    if cap.measure == CapMeasure.ML_PER_POINT:
        return max((zone.ml_per_point for zone in zones), default=Decimal(0))
    if cap.measure == CapMeasure.PER_CM2:
        each = [zone.volume_ml * part.strength / zone.area_cm2 for zone in zones if zone.area_cm2]
        return max(each, default=None)
    return None


def check_weight(facts: PlanFacts, weight_kg: Decimal | None) -> None:
    """Where a cap counts per kg, the weight of the day is known.

    Raises:
        DomainError: weight_missing.
    """
    if weight_kg is None and needs_weight(facts):
        raise DomainError(
            _("Enter the weight: a cap counts per kg."),
            "weight_missing",
            field="weight_kg",
        )


def cautions(facts: PlanFacts, *, on: date, session: Session | None) -> list[str]:
    """Warnings about what meets in the patient that day. Local anaesthetics inhibit lipolysis."""
    today = [part.component for part in facts.parts]
    today += [portion.component for portion in portions_on(facts, on, ignoring=session)]
    by_kind = {component.kind: component for component in today}
    anaesthetic = by_kind.get(ComponentKind.ANAESTHETIC)
    lipolytic = by_kind.get(ComponentKind.LIPOLYTIC)
    if anaesthetic is None or lipolytic is None:
        return []
    words = _("%(anaesthetic)s and %(lipolytic)s on one day: a local anaesthetic may weaken the lipolytic.")
    return [words % {"anaesthetic": anaesthetic, "lipolytic": lipolytic}]


def words_of_others(dose: ComponentDose, *, without: Collection[Origin] = ()) -> list[str]:
    """A sentence for each amount of the day that is not this session's: how much, and whose draft or signature."""
    unit = dose.component.get_unit_display()
    return [
        _("%(amount)s %(unit)s of it: %(where)s.")
        % {"amount": plain(portion.amount), "unit": unit, "where": portion.words}
        for portion in dose.others
        if portion.origin not in without
    ]


def plain(number: Decimal) -> str:
    """Localised, without trailing zeros."""
    return number_format(number.normalize() if number else Decimal(0))
