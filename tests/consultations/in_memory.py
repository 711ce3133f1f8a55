"""A plan and its tests in memory only: what the rules read of them, for cases of several tests that no database is needed for."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from clinic.models import Patient, Practitioner
from consultations.enums import ReadingKind, Signer, TestArm, Unit
from consultations.enums import RetestTrigger as Trigger
from consultations.enums import TestRequirement as Requirement
from consultations.enums import TestResult as Result
from consultations.models import (
    Component,
    Consent,
    ConsentWithdrawal,
    Consultation,
    EnteredInError,
    Formula,
    FormulaPart,
    PatchTest,
    Plan,
    PlannedSession,
)
from consultations.models import TestReading as Reading
from consultations.queries import PlanFacts
from consultations.read_with_plans import (
    AllergicEvent,
    Confirmed,
    FoundCause,
    HealthChange,
    Retest,
    SinceTest,
    Validity,
)
from tests.factories import PatchTestPolicyFactory
from tests.factories.clock import CLINIC_NOW, ago

WEATHER = "weather"  # the question whose answer changes
MIX = Formula(pk=uuid4(), code="mix")  # of every plan here


CONFIRMED = "confirmed"  # as `wrong`: two people have called it an error


def _may_be_in_error(row: Any, wrong: bool | str) -> None:
    confirmed_at = CLINIC_NOW if wrong == CONFIRMED else None
    entry = EnteredInError(requested_at=CLINIC_NOW, confirmed_at=confirmed_at) if wrong else None
    row._meta.get_field("entered_in_error").set_cached_value(row, entry)


def given(days: float = 10, codes: str = "ab", *, wrong: bool | str = False, **fields: Any) -> PatchTest:
    """A test of so many days ago; each letter is a component. What is `wrong` one person calls an error, or two (CONFIRMED)."""
    usual: dict[str, Any] = {"given_at": ago(days=days), "component_codes": list(codes), "arm": TestArm.LEFT}
    usual["policy"] = fields.pop("policy", None) or PatchTestPolicyFactory.build()
    test = PatchTest(**usual | fields)
    _may_be_in_error(test, wrong)
    return test


def read(
    test: PatchTest, result: str = Result.NEGATIVE, *, wrong: bool | str = False, **fields: Any
) -> Reading:
    """Its delayed reading after two days; one without reaction clears from then on, for half a year."""
    moment = test.given_at + timedelta(days=2)
    clears = {"valid_from": moment, "valid_until": moment + timedelta(days=182)}
    usual = {"kind": ReadingKind.DELAYED, "read_at": moment, "signed_at": moment}
    usual |= clears if result == Result.NEGATIVE else {}
    reading = Reading(patch_test=test, result=result, **usual | fields)
    _may_be_in_error(reading, wrong)
    reading._meta.get_field("superseded_by").set_cached_value(reading, None)
    return reading


def _component(code: str) -> Component:
    return Component(code=code, name=code.upper(), unit=Unit.MG)


def facts_with(
    *readings: Reading,
    codes: str = "ab",
    requirement: Requirement = Requirement.REQUIRED,
    tests: Iterable[PatchTest] = (),
    strength: Decimal = Decimal(1),
    consents: Iterable[Consent] = (),
    confirmations: Iterable[Confirmed] = (),
    planned: Iterable[PlannedSession] = (),
    **known: Any,
) -> PlanFacts:
    """What is known of a plan whose formula holds the components, in the order of reading as facts are read."""
    policy = PatchTestPolicyFactory.build(requirement=requirement)
    doctor = Practitioner(name="Dr Amari")
    plan = Plan(
        test_policy=policy,
        consultation=Consultation(practitioner=doctor),
        formula=MIX,
    )
    plan.patient = Patient(birth_date=date(1984, 3, 12))
    for each in (*tests, *(reading.patch_test for reading in readings)):
        each.plan = plan
    return PlanFacts(
        plan=plan,
        planned=list(planned),
        parts=[FormulaPart(component=_component(code), strength=strength) for code in codes],
        answers=[],
        consents=list(consents),
        sessions=[],
        validity=Validity(12, 12),
        confirmations=list(confirmations),
        stops=[],
        tests=sorted(
            {each.pk: each for each in (*tests, *(row.patch_test for row in readings))}.values(),
            key=lambda test: test.given_at,
        ),
        readings=sorted(readings, key=lambda reading: reading.read_at),
        **known,
    )


def consent(days: float, *, wrong: bool = False, withdrawn: bool = False, **fields: Any) -> Consent:
    """Signed so many days ago, for the plan's formula."""
    usual = {"signed_at": ago(days=days), "signer": Signer.PATIENT, "formula": MIX}
    row: Any = Consent(**usual | fields)
    _may_be_in_error(row, wrong)
    row._meta.get_field("withdrawal").set_cached_value(row, ConsentWithdrawal() if withdrawn else None)
    row.newer_texts = []
    signed: Consent = row
    return signed


def decided(trigger: Trigger, effect: str, *, wait_days: int | None = None, **rule: Any) -> Retest:
    """A rule of the clinic's own that is in force."""
    question = WEATHER if trigger == Trigger.HEALTH_CHANGE else ""
    usual = {
        "lapse_months": None,
        "session_extends": False,
        "published_at": ago(days=400),
        "retired_at": None,
    }
    return Retest(
        code=trigger,
        version=1,
        trigger=trigger,
        question=question,
        effect=effect,
        wait_days=wait_days,
        **usual | rule,
    )


def since_test(
    *rules: Retest, answered: datetime | None = None, reacted: datetime | None = None
) -> SinceTest:
    """The rules, and what has happened: a yes to the question, an allergic reaction whose plan nobody knows."""
    health = [HealthChange(WEATHER, "yes", answered)] if answered else []
    allergic = [AllergicEvent(reacted, reacted, None, (), None)] if reacted else []
    return SinceTest(rules=list(rules), health=health, allergic=allergic)


def found_cause(*, days: float, opened: str = "a", search: UUID | None = None) -> FoundCause:
    """A finding of so many days ago that opened the components."""
    return FoundCause(str(search or uuid4()), str(uuid4()), ("z",), tuple(opened), ago(days=days))
