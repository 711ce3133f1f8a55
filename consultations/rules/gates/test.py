"""A test injection without reaction that is valid at the moment, where the policy asks for one (CLINICAL 1.5, 1.6)."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.enums import TestRequirement, TestResult
from consultations.models import PlannedSession, TestReading
from consultations.queries import PlanFacts, in_error


def missing(facts: PlanFacts, on: datetime, planned: PlannedSession | None = None) -> list[Condition]:
    """`test`, with the moment from which a reading that exists will clear."""
    if test_settled(facts, on):
        return []
    starts = [
        each.valid_from
        for each in facts.readings
        if each.result == TestResult.NEGATIVE
        and each.valid_from
        and each.valid_from > on
        and not in_error(each)
    ]
    return [
        Condition(
            "test",
            _("The test injection is not read, or no longer valid."),
            earliest=min(starts, default=None),
            detail=_("The formula's components need a test read without reaction that is valid on the day."),
        )
    ]


def clearing_readings(facts: PlanFacts, on: datetime) -> list[TestReading]:
    """Readings without reaction that clear at the moment: neither superseded, in error, too early nor expired."""
    return [
        reading
        for reading in facts.readings
        if reading.result == TestResult.NEGATIVE
        and getattr(reading, "superseded_by", None) is None
        and not in_error(reading)
        and not in_error(reading.patch_test)
        and reading.valid_from is not None
        and reading.valid_until is not None
        and reading.signed_at <= on
        and reading.valid_from <= on < reading.valid_until
    ]


def clearing_reading(facts: PlanFacts, on: datetime) -> TestReading | None:
    """The reading that clears the plan's formula by itself, the longest valid first."""
    covering = [
        reading
        for reading in clearing_readings(facts, on)
        if facts.component_codes <= set(reading.patch_test.component_codes)
    ]
    return max(covering, key=lambda reading: reading.valid_until or on, default=None)


def test_settled(facts: PlanFacts, on: datetime) -> bool:
    """Whether the policy's demand for a test is met at the moment (CLINICAL 1.5, 1.6)."""
    requirement = facts.plan.test_policy.requirement
    if requirement == TestRequirement.NOT_REQUIRED:
        return True
    if requirement == TestRequirement.NOT_AGAIN:
        tested: Collection[str] = {
            code for reading in clearing_readings(facts, on) for code in reading.patch_test.component_codes
        }
        return facts.component_codes <= set(tested)
    return clearing_reading(facts, on) is not None
