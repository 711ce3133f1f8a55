"""What the pathway says of a visit, wished for or on the books: the verdicts behind `clinic.readiness`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus, Readiness
from clinic.models import Appointment
from clinic.readiness import Condition, Verdict, Visit
from consultations import purposes
from consultations.dates import add_months, in_words
from consultations.enums import TestResult
from consultations.models import PatchTest, PlannedSession
from consultations.purposes import Kind, Purpose
from consultations.queries import PlanFacts, in_error
from consultations.rules import check_ins, clearance, course_caps, late_readings, plans
from consultations.rules.clearance import Gate
from consultations.rules.codes import MAY_STILL_COME, ON_HOLD
from consultations.rules.patch_test import Window, reading_window, repeat_from

CLEAR = Verdict(Readiness.CLEAR)


@dataclass(frozen=True)
class Together:
    """The visits that are judged together: where each purpose will be, booked or wished for (None: nowhere)."""

    wished: Mapping[str, datetime | None] = field(default_factory=dict)

    def times(self, purpose: str, facts: PlanFacts) -> list[datetime]:
        """When visits for the purpose take place: as wished, or else as booked."""
        if purpose in self.wished:
            return self._wished(purpose)
        return [
            visit.starts_at for visit in facts.visits_for(purpose) if visit.is_upcoming or visit.started_at
        ]

    def to_come(self, purpose: str, facts: PlanFacts) -> list[datetime]:
        """The same without visits that are over: a test of last year says nothing of the next one."""
        if purpose in self.wished:
            return self._wished(purpose)
        visits = facts.visits_for(purpose)
        return [visit.starts_at for visit in visits if visit.status != AppointmentStatus.COMPLETED]

    def _wished(self, purpose: str) -> list[datetime]:
        moment = self.wished[purpose]
        return [moment] if moment else []


def verdict(
    visit: Visit,
    purpose: Purpose,
    facts: PlanFacts | None,
    *,
    together: Together,
    starting: bool,
) -> Verdict:
    """Refused, provisional or clear, with what is missing. Visits without clinical meaning are clear."""
    if purpose.kind in (None, Kind.CONSULTATION, Kind.REVIEW):
        return CLEAR
    if facts is None or facts.plan.patient_id != visit.patient.pk:
        gone = Condition(
            "unknown_purpose",
            _("The plan this visit was for no longer exists. Book it anew."),
        )
        return Verdict(Readiness.REFUSED, (gone,))
    if purpose.kind == Kind.READING:
        return _of(
            _reading(visit, facts, together=together, starting=starting),
            starting=starting,
        )
    if purpose.kind == Kind.LATE_READING:
        return _of(late_readings.missing(facts, on=visit.starts_at), starting=starting)
    if purpose.kind == Kind.TEST:
        missing = clearance.judge(facts, gate=Gate.TEST, on=visit.starts_at).conditions
        missing = missing + _repeat_wait(visit, facts)
        if not starting:
            missing = missing + _reading_place(visit, facts, together=together)
        return _of(missing, starting=starting)
    planned = next((each for each in facts.planned if each.pk == purpose.key), None)
    return _session(visit, facts, planned, together=together, starting=starting)


def _of(missing: list[Condition], *, starting: bool) -> Verdict:
    if not missing:
        return CLEAR
    hard = [condition for condition in missing if condition.code not in MAY_STILL_COME]
    if starting or hard:
        paused = all(condition.code == ON_HOLD for condition in hard)
        return Verdict(
            Readiness.REFUSED,
            (*hard, *(each for each in missing if each not in hard)),
            is_paused=paused and not starting,
        )
    return Verdict(Readiness.PROVISIONAL, tuple(missing))


def open_test(facts: PlanFacts) -> PatchTest | None:
    """The plan's test that was given and still waits for its delayed reading."""
    for test in reversed(facts.tests):
        if test.plan_id != facts.plan.pk or test.search_id or in_error(test):
            continue
        return test if _is_unread(facts, test) else None
    return None


def alone_to_read(facts: PlanFacts) -> list[PatchTest]:
    """The tests of single components, given after the plan's positive test, that wait for their delayed reading; in the
    order in which they were given."""
    return [
        test
        for test in facts.tests
        if test.plan_id == facts.plan.pk and test.search_id and not in_error(test) and _is_unread(facts, test)
    ]


def _is_unread(facts: PlanFacts, test: PatchTest) -> bool:
    results = {
        reading.result
        for reading in facts.readings
        if reading.patch_test_id == test.pk and not in_error(reading)
    }
    return results <= {TestResult.AWAITING, TestResult.UNCHANGED}


def _reading(visit: Visit, facts: PlanFacts, *, together: Together, starting: bool) -> list[Condition]:
    if starting:
        if open_test(facts) or alone_to_read(facts):
            return []
        return [Condition("no_test", _("There is no test injection to read."))]
    window = window_for_reading(facts, together, at=visit.starts_at)
    if window is None:
        return [
            Condition(
                "no_test",
                _("Book the test injection first; its reading is booked with it."),
            )
        ]
    if window.contains(visit.starts_at):
        return []
    return [
        Condition(
            "reading_window",
            _("The reading has to be between %(first)s and %(last)s.")
            % {"first": in_words(window.opens_at), "last": in_words(window.closes_at)},
            earliest=window.opens_at,
        )
    ]


def reading_of_test(facts: PlanFacts, visit: Appointment, *, at: datetime) -> Appointment | None:
    """The reading on the books that has nothing to read without this visit for the test; None where another test is on
    the books, or one that was given still waits to be read."""
    tests = [each for each in facts.visits_for(purposes.test_of(facts.plan)) if each.is_upcoming]
    if open_test(facts) or any(each.pk != visit.pk for each in tests):
        return None
    readings = facts.visits_for(purposes.reading_of(facts.plan))
    later = [each for each in readings if each.is_upcoming and each.ends_at > at]
    return later[0] if later else None


def window_for_reading(facts: PlanFacts, together: Together, *, at: datetime) -> Window | None:
    """Of the test that is still to come, a repeat of one nobody read among them; else of the one that was given; else of
    the components tested alone: the window that a reading then lies in, or comes too early for."""
    test, later = open_test(facts), _tests_to_come(facts, together)
    if later:
        return reading_window(max(later), facts.plan.test_policy)
    given = [test] if test else alone_to_read(facts)
    windows = [reading_window(each.given_at, each.policy) for each in given]
    return next((each for each in windows if at < each.closes_at), windows[-1] if windows else None)


def _tests_to_come(facts: PlanFacts, together: Together) -> list[datetime]:
    """When the plan is tested, a repeat of a test that nobody read among them, but for the visit of the one given."""
    test = open_test(facts)
    coming = together.to_come(purposes.test_of(facts.plan), facts)
    return [moment for moment in coming if test is None or moment > test.given_at]


def _repeat_wait(visit: Visit, facts: PlanFacts) -> list[Condition]:
    """An unclear test is repeated once, some days later."""
    first = repeat_from(facts)
    if first is None or visit.starts_at >= first:
        return []
    sentence = _("The last test was unclear: it is repeated from %(day)s on.") % {"day": in_words(first)}
    return [Condition("repeat_too_soon", sentence, earliest=first)]


def _reading_place(visit: Visit, facts: PlanFacts, *, together: Together) -> list[Condition]:
    window = reading_window(visit.starts_at, facts.plan.test_policy)
    times = together.times(purposes.reading_of(facts.plan), facts)
    if any(window.contains(moment) for moment in times):
        return []
    return [
        Condition(
            "reading_place",
            _("A test is booked together with its reading, between %(first)s and %(last)s.")
            % {"first": in_words(window.opens_at), "last": in_words(window.closes_at)},
        )
    ]


def _session(
    visit: Visit,
    facts: PlanFacts,
    planned: PlannedSession | None,
    *,
    together: Together,
    starting: bool,
) -> Verdict:
    if planned is None:
        gone = Condition(
            "unknown_purpose",
            _("The plan this visit was for no longer exists. Book it anew."),
        )
        return Verdict(Readiness.REFUSED, (gone,))
    missing = clearance.judge(facts, gate=Gate.SESSION, on=visit.starts_at, planned=planned).conditions
    missing = missing + _order(visit, facts, planned, together=together, starting=starting)
    if not starting:
        missing = missing + _booked_already(visit, facts, planned)
    if not starting and any(each.code == "test" for each in missing):
        instead = _what_of_the_test(visit, facts, planned, together)
        missing = [instead or each if each.code == "test" else each for each in missing]
    return _of(missing, starting=starting)


def _what_of_the_test(
    visit: Visit, facts: PlanFacts, planned: PlannedSession, together: Together
) -> Condition | None:
    """What settles a session whose test does not clear it yet; None where it is not known from when it would."""
    if not test_expected(facts, before=visit.starts_at, together=together):
        return _test_again(visit, facts, planned, together) or _test_first(facts)
    readings = together.to_come(purposes.reading_of(facts.plan), facts)
    sentence = _("The test injection has to be read without a reaction first: the reading is on %(day)s.")
    clears_from = test_clears_from(facts, together=together)
    return Condition("test", sentence % {"day": in_words(min(readings))}, earliest=clears_from)


def test_expected(facts: PlanFacts, *, before: datetime, together: Together) -> bool:
    """Whether a reading is on the books that would clear a session then: early enough, and not expired by then."""
    clears_from = test_clears_from(facts, together=together)
    until = _awaited_until(facts, together)
    return clears_from is not None and until is not None and clears_from <= before < until


def test_clears_from(facts: PlanFacts, *, together: Together) -> datetime | None:
    """The first moment at which the test under way would clear a session, should its reading show no reaction. A reading
    is of the last test before it: a repeat takes the place of one that nobody read."""
    test, waits = open_test(facts), timedelta(hours=facts.plan.test_policy.min_hours_before_session)
    tested = [*([test.given_at] if test else []), *_tests_to_come(facts, together)]
    clears = [
        max(max(before) + waits, moment + timedelta(minutes=1))
        for moment in together.to_come(purposes.reading_of(facts.plan), facts)
        if (before := [each for each in tested if each < moment])
    ]
    return min(clears, default=None)


def _awaited_until(facts: PlanFacts, together: Together) -> datetime | None:
    """Until when the test under way would be valid, should its reading show no reaction."""
    readings = together.to_come(purposes.reading_of(facts.plan), facts)
    return add_months(min(readings), facts.plan.test_policy.validity_months) if readings else None


def _test_again(
    visit: Visit, facts: PlanFacts, planned: PlannedSession, together: Together
) -> Condition | None:
    """A course outlives its test: sessions before its last day are covered by it, and the later ones
    can be booked with them, provisionally, because a new test can still be made in the course of it."""
    known = [
        each.valid_until
        for each in facts.negative_readings
        if each.valid_until and facts.component_codes & set(each.patch_test.component_codes)
    ]
    awaited = _awaited_until(facts, together)
    last_day = max([*known, *([awaited] if awaited else [])], default=None)
    earlier = [
        moment
        for other in facts.planned
        if other.ordinal < planned.ordinal
        for moment in together.to_come(purposes.session_of(other), facts)
        if clearance.test_settled(facts, moment) or test_expected(facts, before=moment, together=together)
    ]
    if last_day is None or visit.starts_at < last_day or not earlier:
        return None
    sentence = _("The test is valid until %(day)s: this session needs a new test and its reading before it.")
    return Condition("test_again", sentence % {"day": in_words(last_day)})


def _test_first(facts: PlanFacts) -> Condition:
    again = any(test.plan_id == facts.plan.pk and not in_error(test) for test in facts.tests)
    sentence = (
        _("The test will not be valid then: book a new test and its reading before this session.")
        if again
        else _("Book the test injection and its reading before this session.")
    )
    return Condition("test_first", sentence)


def _order(
    visit: Visit,
    facts: PlanFacts,
    planned: PlannedSession,
    *,
    together: Together,
    starting: bool,
) -> list[Condition]:
    """Sessions of a plan follow each other, with the hard gap between neighbours, given or booked."""
    if starting:
        return begin_missing(facts, planned, on=visit.starts_at)
    for other in facts.planned:
        if other.pk == planned.pk:
            continue
        later_one = max(other, planned, key=lambda each: each.ordinal)
        for moment in together.times(purposes.session_of(other), facts):
            days = sorted([plans.local_day(moment), plans.local_day(visit.starts_at)])
            first = course_caps.first_day_after(facts.in_session(later_one), days[0])
            apart = max(later_one.min_gap_days, (first - days[0]).days)
            in_order = (other.ordinal < planned.ordinal) == (moment < visit.starts_at)
            if not in_order or (days[1] - days[0]).days < apart:
                return [_gap(other, moment, apart)]
    return []


def _booked_already(visit: Visit, facts: PlanFacts, planned: PlannedSession) -> list[Condition]:
    """A session has one visit: another may have been booked since this one was held, or called off."""
    for other in facts.visits_for(purposes.session_of(planned)):
        is_this_one = visit.appointment is not None and visit.appointment.pk == other.pk
        if (
            other.is_upcoming
            and not is_this_one
            and (visit.appointment is None or not visit.appointment.is_upcoming)
        ):
            sentence = _("Session %(ordinal)s is booked already, on %(day)s. Move that visit instead.")
            said = {"ordinal": planned.ordinal, "day": in_words(other.starts_at)}
            return [Condition("booked_already", sentence % said)]
    return []


def _gap(other: PlannedSession, moment: datetime, days: int) -> Condition:
    return Condition(
        "too_soon",
        _("Session %(ordinal)s is on %(day)s; sessions follow each other at least %(gap)s days apart.")
        % {"ordinal": other.ordinal, "day": in_words(moment), "gap": days},
        earliest=moment + timedelta(days=days),
    )


def begin_missing(facts: PlanFacts, planned: PlannedSession, *, on: datetime) -> list[Condition]:
    """What only the beginning of a session asks for, beside its gate: its turn, and the answers of the day."""
    return [*earlier_not_given(facts, planned), *check_ins.unanswered(facts, planned, on=on)]


def earlier_not_given(facts: PlanFacts, planned: PlannedSession) -> list[Condition]:
    """Sessions are given in order, and each once."""
    done = {session.planned_id for session in facts.given}
    if planned.pk in done:
        return [Condition("session_done", _("This session is on record already."))]
    waiting = [each for each in facts.planned if each.ordinal < planned.ordinal and each.pk not in done]
    if not waiting:
        return []
    return [
        Condition(
            "earlier_session",
            _("Session %(ordinal)s comes first.") % {"ordinal": waiting[0].ordinal},
        )
    ]
