"""What a yes means, and when a consultation may be signed with its outcome."""

from datetime import date
from typing import Any

import pytest

from clinic.errors import DomainError
from consultations.enums import Answer, Decision, Outcome, RuleScope
from consultations.models import Consultation, ContraindicationAnswer, ContraindicationQuestion
from consultations.rules import suitability
from consultations.rules.suitability import Intention
from tests.factories import (
    ContraindicationQuestionFactory,
    IndicationFactory,
    PathwayPolicyFactory,
    PatientFactory,
    PlanFactory,
)
from tests.factories.clock import TODAY, ago

pytestmark = pytest.mark.django_db

FACE = Intention(indication="wrinkles", group="face", technique="needle", components=frozenset({"ha"}))


def _question(*rules: tuple[RuleScope, str, Decision]) -> ContraindicationQuestion:
    return ContraindicationQuestionFactory(
        rules=[{"scope": scope, "scope_code": code, "decision": decision} for scope, code, decision in rules]
    )


GENERAL_ASK = (RuleScope.GENERAL, "", Decision.ASK)
GENERAL_BLOCK = (RuleScope.GENERAL, "", Decision.BLOCK)


@pytest.mark.parametrize(
    ("rules", "meaning"),
    [
        ([GENERAL_ASK], Decision.ASK),
        ([GENERAL_ASK, (RuleScope.GROUP, "face", Decision.BLOCK)], Decision.BLOCK),
        ([GENERAL_BLOCK, (RuleScope.GROUP, "face", Decision.ASK)], Decision.ASK),
        (
            [
                (RuleScope.GROUP, "face", Decision.BLOCK),
                (RuleScope.INDICATION, "wrinkles", Decision.OVERRIDE),
            ],
            Decision.OVERRIDE,
        ),
        (
            [(RuleScope.INDICATION, "wrinkles", Decision.BLOCK), (RuleScope.COMPONENT, "ha", Decision.ASK)],
            Decision.ASK,
        ),
        (
            [
                (RuleScope.INDICATION, "wrinkles", Decision.ASK),
                (RuleScope.TECHNIQUE, "needle", Decision.DEFER),
            ],
            Decision.DEFER,
        ),
        ([GENERAL_ASK, (RuleScope.GROUP, "fat", Decision.BLOCK)], Decision.ASK),
        ([GENERAL_ASK, (RuleScope.COMPONENT, "dutasteride", Decision.BLOCK)], Decision.ASK),
        ([GENERAL_ASK, (RuleScope.TECHNIQUE, "needleless", Decision.BLOCK)], Decision.ASK),
    ],
)
def test_the_most_specific_rule_that_applies_wins(rules: list[Any], meaning: Decision) -> None:
    assert suitability.decision_for(_question(*rules), FACE) == meaning


@pytest.mark.parametrize(
    ("component", "technique", "stricter"),
    [
        (Decision.ASK, Decision.DEFER, Decision.DEFER),
        (Decision.DEFER, Decision.OVERRIDE, Decision.OVERRIDE),
        (Decision.OVERRIDE, Decision.BLOCK, Decision.BLOCK),
        (Decision.BLOCK, Decision.ASK, Decision.BLOCK),
    ],
)
def test_of_two_equally_specific_rules_the_stricter_wins(
    component: Decision, technique: Decision, stricter: Decision
) -> None:
    question = _question((RuleScope.COMPONENT, "ha", component), (RuleScope.TECHNIQUE, "needle", technique))
    assert suitability.decision_for(question, FACE) == stricter


def test_a_question_without_a_fitting_rule_decides_nothing() -> None:
    assert suitability.decision_for(_question((RuleScope.GROUP, "fat", Decision.ASK)), FACE) is None


# What is asked because of one component means something for it, and nothing for a formula without it.
_NSAIDS = ("piroxicam", "ketoprofen", "diclofenac", "asa_lys")
OF_COMPONENTS = [
    *(("nsaid_reaction", each, Decision.BLOCK) for each in _NSAIDS),
    ("nsaid_reaction", "silicium", Decision.OVERRIDE),
    *(("peptic_ulcer", each, Decision.BLOCK) for each in _NSAIDS),
    *(("asthma", each, Decision.OVERRIDE) for each in _NSAIDS),
    ("photosensitivity", "ketoprofen", Decision.OVERRIDE),
    ("hypocalcaemia", "calcitonin", Decision.BLOCK),
    ("hypocalcaemia", "edta_na2", Decision.BLOCK),
    ("digoxin", "edta_na2", Decision.BLOCK),
    ("g6pd", "multivit", Decision.OVERRIDE),
    ("thiamine_reaction", "multivit", Decision.BLOCK),
    ("gallstones", "artichoke", Decision.BLOCK),
    ("cholinesterase", "procaine", Decision.BLOCK),
    ("heart_block", "lidocaine", Decision.BLOCK),
    ("arrhythmia", "aminophylline", Decision.BLOCK),
    ("arrhythmia", "caffeine", Decision.BLOCK),
    ("bleed_recent", "pentoxifylline", Decision.BLOCK),
    ("low_blood_pressure", "minoxidil", Decision.BLOCK),
    ("combined_pill", "tranexamic", Decision.BLOCK),
    ("panniculitis", "pc", Decision.BLOCK),
    ("swallowing", "dc", Decision.OVERRIDE),
]


@pytest.mark.parametrize(
    ("code", "intention", "meaning"),
    [
        ("cancer_active", FACE, Decision.BLOCK),
        ("cancer_active", Intention(indication="lymphoedema", group="lymph"), Decision.OVERRIDE),
        ("no_contraception", FACE, Decision.ASK),
        ("no_contraception", Intention(components=frozenset({"dutasteride"})), Decision.BLOCK),
        ("thromboembolic", FACE, Decision.OVERRIDE),
        ("thromboembolic", Intention(components=frozenset({"tranexamic"})), Decision.BLOCK),
        ("implant_pacemaker", FACE, Decision.ASK),
        ("implant_pacemaker", Intention(technique="needleless"), Decision.BLOCK),
        ("age_min", FACE, Decision.BLOCK),
        ("age_min", Intention(group="pain"), Decision.ASK),
        ("obesity_bmi", FACE, None),
        ("obesity_bmi", Intention(group="fat"), Decision.ASK),
        ("pregnancy", Intention(indication="lymphoedema", group="lymph"), Decision.BLOCK),
        *(
            (code, Intention(components=frozenset({component})), meaning)
            for code, component, meaning in OF_COMPONENTS
        ),
        *((code, FACE, None) for code in sorted({code for code, _component, _meaning in OF_COMPONENTS})),
    ],
)
def test_the_shipped_questions_mean_what_the_clinical_reference_says(
    code: str, intention: Intention, meaning: Decision | None
) -> None:
    question = ContraindicationQuestion.objects.current().get(code=code)
    assert suitability.decision_for(question, intention) == meaning


@pytest.mark.parametrize("usual", [14, 21])
def test_a_wait_is_the_questions_own_or_the_policys(usual: int) -> None:
    week, unset = ContraindicationQuestionFactory(defer_days=7), ContraindicationQuestionFactory()
    policy = PathwayPolicyFactory.build(default_wait_days=usual)
    waits = [suitability.defer_until(each, on=TODAY, policy=policy) for each in (week, unset)]
    assert [(until - TODAY).days for until in waits] == [7, usual]


# --- May it be signed? -------------------------------------------------------------------------------------------


def _consultation(**fields: Any) -> Consultation:
    discussed = ("technique", "visits", "alternatives", "aftercare", "expectations")
    ticked = {f"discussed_{name}": True for name in discussed}
    return Consultation(
        **{"indication": IndicationFactory(), "outcome": Outcome.ELIGIBLE, **ticked, **fields}
    )


def _answer(decision: str = "", **fields: Any) -> ContraindicationAnswer:
    question = ContraindicationQuestionFactory(code="under-test", name="Under test")
    answer = Answer.YES if decision else Answer.NO
    return ContraindicationAnswer(question=question, **{"answer": answer, "decision": decision, **fields})


def _refusal(
    consultation: Consultation, *answers: ContraindicationAnswer, plan: bool = True
) -> tuple[str, str | None] | None:
    questions = [answer.question for answer in answers]
    try:
        suitability.check_outcome(consultation, answers, questions, proposes_plan=plan)
    except DomainError as refusal:
        return refusal.code, refusal.field
    return None


SUITABLE_ROWS: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str] | None]] = [
    ({}, {}, None),
    ({"decision": Decision.ASK}, {}, None),
    ({"decision": Decision.DEFER, "defer_until": TODAY, "event_on": TODAY}, {}, None),
    ({"decision": Decision.DEFER, "defer_until": TODAY, "event_unknown": True}, {}, None),
    ({"decision": Decision.DEFER, "defer_until": TODAY, "answer": Answer.UNKNOWN}, {}, None),
    ({"decision": Decision.DEFER, "defer_until": TODAY}, {}, ("event_missing", "event_under-test")),
    ({"decision": Decision.OVERRIDE, "override_reason": "letter of the oncologist"}, {}, None),
    (
        {"decision": Decision.OVERRIDE, "override_reason": " "},
        {},
        ("override_reason_missing", "answer_under-test"),
    ),
    ({"decision": Decision.BLOCK}, {}, ("contraindicated", "answer_under-test")),
    ({"decision": Decision.BLOCK, "answer": Answer.UNKNOWN}, {}, ("contraindicated", "answer_under-test")),
    ({"decision": Decision.BLOCK, "override_reason": "please"}, {}, ("contraindicated", "answer_under-test")),
    ({}, {"discussed_aftercare": False}, ("not_discussed", "discussed_aftercare")),
    ({}, {"indication": None}, ("indication_missing", "indication")),
    ({}, {"outcome": ""}, ("outcome_missing", "outcome")),
    ({}, {"outcome": Outcome.CONDITIONS}, ("reason_missing", "outcome_reason")),
    ({}, {"outcome": Outcome.CONDITIONS, "outcome_reason": "two sessions first"}, None),
]


@pytest.mark.parametrize(("answer", "fields", "refusal"), SUITABLE_ROWS)
def test_a_suitable_patients_consultation_is_signed_when_nothing_stands_open(
    answer: dict[str, Any], fields: dict[str, Any], refusal: tuple[str, str] | None
) -> None:
    assert _refusal(_consultation(**fields), _answer(**answer)) == refusal


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"outcome": Outcome.NOT_ELIGIBLE}, ("reason_missing", "outcome_reason")),
        ({"outcome": Outcome.NOT_ELIGIBLE, "outcome_reason": "pregnant"}, None),
        ({"outcome": Outcome.REFERRED, "outcome_reason": "to a dermatologist"}, None),
        ({"outcome": Outcome.DEFERRED, "outcome_reason": "herpes"}, ("deferred_until", "deferred_until")),
        ({"outcome": Outcome.DEFERRED, "outcome_reason": "herpes", "deferred_until": TODAY}, None),
    ],
)
def test_an_unsuitable_patients_consultation_gives_its_reason_even_with_a_block(
    fields: dict[str, Any], refusal: tuple[str, str] | None
) -> None:
    consultation = _consultation(**fields, discussed_technique=False)
    assert _refusal(consultation, _answer(Decision.BLOCK), plan=False) == refusal


def test_an_unsuitable_patient_gets_no_plan_and_a_suitable_one_needs_it() -> None:
    not_eligible = _consultation(outcome=Outcome.NOT_ELIGIBLE, outcome_reason="pregnant")
    assert _refusal(not_eligible, plan=True) == ("plan_not_suitable", "outcome")
    assert _refusal(_consultation(), plan=False) == ("plan_missing", "template")


def test_an_unanswered_question_keeps_every_outcome_open() -> None:
    question = ContraindicationQuestionFactory(code="left-open")
    for consultation in (
        _consultation(),
        _consultation(outcome=Outcome.REFERRED, outcome_reason="elsewhere"),
    ):
        with pytest.raises(DomainError) as refused:
            suitability.check_outcome(consultation, [], [question], proposes_plan=False)
        assert (refused.value.code, refused.value.field) == ("questions_open", "answer_left-open")


@pytest.mark.parametrize(
    ("born", "answer", "refusal"),
    [
        (date(2010, 1, 1), Answer.NO, ("age_contradicts", "answer_age_min")),
        (date(2010, 1, 1), Answer.YES, None),
        (date(1990, 1, 1), Answer.NO, None),
        (date(1990, 1, 1), Answer.YES, ("age_contradicts", "answer_age_min")),
        # of age since the day after the consultation
        (date(2008, 3, 1), Answer.NO, ("age_contradicts", "answer_age_min")),
        (date(2008, 3, 1), Answer.YES, None),
    ],
)
def test_the_birth_date_answers_the_question_about_age(
    born: date, answer: Answer, refusal: tuple[str, str] | None
) -> None:
    patient = PatientFactory(birth_date=born, representative_name="Claire")
    question = ContraindicationQuestion.objects.current().get(code=suitability.AGE_QUESTION)
    decision = "" if answer == Answer.NO else Decision.ASK
    given = ContraindicationAnswer(question=question, answer=answer, decision=decision)
    assert _refusal(_consultation(patient=patient, created_at=ago(days=2)), given) == refusal


@pytest.mark.parametrize("scope", ["group", "indication", "technique", "component"])
def test_a_rule_for_what_an_agreed_plan_does_speaks_of_it(scope: str) -> None:
    plan = PlanFactory()
    does = {
        "group": plan.indication.group,
        "indication": plan.indication.code,
        "technique": plan.technique.family,
        "component": plan.formula.component_codes[0],
    }
    intention = suitability.intention_of(plan)
    assert intention.matches(scope, does[scope])
    assert not intention.matches(scope, "another")
