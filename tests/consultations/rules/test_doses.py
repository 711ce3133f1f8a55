"""Doses per component against every cap, with the acceptance scenarios' exact numbers (CLINICAL 9.2)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clinic.errors import DomainError
from consultations.enums import CapDecision, CapMeasure
from consultations.models import Component, Formula, PathwayPolicy, Plan
from consultations.queries import facts_of_one, policy_in_force
from consultations.rules import course_caps, doses
from consultations.rules.doses import ZoneDose
from tests.factories import (
    ComponentFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PathwayPolicyFactory,
    PlanFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db


def row(points: int, each: str, volume: str | None = None) -> ZoneDose:
    computed = points * Decimal(each)
    return ZoneDose(points, Decimal(each), Decimal(volume) if volume else computed)


def reference_plan(formula_code: str, **plan: Any) -> Plan:
    return PlanFactory(formula=Formula.objects.current().get(code=formula_code), **plan)


def amounts(plan: Plan, *rows: ZoneDose, weight: str | None = None) -> dict[str, Decimal]:
    facts = facts_of_one(plan)
    judged = doses.component_doses(
        facts, volume_ml=doses.volume_of(rows), weight_kg=Decimal(weight) if weight else None, on=TODAY
    )
    return {dose.component.code: dose.amount for dose in judged}


def refusal(
    plan: Plan, *rows: ZoneDose, weight: str | None = None, policy: PathwayPolicy | None = None
) -> str:
    """The code of the refusal of zones or doses; empty when nothing is refused."""
    facts, policy = facts_of_one(plan), policy or policy_in_force(CLINIC_NOW)
    kg = Decimal(weight) if weight else None
    judged = doses.component_doses(facts, volume_ml=doses.volume_of(rows), weight_kg=kg, on=TODAY)
    try:
        doses.check_zones(facts, rows, needleless=False, policy=policy)
        doses.check_doses(facts, judged, weight_kg=kg)
    except DomainError as error:
        return error.code
    return ""


def test_a1_amin_225_points_of_a_hundredth_ml_are_two_and_a_quarter_ml() -> None:
    plan = reference_plan("F-FACE-AMIN")
    rows = [row(125, "0.01"), row(100, "0.01")]
    assert doses.volume_of(rows) == Decimal("2.25")
    assert amounts(plan, *rows) == {"multivit": Decimal("2.025"), "ha": Decimal("0.225")}
    assert sum((doses.volume_of(rows) for _session in range(4)), Decimal(0)) == Decimal("9.00")


def test_a2_costantino_three_ml_carry_20_160_and_40_mg_and_the_course_sums_up() -> None:
    first, later = reference_plan("F-PAIN-LBP"), reference_plan("F-PAIN-LBP-20")
    strong, weak = amounts(first, row(20, "0.15")), amounts(later, row(20, "0.15"))
    assert strong == {"lidocaine": Decimal(20), "ketoprofen": Decimal(160), "methylpred": Decimal(40)}
    assert weak == {"lidocaine": Decimal(20), "ketoprofen": Decimal(160), "methylpred": Decimal(20)}
    course = {code: 2 * strong[code] + 3 * weak[code] for code in strong}
    assert course == {"lidocaine": Decimal(100), "ketoprofen": Decimal(800), "methylpred": Decimal(140)}
    assert refusal(first, row(20, "0.15"), weight="70") == ""


def test_a5_fifty_points_of_a_fifth_ml_at_ten_mg_are_100_mg_and_accepted() -> None:
    plan = reference_plan("F-FAT-DCA")
    assert amounts(plan, row(50, "0.2")) == {"dc": Decimal(100)}
    assert refusal(plan, row(50, "0.2")) == ""


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([row(51, "0.19")], "too_many_points"),
        ([row(30, "0.2"), row(21, "0.1")], "too_many_points"),
        ([row(50, "0.2", "10.1")], "over_cap"),
        ([row(40, "0.21")], "too_much_per_point"),
    ],
)
def test_a5_the_51st_point_ten_point_one_ml_and_too_much_at_one_point_are_refused(
    rows: list[ZoneDose], code: str
) -> None:
    assert refusal(reference_plan("F-FAT-DCA"), *rows) == code


def test_a5_the_refusal_shows_its_arithmetic() -> None:
    plan = reference_plan("F-FAT-DCA")
    facts = facts_of_one(plan)
    judged = doses.component_doses(facts, volume_ml=Decimal("10.1"), weight_kg=None, on=TODAY)
    with pytest.raises(DomainError) as refused:
        doses.check_doses(facts, judged, weight_kg=None)
    name = Component.objects.current().get(code="dc").name
    assert refused.value.message == f"{name}: 101 mg are more than the cap (100 mg per session)."
    assert refused.value.field == "zones"


def test_a5_a_seventh_session_is_over_the_course_cap() -> None:
    cap = course_caps.course_cap(facts_of_one(reference_plan("F-FAT-DCA")))
    assert cap is not None
    assert (cap.sessions, cap.component.code) == (6, "dc")


@pytest.mark.parametrize(("days", "allowed_after"), [(27, 1), (28, None), (1, 27)])
def test_a5_a_component_given_less_than_28_days_ago_is_too_soon(days: int, allowed_after: int | None) -> None:
    plan = cleared_plan(formula=Formula.objects.current().get(code="F-FAT-DCA"))
    SessionFactory(plan=plan, signed=True)
    day = TODAY + timedelta(days=days)
    found = course_caps.interval_cap(facts_of_one(plan), on=day)
    assert (found and found[0]) == (day + timedelta(days=allowed_after) if allowed_after else None)


@pytest.mark.parametrize(
    ("weight", "cap", "most_ml"), [("50", "225", "11.25"), ("66.7", "300", "15"), ("80", "300", "15")]
)
def test_a6_lidocaine_two_per_cent_is_capped_per_kg_and_absolutely(
    weight: str, cap: str, most_ml: str
) -> None:
    lidocaine = Component.objects.current().get(code="lidocaine")
    plan = PlanFactory(formula=FormulaFactory(parts=[(lidocaine, Decimal(20))]))
    facts = facts_of_one(plan)
    (judged,) = doses.component_doses(facts, volume_ml=Decimal(most_ml), weight_kg=Decimal(weight), on=TODAY)
    assert (judged.cap, judged.amount, judged.is_over) == (Decimal(cap), Decimal(cap), False)
    (more,) = doses.component_doses(
        facts, volume_ml=Decimal(most_ml) + Decimal("0.01"), weight_kg=Decimal(weight), on=TODAY
    )
    assert more.is_over


def test_a_cap_per_kg_asks_for_the_weight() -> None:
    lidocaine = Component.objects.current().get(code="lidocaine")
    plan = PlanFactory(formula=FormulaFactory(parts=[(lidocaine, Decimal(20))]))
    assert doses.needs_weight(facts_of_one(plan))
    assert refusal(plan, row(10, "0.1")) == "weight_missing"


def test_the_arithmetic_of_a_cap_per_kg_is_written_out() -> None:
    lidocaine = Component.objects.current().get(code="lidocaine")
    plan = PlanFactory(formula=FormulaFactory(parts=[(lidocaine, Decimal(20))]))
    (judged,) = doses.component_doses(
        facts_of_one(plan), volume_ml=Decimal(1), weight_kg=Decimal(50), on=TODAY
    )
    assert judged.arithmetic == "4.5 mg per kg × 50 kg = 225 mg"


def test_the_tightest_of_several_caps_wins() -> None:
    component = ComponentFactory()
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    for limit, formula_code in ((100, ""), (40, formula.code), (70, "another-formula"), (90, "")):
        DoseCapFactory(component_code=component.code, formula_code=formula_code, limit=limit)
    (judged,) = doses.component_doses(
        facts_of_one(PlanFactory(formula=formula)), volume_ml=Decimal(5), weight_kg=None, on=TODAY
    )
    assert (judged.cap, judged.is_over) == (Decimal(40), True)


def test_what_another_plan_gave_the_same_day_counts_and_a_confirmed_error_does_not() -> None:
    component = ComponentFactory()
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    knee = cleared_plan(formula=formula)
    session = SessionFactory(plan=knee, signed=True, started_at=ago(hours=1))
    face = PlanFactory(formula=formula, patient=knee.patient)
    (judged,) = doses.component_doses(facts_of_one(face), volume_ml=Decimal(1), weight_kg=None, on=TODAY)
    assert (judged.other_amount, judged.total) == (Decimal(10), Decimal(20))
    EnteredInErrorFactory(session=session, confirmed=True)
    (judged,) = doses.component_doses(facts_of_one(face), volume_ml=Decimal(1), weight_kg=None, on=TODAY)
    assert judged.other_amount == 0


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "zones_missing"),
        ([ZoneDose(10, Decimal("0.1"), Decimal(0))], "zones_missing"),
        ([ZoneDose(-10, Decimal("0.1"), Decimal(1))], "zone_negative"),
        ([ZoneDose(10, Decimal("-0.1"), Decimal(1))], "zone_negative"),
        ([ZoneDose(10, Decimal("0.1"), Decimal("1.11"))], "volume_implausible"),
        ([ZoneDose(10, Decimal("0.1"), Decimal("1.1"))], ""),
    ],
)
def test_zones_that_make_no_sense_are_refused(rows: list[ZoneDose], code: str) -> None:
    assert refusal(PlanFactory(), *rows) == code


def test_a_needleless_area_has_a_volume_and_no_points() -> None:
    doses.check_zones(
        facts_of_one(PlanFactory()),
        [ZoneDose(0, Decimal(0), Decimal(3))],
        needleless=True,
        policy=policy_in_force(CLINIC_NOW),
    )


def test_an_undecided_cap_is_named_until_the_clinic_decides_for_the_formula() -> None:
    component = ComponentFactory()
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    plan = PlanFactory(formula=formula)
    cap = DoseCapFactory(component_code=component.code, decision=CapDecision.UNSET, limit=None)
    assert doses.undecided(facts_of_one(plan)) == [cap]
    DoseCapFactory(component_code=component.code, formula_code=formula.code, limit=30)
    assert doses.undecided(facts_of_one(plan)) == []


def test_point_limits_say_how_much_is_used() -> None:
    facts = facts_of_one(reference_plan("F-FAT-DCA"))
    found = {
        limit.measure: (limit.value, limit.cap)
        for limit in doses.point_limits(facts, [row(30, "0.2"), row(12, "0.1")])
    }
    assert found == {
        CapMeasure.POINTS_PER_SESSION: (Decimal(42), Decimal(50)),
        CapMeasure.ML_PER_POINT: (Decimal("0.2"), Decimal("0.2")),
    }


@pytest.mark.parametrize(("volume", "code"), [("1.05", ""), ("1.06", "volume_implausible")])
def test_how_far_the_volume_may_be_from_points_and_ml_is_the_policys_choice(volume: str, code: str) -> None:
    policy = PathwayPolicyFactory.build(volume_tolerance_percent=Decimal(5))
    assert refusal(PlanFactory(), row(10, "0.1", volume), policy=policy) == code
    assert refusal(PlanFactory(), row(10, "0.1", volume)) == ""
