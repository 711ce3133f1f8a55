"""May this be injected then? A truth table in Python, and the SQL gate held against it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fnmatch import fnmatchcase
from random import Random
from typing import Any

import pytest
from django.db import connection

from clinic.readiness import Condition
from consultations.enums import Answer, CapDecision, Decision, PlanStatus, RetestTrigger
from consultations.enums import TestRequirement as Requirement
from consultations.models import Plan, PlannedSession, ReviewRule, TestReading
from consultations.queries import facts_of_one
from consultations.rules import clearance, plans
from consultations.rules.clearance import Gate
from tests.consultations.cases.gate import gates_open
from tests.consultations.policies import retest_decided
from tests.factories import (
    AdverseEventFactory,
    AllergenGroupFactory,
    AllergyFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentFactory,
    ConsentWithdrawalFactory,
    ConsultationConfirmationFactory,
    ConsultationFactory,
    ContraindicationQuestionFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    HealthAnswerFactory,
    PatchTestFactory,
    PlanFactory,
    PlanStopFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    component_tested,
    consented_plan,
    read_late_plan,
    stopped_by_test,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


def codes(plan: Plan, gate: Gate = Gate.SESSION, **on: Any) -> list[str]:
    """What is missing for the plan's next session (or a test) at the moment, by its codes."""
    facts = facts_of_one(plan)
    planned = plans.next_to_give(facts)
    judged = clearance.judge(facts, gate=gate, on=on.get("on", CLINIC_NOW), planned=planned)
    return [condition.code for condition in judged.conditions]


def sql_code(plan: Plan, gate: Gate, planned: PlannedSession | None) -> str | None:
    """What the database's own gate says at CLINIC_NOW."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(%s, %s, %s, %s, %s, 'infinity')",
            [plan.pk, plan.patient_id, CLINIC_NOW, str(gate), planned and planned.pk],
        )
        return cursor.fetchone()[0]


def reading_of(plan: Plan) -> TestReading:
    return TestReading.objects.get(patch_test__plan=plan)


def reading_of_first(plan: Plan) -> TestReading:
    return TestReading.objects.filter(patch_test__plan=plan).earliest("read_at")


def soy_plan(**plan: Any) -> Plan:
    """A cleared plan with soy in its formula."""
    soy = AllergenGroupFactory(code="soy-x").code
    return cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(allergen_groups=[soy]), 10)]), **plan)


def status(plan: Plan, wanted: PlanStatus) -> Plan:
    plan.status = wanted
    plan.save(update_fields=["status"])
    return plan


def deferred_plan(until: Any) -> Plan:
    """A consultation with a waiting time; the policy asks for no test."""
    answer = {
        "question": ContraindicationQuestionFactory(),
        "answer": Answer.YES,
        "decision": Decision.DEFER,
        "defer_until": until,
    }
    return consented_plan(
        consultation=ConsultationFactory(signed=True, answers=[answer]),
        test_policy__requirement=Requirement.NOT_REQUIRED,
    )


def _not_tested(**plan: Any) -> Plan:
    return consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED, **plan)


def _consented_on(moment: datetime) -> Plan:
    plan = PlanFactory(test_policy__requirement=Requirement.NOT_REQUIRED)
    ConsentFactory(plan=plan, signed_at=moment)
    return plan


def _represented(of_age_on: date) -> Plan:
    born = of_age_on.replace(year=of_age_on.year - 18)
    plan = PlanFactory(
        patient__birth_date=born,
        patient__representative_name="Clara Moreau",
        test_policy__requirement=Requirement.NOT_REQUIRED,
    )
    ConsentFactory(plan=plan, signer="representative", signer_relation="mother")
    return plan


def _after(plan: Plan, *changes: Callable[[Plan], object]) -> Plan:
    for change in changes:
        change(plan)
    return plan


def rule_of(plan: Plan) -> ReviewRule:
    """The review that the plan's course asks for."""
    return ReviewRule.objects.get(template_code=plan.template.code)


def positive_plan() -> Plan:
    plan = consented_plan()
    TestReadingFactory(patch_test__plan=plan, positive=True)
    return plan


def unclear_since() -> tuple[Plan, TestReading]:
    """A cleared plan whose patient was tested again a day later, and that was unclear."""
    plan = cleared_plan()
    doubt = {"grade": "doubtful", "result": "equivocal", "valid_from": None, "valid_until": None}
    return plan, TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=9)), **doubt)


def called_an_error(record: str, **entry: Any) -> Plan:
    """The unclear reading, or its test, is called an error."""
    plan, reading = unclear_since()
    EnteredInErrorFactory(**{record: reading if record == "reading" else reading.patch_test}, **entry)
    return plan


def read_again(plan: Plan) -> Plan:
    TestReadingFactory(patch_test=plan.patch_tests.get(given_at=ago(days=9)))
    return plan


def repeated(plan: Plan) -> Plan:
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=3)))
    return plan


CASES: dict[str, tuple[Callable[[], Plan], list[str], list[str]]] = {
    # what is the case: (plan, missing for a session, missing for a test)
    "all in order": (cleared_plan, [], []),
    "nothing agreed by signature": (PlanFactory, ["consent", "test"], ["consent"]),
    "consent withdrawn": (
        lambda: _after(cleared_plan(), lambda p: ConsentWithdrawalFactory(consent=p.consents.get())),
        ["consent"],
        ["consent"],
    ),
    "consent entered in error": (
        lambda: _after(cleared_plan(), lambda p: EnteredInErrorFactory(consent=p.consents.get())),
        ["consent"],
        ["consent"],
    ),
    "withdrawn and signed again": (
        lambda: _after(
            cleared_plan(),
            lambda p: ConsentWithdrawalFactory(consent=p.consents.get()),
            lambda p: ConsentFactory(plan=p, signed_at=ago(minutes=5)),
        ),
        [],
        [],
    ),
    "consultation entered in error": (
        lambda: _after(cleared_plan(), lambda p: EnteredInErrorFactory(consultation=p.consultation)),
        ["consultation"],
        ["consultation"],
    ),
    "consultation of a year ago": (
        lambda: _not_tested(consultation=ConsultationFactory(signed=True, signed_at=ago(days=365))),
        ["consultation_expired"],
        ["consultation_expired"],
    ),
    "consultation of almost a year ago": (
        lambda: _not_tested(consultation=ConsultationFactory(signed=True, signed_at=ago(days=364))),
        [],
        [],
    ),
    "consultation of a year ago, confirmed since": (
        lambda: _after(
            _not_tested(consultation=ConsultationFactory(signed=True, signed_at=ago(days=365))),
            lambda p: ConsultationConfirmationFactory(consultation=p.consultation),
        ),
        [],
        [],
    ),
    "consent of a year ago": (lambda: _consented_on(ago(days=365)), ["consent"], ["consent"]),
    "consent of almost a year ago": (lambda: _consented_on(ago(days=364)), [], []),
    "consent of a year ago, signed again": (
        lambda: _after(_consented_on(ago(days=365)), lambda p: ConsentFactory(plan=p)),
        [],
        [],
    ),
    "a minor's consent, of age tomorrow": (lambda: _represented(TODAY + timedelta(days=1)), [], []),
    "a minor's consent, of age today": (lambda: _represented(TODAY), ["consent"], ["consent"]),
    "a representative's consent for an adult": (lambda: _represented(TODAY - timedelta(days=400)), [], []),
    "deferred until tomorrow": (lambda: deferred_plan(TODAY + timedelta(days=1)), ["deferred"], ["deferred"]),
    "deferred until today": (lambda: deferred_plan(TODAY), [], []),
    "plan on hold": (lambda: status(cleared_plan(), PlanStatus.ON_HOLD), ["plan_on_hold"], ["plan_on_hold"]),
    "plan stopped": (lambda: status(cleared_plan(), PlanStatus.STOPPED), ["plan_stopped"], ["plan_stopped"]),
    "a report waits": (
        lambda: _after(cleared_plan(), lambda p: ClinicalReportFactory(patient=p.patient)),
        ["report_open"],
        ["report_open"],
    ),
    "a report was looked at": (
        lambda: _after(cleared_plan(), lambda p: ClinicalReportFactory(patient=p.patient, triaged=True)),
        [],
        [],
    ),
    "a check-in was handed over and not answered": (
        lambda: _after(cleared_plan(), lambda p: CheckInFactory(appointment__patient=p.patient)),
        ["answer_open"],
        ["answer_open"],
    ),
    "a check-in with a yes waits": (
        lambda: _after(cleared_plan(), lambda p: CheckInFactory(appointment__patient=p.patient, open=True)),
        ["answer_open"],
        ["answer_open"],
    ),
    "a check-in with a yes was looked at": (
        lambda: _after(
            cleared_plan(),
            lambda p: CheckInFactory(appointment__patient=p.patient, open=True, reviewed=True),
        ),
        [],
        [],
    ),
    "a check-in was answered with nothing but no": (
        lambda: _after(
            cleared_plan(), lambda p: CheckInFactory(appointment__patient=p.patient, answered=True)
        ),
        [],
        [],
    ),
    "allergy reported, in the formula": (
        lambda: _after(soy_plan(), lambda p: AllergyFactory(patient=p.patient, group_code="soy-x")),
        ["allergy"],
        ["allergy"],
    ),
    "allergy confirmed, in the formula": (
        lambda: _after(
            soy_plan(), lambda p: AllergyFactory(patient=p.patient, group_code="soy-x", confirmed=True)
        ),
        ["allergy"],
        ["allergy"],
    ),
    "allergy refuted": (
        lambda: _after(
            soy_plan(), lambda p: AllergyFactory(patient=p.patient, group_code="soy-x", refuted=True)
        ),
        [],
        [],
    ),
    "allergy to something else": (
        lambda: _after(
            soy_plan(), lambda p: AllergyFactory(patient=p.patient, group_code="fish", confirmed=True)
        ),
        [],
        [],
    ),
    "allergy in words nobody has assessed": (
        lambda: _after(cleared_plan(), lambda p: AllergyFactory(patient=p.patient, words="some cream")),
        ["allergy_unassessed"],
        ["allergy_unassessed"],
    ),
    "not tested": (consented_plan, ["test"], []),
    "no test required": (lambda: consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED), [], []),
    "test positive": (positive_plan, ["test_positive", "test"], ["test_positive"]),
    "positive, error asked for by one person": (
        lambda: _after(positive_plan(), lambda p: EnteredInErrorFactory(reading=reading_of(p))),
        ["test_positive", "test"],
        ["test_positive"],
    ),
    "positive, error confirmed by a second": (
        lambda: _after(
            positive_plan(), lambda p: EnteredInErrorFactory(reading=reading_of(p), confirmed=True)
        ),
        ["test"],
        [],
    ),
    "positive, error of its test asked for by one person": (
        lambda: _after(positive_plan(), lambda p: EnteredInErrorFactory(patch_test=reading_of(p).patch_test)),
        ["test_positive", "test"],
        ["test_positive"],
    ),
    "positive, error of its test confirmed by a second": (
        lambda: _after(
            positive_plan(),
            lambda p: EnteredInErrorFactory(patch_test=reading_of(p).patch_test, confirmed=True),
        ),
        ["test"],
        [],
    ),
    "reading without reaction entered in error": (
        lambda: _after(cleared_plan(), lambda p: EnteredInErrorFactory(reading=reading_of(p))),
        ["test"],
        [],
    ),
    "test entered in error": (
        lambda: _after(cleared_plan(), lambda p: EnteredInErrorFactory(patch_test=reading_of(p).patch_test)),
        ["test"],
        [],
    ),
    "unclear since": (lambda: unclear_since()[0], ["test"], []),
    "unclear since, error asked for by one person": (
        lambda: called_an_error("reading"),
        ["test"],
        [],
    ),
    "unclear since, error confirmed by a second": (
        lambda: called_an_error("reading", confirmed=True),
        [],
        [],
    ),
    "unclear since, error of its test asked for by one person": (
        lambda: called_an_error("patch_test"),
        ["test"],
        [],
    ),
    "unclear since, error of its test confirmed by a second": (
        lambda: called_an_error("patch_test", confirmed=True),
        [],
        [],
    ),
    "unclear since, called an error and read again without reaction": (
        lambda: read_again(called_an_error("reading")),
        ["test"],
        [],
    ),
    "unclear since, confirmed as an error and read again without reaction": (
        lambda: read_again(called_an_error("reading", confirmed=True)),
        [],
        [],
    ),
    "unclear since, called an error, the repeat without reaction": (
        lambda: repeated(called_an_error("reading")),
        [],
        [],
    ),
    "read late, nothing new": (read_late_plan, [], []),
    "read late, a reaction": (
        lambda: read_late_plan(positive=True),
        ["test_positive", "test"],
        ["test_positive"],
    ),
    "read late, in doubt": (lambda: read_late_plan(unclear=True), ["test"], []),
    "session given too short ago": (
        lambda: _after(
            cleared_plan(min_gap_days=6),
            lambda p: SessionFactory(plan=p, signed=True, started_at=ago(days=5)),
        ),
        ["too_soon"],
        [],
    ),
    "a required review is missing": (waiting_for_review, ["review_due"], []),
    "the required review is being written": (
        lambda: _after(waiting_for_review(), lambda p: ReviewFactory(plan=p, rule=rule_of(p))),
        ["review_due"],
        [],
    ),
    "the required review was held": (
        lambda: _after(waiting_for_review(), lambda p: ReviewFactory(plan=p, rule=rule_of(p), signed=True)),
        [],
        [],
    ),
    "the required review is called an error": (
        lambda: _after(
            waiting_for_review(),
            lambda p: EnteredInErrorFactory(review=ReviewFactory(plan=p, rule=rule_of(p), signed=True)),
        ),
        ["review_due"],
        [],
    ),
    "another review was held": (
        lambda: _after(waiting_for_review(), lambda p: ReviewFactory(plan=p, signed=True)),
        ["review_due"],
        [],
    ),
    "a review is recommended": (lambda: waiting_for_review(is_required=False), [], []),
    "session given long enough ago": (
        lambda: _after(
            cleared_plan(min_gap_days=6),
            lambda p: SessionFactory(plan=p, signed=True, started_at=ago(days=6)),
        ),
        [],
        [],
    ),
}


_ASK = "Not cleared: ask {doctor}."
_NO_CONSENT = ("Consent to sign.", "{doctor}", "No consent in force names this formula.")
_NO_TEST = (
    "The test injection is not read, or no longer valid.",
    "{doctor}",
    "The formula's components need a test read without reaction that is valid on the day.",
)
SAID: dict[str, list[tuple[str, str, str]]] = {
    # what anybody at the desk reads, which never tells the finding; who can settle it; what a clinician reads
    "nothing agreed by signature": [_NO_CONSENT, _NO_TEST],
    "consultation entered in error": [
        (
            "A consultation is needed first.",
            "{doctor}",
            "There is no signed consultation that found the patient suitable.",
        )
    ],
    "consultation of a year ago": [
        (
            "The consultation is valid until 2 Mar 2026: a practitioner asks again and confirms it.",
            "any practitioner",
            "From 2 Mar 2026 on the consultation has to be confirmed, or held anew.",
        )
    ],
    "consent of a year ago": [
        (
            "Consent to sign anew: the last one is valid until 2 Mar 2026.",
            "{doctor}",
            "Signed by Jeanne Moreau on 2 Mar 2025; valid until 2 Mar 2026.",
        )
    ],
    "a minor's consent, of age today": [
        (
            "Consent to sign anew: from 2 Mar 2026 the patient signs, who is of age then.",
            "{doctor}",
            "Signed by Jeanne Moreau for the patient on 10 Feb 2026.",
        )
    ],
    "deferred until tomorrow": [(_ASK, "{doctor}", "entry *: not before 3 Mar 2026.")],
    "plan on hold": [(_ASK, "{doctor}", "The plan is on hold.")],
    "a report waits": [
        (
            "A practitioner has to look at a report from the desk first.",
            "any practitioner",
            "A report from the desk waits on the worklist.",
        )
    ],
    "a check-in with a yes waits": [
        (
            "A practitioner has to look at the answers from the check-in first.",
            "Dr Amari *",
            "An answer from the check-in needs your eyes, or was not given: see the worklist.",
        )
    ],
    "allergy confirmed, in the formula": [
        (_ASK, "{doctor}", "soy (confirmed): the formula contains entry *.")
    ],
    "allergy in words nobody has assessed": [
        (
            "A practitioner has to assess a reported allergy first.",
            "any practitioner",
            "Reported: some cream.",
        )
    ],
    "test positive": [
        (
            _ASK,
            "{doctor}",
            "The test read on 22 Feb 2026 was positive; shared components: entry *, entry *.",
        ),
        _NO_TEST,
    ],
    "read late, in doubt": [
        (
            _NO_TEST[0],
            "{doctor}",
            "The test of 20 Feb 2026 was unclear: sessions wait until its repeat is read without reaction.",
        )
    ],
    "positive, error asked for by one person": [
        (
            _ASK,
            "{doctor}",
            "The test read on 22 Feb 2026 was positive; shared components: entry *, entry *. It is called an error, not yet"
            " confirmed by a second person.",
        ),
        _NO_TEST,
    ],
    "unclear since, error asked for by one person": [
        (
            _NO_TEST[0],
            "{doctor}",
            "The test of 21 Feb 2026 was unclear: sessions wait until its repeat is read without reaction. It is called an"
            " error, not yet confirmed by a second person.",
        )
    ],
    "session given too short ago": [
        ("Too soon after the last session: 3 Mar 2026 at the earliest.", "{doctor}", "")
    ],
    "a required review is missing": [
        ("An outcome review has to be held first.", "{doctor}", "The review “entry *” is not signed.")
    ],
}


def said(plan: Plan) -> list[Condition]:
    """All that is missing for the plan's next session at CLINIC_NOW."""
    facts = facts_of_one(plan)
    return clearance.judge(
        facts, gate=Gate.SESSION, on=CLINIC_NOW, planned=plans.next_to_give(facts)
    ).conditions


def check_words(plan: Plan, *expected: tuple[str, str, str]) -> None:
    """The sentences, the people and the findings; a star stands for a name that a factory made."""
    doctor = str(plan.consultation.practitioner)
    found = [(each.what, each.who, each.detail) for each in said(plan)]
    assert len(found) == len(expected)
    for words, patterns in zip(found, expected, strict=True):
        for text, pattern in zip(words, patterns, strict=True):
            assert fnmatchcase(text, pattern.format(doctor=doctor)), (text, pattern)


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_for_a_session_and_for_a_test_in_python_and_in_sql(case: str) -> None:
    make, for_a_session, for_a_test = CASES[case]
    plan = make()
    assert (codes(plan), codes(plan, Gate.TEST)) == (for_a_session, for_a_test)
    if case in SAID:
        check_words(plan, *SAID[case])
    planned = plans.next_to_give(facts_of_one(plan))
    first = [expected[0] if expected else None for expected in (for_a_session, for_a_test)]
    assert [sql_code(plan, gate, planned) for gate in (Gate.SESSION, Gate.TEST)] == first


def test_a_positive_test_closes_every_formula_that_shares_a_component() -> None:
    shared = ComponentFactory()
    plan = positive_plan()
    with_shared = FormulaFactory(parts=[(plan.formula.parts.first().component, 5), (shared, 1)])
    other = consented_plan(patient=plan.patient, formula=with_shared)
    apart = consented_plan(patient=plan.patient, formula=FormulaFactory(parts=[(shared, 1)]))
    assert codes(other, Gate.TEST) == ["test_positive"]
    assert codes(apart, Gate.TEST) == []


def test_a_reading_clears_from_its_first_moment_until_its_last() -> None:
    plan = cleared_plan()
    reading = reading_of(plan)
    assert codes(plan, on=reading.valid_from) == []
    assert codes(plan, on=reading.valid_from - timedelta(seconds=1)) == ["test"]
    waiting = clearance.judge(
        facts_of_one(plan), gate=Gate.SESSION, on=reading.valid_from - timedelta(seconds=1)
    )
    assert [each.earliest for each in waiting.conditions] == [reading.valid_from]
    assert codes(plan, on=reading.valid_until - timedelta(seconds=1)) == []
    assert codes(plan, on=reading.valid_until) == ["test"]


def test_not_again_takes_the_union_of_valid_tests_and_required_does_not() -> None:
    one, two = ComponentFactory(), ComponentFactory()
    first = consented_plan(formula=FormulaFactory(parts=[(one, 1)]))
    TestReadingFactory(patch_test__plan=first)
    second = consented_plan(patient=first.patient, formula=FormulaFactory(parts=[(two, 1)]))
    TestReadingFactory(patch_test__plan=second)
    both = FormulaFactory(parts=[(one, 1), (two, 1)])
    again = consented_plan(
        patient=first.patient, formula=both, test_policy__requirement=Requirement.NOT_AGAIN
    )
    required = consented_plan(patient=first.patient, formula=both)
    assert codes(again) == []
    assert codes(required) == ["test"]


def test_a_superseded_reading_clears_nothing() -> None:
    plan = cleared_plan()
    reading = reading_of(plan)
    TestReadingFactory(
        patch_test=reading.patch_test, supersedes=reading, positive=True, kind="reported", read_at=ago(days=1)
    )
    assert codes(plan) == ["test_positive", "test"]


def test_a_cap_nobody_has_decided_stops_a_session_and_not_a_test() -> None:
    plan = cleared_plan()
    code = plan.formula.component_codes[0]
    for measure in ("per_session", "per_kg"):
        DoseCapFactory(component_code=code, measure=measure, decision=CapDecision.UNSET, limit=None)
    assert codes(plan) == ["cap_undecided"]  # the first is enough to know whom to ask
    assert codes(plan, Gate.TEST) == []
    check_words(
        plan,
        (
            "The clinic has not decided a dose limit yet.",
            "an admin",
            "entry *: to be decided in the reference data.",
        ),
    )


@pytest.mark.parametrize(
    ("measure", "within"), [("sessions_per_plan", "in a plan"), ("sessions_per_patient", "over all plans")]
)
def test_a_session_beyond_the_course_cap_is_refused(measure: str, within: str) -> None:
    plan = cleared_plan(sessions=3, min_gap_days=1, interval_days=1)
    component = plan.formula.parts.first().component
    DoseCapFactory(component_code=component.code, measure=measure, limit=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=3), doses=list(plan.formula.parts.all()))
    assert codes(plan) == ["course_full"]
    check_words(plan, (_ASK, "{doctor}", f"{component} allows 1 sessions {within}; 1 were given."))


@pytest.mark.parametrize(("gap", "cap"), [(1, 7), (7, 3), (7, 7)])
def test_the_plans_gap_and_the_caps_interval_both_hold_and_the_later_day_is_said(gap: int, cap: int) -> None:
    plan = cleared_plan(sessions=3, min_gap_days=gap, interval_days=gap)
    code = plan.formula.component_codes[0]
    DoseCapFactory(component_code=code, measure="min_interval_days", limit=cap)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    (condition,) = said(plan)
    assert (condition.code, condition.earliest) == (
        "too_soon",
        CLINIC_NOW.replace(hour=0) + timedelta(days=5),
    )


def test_a_session_names_the_reading_that_clears_it_and_a_test_names_none() -> None:
    plan = cleared_plan()
    facts = facts_of_one(plan)
    planned = plans.next_to_give(facts)
    clearing = {
        gate: clearance.judge(facts, gate=gate, on=CLINIC_NOW, planned=planned).reading for gate in Gate
    }
    assert clearing == {Gate.TEST: None, Gate.SESSION: reading_of(plan)}


def test_of_two_readings_the_longer_valid_one_clears() -> None:
    plan = cleared_plan()
    later = TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)))
    assert later.valid_until > reading_of_first(plan).valid_until
    assert clearance.clearing_reading(facts_of_one(plan), CLINIC_NOW) == later


@pytest.mark.parametrize(("answered", "since"), [(5, 1), (1, 5)])
def test_the_latest_day_of_all_that_defers_is_the_first_that_is_possible(answered: int, since: int) -> None:
    plan = deferred_plan(TODAY + timedelta(days=answered))
    PlanStopFactory(plan=plan, decision=Decision.DEFER, defer_until=TODAY + timedelta(days=since))
    (condition,) = said(plan)
    assert (condition.code, condition.earliest) == (
        "deferred",
        CLINIC_NOW.replace(hour=0) + timedelta(days=5),
    )


def test_what_ruled_treatment_out_since_the_consultation_is_said_once_and_to_clinicians_only() -> None:
    plan = cleared_plan()
    for _each in range(2):
        PlanStopFactory(plan=plan)
    check_words(
        plan,
        (_ASK, "{doctor}", "entry *: answered since the consultation; a practitioner decides."),
    )


def test_however_many_answers_from_check_ins_wait_it_is_said_once() -> None:
    plan = cleared_plan()
    for days in (5, 6):
        CheckInFactory(appointment__patient=plan.patient, appointment__starts_at=ahead(days=days), open=True)
    assert codes(plan) == ["answer_open"]


def test_every_condition_says_who_and_those_with_a_date_from_when() -> None:
    plan = cleared_plan(min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=5))
    facts = facts_of_one(plan)
    (condition,) = clearance.judge(
        facts, gate=Gate.SESSION, on=CLINIC_NOW, planned=plans.next_to_give(facts)
    ).conditions
    assert condition.who == str(plan.consultation.practitioner)
    assert condition.earliest is not None
    assert condition.earliest.astimezone(CLINIC_NOW.tzinfo).date() == TODAY + timedelta(days=1)


# --- The SQL gate says the same ------------------------------------------------------------------------------------


@dataclass
class Situation:
    """A plan and its patient, put together by chance; what was done is written down for the failure message."""

    plan: Plan
    story: list[str]


def situation(seed: int) -> Situation:
    """A random walk over everything that opens or closes the gates."""
    chance = Random(seed)
    soy = AllergenGroupFactory(code=f"soy-{seed}").code
    parts = [(ComponentFactory(allergen_groups=[soy]), 10), (ComponentFactory(), 2)]
    requirement = chance.choice(list(Requirement))
    seen = chance.choice([30, 30, 30, 364, 365])
    plan = PlanFactory(
        formula=FormulaFactory(parts=parts),
        consultation=ConsultationFactory(signed=True, signed_at=ago(days=seen)),
        patient__birth_date=chance.choice([date(1984, 3, 12), TODAY.replace(year=TODAY.year - 18)]),
        test_policy__requirement=requirement,
        min_gap_days=chance.choice([1, 6]),
    )
    story = [f"requirement {requirement}", f"consultation {seen} days ago"]
    if chance.random() < 0.85:
        signer, days = chance.choice(["patient", "representative"]), chance.choice([20, 20, 20, 364, 365])
        consent = ConsentFactory(plan=plan, signer=signer, signer_relation="mother", signed_at=ago(days=days))
        story.append(f"consent by {signer} {days} days ago, born {plan.patient.birth_date}")
        _test_and_session(plan, chance, story)
        for name, make in (
            ("withdrawn", ConsentWithdrawalFactory),
            ("consent in error", EnteredInErrorFactory),
        ):
            if chance.random() < 0.1:
                make(consent=consent)
                story.append(name)
    _caps(plan, chance, story)
    _patient(plan, chance, story, soy)
    _changes(plan, chance, story)
    if chance.random() < 0.25:
        _cause(plan, chance, story)
    if chance.random() < 0.1:
        EnteredInErrorFactory(consultation=plan.consultation)
        story.append("consultation in error")
    if chance.random() < 0.15:
        status(plan, chance.choice([PlanStatus.ON_HOLD, PlanStatus.STOPPED, PlanStatus.COMPLETED]))
        story.append(plan.status)
    return Situation(plan, story)


def _test_and_session(plan: Plan, chance: Random, story: list[str]) -> None:
    kind = chance.choice(
        ["negative", "negative", "negative", "positive", "not read", "expired", "partly", "untested"]
    )
    story.append(kind)
    if kind != "untested":
        codes_tested = plan.formula.component_codes[: 1 if kind == "partly" else None]
        test = PatchTestFactory(plan=plan, component_codes=codes_tested)
        if kind != "not read":
            more = {"valid_until": ago(days=1)} if kind == "expired" else {"positive": kind == "positive"}
            reading = TestReadingFactory(patch_test=test, **more)
            if chance.random() < 0.2:
                EnteredInErrorFactory(reading=reading, confirmed=chance.random() < 0.5)
                story.append("reading in error")
        if chance.random() < 0.1:
            EnteredInErrorFactory(patch_test=test, confirmed=chance.random() < 0.5)
            story.append("test in error")
    cleared = kind == "negative" or plan.test_policy.requirement == Requirement.NOT_REQUIRED
    if (
        cleared
        and kind != "positive"
        and chance.random() < 0.5
        and not {"reading in error", "test in error"} & {*story}
    ):
        days = chance.choice([1, 3, 6, 7])
        session = SessionFactory(plan=plan, signed=True, started_at=ago(days=days))
        story.append(f"session {days} days ago")
        if chance.random() < 0.2:
            EnteredInErrorFactory(session=session, confirmed=chance.random() < 0.5)
            story.append("session in error")
        if chance.random() < 0.5:
            _review(plan, chance, story)
    if kind != "positive" and chance.random() < 0.25:
        _unclear(plan, chance, story)


def _unclear(plan: Plan, chance: Random, story: list[str]) -> None:
    """A later test that is unclear, and its repeat: of everything in doubt, of a part, or none."""
    codes = plan.formula.component_codes
    unclear = PatchTestFactory(
        plan=plan, given_at=ago(days=9), component_codes=chance.choice([codes, codes[:1]])
    )
    doubt = {"grade": "doubtful", "result": "equivocal", "valid_from": None, "valid_until": None}
    reading = TestReadingFactory(patch_test=unclear, **doubt)
    story.append(f"unclear test of {unclear.component_codes}")
    if chance.random() < 0.5:
        record = chance.choice([{"reading": reading}, {"patch_test": unclear}])
        EnteredInErrorFactory(**record, confirmed=chance.random() < 0.5)
        story.append("unclear test in error")
    if chance.random() < 0.5:
        days = chance.choice([1, 3])
        repeat = PatchTestFactory(
            plan=plan, given_at=ago(days=days), component_codes=chance.choice([codes, codes[1:]])
        )
        if days == 3:
            TestReadingFactory(patch_test=repeat)
        story.append(f"repeated {days} days ago with {repeat.component_codes}")


def _cause(plan: Plan, chance: Random, story: list[str]) -> None:
    """Another plan that a positive test has stopped shares both components; they were tested alone, and a cause found."""
    parts = [*((part.component, 1) for part in plan.formula.parts.all()), (ComponentFactory(), 1)]
    with gates_open():
        stopped = stopped_by_test(patient=plan.patient, formula=FormulaFactory(parts=parts))
        search = CauseSearchFactory(patch_test=stopped.patch_tests.get())
        third, opened = parts[2][0].code, []
        reacted = component_tested(search, third, reacts=True)
        for code in plan.formula.component_codes:
            if chance.random() < 0.8:
                tested = component_tested(search, code)
                opened.append(code)
                story.append(f"{code} opened")
        said = chance.choice(["cause", "cause", "cause", "nothing", "none"])
        if said != "nothing":
            found = {"cause_codes": [third], "opened_codes": opened} if said == "cause" else {}
            CauseFindingFactory(search=search, signed_at=ago(days=2), **found)
        if opened and chance.random() < 0.2:
            EnteredInErrorFactory(patch_test=tested)
            story.append("the last test alone in error")
        if chance.random() < 0.3:
            wrong = chance.choice([{"patch_test": reacted}, {"reading": reacted.readings.get()}])
            entry = EnteredInErrorFactory(**wrong, confirmed=chance.random() < 0.5)
            story.append(f"the cause {[*wrong]} in error, confirmed {entry.confirmed_at}")
        if chance.random() < 0.5:
            again = PatchTestFactory(plan=plan, given_at=ago(days=chance.choice([1, 3])))
            TestReadingFactory(patch_test=again, read_at=ago(hours=2))
            story.append(f"tested again {again.given_at}")
    if chance.random() < 0.2:
        EnteredInErrorFactory(reading=search.patch_test.readings.get(), confirmed=chance.random() < 0.5)
        story.append("the positive test in error")
    story.append(f"finding: {said}")


def _review(plan: Plan, chance: Random, story: list[str]) -> None:
    rule = ReviewRuleFactory(template_code=plan.template.code, session=chance.choice([1, 2]), required=True)
    story.append(f"review required after session {rule.session}")
    if chance.random() < 0.5:
        review = ReviewFactory(plan=plan, rule=rule, signed=chance.random() < 0.7)
        story.append("signed review" if review.is_signed else "draft of a review")
        if review.is_signed and chance.random() < 0.3:
            EnteredInErrorFactory(review=review)
            story.append("review in error")


def _caps(plan: Plan, chance: Random, story: list[str]) -> None:
    """Caps on the first component: undecided, on sessions, on the days or months between."""
    if chance.random() < 0.4:
        code = plan.formula.component_codes[0]
        formula = chance.choice(["", "", plan.formula.code, "another-formula"])
        kind: dict[str, object] = chance.choice(
            [
                {"decision": CapDecision.UNSET, "limit": None},
                {"measure": "sessions_per_plan", "limit": chance.choice([1, 2])},
                {"measure": "sessions_per_patient", "limit": chance.choice([1, 2])},
                {"measure": "min_interval_days", "limit": chance.choice([1, 3, 8])},
                {"measure": "min_interval_months", "limit": 1},
            ]
        )
        DoseCapFactory(component_code=code, formula_code=formula, **kind)
        story.append(f"cap {kind} in {formula or 'any'}")


def _patient(plan: Plan, chance: Random, story: list[str], soy: str) -> None:
    if chance.random() < 0.2:
        ClinicalReportFactory(patient=plan.patient, triaged=chance.random() < 0.5)
        story.append("report")
    if chance.random() < 0.2:
        mood = chance.choice([{}, {"answered": True}, {"open": True}, {"open": True, "reviewed": True}])
        CheckInFactory(appointment__patient=plan.patient, **mood)
        story.append(f"check-in {mood}")
    if chance.random() < 0.3:
        group = chance.choice([soy, "fish", ""])
        mood = chance.choice([{}, {"confirmed": True}, {"refuted": True}])
        AllergyFactory(patient=plan.patient, group_code=group, **mood)
        story.append(f"allergy {group} {mood}")


def _changes(plan: Plan, chance: Random, story: list[str]) -> None:
    """What has happened since the test, and what the clinic says of it."""
    for trigger in RetestTrigger:
        if chance.random() < 0.7:
            continue
        kinds: list[dict[str, Any]] = [{"effect": effect} for effect in ("off", "warn", "require")]
        if trigger in (RetestTrigger.HEALTH_CHANGE, RetestTrigger.ALLERGIC_EVENT):
            kinds.append({"effect": "defer", "wait_days": chance.choice([2, 30])})
        rule = chance.choice(kinds) | {"question_code": ""}
        if trigger == RetestTrigger.HEALTH_CHANGE:
            rule["question_code"] = "weather"
        if trigger == RetestTrigger.LAPSE:
            rule["lapse_months"] = 1
        if trigger == RetestTrigger.EXPIRED and rule["effect"] == "require":
            rule["session_extends"] = chance.random() < 0.5
        retest_decided(trigger, **rule)
        story.append(f"{trigger} {rule}")
    if chance.random() < 0.3:
        days, said = chance.choice([1, 2, 20]), chance.choice(list(Answer))
        question = ContraindicationQuestionFactory(code="weather")
        HealthAnswerFactory(patient=plan.patient, question=question, answer=said, recorded_at=ago(days=days))
        story.append(f"answered {said} {days} days ago")
    if chance.random() < 0.3:
        days, suspected = (
            chance.choice([1, 5, 20]),
            chance.choice([[], plan.formula.component_codes[:1], ["x"]]),
        )
        AdverseEventFactory(
            patient=plan.patient,
            plan=chance.choice([None, plan]),
            is_allergic=chance.random() < 0.8,
            component_codes=suspected,
            onset_at=ago(days=days),
        )
        story.append(f"event of {suspected} {days} days ago")


@pytest.mark.parametrize("seed", range(120))
def test_the_sql_gate_agrees_with_the_rules(seed: int) -> None:
    found = situation(seed)
    facts = facts_of_one(found.plan)
    planned = plans.next_to_give(facts)
    for gate in Gate:
        judged = clearance.judge(facts, gate=gate, on=CLINIC_NOW, planned=planned)
        in_python = {condition.code for condition in judged.conditions}
        in_sql = sql_code(found.plan, gate, planned)
        assert (in_sql is None) == (not in_python), (gate, in_sql, in_python, found.story)
        assert {in_sql} - {None} <= in_python, (gate, in_sql, in_python, found.story)


def test_a_moment_in_the_future_is_the_database_s_own_refusal() -> None:
    plan = cleared_plan()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(%s, %s, now() + interval '1 day', 'session', NULL, 'infinity')",
            [plan.pk, plan.patient_id],
        )
        assert cursor.fetchone()[0] == "future"
    assert codes(plan, on=ahead(days=3)) == []
