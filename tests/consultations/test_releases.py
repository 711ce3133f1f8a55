"""Visits that cannot take place wait for somebody until their times are released."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.enums import CancelledBy
from clinic.models import Appointment, User
from consultations import purposes
from consultations.actions import plans
from consultations.models import Plan
from consultations.releases import to_release
from consultations.worklists.notices import notices
from tests.clinic.desk import Desk, make_desk, on
from tests.factories import PatchTestFactory, TestReadingFactory, UserFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, ago

LABEL = "visits to release"
TUESDAY = date(2026, 3, 3)


@pytest.fixture
def desk(rows: None, clinic_now: datetime, reception: User) -> Desk:
    """The small clinic, with the clinical pathway connected."""
    return make_desk(reception)


def course(desk: Desk, clock: str = "10:00") -> tuple[Plan, list[Appointment]]:
    """Two sessions on the books that are cleared so far."""
    plan = cleared_plan(sessions=2)
    days = [TUESDAY, TUESDAY + timedelta(weeks=1)]
    purposes_ = [purposes.session_of(each) for each in plan.planned_sessions.all()]
    return plan, [
        desk.book(on(day, clock), patient=plan.patient, purpose=purpose)
        for day, purpose in zip(days, purposes_, strict=True)
    ]


@pytest.fixture
def doctor_user(desk: Desk, practitioner_user: User) -> User:
    """Dr Silva's own sign-in."""
    desk.silva.user = practitioner_user
    desk.silva.save()
    return practitioner_user


def closed(desk: Desk, clock: str = "10:00") -> tuple[Plan, list[Appointment]]:
    """Then the test turns out positive."""
    plan, booked = course(desk, clock)
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True)
    return plan, booked


def labels(user: User) -> dict[str, tuple[int, str]]:
    found = notices(user=user, at=CLINIC_NOW)
    return {each.label: (each.count, each.url) for each in found if LABEL in each.label}


def test_a_positive_test_tells_the_desk_whose_times_to_release(desk: Desk) -> None:
    plan, booked = closed(desk)
    (found,) = to_release(user=desk.user, at=CLINIC_NOW)
    assert (found.patient, found.visits) == (plan.patient, booked)
    address = reverse("clinic:release", args=[plan.patient_id])
    assert labels(desk.user) == {"Patient with visits to release": (1, address)}


def test_a_stopped_plan_does_too(desk: Desk, doctor_user: User) -> None:
    plan, booked = course(desk)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []
    plans.stop(plan=plan, reason="moved away", by=doctor_user, at=CLINIC_NOW)
    assert [each.visits for each in to_release(user=desk.user, at=CLINIC_NOW)] == [booked]


def test_what_is_released_or_over_waits_for_nobody(desk: Desk) -> None:
    _plan, booked = closed(desk)
    for visit in booked:
        visits.cancel(appointment=visit, cancelled_by=CancelledBy.CLINICAL, by=desk.user, at=CLINIC_NOW)
    assert to_release(user=desk.user, at=CLINIC_NOW) == []
    assert labels(desk.user) == {}


def test_several_patients_lead_to_the_list_and_from_there_to_each(
    desk: Desk, reception_client: Client
) -> None:
    patients = [closed(desk, clock)[0].patient for clock in ("10:00", "11:00")]
    assert labels(desk.user) == {"Patients with visits to release": (2, reverse("consultations:late"))}
    shown = reception_client.get(reverse("consultations:late")).content.decode()
    assert all(reverse("clinic:release", args=[each.pk]) in shown for each in patients)
    assert "positive" not in shown


def test_a_practitioner_finds_them_on_the_worklist(desk: Desk, doctor_user: User, client: Client) -> None:
    plan, _booked = closed(desk)
    client.force_login(doctor_user, backend="clinic.accounts.PasswordBackend")
    shown = client.get(reverse("consultations:worklists")).content.decode()
    assert reverse("clinic:release", args=[plan.patient_id]) in shown


def test_an_admin_who_releases_nothing_is_led_to_the_list(desk: Desk) -> None:
    closed(desk)
    admin = UserFactory(admin=True)
    assert labels(admin) == {"Patient with visits to release": (1, reverse("consultations:late"))}


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_queries_does_not_grow(
    desk: Desk, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for clock in ("10:00", "11:00", "14:00")[:count]:
        closed(desk, clock)
    with django_assert_num_queries(16):
        assert len(to_release(user=desk.user, at=CLINIC_NOW)) == count
