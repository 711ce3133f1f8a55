"""What a search for a cause has found and what that opens, where some of its readings are called errors.

In memory: which reading counts is decided by the rules alone; `test_confirmed_errors.py` holds them against SQL.
"""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from consultations.enums import Grade
from consultations.enums import TestResult as Result
from consultations.models import CauseSearch, PatchTest
from consultations.models import TestReading as Reading
from consultations.read_with_plans import FoundCause
from consultations.rules import causes
from tests.consultations.in_memory import CONFIRMED, facts_with, given, read
from tests.factories.clock import ago
from tests.refusals import code_and_field, domain_error_of

SEARCH = uuid4()
MINUTE = timedelta(minutes=1)
BY_ONE, BY_TWO = {"wrong": True}, {"wrong": CONFIRMED}


def reacted(**fields: Any) -> Reading:
    """To the mixture, thirty days ago."""
    return read(given(30, "abc"), Result.POSITIVE, **fields)


def alone(
    code: str, result: str = Result.NEGATIVE, days: float = 10, search: Any = SEARCH, **fields: Any
) -> Reading:
    """One component, read two days after it was injected."""
    return read(given(days, code, search_id=search), result, **fields)


def superseded(reading: Reading) -> Reading:
    """Another reading stands in its place."""
    reading._meta.get_field("superseded_by").set_cached_value(reading, Reading())
    return reading


def finding(test: PatchTest, *, days: float = 5, found: str = "a", opened: str = "b") -> FoundCause:
    """Of the search, so many days ago."""
    return FoundCause(str(SEARCH), str(test.pk), tuple(found), tuple(opened), ago(days=days))


@pytest.mark.parametrize(
    ("cause", "opens", "is_found"),
    [
        (alone("a", Result.POSITIVE), True, True),
        (alone("a", Result.POSITIVE, 7), True, True),
        (alone("a", Result.POSITIVE, 6.9), False, False),
        (alone("a", Result.POSITIVE, search=uuid4()), False, False),
        (alone("c", Result.POSITIVE), False, False),
        (alone("a", Result.EQUIVOCAL), False, False),
        (alone("a", Result.POSITIVE, **BY_ONE), False, True),
        (alone("a", Result.POSITIVE, **BY_TWO), False, False),
    ],
    ids=[
        "a cause",
        "read at the very moment of the finding",
        "read after it",
        "of another search",
        "of what was not found",
        "no reaction",
        "called an error",
        "an error",
    ],
)
def test_a_finding_opens_while_a_reaction_that_it_calls_the_cause_stands(
    cause: Reading, opens: bool, is_found: bool
) -> None:
    positive, said = reacted(), {"b"} if opens else set()
    test = positive.patch_test
    facts = facts_with(positive, cause, alone("b"), causes=[finding(test)])
    assert causes.opened(facts, test.pk, since=positive.signed_at) == said
    assert causes.opened_now(facts, test.pk) == said
    assert causes.is_found(facts, test.pk) is is_found


def test_a_finding_opens_what_reacted_up_to_its_own_moment() -> None:
    positive = reacted()
    test, found = positive.patch_test, finding(positive.patch_test)
    facts = facts_with(positive, alone("a", Result.POSITIVE), alone("b"), causes=[found])
    assert causes.opened(facts, test.pk, since=found.signed_at) == {"b"}
    assert causes.opened(facts, test.pk, since=found.signed_at + MINUTE) == frozenset()


def test_the_last_finding_about_the_test_itself_counts() -> None:
    positive = reacted()
    test = positive.patch_test
    first, last = finding(test, days=6, found="", opened=""), finding(test, opened="b")
    readings = [positive, alone("a", Result.POSITIVE), alone("b"), alone("c")]
    for said, opened, is_found in (
        ([], set(), False),
        ([first], set(), True),
        ([first, last], {"b"}, True),
        ([last, finding(test, days=4, opened="bc")], {"b", "c"}, True),
        ([last, finding(given(9), days=4, opened="c")], {"b"}, True),
        ([finding(given(9), opened="b")], set(), False),
    ):
        facts = facts_with(*readings, causes=said)
        assert causes.opened_now(facts, test.pk) == opened
        assert causes.is_found(facts, test.pk) is is_found
    mistaken = facts_with(positive, alone("a", Result.POSITIVE, **BY_TWO), causes=[first, last])
    assert not causes.is_found(mistaken, test.pk)


@pytest.mark.parametrize(
    ("later", "opens"),
    [
        ({"result": Result.POSITIVE}, False),
        ({"result": Result.POSITIVE, **BY_ONE}, False),
        ({"result": Result.POSITIVE, **BY_TWO}, True),
        ({"result": Result.EQUIVOCAL}, True),
    ],
    ids=["a reaction", "called an error", "an error", "unclear"],
)
def test_a_reaction_after_the_finding_closes_what_it_had_opened(later: dict[str, Any], opens: bool) -> None:
    positive = reacted()
    test = positive.patch_test
    again = read(test, read_at=ago(days=1), signed_at=ago(days=1), **later)
    other = read(given(4, "abc"), Result.POSITIVE)
    known = [positive, again, other, alone("a", Result.POSITIVE), alone("b")]
    facts = facts_with(*known, causes=[finding(test)])
    assert causes.opened_now(facts, test.pk) == ({"b"} if opens else set())


def test_where_the_reaction_to_the_mixture_was_an_error_nothing_is_closed_that_was_opened() -> None:
    positive, others = reacted(**BY_TWO), given(9)
    found = [finding(positive.patch_test), finding(others, opened="c")]
    facts = facts_with(positive, causes=found)
    assert causes.opened_now(facts, positive.patch_test_id) == {"b"}


@pytest.mark.parametrize(
    ("readings", "counts"),
    [
        ([{}], True),
        ([BY_ONE], True),
        ([BY_TWO], False),
        ([BY_TWO, {}], True),
        ([{"result": Result.NEGATIVE, **BY_TWO}], True),
        ([], True),
    ],
    ids=["it stands", "called an error", "an error", "another stands", "no reaction is known", "nothing is"],
)
def test_what_a_finding_opened_is_tested_anew_unless_the_reaction_was_an_error(
    readings: list[dict[str, Any]], counts: bool
) -> None:
    test = given(30, "abc")
    found = finding(test)
    known = [read(test, **{"result": Result.POSITIVE, **each}) for each in readings]
    other = read(given(20, "abc"), Result.POSITIVE, **BY_TWO)
    facts = facts_with(other, *known, causes=[found])
    assert causes.reopened_at(facts) == (found.signed_at if counts else None)
    assert causes.reopened_at(facts_with(*known, codes="a", causes=[found])) is None


def test_of_one_component_its_last_test_counts_unless_one_reacted() -> None:
    """What closes counts two people say that it was an error, what opens until one does."""
    replaced = superseded(alone("a", Result.EQUIVOCAL))

    def test_in_error(result: str, wrong: Any) -> Reading:
        return read(given(10, "a", search_id=SEARCH, wrong=wrong), result)

    def of(first: Reading, result: str, **fields: Any) -> Reading:
        return read(first.patch_test, result, **fields)

    one, two, quiet = (alone("a", Result.POSITIVE), alone("a", Result.POSITIVE, 8), alone("a", days=8))
    waits, wrong = alone("a", Result.AWAITING), alone("a", Result.POSITIVE, **BY_ONE)
    doubted = alone("a", Result.POSITIVE, 8, **BY_ONE)
    unclear, other = alone("a", Result.EQUIVOCAL), alone("a", search=uuid4())
    cases: dict[str, tuple[list[Reading], Reading | None, Result | None, bool]] = {
        "nothing": ([], None, None, False),
        "another component, another search": ([alone("b"), other], None, None, False),
        "reacted": ([one], one, Result.POSITIVE, False),
        "reacted, then quiet": ([one, quiet], one, Result.POSITIVE, False),
        "reacted twice": ([one, two], two, Result.POSITIVE, False),
        "reacted, then in doubt": ([one, doubted], doubted, Result.POSITIVE, True),
        "quiet": ([quiet], quiet, Result.NEGATIVE, False),
        "unclear, then quiet": ([unclear, quiet], quiet, Result.NEGATIVE, False),
        "unclear": ([unclear], unclear, Result.EQUIVOCAL, False),
        "awaiting": ([waits], waits, Result.AWAITING, False),
        "awaiting, then quiet": ([waits, of(waits, Result.NEGATIVE)], waits, Result.NEGATIVE, False),
        "quiet, then unchanged": ([quiet, of(quiet, Result.UNCHANGED)], quiet, Result.NEGATIVE, False),
        "quiet, then invalid": ([quiet, of(quiet, Result.INVALID)], quiet, Result.INVALID, False),
        "superseded": ([replaced, of(replaced, Result.NEGATIVE)], replaced, Result.NEGATIVE, False),
        "one of two reactions in doubt": ([wrong, of(wrong, Result.POSITIVE)], wrong, Result.POSITIVE, False),
    }
    for result in (Result.POSITIVE, Result.EQUIVOCAL):
        questioned, test = alone("a", result, **BY_ONE), test_in_error(result, True)
        confirmed = alone("a", result, **BY_TWO)
        cases[f"{result}, called an error"] = ([questioned], questioned, result, True)
        cases[f"{result}, its test called one"] = ([test], test, result, True)
        cases[f"{result}, an error"] = ([confirmed], confirmed, Result.AWAITING, False)
        cases[f"{result}, its test one"] = ([test_in_error(result, CONFIRMED)], None, None, False)
    mistaken = alone("a", **BY_ONE)
    cases["quiet, called an error"] = ([mistaken], mistaken, Result.AWAITING, False)
    cases["quiet, its test called one"] = ([test_in_error(Result.NEGATIVE, True)], None, None, False)
    search = CauseSearch(pk=SEARCH, patch_test=given(30, "a"))
    for name, (readings, last, expected, is_questioned) in cases.items():
        (known,) = causes.tested(facts_with(*readings), search)
        assert (name, known) == (
            name,
            causes.Tested("a", last and last.patch_test, expected, is_questioned),
        )


@pytest.mark.parametrize(("known", "opens"), [({}, True), (BY_ONE, False)])
def test_what_was_quiet_opens_with_a_cause_that_nobody_calls_an_error(
    known: dict[str, Any], opens: bool
) -> None:
    search = CauseSearch(pk=SEARCH, patch_test=given(30, "abc"))
    facts = facts_with(alone("a", Result.POSITIVE, **known), alone("b"), alone("c", Result.EQUIVOCAL))
    said = causes.conclusion(facts, search)
    assert (said.causes, said.opened, said.open_ended) == (["a"], ["b"] if opens else [], ["c"])
    quiet = causes.conclusion(facts_with(alone("b")), search)
    assert (quiet.causes, quiet.opened, quiet.open_ended) == ([], [], ["a", "c"])


@pytest.mark.parametrize(
    ("quiet", "opens"),
    [
        (alone("b"), True),
        (alone("bc"), True),
        (alone("b", days=7), True),
        (alone("b", days=6.9), False),
        (alone("c"), False),
        (alone("b", search=uuid4()), False),
        (alone("b", Result.INVALID), False),
        (alone("b", **BY_ONE), False),
        (read(given(10, "b", search_id=SEARCH, wrong=True)), False),
        (superseded(alone("b")), False),
    ],
    ids=[
        "quiet",
        "with another one",
        "read at the very moment of the finding",
        "read after it",
        "another component",
        "of another search",
        "nothing could be read",
        "called an error",
        "its test called one",
        "superseded",
    ],
)
def test_what_a_finding_opened_rests_on_the_components_own_test(quiet: Reading, opens: bool) -> None:
    positive = reacted()
    facts = facts_with(
        positive, alone("a", Result.POSITIVE), quiet, causes=[finding(positive.patch_test, opened="b")]
    )
    assert causes.opened_now(facts, positive.patch_test_id) == ({"b"} if opens else set())


NOT_POSITIVE = "The components are tested one by one only after a positive test."
ONE_COMPONENT = "This test was of one component: it is the cause."
STRONG = "After a strong reaction, or a sign beyond the test site, refer to an allergist."
POSITIVE: dict[str, Any] = {"result": Result.POSITIVE}
EXTREME, SYSTEMIC = POSITIVE | {"grade": Grade.EXTREME}, POSITIVE | {"systemic_sign": True}


@pytest.mark.parametrize(
    ("test", "readings", "code", "words"),
    [
        ({}, [POSITIVE], None, ""),
        ({}, [], "not_positive", NOT_POSITIVE),
        ({}, [{}], "not_positive", NOT_POSITIVE),
        ({}, [{}, POSITIVE], None, ""),
        ({}, [POSITIVE | BY_ONE], None, ""),
        ({}, [POSITIVE | BY_TWO], "not_positive", NOT_POSITIVE),
        ({}, [POSITIVE | BY_TWO, POSITIVE], None, ""),
        (BY_ONE, [POSITIVE], None, ""),
        (BY_TWO, [POSITIVE], "not_positive", NOT_POSITIVE),
        ({"codes": "a"}, [POSITIVE], "one_component", ONE_COMPONENT),
        ({"codes": "abc"}, [POSITIVE], None, ""),
        ({"search_id": SEARCH}, [POSITIVE], "one_component", ONE_COMPONENT),
        ({}, [EXTREME], "strong_reaction", STRONG),
        ({}, [SYSTEMIC], "strong_reaction", STRONG),
        ({}, [POSITIVE, SYSTEMIC | BY_ONE], "strong_reaction", STRONG),
        ({}, [POSITIVE, SYSTEMIC | BY_TWO], None, ""),
    ],
)
def test_the_cause_is_searched_after_a_positive_test_of_a_mixture_that_was_not_strong(
    test: dict[str, Any], readings: list[dict[str, Any]], code: str | None, words: str
) -> None:
    """What two people call an error was neither positive nor strong."""
    mixture = given(30, **test)
    known = [read(mixture, **each) for each in readings]
    assert code_and_field(lambda: causes.check_may_search(mixture, known))[0] == (code or "")
    assert causes.why_closed(mixture, known) == words
    assert causes.may_search(mixture, known) is (code is None)


def test_a_search_goes_on_by_the_readings_of_its_own_test() -> None:
    mixture, other = given(30), given(20)
    search, strong = CauseSearch(patch_test=mixture), read(other, **SYSTEMIC)
    for own, code in ((POSITIVE, None), ({}, "not_positive"), (EXTREME, "strong_reaction")):
        facts = facts_with(read(mixture, **own), strong, tests=[other, mixture])
        assert code_and_field(partial(causes.check_still_searched, facts, search))[0] == (code or "")


def test_a_finding_waits_for_a_test_for_every_reading_and_for_the_second_person() -> None:
    test = given()
    untested, quiet = causes.Tested("a", None, None), causes.Tested("b", test, Result.NEGATIVE)
    waits, questioned = (
        causes.Tested("c", test, Result.AWAITING),
        causes.Tested("d", test, Result.POSITIVE, True),
    )
    cases: list[tuple[list[causes.Tested], str | None, str]] = [
        ([], "nothing_tested", "Test a component alone first."),
        ([untested], "nothing_tested", "Test a component alone first."),
        ([untested, quiet], None, ""),
        ([quiet, waits], "reading_open", "Read every test that was given first."),
        (
            [quiet, questioned],
            "error_open",
            "A reading is called an error, not yet confirmed by a second person: have that confirmed first.",
        ),
    ]
    for known, code, words in cases:
        said = domain_error_of(partial(causes.check_may_conclude, known))
        assert (said.code if said else None, str(said or "")) == (code, words)
