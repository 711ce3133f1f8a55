"""A test's result in plain words, and what happens next."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from clinic.models import Appointment, User
from consultations import purposes
from consultations.dates import in_words
from consultations.enums import OPEN_PLANS, Grade, PlanStatus, TestResult
from consultations.models import PatchTest, Plan, TestReading
from consultations.queries import PlanFacts, confirmed_error, facts_of, in_error, policy_in_force
from consultations.rules import causes, late_readings
from consultations.rules import patch_test as rules
from consultations.rules.gates.words import not_confirmed
from consultations.rules.late_readings import Look
from consultations.rules.reading_errors import still_opens
from consultations.views import chart

_ORDER = [
    TestResult.POSITIVE,
    TestResult.INVALID,
    TestResult.EQUIVOCAL,
    TestResult.NEGATIVE,
    TestResult.AWAITING,
]
_CLOSING = (TestResult.POSITIVE, TestResult.EQUIVOCAL)
_ICONS = {
    TestResult.AWAITING: "hourglass",
    TestResult.POSITIVE: "alert-octagon",
    TestResult.INVALID: "refresh",
    TestResult.EQUIVOCAL: "zoom-question",
    TestResult.NEGATIVE: "circle-check",
}


@dataclass
class Outcome:
    """What the test says now. `closed` are the plans a positive test closes or has stopped, `waiting` their visits to release."""

    result: TestResult
    title: str
    lines: list[str]
    window: rules.Window
    is_open: bool = False
    is_late: bool = False
    may_still_read: bool = False
    reading_visit: Appointment | None = None
    booking_url: str = ""
    late: Look | None = None
    late_booking_url: str = ""
    cause_of: UUID | None = None
    closed: list[Plan] = field(default_factory=list)
    waiting: list[Appointment] = field(default_factory=list)

    @property
    def icon(self) -> str:
        """The icon that stands for the result."""
        return _ICONS[self.result]


def outcome_of(test: PatchTest, facts: PlanFacts, *, user: User, at: datetime) -> Outcome:
    """The result of all readings together, in words, with what can be done about it."""
    readings = [each for each in facts.readings if each.patch_test_id == test.pk and _counts(each)]
    result = next(
        (each for each in _ORDER if any(reading.result == each for reading in readings)), TestResult.AWAITING
    )
    window = rules.reading_window(test.given_at, test.policy)
    title, lines = _WORDS[result](test, readings, window, at)
    pending = result in _CLOSING and not any(each.result == result and still_opens(each) for each in readings)
    if pending:
        lines.append(not_confirmed())
    outcome = Outcome(result, title, lines, window, cause_of=_cause_of(test, facts))
    if result == TestResult.AWAITING:
        _about_the_reading(outcome, test, facts, at=at)
    elif result == TestResult.POSITIVE:
        known = min(each.signed_at for each in readings if each.result == TestResult.POSITIVE)
        _about_what_closes(outcome, test, known, user=user, at=at)
    elif result == TestResult.NEGATIVE:
        _about_what_it_clears(outcome, test, facts, at=at)
    else:
        unread = not any(each.grade for each in readings if not in_error(each))
        outcome.may_still_read = unread and (
            test.search_id is None or pending or result == TestResult.INVALID
        )
    if test.search_id is None and result in (TestResult.EQUIVOCAL, TestResult.INVALID):
        outcome.booking_url = chart.booking_url(test.patient, purposes.test_of(test.plan), at=at)
    return outcome


def _cause_of(test: PatchTest, facts: PlanFacts) -> UUID | None:
    """The positive test whose cause is looked for, or may be."""
    if test.search is not None:
        return test.search.patch_test_id
    readings = [each for each in facts.readings if each.patch_test_id == test.pk]
    return test.pk if causes.may_search(test, readings) else None


def _counts(reading: TestReading) -> bool:
    """What cleared and was called an error counts no more; what closes until a second person has confirmed."""
    if reading.result == TestResult.POSITIVE:
        return not confirmed_error(reading)
    if getattr(reading, "superseded_by", None) is not None:
        return False
    return not (confirmed_error(reading) if reading.result in _CLOSING else in_error(reading))


def _awaiting(
    test: PatchTest, readings: list[TestReading], window: rules.Window, at: datetime
) -> tuple[str, list[str]]:
    if at >= window.closes_at:
        late = _("The window closed on %(day)s. A reading now is invalid, unless it shows a reaction.")
        return _("Not read in time"), [late % {"day": in_words(window.closes_at)}]
    return _("Waits for its reading"), []


def _positive(
    test: PatchTest, readings: list[TestReading], window: rules.Window, at: datetime
) -> tuple[str, list[str]]:
    lines = [_("Nothing that shares a component with this formula may be injected.")]
    if test.search_id is not None:
        lines = [_("It reacted alone: nothing that holds it may be injected.")]
    if any(reading.systemic_sign for reading in readings):
        lines.append(_("There was a sign beyond the test site: refer to an allergist."))
    # A test of one component alone has found it.
    if test.search_id is None and len(test.component_codes) > 1:
        lines.append(_("Which component it was, the test does not say: all of them stay closed."))
    return _("Positive"), lines


def _invalid(
    test: PatchTest, readings: list[TestReading], window: rules.Window, at: datetime
) -> tuple[str, list[str]]:
    reasons: list[str] = []
    for number, reading in enumerate(readings):
        reasons += rules.why_invalid(
            reading, test=test, policy=policy_in_force(reading.signed_at), earlier=readings[:number]
        )
    reasons += [reading.stricter_reason for reading in readings if reading.computed]
    return _("Invalid: test again"), list(dict.fromkeys(reasons))


def _equivocal(
    test: PatchTest, readings: list[TestReading], window: rules.Window, at: datetime
) -> tuple[str, list[str]]:
    first = rules.repeat_after(test)
    repeat = _("Repeat it once, on the other arm, from %(day)s on. A second unclear test counts as positive.")
    held = _(
        "Sessions that need a test and share a component wait until the repeat is read without reaction."
    )
    alone = test.search_id is not None
    return _("Unclear: repeat"), [repeat % {"day": in_words(first)}, *([] if alone else [held])]


def _late_words(readings: list[TestReading]) -> list[str]:
    """What later looks have shown: nothing new, or that nothing could be seen."""
    late = [each for each in readings if each.result == TestResult.UNCHANGED]
    quiet = _("Looked at again on %(day)s: no late reaction seen.")
    unread = _("The late reading of %(day)s could not be made: the place was not readable.")
    return [
        (quiet if each.grade == Grade.NEGATIVE else unread) % {"day": in_words(each.read_at)} for each in late
    ]


def _negative(
    test: PatchTest, readings: list[TestReading], window: rules.Window, at: datetime
) -> tuple[str, list[str]]:
    if test.search_id is not None:
        lines = [
            _("Tested alone it clears nothing. What the tests found together is written down as the cause.")
        ]
        return _("No reaction seen"), lines
    reading = max((each for each in readings if each.valid_until), key=lambda each: each.read_at)
    said = {"first": in_words(reading.valid_from), "last": in_words(reading.valid_until)}
    lines = [_("Clears %(first)s to %(last)s.") % said, *_late_words(readings)]
    lines.append(
        _("A test without a reaction makes an allergy less likely; ask about reactions at every session.")
    )
    return _("No reaction seen"), lines


_WORDS: dict[TestResult, Any] = {
    TestResult.AWAITING: _awaiting,
    TestResult.POSITIVE: _positive,
    TestResult.INVALID: _invalid,
    TestResult.EQUIVOCAL: _equivocal,
    TestResult.NEGATIVE: _negative,
}


def _about_what_it_clears(outcome: Outcome, test: PatchTest, facts: PlanFacts, *, at: datetime) -> None:
    """Where sessions are booked, and the late reading while it is possible. A component alone clears nothing."""
    looks = late_readings.looks(facts, at=at)
    outcome.late = next((each for each in looks if each.test.pk == test.pk), None)
    if outcome.late and outcome.late.visit is None:
        wanted = purposes.late_reading_of(test.plan)
        outcome.late_booking_url = chart.booking_url(test.patient, wanted, at=at)
    if test.search_id is None:
        sessions = [purposes.session_of(each) for each in facts.planned]
        outcome.booking_url = chart.booking_url(test.patient, *sessions, at=at)


def _about_the_reading(outcome: Outcome, test: PatchTest, facts: PlanFacts, *, at: datetime) -> None:
    """Whether it can be read now, when it is booked, or where it can be."""
    visits = facts.visits_for(purposes.reading_of(facts.plan))
    outcome.is_open = at >= outcome.window.opens_at
    outcome.may_still_read = True
    outcome.reading_visit = next((each for each in visits if each.is_upcoming and each.ends_at > at), None)
    outcome.is_late = at >= outcome.window.closes_at
    if outcome.reading_visit is None:
        wanted = (purposes.test_of if outcome.is_late else purposes.reading_of)(test.plan)
        outcome.booking_url = chart.booking_url(test.patient, wanted, at=at)


def _about_what_closes(
    outcome: Outcome, test: PatchTest, known: datetime, *, user: User, at: datetime
) -> None:
    """Every plan that shares a component and is open, or was stopped since the reaction is `known`; and its visits on
    the books.
    """
    open_or_stopped = Q(status__in=OPEN_PLANS) | Q(
        status_changes__status=PlanStatus.STOPPED, status_changes__changed_at__gte=known
    )
    plans = Plan.objects.visible_to(user).filter(open_or_stopped, patient=test.patient_id)
    shared = plans.filter(formula__parts__component__code__in=test.component_codes).distinct()
    for facts in facts_of(list(shared)).values():
        outcome.closed.append(facts.plan)
        wanted = {purposes.test_of(facts.plan), *(purposes.session_of(each) for each in facts.planned)}
        outcome.waiting += [
            each for each in facts.visits if each.purpose in wanted and each.is_upcoming and each.ends_at > at
        ]
