"""What the session page says of a lot that was not in the test that clears the plan, or of another maker; and what asks for
a new test first, in Python and in the database.
"""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from consultations.enums import RetestEffect as Effect
from consultations.enums import RetestTrigger as Trigger
from consultations.enums import TestRequirement as Requirement
from consultations.models import Lot, Plan, RetestRule, SessionLot
from consultations.queries import facts_of_one
from consultations.rules import tested_lots
from tests.consultations.policies import retest_decided
from tests.consultations.test_gate import refusal
from tests.factories import (
    EnteredInErrorFactory,
    LotFactory,
    PatchTestFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    received_as,
)
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = pytest.mark.django_db

WATCH = "Watch for a reaction."
CONSIDER = "Consider a new test with it first."
TEST_FIRST = (
    "Before it is used, a new test with it has to be read without reaction. Take another lot until then."
)


@pytest.fixture
def plan(clinic_now: object) -> Plan:
    """Cleared; the lots of its test are N-1, N-2…, by Laboratoire Nord."""
    made = cleared_plan()
    for number, lot in enumerate(Lot.objects.order_by("pk"), start=1):
        received_as(Lot.objects.filter(pk=lot.pk), number=f"N-{number}")
    return made


def another_lot(plan: Plan, **lot: str) -> Lot:
    """A lot of the formula's first component that came after the test."""
    return LotFactory(component=plan.formula.parts.first().component, number="X-9", **lot)


def number_in_test(lot: Lot) -> str:
    """The number of the lot of the same component that was in the test."""
    return Lot.objects.filter(component=lot.component).exclude(pk=lot.pk).get().number


def differs(plan: Plan, lot: Lot) -> tested_lots.Untested | None:
    """What the rule says of the lot at CLINIC_NOW; the database always agrees whether it asks for a new test."""
    facts = facts_of_one(plan)
    found = tested_lots.untested(facts, lot, tested_lots.tested_lots(facts, CLINIC_NOW))
    assert (found is not None and found.asks_for_test) == asks_in_sql(plan, lot)
    return found


def asks_in_sql(
    plan: Plan, lot: Lot, *, at: datetime = CLINIC_NOW, known_by: datetime | str = "infinity"
) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lot_asks_for_test(%s, %s, %s, %s, %s)", [lot.pk, plan.pk, plan.patient_id, at, known_by]
        )
        (asks,) = cursor.fetchone()
    assert isinstance(asks, bool)
    return asks


def said(plan: Plan, lot: Lot) -> str:
    found = differs(plan, lot)
    return found.words if found else ""


def new_lot(lot: Lot, then: str = WATCH) -> str:
    return f"Lot X-9 of {lot.maker} was not in the test that clears this plan (lot {number_in_test(lot)}). {then}"


def new_maker(lot: Lot, then: str = TEST_FIRST) -> str:
    return (
        f"Lot X-9 is made by {lot.maker}; the test that clears this plan was made with Laboratoire Nord"
        f" (lot {number_in_test(lot)}). {then}"
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
    ("of_lot", "of_maker", "maker", "then"),
    [
        (Effect.WARN, Effect.WARN, "Laboratoire Nord", WATCH),
        (Effect.WARN, Effect.WARN, "Laboratoire Sud", CONSIDER),
        (Effect.WARN, Effect.REQUIRE, "Laboratoire Nord", WATCH),
        (Effect.WARN, Effect.REQUIRE, "Laboratoire Sud", TEST_FIRST),
        (Effect.REQUIRE, Effect.WARN, "Laboratoire Nord", TEST_FIRST),
        (Effect.REQUIRE, Effect.WARN, "Laboratoire Sud", TEST_FIRST),
        (Effect.REQUIRE, Effect.OFF, "Laboratoire Sud", TEST_FIRST),
        (Effect.OFF, Effect.REQUIRE, "Laboratoire Nord", None),
        (Effect.OFF, Effect.REQUIRE, "Laboratoire Sud", TEST_FIRST),
    ],
)
def test_of_the_two_rules_the_stricter_one_speaks(
    plan: Plan, of_lot: Effect, of_maker: Effect, maker: str, then: str | None
) -> None:
    lot = another_lot(plan, maker=maker)
    retest_decided(Trigger.NEW_LOT, effect=of_lot)
    retest_decided(Trigger.NEW_MAKER, effect=of_maker)
    speaks_of_maker = maker.endswith("Sud") and of_maker != Effect.OFF
    words = new_maker if speaks_of_maker else new_lot
    assert said(plan, lot) == ("" if then is None else words(lot, then))


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
    assert tested_lots.untested(facts, lot, tested) is None


def test_the_lots_of_however_many_tests_are_read_at_once(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=9)))
    facts = facts_of_one(plan)
    with django_assert_num_queries(1):
        tested = tested_lots.tested_lots(facts, CLINIC_NOW)
    assert set(tested) == set(facts.component_codes)


def test_a_session_is_judged_in_as_many_queries_however_many_lots_it_used(plan: Plan) -> None:
    session, component = SessionFactory(plan=plan, lots=[]), plan.formula.parts.first().component
    facts, found = facts_of_one(plan), []
    for number in ("S-1", "S-2"):
        lot = LotFactory(component=component, number=number, maker="Officina Sud")
        SessionLot.objects.create(session=session, lot=lot)
        with CaptureQueriesContext(connection) as asked:
            refused = tested_lots.refusals(facts, session)
        found.append(([(each.code, each.field) for each in refused], len(asked)))
    once = ("lot_not_tested", f"lot_{component.code}")
    assert found == [([once], found[0][1]), ([once] * 2, found[0][1])]


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


def test_a_later_test_with_another_makers_lot_that_is_read_lets_it_be_used(plan: Plan) -> None:
    lot = another_lot(plan, maker="Laboratoire Sud")
    lots = [lot, *Lot.objects.exclude(component=lot.component)]
    test = PatchTestFactory(plan=plan, given_at=ago(days=9), lots=lots)
    assert said(plan, lot) == new_maker(lot)
    reading = TestReadingFactory(patch_test=test)
    assert said(plan, lot) == ""
    assert asks_in_sql(plan, lot, known_by=reading.signed_at - timedelta(minutes=1))


def test_what_was_decided_after_the_session_began_does_not_count_for_its_signature(plan: Plan) -> None:
    lot = another_lot(plan)
    with time_machine.travel(ago(days=100), tick=False):
        retest_decided(Trigger.NEW_LOT, effect=Effect.WARN)
    retest_decided(Trigger.NEW_LOT, effect=Effect.REQUIRE)
    assert [asks_in_sql(plan, lot), asks_in_sql(plan, lot, known_by=ago(hours=1))] == [True, False]


def test_without_a_rule_in_force_no_lot_asks_for_anything(plan: Plan) -> None:
    lot = another_lot(plan, maker="Laboratoire Sud")
    RetestRule.objects.current().filter(trigger__in=[Trigger.NEW_LOT, Trigger.NEW_MAKER]).update(
        retired_at=CLINIC_NOW
    )
    assert said(plan, lot) == ""


def test_lots_of_one_maker_are_said_together_and_what_asks_for_a_test_comes_first(plan: Plan) -> None:
    component = plan.formula.parts.first().component
    lots = [
        LotFactory(component=component, number=number, maker=maker)
        for number, maker in (
            ("A-2", "Laboratoire Nord"),
            ("A-1", "Laboratoire Nord"),
            ("S-1", "Officina Sud"),
        )
    ]
    found = [each for lot in lots if (each := differs(plan, lot))]
    tested = component.lots.exclude(pk__in=[lot.pk for lot in lots]).get().number
    assert tested_lots.sentences(found) == [
        f"Lot S-1 is made by Officina Sud; the test that clears this plan was made with Laboratoire Nord (lot {tested})."
        f" {TEST_FIRST}",
        f"Lots A-1, A-2 of Laboratoire Nord were not in the test that clears this plan (lot {tested}). {WATCH}",
    ]


def test_of_what_asks_for_nothing_another_maker_is_said_before_a_new_lot(plan: Plan) -> None:
    retest_decided(Trigger.NEW_MAKER, effect=Effect.WARN)
    nord, sud = another_lot(plan), LotFactory(component=plan.formula.parts.first().component, maker="Sud")
    found = [each for lot in (nord, sud) if (each := differs(plan, lot))]
    assert [words.endswith(CONSIDER) for words in tested_lots.sentences(found)] == [True, False]


def test_the_session_stays_cleared_for_its_tested_lots(plan: Plan) -> None:
    another_lot(plan, maker="Laboratoire Sud")
    assert refusal(plan, at=CLINIC_NOW, ordinal=1) is None
