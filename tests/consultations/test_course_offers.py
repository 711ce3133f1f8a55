"""A plan as steps of a course, and the irregular phases of CLINICAL 9.2 with their exact dates."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from django.utils import timezone

from clinic import readiness
from clinic.courses import CourseSearch
from clinic.enums import RoomKind
from clinic.models import Practitioner, User
from consultations.models import Plan
from tests.consultations import course
from tests.factories import (
    RoomFactory,
    WorkingHoursFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY
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
