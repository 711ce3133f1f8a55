"""The truth table of the database's own gate: what `pathway_refusal` says (test_gate_writes.py: what then happens).

A cleared plan has everything; each case of `cases/` takes one thing away and names the code that must come back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from consultations.enums import Answer, CapDecision, Decision, PlanStatus, TestRequirement
from consultations.models import Plan, ReviewRule, Session
from consultations.models import TestReading as Reading
from tests.consultations.cases import collected
from tests.consultations.cases.gate import Lacking, a_consent_that_was_withdrawn, allergic, with_consultation
from tests.factories import (
    ClinicalReportFactory,
    ComponentFactory,
    ConsentFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatchTestFactory,
    PatientFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.guards import sql

pytestmark = pytest.mark.django_db
MISSING: list[tuple[str, str, Lacking]] = collected("missing")


def refusal(
    plan: Plan,
    *,
    gate: str = "session",
    at: datetime = CLINIC_NOW,
    ordinal: int = 1,
    patient: Any = None,
    known_by: datetime | str = "infinity",
) -> Any:
    """What the SQL function says of the plan's session `ordinal`, or of a test injection, by what was known then."""
    planned = plan.planned_sessions.filter(ordinal=ordinal).values_list("pk", flat=True).first()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(%s, %s, %s, %s, %s, %s)",
            [
                plan.pk,
                (patient or plan.patient).pk,
                at,
                gate,
                planned if gate == "session" else None,
                known_by,
            ],
        )
        return cursor.fetchone()[0]


# The truth table --------------------------------------------------------------------------------------------------


def test_a_plan_with_everything_is_cleared_for_its_session_and_for_another_test() -> None:
    plan = cleared_plan()
    assert [refusal(plan), refusal(plan, gate="test")] == [None, None]


def test_a_plan_with_consent_is_cleared_for_the_test_and_waits_for_it() -> None:
    plan = consented_plan()
    assert [refusal(plan, gate="test"), refusal(plan)] == [None, "test"]


@pytest.mark.parametrize(
    ("code", "make"), [pytest.param(code, make, id=name) for code, name, make in MISSING]
)
@pytest.mark.parametrize("gate", ["test", "session"])
def test_what_is_missing_is_named(gate: str, code: str, make: Lacking) -> None:
    assert refusal(make(), gate=gate) == code


def test_the_codes_of_the_truth_table_are_all_there_are() -> None:
    """Read from the functions' own text, so that a new reason needs a case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(prosrc, chr(10)) FROM pg_proc WHERE proname = 'pathway_refusal' OR proname LIKE 'gate\\_%'"
        )
        (source,) = cursor.fetchone()
    codes = {line.split("RETURN '")[1].split("'")[0] for line in source.splitlines() if "RETURN '" in line}
    states = {f"plan_{status}" for status in PlanStatus if status != PlanStatus.ACTIVE}
    elsewhere = {
        "other_patient",
        "future",
        "test",
        "test_wait",
        "too_soon",
        "review_due",
        "cap_undecided",
        "course_full",
    }
    assert {code for code, _name, _make in MISSING} | elsewhere == codes - {"plan_"} | states


@pytest.fixture
def parts() -> dict[str, str]:
    """Each code with the part of the gate that says it."""
    with connection.cursor() as cursor:
        cursor.execute(r"SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'gate\_%'")
        found = {
            code: name for name, source in cursor.fetchall() for code in re.findall(r"RETURN '(\w+)'", source)
        }
    states = {f"plan_{status}": "gate_plan" for status in PlanStatus}
    return found | states


@contextmanager
def _without_part(name: str) -> Iterator[None]:
    """Lets the part find nothing, as if it had never been asked."""
    asked = "the_plan uuid, the_patient uuid, the_time timestamptz, the_planned uuid, known_by timestamptz"
    with transaction.atomic():
        sql(
            f"CREATE OR REPLACE FUNCTION {name}({asked}) RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text'"
        )()
        yield
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("code", "make"), [pytest.param(code, make, id=name) for code, name, make in MISSING]
)
def test_nothing_says_what_is_missing_when_its_part_is_taken_away(
    code: str, make: Lacking, parts: dict[str, str]
) -> None:
    plan = make()
    with _without_part(parts[code]):
        assert refusal(plan, gate="test") is None


def test_nothing_asks_for_the_test_or_the_interval_when_its_part_is_taken_away(parts: dict[str, str]) -> None:
    untested, early = consented_plan(), cleared_plan(min_gap_days=6)
    SessionFactory(plan=early, signed=True, started_at=ago(days=5))
    assert [refusal(untested), refusal(early, ordinal=2)] == ["test", "too_soon"]
    with _without_part(parts["test"]), _without_part(parts["too_soon"]):
        assert [refusal(untested), refusal(early, ordinal=2)] == [None, None]


def test_nothing_asks_for_the_review_when_its_part_is_taken_away(parts: dict[str, str]) -> None:
    plan = waiting_for_review()
    assert [refusal(plan), refusal(plan, ordinal=2)] == [None, "review_due"]
    with _without_part(parts["review_due"]):
        assert refusal(plan, ordinal=2) is None


# The review that is required ------------------------------------------------------------------------------------------


def test_a_review_that_is_only_recommended_or_of_another_course_holds_nothing_back() -> None:
    advised, elsewhere = waiting_for_review(is_required=False), waiting_for_review(template_code="another")
    assert [refusal(plan, ordinal=2) for plan in (advised, elsewhere)] == [None, None]


def test_a_signed_review_lets_the_course_go_on_and_a_draft_or_an_error_does_not() -> None:
    plan = waiting_for_review()
    rule = ReviewRule.objects.get(template_code=plan.template.code)
    draft = ReviewFactory(plan=plan, rule=rule)
    assert refusal(plan, ordinal=2) == "review_due"
    draft.delete()
    review = ReviewFactory(plan=plan, rule=rule, signed=True)
    assert refusal(plan, ordinal=2) is None
    EnteredInErrorFactory(review=review)
    assert refusal(plan, ordinal=2) == "review_due"


def test_a_review_held_for_no_rule_or_another_rule_does_not_count() -> None:
    plan = waiting_for_review()
    ReviewFactory(plan=plan, rule=None, signed=True)
    ReviewFactory(plan=plan, rule=ReviewRuleFactory(template_code=plan.template.code), signed=True)
    assert refusal(plan, ordinal=2) == "review_due"


def test_a_review_counts_whatever_version_of_its_rule_it_was_held_for() -> None:
    plan = waiting_for_review()
    rule = ReviewRule.objects.get(template_code=plan.template.code)
    ReviewFactory(plan=plan, rule=rule, signed=True)
    ReviewRule.objects.filter(pk=rule.pk).update(retired_at=ago(minutes=5))
    ReviewRuleFactory(
        code=rule.code,
        version=2,
        template_code=rule.template_code,
        required=True,
        published_at=ago(minutes=5),
    )
    assert refusal(plan, ordinal=2) is None


def test_a_requirement_that_was_withdrawn_holds_nothing_back() -> None:
    plan = waiting_for_review()
    ReviewRule.objects.filter(template_code=plan.template.code).update(retired_at=ago(minutes=5))
    assert refusal(plan, ordinal=2) is None


def _capped(**cap: Any) -> Plan:
    """Two sessions, the first given five days ago, with a cap on what is in them."""
    plan = cleared_plan(sessions=2, min_gap_days=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=5))
    DoseCapFactory(component_code=plan.formula.component_codes[0], **cap)
    return plan


CAPS = pytest.mark.parametrize(
    ("code", "cap"),
    [
        pytest.param("cap_undecided", {"decision": CapDecision.UNSET, "limit": None}, id="undecided"),
        pytest.param("course_full", {"measure": "sessions_per_plan", "limit": 1}, id="sessions of the plan"),
        pytest.param("course_full", {"measure": "sessions_per_patient", "limit": 1}, id="of the patient"),
        pytest.param("too_soon", {"measure": "min_interval_days", "limit": 6}, id="days between"),
        pytest.param("too_soon", {"measure": "min_interval_months", "limit": 1}, id="months between"),
    ],
)


@CAPS
def test_a_cap_on_the_course_closes_the_gate_and_nothing_does_without_its_part(
    code: str, cap: dict[str, Any], parts: dict[str, str]
) -> None:
    plan = _capped(**cap)
    assert (refusal(plan, ordinal=2), refusal(plan, gate="test")) == (code, None)
    with _without_part(parts[code]):
        assert refusal(plan, ordinal=2) is None


@CAPS
def test_sessions_and_intervals_count_over_all_plans_of_the_patient(code: str, cap: dict[str, Any]) -> None:
    given = _capped(**cap)
    other = cleared_plan(patient=given.patient, formula=given.formula)
    assert refusal(other) == (None if cap.get("measure") == "sessions_per_plan" else code)
    stranger = cleared_plan(formula=given.formula)
    assert refusal(stranger) == ("cap_undecided" if code == "cap_undecided" else None)


# What does not stand in the way -----------------------------------------------------------------------------------


def test_an_answer_that_deferred_until_today_no_longer_does() -> None:
    answer = {"answer": Answer.YES, "decision": Decision.DEFER, "defer_until": TODAY}
    assert refusal(with_consultation(signed=True, answers=[answer])) is None


def test_a_report_that_was_looked_at_does_not_stop_a_session() -> None:
    plan = cleared_plan()
    ClinicalReportFactory(patient=plan.patient, triaged=True)
    assert refusal(plan) is None


@pytest.mark.parametrize(
    "allergy",
    [{"group_code": "soy", "refuted": True}, {"group_code": "egg"}, {"group_code": "egg", "confirmed": True}],
)
def test_a_refuted_allergy_or_one_to_something_else_does_not_stop_a_session(allergy: dict[str, Any]) -> None:
    assert refusal(allergic(**allergy)) is None


def test_a_new_consent_after_a_withdrawal_clears_again() -> None:
    plan = a_consent_that_was_withdrawn()
    ConsentFactory(plan=plan, signed_at=ago(minutes=1))
    assert refusal(plan) is None


def test_another_patients_reaction_does_not_stop_a_session() -> None:
    shared = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(shared, 1)]))
    other = consented_plan(formula=FormulaFactory(parts=[(shared, 1)]))
    TestReadingFactory(patch_test__plan=other, positive=True)
    assert refusal(plan) is None


@pytest.mark.parametrize("record", ["reading", "patch_test"])
def test_a_reaction_that_two_people_call_an_error_no_longer_stops_the_test(record: str) -> None:
    reading = TestReadingFactory(patch_test__plan=consented_plan(), positive=True)
    EnteredInErrorFactory(confirmed=True, **{record: reading if record == "reading" else reading.patch_test})
    assert refusal(reading.patch_test.plan, gate="test") is None


# Patient and time -------------------------------------------------------------------------------------------------


def test_the_plan_of_another_patient_clears_nobody() -> None:
    plan = cleared_plan()
    assert refusal(plan, patient=PatientFactory()) == "other_patient"


def test_a_plan_that_does_not_exist_clears_nobody() -> None:
    patient = PatientFactory()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pathway_refusal(gen_random_uuid(), %s, now(), 'session', NULL, 'infinity')", [patient.pk]
        )
        assert cursor.fetchone() == ("other_patient",)


def test_nothing_is_injected_in_the_future() -> None:
    """By PostgreSQL's clock, with five minutes for clocks that differ."""
    plan, now = cleared_plan(), timezone.now()
    answers = [refusal(plan, gate="test", at=now + timedelta(minutes=minutes)) for minutes in (4, 6)]
    assert answers == [None, "future"]


# The test and its policy ------------------------------------------------------------------------------------------


def test_a_test_that_nobody_has_read_does_not_clear() -> None:
    plan = consented_plan()
    PatchTestFactory(plan=plan)
    assert refusal(plan) == "test"


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        pytest.param({"valid_from": ahead(minutes=1)}, "test", id="not yet valid"),
        pytest.param({"valid_from": CLINIC_NOW}, None, id="valid from this minute"),
        pytest.param({"valid_until": CLINIC_NOW}, "test", id="expired this minute"),
        pytest.param({"valid_until": ahead(minutes=1)}, None, id="valid for one more minute"),
        pytest.param({"signed_at": ahead(minutes=1)}, "test", id="signed only later"),
        pytest.param(
            {"result": "equivocal", "grade": "doubtful", "valid_from": None, "valid_until": None}, "test"
        ),
        pytest.param(
            {"result": "invalid", "grade": "not_done", "valid_from": None, "valid_until": None}, "test"
        ),
        pytest.param({"result": "awaiting", "grade": "", "valid_from": None, "valid_until": None}, "test"),
    ],
)
def test_only_a_negative_reading_in_its_time_clears(reading: dict[str, Any], code: str | None) -> None:
    plan = consented_plan()
    TestReadingFactory(patch_test__plan=plan, **reading)
    assert refusal(plan) == code


def test_a_superseded_reading_does_not_clear() -> None:
    plan = cleared_plan()
    first = Reading.objects.get()
    TestReadingFactory(
        patch_test=first.patch_test, supersedes=first, grade="doubtful", result="equivocal", valid_from=None, valid_until=None
    )  # fmt: skip
    assert refusal(plan) == "test"


@pytest.mark.parametrize("record", ["reading", "patch_test"])
def test_a_test_or_reading_in_error_stops_clearing_at_once(record: str) -> None:
    plan = cleared_plan()
    reading = Reading.objects.get()
    EnteredInErrorFactory(**{record: reading if record == "reading" else reading.patch_test})
    assert refusal(plan) == "test"


def _plan_beside_tests(requirement: str, *tested: list[Any]) -> Plan:
    """A plan with components A and B under the policy, whose patient was tested in other plans as given."""
    a, b = ComponentFactory(), ComponentFactory()
    formula = FormulaFactory(parts=[(a, 1), (b, 1)])
    plan = consented_plan(formula=formula, test_policy__requirement=requirement)
    for letters in tested:
        parts = [({"a": a, "b": b}[letter], 2) for letter in letters]
        other = consented_plan(patient=plan.patient, formula=FormulaFactory(parts=parts))
        TestReadingFactory(patch_test__plan=other)
    return plan


@pytest.mark.parametrize(
    ("requirement", "tested", "code"),
    [
        (TestRequirement.NOT_REQUIRED, [], None),
        (TestRequirement.REQUIRED, [], "test"),
        (TestRequirement.REQUIRED, ["a"], "test"),
        (TestRequirement.REQUIRED, ["a", "b"], "test"),
        (TestRequirement.REQUIRED, ["ab"], None),
        (TestRequirement.NOT_AGAIN, [], "test"),
        (TestRequirement.NOT_AGAIN, ["a"], "test"),
        (TestRequirement.NOT_AGAIN, ["a", "b"], None),
        (TestRequirement.NOT_AGAIN, ["ab"], None),
    ],
)
def test_what_counts_as_tested_is_the_policys_choice(
    requirement: str, tested: list[str], code: str | None
) -> None:
    assert refusal(_plan_beside_tests(requirement, *tested)) == code


@pytest.mark.parametrize("requirement", TestRequirement.values)
def test_a_reaction_stops_every_policy(requirement: str) -> None:
    plan = consented_plan(test_policy__requirement=requirement)
    TestReadingFactory(patch_test__plan=plan, positive=True)
    assert refusal(plan) == "test_positive"


# The interval -----------------------------------------------------------------------------------------------------


def _with_session(*, days_ago: int, **session: Any) -> Plan:
    plan = cleared_plan(min_gap_days=6)
    SessionFactory(plan=plan, started_at=ago(days=days_ago), **session)
    return plan


@pytest.mark.parametrize(("days_ago", "code"), [(0, "too_soon"), (5, "too_soon"), (6, None)])
def test_the_next_session_keeps_its_distance(days_ago: int, code: str | None) -> None:
    assert refusal(_with_session(days_ago=days_ago, signed=True), ordinal=2) == code


@pytest.mark.parametrize(
    "session",
    [
        pytest.param({}, id="a draft"),
        pytest.param(
            {
                "signed": True,
                "outcome": "not_given",
                "outcome_reason": "fever",
                "zones": [],
                "lots": [],
                "doses": [],
            },
            id="not given",
        ),
    ],
)
def test_only_sessions_that_were_given_count(session: dict[str, Any]) -> None:
    assert refusal(_with_session(days_ago=1, **session), ordinal=2) is None


def test_a_session_that_two_people_call_an_error_does_not_count() -> None:
    plan = _with_session(days_ago=1, signed=True)
    EnteredInErrorFactory(session=Session.objects.get(), confirmed=True)
    assert refusal(plan, ordinal=2) is None
