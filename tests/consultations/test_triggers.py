"""Every trigger of the clinical pathway but its gates, by name: the write it refuses, and the same write without it.

The bad writes are collected from `cases/`, where each subject files its own. The gates (`session_cleared` and its kin)
have their truth tables in test_gate.py.
"""

from __future__ import annotations

import pytest

from consultations.enums import PLAN_MOVES, Decision, PlanStatus
from consultations.models import (
    Plan,
    SessionZone,
)
from tests.consultations.cases import collected
from tests.consultations.cases.reference import VERSIONED
from tests.factories import (
    AllergyFactory,
    AppointmentFactory,
    ConsultationFactory,
    FormulaFactory,
    PlanFactory,
    PlannedSessionFactory,
    SessionZoneFactory,
    UserFactory,
    VersionedFactory,
)
from tests.factories.clock import CLINIC_NOW
from tests.guards import (
    Case,
    Cases,
    ignore_all,
    isolation_guards,
    refusal_of,
    tried_with_and_without,
    triggers_in_database,
    triggers_in_models,
    truncate_guards,
    without,
)

pytestmark = pytest.mark.django_db
cases = Cases(collected("triggers"))
GATES = {
    "patch_test_cleared",
    "patch_test_lot_usable",
    "session_cleared",
    "session_lot_usable",
    "test_reading_of_signed_test",
}
GUARDS_OF_ROWS = (
    triggers_in_models("consultations")
    - GATES
    - isolation_guards("consultations")
    - truncate_guards("consultations").keys()
)


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_trigger_of_this_name(case: Case) -> None:
    """And goes through without it: that is the harm it is there for."""
    assert tried_with_and_without(case) == case.guard


@pytest.mark.parametrize("guard", sorted(GUARDS_OF_ROWS))
def test_no_session_can_switch_a_trigger_off(guard: str) -> None:
    case = next(case for case in cases if case.guard == guard)
    with without(*case.aside):
        ignore_all("consultations")
        assert refusal_of(case.prepared()) == guard


def test_every_trigger_of_the_models_has_a_case_or_is_a_gate() -> None:
    assert cases.guards == GUARDS_OF_ROWS


def test_the_database_has_the_triggers_of_the_models_and_no_others() -> None:
    assert triggers_in_database("consultations") == triggers_in_models("consultations")


# Rows that never go -----------------------------------------------------------------------------------------------


def test_an_allergy_may_be_assessed_and_its_history_keeps_what_was_reported() -> None:
    allergy = AllergyFactory()
    by = UserFactory()
    type(allergy).objects.filter(pk=allergy.pk).update(
        status="refuted", assessed_at=CLINIC_NOW, assessed_by=by
    )
    assert list(allergy.events.order_by("pgh_id").values_list("status", flat=True)) == ["reported", "refuted"]


def test_a_child_of_a_draft_that_is_removed_leaves_a_trace() -> None:
    zone = SessionZoneFactory()
    SessionZone.objects.filter(pk=zone.pk).delete()
    events = SessionZone.pgh_event_model.objects.filter(id=zone.pk).order_by("pgh_id")
    assert list(events.values_list("pgh_label", "points")) == [("insert", 10), ("delete", 10)]


# Reference data ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", VERSIONED, ids=lambda make: make._meta.model.__name__)
def test_a_draft_version_may_change_and_go(make: type[VersionedFactory]) -> None:
    draft = make(draft=True)
    draft.name = "something else"
    draft.save()
    draft.delete()
    assert not make._meta.model.objects.filter(code=draft.code).exists()


# Consultation and plan --------------------------------------------------------------------------------------------


def test_an_override_with_its_reason_is_suitable() -> None:
    answer = {"answer": "yes", "decision": Decision.OVERRIDE, "override_reason": "stable for years"}
    assert ConsultationFactory(signed=True, answers=[answer]).is_signed


def test_a_block_may_be_signed_as_not_eligible() -> None:
    made = ConsultationFactory(
        signed=True, outcome="not_eligible", outcome_reason="pregnant", answers=[{"yes": True}]
    )
    assert made.is_signed


@pytest.mark.parametrize("after", PlanStatus)
@pytest.mark.parametrize("before", PlanStatus)
def test_a_plan_moves_only_along_the_table(before: PlanStatus, after: PlanStatus) -> None:
    plan = PlanFactory(status=before)

    def move() -> None:
        Plan.objects.filter(pk=plan.pk).update(status=after)

    if after in PLAN_MOVES[before] or after == before:
        move()
        assert Plan.objects.get(pk=plan.pk).status == after
    else:
        assert refusal_of(move) == "plan_transition"


def test_a_proposed_plan_may_change_and_an_agreed_one_may_start_later() -> None:
    proposed, agreed, other = PlanFactory(status=PlanStatus.PROPOSED), PlanFactory(), FormulaFactory()
    Plan.objects.filter(pk=proposed.pk).update(formula=other)
    Plan.objects.filter(pk=agreed.pk).update(starts_on=CLINIC_NOW.date())
    assert Plan.objects.get(pk=proposed.pk).formula == other


def test_a_plan_may_name_a_version_that_was_retired_since() -> None:
    formula = FormulaFactory()
    formula.retired_at = CLINIC_NOW
    formula.save()
    assert PlanFactory(formula=formula).formula == formula


def test_the_sessions_of_a_proposed_plan_may_change() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED, sessions=2)
    plan.planned_sessions.filter(ordinal=1).update(min_gap_days=20)
    plan.planned_sessions.filter(ordinal=2).delete()
    assert [planned.min_gap_days for planned in plan.planned_sessions.all()] == [20]


def test_a_session_at_the_patients_own_visit() -> None:
    plan = PlanFactory(sessions=0, status=PlanStatus.PROPOSED)
    visit = AppointmentFactory(patient=plan.patient)
    assert PlannedSessionFactory(plan=plan, appointment=visit).appointment == visit
