"""The table of codes holds all that clearance can say, and each means what it meant to the pages."""

import re
from pathlib import Path

from consultations.enums import PlanStatus
from consultations.rules import codes, gates

FOLDER = Path(gates.__file__).parent
# Said of a visit, by rules.visits and rules.check_ins: the gates cannot say them.
OF_VISITS = {"test_again", "earlier_session", "answers_missing"}
OF_SIGNATURES = {
    "over_cap",
    "lot_past_use",
    "lot_unusable",
    "lot_missing",
    "lot_not_tested",
    "too_many_points",
    "too_much_per_point",
    "too_much_per_cm2",
}  # by rules.over_caps, rules.lots and rules.tested_lots; of a test by actions.patch_tests


def test_every_code_that_a_gate_says_is_in_the_table_and_no_other() -> None:
    said = {
        code
        for module in FOLDER.glob("*.py")
        for code in re.findall(r'Condition\(\s*f?"(\w+|plan_\{status\})"', module.read_text(encoding="utf-8"))
    }
    assert "plan_{status}" in said
    states = {f"plan_{status}" for status in PlanStatus if status != PlanStatus.ACTIVE}
    assert said - {"plan_{status}"} | states | OF_VISITS | OF_SIGNATURES == set(codes.CODES)


def test_what_may_still_come_before_a_visit() -> None:
    assert {
        "consent",
        "test",
        "test_again",
        "report_open",
        "answer_open",
        "answers_missing",
        "allergy_unassessed",
        "review_due",
        "cap_undecided",
        "consultation_expired",
    } == codes.MAY_STILL_COME


def test_what_ends_the_way_as_it_was_agreed() -> None:
    assert {
        "consultation",
        "contraindicated",
        "deferred",
        "allergy",
        "test_positive",
        "course_full",
    } == codes.CLOSES


def test_every_code_has_words_and_an_unknown_one_is_named_as_it_is() -> None:
    assert [code for code in codes.CODES if codes.in_words(code) in ("", code)] == []
    assert codes.in_words("a_new_rule") == "a_new_rule"
