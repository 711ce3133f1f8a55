"""Test injections: given under the test gate with an immediate reading, read some days later."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.enums import ContactReason
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations.actions import calls, plans
from consultations.actions.deviations import record_deviation
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import AllergyStatus, Grade, PlanStatus, ReadingKind, TestResult
from consultations.models import (
    Alert,
    Allergy,
    Lot,
    MethodRule,
    PatchTest,
    PatchTestLot,
    Plan,
    TestReading,
)
from consultations.queries import PlanFacts, facts_of_one, in_error, policy_in_force
from consultations.rules import authorship, clearance, late_readings
from consultations.rules import lots as lots_rules
from consultations.rules import patch_test as rules


@explained
def give(
    *,
    plan: Plan,
    appointment: Appointment | None,
    details: Mapping[str, Any],
    lots: Collection[Lot],
    immediate: Mapping[str, Any],
    deviation_reason: str = "",
    by: User,
    at: datetime,
) -> PatchTest:
    """Record and sign a test injection with its immediate reading. `details` are PatchTest's, `immediate`
    TestReading's own fields.

    With `deviation_reason` what happened outside the rules is recorded by name; it never clears anything.

    Raises:
        NotCleared: the pathway does not allow a test now.
        DomainError: a field is wrong, or it is on record already; nothing is saved.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(plan.patient_id)
    facts = facts_of_one(plan)
    test = _written(facts, practitioner, appointment, details, at=at)
    rules.check_given_once(test)
    rules.check_test(test, at=at, unclear=rules.last_unclear(facts))
    if codes := _not_allowed(facts, lots, on=test, accepted=bool(deviation_reason.strip())):
        test.deviation = record_deviation(
            plan=plan, codes=codes, reason=deviation_reason, happened_at=test.given_at, by=by, at=at
        )
    put_on_record(test=test, lots=lots, immediate=immediate, facts=facts, by=by, at=at)
    resettle(patient_id=plan.patient_id, by=by, at=at)
    return test


def put_on_record(
    *,
    test: PatchTest,
    lots: Collection[Lot],
    immediate: Mapping[str, Any],
    facts: PlanFacts,
    by: User,
    at: datetime,
) -> None:
    """Sign the test with its lots and its immediate reading."""
    _sign(test, lots, by=by, at=at)
    _add_reading(
        test,
        {**immediate, "kind": ReadingKind.IMMEDIATE, "read_at": test.observed_until},
        facts,
        by=by,
        at=max(at, test.observed_until),  # a clock that is a minute or two ahead
    )


def _written(
    facts: PlanFacts,
    practitioner: Practitioner,
    appointment: Appointment | None,
    details: Mapping[str, Any],
    *,
    at: datetime,
) -> PatchTest:
    """The test of the plan's formula under the plan's policy, not saved yet."""
    return PatchTest(
        patient_id=facts.plan.patient_id,
        practitioner=practitioner,
        appointment=appointment,
        plan=facts.plan,
        formula=facts.plan.formula,
        policy=facts.plan.test_policy,
        component_codes=sorted(facts.component_codes),
        created_at=at,
        **details,
    )


def _sign(test: PatchTest, lots: Collection[Lot], *, by: User, at: datetime) -> None:
    """Save, then seal: the lots have to be in place first, for a signed test takes no more."""
    test.clean_fields(exclude=["patient", "practitioner"])
    test.save(force_insert=True)
    used = [PatchTestLot(patch_test=test, lot=lot) for lot in lots]
    PatchTestLot.objects.bulk_create(used)
    test.signed_at, test.signed_by, test.content_hash = at, by, content_hash(test, used)
    test.save(force_update=True)


@explained
def read(*, test: PatchTest, details: Mapping[str, Any], by: User, at: datetime) -> TestReading:
    """The delayed reading; its result is computed and settles the visits that waited for it.

    Raises:
        DomainError: read before, or a field is wrong.
    """
    authorship.check_may_record(by)
    hold_still(test.patient_id)
    test = PatchTest.objects.select_related("policy", "plan").get(pk=test.pk)
    facts = facts_of_one(test.plan)
    decided = [
        each
        for each in _readings_of(test, facts)
        if each.kind in (ReadingKind.DELAYED, ReadingKind.LATE)
        and getattr(each, "superseded_by", None) is None
    ]
    if decided:
        raise DomainError(
            _("This test has been read. Record a later reaction instead."),
            "read_already",
        )
    reading = _add_reading(test, {**details, "kind": ReadingKind.DELAYED}, facts, by=by, at=at)
    resettle(patient_id=test.patient_id, by=by, at=at)
    return reading


@explained
def read_late(*, test: PatchTest, details: Mapping[str, Any], by: User, at: datetime) -> TestReading:
    """The optional late reading. Without a sign it changes nothing; anything else supersedes the reading before it.

    Raises:
        DomainError: not asked for, nothing was read without reaction, outside its days, or a field is wrong.
    """
    authorship.check_may_record(by)
    hold_still(test.patient_id)
    test = PatchTest.objects.select_related("policy", "plan", "entered_in_error").get(pk=test.pk)
    facts = facts_of_one(test.plan)
    read_before = late_readings.check_may_read(test, facts.readings, read_at=details["read_at"])
    reading = _add_reading(
        test, {**details, "kind": ReadingKind.LATE}, facts, by=by, at=at, supersedes=read_before
    )
    resettle(patient_id=test.patient_id, by=by, at=at)
    return reading


@explained
def report_reaction(*, test: PatchTest, details: Mapping[str, Any], by: User, at: datetime) -> TestReading:
    """A reaction that showed later: a new reading supersedes the signed one and closes every shared component."""
    authorship.check_may_record(by)
    hold_still(test.patient_id)
    test = PatchTest.objects.select_related("policy", "plan").get(pk=test.pk)
    facts = facts_of_one(test.plan)
    latest = [
        each
        for each in _readings_of(test, facts)
        if getattr(each, "superseded_by", None) is None and each.result != TestResult.UNCHANGED
    ]
    reading = _add_reading(
        test,
        {**details, "kind": ReadingKind.REPORTED},
        facts,
        by=by,
        at=at,
        supersedes=latest[-1] if latest else None,
    )
    resettle(patient_id=test.patient_id, by=by, at=at)
    return reading


def _add_reading(
    test: PatchTest,
    details: Mapping[str, Any],
    facts: PlanFacts,
    *,
    by: User,
    at: datetime,
    supersedes: TestReading | None = None,
) -> TestReading:
    wanted = details.get("stricter", "")
    reading = TestReading(
        patient_id=test.patient_id,
        patch_test=test,
        supersedes=supersedes,
        signed_at=at,
        signed_by=by,
        **{name: value for name, value in details.items() if name != "stricter"},
    )
    _judge(reading, test, facts, wanted=wanted, at=at)
    if reading.result == TestResult.UNCHANGED:
        reading.supersedes = None
    if reading.result == TestResult.NEGATIVE:
        reading.valid_from, reading.valid_until = rules.validity(reading, test)
    reading.content_hash = content_hash(reading)
    reading.clean_fields(exclude=["patient", "patch_test"])
    reading.save(force_insert=True)
    if reading.result == TestResult.POSITIVE:
        _note_allergy(test, reading, by=by, at=at)
        _stop_plans(test, reading, by=by, at=at)
        _ask_to_call(test, by=by, at=at)
    return reading


def _judge(reading: TestReading, test: PatchTest, facts: PlanFacts, *, wanted: str, at: datetime) -> None:
    """Checked, then computed; made stricter where it is `wanted`."""
    criteria = _criteria(test)
    rules.check_reading(reading, test, criteria=criteria, at=at)
    unclear_before = rules.last_unclear(facts, before=test) is not None
    computed = rules.result_of(
        reading,
        test=test,
        policy=policy_in_force(at),
        criteria=criteria,
        earlier=_readings_of(test, facts),
        unclear_before=unclear_before,
    )
    reading.result = computed
    if wanted:
        reading.computed = computed
        reading.result = rules.made_stricter(
            computed, wanted, reading.stricter_reason, unclear_before=unclear_before
        )


def _criteria(test: PatchTest) -> MethodRule:
    """Those of the test's method that are in force.

    Raises:
        DomainError: criteria_missing, where the clinic has published none.
    """
    found = MethodRule.objects.current().filter(code=test.method).first()
    if found is None:
        sentence = _("An admin has to publish the criteria of this method first: %(method)s.")
        raise DomainError(
            sentence % {"method": test.get_method_display()}, "criteria_missing", field="method"
        )
    return found


def _stop_plans(test: PatchTest, reading: TestReading, *, by: User, at: datetime) -> None:
    """Every plan whose formula shares a component is stopped (policy of the clinic)."""
    theirs = Plan.objects.filter(
        patient_id=test.patient_id, status__in=(PlanStatus.ACTIVE, PlanStatus.ON_HOLD)
    )
    for plan in theirs.select_related("formula"):
        if set(plan.formula.component_codes) & set(test.component_codes):
            plans.stop(plan=plan, reason=_("Positive test injection."), because_of=reading, by=by, at=at)


def _ask_to_call(test: PatchTest, *, by: User, at: datetime) -> None:
    """The patient's visits cannot take place as they stand. Reception reads whom to speak to, not what was found."""
    who = getattr(by, "practitioner", None) or test.practitioner
    calls.ask(patient=test.patient, reason=ContactReason.POSITIVE_TEST, who=who, by=by, at=at)


def _note_allergy(test: PatchTest, reading: TestReading, *, by: User, at: datetime) -> None:
    """A positive test is an unconfirmed allergy to what was tested; a strong one is confirmed, and an alert
    in every header."""
    strong = reading.grade == Grade.EXTREME or reading.systemic_sign
    words = _("reaction to the test with %(formula)s") % {"formula": _tested(test)}
    Allergy.objects.create(
        patient_id=test.patient_id,
        words=words[:200],
        component_codes=test.component_codes,
        test_reading=reading,
        status=AllergyStatus.CONFIRMED if strong else AllergyStatus.REPORTED,
        reported_at=at,
        reported_by=by,
        assessed_at=at if strong else None,
        assessed_by=by if strong else None,
        assessment=reading.note[:500] if strong else "",
    )
    if not strong:
        return
    Alert.objects.create(
        patient_id=test.patient_id,
        text=_("Strong reaction to a test injection"),
        raised_at=at,
        raised_by=by,
    )


def _tested(test: PatchTest) -> str:
    """The formula, or the component that was tested alone."""
    if test.search_id is None:
        return str(test.formula)
    alone = test.formula.parts.filter(component__code__in=test.component_codes).select_related("component")
    return ", ".join(part.component.name for part in alone)


def _readings_of(test: PatchTest, facts: PlanFacts) -> list[TestReading]:
    return [each for each in facts.readings if each.patch_test_id == test.pk and not in_error(each)]


def _not_allowed(facts: PlanFacts, lots: Collection[Lot], *, on: PatchTest, accepted: bool) -> list[str]:
    """The codes of what the rules do not allow; refused with its reason unless it is `accepted` as a deviation."""
    missing = clearance.judge(facts, gate=clearance.Gate.TEST, on=on.given_at).conditions
    if missing and not accepted:
        raise NotCleared(missing[0].detail or missing[0].what, missing[0].code, conditions=missing)
    named = {lot.component.code for lot in lots}
    open_parts = [part.component for part in facts.parts if part.component.code not in named]
    if open_parts and not accepted:
        sentence = _("Choose the lot of %(component)s.") % {"component": open_parts[0]}
        raise DomainError(sentence, "lot_missing", field=f"lot_{open_parts[0].code}")
    asked = lots_rules.asked_for(facts.plan.formula, at=on.given_at, allergies=facts.allergies)
    day = timezone.localdate(on.given_at)
    if not accepted:
        lots_rules.check_usable(lots, asked, on=day)
    bad = [lot for lot in lots if lots_rules.refusal(lot, asked, on=day)]
    codes = [each.code for each in missing]
    return codes + ["lot_missing"] * bool(open_parts) + ["lot_unusable"] * bool(bad)
