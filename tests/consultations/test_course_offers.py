"""A plan as steps of a course, and the irregular phases of the acceptance scenarios with their exact dates."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from clinic import readiness
from clinic.courses import CourseSearch
from clinic.enums import Readiness, RoomKind
from clinic.gaps import DayGap, HourGap
from clinic.models import AppointmentType, Practitioner, User
from clinic.readiness import Visit
from consultations import course_offers, purposes
from consultations.models import Plan
from tests.consultations import course
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    PatchTestFactory,
    RoomFactory,
    SessionFactory,
    TestReadingFactory,
    WorkingHoursFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.factories.places import LocationFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def open_clinic(doctor: Practitioner) -> Practitioner:
    """One practitioner who works every day, with a room of each kind and the devices."""
    location = LocationFactory()
    for kind in RoomKind:
        RoomFactory(location=location, kind=kind)
    doctor.skills = ["needle"]
    doctor.save()
    for weekday in range(1, 8):
        WorkingHoursFactory(
            practitioner=doctor,
            location=location,
            weekday=weekday,
            starts=time(8),
            ends=time(18),
            valid_from=date(2020, 1, 1),
        )
    return doctor


def days_of(plan: Plan, *, at: datetime = CLINIC_NOW) -> list[date]:
    (offer,) = readiness.pathway().courses(plan.patient, at=at)
    assert offer.conditions == ()
    found = CourseSearch(offer.steps, at, {"patient": plan.patient}, {}).course
    assert found is not None
    return [timezone.localdate(visit.starts_at) for visit in found.visits]


def offsets(days: list[date]) -> list[int]:
    return [(day - days[0]).days for day in days]


def test_a2_costantino_days_0_3_6_9_12(open_clinic: Practitioner, practitioner_user: User) -> None:
    plan = course.cleared("PAIN-ACUTE-LBP", by=practitioner_user, at=CLINIC_NOW)
    days = days_of(plan)
    assert (days[0], offsets(days)) == (TODAY, [0, 3, 6, 9, 12])


def test_a3_abdallah_weeks_0_1_2_3_5_7_11(open_clinic: Practitioner, practitioner_user: User) -> None:
    plan = course.cleared("HAIR-DUT", by=practitioner_user, at=CLINIC_NOW)
    days = days_of(plan)
    assert (days[0], offsets(days)) == (TODAY, [0, 7, 14, 21, 35, 49, 77])


def test_a1_amin_on_the_same_day_of_four_calendar_months(
    open_clinic: Practitioner, practitioner_user: User
) -> None:
    start = TODAY + timedelta(days=13)
    plan = course.cleared("FACE-AMIN", by=practitioner_user, at=CLINIC_NOW, starts_on=start)
    assert days_of(plan) == [date(2026, month, 15) for month in (3, 4, 5, 6)]


# --- steps -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def kinds() -> None:
    for purpose in ("test", "reading"):
        AppointmentTypeFactory(code=f"a-{purpose}", name=purpose.title(), purpose=purpose, position=0)


def offers_of(plan: Plan, at: datetime = CLINIC_NOW) -> list[readiness.CourseOffer]:
    return readiness.pathway().courses(plan.patient, at=at)


def test_intervals_count_from_what_was_given_and_from_what_is_booked() -> None:
    plan = cleared_plan(sessions=4)
    planned = list(plan.planned_sessions.all())
    SessionFactory(plan=plan, planned=planned[0], signed=True, started_at=ago(days=5))
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(planned[1]), starts_at=ahead(days=3)
    )
    planned[1].appointment = visit
    planned[1].save()
    (offer,) = offers_of(plan)
    given, on_the_books, third, fourth = offer.steps
    assert (given.fixed.starts_at, given.fixed.appointment) == (ago(days=5), None)
    assert on_the_books.fixed.appointment == visit
    assert [third.gap, fourth.gap] == [DayGap(shortest=6, ideal=7, slack=3)] * 2
    assert [third.fixed, third.earliest, third.latest] == [None] * 3


def test_after_a_session_given_long_ago_the_next_is_due_now_and_not_in_the_past() -> None:
    plan = cleared_plan(sessions=3)
    first = plan.planned_sessions.get(ordinal=1)
    SessionFactory(plan=plan, planned=first, signed=True, started_at=ago(days=6))
    (offer,) = offers_of(plan, at=ahead(days=40))
    assert offer.steps[1].gap is None
    assert timezone.localdate(offer.steps[1].ideal) == timezone.localdate(ahead(days=40))


def test_one_open_session_is_no_course() -> None:
    assert offers_of(cleared_plan(sessions=1)) == []


def test_a_technique_that_no_kind_of_visit_is_for_is_no_course() -> None:
    plan = cleared_plan(sessions=3)
    assert len(offers_of(plan)) == 1
    AppointmentType.objects.filter(purpose=purposes.Kind.SESSION).update(is_active=False)
    assert offers_of(plan) == []


def test_a_plan_that_is_held_or_blocked_says_so_or_offers_nothing() -> None:
    plan = cleared_plan()
    plan.status = "on_hold"
    plan.save()
    assert offers_of(plan) == []


def test_test_reading_and_first_session_with_or_without_the_others_behind_it() -> None:
    plan = consented_plan(sessions=3)
    first, whole = offers_of(plan)
    policy = plan.test_policy
    assert [step.purpose for step in first.steps] == [
        purposes.test_of(plan),
        purposes.reading_of(plan),
        purposes.session_of(plan.planned_sessions.get(ordinal=1)),
    ]
    reading, session = first.steps[1:]
    assert (reading.pairs, reading.gap.ideal) == (True, timedelta(hours=policy.reading_due_hours))
    assert isinstance(session.gap, HourGap)
    assert session.gap.shortest == timedelta(
        hours=policy.min_hours_before_session - policy.reading_from_hours, minutes=1
    )
    assert len(whole.steps) == 5


def test_the_first_session_of_the_course_is_never_before_the_test_would_clear(
    open_clinic: Practitioner, practitioner_user: User
) -> None:
    plan = course.consented(
        course.agreed("FACE-AMIN", by=practitioner_user, at=ago(days=2)), by=practitioner_user, at=ago(days=1)
    )
    course.decide_caps()
    _first, whole = offers_of(plan)
    found = CourseSearch(whole.steps, CLINIC_NOW, {"patient": plan.patient}, {}).course
    visits = [Visit(plan.patient, each.step.purpose, each.starts_at) for each in found.visits]
    verdicts = readiness.pathway().judge(visits, at=CLINIC_NOW)
    assert [verdict.state for verdict in verdicts] == [Readiness.CLEAR] * 2 + [Readiness.PROVISIONAL] * 4
    assert {each.code for verdict in verdicts for each in verdict.conditions} == {"test"}
    test, reading, session = (each.starts_at for each in found.visits[:3])
    assert timedelta(hours=48) <= reading - test < timedelta(hours=96)
    assert session >= test + timedelta(hours=plan.test_policy.min_hours_before_session)


def test_keys_name_the_plan() -> None:
    plan = consented_plan()
    assert [offer.key for offer in offers_of(plan)] == [
        course_offers.key_of(plan, first_only=True),
        course_offers.key_of(plan),
    ]


def test_a_test_that_waits_for_its_reading_is_not_given_anew_with_the_course() -> None:
    plan = consented_plan(sessions=3)
    PatchTestFactory(plan=plan, given_at=ago(hours=30))
    (offer,) = offers_of(plan)
    assert (offer.key, offer.label) == (
        course_offers.key_of(plan),
        f"All 3 open sessions · {plan.indication}",
    )
    assert [step.purpose for step in offer.steps] == [
        purposes.session_of(each) for each in plan.planned_sessions.all()
    ]


def test_a_test_that_expired_in_the_course_is_booked_with_the_next_session_and_what_is_left() -> None:
    plan = consented_plan(sessions=3)
    TestReadingFactory(patch_test__plan=plan, valid_until=ago(days=1))
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    first, whole = offers_of(plan)
    assert (first.label, whole.label) == (
        f"Test, reading and next session · {plan.indication}",
        f"Test, reading and all 2 sessions · {plan.indication}",
    )
    assert first.steps[-1].purpose == purposes.session_of(plan.planned_sessions.get(ordinal=2))
    assert (len(first.steps), len(whole.steps)) == (3, 4)


def test_where_one_session_is_left_or_a_later_one_is_booked_the_test_brings_the_next_alone() -> None:
    assert [each.key[:5] for each in offers_of(consented_plan(sessions=1))] == ["first"]
    plan = consented_plan(sessions=3)
    last = plan.planned_sessions.get(ordinal=3)
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(last), starts_at=ahead(days=30)
    )
    last.appointment = visit
    last.save()
    assert [each.key[:5] for each in offers_of(plan)] == ["first"]
