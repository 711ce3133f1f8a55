"""No injection gets past the database's gate: not by save(), not in bulk, not in raw SQL; only as a named deviation.

Each refusal has its negative control: with the trigger disabled the same write goes through. What is known when:
test_gate_known_by.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from consultations.models import PatchTest, PatchTestLot, Plan, Session, SessionLot
from tests.consultations.test_triggers import GATES
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    ConsentWithdrawalFactory,
    DeviationFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    PatientFactory,
    PlanFactory,
    SessionFactory,
    SessionZoneFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.guards import Case, Cases, ignore_all, refusal_of, sql, tried_with_and_without, without

pytestmark = pytest.mark.django_db
cases = Cases()


# No way round it --------------------------------------------------------------------------------------------------


def by_save(row: Any) -> None:
    row.save(force_insert=True)


def _by_bulk_create(row: Any) -> None:
    type(row)._default_manager.bulk_create([row])


def by_raw_sql(row: Any) -> None:
    fields = [field for field in row._meta.concrete_fields if getattr(row, field.attname) is not None]
    columns = ", ".join(field.column for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    sql(f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})", *values)()


WAYS = [by_save, _by_bulk_create, by_raw_sql]


def build_session(plan: Plan, **fields: Any) -> Session:
    """A session that nobody has saved."""
    made = SessionFactory.build(
        **{
            "plan": plan,
            "patient": plan.patient,
            "planned": plan.planned_sessions.first(),
            "technique": plan.technique,
            "practitioner": AppointmentFactory().practitioner,
            **fields,
        }
    )
    return made


def build_test(plan: Plan, **fields: Any) -> PatchTest:
    """A test injection that nobody has saved."""
    return PatchTest(
        **{
            "plan": plan,
            "patient": plan.patient,
            "formula": plan.formula,
            "policy": plan.test_policy,
            "component_codes": plan.formula.component_codes,
            "practitioner": AppointmentFactory().practitioner,
            "given_at": ago(hours=1),
            "observed_until": ago(minutes=30),
            "created_at": ago(hours=1),
            "method": "intradermal",
            "site": "left forearm",
            "volume_ml": Decimal("0.05"),
            **fields,
        }
    )


def _deviation(plan: Plan) -> dict[str, Any]:
    return {"deviation": DeviationFactory(plan=plan)}


for _way in WAYS:
    _name = _way.__name__.strip("_").replace("_", " ")
    cases.add("session_cleared", lambda way=_way: way(build_session(consented_plan())), name=_name)
    cases.add("patch_test_cleared", lambda way=_way: way(build_test(PlanFactory())), name=_name)
    cases.add("session_lot_usable", lambda way=_way: way(_used_up_in_session()), name=_name)
    cases.add("patch_test_lot_usable", lambda way=_way: way(_expired_in_test()), name=_name)


def _used_up_in_session(**session: Any) -> SessionLot:
    draft = SessionFactory(**session)
    component = draft.plan.formula.parts.first().component
    return SessionLot(
        session=draft, lot=LotFactory(component=component, used_up_on=TODAY - timedelta(days=1))
    )


def _expired_in_test(**test: Any) -> PatchTestLot:
    draft = PatchTestFactory(draft=True, lots=[], given_at=ago(hours=1), **test)
    component = draft.formula.parts.first().component
    return PatchTestLot(
        patch_test=draft, lot=LotFactory(component=component, expires_on=TODAY - timedelta(days=1))
    )


@pytest.mark.parametrize("way", WAYS)
def test_with_a_deviation_the_truth_is_admitted(way: Callable[[Any], None]) -> None:
    waiting, unconsented = consented_plan(), PlanFactory()
    way(build_session(waiting, **_deviation(waiting)))
    way(build_test(unconsented, **_deviation(unconsented)))
    assert [waiting.sessions.count(), unconsented.patch_tests.count()] == [1, 1]


@pytest.mark.parametrize("way", WAYS)
def test_with_a_deviation_a_used_up_lot_is_admitted(way: Callable[[Any], None]) -> None:
    plan = cleared_plan()
    used = _used_up_in_session(plan=plan, **_deviation(plan))
    way(used)
    assert used.session.used_lots.count() == 1


def test_a_refused_session_says_what_is_missing() -> None:
    with pytest.raises(Exception) as error, transaction.atomic():
        by_save(build_session(consented_plan()))
    assert error.value.__cause__.diag.message_detail == "test"


# Further cases of the gate on sessions ----------------------------------------------------------------------------


@cases.refused_by("session_cleared")
def _a_session_of_another_patients_plan() -> None:
    by_save(build_session(cleared_plan(), patient=PatientFactory()))


@cases.refused_by("session_cleared")
def _a_planned_session_of_another_plan() -> None:
    plan = cleared_plan()
    by_save(build_session(plan, planned=cleared_plan(patient=plan.patient).planned_sessions.first()))


@cases.refused_by("session_cleared")
def _a_session_at_another_patients_visit() -> None:
    by_save(build_session(cleared_plan(), appointment=AppointmentFactory()))


@cases.refused_by("session_cleared")
def _a_session_moved_to_another_day_by_update() -> None:
    session = SessionFactory()
    Session.objects.filter(pk=session.pk).update(started_at=ago(days=9))


@cases.refused_by("session_cleared")
def _a_session_turned_from_not_given_into_given() -> None:
    plan = consented_plan()
    session = SessionFactory(plan=plan, outcome="not_given", outcome_reason="fever")
    Session.objects.filter(pk=session.pk).update(outcome="complete")


@cases.refused_by("session_cleared")
def _a_second_record_of_a_given_session() -> None:
    first = SessionFactory(signed=True, started_at=ago(days=7))
    by_save(build_session(first.plan, planned=first.planned))


@cases.refused_by("session_cleared")
def _a_session_not_given_that_has_zones() -> None:
    session = SessionZoneFactory().session
    Session.objects.filter(pk=session.pk).update(outcome="not_given", outcome_reason="fever")


@cases.refused_by("session_cleared")
def _a_session_signed_without_zones() -> None:
    SessionFactory(signed=True, zones=[])


@cases.refused_by("session_cleared")
def _a_session_signed_without_the_lot_of_a_component() -> None:
    plan = cleared_plan()
    SessionFactory(plan=plan, signed=True, lots=lots_of(plan.formula)[:1])


@cases.refused_by("session_cleared")
def _a_session_signed_without_the_dose_of_a_component() -> None:
    plan = cleared_plan()
    SessionFactory(plan=plan, signed=True, doses=list(plan.formula.parts.all())[:1])


def test_a_session_that_was_not_given_needs_no_clearance() -> None:
    session = build_session(PlanFactory(), outcome="not_given", outcome_reason="consent not signed")
    session.save(force_insert=True)
    assert Session.objects.get() == session


def test_a_session_not_given_leaves_its_place_to_another() -> None:
    plan = cleared_plan()
    SessionFactory(
        plan=plan, outcome="not_given", outcome_reason="fever", signed=True, zones=[], lots=[], doses=[]
    )
    again = SessionFactory(plan=plan, planned=plan.planned_sessions.first(), signed=True)
    assert list(plan.sessions.filter(outcome="complete")) == [again]


@cases.refused_by("session_cleared")
def _a_deviation_that_was_recorded_for_another_plan() -> None:
    by_save(build_session(cleared_plan(), **_deviation(PlanFactory())))


@cases.refused_by("session_cleared")
def _a_session_moved_past_the_day_its_lot_was_used_up() -> None:
    session = SessionFactory(started_at=ago(days=2))
    component = session.plan.formula.parts.first().component
    SessionLot.objects.create(
        session=session, lot=LotFactory(component=component, used_up_on=TODAY - timedelta(days=1))
    )
    Session.objects.filter(pk=session.pk).update(started_at=ago(hours=1))


@cases.refused_by("session_cleared")
def _a_used_up_lot_whose_deviation_is_taken_away() -> None:
    plan = cleared_plan()
    used = _used_up_in_session(plan=plan, **_deviation(plan))
    used.save()
    Session.objects.filter(pk=used.session.pk).update(deviation=None)


def test_a_lot_quarantined_after_the_session_was_in_order_when_it_was_used() -> None:
    session = SessionFactory()
    lot = LotFactory(component=session.plan.formula.parts.first().component)
    SessionLot.objects.create(session=session, lot=lot)
    lot.quarantined_at, lot.quarantined_by, lot.quarantine_reason = CLINIC_NOW, UserFactory(), "recalled"
    lot.save()
    Session.objects.filter(pk=session.pk).update(started_at=ago(minutes=59))
    assert session.used_lots.count() == 1


# Further cases of the gate on tests and readings ------------------------------------------------------------------


@cases.refused_by("patch_test_cleared")
def _a_test_in_another_patients_plan() -> None:
    by_save(build_test(consented_plan(), patient=PatientFactory()))


def test_not_even_a_deviation_admits_a_test_in_another_patients_plan() -> None:
    plan = consented_plan()
    assert (
        refusal_of(lambda: by_save(build_test(plan, patient=PatientFactory(), **_deviation(plan))))
        == "patch_test_cleared"
    )


@cases.refused_by("patch_test_cleared")
def _a_test_at_another_patients_visit() -> None:
    by_save(build_test(consented_plan(), appointment=AppointmentFactory()))


@cases.refused_by("patch_test_cleared")
def _a_test_signed_without_the_lot_of_a_component() -> None:
    plan = consented_plan()
    PatchTestFactory(plan=plan, lots=lots_of(plan.formula)[:1])


@cases.refused_by("patch_test_cleared")
def _a_consent_taken_back_before_the_test_and_entered_after_it() -> None:
    test = PatchTestFactory(draft=True)
    ConsentWithdrawalFactory(consent=test.plan.consents.get(), withdrawn_at=ago(days=11))
    PatchTest.objects.filter(pk=test.pk).update(
        signed_at=ago(days=9), signed_by=UserFactory(), content_hash="0" * 64
    )


@cases.refused_by("patch_test_cleared")
def _a_test_of_another_formula_than_the_plans() -> None:
    by_save(build_test(consented_plan(), formula=FormulaFactory(), component_codes=["a"]))


@cases.refused_by("patch_test_cleared")
def _a_test_that_claims_more_components_than_it_has() -> None:
    plan = consented_plan()
    by_save(build_test(plan, component_codes=[*plan.formula.component_codes, "hyaluronidase"]))


@cases.refused_by("patch_test_cleared")
def _a_draft_that_comes_to_claim_more_components() -> None:
    test = PatchTestFactory(draft=True)
    PatchTest.objects.filter(pk=test.pk).update(component_codes=[*test.component_codes, "hyaluronidase"])


@cases.refused_by("patch_test_cleared")
def _a_test_with_a_deviation_that_was_recorded_for_another_plan() -> None:
    by_save(build_test(consented_plan(), **_deviation(PlanFactory())))


@cases.refused_by("patch_test_cleared")
def _a_test_moved_past_the_last_day_of_its_lot() -> None:
    test = PatchTestFactory(draft=True, lots=[])
    component = test.formula.parts.first().component
    PatchTestLot.objects.create(
        patch_test=test, lot=LotFactory(component=component, expires_on=TODAY - timedelta(days=5))
    )
    PatchTest.objects.filter(pk=test.pk).update(given_at=ago(days=1), observed_until=CLINIC_NOW)


def test_a_part_of_the_formulas_components_may_be_tested() -> None:
    plan = consented_plan()
    codes = plan.formula.component_codes[:1]
    assert PatchTestFactory(plan=plan, component_codes=codes).component_codes == codes


@cases.refused_by("test_reading_of_signed_test")
def _a_reading_of_a_test_that_is_not_signed() -> None:
    TestReadingFactory(patch_test=PatchTestFactory(draft=True))


@cases.refused_by("test_reading_of_signed_test")
def _a_reading_before_the_test_was_given() -> None:
    TestReadingFactory(read_at=ago(days=11))


@cases.refused_by("test_reading_of_signed_test")
def _another_patients_reading() -> None:
    TestReadingFactory(patient=PatientFactory())


# Lots -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lot", "refused"),
    [
        pytest.param({"expires_on": TODAY - timedelta(days=1)}, False, id="expired: asked for at signing"),
        pytest.param({"quarantined_at": CLINIC_NOW}, False, id="quarantined: asked for at signing"),
        pytest.param({"used_up_on": TODAY}, False, id="used up today"),
        pytest.param({"used_up_on": TODAY - timedelta(days=1)}, True, id="used up yesterday"),
    ],
)
def test_a_draft_holds_what_may_have_been_injected_but_no_lot_used_up_before_its_day(
    lot: dict[str, Any], refused: bool
) -> None:
    session, by = SessionFactory(), UserFactory()
    if "quarantined_at" in lot:
        lot = {**lot, "quarantined_by": by, "quarantine_reason": "recalled"}
    used = SessionLot(
        session=session, lot=LotFactory(component=session.plan.formula.parts.first().component, **lot)
    )
    if refused:
        assert refusal_of(used.save) == "session_lot_usable"
    else:
        used.save()
        assert session.used_lots.count() == 1


@cases.refused_by("session_lot_usable")
def _a_lot_of_something_that_is_not_in_the_formula() -> None:
    SessionLot.objects.create(session=SessionFactory(), lot=LotFactory())


@cases.refused_by("patch_test_lot_usable")
def _a_lot_of_something_that_is_not_tested() -> None:
    PatchTestLot.objects.create(patch_test=PatchTestFactory(draft=True), lot=LotFactory())


def test_a_lot_of_another_version_of_the_component_is_usable() -> None:
    session = SessionFactory()
    component = session.plan.formula.parts.first().component
    component.retired_at = CLINIC_NOW
    component.save()
    newer = ComponentFactory(code=component.code, version=2)
    SessionLot.objects.create(session=session, lot=LotFactory(component=newer))
    assert session.used_lots.count() == 1


# All cases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_gate_refuses_by_name(case: Case) -> None:
    """And lets it through once it is away: that is the harm."""
    assert tried_with_and_without(case) == case.guard


@pytest.mark.parametrize("case", cases, ids=str)
def test_no_session_can_switch_the_gate_off(case: Case) -> None:
    with without(*case.aside):
        ignore_all("consultations")
        assert refusal_of(case.write) == case.guard


def test_every_gate_has_a_case() -> None:
    assert cases.guards == GATES
