"""Plans that lack one thing, with the code that both gates must return: the truth table of the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db.models import Model

from clinic.models import Patient
from consultations.enums import Answer, Decision, PlanStatus
from consultations.models import PatchTest, Plan
from consultations.models import TestReading as Reading
from tests.factories import (
    AllergyFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentFactory,
    ConsentWithdrawalFactory,
    ConsultationConfirmationFactory,
    ConsultationFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatientFactory,
    PlanFactory,
    PlanStopFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
    read_late_plan,
)
from tests.factories.clock import TODAY, ago, ahead
from tests.guards import check_deferred, sql


@contextmanager
def gates_open(model: type[Model] = PatchTest, gate: str = "patch_test_cleared") -> Iterator[None]:
    """For a test or session that was given before what clears it was missing: the gate on its table is away."""
    (trigger,) = [trigger for trigger in model._meta.triggers if trigger.name == gate]
    switch = f'ALTER TABLE {model._meta.db_table} {{}} TRIGGER "{trigger.get_pgid(model)}"'
    check_deferred()
    sql(switch.format("DISABLE"))()
    yield
    check_deferred()
    sql(switch.format("ENABLE"))()


Lacking = Callable[[], Plan]
missing: list[tuple[str, str, Lacking]] = []


def lacks(code: str) -> Callable[[Lacking], Lacking]:
    """Files a plan that lacks one thing under the code both gates must return."""

    def file(make: Lacking) -> Lacking:
        missing.append((code, make.__name__.strip("_").replace("_", " "), make))
        return make

    return file


@lacks("consultation")
def _a_consultation_that_is_not_signed() -> Plan:
    return with_consultation()


@lacks("consultation")
def _a_consultation_signed_only_later() -> Plan:
    return with_consultation(signed=True, signed_at=ahead(minutes=1))


@lacks("consultation")
def _a_consultation_that_found_the_patient_not_eligible() -> Plan:
    return with_consultation(signed=True, outcome="not_eligible", outcome_reason="pregnant")


@lacks("consultation")
def _a_consultation_that_defers() -> Plan:
    return with_consultation(signed=True, outcome="deferred", outcome_reason="tan", deferred_until=TODAY)


@lacks("consultation")
def _a_consultation_entered_in_error() -> Plan:
    plan = cleared_plan()
    EnteredInErrorFactory(consultation=plan.consultation)
    return plan


@lacks("consultation_expired")
def _a_consultation_of_a_year_ago() -> Plan:
    return with_consultation(signed=True, signed_at=ago(days=365))


@lacks("consultation_expired")
def _a_consultation_confirmed_only_later() -> Plan:
    plan = with_consultation(signed=True, signed_at=ago(days=365))
    ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=ahead(minutes=1))
    return plan


@lacks("consultation_expired")
def _a_confirmation_called_an_error() -> Plan:
    plan = with_consultation(signed=True, signed_at=ago(days=365))
    confirmed = ConsultationConfirmationFactory(consultation=plan.consultation, confirmed_at=ago(days=1))
    EnteredInErrorFactory(confirmation=confirmed)
    return plan


def with_consultation(**consultation: Any) -> Plan:
    """All the rest is there; the test was given while nobody looked (the gate would have refused it)."""
    made = ConsultationFactory(**consultation)
    with gates_open():
        return cleared_plan(consultation=made)


@lacks("plan_proposed")
def _a_plan_that_is_only_proposed() -> Plan:
    with gates_open():
        return cleared_plan(status=PlanStatus.PROPOSED)


@lacks("plan_on_hold")
def _a_plan_on_hold() -> Plan:
    return _now(cleared_plan(), PlanStatus.ON_HOLD)


@lacks("plan_stopped")
def _a_plan_that_was_stopped() -> Plan:
    return _now(cleared_plan(), PlanStatus.STOPPED)


@lacks("plan_completed")
def _a_plan_that_is_complete() -> Plan:
    return _now(cleared_plan(), PlanStatus.COMPLETED)


def _now(plan: Plan, status: PlanStatus) -> Plan:
    plan.status = status
    plan.save(update_fields=["status"])
    return plan


@lacks("deferred")
def _an_answer_that_defers_until_tomorrow() -> Plan:
    answer = {"answer": Answer.YES, "decision": Decision.DEFER, "defer_until": TODAY + timedelta(days=1)}
    return with_consultation(signed=True, answers=[answer])


@lacks("deferred")
def _an_answer_since_the_consultation_that_waits_until_tomorrow() -> Plan:
    plan = cleared_plan()
    PlanStopFactory(plan=plan, decision=Decision.DEFER, defer_until=TODAY + timedelta(days=1))
    return plan


@lacks("answer_open")
def _a_check_in_that_nobody_answered() -> Plan:
    plan = cleared_plan()
    CheckInFactory(appointment__patient=plan.patient)
    return plan


@lacks("answer_open")
def _an_answer_from_the_check_in_that_nobody_has_looked_at() -> Plan:
    plan = cleared_plan()
    CheckInFactory(appointment__patient=plan.patient, open=True)
    return plan


@lacks("contraindicated")
def _an_answer_since_the_consultation_that_rules_it_out() -> Plan:
    return PlanStopFactory(plan=cleared_plan()).plan


@lacks("report_open")
def _a_report_nobody_has_looked_at() -> Plan:
    plan = cleared_plan()
    ClinicalReportFactory(patient=plan.patient)
    return plan


def allergic(**allergy: Any) -> Plan:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(allergen_groups=["soy"]), 1)]))
    AllergyFactory(patient=plan.patient, **allergy)
    return plan


@lacks("allergy")
def _a_confirmed_allergy_to_a_component() -> Plan:
    return allergic(group_code="soy", confirmed=True)


@lacks("allergy")
def _a_reported_allergy_to_a_component() -> Plan:
    return allergic(group_code="soy")


@lacks("allergy")
def _a_reported_allergy_to_a_component_by_its_name() -> Plan:
    plan = cleared_plan()
    AllergyFactory(patient=plan.patient, component_codes=plan.formula.component_codes[:1])
    return plan


@lacks("allergy_unassessed")
def _an_allergy_in_words_nobody_has_assessed() -> Plan:
    return allergic(group_code="")


@lacks("consent")
def _no_consent() -> Plan:
    with gates_open():
        return _tested(PlanFactory())


@lacks("consent")
def a_consent_that_was_withdrawn() -> Plan:
    plan = cleared_plan()
    ConsentWithdrawalFactory(consent=plan.consents.get())
    return plan


@lacks("consent")
def _a_consent_entered_in_error() -> Plan:
    plan = cleared_plan()
    EnteredInErrorFactory(consent=plan.consents.get())
    return plan


@lacks("consent")
def _a_consent_to_another_formula() -> Plan:
    return with_consent(formula=FormulaFactory())


@lacks("consent")
def _a_consent_signed_only_later() -> Plan:
    return with_consent(signed_at=ahead(minutes=1))


@lacks("consent")
def _a_consent_of_a_year_ago() -> Plan:
    return with_consent(signed_at=ago(days=365))


@lacks("consent")
def _a_consent_for_a_minor_who_is_of_age_today() -> Plan:
    plan = PlanFactory(patient__birth_date=TODAY.replace(year=TODAY.year - 18))
    ConsentFactory(plan=plan, signer="representative", signer_relation="mother")
    with gates_open():
        return _tested(plan)


@lacks("consent")
def _a_consent_signed_alone_by_who_was_a_minor_by_the_birth_date_of_now() -> Plan:
    """An adult by the date on record when it was signed; the desk has corrected a slip of the hand since."""
    plan = cleared_plan()
    Patient.objects.filter(pk=plan.patient_id).update(birth_date=TODAY - timedelta(days=16 * 365))
    return Plan.objects.get(pk=plan.pk)


@lacks("consent")
def _a_consent_signed_by_somebody_else() -> Plan:
    return with_consent(patient=PatientFactory())


def with_consent(**consent: Any) -> Plan:
    plan = PlanFactory()
    ConsentFactory(plan=plan, **consent)
    with gates_open():
        return _tested(plan)


def _tested(plan: Plan) -> Plan:
    TestReadingFactory(patch_test__plan=plan)
    return plan


@lacks("test_positive")
def _a_test_that_reacted_when_it_was_looked_at_late() -> Plan:
    return read_late_plan(positive=True)


@lacks("test_positive")
def _a_reaction_to_the_test() -> Plan:
    plan = cleared_plan()
    TestReadingFactory(patch_test=plan.patch_tests.get(), positive=True)
    return plan


@lacks("test_positive")
def _a_reaction_reported_after_a_negative_reading() -> Plan:
    plan = cleared_plan()
    negative = Reading.objects.get()
    TestReadingFactory(
        patch_test=negative.patch_test,
        positive=True,
        kind="reported",
        grade="",
        supersedes=negative,
        read_at=ago(days=1),
    )
    return plan


@lacks("test_positive")
def _a_reaction_to_another_plans_test_that_shares_a_component() -> Plan:
    shared = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(shared, 1)]))
    other = consented_plan(
        patient=plan.patient, formula=FormulaFactory(parts=[(shared, 5), (ComponentFactory(), 1)])
    )
    TestReadingFactory(patch_test__plan=other, positive=True)
    return plan


@lacks("test_positive")
def _a_reaction_that_one_person_calls_an_error() -> Plan:
    plan = cleared_plan()
    reading = TestReadingFactory(patch_test=plan.patch_tests.get(), positive=True)
    EnteredInErrorFactory(reading=reading)
    return plan


@lacks("test_positive")
def _a_reaction_that_a_later_reading_calls_negative() -> Plan:
    plan = consented_plan()
    positive = TestReadingFactory(patch_test__plan=plan, positive=True)
    TestReadingFactory(patch_test=positive.patch_test, supersedes=positive, read_at=ago(days=7))
    return plan
