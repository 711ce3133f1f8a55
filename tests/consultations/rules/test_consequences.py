"""What a change of one visit does to the later ones of its plan, as a table, and when each of them would be right."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from clinic import readiness
from clinic.enums import AppointmentStatus
from clinic.models import Appointment
from clinic.readiness import Consequences, Span
from consultations import purposes
from consultations.dates import in_words
from consultations.enums import SessionOutcome
from consultations.enums import TestRequirement as Requirement
from consultations.models import Plan
from consultations.queries import facts_of_one
from consultations.rules import late_readings
from tests.factories import (
    AppointmentFactory,
    PatchTestFactory,
    PlanFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
    read_late_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def weekly(count: int = 4, **plan: Any) -> tuple[Plan, list[Appointment]]:
    """A cleared plan of weekly sessions (at least six days apart), all booked: in 1, 8, 15 … days."""
    made = cleared_plan(sessions=count, **plan)
    return made, [book(made, ordinal, ahead(days=7 * ordinal - 6)) for ordinal in range(1, count + 1)]


def book(plan: Plan, ordinal: int, moment: datetime) -> Appointment:
    planned = plan.planned_sessions.get(ordinal=ordinal)
    visit = AppointmentFactory(patient=plan.patient, purpose=purposes.session_of(planned), starts_at=moment)
    planned.appointment = visit
    planned.save()
    return visit


def asked(*visits: Appointment, at: datetime = CLINIC_NOW) -> Consequences:
    return readiness.pathway().consequences(visits, at=at)


def span_of(visit: Appointment, *, keeps_later: bool = False, at: datetime = CLINIC_NOW) -> Span:
    span = asked(visit, at=at).span(visit, {}, keeps_later=keeps_later)
    assert span is not None
    return span


def test_followers_are_the_later_visits_of_the_plan_in_their_order() -> None:
    _plan, visits = weekly()
    weekly()  # another patient's
    assert [asked(each).followers(each) for each in visits] == [visits[1:], visits[2:], visits[3:], []]


def test_followers_are_to_come_of_this_plan_alone_and_two_of_one_kind_stand_as_they_come() -> None:
    plan = consented_plan(sessions=2)
    other = consented_plan(sessions=2, patient=plan.patient)
    test, reading = pair(plan)
    again = AppointmentFactory(
        patient=plan.patient, purpose=purposes.reading_of(plan), starts_at=ahead(days=2)
    )
    pair(other, hours=2)
    book(other, 1, ahead(days=10))
    AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(plan.planned_sessions.get(ordinal=2)),
        starts_at=ahead(days=20),
        status=AppointmentStatus.CANCELLED,
    )
    assert asked(test).followers(test) == [again, reading]


def test_a_visit_follows_until_it_has_ended() -> None:
    _plan, visits = weekly(2)
    end = visits[1].ends_at
    moments = [end - timedelta(seconds=1), end]
    assert [asked(visits[0], at=at).followers(visits[0]) for at in moments] == [[visits[1]], []]


def test_a_late_reading_has_days_of_its_own_and_no_followers() -> None:
    plan = read_late_plan()
    book(plan, 1, ahead(days=1))
    late = AppointmentFactory(
        patient=plan.patient, purpose=purposes.late_reading_of(plan), starts_at=ahead(days=4)
    )
    window = late_readings.window_at(facts_of_one(plan), at=late.starts_at)
    assert window is not None
    span = span_of(late)
    assert span == Span(window.opens_at, window.due_at, window.closes_at, window.closes_at)
    last = in_words(window.last_moment)
    assert span.too_late == f"No other day is right for it: the test is read until {last} at the latest."
    assert asked(late).followers(late) == []
    none = AppointmentFactory(purpose=purposes.late_reading_of(cleared_plan()))
    assert asked(none).span(none, {}) is None


@pytest.mark.parametrize("stranger", ["of no plan", "of a plan that was not asked about"])
def test_a_visit_outside_any_plan_has_no_followers_and_no_window(stranger: str) -> None:
    _plan, visits = weekly(2)
    visit = AppointmentFactory() if stranger == "of no plan" else visits[0]
    found = asked(AppointmentFactory())
    assert (found.followers(visit), found.span(visit, {}), found.label(visit)) == ([], None, "")
    said = found.of(visit, {visit.pk: None})
    assert (said.appointment, said.conditions) == (visit, ())


def test_a_label_says_which_session_of_how_many() -> None:
    _plan, visits = weekly()
    assert asked(visits[2]).label(visits[2]) == "Session 3 of 4"


@pytest.mark.parametrize(
    ("days", "codes", "refused"),
    [
        (0, [], False),
        (1, [], False),  # six days are left: the hard gap is kept
        (2, ["too_soon"], True),
        (7, ["too_soon"], True),  # the same day
        (9, ["too_soon"], True),  # after the next one: out of order
        (-5, ["too_late"], False),  # the gap becomes longer than planned
        (-1, [], False),
    ],
)
def test_a_move_of_one_session_by_some_days_says_what_is_wrong_with_the_next(
    days: int, codes: list[str], refused: bool
) -> None:
    _plan, visits = weekly(3)
    moved = {visits[1].pk: visits[1].starts_at + timedelta(days=days)}
    found = asked(visits[1])
    said = found.of(visits[2], moved)
    assert ([each.code for each in said.conditions], said.is_refused) == (codes, refused)
    assert (said.appointment, said.label) == (visits[2], "Session 3 of 3")
    assert found.awaited(visits[2], visits[2].starts_at, moved) == ()  # nothing of it comes by waiting


@pytest.mark.parametrize(("to", "codes"), [(-3, ["too_late"]), (-2, [])])
def test_a_gap_becomes_too_long_at_midnight(to: int, codes: list[str]) -> None:
    """Half an interval after the ideal day, a visit at midnight is late; one that was late before is nobody's doing."""
    plan = cleared_plan(sessions=2)
    first = book(plan, 1, ahead(days=5))
    second = book(plan, 2, ahead(days=13).replace(hour=0))
    said = asked(first).of(second, {first.pk: first.starts_at + timedelta(days=to)})
    assert [each.code for each in said.conditions] == codes
    if codes:
        assert said.conditions[0].what.endswith("best by 14 Mar 2026.")
    book(plan, 1, ahead(days=2))
    was_late = asked(second).of(second, {first.pk: ahead(days=1)})
    assert was_late.conditions == ()


def test_the_next_session_is_right_from_its_gap_on_and_best_at_its_interval_and_hour() -> None:
    _plan, visits = weekly(3)
    to = visits[1].starts_at + timedelta(days=5)
    span = asked(visits[1]).span(visits[2], {visits[1].pk: to})
    midnight = to.replace(hour=0)
    assert span is not None
    assert span.earliest == midnight + timedelta(days=6)
    assert span.ideal == to + timedelta(days=7)
    assert span.latest == midnight + timedelta(
        days=7 + 3 + 1
    )  # half the interval, and to the end of that day


def test_a_later_session_follows_from_where_the_one_before_would_be() -> None:
    _plan, visits = weekly(4)
    moved = {
        visits[1].pk: visits[1].starts_at + timedelta(days=5),
        visits[2].pk: visits[2].starts_at + timedelta(days=5),
    }
    assert [each.code for each in asked(visits[1]).of(visits[3], moved).conditions] == ["too_soon"]


def test_a_released_session_has_to_come_first() -> None:
    _plan, visits = weekly(3)
    found = asked(visits[0])
    said = found.of(visits[1], {visits[0].pk: None})
    assert ([each.code for each in said.conditions], said.is_refused) == (["earlier_session"], False)
    assert said.conditions[0].what == "Session 1 comes first: book it again before this one."
    for nothing_before_it in (visits[1].pk, uuid4()):
        assert found.of(visits[1], {nothing_before_it: None}).conditions == ()


def test_a_session_that_is_shifted_past_the_end_of_its_test_awaits_a_new_one() -> None:
    plan = consented_plan(sessions=2)
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    TestReadingFactory(patch_test=test, valid_until=ahead(days=12))
    first, second = book(plan, 1, ahead(days=1)), book(plan, 2, ahead(days=8))
    moved = {first.pk: ahead(days=7)}
    found = asked(first)
    assert [each.code for each in found.of(second, moved).conditions] == ["too_soon"]
    # It would be right from day 13 on; by then the test has expired, and a new one can still be made.
    span = found.span(second, moved)
    assert span is not None and span.earliest == ahead(days=13).replace(hour=0)
    assert found.refusal(second, ahead(days=13), moved) is None
    assert [each.code for each in found.awaited(second, ahead(days=13), moved)] == ["test_again"]
    third = AppointmentFactory(patient=plan.patient, purpose=second.purpose, starts_at=ahead(days=13))
    assert asked(third).awaited(third, ahead(days=14), {}) == ()  # it waits for that already


def test_a_first_session_is_not_shifted_past_the_end_of_its_test() -> None:
    plan = consented_plan(sessions=1)
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    TestReadingFactory(patch_test=test, valid_until=ahead(days=9))
    visit = book(plan, 1, ahead(days=8))
    refusal = asked(visit).refusal(visit, ahead(days=10), {})
    assert refusal is not None and refusal.code == "test_first"


def test_a_span_ends_where_the_test_expires() -> None:
    plan = consented_plan(sessions=2)
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    TestReadingFactory(patch_test=test, valid_until=ahead(days=9))
    first, second = book(plan, 1, ahead(days=1)), book(plan, 2, ahead(days=8))
    span = asked(first).span(second, {})
    assert span is not None and (span.until, span.latest) == (ahead(days=9), ahead(days=9))


@pytest.mark.parametrize("requirement", [Requirement.NOT_REQUIRED])
def test_without_a_demanded_test_nothing_expires(requirement: str) -> None:
    plan = PlanFactory(test_policy__requirement=requirement)
    visit = book(plan, 1, ahead(days=1))
    assert span_of(visit).until is None


def test_the_next_session_cuts_a_span_that_has_no_end_of_its_own_or_a_later_one() -> None:
    plan = PlanFactory(test_policy__requirement=Requirement.NOT_REQUIRED, sessions=2, min_gap_days=1)
    first, second = book(plan, 1, ahead(days=1)), book(plan, 2, ahead(days=3))
    until = second.starts_at.replace(hour=0)
    free = span_of(first)
    assert free.until is None and free.latest > until
    assert span_of(first, keeps_later=True) == Span(free.earliest, free.ideal, until, until)
    today = CLINIC_NOW.replace(hour=0)
    cut = asked(first).span(first, {second.pk: ahead(hours=2)}, keeps_later=True)
    assert cut == Span(free.earliest, today, today, today)
    next_on = in_words(CLINIC_NOW)
    assert cut.too_late == f"No time is right for it before session 2 on {next_on}. Move that one first."


def test_of_a_later_session_the_one_after_it_cuts_the_span() -> None:
    plan = PlanFactory(test_policy__requirement=Requirement.NOT_REQUIRED, sessions=3, min_gap_days=1)
    _first, second, third = (book(plan, ordinal, ahead(days=2 * ordinal)) for ordinal in (1, 2, 3))
    assert span_of(second, keeps_later=True).until == third.starts_at.replace(hour=0)


def test_where_the_test_expires_first_the_next_session_cuts_nothing() -> None:
    plan = consented_plan(sessions=2)
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    TestReadingFactory(patch_test=test, valid_until=ahead(hours=30))
    first, _second = book(plan, 1, ahead(days=1)), book(plan, 2, ahead(days=20))
    assert span_of(first, keeps_later=True) == span_of(first)
    assert span_of(first).until == ahead(hours=30)
    expires = "No time is right for it: what clears it expires before. Book a new test first."
    assert span_of(first, keeps_later=True).too_late == span_of(first).too_late == expires


def pair(plan: Plan, hours: int = 0) -> tuple[Appointment, Appointment]:
    """A test tomorrow, now or so many hours later, and its reading two days after it."""
    test = AppointmentFactory(
        patient=plan.patient, purpose=purposes.test_of(plan), starts_at=ahead(days=1, hours=hours)
    )
    reading = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.reading_of(plan),
        starts_at=ahead(days=3, hours=hours),
        pair_of=test,
    )
    return test, reading


@pytest.mark.parametrize(
    ("hours", "codes"),
    [(0, []), (-23, []), (24, []), (25, ["reading_window"]), (96, ["reading_window"])],
)
def test_a_moved_test_takes_its_readings_window_along(hours: int, codes: list[str]) -> None:
    plan = consented_plan()
    policy = plan.test_policy
    assert (policy.reading_from_hours, policy.reading_until_hours) == (24, 96)
    test, reading = pair(plan)
    moved = {test.pk: test.starts_at + timedelta(hours=hours)}
    said = asked(test).of(reading, moved)
    assert [each.code for each in said.conditions] == codes
    assert said.span is not None
    assert said.span.earliest == moved[test.pk] + timedelta(hours=24)
    assert said.span.until == moved[test.pk] + timedelta(hours=96)


def test_a_reading_lies_in_the_window_of_the_test_that_was_given() -> None:
    plan = consented_plan()
    test = PatchTestFactory(plan=plan, given_at=ago(days=1))
    reading = AppointmentFactory(
        patient=plan.patient, purpose=purposes.reading_of(plan), starts_at=ahead(days=1)
    )
    ends = test.given_at + timedelta(hours=96)
    assert span_of(reading) == Span(
        test.given_at + timedelta(hours=24), test.given_at + timedelta(hours=48), ends, ends
    )


def test_a_session_is_right_from_when_its_test_clears_it() -> None:
    """The test that is to come, one that is read and has to wait, and none of those that expired; a second one takes
    nothing from who is cleared, and a reading that nobody came for yesterday clears nothing in the past."""
    waits = consented_plan()
    test, reading = pair(waits)
    clears = max(test.starts_at + timedelta(hours=48), reading.starts_at + timedelta(minutes=1))
    expired = PatchTestFactory(plan=waits, given_at=ago(days=15))
    TestReadingFactory(patch_test=expired, valid_until=ago(days=1))
    assert span_of(book(waits, 1, ahead(days=9))).earliest == clears

    read = consented_plan()
    TestReadingFactory(patch_test__plan=read, valid_from=ahead(days=2))
    assert span_of(book(read, 1, ahead(days=9))).earliest == ahead(days=2)

    cleared = cleared_plan()
    pair(cleared)
    assert span_of(book(cleared, 1, ahead(days=9))).earliest == CLINIC_NOW

    missed = consented_plan()
    PatchTestFactory(plan=missed, given_at=ago(days=3))
    AppointmentFactory(patient=missed.patient, purpose=purposes.reading_of(missed), starts_at=ago(days=1))
    assert span_of(book(missed, 1, ahead(days=9))).earliest == CLINIC_NOW


def test_an_ideal_time_is_at_the_visits_own_hour_of_the_clinic_from_the_moment_on() -> None:
    visit = book(cleared_plan(), 1, ahead(days=30, hours=5))
    with timezone.override("Asia/Tokyo"):
        span = span_of(visit, at=ahead(days=20))
    assert (span.earliest, span.ideal) == (ahead(days=20), ahead(days=20, hours=5))
    assert span.latest == ahead(days=24).replace(hour=0)


def test_a_released_test_leaves_nothing_to_read_and_nothing_that_clears_a_session() -> None:
    plan = consented_plan()
    test, reading = pair(plan)
    session = book(plan, 1, ahead(days=9))
    found, gone = asked(test), {test.pk: None, reading.pk: None}
    assert found.followers(test) == [reading, session]
    assert [each.code for each in found.of(reading, {test.pk: None}).conditions] == ["no_test"]
    said = found.of(session, gone)
    assert ([each.code for each in said.conditions], said.span) == (["test_first"], None)
    assert found.span(session, gone, keeps_later=True) is None


def test_a_test_that_moves_alone_keeps_its_reading_inside_the_window() -> None:
    test, reading = pair(consented_plan())
    until = reading.starts_at - timedelta(hours=24) + timedelta(minutes=1)
    assert span_of(test) == Span(CLINIC_NOW, test.starts_at, until, until)
    later = reading.starts_at + timedelta(days=4)
    earliest, until = later - timedelta(hours=96, minutes=-1), later - timedelta(hours=24, minutes=-1)
    span = asked(test).span(test, {reading.pk: later})
    assert span == Span(earliest, earliest, until, until)
    read_on = in_words(later)
    assert (
        span.too_late == f"No time is right for it before its reading on {read_on}. Move the reading first."
    )
    alone = asked(test).span(test, {reading.pk: None})
    assert alone == Span(CLINIC_NOW, test.starts_at, test.starts_at)


def test_a_substitute_leaves_the_next_session_its_gap() -> None:
    _plan, visits = weekly(2)
    found = asked(*visits)
    span = found.span(visits[0], {}, keeps_later=True)
    assert span != found.span(visits[0], {}) == span_of(visits[0])
    assert span is not None and span.until == visits[1].starts_at.replace(hour=0) - timedelta(days=5)
    assert found.refusal(visits[0], span.until - timedelta(hours=1), {}) is None
    assert found.refusal(visits[0], span.until, {}) is not None


def test_what_was_given_on_the_day_counts_even_where_the_visit_is_released() -> None:
    plan, visits = weekly(2)
    first = plan.planned_sessions.get(ordinal=1)
    SessionFactory(
        plan=plan,
        planned=first,
        signed=True,
        started_at=ago(hours=1),
        outcome=SessionOutcome.PARTIAL,
        outcome_reason="pain",
    )
    found = asked(visits[0])
    assert found.span(visits[0], {visits[0].pk: None}) is None
    assert found.of(visits[1], {visits[0].pk: None}).conditions == ()


def test_readings_are_the_most_urgent_then_what_expires_soonest_then_by_time() -> None:
    reading = pair(consented_plan())[1]
    late_plan, soon_plan = consented_plan(), consented_plan()
    for plan, days in ((late_plan, 60), (soon_plan, 30)):
        TestReadingFactory(
            patch_test=PatchTestFactory(plan=plan, given_at=ago(days=10)), valid_until=ahead(days=days)
        )
    late, soon = book(late_plan, 1, ahead(days=1)), book(soon_plan, 1, ahead(days=2))
    other = AppointmentFactory(starts_at=ahead(hours=1))
    visits = [other, late, soon, reading]
    found = asked(*visits)
    assert sorted(visits, key=found.urgency) == [reading, soon, late, other]
    assert [found.urgency(each)[0] for each in (reading, soon, late, other)] == [0, 1, 1, 2]


@pytest.mark.parametrize("plans", [1, 3])
def test_facts_are_read_once_however_many_visits(plans: int, django_assert_num_queries: Any) -> None:
    visits = [visit for _ in range(plans) for visit in weekly(3)[1]]
    with django_assert_num_queries(14):
        found = asked(*visits)
        for visit in visits:
            found.of(visit, {visits[0].pk: None})
            found.span(visit, {}, keeps_later=True)
