"""The truth can be signed: what stops a plan after an injection does not stop its signature, and a time in the past
dodges no stop. The SQL gate (`pathway_refusal(…, known_by)`) and `clearance.judge(…, known_by=…)` say the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from clinic.models import Patient, User
from consultations.actions import patch_tests, plans, sessions
from consultations.enums import AllergyStatus, PlanStatus, RetestEffect
from consultations.models import (
    ConsentText,
    PatchTest,
    Plan,
    PlanStatusChange,
    RetestRule,
    ReviewRule,
    Session,
)
from consultations.models import TestReading as Reading
from consultations.queries import facts_of_one, facts_of_session, in_error
from consultations.read_with_plans import Confirmed, FoundCause
from consultations.rules import clearance
from consultations.rules.doses import component_doses
from consultations.rules.knowledge import as_known
from tests.consultations import course
from tests.consultations.cases.events import allergic_event
from tests.consultations.policies import decided
from tests.consultations.test_gate import refusal
from tests.consultations.test_gate_writes import build_session, build_test, by_save
from tests.factories import (
    AdverseEventFactory,
    AllergyFactory,
    CheckInFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentTextFactory,
    ConsentWithdrawalFactory,
    DeviationFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    HealthAnswerFactory,
    PatchTestFactory,
    PlanStopFactory,
    RetestRuleFactory,
    ReviewFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
    consented_plan,
    lots_of,
    read_late_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.guards import Case, Cases, tried_with_and_without

pytestmark = pytest.mark.django_db
cases = Cases()

START, BEFORE, AFTER = ago(hours=1), ago(hours=2), ago(minutes=30)
Stop = Callable[[Plan, datetime], None]
STOPS: dict[str, tuple[str, Stop]] = {}


def stop(code: str) -> Callable[[Stop], Stop]:
    """Files what closes a cleared plan from a moment on, under the code the gate then returns."""

    def file(close: Stop) -> Stop:
        STOPS[close.__name__.strip("_").replace("_", " ")] = (code, close)
        return close

    return file


def plan_to_close() -> Plan:
    """Cleared for its first session; its formula holds one component, which is in no allergen group yet."""
    return cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 1)]))


@stop("consent")
def _the_consent_is_withdrawn(plan: Plan, at: datetime) -> None:
    ConsentWithdrawalFactory(consent=plan.consents.get(), withdrawn_at=at)


@stop("consent")
def _the_consent_is_called_an_error(plan: Plan, at: datetime) -> None:
    EnteredInErrorFactory(consent=plan.consents.get(), requested_at=at)


@stop("consent")
def _a_new_text_asks_to_sign_now(plan: Plan, at: datetime) -> None:
    text = plan.consents.get().text
    ConsentText.objects.filter(pk=text.pk).update(retired_at=at)
    ConsentTextFactory(code=text.code, version=text.version + 1, sign_again="now", published_at=at)


@stop("consultation")
def _the_consultation_is_called_an_error(plan: Plan, at: datetime) -> None:
    EnteredInErrorFactory(consultation=plan.consultation, requested_at=at)


@stop("consultation_expired")
def _a_shorter_validity_is_decided(plan: Plan, at: datetime) -> None:
    decided(at, consultation_valid_months=1)


@stop("contraindicated")
def _an_answer_rules_it_out(plan: Plan, at: datetime) -> None:
    PlanStopFactory(plan=plan, answer__recorded_at=at)


@stop("deferred")
def _an_answer_makes_it_wait(plan: Plan, at: datetime) -> None:
    tomorrow = TODAY + timedelta(days=1)
    PlanStopFactory(plan=plan, answer__recorded_at=at, decision="defer", defer_until=tomorrow)


@stop("answer_open")
def _a_check_in_is_handed_over(plan: Plan, at: datetime) -> None:
    CheckInFactory(appointment__patient=plan.patient, asked_at=at)


@stop("answer_open")
def _the_patient_answers_with_a_yes(plan: Plan, at: datetime) -> None:
    CheckInFactory(appointment__patient=plan.patient, asked_at=at, open=True, answered_at=at)


@stop("report_open")
def _somebody_calls(plan: Plan, at: datetime) -> None:
    ClinicalReportFactory(patient=plan.patient, reported_at=at)


@stop("allergy_unassessed")
def _an_allergy_is_reported_in_words(plan: Plan, at: datetime) -> None:
    AllergyFactory(patient=plan.patient, reported_at=at)


@stop("allergy")
def _a_new_version_of_the_component_names_a_group(plan: Plan, at: datetime) -> None:
    AllergyFactory(patient=plan.patient, group_code="soy", reported_at=ago(days=3))
    _new_version(plan, at, allergen_groups=["soy"])


def _new_version(plan: Plan, at: datetime, **component: Any) -> None:
    old = plan.formula.parts.get().component
    old.retired_at = at
    old.save()
    ComponentFactory(code=old.code, version=2, published_at=at, **component)


@stop("test_positive")
def _a_reaction_is_reported(plan: Plan, at: datetime) -> None:
    negative = Reading.objects.get(patch_test__plan=plan)
    fields = {"kind": "reported", "grade": "", "read_at": at, "signed_at": at}
    TestReadingFactory(patch_test=negative.patch_test, supersedes=negative, positive=True, **fields)


@stop("test")
def _a_later_look_leaves_doubt(plan: Plan, at: datetime) -> None:
    negative = Reading.objects.get(patch_test__plan=plan)
    doubt = {"grade": "doubtful", "result": "equivocal", "valid_from": None, "valid_until": None}
    TestReadingFactory(
        patch_test=negative.patch_test, supersedes=negative, read_at=ago(days=1), signed_at=at, **doubt
    )


@stop("test")
def _the_reading_is_called_an_error(plan: Plan, at: datetime) -> None:
    EnteredInErrorFactory(reading=Reading.objects.get(patch_test__plan=plan), requested_at=at)


@stop("test")
def _the_test_is_called_an_error(plan: Plan, at: datetime) -> None:
    EnteredInErrorFactory(patch_test=plan.patch_tests.exclude(readings=None).get(), requested_at=at)


@stop("test")
def _an_allergy_is_told_that_asks_for_a_new_test(plan: Plan, at: datetime) -> None:
    question = RetestRuleFactory().question_code
    HealthAnswerFactory(patient=plan.patient, question__code=question, recorded_at=at)


@stop("test")
def _an_allergic_reaction_asks_for_a_new_test(plan: Plan, at: datetime) -> None:
    allergic_event(plan, onset_at=ago(days=5), signed_at=at)


@stop("test_wait")
def _an_answer_lets_the_tested_wait(plan: Plan, at: datetime) -> None:
    question = RetestRuleFactory(effect=RetestEffect.DEFER, wait_days=1).question_code
    HealthAnswerFactory(patient=plan.patient, question__code=question, recorded_at=at)


@stop("test")
def _an_answer_begins_to_ask_for_a_new_test(plan: Plan, at: datetime) -> None:
    HealthAnswerFactory(patient=plan.patient, question__code="weather", recorded_at=ago(days=3))
    off = RetestRuleFactory(
        code="weather", question_code="weather", effect=RetestEffect.OFF, published_at=ago(days=9)
    )
    RetestRule.objects.filter(pk=off.pk).update(retired_at=at)
    RetestRuleFactory(code="weather", question_code="weather", version=2, published_at=at)


@stop("plan_on_hold")
def _the_plan_is_held(plan: Plan, at: datetime) -> None:
    _change(plan, PlanStatus.ON_HOLD, at)


@stop("plan_stopped")
def _the_plan_is_stopped(plan: Plan, at: datetime) -> None:
    _change(plan, PlanStatus.STOPPED, at)


def _change(plan: Plan, status: PlanStatus, at: datetime) -> None:
    plan.status = status
    plan.save(update_fields=["status"])
    PlanStatusChange.objects.create(
        plan=plan, status=status, reason="fever", changed_at=at, changed_by=plan.created_by
    )


def both(plan: Plan, *, known_by: datetime | None, ordinal: int = 1) -> set[str | None]:
    """What the database and Python say of a session at START; one element when they agree."""
    in_sql = refusal(plan, at=START, known_by=known_by or "infinity", ordinal=ordinal)
    judged = clearance.judge(
        facts_of_one(plan),
        gate=clearance.Gate.SESSION,
        on=START,
        planned=plan.planned_sessions.get(ordinal=ordinal),
        known_by=known_by,
    )
    in_python = judged.conditions[0].code if judged.conditions else None
    return {in_sql, in_python}


# What was known, in SQL and in Python -----------------------------------------------------------------------------

ALL_STOPS = pytest.mark.parametrize(
    ("code", "close"), [pytest.param(*each, id=name) for name, each in STOPS.items()]
)


@ALL_STOPS
@pytest.mark.parametrize("since", [BEFORE, START], ids=["before it", "as it began"])
def test_what_was_known_when_it_was_given_stops_it(code: str, close: Stop, since: datetime) -> None:
    plan = plan_to_close()
    close(plan, since)
    assert both(plan, known_by=START) == {code}


@ALL_STOPS
def test_what_came_out_later_does_not_count_for_what_was_known(code: str, close: Stop) -> None:
    plan = plan_to_close()
    close(plan, AFTER)
    assert both(plan, known_by=START) == {None}


@ALL_STOPS
def test_everything_known_now_counts_whatever_time_is_named(code: str, close: Stop) -> None:
    plan = plan_to_close()
    close(plan, AFTER)
    assert both(plan, known_by=None) == {code}


def test_a_plan_that_was_on_hold_then_and_goes_on_now_was_on_hold() -> None:
    plan = plan_to_close()
    _change(plan, PlanStatus.ON_HOLD, BEFORE)
    _change(plan, PlanStatus.ACTIVE, AFTER)
    assert both(plan, known_by=START) == {"plan_on_hold"}
    assert both(plan, known_by=None) == {None}


def test_a_birth_date_that_is_corrected_after_it_was_given_does_not_stop_its_signature() -> None:
    plan = cleared_plan()
    Patient.objects.filter(pk=plan.patient_id).update(birth_date=TODAY - timedelta(days=16 * 365))
    assert [refusal(plan, at=START, known_by=START), refusal(plan, at=START)] == [None, "consent"]
    facts = facts_of_one(Plan.objects.get(pk=plan.pk))
    asked = {"gate": clearance.Gate.SESSION, "on": START, "planned": facts.planned[0]}
    assert clearance.judge(facts, known_by=START, **asked).is_clear
    assert [each.code for each in clearance.judge(facts, **asked).conditions] == ["consent"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"answered": True, "answered_at": AFTER}, "answer_open"),
        ({"answered": True, "answered_at": START}, None),
        ({"open": True, "answered_at": BEFORE, "reviewed": True, "reviewed_at": AFTER}, "answer_open"),
        ({"open": True, "answered_at": BEFORE, "reviewed": True, "reviewed_at": START}, None),
    ],
)
def test_a_check_in_is_judged_by_what_was_answered_and_reviewed_by_then(
    more: dict[str, object], code: str | None
) -> None:
    plan = plan_to_close()
    CheckInFactory(appointment__patient=plan.patient, asked_at=BEFORE, **more)
    assert both(plan, known_by=START) == {code}


@pytest.mark.parametrize(
    ("lifted_at", "code"),
    [(BEFORE, None), (START, None), (AFTER, "contraindicated")],
    ids=["before", "then", "later"],
)
def test_a_stop_stood_then_unless_it_was_lifted_by_then(lifted_at: datetime, code: str | None) -> None:
    plan = plan_to_close()
    PlanStopFactory(plan=plan, lifted=True, answer__recorded_at=ago(hours=3), lifted_at=lifted_at)
    assert both(plan, known_by=START) == {code}
    assert both(plan, known_by=None) == {None}


def test_the_status_that_counts_is_the_last_in_time_in_whatever_order_the_changes_were_entered() -> None:
    plan = plan_to_close()
    _change(plan, PlanStatus.ACTIVE, BEFORE)
    _change(plan, PlanStatus.ON_HOLD, ago(hours=3))
    assert both(plan, known_by=START) == {None}


@pytest.mark.parametrize(
    ("superseded_at", "code"),
    [(BEFORE, None), (START, None), (AFTER, "test")],
    ids=["before", "then", "later"],
)
def test_an_event_was_allergic_until_a_later_word_called_it_something_else(
    superseded_at: datetime, code: str | None
) -> None:
    plan = plan_to_close()
    first = allergic_event(plan, onset_at=ago(days=5), signed_at=ago(hours=3))
    AdverseEventFactory(
        plan=plan,
        patient=plan.patient,
        supersedes=first,
        onset_at=first.onset_at,
        signed_at=superseded_at,
    )
    assert both(plan, known_by=START) == {code}
    assert both(plan, known_by=None) == {None}


def test_a_plan_held_without_an_entry_is_judged_by_its_status() -> None:
    plan = plan_to_close()
    plan.status = PlanStatus.ON_HOLD
    plan.save(update_fields=["status"])
    assert both(plan, known_by=START) == {"plan_on_hold"}


def test_a_group_that_was_known_then_and_is_gone_now_closes() -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(allergen_groups=["soy"]), 1)]))
    AllergyFactory(patient=plan.patient, group_code="soy", reported_at=BEFORE)
    _new_version(plan, AFTER)
    assert both(plan, known_by=START) == {"allergy"}
    assert both(plan, known_by=None) == {"allergy"}


@pytest.mark.parametrize(("confirmed_at", "code"), [(BEFORE, None), (START, None), (AFTER, "test_positive")])
def test_a_reaction_closes_until_the_moment_at_which_two_people_call_it_an_error(
    confirmed_at: datetime, code: str | None
) -> None:
    plan = plan_to_close()
    test = PatchTestFactory(plan=plan)
    EnteredInErrorFactory(
        reading=TestReadingFactory(patch_test=test, positive=True),
        requested_at=ago(hours=3),
        confirmed=True,
        confirmed_at=confirmed_at,
    )
    assert both(plan, known_by=START) == {code}
    assert both(plan, known_by=None) == {None}


def test_what_is_said_in_the_moment_itself_was_known_in_it(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    """Where another finding would close the plan all the same, and the verdict does not tell."""
    plan = plan_to_close()
    test = plan.patch_tests.get()
    EnteredInErrorFactory(patch_test=test, requested_at=START)
    _a_later_look_leaves_doubt(plan, START)
    found = FoundCause(search="1", test=str(test.pk), causes=(), opened=(), signed_at=START)
    facts = replace(facts_of_one(plan), confirmations=[Confirmed(START)], causes=[found])
    then, earlier = as_known(facts, START), as_known(facts, START - timedelta(microseconds=1))
    with django_assert_num_queries(0):
        assert then.component_codes == facts.component_codes
    assert (then.confirmed, then.causes) == ([START], [found])
    assert (earlier.confirmed, earlier.causes) == ([], [])
    assert [[in_error(each) for each in facts.tests] for facts in (then, earlier)] == [[True], [False]]
    superseded = [getattr(facts.readings[0], "superseded_by", None) is not None for facts in (then, earlier)]
    assert superseded == [True, False]


# A session with a formula of its own ----------------------------------------------------------------------------------


def _lean_session() -> tuple[Session, str]:
    """A draft of a session given without one of the plan's components, and that component's code."""
    whole = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
    kept, left_out = whole.parts.order_by("pk")
    plan = cleared_plan(formula=whole, own_formula=FormulaFactory(parts=[(kept.component, 4)]))
    return SessionFactory(plan=plan, started_at=START), left_out.component.code


def test_what_was_known_of_a_session_is_of_the_formula_it_is_given_with() -> None:
    session, _left_out = _lean_session()
    facts = facts_of_session(session)
    assert [part.strength for part in as_known(facts, START).parts] == [Decimal(4)]
    assert [part.strength for part in as_known(facts_of_one(session.plan), START).parts] == [10, 5]


@pytest.mark.parametrize("known_by", [START, None])
def test_it_is_cleared_by_the_plan_s_whole_formula_like_every_session_of_it(
    known_by: datetime | None,
) -> None:
    session, left_out = _lean_session()
    AllergyFactory(patient=session.patient, component_codes=[left_out], reported_at=BEFORE)
    judged = clearance.judge(
        facts_of_session(session),
        gate=clearance.Gate.SESSION,
        on=START,
        planned=session.planned,
        known_by=known_by,
    )
    assert {each.code for each in judged.conditions} == both(session.plan, known_by=known_by) == {"allergy"}


# A required review ----------------------------------------------------------------------------------------------------


def _rule(plan: Plan) -> ReviewRule:
    return ReviewRule.objects.get(template_code=plan.template.code)


@pytest.mark.parametrize(
    ("requested_at", "then"),
    [
        pytest.param(BEFORE, "review_due", id="before it"),
        pytest.param(START, "review_due", id="as it began"),
        pytest.param(AFTER, None, id="later"),
    ],
)
def test_a_review_clears_until_the_moment_at_which_somebody_calls_it_an_error(
    requested_at: datetime, then: str | None
) -> None:
    plan = waiting_for_review()
    review = ReviewFactory(plan=plan, rule=_rule(plan), signed=True, created_at=ago(hours=4))
    EnteredInErrorFactory(review=review, requested_at=requested_at)
    assert both(plan, known_by=START, ordinal=2) == {then}
    assert both(plan, known_by=None, ordinal=2) == {"review_due"}


@pytest.mark.parametrize(
    ("signed_at", "code"), [(START, None), (AFTER, "review_due")], ids=["as it began", "only later"]
)
def test_a_review_clears_from_its_signature_on(signed_at: datetime, code: str | None) -> None:
    plan = waiting_for_review()
    ReviewFactory(plan=plan, rule=_rule(plan), signed=True, created_at=ago(hours=4), signed_at=signed_at)
    assert both(plan, known_by=START, ordinal=2) == both(plan, known_by=None, ordinal=2) == {code}


@pytest.mark.parametrize(
    ("published_at", "then"),
    [
        pytest.param(BEFORE, "review_due", id="before it"),
        pytest.param(START, "review_due", id="as it began"),
        pytest.param(AFTER, None, id="later"),
    ],
)
def test_a_requirement_counts_from_its_publication_on(published_at: datetime, then: str | None) -> None:
    plan = waiting_for_review(published_at=published_at)
    assert both(plan, known_by=START, ordinal=2) == {then}
    assert both(plan, known_by=None, ordinal=2) == {"review_due"}


# A cap decided in between ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("published_at", "then"),
    [
        pytest.param(BEFORE, "too_soon", id="before"),
        pytest.param(START, "too_soon", id="as it began"),
        pytest.param(AFTER, None, id="after"),
    ],
)
def test_a_cap_that_became_tighter_after_the_injection_does_not_stop_its_signature(
    published_at: datetime, then: str | None
) -> None:
    plan = cleared_plan(sessions=2, min_gap_days=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    loose: dict[str, Any] = {
        "code": "interval",
        "component_code": plan.formula.component_codes[0],
        "measure": "min_interval_days",
    }
    DoseCapFactory(**loose, limit=1, retired_at=published_at)
    DoseCapFactory(**loose, limit=7, version=2, published_at=published_at)
    assert both(plan, known_by=START, ordinal=2) == {then}
    assert both(plan, known_by=None, ordinal=2) == {"too_soon"}


def test_a_cap_nobody_had_decided_then_counts_as_it_was_first_decided() -> None:
    plan = cleared_plan(sessions=2, min_gap_days=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    code = plan.formula.component_codes[0]
    cap: dict[str, Any] = {"code": "interval", "component_code": code, "measure": "min_interval_days"}
    later = ago(minutes=10)
    DoseCapFactory(**cap, limit=7, published_at=AFTER, retired_at=later)
    DoseCapFactory(**cap, limit=1, version=2, published_at=later)
    assert both(plan, known_by=START, ordinal=2) == {"too_soon"}
    assert both(plan, known_by=None, ordinal=2) == {None}


def test_of_what_nobody_had_decided_then_no_later_version_counts() -> None:
    plan = cleared_plan(sessions=2, min_gap_days=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    code, later = plan.formula.component_codes[0], ago(minutes=10)
    cap: dict[str, Any] = {"code": "interval", "component_code": code, "measure": "min_interval_days"}
    DoseCapFactory(**cap, limit=1, published_at=AFTER, retired_at=later)
    DoseCapFactory(**cap, limit=7, version=2, published_at=later)
    assert both(plan, known_by=START, ordinal=2) == {None}
    assert both(plan, known_by=None, ordinal=2) == {"too_soon"}


# A session called an error ----------------------------------------------------------------------------------------


def _given_yesterday(**error: Any) -> Plan:
    plan = cleared_plan(min_gap_days=6)
    session = SessionFactory(plan=plan, signed=True, started_at=ago(days=1))
    if error:
        EnteredInErrorFactory(session=session, requested_at=ago(hours=3), **error)
    return plan


@pytest.mark.parametrize(
    ("error", "then", "now"),
    [
        pytest.param({}, "too_soon", "too_soon", id="not called an error"),
        pytest.param({"reason": "wrong patient"}, "too_soon", "too_soon", id="by one person"),
        pytest.param({"confirmed": True, "confirmed_at": BEFORE}, None, None, id="by two"),
        pytest.param({"confirmed": True, "confirmed_at": AFTER}, "too_soon", None, id="by two, only later"),
    ],
)
def test_a_session_keeps_its_interval_until_two_people_call_it_an_error(
    error: dict[str, Any], then: str | None, now: str | None
) -> None:
    plan = _given_yesterday(**error)
    assert both(plan, known_by=START, ordinal=2) == {then}
    assert both(plan, known_by=None, ordinal=2) == {now}


@pytest.mark.parametrize("confirmed", [False, True])
def test_progress_and_doses_count_a_session_until_two_people_call_it_an_error(confirmed: bool) -> None:
    plan = _given_yesterday(reason="wrong patient", confirmed=confirmed)
    facts, counted = facts_of_one(plan), 0 if confirmed else 1
    dose = component_doses(facts, volume_ml=Decimal(1), weight_kg=None, on=ago(days=1).date())[0]
    assert len(facts.given) == Session.objects.given().count() == counted
    assert dose.other_amount == counted * Decimal(10)


@cases.refused_by("session_cleared")
def _a_session_after_a_late_reaction_to_its_test() -> None:
    by_save(build_session(read_late_plan(positive=True)))


@cases.refused_by("session_cleared")
def _a_second_record_of_a_session_that_one_person_calls_an_error() -> None:
    plan = _given_yesterday(reason="wrong patient")
    by_save(build_session(plan))


def test_a_second_record_of_a_session_that_two_people_call_an_error() -> None:
    plan = _given_yesterday(confirmed=True)
    by_save(build_session(plan))
    assert plan.sessions.count() == 2


# Signing ----------------------------------------------------------------------------------------------------------


def _draft(plan: Plan) -> Session:
    """A session as it was given at START, with all that a signature asks for."""
    formula = plan.formula
    return SessionFactory(
        plan=plan, started_at=START, zones=[{}], lots=lots_of(formula), doses=list(formula.parts.all())
    )


def _sign(row: Any, **fields: Any) -> None:
    seal = {"signed_at": CLINIC_NOW, "signed_by": UserFactory(), "content_hash": "0" * 64}
    type(row).objects.filter(pk=row.pk).update(**seal, **fields)


@ALL_STOPS
def test_a_session_is_signed_whatever_closed_after_it_was_given(code: str, close: Stop) -> None:
    plan = plan_to_close()
    session = _draft(plan)
    close(plan, AFTER)
    _sign(session, outcome="complete")
    assert Session.objects.get(pk=session.pk).is_signed


@ALL_STOPS
def test_a_test_is_signed_whatever_closed_after_it_was_given(code: str, close: Stop) -> None:
    plan = plan_to_close()
    again = PatchTestFactory(plan=plan, draft=True, given_at=START)
    close(plan, AFTER)
    _sign(again)
    assert PatchTest.objects.get(pk=again.pk).is_signed


def _closed(close: Stop) -> Plan:
    plan = plan_to_close()
    close(plan, AFTER)
    return plan


for _name, (_code, _close) in STOPS.items():
    cases.add(
        "session_cleared",
        lambda close=_close: by_save(build_session(_closed(close), started_at=START)),
        name=f"entered with an earlier time after {_name}",
    )
    if _code not in ("test", "test_wait"):
        cases.add(
            "patch_test_cleared",
            lambda close=_close: by_save(build_test(_closed(close), given_at=START)),
            name=f"entered with an earlier time after {_name}",
        )


@cases.refused_by("session_cleared")
def _a_consent_taken_back_before_the_session_and_entered_after_it() -> None:
    plan = plan_to_close()
    session = _draft(plan)
    ConsentWithdrawalFactory(consent=plan.consents.get(), withdrawn_at=BEFORE)
    _sign(session, outcome="complete")


@cases.refused_by("session_cleared")
def _a_draft_whose_time_is_moved_after_the_plan_was_closed() -> None:
    plan = plan_to_close()
    session = _draft(plan)
    _the_plan_is_held(plan, AFTER)
    Session.objects.filter(pk=session.pk).update(started_at=BEFORE)


@cases.refused_by("session_cleared")
def _a_draft_moved_to_another_session_of_the_plan_after_it_was_closed() -> None:
    plan = plan_to_close()
    session = _draft(plan)
    _the_plan_is_held(plan, AFTER)
    Session.objects.filter(pk=session.pk).update(planned=plan.planned_sessions.get(ordinal=2))


@cases.refused_by("session_cleared")
def _a_deviation_taken_away_after_the_plan_was_closed() -> None:
    plan = plan_to_close()
    session = SessionFactory(plan=plan, started_at=START, deviation=DeviationFactory(plan=plan))
    _the_plan_is_held(plan, AFTER)
    Session.objects.filter(pk=session.pk).update(deviation=None)


@cases.refused_by("session_cleared")
def _an_earlier_session_not_given_that_becomes_given_after_the_plan_was_closed() -> None:
    plan = _closed(_the_plan_is_held)
    row = SessionFactory(plan=plan, started_at=START, outcome="not_given", outcome_reason="fever")
    Session.objects.filter(pk=row.pk).update(outcome="complete")


@cases.refused_by("patch_test_cleared")
def _a_test_whose_time_is_moved_after_the_plan_was_closed() -> None:
    plan = plan_to_close()
    test = PatchTestFactory(plan=plan, draft=True, given_at=START, lots=[])
    _the_plan_is_held(plan, AFTER)
    PatchTest.objects.filter(pk=test.pk).update(given_at=BEFORE)


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_gate_refuses_by_name(case: Case) -> None:
    """And lets it through once it is away: that is the harm."""
    assert tried_with_and_without(case) == case.guard


# Through the actions ----------------------------------------------------------------------------------------------


def test_a_session_begun_before_the_plan_was_held_is_saved_and_signed(
    practitioner_user: User, doctor: Any
) -> None:
    plan, by = cleared_plan(), practitioner_user
    session = sessions.begin(planned=plan.planned_sessions.get(ordinal=1), appointment=None, by=by, at=START)
    plans.hold(plan=plan, reason="fever", by=by, at=AFTER)
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    assert sessions.sign(session=session, version=None, by=by, at=CLINIC_NOW).is_signed
    plan.refresh_from_db()
    assert plan.status == PlanStatus.ON_HOLD


def test_a_strong_reaction_after_a_session_does_not_stop_its_signature(
    practitioner_user: User, doctor: Any
) -> None:
    plan, by = cleared_plan(), practitioner_user
    session = sessions.begin(planned=plan.planned_sessions.get(ordinal=1), appointment=None, by=by, at=START)
    patch_tests.report_reaction(
        test=plan.patch_tests.get(), details={"read_at": AFTER, "systemic_sign": True}, by=by, at=AFTER
    )
    assert plan.patient.allergies.get().status == AllergyStatus.CONFIRMED
    course.written(session, course.zones((10, "0.1")), by=by, at=CLINIC_NOW)
    assert sessions.sign(session=session, version=None, by=by, at=CLINIC_NOW).is_signed


# Allergen groups in force -----------------------------------------------------------------------------------------


def test_a_group_that_only_the_version_being_prepared_names_does_not_close() -> None:
    plan = plan_to_close()
    AllergyFactory(patient=plan.patient, group_code="soy", reported_at=BEFORE)
    ComponentFactory(
        code=plan.formula.parts.get().component.code, version=2, draft=True, allergen_groups=["soy"]
    )
    assert both(plan, known_by=None) == {None}


def test_a_new_version_leaves_other_groups_alone() -> None:
    plan = consented_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 1)]))
    _new_version(plan, AFTER, allergen_groups=["soy"])
    AllergyFactory(patient=plan.patient, group_code="egg", reported_at=BEFORE)
    assert refusal(plan, gate="test") is None
