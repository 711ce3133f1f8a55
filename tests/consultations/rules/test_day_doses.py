"""The dose of the day counts every record of it: signed, drafted or tested, whatever the plan."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from clinic.models import Practitioner, User
from consultations.actions import sessions
from consultations.enums import CapDecision, CapMeasure, SessionOutcome
from consultations.models import Component, Formula, Plan, Session
from consultations.queries import facts_of_one
from consultations.rules import doses, over_caps
from consultations.session_page import bars
from tests.consultations import course
from tests.factories import (
    ComponentFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatchTestFactory,
    PractitionerFactory,
    SessionFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def component() -> Component:
    """Something of which a patient may have 100 mg a session."""
    made = ComponentFactory()
    DoseCapFactory(component_code=made.code, limit=100)
    return made


@pytest.fixture
def formula(component: Component) -> Formula:
    """Ten milligrams of it per ml."""
    return FormulaFactory(parts=[(component, Decimal(10))])


def judged(plan: Plan, session: Session | None = None) -> doses.ComponentDose:
    (dose,) = doses.component_doses(
        facts_of_one(plan), volume_ml=Decimal(1), weight_kg=None, on=TODAY, session=session
    )
    return dose


def six_ml(plan: Plan, **session: object) -> Session:
    """A draft with sixty milligrams in it."""
    usual: dict[str, object] = {"zones": [{"points": 60}], "lots": [], "started_at": ago(hours=1)}
    return SessionFactory(plan=plan, **(usual | session))


def test_a_draft_of_another_plan_counts_and_says_whose_it_is(formula: Formula) -> None:
    knee = cleared_plan(formula=formula)
    draft = six_ml(knee)
    face = cleared_plan(formula=formula, patient=knee.patient)
    dose = judged(face)
    assert (dose.other_amount, dose.total, dose.is_over) == (Decimal(60), Decimal(70), False)
    begun = timezone.localtime(draft.started_at).strftime("%H:%M")
    assert doses.words_of_others(dose) == [
        f"60 mg of it: in the draft of {draft.practitioner}, begun {begun}."
    ]


def test_a_draft_of_another_formula_counts_by_its_own_strength(component: Component) -> None:
    knee = cleared_plan(formula=FormulaFactory(parts=[(component, Decimal(4))]))
    six_ml(knee)
    face = cleared_plan(
        formula=FormulaFactory(parts=[(component, Decimal(10)), (ComponentFactory(), Decimal(1))]),
        patient=knee.patient,
    )
    found = {
        dose.component.code: dose.other_amount
        for dose in doses.component_doses(facts_of_one(face), volume_ml=Decimal(1), weight_kg=None, on=TODAY)
    }
    assert found[component.code] == Decimal(24)
    assert sorted(found.values()) == [Decimal(0), Decimal(24)]


def test_a_test_injection_of_the_day_counts_for_the_components_it_tested(component: Component) -> None:
    other = ComponentFactory()
    mix = FormulaFactory(parts=[(component, Decimal(10)), (other, Decimal(20))])
    plan = consented_plan(formula=mix)
    PatchTestFactory(
        plan=plan, component_codes=[component.code], given_at=ago(hours=2), volume_ml=Decimal("0.05")
    )
    found = doses.component_doses(facts_of_one(plan), volume_ml=Decimal(1), weight_kg=None, on=TODAY)
    assert {dose.component.code: dose.other_amount for dose in found} == {
        component.code: Decimal("0.5"),
        other.code: Decimal(0),
    }
    (portion,) = next(dose for dose in found if dose.component == component).others
    given = timezone.localtime(ago(hours=2)).strftime("%H:%M")
    assert portion.words == f"in the test injection at {given}"


@pytest.mark.parametrize(
    "away",
    [
        pytest.param({"started_at": CLINIC_NOW - timedelta(days=1)}, id="of the day before"),
        pytest.param(
            {"outcome": SessionOutcome.NOT_GIVEN, "zones": [], "outcome_reason": "x"}, id="not given"
        ),
        pytest.param({"zones": []}, id="still empty"),
    ],
)
def test_what_is_not_injected_today_does_not_count(formula: Formula, away: dict[str, object]) -> None:
    knee = cleared_plan(formula=formula)
    six_ml(knee, **away)
    assert judged(cleared_plan(formula=formula, patient=knee.patient)).others == ()


def test_a_test_called_an_error_by_two_people_was_never_injected(formula: Formula) -> None:
    plan = consented_plan(formula=formula)
    test = PatchTestFactory(plan=plan, given_at=ago(hours=2))
    assert judged(plan).other_amount == Decimal("0.5")
    EnteredInErrorFactory(patch_test=test, confirmed=True)
    assert judged(plan).other_amount == 0


def test_all_that_was_tested_and_drafted_that_day_is_added_up_oldest_first(formula: Formula) -> None:
    plan = consented_plan(formula=formula)
    PatchTestFactory(plan=plan, given_at=ago(hours=2))
    for hours in (1, 3):
        six_ml(cleared_plan(formula=formula, patient=plan.patient), started_at=ago(hours=hours))
    dose = judged(plan)
    assert [each.amount for each in dose.others] == [Decimal(60), Decimal("0.5"), Decimal(60)]
    assert dose.other_amount == Decimal("120.5")


def test_the_sessions_own_draft_is_not_counted_twice(formula: Formula) -> None:
    plan = cleared_plan(formula=formula)
    draft = six_ml(plan)
    assert judged(plan, draft).others == ()


def test_the_running_total_names_the_draft(formula: Formula) -> None:
    knee = cleared_plan(formula=formula)
    draft = six_ml(knee)
    face = SessionFactory(plan=cleared_plan(formula=formula, patient=knee.patient), lots=[])
    shown = bars(
        facts_of_one(face.plan),
        [doses.ZoneDose(50, Decimal("0.1"), Decimal(5))],
        weight_kg=None,
        session=face,
    )
    (bar,) = [each for each in shown if each.cap == Decimal(100)]
    assert bar.value == Decimal(110)
    assert [str(draft.practitioner) in words for words in bar.others] == [True]


def test_a_cap_per_kg_that_the_clinic_decided_against_asks_for_no_weight(
    component: Component, formula: Formula
) -> None:
    session = SessionFactory(plan=cleared_plan(formula=formula), lots=[])

    def asked() -> list[str]:
        shown = bars(facts_of_one(session.plan), [], weight_kg=None, session=session)
        return [words for each in shown for words in each.others if "per kg" in words]

    per_kg = {"component_code": component.code, "measure": CapMeasure.PER_KG}
    DoseCapFactory(limit=None, decision=CapDecision.NONE, **per_kg)
    assert asked() == []
    DoseCapFactory(limit=Decimal(2), **per_kg)  # the control
    assert asked() == ["A cap of 2 mg per kg counts too: enter the weight."]


def test_a_colleagues_draft_alone_warns_and_stops_no_signature(
    formula: Formula, doctor: Practitioner, practitioner_user: User
) -> None:
    colleague = PractitionerFactory(signs_in=True)
    knee = cleared_plan(formula=formula)
    theirs = six_ml(knee, practitioner=colleague)
    face = cleared_plan(formula=formula, patient=knee.patient)
    mine = sessions.begin(
        planned=face.planned_sessions.get(ordinal=1), appointment=None, by=practitioner_user, at=CLINIC_NOW
    )
    course.written(mine, course.zones((50, "0.1")), by=practitioner_user, at=CLINIC_NOW)
    facts = facts_of_one(face)
    seen = doses.component_doses(facts, volume_ml=Decimal(5), weight_kg=None, on=TODAY, session=mine)
    (words,) = over_caps.beside_drafts(seen)
    assert "with drafts of today 110 mg, more than the cap (100 mg per session)." in words
    assert f"60 mg of it: in the draft of {colleague}" in words
    assert sessions.sign(session=mine, version=None, by=practitioner_user, at=CLINIC_NOW).is_signed
    # What is signed counts: the colleague signs beyond the cap only with a reason.
    course.written(theirs, course.zones((60, "0.1")), by=colleague.user, at=CLINIC_NOW)
    with pytest.raises(over_caps.NeedsReason) as refused:
        sessions.sign(session=theirs, version=None, by=colleague.user, at=CLINIC_NOW)
    assert "110 mg are more than the cap" in str(refused.value.message)
    assert f"50 mg of it: given by {mine.practitioner}" in str(refused.value.message)
