"""The optional late reading of a test injection: a second look for what shows days or weeks later.

Nothing waits for it and missing it closes nothing. Where it shows nothing, nothing changes: the months of the delayed
reading neither end sooner nor begin anew. What it shows closes like a reaction that was reported later (policy of the
clinic; delayed reactions can take a week, and collagen tests are watched for four).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import Appointment
from clinic.readiness import Condition
from consultations import purposes
from consultations.dates import in_words, start_of_day
from consultations.enums import ReadingKind, TestResult
from consultations.models import PatchTest, TestReading
from consultations.queries import PlanFacts, in_error
from consultations.rules.patch_test import Window


@dataclass(frozen=True)
class Look:
    """A test that may still be looked at, the days for it, and the visit on the books."""

    test: PatchTest
    window: Window
    is_open: bool
    visit: Appointment | None = None


def window_of(test: PatchTest) -> Window | None:
    """Whole days of the clinic after the injection, the last one included; None where the policy asks for none."""
    first, last = test.policy.late_reading_from_days, test.policy.late_reading_until_days
    if first is None or last is None:
        return None
    day = timezone.localdate(test.given_at)
    opens = start_of_day(day + timedelta(days=first))
    return Window(opens, opens, start_of_day(day + timedelta(days=last + 1)))


def standing(readings: Iterable[TestReading], test: PatchTest) -> TestReading | None:
    """The test's delayed reading without reaction that nothing has taken back or superseded."""
    if in_error(test):
        return None
    found = (each for each in readings if each.patch_test_id == test.pk and _stands(each))
    return next((each for each in found if each.result == TestResult.NEGATIVE), None)


def _stands(reading: TestReading) -> bool:
    return getattr(reading, "superseded_by", None) is None and not in_error(reading)


def check_may_read(
    test: PatchTest, readings: Iterable[TestReading], *, read_at: datetime | None = None
) -> TestReading:
    """The reading without reaction that a late one, at some time or at `read_at`, is a second look at.

    Raises:
        DomainError: late_not_asked, late_nothing_read or late_window; what shows is recorded as a reaction then.
    """
    window, read = window_of(test), standing(readings, test)
    if window is None:
        raise DomainError(
            _(
                "The policy of this test asks for no late reading. Record a reaction instead, if there is one."
            ),
            "late_not_asked",
        )
    if read is None:
        raise DomainError(
            _(
                "A late reading follows a reading without reaction. Record a reaction instead, if there is one."
            ),
            "late_nothing_read",
        )
    if read_at is not None and not window.contains(read_at):
        sentence = _(
            "The late reading is from %(first)s to %(last)s. What shows before or after is recorded as a reaction."
        )
        raise DomainError(sentence % span_words(window), "late_window", field="read_at")
    return read


def span_words(window: Window) -> dict[str, str]:
    """The first and the last day, to be put into a sentence."""
    return {"first": in_words(window.opens_at), "last": in_words(window.last_moment)}


def looks(facts: PlanFacts, *, at: datetime) -> list[Look]:
    """The plan's tests that may still be read late and were not yet, in the order in which they were given."""
    visits = [each for each in facts.visits_for(purposes.late_reading_of(facts.plan)) if each.is_upcoming]
    return [
        Look(
            test,
            window,
            is_open=window.contains(at),
            visit=next((each for each in visits if window.contains(each.starts_at)), None),
        )
        for test, window in _asked_for(facts)
        if at < window.closes_at and not was_made(facts.readings, test)
    ]


def was_made(readings: Iterable[TestReading], test: PatchTest) -> bool:
    """Whether somebody has looked late."""
    return any(
        each.patch_test_id == test.pk and each.kind == ReadingKind.LATE and not in_error(each)
        for each in readings
    )


def window_at(facts: PlanFacts, *, at: datetime) -> Window | None:
    """The days that a visit for a late reading then lies in, comes too early for, or was meant for; None without a test
    to look at. A second look in them is as good as the first.
    """
    windows = [window for _test, window in _asked_for(facts)]
    return next((each for each in windows if at < each.closes_at), windows[-1] if windows else None)


def missing(facts: PlanFacts, *, on: datetime) -> list[Condition]:
    """What keeps a visit for a late reading from being booked for the moment, or begun."""
    window = window_at(facts, at=on)
    if window is None:
        return [Condition("no_test", _("There is no test injection to read late."))]
    if window.contains(on):
        return []
    sentence = _("The late reading has to be between %(first)s and %(last)s.")
    return [Condition("late_window", sentence % span_words(window), earliest=window.opens_at)]


def _asked_for(facts: PlanFacts) -> list[tuple[PatchTest, Window]]:
    """The plan's tests that stand read without reaction, and whose policy asks for a second look."""
    mine = [test for test in facts.tests if test.plan_id == facts.plan.pk and standing(facts.readings, test)]
    windows = [(test, window_of(test)) for test in mine]
    return [(test, window) for test, window in windows if window]
