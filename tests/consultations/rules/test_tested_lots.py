"""What the session page says of a lot that was not in the test that clears the plan, or of another maker."""

import pytest
from pytest_django import DjangoAssertNumQueries

from consultations.enums import RetestEffect as Effect
from consultations.enums import RetestTrigger as Trigger
from consultations.enums import TestRequirement as Requirement
from consultations.models import Lot, Plan
from consultations.queries import facts_of_one
from consultations.rules import tested_lots
from tests.consultations.policies import retest_decided
from tests.consultations.test_gate import refusal
from tests.factories import (
    EnteredInErrorFactory,
    LotFactory,
    PatchTestFactory,
    TestReadingFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(clinic_now: object) -> Plan:
    """Cleared; the lots of its test are N-1, N-2…, by Laboratoire Nord."""
    made = cleared_plan()
    for number, lot in enumerate(Lot.objects.order_by("pk"), start=1):
        Lot.objects.filter(pk=lot.pk).update(number=f"N-{number}")
    return made


def another_lot(plan: Plan, **lot: str) -> Lot:
    """A lot of the formula's first component that came after the test."""
    return LotFactory(component=plan.formula.parts.first().component, number="X-9", **lot)


def number_in_test(lot: Lot) -> str:
    """The number of the lot of the same component that was in the test."""
    return Lot.objects.filter(component=lot.component).exclude(pk=lot.pk).get().number


def said(plan: Plan, lot: Lot) -> str:
    """What the rule says of the lot at CLINIC_NOW."""
    facts = facts_of_one(plan)
    return tested_lots.warning(facts, lot, tested_lots.tested_lots(facts, CLINIC_NOW))


def new_lot(lot: Lot) -> str:
    return (
        f"Lot X-9 of {lot.maker} was not in the test that clears this plan (lot {number_in_test(lot)});"
        " watch for a reaction."
    )


def new_maker(lot: Lot) -> str:
    return (
        f"Lot X-9 is made by {lot.maker}; the test that clears this plan was made with Laboratoire Nord"
        f" (lot {number_in_test(lot)}). Consider a new test with it first."
    )


def test_of_the_lots_that_were_tested_nothing_is_said(plan: Plan) -> None:
    another_lot(plan)
    used = [each.lot for each in plan.patch_tests.get().used_lots.all()]
    assert used and [said(plan, lot) for lot in used] == [""] * len(used)


def test_a_new_lot_of_the_same_maker_is_said_with_the_lot_that_was_tested(plan: Plan) -> None:
    lot = another_lot(plan, maker=" laboratoire  NORD")
    assert said(plan, lot) == new_lot(lot)


def test_another_maker_is_said_with_the_one_that_was_tested(plan: Plan) -> None:
    lot = another_lot(plan, maker="Laboratoire Sud")
    assert said(plan, lot) == new_maker(lot)


@pytest.mark.parametrize(
    ("trigger", "maker", "still"),
    [
        (Trigger.NEW_LOT, "Laboratoire Nord", False),
        (Trigger.NEW_LOT, "Laboratoire Sud", True),
        (Trigger.NEW_MAKER, "Laboratoire Nord", True),
        (Trigger.NEW_MAKER, "Laboratoire Sud", True),
    ],
)
def test_a_clinic_can_switch_either_off(plan: Plan, trigger: Trigger, maker: str, still: bool) -> None:
    """Another maker's lot is a new lot as well."""
    lot = another_lot(plan, maker=maker)
    retest_decided(trigger, effect=Effect.OFF)
    words = new_maker if maker.endswith("Sud") and trigger == Trigger.NEW_LOT else new_lot
    assert said(plan, lot) == (words(lot) if still else "")


def test_with_both_off_nothing_is_said_and_nothing_is_read(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lot = another_lot(plan, maker="Laboratoire Sud")
    for trigger in (Trigger.NEW_LOT, Trigger.NEW_MAKER):
        retest_decided(trigger, effect=Effect.OFF)
    facts = facts_of_one(plan)
    with django_assert_num_queries(0):
        tested = tested_lots.tested_lots(facts, CLINIC_NOW)
    assert tested_lots.warning(facts, lot, tested) == ""


def test_the_lots_of_however_many_tests_are_read_at_once(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=9)))
    facts = facts_of_one(plan)
    with django_assert_num_queries(1):
        tested = tested_lots.tested_lots(facts, CLINIC_NOW)
    assert set(tested) == set(facts.component_codes)


def test_where_the_policy_asks_for_no_test_nothing_is_said() -> None:
    plan = cleared_plan(test_policy__requirement=Requirement.NOT_REQUIRED)
    assert said(plan, another_lot(plan)) == ""


def test_a_later_test_with_the_lot_ends_the_warning_and_its_error_brings_it_back(plan: Plan) -> None:
    lot = another_lot(plan)
    lots = [lot, *Lot.objects.exclude(component=lot.component)]
    reading = TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=9), lots=lots))
    assert said(plan, lot) == ""
    EnteredInErrorFactory(reading=reading)
    assert said(plan, lot) == new_lot(lot)


def test_a_test_with_the_lot_that_is_not_read_yet_changes_nothing(plan: Plan) -> None:
    lot = another_lot(plan)
    lots = [lot, *Lot.objects.exclude(component=lot.component)]
    PatchTestFactory(plan=plan, given_at=ago(days=1), lots=lots)
    assert said(plan, lot) == new_lot(lot)


def test_the_session_stays_cleared(plan: Plan) -> None:
    another_lot(plan, maker="Laboratoire Sud")
    assert refusal(plan, at=CLINIC_NOW, ordinal=1) is None
