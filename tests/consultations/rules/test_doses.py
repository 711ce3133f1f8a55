"""Doses per component against every cap, with the acceptance scenarios' exact numbers."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clinic.errors import DomainError
from clinic.gaps import months_later
from consultations.enums import CapDecision, CapMeasure
from consultations.models import Component, Formula, PathwayPolicy, Plan, Session, TechniqueRule
from consultations.queries import facts_of_one, policy_in_force
from consultations.rules import course_caps, doses, over_caps
from consultations.rules.doses import ZoneDose
from consultations.technique_enums import Counted
from tests.consultations.cases.gate import gates_open
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


def row(
    points: int, each: str, volume: str | None = None, *, area: str | None = None, view: str = ""
) -> ZoneDose:
    """On a grid of one centimetre, where the area is not given."""
    computed = points * Decimal(each)
    square = Decimal(area or points)
    return ZoneDose(points, Decimal(each), Decimal(volume) if volume else computed, square, view)


def reference_plan(formula_code: str, **plan: Any) -> Plan:
    return PlanFactory(formula=Formula.objects.current().get(code=formula_code), **plan)


def amounts(plan: Plan, *rows: ZoneDose, weight: str | None = None) -> dict[str, Decimal]:
    facts = facts_of_one(plan)
    judged = doses.component_doses(
        facts, volume_ml=doses.volume_of(rows), weight_kg=Decimal(weight) if weight else None, on=TODAY
    )
    return {dose.component.code: dose.amount for dose in judged}


def refused(
    plan: Plan, *rows: ZoneDose, weight: str | None = None, policy: PathwayPolicy | None = None
) -> tuple[str, str | None]:
    """The refusal of zones or doses by its code and its field; empty when nothing is refused."""
    facts, policy = facts_of_one(plan), policy or policy_in_force(CLINIC_NOW)
    kg = Decimal(weight) if weight else None
    judged = doses.component_doses(facts, volume_ml=doses.volume_of(rows), weight_kg=kg, on=TODAY)
    try:
        doses.check_zones(facts, rows, rule=TechniqueRule(counts=Counted.POINTS), policy=policy)
        doses.check_weight(facts, kg)
        over_caps.check_reasoned(over_caps.exceeded(facts, rows, judged), reason="")
    except DomainError as error:
        return error.code, error.field
    return "", None


def refusal(
    plan: Plan, *rows: ZoneDose, weight: str | None = None, policy: PathwayPolicy | None = None
) -> str:
    """The code of the refusal."""
    return refused(plan, *rows, weight=weight, policy=policy)[0]


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
        ([row(50, "0.2", "10.1", area="51")], "over_cap"),
        ([row(40, "0.21")], "too_much_per_point"),
        ([row(50, "0.2", area="49.9")], "too_much_per_cm2"),
        ([row(10, "0.2", area="10"), row(21, "0.2", area="20")], "too_much_per_cm2"),
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
    (refused,) = over_caps.exceeded(facts, [], judged)
    name = Component.objects.current().get(code="dc").name
    assert refused.message == f"{name}: 101 mg are more than the cap (100 mg per session)."
    assert refused.field == "zones"


def test_a5_two_mg_on_a_square_centimetre_are_accepted_and_the_refusal_names_what_is_more() -> None:
    plan = reference_plan("F-FAT-DCA")
    assert refusal(plan, row(21, "0.1", area="10.5")) == ""
    (refused,) = over_caps.exceeded(facts_of_one(plan), [row(21, "0.1", area="10")], [])
    name = Component.objects.current().get(code="dc").name
    assert refused.message == f"2.1 mg per cm² are more than the 2 mg that {name} allows."


def test_a_cap_per_square_centimetre_asks_for_the_area() -> None:
    plan, other = reference_plan("F-FAT-DCA"), reference_plan("F-PAIN-LBP")
    assert (doses.needs_area(facts_of_one(plan)), doses.needs_area(facts_of_one(other))) == (True, False)
    assert refusal(plan, ZoneDose(10, Decimal("0.2"), Decimal(2))) == "area_missing"


@pytest.mark.parametrize(
    ("each", "view", "code"),
    [
        ("0.3", "body_front", ""),
        ("0.31", "body_front", "too_much_per_point"),
        ("0.15", "face", ""),
        ("0.16", "face", "too_much_per_point"),
    ],
)
def test_phosphatidylcholine_is_halved_on_the_face(each: str, view: str, code: str) -> None:
    component = Component.objects.current().get(code="pc")
    plan = PlanFactory(formula=FormulaFactory(parts=[(component, Decimal(50))]))
    assert refusal(plan, row(10, each, view=view)) == code


def test_of_two_caps_per_point_the_one_nearest_to_its_limit_is_shown() -> None:
    component = Component.objects.current().get(code="pc")
    facts = facts_of_one(PlanFactory(formula=FormulaFactory(parts=[(component, Decimal(50))])))
    found = doses.point_limits(facts, [row(10, "0.3", view="body_front"), row(10, "0.1", view="face")])
    assert {(limit.zone_view, limit.value, limit.cap) for limit in found} == {
        ("", Decimal("0.3"), Decimal("0.3")),
        ("face", Decimal("0.1"), Decimal("0.15")),
    }


def a5_given(*days_ago: int) -> Plan:
    """Sessions of the label's formula so long ago, in a plan that is done with."""
    formula = Formula.objects.current().get(code="F-FAT-DCA")
    plan = cleared_plan(formula=formula, sessions=max(len(days_ago), 1))
    with gates_open(Session, "session_cleared"):
        for days in sorted(days_ago, reverse=True):
            SessionFactory(plan=plan, signed=True, started_at=ago(days=days))
    return plan


def test_a5_a_seventh_session_is_refused_in_a_new_plan_too() -> None:
    old = a5_given(300, 260, 220, 180, 140, 100)
    new = cleared_plan(formula=old.formula, patient=old.patient, sessions=6)
    cap = course_caps.course_cap(facts_of_one(new))
    assert cap is not None
    assert (cap.sessions, cap.given, cap.left, cap.over_plans) == (6, 6, 0, True)
    assert course_caps.is_full(facts_of_one(new), new.planned_sessions.get(ordinal=1)) == cap


def test_a5_of_a_new_plan_only_the_sessions_that_are_left_can_be_given() -> None:
    old = a5_given(180, 140, 100, 60)
    new = cleared_plan(formula=old.formula, patient=old.patient, sessions=6)
    facts = facts_of_one(new)
    full = [bool(course_caps.is_full(facts, planned)) for planned in facts.planned]
    assert full == [False, False, True, True, True, True]


def test_a_cap_of_one_formula_does_not_count_the_component_in_another() -> None:
    component = Component.objects.current().get(code="dc")
    other = cleared_plan(formula=FormulaFactory(parts=[(component, Decimal(25))]))
    SessionFactory(plan=other, signed=True, started_at=ago(days=1))
    cap = course_caps.course_cap(facts_of_one(reference_plan("F-FAT-DCA", patient=other.patient)))
    assert cap is not None
    assert (cap.sessions, cap.given) == (6, 0)


@pytest.mark.parametrize(
    ("given_on", "first"),
    [
        (date(2026, 1, 5), date(2026, 2, 5)),
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 2, 1), date(2026, 3, 1)),
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2026, 12, 15), date(2027, 1, 15)),
    ],
)
def test_a5_less_than_a_calendar_month_is_too_soon(given_on: date, first: date) -> None:
    facts = facts_of_one(a5_given())
    assert course_caps.first_day_after(facts, given_on) == first
    assert course_caps.days_apart(facts) == 31


@pytest.mark.parametrize("measure", [each for each in CapMeasure if "min_interval" not in each])
def test_no_other_cap_keeps_sessions_apart(measure: CapMeasure) -> None:
    component = ComponentFactory()
    days = 7 if measure == CapMeasure.PER_INTERVAL else None
    DoseCapFactory(component_code=component.code, measure=measure, limit=5, interval_days=days)
    facts = facts_of_one(PlanFactory(formula=FormulaFactory(parts=[(component, Decimal(10))])))
    assert (course_caps.days_apart(facts), course_caps.first_day_after(facts, TODAY)) == (0, TODAY)


def test_a5_a_day_less_than_a_month_names_the_first_day_and_a_month_is_far_enough() -> None:
    plan = a5_given(31)  # 31 January: the shorter month ends on the 28th
    given_on = timezone.localdate(ago(days=31))
    month = months_later(given_on, 1)
    facts = facts_of_one(plan)
    found = course_caps.interval_cap(facts, on=month - timedelta(days=1))
    assert found is not None
    assert (found[0], found[1].code) == (month, "dc")
    assert course_caps.interval_cap(facts, on=month) is None


@pytest.mark.parametrize(("days", "left"), [(0, 100), (1, 90), (6, 90), (7, 100)])
def test_a_cap_in_an_interval_counts_what_other_days_gave(days: int, left: int) -> None:
    component = ComponentFactory()
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    DoseCapFactory(component_code=component.code, measure="per_interval", interval_days=7, limit=100)
    knee = cleared_plan(formula=formula)
    SessionFactory(plan=knee, signed=True, started_at=ago(days=days))
    face = PlanFactory(formula=formula, patient=knee.patient)
    facts = facts_of_one(face)
    (judged,) = doses.component_doses(facts, volume_ml=Decimal(1), weight_kg=None, on=TODAY)
    assert (judged.cap, judged.strength) == (Decimal(left), Decimal(10))
    if days in (1, 6):
        assert judged.arithmetic == "100 mg in 7 days − 10 mg = 90 mg"


def test_a_cap_in_an_interval_leaves_out_what_two_called_an_error_and_what_nobody_decided() -> None:
    component = ComponentFactory()
    formula = FormulaFactory(parts=[(component, Decimal(10))])
    cap = {"component_code": component.code, "measure": "per_interval", "interval_days": 7}
    DoseCapFactory(**cap, limit=100)
    knee = cleared_plan(formula=formula)
    session = SessionFactory(plan=knee, signed=True, started_at=ago(days=1))
    DoseCapFactory(**cap, decision=CapDecision.UNSET, limit=None)
    face = PlanFactory(formula=formula, patient=knee.patient)

    def left() -> Decimal | None:
        facts = facts_of_one(face)
        (judged,) = doses.component_doses(facts, volume_ml=Decimal(1), weight_kg=None, on=TODAY)
        return judged.cap

    assert left() == Decimal(90)
    DoseCapFactory(**cap, limit=8)
    assert left() == 0
    EnteredInErrorFactory(session=session, confirmed=True)
    assert left() == Decimal(8)


def test_a_local_anaesthetic_with_a_lipolytic_is_warned_of() -> None:
    lidocaine, pc = (Component.objects.current().get(code=code) for code in ("lidocaine", "pc"))
    knee = cleared_plan(formula=FormulaFactory(parts=[(lidocaine, Decimal(10))]))
    fat = PlanFactory(formula=FormulaFactory(parts=[(pc, Decimal(50))]), patient=knee.patient)
    assert doses.cautions(facts_of_one(fat), on=TODAY, session=None) == []
    SessionFactory(plan=knee, lots=[], zones=[{"points": 10}])
    (words,) = doses.cautions(facts_of_one(fat), on=TODAY, session=None)
    assert words == f"{lidocaine} and {pc} on one day: a local anaesthetic may weaken the lipolytic."


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
    assert refused(plan, row(10, "0.1")) == ("weight_missing", "weight_kg")


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


def test_a_draft_is_not_beside_itself() -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), Decimal(10))]))
    draft = SessionFactory(plan=plan, lots=[], zones=[{"points": 10}])
    facts = facts_of_one(plan)
    counted = {
        session: doses.component_doses(
            facts, volume_ml=Decimal(1), weight_kg=None, on=TODAY, session=session
        )[0]
        for session in (draft, None)
    }
    assert [counted[draft].others == (), counted[None].others == ()] == [True, False]
    assert (counted[draft].cap, counted[draft].arithmetic) == (None, "")


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
        ([row(10, "0.1"), ZoneDose(10, Decimal("0.1"), Decimal(0))], "zone_negative"),
        ([ZoneDose(10, Decimal("0.1"), Decimal("1.11"))], "volume_implausible"),
        ([ZoneDose(10, Decimal("0.1"), Decimal("1.1"))], ""),
    ],
)
def test_zones_that_make_no_sense_are_refused(rows: list[ZoneDose], code: str) -> None:
    assert refused(PlanFactory(), *rows) == (code, "zones" if code else None)


def test_a_volume_that_does_not_fit_is_said_with_its_numbers() -> None:
    rows = [ZoneDose(10, Decimal("0.1"), Decimal("1.11"))]
    with pytest.raises(DomainError, match=r"^10 points × 0.1 ml make 1 ml, but 1.11 ml are entered.$"):
        doses.check_zones(
            facts_of_one(PlanFactory()),
            rows,
            rule=TechniqueRule(counts=Counted.POINTS),
            policy=policy_in_force(CLINIC_NOW),
        )


@pytest.mark.parametrize(
    ("zones", "code"),
    [
        ([], "zones_missing"),
        ([(40, "0"), (0, "0")], "zones_missing"),
        ([(40, "0"), (40, "0.1")], "nothing_injected"),
        ([(1, "0")], None),
    ],
    ids=["no zone", "a zone without points", "a volume", "one point"],
)
def test_where_the_skin_is_only_pricked_zones_have_points_and_no_volume(
    zones: list[tuple[int, str]], code: str | None
) -> None:
    rows = [ZoneDose(points, Decimal(0), Decimal(volume)) for points, volume in zones]
    facts, rule = facts_of_one(PlanFactory()), TechniqueRule(injects_nothing=True)
    if code is None:
        doses.check_zones(facts, rows, rule=rule, policy=policy_in_force(CLINIC_NOW))
        return
    with pytest.raises(DomainError) as error:
        doses.check_zones(facts, rows, rule=rule, policy=policy_in_force(CLINIC_NOW))
    assert (error.value.code, error.value.field) == (code, "zones")


def test_a_needleless_area_has_a_volume_and_no_points() -> None:
    doses.check_zones(
        facts_of_one(PlanFactory()),
        [ZoneDose(0, Decimal(0), Decimal(3))],
        rule=TechniqueRule(counts=Counted.AREA),
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
        CapMeasure.PER_CM2: (Decimal(2), Decimal(2)),
    }


def test_each_cap_on_points_is_of_its_own_component() -> None:
    one, two = ComponentFactory(), ComponentFactory()
    plan = PlanFactory(formula=FormulaFactory(parts=[(one, 10), (two, 5)]))
    for component, limit in ((one, 30), (two, 20)):
        DoseCapFactory(component_code=component.code, measure="points_per_session", limit=limit)
    DoseCapFactory(component_code=two.code, measure="ml_per_point", decision=CapDecision.UNSET, limit=None)
    found = doses.point_limits(facts_of_one(plan), [row(12, "0.1")])
    assert [(each.component, each.value, each.cap) for each in found] == [(one, 12, 30), (two, 12, 20)]


@pytest.mark.parametrize(("volume", "code"), [("1.05", ""), ("1.06", "volume_implausible")])
def test_how_far_the_volume_may_be_from_points_and_ml_is_the_policys_choice(volume: str, code: str) -> None:
    policy = PathwayPolicyFactory.build(volume_tolerance_percent=Decimal(5))
    assert refusal(PlanFactory(), row(10, "0.1", volume), policy=policy) == code
    assert refusal(PlanFactory(), row(10, "0.1", volume)) == ""
