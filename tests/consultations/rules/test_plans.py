"""When the sessions of a plan are due, counted from what was really given."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.models import Practitioner, User
from consultations import purposes
from consultations.enums import PLAN_MOVES, PlanStatus
from consultations.models import Plan, PlannedSession, PlanTemplate
from consultations.queries import facts_of_one, policy_in_force
from consultations.rules import plans
from tests.consultations import course
from tests.factories import (
    AppointmentFactory,
    EnteredInErrorFactory,
    PathwayPolicyFactory,
    PlanFactory,
    PlanTemplateFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, PARIS, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


def test_a1_a_monthly_course_keeps_its_day_of_the_month(
    doctor: Practitioner, practitioner_user: User
) -> None:
    start = date(2025, 1, 15)
    at = datetime(2025, 1, 6, 9, tzinfo=PARIS)
    plan = course.agreed("FACE-AMIN", by=practitioner_user, at=at, starts_on=start)
    ideal = [window.ideal for window in plans.windows(facts_of_one(plan), on=at.date())]
    assert ideal == [start, date(2025, 2, 15), date(2025, 3, 15), date(2025, 4, 15)]


def test_a3_abdallah_has_its_sessions_on_days_0_to_77(doctor: Practitioner, practitioner_user: User) -> None:
    plan = course.agreed("HAIR-DUT", by=practitioner_user, at=ago(days=1), starts_on=TODAY)
    days = [(window.ideal - TODAY).days for window in plans.windows(facts_of_one(plan), on=TODAY)]
    assert days == [0, 7, 14, 21, 35, 49, 77]


def test_a2_costantino_is_every_third_day(doctor: Practitioner, practitioner_user: User) -> None:
    plan = course.agreed("PAIN-ACUTE-LBP", by=practitioner_user, at=ago(days=1), starts_on=TODAY)
    days = [(window.ideal - TODAY).days for window in plans.windows(facts_of_one(plan), on=TODAY)]
    assert days == [0, 3, 6, 9, 12]


def test_intervals_count_from_what_was_really_given() -> None:
    plan = cleared_plan(sessions=3, interval_days=7, min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=2))
    windows = plans.windows(facts_of_one(plan), on=TODAY)
    given_on = TODAY - timedelta(days=2)
    assert windows[0].is_done
    assert (windows[1].earliest, windows[1].ideal) == (
        given_on + timedelta(days=6),
        given_on + timedelta(days=7),
    )
    assert windows[2].ideal == given_on + timedelta(days=14)


def test_then_from_what_is_booked() -> None:
    plan = cleared_plan(sessions=3)
    first = plan.planned_sessions.get(ordinal=1)
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(first), starts_at=ahead(days=5)
    )
    first.appointment = visit
    first.save()
    facts = facts_of_one(plan)
    windows = plans.windows(facts, on=TODAY)
    assert windows[0].visit == visit
    assert windows[1].ideal == TODAY + timedelta(days=12)
    # where it would be instead, or nowhere: then from its ideal day
    for moment, days in ((ahead(days=9), 16), (None, 10)):
        moved = plans.windows(facts, on=TODAY + timedelta(days=3), instead={first.pk: moment})
        assert (moved[0].visit, moved[1].ideal) == (visit, TODAY + timedelta(days=days))


def test_a_cancelled_visit_holds_no_place() -> None:
    plan = cleared_plan(sessions=2)
    first = plan.planned_sessions.get(ordinal=1)
    first.appointment = AppointmentFactory(
        patient=plan.patient, starts_at=ahead(days=5), status=AppointmentStatus.CANCELLED
    )
    first.save()
    windows = plans.windows(facts_of_one(plan), on=TODAY)
    assert (windows[0].visit, windows[1].ideal) == (None, TODAY + timedelta(days=7))


def test_a_session_entered_in_error_counts_until_a_second_person_confirms() -> None:
    plan = cleared_plan(sessions=2)
    session = SessionFactory(plan=plan, signed=True)
    entry = EnteredInErrorFactory(session=session)
    assert plans.windows(facts_of_one(plan), on=TODAY)[0].is_done
    entry.confirmed_at, entry.confirmed_by = CLINIC_NOW, plan.created_by
    entry.save()
    windows = plans.windows(facts_of_one(plan), on=TODAY)
    assert [window.is_done for window in windows] == [False, False]
    assert plans.next_to_give(facts_of_one(plan)) == session.planned


def test_nothing_is_due_in_the_past() -> None:
    plan = cleared_plan(sessions=2)
    SessionFactory(plan=plan, signed=True, started_at=ago(hours=1))
    later = TODAY + timedelta(days=60)
    window = plans.windows(facts_of_one(plan), on=later)[1]
    assert (window.earliest, window.ideal) == (later, later)


@pytest.mark.parametrize(
    ("code", "interval", "unit", "gap"),
    [
        ("PAIN-SPINE", 7, "days", 6),
        ("PAIN-ACUTE-LBP", 3, "days", 3),
        ("FACE-AMIN", 1, "months", 23),
        ("FAT-DCA", 1, "months", 28),
        ("FAT-PCDC", 4, "weeks", 28),
    ],
)
def test_the_hard_gap_is_four_fifths_of_the_interval_or_the_templates_own(
    code: str, interval: int, unit: str, gap: int
) -> None:
    template, policy = PlanTemplate.objects.current().get(code=code), policy_in_force(CLINIC_NOW)
    assert plans.min_gap_days(template, interval, unit, policy=policy) == gap


@pytest.mark.parametrize(("percent", "gap"), [("100", 7), ("71.42", 5), ("71.43", 6), ("50", 4), ("0.01", 1)])
def test_the_share_of_the_interval_is_the_policys_and_rounded_up_to_whole_days(
    percent: str, gap: int
) -> None:
    policy = PathwayPolicyFactory.build(hard_gap_percent=Decimal(percent))
    free, own = PlanTemplateFactory(min_gap_days=None), PlanTemplateFactory(min_gap_days=2)
    assert [plans.min_gap_days(each, 7, "days", policy=policy) for each in (free, own)] == [gap, 2]


def test_too_close_says_the_first_day_that_keeps_the_gap() -> None:
    plan = cleared_plan(sessions=2, min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(hours=1))
    second = plan.planned_sessions.get(ordinal=2)
    facts = facts_of_one(plan)
    assert plans.too_close(second, facts, ahead(days=5)) == TODAY + timedelta(days=6)
    assert plans.too_close(second, facts, ahead(days=6)) is None


@pytest.mark.parametrize("now", PlanStatus)
@pytest.mark.parametrize("then", PlanStatus)
def test_a_plans_status_moves_only_along_its_table(now: PlanStatus, then: PlanStatus) -> None:
    plan = PlanFactory(status=now)
    assert plans.may_change_status(plan, then) == (then in PLAN_MOVES[now])
    if then not in PLAN_MOVES[now]:
        with pytest.raises(DomainError) as refused:
            plans.check_status(plan, then, "because")
        assert refused.value.code == "wrong_state"


@pytest.mark.parametrize("status", PlanStatus)
def test_no_plan_changes_to_the_status_that_it_has(status: PlanStatus) -> None:
    assert not plans.may_change_status(Plan(status=status), status)


def test_a_change_of_status_says_why() -> None:
    with pytest.raises(DomainError) as refused:
        plans.check_status(PlanFactory(), PlanStatus.ON_HOLD, "  ")
    assert (refused.value.code, refused.value.field) == ("reason_missing", "reason")


@pytest.mark.parametrize(
    ("interval", "unit", "days"),
    [(1, "days", 3), (7, "days", 3), (8, "days", 4), (2, "weeks", 7), (3, "weeks", 10), (1, "months", 14)],
)
def test_a_session_is_in_time_for_half_its_interval_and_three_days_at_least(
    interval: int, unit: str, days: int
) -> None:
    assert plans.slack_days(PlannedSession(interval=interval, unit=unit)) == days


def test_the_window_of_a_first_session_ends_that_many_days_after_its_day() -> None:
    plan = cleared_plan(sessions=1)
    (window,) = plans.windows(facts_of_one(plan), on=TODAY)
    assert window.latest == window.ideal + timedelta(days=plans.slack_days(window.planned))
