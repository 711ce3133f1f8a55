"""When a check is due: the shipped days, what gives way to what, and how long each waits."""

from datetime import date, timedelta

import pytest

from clinic.errors import DomainError
from consultations.enums import FollowUpAnswer
from consultations.models import FollowUpRule, Session
from consultations.rules import follow_ups as rules
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
SESSION = date(2026, 3, 2)


def shipped() -> list[FollowUpRule]:
    return list(FollowUpRule.objects.current())


def due(days: int, on_rules: list[FollowUpRule] | None = None) -> str:
    """The check that is due so many days after the session."""
    on = SESSION + timedelta(days=days)
    found = rules.spans(shipped() if on_rules is None else on_rules, on=on)
    codes = [span.rule.code for span in found if span.first <= SESSION <= span.last]
    assert len(codes) <= 1
    return codes[0] if codes else ""


def test_the_clinic_asks_after_1_7_28_and_84_days_and_182_is_shipped_but_off() -> None:
    assert [(rule.days, rule.is_asked) for rule in shipped()] == [
        (1, True),
        (7, True),
        (28, True),
        (84, True),
        (182, False),
    ]
    assert all(rule.question.endswith("?") and rule.to_confirm for rule in shipped())


@pytest.mark.parametrize(
    ("days", "check"),
    [
        (0, ""),
        (1, "day_1"),
        (6, "day_1"),
        (7, "week_1"),
        (20, "week_1"),
        (21, ""),
        (27, ""),
        (28, "week_4"),
        (55, "week_4"),
        (56, ""),
        (83, ""),
        (84, "week_12"),
        (125, "week_12"),
        (126, ""),
        (182, ""),
    ],
)
def test_each_check_waits_its_days_and_gives_way_to_the_next(days: int, check: str) -> None:
    assert due(days) == check


@pytest.mark.parametrize(
    ("open_days", "found"),
    [
        (60, {6: "day_1", 7: "week_1", 27: "week_1", 28: "week_4", 83: "week_4", 84: "week_12"}),
        (1, {1: "day_1", 2: "", 6: "", 7: "week_1", 8: ""}),
    ],
)
def test_however_long_a_check_waits_the_next_one_takes_its_day(open_days: int, found: dict[int, str]) -> None:
    wanted = shipped()
    for each in wanted:
        each.open_days = open_days
    assert {days: due(days, wanted) for days in found} == found


def test_a_check_that_the_clinic_turned_on_is_asked() -> None:
    wanted = shipped()
    wanted[-1].is_asked = True
    assert due(182, wanted) == "week_26"


def test_without_any_rule_nothing_is_due() -> None:
    assert rules.spans([], on=SESSION) == []


def test_the_next_check_is_the_first_still_to_come() -> None:
    coming = rules.next_after(shipped(), session_day=SESSION, on=SESSION + timedelta(days=7))
    assert coming is not None
    assert (coming.code, rules.due_on(SESSION, coming)) == ("week_4", date(2026, 3, 30))
    assert rules.next_after(shipped(), session_day=SESSION, on=SESSION + timedelta(days=84)) is None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, ""),
        ({"outcome": "not_given"}, "not_given"),
        ({"signed_at": None}, "not_given"),
        ({"started_at": ago(hours=5)}, "not_due"),
        ({"started_at": CLINIC_NOW}, "not_due"),
        ({"started_at": ahead(minutes=1)}, "not_given"),
    ],
)
def test_a_check_follows_a_session_given_and_is_made_when_it_is_due(changed: dict, code: str) -> None:
    given = {"outcome": "complete", "signed_at": ago(days=1), "started_at": ago(days=1)} | changed
    assert _refusal(Session(**given), rules.Told(FollowUpAnswer.NOTHING)) == code


@pytest.mark.parametrize(("words", "code"), [("a lump", ""), ("  ", "words_missing")])
def test_what_was_noticed_is_said_in_words(words: str, code: str) -> None:
    session = Session(outcome="complete", signed_at=ago(days=1), started_at=ago(days=1))
    assert _refusal(session, rules.Told(FollowUpAnswer.SOMETHING, words)) == code


def test_a_check_that_is_due_on_the_same_day_as_the_next_gives_way_wholly() -> None:
    first, second = (FollowUpRule(code=code, days=7, open_days=3, is_asked=True) for code in ("a", "b"))
    found = [span.rule for span in rules.spans([first, second], on=SESSION + timedelta(days=8))]
    assert found == [second]


def _refusal(session: Session, told: rules.Told) -> str:
    (rule,) = [each for each in shipped() if each.days == 1]
    day = session.started_at.astimezone(CLINIC_NOW.tzinfo).date()
    try:
        rules.check_follow_up(session, rule, told, session_day=day, at=CLINIC_NOW, on=TODAY)
    except DomainError as refused:
        assert refused.field == ("words" if refused.code == "words_missing" else None)
        return refused.code
    return ""
