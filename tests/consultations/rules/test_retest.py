"""Whether a test read without reaction still counts on a treatment day: each rule and effect, in Python and in SQL."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from clinic.enums import Role
from clinic.errors import DomainError
from consultations.actions import reference
from consultations.dates import add_months, in_words
from consultations.enums import Answer, Grade
from consultations.enums import RetestEffect as Effect
from consultations.enums import RetestTrigger as Trigger
from consultations.enums import TestRequirement as Requirement
from consultations.enums import TestResult as Result
from consultations.models import ContraindicationQuestion, Plan, RetestRule, Session
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one
from consultations.rules import clearance, plans, retest
from consultations.session_page import banner, cautions
from tests.consultations.cases.events import allergic_event
from tests.consultations.policies import retest_decided
from tests.consultations.test_gate import refusal
from tests.factories import (
    AdverseEventFactory,
    ComponentFactory,
    ContraindicationQuestionFactory,
    DeviationFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    HealthAnswerFactory,
    PatchTestFactory,
    RetestRuleFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, PARIS, ago

pytestmark = pytest.mark.django_db
READ_AT = ago(days=8)  # what cleared_plan() has
ENDS = add_months(READ_AT, 6)


def missing(plan: Plan, on: datetime = CLINIC_NOW) -> str | None:
    """What of the test is missing for the next session at the moment; the rules and the database agree on it."""
    facts = facts_of_one(plan)
    planned = plans.next_to_give(facts)
    assert planned is not None
    judged = clearance.judge(facts, gate=clearance.Gate.SESSION, on=on, planned=planned)
    found = judged.conditions[0].code if judged.conditions else None
    assert refusal(plan, at=on, ordinal=planned.ordinal) == found
    return found


def warned(plan: Plan, on: datetime = CLINIC_NOW) -> list[str]:
    """What the session page says of the test that clears."""
    facts = facts_of_one(plan)
    reading = clearance.clearing_reading(facts, on)
    assert reading is not None
    return retest.warnings(facts, reading, on)


def told(plan: Plan, code: str, *, said: Answer = Answer.YES, at: datetime | None = None) -> None:
    """The patient answers a shipped question anew."""
    question = ContraindicationQuestion.objects.current().get(code=code)
    HealthAnswerFactory(patient=plan.patient, question=question, answer=said, recorded_at=at or ago(days=2))


def another_test(plan: Plan, given_at: datetime) -> None:
    """Another test of the plan, read without reaction."""
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=given_at))


def test_what_ships_is_what_the_clinical_reference_says() -> None:
    shipped = RetestRule.objects.current().order_by("trigger", "question_code")
    assert all(rule.to_confirm for rule in shipped)
    assert [(rule.trigger, rule.question_code, rule.effect, rule.lapse_months) for rule in shipped] == [
        (Trigger.ALLERGIC_EVENT, "", Effect.REQUIRE, None),
        (Trigger.EXPIRED, "", Effect.REQUIRE, None),
        (Trigger.FORMULA_CHANGED, "", Effect.REQUIRE, None),
        (Trigger.HEALTH_CHANGE, "allergy_component", Effect.REQUIRE, None),
        (Trigger.HEALTH_CHANGE, "anaphylaxis_history", Effect.REQUIRE, None),
        (Trigger.HEALTH_CHANGE, "autoimmune", Effect.REQUIRE, None),
        (Trigger.LAPSE, "", Effect.REQUIRE, 6),
        (Trigger.NEW_LOT, "", Effect.WARN, None),
        (Trigger.NEW_MAKER, "", Effect.REQUIRE, None),
    ]
    assert not any(rule.session_extends for rule in shipped)


def test_without_any_rule_a_changed_formula_and_an_expired_test_ask_for_a_new_one() -> None:
    RetestRule.objects.update(retired_at=CLINIC_NOW)
    plan = cleared_plan()
    told(plan, "autoimmune")
    assert [missing(plan), missing(plan, ENDS), missing(_wider(plan))] == [None, "test", "test"]


# A component that was not tested --------------------------------------------------------------------------------------


def _wider(plan: Plan) -> Plan:
    """Another plan of the patient, with a component more."""
    parts = [(part.component, 1) for part in plan.formula.parts.all()] + [(ComponentFactory(name="Zinc"), 1)]
    policy = {"test_policy__requirement": plan.test_policy.requirement}
    return consented_plan(patient=plan.patient, formula=FormulaFactory(parts=parts), **policy)


@pytest.mark.parametrize("requirement", [Requirement.REQUIRED, Requirement.NOT_AGAIN])
@pytest.mark.parametrize(
    ("effect", "code", "words"),
    [
        (Effect.REQUIRE, "test", None),
        (Effect.WARN, None, ["Not tested: Zinc."]),
        (Effect.OFF, None, []),
    ],
)
def test_a_component_that_was_not_tested(
    requirement: Requirement, effect: Effect, code: str | None, words: list[str] | None
) -> None:
    retest_decided(Trigger.FORMULA_CHANGED, effect=effect)
    plan = _wider(cleared_plan(test_policy__requirement=requirement))
    assert missing(plan) == code
    if words is not None:
        assert warned(plan) == words


def test_a_test_of_nothing_in_the_formula_clears_nothing_whatever_was_decided() -> None:
    retest_decided(Trigger.FORMULA_CHANGED, effect=Effect.OFF)
    tested = cleared_plan()
    assert missing(consented_plan(patient=tested.patient)) == "test"


# The test's months are over -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effect", "code", "words"),
    [
        (Effect.REQUIRE, "test", None),
        (Effect.WARN, None, ["The test expired on 22 Aug 2026."]),
        (Effect.OFF, None, []),
    ],
)
def test_a_test_whose_months_are_over(effect: Effect, code: str | None, words: list[str] | None) -> None:
    retest_decided(Trigger.EXPIRED, effect=effect)
    plan = cleared_plan()
    assert missing(plan, ENDS - timedelta(minutes=1)) is None
    assert missing(plan, ENDS) == code
    if words is not None:
        assert warned(plan, ENDS) == words


def _session(plan: Plan, started_at: datetime, **session: Any) -> Session:
    return SessionFactory(plan=plan, signed=True, started_at=started_at, **session)


@pytest.mark.parametrize(("extends", "code"), [(True, None), (False, "test")])
def test_a_session_given_begins_the_months_anew_where_the_clinic_wants_it(
    extends: bool, code: str | None
) -> None:
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=extends)
    plan = cleared_plan()
    _session(plan, CLINIC_NOW)
    assert missing(plan, ENDS) == code


def test_the_banner_says_that_a_session_has_extended_the_test() -> None:
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=True)
    plan = cleared_plan(sessions=2)
    _session(plan, CLINIC_NOW)
    found = banner(facts_of_one(plan), plan.planned_sessions.get(ordinal=2), on=ENDS)
    said = "test read 22 Feb 2026 (no reaction seen, counts beyond 22 Aug 2026 by the clinic's rule)"
    assert found.words[-1] == said


def test_the_months_end_on_the_day_before_their_day_whatever_the_clocks_did() -> None:
    """From 2 March, winter time, to 2 September, summer time."""
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=True)
    plan = cleared_plan()
    _session(plan, CLINIC_NOW)
    last = datetime(2026, 9, 1, 23, 59, tzinfo=PARIS)
    assert [missing(plan, last), missing(plan, last + timedelta(minutes=1))] == [None, "test"]


def test_a_session_outside_the_rules_or_in_error_extends_nothing() -> None:
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=True)
    deviating, wrong = cleared_plan(), cleared_plan()
    _session(deviating, CLINIC_NOW, deviation=DeviationFactory(plan=deviating))
    EnteredInErrorFactory(session=_session(wrong, CLINIC_NOW), confirmed=True)
    assert [missing(deviating, ENDS), missing(wrong, ENDS)] == ["test", "test"]


def test_a_session_in_the_moment_from_which_the_test_clears_begins_its_months_anew() -> None:
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=True)
    plan = consented_plan()
    TestReadingFactory(patch_test__plan=plan, valid_until=add_months(READ_AT, 1))
    assert missing(plan, add_months(READ_AT, 2)) == "test"
    _session(plan, READ_AT)
    assert missing(plan, add_months(READ_AT, 2)) is None


def test_a_session_does_not_extend_the_test_that_it_is_cleared_by_itself() -> None:
    """Another test cleared it, whose reading is taken back: the first one had expired when it began."""
    retest_decided(Trigger.EXPIRED, effect=Effect.REQUIRE, session_extends=True)
    plan, began = consented_plan(), ago(hours=1)
    TestReadingFactory(patch_test__plan=plan, valid_until=ago(hours=2))
    other = TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)))
    _session(plan, began)
    EnteredInErrorFactory(reading=other)
    assert missing(plan, began) == "test"


# A long time since the last injection ---------------------------------------------------------------------------------


def _valid_for_a_year(**plan: Any) -> Plan:
    made = consented_plan(**plan)
    TestReadingFactory(patch_test__plan=made, valid_until=add_months(READ_AT, 12))
    return made


@pytest.mark.parametrize(
    ("effect", "code", "words"),
    [
        (Effect.REQUIRE, "test", None),
        (Effect.WARN, None, ["Nothing was injected or read for a long time."]),
        (Effect.OFF, None, []),
    ],
)
def test_more_than_six_months_without_an_injection(
    effect: Effect, code: str | None, words: list[str] | None
) -> None:
    retest_decided(Trigger.LAPSE, effect=effect, lapse_months=6)
    plan = _valid_for_a_year()
    sixth = datetime(2026, 8, 22, 23, 59, tzinfo=PARIS)
    assert missing(plan, sixth) is None
    assert missing(plan, sixth + timedelta(minutes=1)) == code
    if words is not None:
        assert warned(plan, sixth + timedelta(minutes=1)) == words


LATE = datetime(2026, 9, 2, 10, tzinfo=PARIS)  # more than six months after the reading
NOTHING: dict[str, Any] = {"zones": [], "lots": [], "doses": []}


@pytest.mark.parametrize(
    ("session", "error", "code"),
    [
        pytest.param({}, None, None, id="given in full"),
        pytest.param({"outcome": "partial", "outcome_reason": "pain"}, None, None, id="in part"),
        pytest.param(
            {"outcome": "not_given", "outcome_reason": "fever", **NOTHING}, None, "test", id="not given"
        ),
        pytest.param({"signed": False, "outcome": "complete"}, None, "test", id="not signed"),
        pytest.param({"started_at": LATE}, None, "test", id="at the moment itself"),
        pytest.param({"started_at": LATE + timedelta(hours=1)}, None, "test", id="only after it"),
        pytest.param({}, {"confirmed": False}, None, id="called an error by one person"),
        pytest.param({}, {"confirmed": True}, "test", id="called an error by two"),
    ],
)
def test_only_what_was_injected_before_keeps_a_test_from_lapsing(
    session: dict[str, Any], error: dict[str, Any] | None, code: str | None
) -> None:
    plan = _valid_for_a_year()
    shared = FormulaFactory(parts=[(plan.formula.parts.first().component, 1)])
    other = cleared_plan(patient=plan.patient, formula=shared)
    outside = DeviationFactory(plan=other)
    said = {
        "started_at": CLINIC_NOW,
        "doses": list(shared.parts.all()),
        "deviation": outside,
        "signed": True,
    } | session
    made = SessionFactory(plan=other, **said)
    if error:
        EnteredInErrorFactory(session=made, **error)
    assert missing(plan, LATE) == code


def test_an_injection_of_other_components_does_not_keep_it_from_lapsing() -> None:
    plan = _valid_for_a_year()
    _session(cleared_plan(patient=plan.patient), CLINIC_NOW)
    assert missing(plan, LATE) == "test"


# An answer about health -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["allergy_component", "anaphylaxis_history", "autoimmune"])
def test_a_yes_since_the_test_asks_for_a_new_one(code: str) -> None:
    plan = cleared_plan()
    told(plan, code)
    assert missing(plan) == "test"
    (condition,) = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW).conditions
    assert (
        condition.detail == "A new test is needed: an answer about health on 28 Feb 2026, after the last one."
    )
    another_test(plan, ago(days=3))
    assert missing(plan) == "test"


def test_the_test_after_it_clears() -> None:
    plan = cleared_plan()
    told(plan, "autoimmune", at=ago(days=9))
    assert missing(plan) == "test"
    another_test(plan, ago(days=4))
    assert missing(plan) is None


@pytest.mark.parametrize(
    ("code", "said", "at"),
    [
        pytest.param("autoimmune", Answer.NO, ago(days=2), id="a no"),
        pytest.param("autoimmune", Answer.YES, ago(days=11), id="before the test"),
        pytest.param("thyroid", Answer.YES, ago(days=2), id="another question"),
    ],
)
def test_what_asks_for_nothing(code: str, said: Answer, at: datetime) -> None:
    plan = cleared_plan()
    told(plan, code, said=said, at=at)
    told(cleared_plan(), "autoimmune")  # another patient
    assert missing(plan) is None


def test_a_yes_taken_back_asks_for_nothing() -> None:
    plan = cleared_plan()
    told(plan, "autoimmune", at=ago(days=3))
    told(plan, "autoimmune", said=Answer.NO, at=ago(days=2))
    assert missing(plan) is None


def test_what_nobody_knows_counts_like_a_yes() -> None:
    plan = cleared_plan()
    told(plan, "autoimmune", said=Answer.UNKNOWN)
    assert missing(plan) == "test"


def test_a_wait_lasts_its_days() -> None:
    retest_decided(Trigger.HEALTH_CHANGE, question_code="autoimmune", effect=Effect.DEFER, wait_days=14)
    plan = cleared_plan()
    told(plan, "autoimmune", at=ago(days=3))
    assert missing(plan) == "test_wait"
    last = datetime(2026, 3, 12, 23, 59, tzinfo=PARIS)  # 27 February and 13 days
    assert [missing(plan, last), missing(plan, last + timedelta(minutes=1))] == ["test_wait", None]
    (condition,) = clearance.judge(
        facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW, planned=plan.planned_sessions.first()
    ).conditions
    assert condition.earliest is not None
    assert condition.earliest.date() == date(2026, 3, 13)
    assert condition.what == f"Not cleared: ask {plan.consultation.practitioner}."
    assert (
        condition.detail == "Since the test: an answer about health on 27 Feb 2026. Not before 13 Mar 2026."
    )


@pytest.mark.parametrize(
    ("effect", "words"),
    [(Effect.WARN, ["Since the test: an answer about health on 28 Feb 2026."]), (Effect.OFF, [])],
)
def test_an_answer_that_only_warns_or_not_even_that(effect: Effect, words: list[str]) -> None:
    retest_decided(Trigger.HEALTH_CHANGE, question_code="autoimmune", effect=effect)
    plan = cleared_plan()
    told(plan, "autoimmune")
    assert (missing(plan), warned(plan)) == (None, words)


def test_the_session_page_says_what_only_warns() -> None:
    retest_decided(Trigger.ALLERGIC_EVENT, effect=Effect.WARN)
    plan = cleared_plan()
    allergic_event(plan)
    session = SessionFactory(plan=plan)
    assert cautions(facts_of_one(plan), session) == ["Since the test: an allergic reaction on 2 Mar 2026."]


# An allergic reaction -------------------------------------------------------------------------------------------------


def test_an_allergic_reaction_since_the_test_asks_for_a_new_one() -> None:
    plan = cleared_plan()
    allergic_event(plan, onset_at=ago(days=5))
    assert missing(plan) == "test"
    another_test(plan, ago(days=4))
    assert missing(plan) is None


def test_it_reaches_every_plan_with_a_suspected_component_and_no_other() -> None:
    plan = cleared_plan()
    other = cleared_plan(patient=plan.patient)
    allergic_event(plan, component_codes=other.formula.component_codes[:1])
    assert [missing(plan), missing(other)] == [None, "test"]


def test_one_that_no_plan_is_known_for_reaches_every_plan() -> None:
    plan = cleared_plan()
    other = cleared_plan(patient=plan.patient)
    AdverseEventFactory(patient=plan.patient, is_allergic=True)
    assert [missing(plan), missing(other)] == ["test", "test"]


def test_one_that_a_later_word_calls_not_allergic_asks_for_nothing() -> None:
    plan = cleared_plan()
    first = allergic_event(plan)
    AdverseEventFactory(plan=plan, patient=plan.patient, supersedes=first, onset_at=first.onset_at)
    assert missing(plan) is None


def test_where_no_test_is_required_none_is_asked_for_again() -> None:
    plan = consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED)
    told(plan, "autoimmune")
    assert missing(plan) is None


def test_a_rule_of_the_clinic_names_a_question_that_exists() -> None:
    """Published in the admin: a misspelt question would silently switch the rule off."""
    keeper = UserFactory(roles=[Role.ADMIN])
    draft = RetestRuleFactory(draft=True, question_code="tyroid")
    with pytest.raises(DomainError):
        reference.publish(entry=draft, by=keeper, at=CLINIC_NOW)
    named = RetestRuleFactory(draft=True, question_code=ContraindicationQuestionFactory().code)
    assert reference.publish(entry=named, by=keeper, at=CLINIC_NOW).published_at == CLINIC_NOW


def test_the_reading_that_clears_is_named_as_long_as_it_counts() -> None:
    plan = cleared_plan()
    reading = Reading.objects.get(patch_test__plan=plan)
    assert clearance.clearing_reading(facts_of_one(plan), CLINIC_NOW) == reading
    told(plan, "autoimmune")
    assert clearance.clearing_reading(facts_of_one(plan), CLINIC_NOW) is None


# Unclear tests ----------------------------------------------------------------------------------------------------


def unclear_test(plan: Plan, given_at: datetime, *, of: Plan | None = None) -> Reading:
    """A test read as doubtful two days later; `of` tests another plan's formula in the same patient."""
    test = PatchTestFactory(plan=of or plan, given_at=given_at)
    return TestReadingFactory(
        patch_test=test, grade=Grade.DOUBTFUL, result=Result.EQUIVOCAL, valid_from=None, valid_until=None
    )


def test_an_unclear_test_holds_what_an_earlier_one_had_cleared_until_its_repeat_is_read() -> None:
    plan = cleared_plan()
    assert missing(plan) is None
    unclear_test(plan, ago(days=9))
    assert missing(plan) == "test"
    repeat = PatchTestFactory(plan=plan, given_at=ago(days=3))
    assert missing(plan) == "test"
    TestReadingFactory(patch_test=repeat)
    assert [missing(plan), missing(plan, ago(hours=25))] == [None, "test"]


def test_a_test_without_reaction_before_the_unclear_one_answers_nothing() -> None:
    plan = consented_plan()
    another_test(plan, ago(days=9))
    unclear_test(plan, ago(days=8))
    assert missing(plan) == "test"
    assert clearance.clearing_reading(facts_of_one(plan), CLINIC_NOW) is None


def test_it_holds_every_plan_that_shares_a_component_and_no_other() -> None:
    plan = cleared_plan()
    shared = FormulaFactory(parts=[(plan.formula.parts.all()[0].component, 10), (ComponentFactory(), 2)])
    held = consented_plan(patient=plan.patient, formula=shared)
    another_test(held, ago(days=10))
    apart = cleared_plan(patient=plan.patient)
    assert [missing(held), missing(apart)] == [None, None]
    unclear_test(plan, ago(days=9))
    assert [missing(held), missing(apart)] == ["test", None]


def test_a_repeat_of_only_a_part_of_what_is_in_doubt_does_not_answer_it() -> None:
    plan = cleared_plan()
    unclear_test(plan, ago(days=9))
    first, *_others = plan.formula.component_codes
    part = PatchTestFactory(plan=plan, given_at=ago(days=3), component_codes=[first])
    TestReadingFactory(patch_test=part)
    assert len(plan.formula.component_codes) > 1
    assert missing(plan) == "test"


@pytest.mark.parametrize("record", ["reading", "patch_test"])
def test_an_unclear_test_in_error_holds_until_a_second_person_confirms(record: str) -> None:
    plan = cleared_plan()
    reading = unclear_test(plan, ago(days=9))
    assert missing(plan) == "test"
    entry = EnteredInErrorFactory(**{record: reading if record == "reading" else reading.patch_test})
    assert missing(plan) == "test"
    entry.confirmed_by, entry.confirmed_at = UserFactory(practitioner=True), CLINIC_NOW
    entry.save()
    assert missing(plan) is None


@pytest.mark.parametrize("record", ["reading", "patch_test"])
def test_what_was_given_while_nobody_had_confirmed_is_judged_by_that(record: str) -> None:
    """The confirmation of an hour ago opens from then on: it does not make right what was given before it."""
    plan = cleared_plan()
    reading = unclear_test(plan, ago(days=9))
    wrong = {record: reading if record == "reading" else reading.patch_test}
    EnteredInErrorFactory(confirmed=True, requested_at=ago(days=2), **wrong)
    planned = plans.next_to_give(facts_of_one(plan))
    for start, code in [(ago(hours=2), "test"), (ago(minutes=30), None)]:
        judged = clearance.judge(
            facts_of_one(plan), gate=clearance.Gate.SESSION, on=start, planned=planned, known_by=start
        )
        assert [each.code for each in judged.conditions] == [code] * bool(code)
        assert refusal(plan, at=start, known_by=start) == code


def test_an_unclear_reading_signed_after_the_session_does_not_stop_its_signature() -> None:
    plan = cleared_plan()
    unclear_test(plan, ago(days=3))
    start = ago(hours=30)
    planned = plans.next_to_give(facts_of_one(plan))
    for known_by, code in [(start, None), (None, "test")]:
        judged = clearance.judge(
            facts_of_one(plan), gate=clearance.Gate.SESSION, on=start, planned=planned, known_by=known_by
        )
        assert refusal(plan, at=start, known_by=known_by or "infinity") == code
        assert [each.code for each in judged.conditions] == [code] * bool(code)


def test_the_reason_names_the_unclear_test() -> None:
    plan = cleared_plan()
    reading = unclear_test(plan, ago(days=9))
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW)
    (condition,) = [each for each in judged.conditions if each.code == "test"]
    assert f"The test of {in_words(reading.patch_test.given_at)} was unclear" in condition.detail


def test_without_a_test_asked_for_by_the_policy_an_unclear_one_holds_nothing() -> None:
    plan = consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED)
    unclear_test(plan, ago(days=9))
    assert missing(plan) is None
