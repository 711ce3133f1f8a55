"""The demo's courses with doses of their own carry the figures of their sources."""

import random
from datetime import datetime
from decimal import Decimal

import pytest
from django.db.models import Sum
from pytest_django.fixtures import Settings

from clinic.models import Appointment
from consultations.demo import cast, clinic, courses
from consultations.demo.clinic import DemoClinic
from consultations.models import Plan, Session, SessionDose

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows")]


@pytest.fixture
def demo(clinic_now: datetime, settings: Settings) -> DemoClinic:
    """The clinic without its people."""
    settings.DEMO_PASSWORD = "mesoclinic-demo"
    made = clinic.build(clinic_now)
    clinic.decide_limits(made)
    clinic.stock(made)
    return made


def doses_of(component: str) -> list[Decimal]:
    """In mg, session by session."""
    found = SessionDose.objects.filter(component__code=component).order_by("session__started_at")
    return [dose.amount.quantize(Decimal("0.01")) for dose in found]


def given() -> list[tuple[int, Decimal]]:
    """The number and the volume in ml of each session that was given."""
    found = Session.objects.given().annotate(volume=Sum("zones__volume_ml")).order_by("started_at")
    return [(session.planned.ordinal, session.volume) for session in found]


def test_both_are_in_the_list_of_scenes() -> None:
    assert {courses.formula_by_session, courses.at_the_caps} <= set(cast.SCENES)


def test_the_course_for_the_back_has_given_four_sessions_of_3_ml_and_waits_for_its_fifth_today(
    demo: DemoClinic,
) -> None:
    courses.formula_by_session(demo, random.Random(1))
    assert given() == [(number, Decimal(3)) for number in (1, 2, 3, 4)]
    assert doses_of("methylpred") == [Decimal(40), Decimal(40), Decimal(20), Decimal(20)]
    assert doses_of("lidocaine") == [Decimal(20)] * 4
    assert doses_of("ketoprofen") == [Decimal(160)] * 4
    today = Appointment.objects.get(starts_at__date=demo.today)
    fifth = Plan.objects.get().planned_sessions.get(ordinal=5)
    assert (today.purpose, fifth.formula.code) == (f"session:{fifth.pk}", "F-PAIN-LBP-20")


def test_the_course_under_the_chin_has_given_100_mg_twice_and_waits_for_its_third_today(
    demo: DemoClinic,
) -> None:
    courses.at_the_caps(demo, random.Random(1))
    assert given() == [(1, Decimal(10)), (2, Decimal(10))]
    assert doses_of("dc") == [Decimal(100)] * 2
    today = Appointment.objects.get(starts_at__date=demo.today)
    third = Plan.objects.get().planned_sessions.get(ordinal=3)
    assert today.purpose == f"session:{third.pk}"
