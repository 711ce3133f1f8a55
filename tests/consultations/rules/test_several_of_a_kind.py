"""Where a patient has several of a kind: unclear tests, changes since the test, findings, tests to be read, consents.

In memory: which one counts is decided by the rules alone. `test_clearance.py` holds them against the SQL gate.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic.gaps import months_later
from clinic.models import Appointment
from consultations import purposes
from consultations.dates import add_months, in_words, start_of_day
from consultations.enums import RetestEffect as Effect
from consultations.enums import RetestTrigger as Trigger
from consultations.enums import SignAgain, Signer
from consultations.enums import TestRequirement as Requirement
from consultations.enums import TestResult as Result
from consultations.models import Consent, ConsentText, Formula, PatchTest, PlannedSession, Session
from consultations.models import TestReading as Reading
from consultations.queries import PlanFacts
from consultations.read_with_plans import Confirmed
from consultations.rules import consent as consents
from consultations.rules import patch_test, plans, retest, validity, visits
from consultations.rules.gates import consent as consent_gate
from consultations.rules.gates import positive
from consultations.rules.gates import test as gate
from consultations.rules.visits import Together
from tests.consultations.in_memory import (
    CONFIRMED,
    consent,
    decided,
    facts_with,
    found_cause,
    given,
    read,
    since_test,
)
from tests.factories import PatchTestPolicyFactory
from tests.factories.clock import CLINIC_NOW, ago, ahead

UNCLEAR, QUIET = Result.EQUIVOCAL, Result.NEGATIVE


def unclear(days: float = 10, codes: str = "ab", **fields: Any) -> Reading:
    return read(given(days, codes, **fields), UNCLEAR)


def quiet(days: float = 10, codes: str = "ab", **fields: Any) -> Reading:
    return read(given(days, codes), **fields)


# Positive tests -------------------------------------------------------------------------------------------------------


def reaction(days: float = 10, codes: str = "ab", **fields: Any) -> Reading:
    return read(given(days, codes), Result.POSITIVE, **fields)


@pytest.mark.parametrize(
    ("readings", "day", "shared", "is_questioned"),
    [
        ([], None, "", False),
        ([quiet()], None, "", False),
        ([reaction(codes="x")], None, "", False),
        ([reaction(wrong=CONFIRMED)], None, "", False),
        ([reaction()], ago(days=8), "A, B", False),
        ([reaction(codes="xb")], ago(days=8), "B", False),
        (
            [quiet(20), reaction(codes="x"), reaction(wrong=CONFIRMED), reaction(6)],
            ago(days=4),
            "A, B",
            False,
        ),
        ([reaction(20, wrong=True)], ago(days=18), "A, B", True),
        ([reaction(20), reaction(6)], ago(days=18), "A, B", False),
    ],
)
def test_of_several_positive_tests_the_first_that_still_closes_is_named(
    readings: list[Reading], day: datetime | None, shared: str, is_questioned: bool
) -> None:
    found = positive.missing(facts_with(*readings, codes="abc"), CLINIC_NOW)
    assert [each.code for each in found] == (["test_positive"] if day else [])
    if day:
        said = f"The test read on {in_words(day)} was positive; shared components: {shared}."
        waits = " It is called an error, not yet confirmed by a second person."
        assert found[0].detail == said + (waits if is_questioned else "")
        assert found[0].what == "Not cleared: ask Dr Amari."


# Unclear tests --------------------------------------------------------------------------------------------------------


def test_of_several_unclear_tests_the_last_one_given_counts() -> None:
    first, last = unclear(40), unclear(20)
    facts = facts_with(first, last)
    assert (patch_test.last_unclear(facts), retest.in_doubt(facts, CLINIC_NOW)) == (last.patch_test,) * 2
    assert patch_test.last_unclear(facts, before=last.patch_test) == first.patch_test
    assert patch_test.repeat_from(facts) == ago(days=20) + timedelta(days=14)
    # given last, though it was read first
    early = read(given(19), UNCLEAR, read_at=ago(days=18))
    assert patch_test.last_unclear(facts_with(read(given(20), UNCLEAR, read_at=ago(days=17)), early)) == (
        early.patch_test
    )


def test_an_unclear_test_of_another_formula_leaves_nothing_in_doubt() -> None:
    facts = facts_with(unclear(codes="xy"), codes="ab")
    assert (patch_test.last_unclear(facts), retest.in_doubt(facts, CLINIC_NOW)) == (None, None)


@pytest.mark.parametrize("wrong", ["reading", "patch_test"])
def test_of_several_unclear_tests_one_in_error_is_left_out_whichever_of_its_records_is(wrong: str) -> None:
    """Once two people say so: nobody waits for its repeat, and the next unclear test is the first one."""
    standing = unclear(40)
    mistaken = _called_an_error(wrong, CONFIRMED)
    for readings, expected in (([mistaken], None), ([standing, mistaken], standing.patch_test)):
        facts = facts_with(*readings)
        assert (patch_test.last_unclear(facts), retest.in_doubt(facts, CLINIC_NOW)) == (expected,) * 2


@pytest.mark.parametrize("wrong", ["reading", "patch_test"])
def test_an_unclear_test_that_one_person_calls_an_error_counts_as_if_nobody_had(wrong: str) -> None:
    """It holds, its repeat waits its days, and the next unclear test is the second one: by one word nothing opens."""
    standing, questioned = unclear(40), _called_an_error(wrong, True)
    for readings in ([questioned], [standing, questioned]):
        facts = facts_with(*readings)
        expected = questioned.patch_test
        assert (patch_test.last_unclear(facts), retest.in_doubt(facts, CLINIC_NOW)) == (expected, expected)
        assert patch_test.repeat_from(facts) == ago(days=20) + timedelta(days=14)
        assert retest.is_called_error(facts, expected)
        assert not retest.is_called_error(facts, standing.patch_test)
    answered = facts_with(questioned, quiet(5))
    assert (patch_test.last_unclear(answered), retest.in_doubt(answered, CLINIC_NOW)) == (None, None)


def _called_an_error(record: str, wrong: bool | str) -> Reading:
    """An unclear test of 20 days ago whose reading, or which itself, is called an error."""
    test = given(20, wrong=wrong if record == "patch_test" else False)
    return read(test, UNCLEAR, wrong=wrong if record == "reading" else False)


@pytest.mark.parametrize(
    ("doubted", "again", "answered"),
    [
        (unclear(20, "ab"), quiet(5, "ab"), True),
        (unclear(20, "ab"), quiet(5, "abx"), True),
        (unclear(20, "ax"), quiet(5, "ab"), True),  # what is not in the formula is in nobody's doubt
        (unclear(20, "ab"), quiet(5, "a"), False),
        (unclear(20, "ab"), quiet(20, "ab"), False),
        (unclear(20, "ab"), quiet(30, "ab"), False),
    ],
    ids=["the same", "more", "without what is not in the formula", "a part", "at once", "before"],
)
def test_only_a_later_test_of_everything_in_doubt_answers_an_unclear_one(
    doubted: Reading, again: Reading, answered: bool
) -> None:
    facts = facts_with(doubted, again)
    expected = None if answered else doubted.patch_test
    assert (patch_test.last_unclear(facts), retest.in_doubt(facts, CLINIC_NOW)) == (expected, expected)


@pytest.mark.parametrize("late", ["valid_from", "signed_at"])
def test_an_unclear_test_is_answered_from_the_very_moment_at_which_its_repeat_is_signed_and_clears(
    late: str,
) -> None:
    facts = facts_with(unclear(20), quiet(5, **{late: CLINIC_NOW}))
    assert retest.in_doubt(facts, CLINIC_NOW) is None
    assert retest.in_doubt(facts, ago(minutes=1)) is not None


SEARCH = uuid4()


def _alone(days: float, code: str = "a", **fields: Any) -> PatchTest:
    return given(days, code, search_id=SEARCH, **fields)


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([], None),
        ([(_alone(40), UNCLEAR), (_alone(20), UNCLEAR)], 1),
        ([(_alone(40), UNCLEAR), (_alone(20), QUIET)], None),
        ([(_alone(40), QUIET), (_alone(20), UNCLEAR)], 1),
        ([(_alone(20), UNCLEAR), (_alone(20), QUIET)], 0),
        ([(_alone(40), UNCLEAR), (_alone(20), Result.INVALID)], 0),
        ([(_alone(40), UNCLEAR), (_alone(20, wrong=True), QUIET)], 0),
        ([(_alone(40), UNCLEAR), (_alone(20, wrong=True), UNCLEAR)], 1),
        ([(_alone(40), UNCLEAR), (_alone(20, wrong=CONFIRMED), UNCLEAR)], 0),
        ([(_alone(20, "b"), UNCLEAR), (given(20, "a"), UNCLEAR)], None),
    ],
    ids=[
        "none",
        "two unclear",
        "unclear, then quiet",
        "quiet, then unclear",
        "both at once",
        "then invalid",
        "quiet in error",
        "unclear, called an error",
        "unclear in error",
        "of another component, outside the search",
    ],
)
def test_of_a_component_alone_its_own_last_unclear_test_counts_until_it_was_quiet(
    earlier: list[tuple[PatchTest, Result]], expected: int | None
) -> None:
    facts, now = facts_with(*(read(*each) for each in earlier)), _alone(1)
    last = None if expected is None else earlier[expected][0]
    assert patch_test.last_unclear(facts, before=now) == last
    if last is not None:  # its own reading is no earlier test; one in error is none once two people say so
        mine = facts_with(read(last, UNCLEAR))
        assert patch_test.last_unclear(mine, before=last) is None
        for wrong, counts in ((True, last), (CONFIRMED, None)):
            again = facts_with(read(last, UNCLEAR, wrong=wrong))
            assert patch_test.last_unclear(again, before=now) == counts


# Changes since the test -----------------------------------------------------------------------------------------------

ANSWER, EVENT = Trigger.HEALTH_CHANGE, Trigger.ALLERGIC_EVENT


@pytest.mark.parametrize(
    ("answered", "reacted", "latest"), [(2, 8, ANSWER), (8, 2, EVENT)], ids=["answer last", "reaction last"]
)
def test_of_two_changes_that_ask_for_a_new_test_the_later_one_does(
    answered: int, reacted: int, latest: Trigger
) -> None:
    rules = decided(ANSWER, Effect.REQUIRE), decided(EVENT, Effect.REQUIRE)
    happened = since_test(*rules, answered=ago(days=answered), reacted=ago(days=reacted))
    between, after = quiet(5), quiet(2, valid_from=CLINIC_NOW)
    facts = facts_with(between, after, since_test=happened)
    since = retest.asks_since(facts)
    assert since is not None
    assert (since.rule.trigger, since.at) == (latest, ago(days=2))
    counting = [retest.counts(facts, each, CLINIC_NOW) for each in (between, after)]
    assert counting == [False, True]  # given at the very moment it counts, as in SQL


@pytest.mark.parametrize(
    ("answered", "waits", "reacted", "rests", "trigger", "until"),
    [
        (10, 20, 2, 5, ANSWER, 10),
        (10, 5, 2, 14, EVENT, 12),
        (2, 14, 10, 5, ANSWER, 12),
        (2, 5, 10, 20, EVENT, 10),
        (10, 20, 2, 12, ANSWER, 10),  # both on one day
    ],
)
def test_of_two_waits_the_one_that_ends_last_counts(
    answered: int, waits: int, reacted: int, rests: int, trigger: Trigger, until: int
) -> None:
    rules = (
        decided(ANSWER, Effect.DEFER, wait_days=waits),
        decided(EVENT, Effect.DEFER, wait_days=rests),
    )
    facts = facts_with(
        quiet(5), since_test=since_test(*rules, answered=ago(days=answered), reacted=ago(days=reacted))
    )
    wait = retest.waits_until(facts)
    assert wait is not None
    assert (wait[0], wait[1].rule.trigger) == (ahead(days=until).date(), trigger)
    (condition,) = gate.missing(facts, CLINIC_NOW)
    assert (condition.code, timezone.localtime(condition.earliest).date()) == ("test_wait", wait[0])


def test_what_no_rule_decides_asks_for_nothing_but_for_a_changed_formula_and_an_expired_test() -> None:
    facts = facts_with()
    asks = {Trigger.FORMULA_CHANGED: Effect.REQUIRE, Trigger.EXPIRED: Effect.REQUIRE}
    assert {each: retest.effect_of(facts, each) for each in Trigger} == dict.fromkeys(
        Trigger, Effect.OFF
    ) | asks


@pytest.mark.parametrize("effect", [Effect.WARN, Effect.OFF, Effect.REQUIRE])
def test_what_the_clinic_is_told_of_is_exactly_what_it_has_decided_to_be_told_of(effect: Effect) -> None:
    """A change, two components not tested, a test that expired, a lapse: each alone under the rule, the others off."""
    reading = quiet(5, "ab", valid_until=CLINIC_NOW)
    later, told = CLINIC_NOW + timedelta(days=40), {}
    for trigger in (ANSWER, Trigger.FORMULA_CHANGED, Trigger.EXPIRED, Trigger.LAPSE):
        months = 1 if trigger == Trigger.LAPSE else None
        others = [decided(each, Effect.OFF) for each in (Trigger.FORMULA_CHANGED, Trigger.EXPIRED)]
        rules = [decided(trigger, effect, lapse_months=months), *others]
        facts = facts_with(reading, codes="abdc", since_test=since_test(*rules, answered=ago(days=2)))
        told[trigger] = retest.warnings(facts, reading, later)
        if trigger == Trigger.LAPSE:  # nothing has lapsed on the day of the reading
            assert retest.warnings(facts, reading, reading.read_at) == []
    said = {
        ANSWER: ["Since the test: an answer about health on 28 Feb 2026."],
        Trigger.FORMULA_CHANGED: ["Not tested: C, D."],
        Trigger.EXPIRED: ["The test expired on 2 Mar 2026."],
        Trigger.LAPSE: ["Nothing was injected or read for a long time."],
    }
    assert told == {each: words if effect == Effect.WARN else [] for each, words in said.items()}
    at_once = since_test(decided(ANSWER, effect), answered=reading.patch_test.given_at)
    assert retest.warnings(facts_with(reading, since_test=at_once), reading, CLINIC_NOW) == []


# What opened again, what changed and what is in doubt, together --------------------------------------------------------

OPENED, FREE = found_cause(days=8), Requirement.NOT_REQUIRED


def test_what_opened_again_needs_a_test_of_the_whole_formula_whatever_else_was_decided() -> None:
    off = since_test(decided(Trigger.FORMULA_CHANGED, Effect.OFF))
    closed, reopened = (facts_with(since_test=off, requirement=FREE, causes=each) for each in ([], [OPENED]))
    assert [retest.requirement(each) for each in (closed, reopened)] == [FREE, Requirement.REQUIRED]
    assert [retest.covers(each, "a") for each in (closed, reopened)] == [True, False]
    assert [retest.covers(each, "ab") for each in (closed, reopened)] == [True, True]
    assert [gate.test_settled(each, CLINIC_NOW) for each in (closed, reopened)] == [True, False]
    assert [[c.code for c in gate.missing(each, CLINIC_NOW)] for each in (closed, reopened)] == [[], ["test"]]
    at_once = quiet(8)
    before = quiet(8.1)
    facts = facts_with(before, at_once, causes=[found_cause(days=20), OPENED])
    assert [retest.counts(facts, each, CLINIC_NOW) for each in (before, at_once)] == [False, True]


_DOUBT = "The test of {day} was unclear: sessions wait until its repeat is read without reaction."
_PENDING = f"{_DOUBT} It is called an error, not yet confirmed by a second person."
_OPENED = "The cause of a positive test was found on {day}: what opened again needs a test of this formula."
_SINCE = "A new test is needed: an answer about health on {day}, after the last one."
_NONE = "The formula's components need a test read without reaction that is valid on the day."
_CHANGED = since_test(decided(ANSWER, Effect.REQUIRE), answered=ago(days=7))
TOMORROW = ahead(days=1)


@pytest.mark.parametrize(
    ("readings", "known", "words", "day", "earliest"),
    [
        ([], {}, _NONE, None, None),
        ([quiet(20)], {"since_test": _CHANGED}, _SINCE, 7, None),
        ([], {"since_test": _CHANGED}, _NONE, None, None),
        ([quiet(20), quiet(6, valid_until=ago(days=1))], {"since_test": _CHANGED}, _NONE, None, None),
        ([quiet(20, "xy")], {"since_test": _CHANGED}, _NONE, None, None),
        ([quiet(7, valid_from=TOMORROW)], {"since_test": _CHANGED}, _NONE, None, TOMORROW),
        ([quiet(7.1, valid_from=TOMORROW)], {"since_test": _CHANGED}, _SINCE, 7, None),
        ([quiet(9)], {"since_test": _CHANGED, "causes": [OPENED]}, _OPENED, 8, None),
        ([], {"causes": [OPENED]}, _OPENED, 8, None),
        ([quiet(7.5)], {"since_test": _CHANGED, "causes": [OPENED]}, _SINCE, 7, None),
        ([quiet(8, valid_from=TOMORROW)], {"causes": [OPENED]}, _NONE, None, TOMORROW),
        ([quiet(20), unclear(6)], {"since_test": _CHANGED, "causes": [OPENED]}, _DOUBT, 6, None),
        ([unclear(25), unclear(20)], {}, _DOUBT, 20, None),
        ([unclear(25), unclear(20, wrong=True)], {}, _PENDING, 20, None),
        ([unclear(25), unclear(20, wrong=CONFIRMED)], {}, _DOUBT, 25, None),
        ([quiet(40), unclear(20, wrong=True)], {}, _PENDING, 20, None),
        ([quiet(3, valid_from=TOMORROW), unclear(3)], {}, _DOUBT, 3, None),
        ([unclear(20), quiet(3, valid_from=TOMORROW)], {}, _DOUBT, 20, TOMORROW),
        ([quiet(4, valid_from=ahead(days=2)), quiet(3, valid_from=TOMORROW)], {}, _NONE, None, TOMORROW),
        ([quiet(4, "a", valid_from=TOMORROW), quiet(3, "ab", valid_from=ahead(days=2))], {}, _NONE, None, 2),
        ([quiet(3, "xy", valid_from=TOMORROW)], {}, _NONE, None, None),
        ([quiet(3, valid_from=TOMORROW, valid_until=ahead(days=1))], {}, _NONE, None, None),
        ([quiet(3, valid_from=TOMORROW, signed_at=ahead(days=2))], {}, _NONE, None, None),
    ],
)
def test_why_a_test_is_needed_and_from_when_one_that_exists_settles_it(
    readings: list[Reading],
    known: dict[str, Any],
    words: str,
    day: int | None,
    earliest: datetime | int | None,
) -> None:
    """What is in doubt before what opened, before what changed; a reading of something else settles nothing."""
    facts = facts_with(*readings, **known)
    (condition,) = gate.missing(facts, CLINIC_NOW)
    assert condition.code == "test"
    assert condition.detail == words.format(day=day and in_words(ago(days=day)))
    expected = ahead(days=earliest) if isinstance(earliest, int) else earliest
    assert condition.earliest == gate.settled_from(facts, CLINIC_NOW) == expected


def test_not_again_is_settled_by_several_readings_together_from_the_last_of_them_on() -> None:
    facts = facts_with(
        quiet(5, "a", valid_from=TOMORROW),
        quiet(4, "b", valid_from=ahead(days=2)),
        requirement=Requirement.NOT_AGAIN,
    )
    assert gate.settled_from(facts, CLINIC_NOW) == ahead(days=2)
    assert gate.settled_from(facts, ahead(days=2)) is None


def test_of_several_readings_the_one_that_clears_longest_is_named() -> None:
    first, longest, last = (
        quiet(days, valid_until=ahead(days=ends)) for days, ends in ((30, 20), (20, 90), (5, 30))
    )
    assert gate.clearing_reading(facts_with(first, longest, last), CLINIC_NOW) == longest


# Which test is still to be read ---------------------------------------------------------------------------------------


def _reading_in_error(test: PatchTest) -> list[Reading]:
    return [read(test, Result.AWAITING), read(test, QUIET, wrong=True)]


def _unread(facts: PlanFacts) -> tuple[PatchTest | None, list[PatchTest]]:
    return visits.open_test(facts), visits.alone_to_read(facts)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize(
    ("wrong", "results", "is_open"),
    [
        (False, [], True),
        (False, [Result.AWAITING], True),
        (False, [Result.AWAITING, Result.UNCHANGED], True),
        (False, [Result.AWAITING, QUIET], False),
        (False, [Result.AWAITING, UNCLEAR], False),
        (True, [], False),
        (True, [Result.AWAITING], False),
    ],
)
def test_a_test_waits_for_its_reading_until_it_is_decided_unless_it_was_an_error(
    alone: bool, wrong: bool, results: list[Result], is_open: bool
) -> None:
    test = given(2, search_id=SEARCH if alone else None, wrong=wrong)
    other = given(3, search_id=None if alone else SEARCH)
    of_other = [read(other, Result.AWAITING), read(other, QUIET)]
    facts = facts_with(*of_other, *(read(test, each) for each in results), tests=[test])
    expected = test if is_open else None
    assert _unread(facts) == ((None, [test] * is_open) if alone else (expected, []))
    # a reading in error decides nothing
    if is_open:
        again = facts_with(*of_other, *_reading_in_error(test), tests=[test])
        assert _unread(again) == ((None, [test]) if alone else (test, []))


def test_of_several_tests_the_last_one_of_the_plan_that_stands_is_to_be_read() -> None:
    """One of another plan, of a component alone, or in error hides none that waits; an earlier one waits no more."""
    first, waiting = given(6), given(5)
    wrong, alone, elsewhere = given(4, wrong=True), given(3, "a", search_id=SEARCH), given(2)
    facts = facts_with(tests=[first, waiting, wrong, alone, elsewhere])
    elsewhere.plan = facts_with().plan
    assert _unread(facts) == (waiting, [alone])
    assert visits.open_test(facts_with(read(waiting), tests=[first, waiting])) is None
    alone.plan = facts_with().plan
    assert visits.alone_to_read(facts) == []


# Which test a reading is of, where several are given or booked --------------------------------------------------------


def _booked(purpose: str, moment: datetime) -> Appointment:
    ends = moment + timedelta(minutes=30)
    return Appointment(purpose=purpose, status="booked", starts_at=moment, ends_at=ends)


def _with_visits(facts: PlanFacts, tests: Iterable[float], readings: Iterable[float]) -> PlanFacts:
    """Test visits and readings so many days from now on the books."""
    of_tests, of_readings = purposes.test_of(facts.plan), purposes.reading_of(facts.plan)
    visits_ = [_booked(of_tests, ahead(days=each)) for each in tests]
    return replace(facts, visits=visits_ + [_booked(of_readings, ahead(days=each)) for each in readings])


MINUTE = 1 / 24 / 60


@pytest.mark.parametrize(
    ("unread", "tests", "readings", "clears"),
    [
        (None, [1], [4], 4 + MINUTE),
        (None, [1], [2], 3),  # the policy's 48 hours after the test
        (1, [], [2], 2 + MINUTE),
        (1, [], [0.1], 1),
        (6, [1], [2], 3),  # a repeat: nobody read the first one in time
        (1, [5], [2, 7], 2 + MINUTE),
        (1, [-2], [2], 2 + MINUTE),  # the visit of the test that was given
        (None, [1, 3], [6], 6 + MINUTE),
        (None, [3], [1], None),
        (None, [], [1], None),
        (1, [], [], None),
        (None, [1], [], None),
    ],
)
def test_a_session_is_clear_from_the_reading_of_the_last_test_before_it(
    unread: float | None, tests: list[float], readings: list[float], clears: float | None
) -> None:
    given_tests = [] if unread is None else [given(unread)]
    facts = _with_visits(facts_with(tests=given_tests), tests, readings)
    expected = None if clears is None else ahead(days=clears)
    assert visits.test_clears_from(facts, together=Together()) == expected
    if expected is None:
        assert not visits.test_expected(facts, before=ahead(days=9), together=Together())
        return
    ends = add_months(ahead(days=min(readings)), 6)
    for moment, awaited in (
        (expected - timedelta(minutes=1), False),
        (expected, True),
        (ends - timedelta(minutes=1), True),
        (ends, False),
    ):
        assert visits.test_expected(facts, before=moment, together=Together()) is awaited


SLOW = PatchTestPolicyFactory.build(reading_from_hours=36)


@pytest.mark.parametrize(
    ("tests", "coming", "at", "opens"),
    [
        ([], [], 0, None),
        ([], [1], 0, 2),
        ([], [1, 3], 0, 4),
        ([given(1, policy=SLOW)], [], 0, 0.5),
        ([given(1, policy=SLOW)], [-1], 0, 0.5),  # its own visit, at its very minute
        ([given(1, policy=SLOW)], [2], 0, 3),
        ([given(3, "a", search_id=SEARCH), given(1, "b", search_id=SEARCH)], [], 0.9, -2),
        ([given(3, "a", search_id=SEARCH), given(1, "b", search_id=SEARCH)], [], 1, 0),
        ([given(3, "a", search_id=SEARCH), given(1, "b", search_id=SEARCH)], [], 9, 0),
    ],
)
def test_a_reading_lies_in_the_window_of_the_test_it_is_of(
    tests: list[PatchTest], coming: list[float], at: float, opens: float | None
) -> None:
    facts = _with_visits(facts_with(tests=tests), coming, [])
    window = visits.window_for_reading(facts, Together(), at=ahead(days=at))
    assert (window and window.opens_at) == (None if opens is None else ahead(days=opens))


@pytest.mark.parametrize(
    ("unread", "others", "readings", "found"),
    [
        ([], [], [2], 0),
        ([], [], [2, 5], 0),
        ([], [], [], None),
        ([], [], [-1], None),
        ([], [], [-0.5 / 24], None),  # it ends this very minute
        ([], [3], [2], None),
        ([given(2)], [], [2], None),
    ],
)
def test_a_reading_goes_with_its_test_only_where_no_other_test_is_left_to_read(
    unread: list[PatchTest], others: list[float], readings: list[float], found: int | None
) -> None:
    facts = _with_visits(facts_with(tests=unread), [1, *others], readings)
    theirs = [each for each in facts.visits if each.purpose == purposes.reading_of(facts.plan)]
    expected = None if found is None else theirs[found]
    assert visits.reading_of_test(facts, facts.visits[0], at=CLINIC_NOW) == expected
    for each in theirs:
        each.status = "completed"
    assert visits.reading_of_test(facts, facts.visits[0], at=CLINIC_NOW) is None


# Consents -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed", "counts", "ended"),
    [
        ([], None, None),
        ([consent(30), consent(10)], 1, None),
        ([consent(10), consent(30)], 0, None),
        ([consent(30), consent(10, withdrawn=True)], 0, None),
        ([consent(30), consent(10, wrong=True)], 0, None),
        ([consent(30), consent(10, formula=Formula(pk=uuid4(), code="other"))], 0, None),
        ([consent(30), consent(-0.1)], 0, None),
        ([consent(900), consent(400), consent(10, withdrawn=True)], None, 1),
        ([consent(365)], None, 0),  # its last day was yesterday
        ([consent(364)], 0, None),
    ],
)
def test_of_several_consents_the_newest_that_stands_counts_or_is_named_as_the_one_that_ended(
    signed: list[Consent], counts: int | None, ended: int | None
) -> None:
    facts = facts_with(consents=signed)
    found = consents.in_force(facts, on=CLINIC_NOW), consents.run_out(facts, on=CLINIC_NOW)
    assert found == (
        None if counts is None else signed[counts],
        None if ended is None else signed[ended],
    )
    if counts is not None:  # each by the day it is asked of, whatever day it is now
        assert consents.in_force(facts, on=ahead(days=400)) is None


@pytest.mark.parametrize(
    ("signer", "ends"),
    [(Signer.REPRESENTATIVE, "2026-06-01"), (Signer.PATIENT, "2027-02-20")],
)
def test_only_what_somebody_else_signed_before_ends_on_the_day_of_age(signer: Signer, ends: str) -> None:
    row = consent(10, signer=signer)
    facts = facts_with(consents=[row])
    facts.plan.patient.birth_date = date(2008, 6, 1)
    assert validity.consent_ends(row, facts).isoformat() == ends
    facts.plan.patient.birth_date = date(2008, 2, 20)  # signed on the day itself: for an adult
    assert validity.consent_ends(row, facts).isoformat() == "2027-02-20"


def _session(facts: PlanFacts, days: float, **fields: Any) -> Session:
    """Given in the plan so many days ago."""
    usual = {"plan": facts.plan, "started_at": ago(days=days), "signed_at": ago(days=days)}
    session = Session(outcome="complete", **usual | fields)
    session._meta.get_field("entered_in_error").set_cached_value(session, None)
    return session


@pytest.mark.parametrize(("begun", "asks"), [(6, False), (5, True), (4, True)])
def test_a_newer_text_for_the_next_course_asks_those_whose_course_had_not_begun_by_then(
    begun: int, asks: bool
) -> None:
    row: Any = consent(30, text=ConsentText(version=1))
    row.newer_texts = [{"sign_again": SignAgain.NEXT_COURSE, "since": ago(days=5).isoformat()}]
    facts = facts_with(consents=[row])
    begun_by_then = replace(facts, sessions=[_session(facts, begun)])
    assert consents.asked_again(row, facts)
    assert consents.asked_again(row, begun_by_then) is asks
    words = "Consent to sign anew: its text has changed."
    for each, said in ((facts, [words]), (begun_by_then, [words] * asks)):
        assert [condition.what for condition in consent_gate.missing(each, CLINIC_NOW)] == said


@pytest.mark.parametrize(("signed", "alone"), [("2026-02-19", True), ("2026-02-20", False)])
def test_who_signed_alone_before_the_day_of_age_signs_anew_whatever_age_they_are_now(
    signed: str, alone: bool
) -> None:
    row = consent(0, signed_at=start_of_day(date.fromisoformat(signed)))
    other = consent(0, signed_at=row.signed_at, signer=Signer.REPRESENTATIVE)
    facts = facts_with(consents=[row])
    facts.plan.patient.birth_date = date(2008, 2, 20)
    assert consents.signed_alone_as_minor(row, facts) is alone
    assert not consents.signed_alone_as_minor(row, replace(facts, is_of_now=False))
    assert not consents.signed_alone_as_minor(other, facts)
    assert consents.in_force(facts, on=CLINIC_NOW) == (None if alone else row)
    words = "By the birth date that is on record now, the patient was under 18 and signed alone."
    assert [(each.what, each.detail) for each in consent_gate.missing(facts, CLINIC_NOW)] == (
        [("Consent to sign anew: a representative signs.", words)] * alone
    )


def test_a_session_is_too_close_to_any_other_of_its_plan_and_never_to_itself() -> None:
    planned = [PlannedSession(ordinal=each, min_gap_days=6) for each in (1, 2, 3)]
    facts = facts_with(planned=planned)
    given_ = [_session(facts, days, planned=each) for each, days in ((planned[0], 9), (planned[1], 2))]
    facts = replace(facts, sessions=given_)
    first_days = [plans.too_close(each, facts, CLINIC_NOW) for each in planned]
    assert first_days == [ahead(days=4).date(), None, ahead(days=4).date()]


def test_of_several_confirmations_the_last_by_the_moment_counts_to_the_moment() -> None:
    confirmed = [Confirmed(ago(days=each)) for each in (40, 20)] + [Confirmed(ago(days=1), ago(hours=1))]
    facts = facts_with(confirmations=confirmed, planned=[PlannedSession(ordinal=1)])
    facts.plan.consultation.signed_at = ago(days=500)
    last = timezone.localdate(ago(days=20))
    ends = months_later(last, 12)
    assert validity.consultation_ends(facts, on=CLINIC_NOW) == ends
    assert validity.consultation_ends(facts, on=ago(days=20)) == ends
    assert validity.consultation_ends(facts, on=ago(days=21)) == months_later(last - timedelta(days=20), 12)
    assert validity.consultation_ends(facts, on=ago(days=501)) is None
    day = start_of_day(ends)
    to_confirm = [
        validity.consultation_to_confirm(facts, on=each) for each in (day - timedelta(minutes=1), day)
    ]
    assert to_confirm == [False, True]
    assert not validity.consultation_to_confirm(replace(facts, planned=[]), on=day)
