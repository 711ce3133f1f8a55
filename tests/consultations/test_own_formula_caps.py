"""Caps of one formula, where a session is given with another formula than its plan's (A2: a weaker one later)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from clinic.readiness import Visit
from consultations import purposes
from consultations.enums import CapDecision
from consultations.models import Plan, Session
from consultations.queries import facts_of_one, facts_of_session
from consultations.rules import clearance, course_caps, doses, over_caps, plans, visits
from consultations.rules.doses import ZoneDose
from consultations.rules.visits import Together
from tests.factories import ComponentFactory, DoseCapFactory, FormulaFactory, SessionFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


def weaker(**plan: Any) -> Plan:
    """A plan of 10 mg per ml whose sessions are all given with 5 mg per ml."""
    component = ComponentFactory()
    whole, own = (FormulaFactory(parts=[(component, Decimal(strength))]) for strength in (10, 5))
    return cleared_plan(formula=whole, own_formula=own, **plan)


def own_cap(plan: Plan, **cap: Any) -> None:
    """A cap on the component in the formula that the sessions of the plan are given with."""
    own = plan.planned_sessions.first().formula
    DoseCapFactory(component_code=own.component_codes[0], formula_code=own.code, **cap)


def refusals(session: Session, *, points: int = 10, each: str = "0.1") -> list[str]:
    facts = facts_of_session(session)
    zones = [ZoneDose(points, Decimal(each), points * Decimal(each), Decimal(points))]
    judged = doses.component_doses(
        facts, volume_ml=doses.volume_of(zones), weight_kg=Decimal(70), on=TODAY, session=session
    )
    return [each.code for each in over_caps.exceeded(facts, zones, judged)]


@pytest.mark.parametrize(
    ("cap", "code"),
    [
        ({"measure": "per_session", "limit": Decimal("4.9")}, "over_cap"),
        ({"measure": "per_kg", "limit": Decimal("0.07")}, "over_cap"),
        ({"measure": "per_interval", "limit": Decimal("4.9"), "interval_days": 7}, "over_cap"),
        ({"measure": "points_per_session", "limit": 9}, "too_many_points"),
        ({"measure": "ml_per_point", "limit": Decimal("0.09")}, "too_much_per_point"),
        ({"measure": "per_cm2", "limit": Decimal("0.4")}, "too_much_per_cm2"),
    ],
)
def test_a_cap_of_the_sessions_own_formula_that_is_exceeded_is_refused(
    cap: dict[str, Any], code: str
) -> None:
    session = SessionFactory(plan=weaker())
    assert refusals(session) == []
    own_cap(session.plan, **cap)
    assert refusals(session) == [code]


def test_a_cap_of_a_formula_that_nothing_is_given_with_refuses_nothing() -> None:
    session = SessionFactory(plan=weaker())
    DoseCapFactory(
        component_code=session.formula.component_codes[0], formula_code="f-other", limit=Decimal("0.1")
    )
    assert refusals(session) == []


def test_the_cap_of_the_plans_formula_binds_its_sessions_as_before() -> None:
    session = SessionFactory(plan=weaker())
    formula = session.plan.formula
    DoseCapFactory(component_code=formula.component_codes[0], formula_code=formula.code, limit=Decimal("4.9"))
    assert refusals(session) == ["over_cap"]


def test_the_weight_and_the_area_are_asked_where_the_own_formulas_cap_counts_by_them() -> None:
    session = SessionFactory(plan=weaker())
    own_cap(session.plan, measure="per_kg", limit=Decimal(1))
    own_cap(session.plan, measure="per_cm2", limit=Decimal(1))
    facts = facts_of_session(session)
    assert (doses.needs_weight(facts), doses.needs_area(facts)) == (True, True)


@pytest.mark.parametrize(("signed", "codes"), [(True, ["over_cap"]), (False, [])])
def test_the_caps_of_every_formula_signed_that_day_bind_whichever_was_given_first(
    signed: bool, codes: list[str]
) -> None:
    knee = weaker()
    own_cap(knee, limit=Decimal(12))
    zones = [{}]  # 1 ml
    SessionFactory(plan=knee, started_at=ago(hours=1), signed=signed, **({} if signed else {"zones": zones}))
    other = FormulaFactory(parts=[(knee.formula.parts.get().component, Decimal(10))])
    face = SessionFactory(plan=cleared_plan(patient=knee.patient, formula=other))
    assert refusals(face, points=11) == codes


def test_a_cap_of_the_own_formula_nobody_has_decided_stops_its_session() -> None:
    plan = weaker()
    own_cap(plan, decision=CapDecision.UNSET, limit=None)
    assert both(plan) == {"cap_undecided"}


@pytest.mark.parametrize(
    ("cap", "code"),
    [
        ({"measure": "sessions_per_plan", "limit": 1}, "course_full"),
        ({"measure": "sessions_per_patient", "limit": 1}, "course_full"),
        ({"measure": "min_interval_days", "limit": 6}, "too_soon"),
        ({"measure": "min_interval_months", "limit": 1}, "too_soon"),
    ],
)
def test_the_own_formulas_caps_on_the_course_close_the_gate_in_python_and_in_sql(
    cap: dict[str, Any], code: str
) -> None:
    plan = weaker(sessions=2, min_gap_days=1)
    own = plan.planned_sessions.first().formula
    SessionFactory(plan=plan, signed=True, started_at=ago(days=5), doses=list(own.parts.all()))
    assert both(plan, ordinal=2) == {None}
    own_cap(plan, **cap)
    assert both(plan, ordinal=2) == {code}


def test_one_formulas_cap_on_the_patient_counts_what_another_plan_gave_with_it() -> None:
    plan = weaker(sessions=2)
    own = plan.planned_sessions.first().formula
    SessionFactory(plan=plan, signed=True, started_at=ago(days=5), doses=list(own.parts.all()))
    own_cap(plan, measure="sessions_per_patient", limit=1)
    assert both(cleared_plan(patient=plan.patient, formula=own)) == {"course_full"}


def test_a_window_opens_after_the_interval_of_the_formula_that_its_session_is_given_with() -> None:
    plan = weaker(sessions=3, interval_days=7, min_gap_days=6)
    own_cap(plan, measure="min_interval_days", limit=20)
    windows = plans.windows(facts_of_one(plan), on=TODAY)
    assert [((each.earliest - TODAY).days, (each.ideal - TODAY).days) for each in windows] == [
        (0, 0),
        (20, 20),
        (40, 40),
    ]


def test_sessions_are_booked_as_far_apart_as_the_own_formula_asks() -> None:
    plan = weaker()
    own_cap(plan, measure="min_interval_days", limit=20)
    facts = facts_of_one(plan)
    assert course_caps.days_apart(facts) == 0
    assert course_caps.days_apart(facts.in_session(facts.planned[1])) == 20
    first, second = (purposes.session_of(each) for each in facts.planned[:2])
    for days, found in ((20, ["too_soon"]), (21, [])):
        moment = ahead(days=days)
        together = Together({first: ahead(days=1), second: moment})
        wished = Visit(plan.patient, second, moment)
        verdict = visits.verdict(wished, purposes.parse(second), facts, together=together, starting=False)
        assert [each.code for each in verdict.conditions] == found


def both(plan: Plan, *, ordinal: int = 1) -> set[str | None]:
    """The first thing missing for the session, by the rules and by the database."""
    planned = plan.planned_sessions.get(ordinal=ordinal)
    judged = clearance.judge(
        facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW, planned=planned
    ).conditions
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(%s, %s, %s, 'session', %s, 'infinity')",
            [plan.pk, plan.patient_id, CLINIC_NOW, planned.pk],
        )
        said = cursor.fetchone()[0]
    return {judged[0].code if judged else None, said}
