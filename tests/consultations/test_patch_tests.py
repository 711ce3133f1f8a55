"""Test injections as actions: given under the gate, read in the window, with what that does to the visits booked."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from clinic.actions import visits
from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import patch_tests as actions
from consultations.actions import records
from consultations.enums import Grade, ReadingKind
from consultations.enums import TestResult as Result
from consultations.models import Alert, Allergy, Deviation, MethodRule, PatchTest, Plan
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one
from consultations.rules import clearance
from tests.consultations.test_gate import refusal
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    ComponentFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    LotFactory,
    PlanFactory,
    PractitionerFactory,
    TestReadingFactory,
    consented_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ahead

pytestmark = pytest.mark.django_db
SEEN = CLINIC_NOW + timedelta(minutes=20)
QUIET = {"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(5)}


@pytest.fixture
def plan(doctor: Practitioner) -> Plan:
    return consented_plan()


def _give(plan: Plan, user: User, **other: Any) -> PatchTest:
    details = {
        "given_at": CLINIC_NOW,
        "observed_until": SEEN,
        "method": "intradermal",
        "site": "left forearm",
        "volume_ml": Decimal("0.05"),
        **other.pop("details", {}),
    }
    usual = {"lots": lots_of(plan.formula), "immediate": QUIET, "at": SEEN}
    return actions.give(plan=plan, appointment=None, details=details, by=user, **{**usual, **other})


def _read(test: PatchTest, user: User, *, after: float = 48, **details: Any) -> Reading:
    read_at = test.given_at + timedelta(hours=after)
    return actions.read(
        test=test, details={"read_at": read_at, "grade": Grade.NEGATIVE, **details}, by=user, at=read_at
    )


def _session_visit(plan: Plan, starts_at: datetime) -> Appointment:
    planned = plan.planned_sessions.first()
    visit = AppointmentFactory(
        patient=plan.patient,
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(planned),
        starts_at=starts_at,
        status=AppointmentStatus.PROVISIONAL,
    )
    planned.appointment = visit
    planned.save()
    return visit


def _refusal(plan: Plan, user: User, **other: Any) -> tuple[str, str | None]:
    with pytest.raises(DomainError) as refused:
        _give(plan, user, **other)
    assert PatchTest.objects.count() == 0
    return refused.value.code, refused.value.field


# --- Given ---------------------------------------------------------------------------------------------------------


def test_a_test_is_signed_with_its_lots_and_its_immediate_reading(
    plan: Plan, practitioner_user: User
) -> None:
    test = _give(plan, practitioner_user)
    reading = test.readings.get()
    assert (test.signed_at, test.signed_by, test.component_codes) == (
        SEEN,
        practitioner_user,
        plan.formula.component_codes,
    )
    assert set(test.lots.all()) == set(lots_of(plan.formula))
    assert (reading.kind, reading.result, reading.read_at, reading.signed_at) == (
        ReadingKind.IMMEDIATE,
        Result.AWAITING,
        SEEN,
        SEEN,
    )


def test_without_consent_nothing_is_injected(doctor: Practitioner, practitioner_user: User) -> None:
    with pytest.raises(NotCleared) as refused:
        _give(PlanFactory(), practitioner_user)
    assert [condition.code for condition in refused.value.conditions] == ["consent"]
    assert (PatchTest.objects.count(), Deviation.objects.count()) == (0, 0)


def test_what_happened_without_consent_is_recorded_and_clears_nothing(
    doctor: Practitioner, practitioner_user: User
) -> None:
    test = _give(PlanFactory(), practitioner_user, deviation_reason="the wrong patient was called in")
    assert (test.deviation.codes, test.deviation.recorded_by) == (["consent"], practitioner_user)
    assert _read(test, practitioner_user).result == Result.INVALID


def test_a_reason_without_a_deviation_makes_none(plan: Plan, practitioner_user: User) -> None:
    assert _give(plan, practitioner_user, deviation_reason="just in case").deviation is None


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({"volume_ml": Decimal("0.5")}, "volume_ml"),
        ({"observed_until": CLINIC_NOW + timedelta(minutes=5)}, "observed_until"),
        ({"observed_until": SEEN + timedelta(hours=1)}, "observed_until"),
        ({"given_at": SEEN + timedelta(hours=1), "observed_until": SEEN + timedelta(hours=2)}, "given_at"),
    ],
)
def test_a_refused_field_saves_nothing(
    plan: Plan, practitioner_user: User, details: dict[str, Any], field: str
) -> None:
    assert _refusal(plan, practitioner_user, details=details)[1] == field


def test_every_component_has_its_lot(plan: Plan, practitioner_user: User) -> None:
    lots = lots_of(plan.formula)
    missing = f"lot_{lots[1].component.code}"
    assert _refusal(plan, practitioner_user, lots=lots[:1]) == ("lot_missing", missing)


def test_an_expired_lot_is_refused_at_its_field_and_recorded_only_as_a_deviation(
    plan: Plan, practitioner_user: User
) -> None:
    fresh, other = lots_of(plan.formula)
    old = LotFactory(component=other.component, expires_on=TODAY - timedelta(days=1))
    refusal = _refusal(plan, practitioner_user, lots=[fresh, old])
    assert refusal == ("lot_unusable", f"lot_{other.component.code}")
    test = _give(plan, practitioner_user, lots=[fresh, old], deviation_reason="seen afterwards")
    assert test.deviation.codes == ["lot_unusable"]


# --- Read ------------------------------------------------------------------------------------------------------------


def test_a_reading_without_reaction_books_the_sessions_that_waited(
    plan: Plan, practitioner_user: User
) -> None:
    test = _give(plan, practitioner_user)
    visit = _session_visit(plan, ahead(days=7))
    reading = _read(test, practitioner_user)
    visit.refresh_from_db()
    assert (reading.result, visit.status) == (Result.NEGATIVE, AppointmentStatus.BOOKED)
    assert (reading.valid_from, reading.valid_until) == (ahead(hours=48), reading.read_at.replace(month=9))


@pytest.mark.parametrize(
    ("details", "after", "result"),
    [
        ({"grade": Grade.STRONG}, 48, Result.POSITIVE),
        ({"grade": Grade.DOUBTFUL}, 48, Result.EQUIVOCAL),
        ({"site_readable": False, "grade": Grade.NOT_DONE}, 48, Result.INVALID),
        ({}, 96, Result.INVALID),
    ],
)
def test_anything_else_leaves_them_waiting_and_they_cannot_start(
    plan: Plan, practitioner_user: User, details: dict[str, Any], after: float, result: Result
) -> None:
    test = _give(plan, practitioner_user)
    visit = _session_visit(plan, ahead(days=7))
    assert _read(test, practitioner_user, after=after, **details).result == result
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.PROVISIONAL
    visits.arrive(appointment=visit, by=practitioner_user, at=visit.starts_at)
    with pytest.raises(NotCleared):
        visits.start(appointment=visit, by=practitioner_user, at=visit.starts_at)


def test_a_test_is_read_once(plan: Plan, practitioner_user: User) -> None:
    test = _give(plan, practitioner_user)
    _read(test, practitioner_user)
    with pytest.raises(DomainError) as refused:
        _read(test, practitioner_user, after=49)
    assert refused.value.code == "read_already"


def test_a_reading_entered_in_error_can_be_made_again(plan: Plan, practitioner_user: User) -> None:
    test = _give(plan, practitioner_user)
    wrong = _read(test, practitioner_user, grade=Grade.DOUBTFUL)
    records.call_error(record=wrong, reason="the other arm", by=practitioner_user, at=wrong.read_at)
    assert _read(test, practitioner_user, after=49).result == Result.NEGATIVE


def test_the_second_unclear_test_is_positive(plan: Plan, practitioner_user: User) -> None:
    unclear = {"grade": Grade.DOUBTFUL, "result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}
    earlier = TestReadingFactory(
        patch_test__plan=plan, patch_test__given_at=CLINIC_NOW - timedelta(days=15), **unclear
    )
    test = _give(plan, practitioner_user)
    assert _read(test, practitioner_user, grade=Grade.IRRITANT).result == Result.POSITIVE
    assert earlier.patch_test != test


UNCLEAR = {"grade": Grade.DOUBTFUL, "result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}


@pytest.mark.parametrize(
    ("between", "result"),
    [
        pytest.param({}, Result.EQUIVOCAL, id="without reaction"),
        pytest.param({"entered_in_error": True}, Result.POSITIVE, id="without reaction, called an error"),
        pytest.param(
            {"grade": Grade.NOT_DONE, "result": Result.INVALID, "valid_from": None, "valid_until": None},
            Result.POSITIVE,
            id="invalid",
        ),
    ],
)
def test_a_test_without_reaction_in_between_answers_the_unclear_one(
    plan: Plan, practitioner_user: User, between: dict[str, Any], result: Result
) -> None:
    between = dict(between)
    in_error = between.pop("entered_in_error", False)
    TestReadingFactory(patch_test__plan=plan, patch_test__given_at=CLINIC_NOW - timedelta(days=17), **UNCLEAR)
    later = TestReadingFactory(
        patch_test__plan=plan, patch_test__given_at=CLINIC_NOW - timedelta(days=9), **between
    )
    if in_error:
        EnteredInErrorFactory(reading=later)
    test = _give(plan, practitioner_user)
    assert _read(test, practitioner_user, grade=Grade.DOUBTFUL).result == result


def test_a_test_of_other_components_answers_nothing(plan: Plan, practitioner_user: User) -> None:
    TestReadingFactory(patch_test__plan=plan, patch_test__given_at=CLINIC_NOW - timedelta(days=17), **UNCLEAR)
    first = plan.formula.parts.first().component
    smaller = consented_plan(patient=plan.patient, formula=FormulaFactory(parts=[(first, 1)]))
    TestReadingFactory(patch_test__plan=smaller, patch_test__given_at=CLINIC_NOW - timedelta(days=9))
    test = _give(plan, practitioner_user)
    assert _read(test, practitioner_user, grade=Grade.DOUBTFUL).result == Result.POSITIVE


# --- Which plans one test clears ---------------------------------------------------------------------------------------


def test_one_test_clears_several_plans_whose_components_it_covers(
    plan: Plan, practitioner_user: User
) -> None:
    one, other = (part.component for part in plan.formula.parts.all())
    smaller = consented_plan(patient=plan.patient, formula=FormulaFactory(parts=[(one, 3)]))
    same = consented_plan(patient=plan.patient, formula=FormulaFactory(parts=[(other, 1), (one, 2)]))
    reading = _read(_give(plan, practitioner_user), practitioner_user)
    assert [_codes(each, reading.valid_from) for each in (plan, smaller, same)] == [[], [], []]
    assert [refusal(each, at=reading.valid_from) for each in (plan, smaller, same)] == [None, None, None]


def test_adding_a_component_reopens_the_gate(plan: Plan, practitioner_user: User) -> None:
    """Taking one out, or another strength, does not."""
    one, other = (part.component for part in plan.formula.parts.all())
    reading = _read(_give(plan, practitioner_user), practitioner_user)
    more = FormulaFactory(parts=[(one, 1), (other, 1), (ComponentFactory(), 1)])
    wider = consented_plan(patient=plan.patient, formula=more)
    assert _codes(wider, reading.valid_from) == ["test"]
    assert refusal(wider, at=reading.valid_from) == "test"
    again = _read(_give(wider, practitioner_user), practitioner_user)
    assert _codes(wider, again.valid_from) == []
    assert refusal(wider, at=again.valid_from) is None


def test_an_immediate_reaction_closes_at_once(plan: Plan, practitioner_user: User) -> None:
    visit = _session_visit(plan, ahead(days=7))
    grew = {"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(8), "flare": True}
    assert _give(plan, practitioner_user, immediate=grew).readings.get().result == Result.POSITIVE
    visits.arrive(appointment=visit, by=practitioner_user, at=visit.starts_at)
    with pytest.raises(NotCleared) as refused:
        visits.start(appointment=visit, by=practitioner_user, at=visit.starts_at)
    codes = {condition.code for condition in refused.value.conditions}
    assert codes == {"plan_stopped", "allergy", "test_positive", "test"}


@pytest.mark.parametrize(
    ("details", "alerts", "status"),
    [
        ({"grade": Grade.WEAK}, 0, "reported"),
        ({"grade": Grade.EXTREME}, 1, "confirmed"),
        ({"grade": Grade.WEAK, "systemic_sign": True}, 1, "confirmed"),
    ],
)
def test_a_strong_reaction_shows_in_every_header(
    plan: Plan, practitioner_user: User, details: dict[str, Any], alerts: int, status: str
) -> None:
    """Every positive test is an allergy to what was tested: unconfirmed, or confirmed by how strong it was."""
    _read(_give(plan, practitioner_user), practitioner_user, **details)
    allergy = Allergy.objects.get()
    assert (Alert.objects.count(), allergy.status) == (alerts, status)
    assert allergy.component_codes == sorted(plan.formula.component_codes)


# --- Reported later -----------------------------------------------------------------------------------------------------


def test_a_reaction_reported_later_supersedes_the_quiet_reading(plan: Plan, practitioner_user: User) -> None:
    test = _give(plan, practitioner_user)
    quiet = _read(test, practitioner_user)
    visit = _session_visit(plan, ahead(days=14))
    at = ahead(days=9)
    reported = actions.report_reaction(
        test=test, details={"read_at": at, "note": "itching since Sunday"}, by=practitioner_user, at=at
    )
    visit.refresh_from_db()
    assert (reported.result, reported.supersedes, reported.kind) == (
        Result.POSITIVE,
        quiet,
        ReadingKind.REPORTED,
    )
    assert visit.status == AppointmentStatus.PROVISIONAL


def test_a_positive_reading_keeps_closing_until_a_second_person_confirms_the_error(
    plan: Plan, practitioner_user: User
) -> None:
    test = _give(plan, practitioner_user)
    positive = _read(test, practitioner_user, grade=Grade.STRONG)
    at = positive.read_at + timedelta(hours=1)
    entry = records.call_error(record=positive, reason="the other patient", by=practitioner_user, at=at)
    visit = _session_visit(plan, ahead(days=7))
    again = actions.read(
        test=test, details={"read_at": at, "grade": Grade.NEGATIVE}, by=practitioner_user, at=at
    )
    visit.refresh_from_db()
    assert (again.result, visit.status) == (Result.NEGATIVE, AppointmentStatus.PROVISIONAL)
    assert "test_positive" in _codes(plan, at)
    colleague = PractitionerFactory(signs_in=True).user
    records.confirm_error(entry=entry, by=colleague, at=at)
    assert "test_positive" not in _codes(plan, at)
    assert "plan_stopped" in _codes(plan, at)  # for good: a new plan it is


def _codes(plan: Plan, at: datetime) -> list[str]:
    planned = plan.planned_sessions.first()
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=at, planned=planned)
    return [condition.code for condition in judged.conditions]


# --- Criteria of the method, and a stricter judgement ------------------------------------------------------------------


def test_an_epicutaneous_test_clears_without_a_wheal(plan: Plan, practitioner_user: User) -> None:
    test = _give(plan, practitioner_user, details={"method": "epicutaneous"}, immediate={})
    assert _read(test, practitioner_user).result == Result.NEGATIVE


def test_a_method_without_criteria_is_not_used(plan: Plan, practitioner_user: User) -> None:
    MethodRule.objects.filter(code="prick").update(retired_at=CLINIC_NOW)
    refused = _refusal(plan, practitioner_user, details={"method": "prick"})
    assert refused == ("criteria_missing", "method")


@pytest.mark.parametrize(
    ("stricter", "closes"),
    [(Result.EQUIVOCAL, False), (Result.INVALID, False), (Result.POSITIVE, True)],
)
def test_what_is_judged_stricter_does_not_clear(
    plan: Plan, practitioner_user: User, stricter: Result, closes: bool
) -> None:
    test = _give(plan, practitioner_user)
    reading = _read(test, practitioner_user, stricter=stricter, stricter_reason="a papule at the edge")
    assert (reading.result, reading.computed, reading.valid_until) == (stricter, Result.NEGATIVE, None)
    codes = _codes(plan, reading.read_at)
    assert ("test" in codes, "test_positive" in codes) == (True, closes)


def test_nobody_makes_a_result_milder(plan: Plan, practitioner_user: User) -> None:
    test = _give(plan, practitioner_user)
    with pytest.raises(DomainError) as refused:
        _read(test, practitioner_user, grade=Grade.WEAK, stricter=Result.EQUIVOCAL, stricter_reason="small")
    assert (refused.value.code, refused.value.field) == ("not_stricter", "stricter")
    assert test.readings.count() == 1


def test_a_repeat_on_the_same_arm_is_refused(plan: Plan, practitioner_user: User) -> None:
    given = CLINIC_NOW - timedelta(days=17)
    TestReadingFactory(patch_test__plan=plan, patch_test__given_at=given, patch_test__arm="left", **UNCLEAR)
    with pytest.raises(DomainError) as refused:
        _give(plan, practitioner_user, details={"arm": "left"})
    assert (refused.value.code, refused.value.field) == ("same_arm", "arm")
    assert _give(plan, practitioner_user, details={"arm": "right"}).arm == "right"
