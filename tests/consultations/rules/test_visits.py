"""What the pathway says of visits, wished for and on the books: refused, provisional, clear."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from clinic.enums import AppointmentStatus, Readiness
from clinic.readiness import Verdict, Visit
from consultations import purposes
from consultations.dates import in_words
from consultations.enums import PlanStatus
from consultations.enums import TestRequirement as Requirement
from consultations.models import Plan
from consultations.queries import facts_of_one
from consultations.rules import visits
from consultations.rules.visits import Together
from tests.factories import (
    AppointmentFactory,
    ClinicalReportFactory,
    ConsentWithdrawalFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    PatchTestFactory,
    PatientFactory,
    PlanFactory,
    PlanStopFactory,
    SessionFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import ago, ahead

pytestmark = pytest.mark.django_db

CLEAR, PROVISIONAL, REFUSED = Readiness.CLEAR, Readiness.PROVISIONAL, Readiness.REFUSED


def judged(
    plan: Plan, purpose: str, moment: datetime, *, together: Together | None = None, starting: bool = False
) -> Verdict:
    visit = Visit(plan.patient, purpose, moment)
    return visits.verdict(
        visit,
        purposes.parse(purpose),
        facts_of_one(plan),
        together=together or Together({purpose: moment}),
        starting=starting,
    )


def said(verdict: Verdict) -> tuple[Readiness, list[str]]:
    return verdict.state, [condition.code for condition in verdict.conditions]


def session_of(plan: Plan, ordinal: int = 1) -> str:
    return purposes.session_of(plan.planned_sessions.get(ordinal=ordinal))


def booked(plan: Plan, purpose: str, moment: datetime, **more: Any) -> None:
    AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=moment, **more)


def test_a_cleared_session_is_clear_to_book_and_to_start() -> None:
    plan = cleared_plan()
    assert said(judged(plan, session_of(plan), ahead(days=1))) == (CLEAR, [])
    assert said(judged(plan, session_of(plan), ago(minutes=1), starting=True)) == (CLEAR, [])


def test_what_a_signature_can_still_mend_books_provisionally_and_does_not_start() -> None:
    plan = cleared_plan()
    ConsentWithdrawalFactory(consent=plan.consents.get())
    assert said(judged(plan, session_of(plan), ahead(days=1))) == (PROVISIONAL, ["consent"])
    assert said(judged(plan, session_of(plan), ahead(days=1), starting=True)) == (REFUSED, ["consent"])


def test_a_report_nobody_has_looked_at_books_provisionally_and_does_not_start() -> None:
    plan = cleared_plan()
    ClinicalReportFactory(patient=plan.patient)
    assert said(judged(plan, session_of(plan), ahead(days=1))) == (PROVISIONAL, ["report_open"])
    assert said(judged(plan, session_of(plan), ahead(days=1), starting=True)) == (REFUSED, ["report_open"])


def test_hard_conditions_come_first_and_refuse() -> None:
    plan = consented_plan()
    ConsentWithdrawalFactory(consent=plan.consents.get())
    verdict = judged(plan, session_of(plan), ahead(days=10))
    assert said(verdict) == (REFUSED, ["test_first", "consent"])


def test_a_session_without_any_test_on_the_books_is_refused() -> None:
    plan = consented_plan()
    verdict = judged(plan, session_of(plan), ahead(days=10))
    assert said(verdict) == (REFUSED, ["test_first"])
    assert verdict.conditions[0].what == "Book the test injection and its reading before this session."


def test_another_plan_s_test_is_not_called_a_test_to_repeat() -> None:
    other = cleared_plan()
    plan = consented_plan(patient=other.patient)
    verdict = judged(plan, session_of(plan), ahead(days=10))
    assert verdict.conditions[0].what == "Book the test injection and its reading before this session."


def test_a_session_after_a_booked_test_and_reading_is_provisional() -> None:
    plan = consented_plan()
    booked(plan, purposes.test_of(plan), ahead(days=1))
    booked(plan, purposes.reading_of(plan), ahead(days=4))
    assert said(judged(plan, session_of(plan), ahead(days=5))) == (PROVISIONAL, ["test"])
    assert said(judged(plan, session_of(plan), ahead(days=3, hours=23))) == (REFUSED, ["test_first"])


def test_a_course_booked_in_one_go_counts_its_own_test_and_reading() -> None:
    plan = consented_plan()
    wished = {
        purposes.test_of(plan): ahead(days=1),
        purposes.reading_of(plan): ahead(days=4),
        session_of(plan): ahead(days=5),
    }
    assert said(judged(plan, session_of(plan), ahead(days=5), together=Together(wished)))[0] == PROVISIONAL


def test_a_given_test_with_its_reading_booked_makes_a_session_provisional() -> None:
    plan = consented_plan()
    PatchTestFactory(plan=plan, given_at=ago(days=1))
    booked(plan, purposes.reading_of(plan), ahead(days=2))
    assert said(judged(plan, session_of(plan), ahead(days=3))) == (PROVISIONAL, ["test"])


def test_a_test_in_error_is_none_that_has_to_be_made_anew() -> None:
    plan = consented_plan()
    EnteredInErrorFactory(patch_test=PatchTestFactory(plan=plan))
    (condition,) = judged(plan, session_of(plan), ahead(days=10)).conditions
    assert condition.what == "Book the test injection and its reading before this session."


def test_last_year_s_test_visits_do_not_promise_a_new_test() -> None:
    plan = consented_plan()
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    TestReadingFactory(patch_test=test, valid_until=ago(days=1))
    done = {"status": AppointmentStatus.COMPLETED}
    booked(plan, purposes.test_of(plan), ago(days=10), **done)
    booked(plan, purposes.reading_of(plan), ago(days=8), **done)
    verdict = judged(plan, session_of(plan), ahead(days=5))
    assert said(verdict) == (REFUSED, ["test_first"])
    assert verdict.conditions[0].what == (
        "The test will not be valid then: book a new test and its reading before this session."
    )


def test_a_session_after_the_test_s_last_day_needs_a_new_test() -> None:
    plan = cleared_plan()
    assert said(judged(plan, session_of(plan), ahead(days=200))) == (REFUSED, ["test_first"])


@pytest.mark.parametrize(
    ("reading_after_hours", "state"), [(23, REFUSED), (24, CLEAR), (48, CLEAR), (95, CLEAR), (96, REFUSED)]
)
def test_a_test_is_booked_with_its_reading_inside_the_window(
    reading_after_hours: int, state: Readiness
) -> None:
    plan = consented_plan()
    at = ahead(days=1)
    wished = {
        purposes.test_of(plan): at,
        purposes.reading_of(plan): at + timedelta(hours=reading_after_hours),
    }
    assert judged(plan, purposes.test_of(plan), at, together=Together(wished)).state == state
    reading = judged(
        plan, purposes.reading_of(plan), wished[purposes.reading_of(plan)], together=Together(wished)
    )
    assert reading.state == state


def test_a_test_without_a_reading_place_is_refused_but_starts() -> None:
    plan = consented_plan()
    alone = judged(plan, purposes.test_of(plan), ahead(days=1))
    assert said(alone) == (REFUSED, ["reading_place"])
    first, last = (in_words(ahead(days=1 + each)) for each in (1, 4))
    words = f"A test is booked together with its reading, between {first} and {last}."
    assert alone.conditions[0].what == words
    assert said(judged(plan, purposes.test_of(plan), ahead(days=1), starting=True)) == (CLEAR, [])


def test_a_reading_without_a_test_is_refused_and_starts_only_with_an_open_one() -> None:
    plan = consented_plan()
    reading = purposes.reading_of(plan)
    booking, starting = (judged(plan, reading, ahead(days=1), starting=each) for each in (False, True))
    assert said(booking) == said(starting) == (REFUSED, ["no_test"])
    assert [each.conditions[0].what for each in (booking, starting)] == [
        "Book the test injection first; its reading is booked with it.",
        "There is no test injection to read.",
    ]
    test = PatchTestFactory(plan=plan, given_at=ago(days=2))
    assert said(judged(plan, reading, ahead(minutes=1), starting=True)) == (CLEAR, [])
    late = judged(plan, reading, ahead(days=4))
    assert said(late) == (REFUSED, ["reading_window"])
    first, last = (test.given_at + timedelta(hours=each) for each in (24, 96))
    words = f"The reading has to be between {in_words(first)} and {in_words(last)}."
    assert (late.conditions[0].what, late.conditions[0].earliest) == (words, first)


def test_a_session_is_booked_in_order_and_with_the_hard_gap() -> None:
    plan = cleared_plan(sessions=3, min_gap_days=6)
    booked(plan, session_of(plan, 1), ahead(days=2))
    second = session_of(plan, 2)
    too_soon = judged(plan, second, ahead(days=7))
    assert said(too_soon) == (REFUSED, ["too_soon"])
    words = f"Session 1 is on {in_words(ahead(days=2))}; sessions follow each other at least 6 days apart."
    assert (too_soon.conditions[0].what, too_soon.conditions[0].earliest) == (words, ahead(days=8))
    assert said(judged(plan, second, ahead(days=1))) == (REFUSED, ["too_soon"])
    assert said(judged(plan, second, ahead(days=8))) == (CLEAR, [])


def test_moving_a_session_is_judged_against_its_later_neighbour_too() -> None:
    plan = cleared_plan(sessions=3, min_gap_days=6)
    booked(plan, session_of(plan, 2), ahead(days=10))
    first = session_of(plan, 1)
    assert said(judged(plan, first, ahead(days=4))) == (CLEAR, [])
    assert said(judged(plan, first, ahead(days=5))) == (REFUSED, ["too_soon"])
    assert said(judged(plan, first, ahead(days=11))) == (REFUSED, ["too_soon"])


def test_a_session_starts_only_after_the_ones_before_it() -> None:
    plan = cleared_plan(min_gap_days=1)
    early = judged(plan, session_of(plan, 2), ahead(days=1), starting=True)
    assert said(early) == (REFUSED, ["earlier_session"])
    assert early.conditions[0].what == "Session 1 comes first."
    SessionFactory(plan=plan, signed=True)
    assert said(judged(plan, session_of(plan, 2), ahead(days=1), starting=True)) == (CLEAR, [])
    again = judged(plan, session_of(plan, 1), ahead(days=1), starting=True)
    assert again.conditions[0].code == "session_done"
    assert again.conditions[0].what == "This session is on record already."


def test_a_session_is_booked_with_the_gap_after_the_one_that_was_given() -> None:
    plan = cleared_plan(min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    second = session_of(plan, 2)
    assert said(judged(plan, second, ahead(days=3))) == (REFUSED, ["too_soon"])
    assert said(judged(plan, second, ahead(days=4))) == (CLEAR, [])


def test_a_cap_on_the_days_between_keeps_booked_sessions_as_far_apart() -> None:
    plan = cleared_plan(min_gap_days=1)
    code = plan.formula.component_codes[0]
    DoseCapFactory(component_code=code, measure="min_interval_days", limit=10)
    booked(plan, session_of(plan, 1), ahead(days=2))
    second = session_of(plan, 2)
    assert said(judged(plan, second, ahead(days=11))) == (REFUSED, ["too_soon"])
    assert said(judged(plan, second, ahead(days=12))) == (CLEAR, [])


def test_a_plan_of_somebody_else_is_refused() -> None:
    plan = cleared_plan()
    visit = Visit(PatientFactory(), session_of(plan), ahead(days=1))
    purpose = purposes.parse(visit.purpose)
    verdict = visits.verdict(visit, purpose, facts_of_one(plan), together=Together(), starting=False)
    assert said(verdict) == (REFUSED, ["unknown_purpose"])
    assert verdict.conditions[0].what == "The plan this visit was for no longer exists. Book it anew."


def test_a_session_that_left_its_plan_is_refused_and_booked_anew() -> None:
    plan = cleared_plan()
    verdict = judged(plan, f"session:{uuid4()}", ahead(days=1))
    assert said(verdict) == (REFUSED, ["unknown_purpose"])
    assert verdict.conditions[0].what == "The plan this visit was for no longer exists. Book it anew."


def test_an_unclear_test_is_repeated_from_its_day_on() -> None:
    plan = consented_plan()
    test = PatchTestFactory(plan=plan, given_at=ago(days=10))
    doubt = {"grade": "doubtful", "result": "equivocal", "valid_from": None, "valid_until": None}
    TestReadingFactory(patch_test=test, **doubt)
    purpose, reading = purposes.test_of(plan), purposes.reading_of(plan)
    first = test.given_at + timedelta(days=plan.test_policy.repeat_after_days)

    def at(moment: datetime, *, starting: bool = False) -> Verdict:
        together = Together({purpose: moment, reading: moment + timedelta(hours=48)})
        return judged(plan, purpose, moment, together=together, starting=starting)

    assert said(at(first)) == (CLEAR, [])
    for starting in (False, True):
        early = at(first - timedelta(minutes=1), starting=starting)
        assert said(early) == (REFUSED, ["repeat_too_soon"])
        (condition,) = early.conditions
        words = f"The last test was unclear: it is repeated from {in_words(first)} on."
        assert (condition.what, condition.earliest) == (words, first)


def test_a_test_does_not_start_without_what_a_signature_can_still_mend() -> None:
    plan = consented_plan()
    ConsentWithdrawalFactory(consent=plan.consents.get())
    assert said(judged(plan, purposes.test_of(plan), ahead(hours=1), starting=True)) == (REFUSED, ["consent"])


def test_only_a_plan_on_hold_and_nothing_beside_is_a_pause() -> None:
    plan = cleared_plan()
    plan.status = PlanStatus.ON_HOLD
    plan.save()
    later = {"purpose": session_of(plan), "moment": ahead(days=1)}
    assert judged(plan, **later).is_paused
    assert not judged(plan, **later, starting=True).is_paused
    PlanStopFactory(plan=plan)
    assert said(judged(plan, **later)) == (REFUSED, ["contraindicated", "plan_on_hold"])
    assert not judged(plan, **later).is_paused


@pytest.mark.parametrize("purpose", ["", "consultation", "review", "massage", "session:not-a-key"])
def test_visits_without_clinical_meaning_are_clear(purpose: str) -> None:
    visit = Visit(PatientFactory(), purpose, ahead(days=1))
    meant = purposes.parse(purpose)
    assert visits.verdict(visit, meant, None, together=Together(), starting=True).state == CLEAR


def test_no_test_required_books_a_first_session_at_once() -> None:
    plan = consented_plan(test_policy__requirement=Requirement.NOT_REQUIRED)
    assert said(judged(plan, session_of(plan), ahead(hours=1))) == (CLEAR, [])


def test_open_test_is_the_plan_s_last_test_without_a_decision() -> None:
    plan = consented_plan()
    assert visits.open_test(facts_of_one(plan)) is None
    test = PatchTestFactory(plan=plan)
    assert visits.open_test(facts_of_one(plan)) == test
    TestReadingFactory(patch_test=test)
    assert visits.open_test(facts_of_one(plan)) is None
    assert visits.open_test(facts_of_one(PlanFactory(patient=plan.patient))) is None


# --- a course that outlives its test ---------------------------------------------------------------------------------


def test_a_session_is_not_booked_twice_whatever_was_held_or_called_off_meanwhile() -> None:
    plan = cleared_plan()
    purpose = session_of(plan)
    booked(plan, purpose, ahead(days=3))
    twice = judged(plan, purpose, ahead(days=5))
    assert said(twice) == (REFUSED, ["booked_already"])
    words = f"Session 1 is booked already, on {in_words(ahead(days=3))}. Move that visit instead."
    assert twice.conditions[0].what == words
    on_the_books = plan.patient.appointments.get()
    itself = Visit(plan.patient, purpose, ahead(days=5), on_the_books)
    together = Together({purpose: ahead(days=5)})
    facts = facts_of_one(plan)
    moved = visits.verdict(itself, purposes.parse(purpose), facts, together=together, starting=False)
    assert moved.state == CLEAR
    called_off = AppointmentFactory(patient=plan.patient, purpose=purpose, status="cancelled")
    anew = Visit(plan.patient, purpose, ahead(days=5), called_off)
    back = visits.verdict(anew, purposes.parse(purpose), facts, together=together, starting=False)
    assert said(back) == (REFUSED, ["booked_already"])


@pytest.mark.parametrize("status", ["cancelled", "no_show", "completed", "held"])
def test_a_session_whose_visit_did_not_lead_to_it_is_booked_again(status: str) -> None:
    plan = cleared_plan()
    booked(plan, session_of(plan), ahead(days=3), status=status)
    assert judged(plan, session_of(plan), ahead(days=5)).state == CLEAR


def sessions_wished(plan: Plan, *moments: datetime) -> Together:
    planned = plan.planned_sessions.all()
    return Together(
        {purposes.session_of(each): moment for each, moment in zip(planned, moments, strict=False)}
    )


def test_a_late_session_of_a_course_is_booked_and_says_that_it_needs_a_new_test() -> None:
    plan = cleared_plan()
    last_day = plan.patch_tests.get().readings.get().valid_until
    late = last_day + timedelta(days=8)
    together = sessions_wished(plan, ahead(days=1), late)
    verdict = judged(plan, session_of(plan, 2), late, together=together)
    assert said(verdict) == (PROVISIONAL, ["test_again"])
    assert verdict.conditions[0].what == (
        f"The test is valid until {in_words(last_day)}: this session needs a new test and its reading before it."
    )
    starting = judged(plan, session_of(plan, 2), late, starting=True, together=together)
    assert said(starting) == (REFUSED, ["earlier_session", "test"])
    # valid to the very minute; and what was tested of something else, or in error, has no say in it
    assert said(judged(plan, session_of(plan, 2), last_day, together=together)) == (
        PROVISIONAL,
        ["test_again"],
    )
    longer = {"read_at": ago(days=4), "valid_until": last_day + timedelta(days=20)}
    elsewhere = PatchTestFactory(plan=consented_plan(patient=plan.patient), given_at=ago(days=6))
    TestReadingFactory(patch_test=elsewhere, **longer)
    mistaken = TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=6)), **longer)
    EnteredInErrorFactory(patch_test=mistaken.patch_test)
    assert judged(plan, session_of(plan, 2), late, together=together).conditions == verdict.conditions


def test_a_late_session_without_one_that_the_test_covers_is_refused_as_before() -> None:
    plan = cleared_plan()
    late = plan.patch_tests.get().readings.get().valid_until + timedelta(days=8)
    booked(plan, session_of(plan), ahead(days=1))  # its own place now is none that the test covers before it
    moved = judged(plan, session_of(plan), late, together=Together())
    assert said(moved) == (REFUSED, ["test_first", "booked_already"])
    together = sessions_wished(plan, late, late + timedelta(days=30))
    assert said(judged(plan, session_of(plan, 2), late + timedelta(days=30), together=together)) == (
        REFUSED,
        ["test_first"],
    )


def test_a_test_still_to_be_read_expires_for_late_sessions_too() -> None:
    plan = consented_plan()
    wished = {purposes.test_of(plan): ahead(days=1), purposes.reading_of(plan): ahead(days=4)}
    sessions = sessions_wished(plan, ahead(days=5), ahead(days=220))
    together = Together({**wished, **sessions.wished})
    first = judged(plan, session_of(plan, 1), ahead(days=5), together=together)
    assert said(first) == (PROVISIONAL, ["test"])
    assert (first.conditions[0].earliest, "the reading is on" in first.conditions[0].what) == (
        ahead(days=4, minutes=1),
        True,
    )
    assert said(judged(plan, session_of(plan, 2), ahead(days=220), together=together)) == (
        PROVISIONAL,
        ["test_again"],
    )
