"""The plan page: what was agreed, the windows of its sessions, and its changes of status."""

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.models import RecordOpened, User
from consultations import plan_page, purposes
from consultations.enums import PlanStatus
from consultations.enums import TestRequirement as Requirement
from consultations.models import Plan
from consultations.queries import facts_of_one
from tests.factories import (
    AppointmentFactory,
    PatchTestPolicyFactory,
    PlanFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(clinic_now: datetime) -> Plan:
    """Four sessions: one given, one booked, two to come."""
    made = cleared_plan(sessions=4, interval_days=7, min_gap_days=6)
    SessionFactory(plan=made, signed=True, started_at=ago(days=7))
    second = made.planned_sessions.get(ordinal=2)
    second.appointment = AppointmentFactory(
        patient=made.patient, purpose=purposes.session_of(second), starts_at=ahead(days=2)
    )
    second.save()
    return made


def url(plan: Plan, change: str = "") -> str:
    return (
        reverse("consultations:plan_change", args=[plan.pk, change])
        if change
        else reverse("consultations:plan", args=[plan.pk])
    )


def test_rows_say_what_was_given_what_is_booked_and_what_is_next(plan: Plan) -> None:
    rows = plan_page.rows(facts_of_one(plan), at=CLINIC_NOW)
    assert [(row.number, row.state, row.words) for row in rows] == [
        (1, "given", "complete"),
        (2, "booked", "booked"),
        (3, "next", "to book next"),
        (4, "todo", "to be booked"),
    ]
    assert (rows[2].ideal - TODAY).days == 9


def test_a_session_being_recorded_says_so(clinic_now: datetime) -> None:
    plan = cleared_plan()
    SessionFactory(plan=plan)
    assert plan_page.rows(facts_of_one(plan), at=CLINIC_NOW)[0].state == "draft"


def test_the_page_shows_what_was_agreed_and_the_policy_in_words(
    practitioner_client: Client, plan: Plan
) -> None:
    text = practitioner_client.get(url(plan)).content.decode()
    for expected in (
        str(plan.formula),
        str(plan.technique),
        "A test injection is required.",
        "1 of 4 sessions given",
    ):
        assert expected in text
    assert list(RecordOpened.objects.values_list("page", flat=True)) == ["consultations:plan"]


def test_the_policy_in_words() -> None:
    assert plan_page.policy_words(PatchTestPolicyFactory()) == [
        "A test injection is required.",
        "Intradermal injection, 0.05 ml, left forearm; observed for 20 minutes.",
        "Read 24 to 96 hours later, best after 48.",
        "First session 48 hours after the test at the earliest; valid for 6 months.",
    ]
    late = PatchTestPolicyFactory(late_reading_from_days=7, late_reading_until_days=28)
    assert plan_page.policy_words(late)[-1] == (
        "May be looked at again on day 7 to 28; nothing waits for it."
    )
    assert plan_page.policy_words(PatchTestPolicyFactory(requirement=Requirement.NOT_REQUIRED)) == [
        "No test injection is required."
    ]


@pytest.mark.parametrize("sessions", [1, 3])
def test_the_page_takes_a_fixed_number_of_queries(
    practitioner_client: Client,
    clinic_now: datetime,
    django_assert_num_queries: DjangoAssertNumQueries,
    sessions: int,
) -> None:
    plan = cleared_plan(sessions=4, min_gap_days=1)
    for number in range(sessions):
        SessionFactory(plan=plan, signed=True, started_at=ago(days=7 - 2 * number))
    with django_assert_num_queries(PAGE_QUERIES):
        practitioner_client.get(url(plan))


PAGE_QUERIES = 32


@pytest.mark.parametrize(
    ("status", "change", "becomes"),
    [
        (PlanStatus.ACTIVE, "hold", PlanStatus.ON_HOLD),
        (PlanStatus.ON_HOLD, "resume", PlanStatus.ACTIVE),
        (PlanStatus.ACTIVE, "stop", PlanStatus.STOPPED),
        (PlanStatus.ON_HOLD, "stop", PlanStatus.STOPPED),
        (PlanStatus.ACTIVE, "complete", PlanStatus.COMPLETED),
    ],
)
def test_a_plan_changes_its_status_with_a_reason(
    practitioner_client: Client, practitioner_user: User, status: PlanStatus, change: str, becomes: PlanStatus
) -> None:
    plan = PlanFactory(status=status)
    assert practitioner_client.get(url(plan, change)).status_code == 200
    answer = practitioner_client.post(url(plan, change), {"reason": "as agreed on the phone"})
    assert answer["Location"] == url(plan)
    plan.refresh_from_db()
    (entry,) = plan.status_changes.all()
    assert (plan.status, entry.reason, entry.changed_by) == (
        becomes,
        "as agreed on the phone",
        practitioner_user,
    )


def test_a_change_without_a_reason_is_refused(practitioner_client: Client) -> None:
    plan = PlanFactory()
    answer = practitioner_client.post(url(plan, "stop"), {"reason": "  "})
    plan.refresh_from_db()
    assert (answer.status_code, plan.status) == (422, PlanStatus.ACTIVE)
    assert answer.context["form"].error_codes == {"required"}


def test_a_change_that_is_not_possible_says_so_and_keeps_the_reason(practitioner_client: Client) -> None:
    plan = PlanFactory(status=PlanStatus.STOPPED)
    answer = practitioner_client.post(url(plan, "resume"), {"reason": "she would like to go on"})
    assert answer.status_code == 422
    assert answer.context["form"].error_codes == {"wrong_state"}
    assert "she would like to go on" in answer.content.decode()


def test_an_unknown_change_or_plan_is_not_found(practitioner_client: Client) -> None:
    plan = PlanFactory()
    assert practitioner_client.get(url(plan, "explode")).status_code == 404
    unknown = reverse("consultations:plan", args=["00000000-0000-4000-8000-000000000000"])
    assert practitioner_client.get(unknown).status_code == 404


def test_only_what_the_status_allows_is_offered(practitioner_client: Client) -> None:
    offered = {
        status: [
            each["slug"]
            for each in practitioner_client.get(url(PlanFactory(status=status))).context["possible"]
        ]
        for status in (PlanStatus.ACTIVE, PlanStatus.ON_HOLD, PlanStatus.STOPPED, PlanStatus.COMPLETED)
    }
    assert offered == {
        PlanStatus.ACTIVE: ["hold", "complete", "stop"],
        PlanStatus.ON_HOLD: ["resume", "stop"],
        PlanStatus.STOPPED: [],
        PlanStatus.COMPLETED: [],
    }


def test_plans_are_for_practitioners(reception_client: Client, admin_client: Client, client: Client) -> None:
    plan = PlanFactory()
    for other in (reception_client, admin_client):
        assert other.get(url(plan)).status_code == 404
        assert other.get(url(plan, "hold")).status_code == 404
        assert other.post(url(plan, "hold"), {"reason": "x"}).status_code == 404
    assert client.get(url(plan)).status_code == 302
    plan.refresh_from_db()
    assert plan.status == PlanStatus.ACTIVE


def may_book_next(client: Client, plan: Plan) -> bool:
    page = client.get(url(plan))
    offered = bool(page.context["may_book_next"])
    assert ("Book next" in page.content.decode()) is offered
    return offered


def test_the_next_visit_is_offered_while_a_session_is_to_be_booked(
    practitioner_client: Client, plan: Plan
) -> None:
    assert may_book_next(practitioner_client, plan)
    for planned in plan.planned_sessions.filter(ordinal__gt=2):
        planned.appointment = AppointmentFactory(
            patient=plan.patient,
            purpose=purposes.session_of(planned),
            starts_at=ahead(days=7 * planned.ordinal),
        )
        planned.save()
    assert not may_book_next(practitioner_client, plan)
