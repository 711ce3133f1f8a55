"""Which check is due how long after a session, and whether one can be recorded.

The days (1, 7, 28, 84) cover the 1 to 12 weeks in which mycobacterial lesions begin (PubMed 17550571); they, and how
long a check waits, are reference data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import zip_longest

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import GIVEN, FollowUpAnswer
from consultations.models import FollowUpRule, Session


@dataclass(frozen=True, slots=True)
class Span:
    """The days of sessions, both included, for which one check is due on a day."""

    rule: FollowUpRule
    first: date
    last: date


def spans(rules: Iterable[FollowUpRule], *, on: date) -> list[Span]:
    """Of each rule that is asked, the sessions it is due for on the day: a check waits its days, the due day included,
    and gives way on the day the next one is due. No two spans overlap."""
    asked = sorted((rule for rule in rules if rule.is_asked), key=lambda rule: rule.days)
    found = []
    for rule, later in zip_longest(asked, asked[1:]):
        first = on - timedelta(days=rule.days + rule.open_days - 1)
        if later is not None:
            first = max(first, on - timedelta(days=later.days - 1))
        last = on - timedelta(days=rule.days)
        if first <= last:
            found.append(Span(rule, first, last))
    return found


def due_on(session_day: date, rule: FollowUpRule) -> date:
    """The day on which the check is due: whole calendar days of the clinic after the session's."""
    return session_day + timedelta(days=rule.days)


def next_after(rules: Iterable[FollowUpRule], *, session_day: date, on: date) -> FollowUpRule | None:
    """The first check that is still to become due."""
    asked = sorted((rule for rule in rules if rule.is_asked), key=lambda rule: rule.days)
    return next((rule for rule in asked if due_on(session_day, rule) > on), None)


@dataclass(frozen=True, slots=True)
class Told:
    """What a patient answers to a check."""

    answer: FollowUpAnswer
    words: str = ""


def check_follow_up(
    session: Session, rule: FollowUpRule, told: Told, *, session_day: date, at: datetime, on: date
) -> None:
    """The session was given, the check is due, and what was noticed is said in words.

    An earlier session's check may still be recorded when a later session has been given: the answer counts.

    Raises:
        DomainError: not_given, not_due or words_missing.
    """
    if not session.is_signed or session.outcome not in GIVEN or session.started_at > at:
        raise DomainError(_("A check follows a session that was given and signed."), "not_given")
    if on < due_on(session_day, rule):
        raise DomainError(
            _(
                "This check is not due yet. If the patient tells you something now, record an adverse event,"
                " or have it taken down as a report."
            ),
            "not_due",
        )
    if told.answer == FollowUpAnswer.SOMETHING and not told.words.strip():
        raise DomainError(_("Write down what the patient noticed."), "words_missing", field="words")
