"""A test injection without reaction that counts at the moment, where the policy asks for one."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words, start_of_day
from consultations.enums import TestRequirement
from consultations.models import PlannedSession, TestReading
from consultations.queries import PlanFacts
from consultations.rules import causes, retest
from consultations.rules.gates.words import not_cleared, not_confirmed


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`test_wait` after a change that lets treatment wait; `test`, with the moment from which a reading that exists will
    clear."""
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        return []
    return _waits(facts, on) + _not_tested(facts, on)


def _waits(facts: PlanFacts, on: datetime) -> list[Condition]:
    wait = retest.waits_until(facts)
    if wait is None or timezone.localdate(on) >= wait[0]:
        return []
    until, change = wait
    return [
        Condition(
            "test_wait",
            not_cleared(facts),
            earliest=start_of_day(until),
            detail=_("Since the test: %(change)s. Not before %(day)s.")
            % {"change": change.words, "day": in_words(until)},
        )
    ]


def _not_tested(facts: PlanFacts, on: datetime) -> list[Condition]:
    if test_settled(facts, on):
        return []
    words = _("The test injection is not read, or no longer valid.")
    return [Condition("test", words, earliest=settled_from(facts, on), detail=_why(facts, on))]


def _why(facts: PlanFacts, on: datetime) -> str:
    """What asks for a test, for clinicians: what is in doubt, what opened again, or what happened after the last one."""
    since, unclear = retest.asks_since(facts), retest.in_doubt(facts, on)
    reopened = causes.reopened_at(facts)
    tested = [
        each.patch_test.given_at
        for each in facts.negative_readings
        if facts.component_codes & set(each.patch_test.component_codes)
    ]
    last = max(tested, default=None)
    if unclear:
        words = _("The test of %(day)s was unclear: sessions wait until its repeat is read without reaction.")
        said = words % {"day": in_words(unclear.given_at)}
        return f"{said} {not_confirmed()}" if retest.is_called_error(facts, unclear) else said
    if reopened and (last is None or last < reopened):
        words = _(
            "The cause of a positive test was found on %(day)s: what opened again needs a test of this formula."
        )
        return words % {"day": in_words(reopened)}
    if since and last and last < since.at:
        return _("A new test is needed: %(change)s, after the last one.") % {"change": since.words}
    return _("The formula's components need a test read without reaction that is valid on the day.")


def settled_from(facts: PlanFacts, on: datetime) -> datetime | None:
    """The first moment after this one at which readings that exist meet the policy's demand for a test; None when they
    never do, whatever else of the patient was read."""
    starts = [each.valid_from for each in facts.negative_readings if each.valid_from and each.valid_from > on]
    return next((moment for moment in sorted(starts) if test_settled(facts, moment)), None)


def clearing_readings(facts: PlanFacts, on: datetime) -> list[TestReading]:
    """Readings without reaction that clear at the moment: neither superseded, in error, too early, expired, nor overtaken
    by a change that asks for a new test; none while a later test of a component is unclear."""
    if retest.in_doubt(facts, on):
        return []
    return [
        reading
        for reading in facts.negative_readings
        if reading.valid_from is not None
        and reading.signed_at <= on
        and reading.valid_from <= on
        and retest.counts(facts, reading, on)
    ]


def clearing_reading(facts: PlanFacts, on: datetime) -> TestReading | None:
    """The reading that clears the plan's formula by itself, the longest valid first."""
    covering = [
        reading
        for reading in clearing_readings(facts, on)
        if retest.covers(facts, reading.patch_test.component_codes)
    ]
    return max(covering, key=lambda reading: reading.valid_until or on, default=None)


def test_settled(facts: PlanFacts, on: datetime) -> bool:
    """Whether the policy's demand for a test is met at the moment."""
    requirement = retest.requirement(facts)
    if requirement == TestRequirement.NOT_REQUIRED:
        return True
    if requirement == TestRequirement.NOT_AGAIN:
        tested: Collection[str] = {
            code for reading in clearing_readings(facts, on) for code in reading.patch_test.component_codes
        }
        return retest.covers(facts, tested)
    return clearing_reading(facts, on) is not None
