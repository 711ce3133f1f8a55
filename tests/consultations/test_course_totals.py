"""What a course has put in so far: the plan page says it by session and in all, with the figures of the papers."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import User
from consultations.course_totals import Total, totals
from consultations.models import EnteredInError, Plan
from consultations.queries import facts_of_one
from tests.consultations import course
from tests.factories import SessionFactory, SessionZoneFactory, UserFactory, cleared_plan
from tests.factories.clock import PARIS, ago

pytestmark = pytest.mark.django_db
LIDOCAINE, KETOPROFEN = "Lidocaine", "Ketoprofen"


@pytest.fixture
def by(doctor: object, practitioner_user: User) -> User:
    return practitioner_user


def said(plan: Plan) -> dict[str, tuple[str, str]]:
    """By label the amounts of the sessions and their sum with its unit."""
    found = totals(facts_of_one(plan))
    return {
        each.label: (each.by_session, f"{each.total.normalize():f} {each.unit}".strip()) for each in found
    }


def test_a2_the_page_adds_up_100_800_and_140_mg_in_15_ml(by: User, practitioner_client: Client) -> None:
    first = datetime(2026, 1, 5, 10, tzinfo=PARIS)
    plan = course.cleared("PAIN-ACUTE-LBP", by=by, at=first, starts_on=first.date())
    for ordinal in range(1, 6):
        at = first + timedelta(days=3 * (ordinal - 1))
        rows = course.zones((20, "0.15"))
        course.given(plan, ordinal, rows=rows, by=by, at=at, weight_kg=Decimal(70))
    assert said(plan) == {
        "Points": ("20 · 20 · 20 · 20 · 20", "100"),
        "Volume": ("3 · 3 · 3 · 3 · 3", "15 ml"),
        LIDOCAINE: ("20 · 20 · 20 · 20 · 20", "100 mg"),
        KETOPROFEN: ("160 · 160 · 160 · 160 · 160", "800 mg"),
        "Methylprednisolone": ("40 · 40 · 20 · 20 · 20", "140 mg"),
    }
    text = practitioner_client.get(reverse("consultations:plan", args=[plan.pk])).content.decode()
    assert "40 · 40 · 20 · 20 · 20" in text and "140 mg" in text


def test_two_zones_of_a_session_count_together_and_another_plan_s_not_at_all(clinic_now: datetime) -> None:
    plan = cleared_plan(sessions=2)
    draft = SessionFactory(plan=plan)
    for points in (4, 6):
        SessionZoneFactory(session=draft, points=points)
    assert said(plan) == {}
    for each in (plan, cleared_plan(patient=plan.patient)):
        planned = {"planned": plan.planned_sessions.get(ordinal=2)} if each == plan else {}
        SessionFactory(plan=each, signed=True, started_at=ago(days=3), **planned)
    assert said(plan)["Points"] == ("10", "10")


def test_one_called_an_error_by_two_people_leaves_the_sum(clinic_now: datetime) -> None:
    plan = cleared_plan(sessions=3, min_gap_days=1)
    wrong, _right = [SessionFactory(plan=plan, signed=True, started_at=ago(days=number)) for number in (5, 3)]
    assert said(plan)["Volume"] == ("1 · 1", "2 ml")
    EnteredInError.objects.create(
        session=wrong,
        reason="other twin",
        requested_by=UserFactory(practitioner=True),
        requested_at=ago(hours=2),
        confirmed_by=UserFactory(practitioner=True),
        confirmed_at=ago(hours=1),
    )
    assert said(plan)["Volume"] == ("1", "1 ml")


def test_a_component_of_some_sessions_has_nothing_in_the_others() -> None:
    assert Total("Caffeine", "mg", (Decimal(0), Decimal("2.50"))).by_session == "0 · 2.5"
