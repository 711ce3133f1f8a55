"""The result of a test injection is computed, the positive first; a positive sign always wins."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinic.errors import DomainError
from consultations.enums import Grade, ReadingKind
from consultations.enums import TestResult as Result
from consultations.models import Lot, MethodRule, PatchTest, PatchTestPolicy
from consultations.models import TestReading as Reading
from consultations.queries import PlanFacts, facts_of_one
from consultations.rules import patch_test as rules
from consultations.rules.lots import out_of_use
from tests.factories import (
    MethodRuleFactory,
    PatchTestPolicyFactory,
    PathwayPolicyFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, PARIS, TODAY, ago

POLICY = PatchTestPolicyFactory.build()
PATHWAY = PathwayPolicyFactory.build()
CRITERIA = MethodRuleFactory.build()
PRICK = MethodRuleFactory.build(wheal_against="saline", needs_flare=False)
PATCH = MethodRuleFactory.build(has_immediate=False, wheal_against="")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
OPENS, CLOSES = CLINIC_NOW + 24 * HOUR, CLINIC_NOW + 96 * HOUR


def _test(**fields: Any) -> PatchTest:
    usual = {
        "policy": POLICY,
        "given_at": CLINIC_NOW,
        "observed_until": CLINIC_NOW + 20 * MINUTE,
        "volume_ml": Decimal("0.05"),
    }
    return PatchTest(**{**usual, **fields})


def _immediate(**fields: Any) -> Reading:
    usual = {"wheal_start_mm": Decimal(5), "wheal_end_mm": Decimal(5), "read_at": CLINIC_NOW + 20 * MINUTE}
    return Reading(
        kind=ReadingKind.IMMEDIATE, result=fields.pop("result", Result.AWAITING), **{**usual, **fields}
    )


def _delayed(**fields: Any) -> Reading:
    return Reading(
        kind=ReadingKind.DELAYED, **{"grade": Grade.NEGATIVE, "read_at": CLINIC_NOW + 48 * HOUR, **fields}
    )


def _grew(by: str, **fields: Any) -> Reading:
    return _immediate(wheal_end_mm=Decimal(5) + Decimal(by), **fields)


@pytest.mark.parametrize(
    ("reading", "result"),
    [
        (_grew("0"), Result.AWAITING),
        (_grew("2.9", flare=True), Result.AWAITING),
        (_grew("3", flare=True), Result.POSITIVE),
        (_grew("3", flare=False), Result.AWAITING),
        (_grew("3", flare=True, saline_positive=True), Result.INVALID),
        (_grew("0", saline_positive=True), Result.INVALID),
        (_grew("0", systemic_sign=True), Result.POSITIVE),
        (_grew("0", systemic_sign=True, saline_positive=True, site_readable=False), Result.POSITIVE),
        (_grew("0", site_readable=False), Result.INVALID),
        (_immediate(wheal_start_mm=None, wheal_end_mm=None, site_readable=False), Result.INVALID),
        (_immediate(wheal_start_mm=None, flare=True, site_readable=False), Result.INVALID),
        (_immediate(wheal_end_mm=None, flare=True, site_readable=False), Result.INVALID),
    ],
)
def test_the_immediate_reading(reading: Reading, result: Result) -> None:
    assert rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=CRITERIA) == result


@pytest.mark.parametrize(("works_from", "result"), [("2.5", Result.AWAITING), ("3.5", Result.INVALID)])
def test_how_large_a_histamine_wheal_has_to_be_is_the_policys_choice(works_from: str, result: Result) -> None:
    policy = PathwayPolicyFactory.build(histamine_works_millimetres=Decimal(works_from))
    reading, test = _immediate(histamine_wheal_mm=Decimal(3)), _test(histamine_control=True)
    assert rules.result_of(reading, test=test, policy=policy, criteria=CRITERIA) == result
    said = [f"The histamine control raised no wheal of {works_from} mm, so the skin does not answer."]
    expected = said if result == Result.INVALID else []
    assert rules.why_invalid(reading, test=test, policy=policy) == expected


@pytest.mark.parametrize(
    ("wheal", "result"),
    [(None, Result.INVALID), ("2.9", Result.INVALID), ("3", Result.AWAITING), ("6", Result.AWAITING)],
)
def test_a_histamine_control_that_raises_no_wheal_makes_the_test_invalid(
    wheal: str | None, result: Result
) -> None:
    reading = _immediate(histamine_wheal_mm=Decimal(wheal) if wheal else None)
    assert (
        rules.result_of(reading, test=_test(histamine_control=True), policy=PATHWAY, criteria=CRITERIA)
        == result
    )
    assert rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=CRITERIA) == Result.AWAITING


@pytest.mark.parametrize(
    ("grade", "first", "second"),
    [
        (Grade.NEGATIVE, Result.NEGATIVE, Result.NEGATIVE),
        (Grade.DOUBTFUL, Result.EQUIVOCAL, Result.POSITIVE),
        (Grade.IRRITANT, Result.EQUIVOCAL, Result.POSITIVE),
        (Grade.WEAK, Result.POSITIVE, Result.POSITIVE),
        (Grade.STRONG, Result.POSITIVE, Result.POSITIVE),
        (Grade.EXTREME, Result.POSITIVE, Result.POSITIVE),
        (Grade.NOT_DONE, Result.INVALID, Result.INVALID),
    ],
)
def test_each_grade_and_the_second_unclear_test_counts_as_positive(
    grade: Grade, first: Result, second: Result
) -> None:
    reading, earlier = _delayed(grade=grade), [_immediate()]
    assert rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=earlier) == first
    assert (
        rules.result_of(
            reading, test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=earlier, unclear_before=True
        )
        == second
    )


@pytest.mark.parametrize(
    ("read_at", "result"),
    [
        (OPENS - MINUTE, Result.INVALID),
        (OPENS, Result.NEGATIVE),
        (CLOSES - MINUTE, Result.NEGATIVE),
        (CLOSES, Result.INVALID),
        (CLOSES + MINUTE, Result.INVALID),
    ],
)
def test_the_window_is_half_open(read_at: datetime, result: Result) -> None:
    assert (
        rules.result_of(
            _delayed(read_at=read_at), test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=[_immediate()]
        )
        == result
    )


@pytest.mark.parametrize("read_at", [CLINIC_NOW + HOUR, OPENS, CLOSES, CLOSES + 999 * HOUR])
@pytest.mark.parametrize(
    "sign",
    [{"grade": Grade.WEAK}, {"systemic_sign": True}, {"grade": Grade.EXTREME, "saline_positive": True},
     {"grade": Grade.STRONG, "site_readable": False}, {"kind": ReadingKind.REPORTED, "grade": ""}],
)  # fmt: skip
def test_a_positive_sign_wins_at_any_time_and_over_anything(read_at: datetime, sign: dict[str, Any]) -> None:
    reading = Reading(**{"kind": ReadingKind.DELAYED, "grade": Grade.NEGATIVE, "read_at": read_at, **sign})
    for earlier in ([], [_immediate()], [_immediate(result=Result.INVALID)]):
        assert (
            rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=earlier)
            == Result.POSITIVE
        )


def test_once_positive_a_quiet_reading_does_not_take_it_back() -> None:
    earlier = [_immediate(result=Result.POSITIVE)]
    assert (
        rules.result_of(_delayed(), test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=earlier)
        == Result.POSITIVE
    )


@pytest.mark.parametrize(
    ("reading", "test", "earlier", "words"),
    [
        (_delayed(site_readable=False), _test(), [_immediate()], "The test site could not be read."),
        (
            _delayed(saline_positive=True),
            _test(),
            [_immediate()],
            "The saline control reacted too, so the skin answers to anything.",
        ),
        (_delayed(grade=Grade.NOT_DONE), _test(), [_immediate()], "It was not read."),
        (_delayed(), _test(), [], "There is no immediate reading."),
        (
            _delayed(),
            _test(),
            [_immediate(result=Result.INVALID)],
            "The immediate reading was invalid already.",
        ),
        (_delayed(read_at=CLOSES), _test(), [_immediate()], "It was read outside its window."),
        (
            _delayed(),
            _test(deviation_id="5f9f2c0e-8a0a-4c5e-9b0a-000000000000"),
            [_immediate()],
            "The test was given outside the rules, so it clears nothing.",
        ),
    ],
    ids=[
        "site",
        "saline",
        "not read",
        "no immediate reading",
        "immediate invalid",
        "too late",
        "given outside the rules",
    ],
)
def test_what_keeps_a_quiet_reading_from_counting_is_said_in_one_sentence(
    reading: Reading, test: PatchTest, earlier: list[Reading], words: str
) -> None:
    assert (
        rules.result_of(reading, test=test, policy=PATHWAY, criteria=CRITERIA, earlier=earlier)
        == Result.INVALID
    )
    assert rules.why_invalid(reading, test=test, policy=PATHWAY, earlier=earlier) == [words]


# --- From when, until when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("read_after", "from_after"), [(24, 48), (47, 48), (48, 48), (72, 72)])
def test_it_clears_from_the_reading_but_not_before_the_policys_hours(
    read_after: int, from_after: int
) -> None:
    first, _last = rules.validity(_delayed(read_at=CLINIC_NOW + read_after * HOUR), _test())
    assert first == CLINIC_NOW + from_after * HOUR


@pytest.mark.parametrize(
    ("read", "until"),
    [
        (datetime(2026, 8, 31, 9, 5, tzinfo=PARIS), datetime(2027, 2, 28, 9, 5, tzinfo=PARIS)),
        (datetime(2027, 8, 31, 9, 5, tzinfo=PARIS), datetime(2028, 2, 29, 9, 5, tzinfo=PARIS)),
        (datetime(2026, 11, 26, 9, 30, tzinfo=PARIS), datetime(2027, 5, 26, 9, 30, tzinfo=PARIS)),
        (datetime(2026, 6, 1, 0, 30, tzinfo=PARIS), datetime(2026, 12, 1, 0, 30, tzinfo=PARIS)),
    ],
)
def test_it_is_valid_for_calendar_months_on_the_clinics_clock(read: datetime, until: datetime) -> None:
    _first, last = rules.validity(
        _delayed(read_at=read.astimezone(ZoneInfo("UTC"))), _test(given_at=read - 48 * HOUR)
    )
    assert last == until


# --- What may be written down ----------------------------------------------------------------------------------------


def _refusal(check: Any, *args: Any, **kwargs: Any) -> str | None:
    """The field and the code of the refusal."""
    try:
        check(*args, **kwargs)
    except DomainError as refusal:
        return f"{refusal.field}: {refusal.code}"
    return None


AFTER = CLINIC_NOW + 30 * MINUTE


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, None),
        ({"volume_ml": Decimal("0.019")}, "volume_ml: volume"),
        ({"volume_ml": Decimal("0.02")}, None),
        ({"volume_ml": Decimal("0.1")}, None),
        ({"volume_ml": Decimal("0.101")}, "volume_ml: volume"),
        ({"observed_until": CLINIC_NOW + 19 * MINUTE}, "observed_until: observed_too_short"),
        ({"observed_until": AFTER + 5 * MINUTE}, None),
        ({"observed_until": AFTER + 6 * MINUTE}, "observed_until: observation_open"),
        (
            {"given_at": AFTER + 5 * MINUTE, "observed_until": AFTER + 30 * MINUTE},
            "observed_until: observation_open",
        ),
        ({"given_at": AFTER + 6 * MINUTE, "observed_until": AFTER + 30 * MINUTE}, "given_at: future"),
    ],
)
def test_a_test_keeps_to_the_policy_and_is_signed_after_its_observation(
    fields: dict[str, Any], field: str | None
) -> None:
    assert _refusal(rules.check_test, _test(**fields), at=AFTER) == field


def test_a_test_that_is_still_observed_says_until_when() -> None:
    with pytest.raises(DomainError) as refused:
        rules.check_test(_test(observed_until=datetime(2026, 3, 2, 16, 5, tzinfo=PARIS)), at=AFTER)
    words = "Observation is not over: look at the test site at 16:05, then sign."
    assert refused.value.message == words


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("apart", [5 * MINUTE, 5 * MINUTE + SECOND])
def test_clocks_may_differ_by_five_minutes_to_the_second(apart: timedelta) -> None:
    """The screen's clock that says when, and the server's that signs."""
    moment, is_late = AFTER + apart, apart > 5 * MINUTE
    given, observed = _test(given_at=moment, observed_until=moment + HOUR), _test(observed_until=moment)
    at = AFTER
    refused = [
        _refusal(rules.check_test, given, at=at),
        _refusal(rules.check_test, observed, at=at),
        _refusal(rules.check_reading, _delayed(read_at=moment), _test(), criteria=CRITERIA, at=at),
    ]
    late = ["given_at: future", "observed_until: observation_open", "read_at: future"]
    assert refused == (late if is_late else ["observed_until: observation_open", None, None])


@pytest.mark.parametrize(("days", "field"), [(13, "given_at: repeat_too_soon"), (14, None)])
def test_an_unclear_test_is_repeated_after_the_policys_days(days: int, field: str | None) -> None:
    last = CLINIC_NOW - timedelta(days=days)
    assert _refusal(rules.check_test, _test(), at=AFTER, unclear=last and _test(given_at=last)) == field


@pytest.mark.parametrize(
    ("reading", "field"),
    [
        (_delayed(read_at=AFTER), None),
        (_delayed(read_at=CLINIC_NOW), None),
        (_delayed(read_at=CLINIC_NOW - MINUTE), "read_at: before_test"),
        (_delayed(read_at=AFTER + 5 * MINUTE), None),
        (_delayed(read_at=AFTER + 6 * MINUTE), "read_at: future"),
        (_delayed(read_at=AFTER, grade=""), "grade: grade_missing"),
        (_immediate(wheal_end_mm=None), "wheal_end_mm: wheal_end_mm"),
        (_immediate(wheal_start_mm=None), "wheal_start_mm: wheal_start_mm"),
        (_immediate(wheal_start_mm=None, wheal_end_mm=None, site_readable=False), None),
    ],
)
def test_a_reading_lies_after_the_injection_and_says_what_it_has_to(
    reading: Reading, field: str | None
) -> None:
    assert _refusal(rules.check_reading, reading, _test(), criteria=CRITERIA, at=AFTER) == field


@pytest.mark.parametrize(
    ("fields", "is_usable"),
    [
        ({}, True),
        ({"expires_on": TODAY}, True),
        ({"expires_on": TODAY - timedelta(days=1)}, False),
        ({"quarantined_at": CLINIC_NOW}, False),
        ({"used_up_on": TODAY}, True),
        ({"used_up_on": TODAY - timedelta(days=1)}, False),
    ],
)
def test_which_lots_may_be_used_on_a_day(fields: dict[str, Any], is_usable: bool) -> None:
    lot = Lot(**{"expires_on": TODAY + timedelta(days=30), **fields})
    assert (out_of_use(lot, on=TODAY) == "") == is_usable


# --- Earlier unclear tests ---------------------------------------------------------------------------------------------


def _facts(**reading: Any) -> PlanFacts:
    plan = consented_plan()
    unclear = {"grade": Grade.DOUBTFUL, "result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}
    TestReadingFactory(patch_test__plan=plan, **{**unclear, **reading})
    return facts_of_one(plan)


@pytest.mark.django_db
def test_a_repeat_is_possible_from_the_policys_days_after_the_unclear_test() -> None:
    facts = _facts()
    unclear = rules.last_unclear(facts)
    assert unclear is not None
    assert unclear.given_at == ago(days=10)
    assert rules.repeat_from(facts) == ago(days=10) + timedelta(days=14)
    assert rules.last_unclear(facts, before=facts.tests[0]) is None


@pytest.mark.django_db
def test_an_unclear_test_of_other_components_does_not_count() -> None:
    assert rules.last_unclear(replace(_facts(), parts=[])) is None


@pytest.mark.django_db
def test_without_an_unclear_test_nothing_waits() -> None:
    assert rules.repeat_from(facts_of_one(cleared_plan())) is None


def test_the_window_follows_the_policy() -> None:
    policy = PatchTestPolicy(reading_from_hours=48, reading_due_hours=72, reading_until_hours=96)
    window = rules.reading_window(CLINIC_NOW, policy)
    assert [window.opens_at, window.due_at, window.closes_at] == [
        CLINIC_NOW + each * HOUR for each in (48, 72, 96)
    ]


# --- Criteria by method, a stricter judgement, what was taken before ---------------------------------------------------


def _wheal(**fields: Any) -> Reading:
    return _immediate(**{"wheal_start_mm": None, **fields})


@pytest.mark.parametrize(
    ("reading", "result"),
    [
        (_wheal(wheal_end_mm=Decimal("3.5"), saline_wheal_mm=Decimal("0.5")), Result.POSITIVE),
        (_wheal(wheal_end_mm=Decimal("3.5"), saline_wheal_mm=Decimal("0.6")), Result.AWAITING),
        (_wheal(wheal_end_mm=Decimal(3)), Result.POSITIVE),
        (_wheal(wheal_end_mm=Decimal(4), saline_wheal_mm=Decimal(0), saline_positive=True), Result.INVALID),
    ],
)
def test_a_prick_is_measured_against_the_saline_wheal_and_needs_no_flare(
    reading: Reading, result: Result
) -> None:
    assert rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=PRICK) == result


def test_an_epicutaneous_test_has_no_wheal_at_once_and_is_not_invalid_for_it() -> None:
    at_once = _wheal(wheal_end_mm=None)
    rules.check_reading(at_once, _test(), criteria=PATCH, at=AFTER)
    assert rules.result_of(at_once, test=_test(), policy=PATHWAY, criteria=PATCH) == Result.AWAITING
    grown = _grew("9", flare=True)
    assert rules.result_of(grown, test=_test(), policy=PATHWAY, criteria=PATCH) == Result.AWAITING
    at_once.result = Result.AWAITING
    later = rules.result_of(_delayed(), test=_test(), policy=PATHWAY, criteria=PATCH, earlier=[at_once])
    assert later == Result.NEGATIVE


@pytest.mark.parametrize(
    ("criteria", "saline_control", "field"),
    [
        (CRITERIA, True, "wheal_start_mm: wheal_start_mm"),
        (PRICK, True, "saline_wheal_mm: saline_wheal_mm"),
        (PRICK, False, None),
    ],
)
def test_a_wheal_and_what_it_is_compared_with_are_measured(
    criteria: MethodRule, saline_control: bool, field: str | None
) -> None:
    reading, test = _wheal(wheal_end_mm=Decimal(5)), _test(saline_control=saline_control)
    if field is None:
        rules.check_reading(reading, test, criteria=criteria, at=AFTER)
    else:
        assert _refusal(rules.check_reading, reading, test, criteria=criteria, at=AFTER) == field


@pytest.mark.parametrize("grade", [Grade.DOUBTFUL, Grade.IRRITANT])
def test_what_a_doubtful_reading_means_is_the_clinics_choice(grade: Grade) -> None:
    strict = MethodRuleFactory.build(doubtful_means="positive")
    reading, earlier = _delayed(grade=grade), [_immediate()]
    results = [
        rules.result_of(reading, test=_test(), policy=PATHWAY, criteria=each, earlier=earlier)
        for each in (CRITERIA, strict)
    ]
    assert results == [Result.EQUIVOCAL, Result.POSITIVE]


_RANK = {
    Result.AWAITING: 0,
    Result.NEGATIVE: 1,
    Result.UNCHANGED: 1,
    Result.EQUIVOCAL: 2,
    Result.INVALID: 3,
    Result.POSITIVE: 4,
}


@pytest.mark.parametrize("computed", Result)
@pytest.mark.parametrize("wanted", Result)
def test_a_result_is_only_ever_made_stricter(computed: Result, wanted: Result) -> None:
    stricter = _RANK[wanted] > _RANK[computed] and wanted not in (Result.NEGATIVE, Result.UNCHANGED)
    if stricter and (computed, wanted) != (Result.AWAITING, Result.EQUIVOCAL):
        assert rules.made_stricter(computed, wanted, "a papule", unclear_before=False) == wanted
        refused = _refusal(rules.made_stricter, computed, wanted, " ", unclear_before=False)
        assert refused == "stricter_reason: stricter_reason_missing"
    else:
        refused = _refusal(rules.made_stricter, computed, wanted, "a papule", unclear_before=False)
        assert refused == "stricter: not_stricter"


def test_what_cannot_be_made_stricter_is_said_with_what_was_computed() -> None:
    with pytest.raises(DomainError) as refused:
        rules.made_stricter(Result.POSITIVE, Result.NEGATIVE, "a papule", unclear_before=False)
    assert refused.value.message == "Computed is “positive”: a result can only be made stricter."


def test_a_quiet_late_reading_leaves_what_was_read_as_it_is() -> None:
    """Without a grade to worry about it is neither negative nor invalid, whenever it was made."""
    late = Reading(kind=ReadingKind.LATE, grade=Grade.NEGATIVE, read_at=CLOSES + 99 * HOUR)
    for earlier in ([], [_immediate(), _delayed(result=Result.NEGATIVE)]):
        found = rules.result_of(late, test=_test(), policy=PATHWAY, criteria=CRITERIA, earlier=earlier)
        assert found == Result.UNCHANGED


def test_a_second_test_that_is_judged_unclear_is_positive() -> None:
    made = rules.made_stricter(Result.NEGATIVE, Result.EQUIVOCAL, "a papule", unclear_before=True)
    assert made == Result.POSITIVE


@pytest.mark.parametrize(
    ("arm", "field"), [("left", "arm: same_arm"), ("right", None), ("elsewhere", None), ("", None)]
)
def test_a_repeat_goes_to_the_other_arm(arm: str, field: str | None) -> None:
    unclear, repeat = _test(arm="left", given_at=CLINIC_NOW - timedelta(days=30)), _test(arm=arm)
    if field is None:
        rules.check_test(repeat, at=AFTER, unclear=unclear)
    else:
        assert _refusal(rules.check_test, repeat, at=AFTER, unclear=unclear) == field


def test_a_repeat_elsewhere_twice_is_nobodys_arm() -> None:
    unclear = _test(arm="elsewhere", given_at=CLINIC_NOW - timedelta(days=30))
    rules.check_test(_test(arm="elsewhere"), at=AFTER, unclear=unclear)


@pytest.mark.parametrize(
    ("taken", "first"),
    [
        ({}, None),
        ({"antihistamine_last_on": TODAY - timedelta(days=7)}, None),
        ({"antihistamine_last_on": TODAY - timedelta(days=6)}, TODAY + timedelta(days=1)),
        ({"steroid_last_on": TODAY - timedelta(days=14)}, None),
        ({"steroid_last_on": TODAY - timedelta(days=13)}, TODAY + timedelta(days=1)),
        ({"antihistamine_last_on": TODAY, "steroid_last_on": TODAY}, TODAY + timedelta(days=14)),
    ],
)
def test_what_was_taken_is_warned_of_with_the_day_from_which_it_would_be_gone(
    taken: dict[str, Any], first: date | None
) -> None:
    test = _test(**taken)
    rules.check_test(test, at=AFTER)  # warned of, not refused
    assert rules.washed_out_from(test) == first


@pytest.mark.parametrize("name", ["antihistamine_last_on", "steroid_last_on"])
def test_nothing_was_taken_for_the_last_time_after_the_test(name: str) -> None:
    test = _test(**{name: TODAY + timedelta(days=1)})
    assert _refusal(rules.check_test, test, at=AFTER) == f"{name}: taken_later"
