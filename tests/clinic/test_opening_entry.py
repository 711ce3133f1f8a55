"""One entry of the opening times: what it affects, and taking it back."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.models import Absence, Appointment, ExtraOpening
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    ClosedDayFactory,
    ExtraOpeningFactory,
    OutOfServiceFactory,
)
from tests.factories.clock import TODAY, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk_alone", "clinic_now")]
KINDS = {
    "absence": AbsenceFactory,
    "out-of-service": OutOfServiceFactory,
    "extra": ExtraOpeningFactory,
    "closed-day": ClosedDayFactory,
}


def url(name: str, kind: str, key: object) -> str:
    return reverse(f"clinic:{name}", args=[kind, key])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_page_and_is_removed_after_asking(reception_client: Client, kind: str) -> None:
    row = KINDS[kind]()
    assert reception_client.get(url("opening_entry", kind, row.pk)).status_code == 200
    asked = reception_client.get(url("opening_remove", kind, row.pk))
    assert (asked.status_code, type(row).objects.count()) == (200, 1)
    response = reception_client.post(url("opening_remove", kind, row.pk))
    assert (response.status_code, response["Location"], type(row).objects.count()) == (302, "/opening/", 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", ["x", "0b5b1c8e-6f0f-4a2d-8f3f-6f6a0f1d2c3b", "9" * 40, "-1"])
@pytest.mark.parametrize("name", ["opening_entry", "opening_remove"])
def test_an_unknown_entry_is_404(reception_client: Client, kind: str, key: str, name: str) -> None:
    assert reception_client.get(url(name, kind, key)).status_code == 404


def test_an_entry_of_another_kind_is_404(reception_client: Client) -> None:
    row = AbsenceFactory()
    assert reception_client.get(url("opening_entry", "extra", row.pk)).status_code == 404


def test_a_colleagues_absence_does_not_exist_for_a_practitioner(practitioner_client: Client) -> None:
    row = AbsenceFactory()
    assert practitioner_client.get(url("opening_entry", "absence", row.pk)).status_code == 404
    assert practitioner_client.post(url("opening_remove", "absence", row.pk)).status_code == 404
    assert Absence.objects.get() == row


def test_practitioners_see_a_closed_day_and_cannot_reopen_it(practitioner_client: Client) -> None:
    row = ClosedDayFactory(day=TODAY + timedelta(days=1))
    page = practitioner_client.get(url("opening_entry", "closed-day", row.pk))
    assert url("opening_remove", "closed-day", row.pk) not in page.text
    assert practitioner_client.post(url("opening_remove", "closed-day", row.pk)).status_code == 403


def test_an_admin_sees_what_is_affected_without_ways_to_move_it(admin_client: Client) -> None:
    visit = AppointmentFactory(starts_at=ahead(days=1))
    row = AbsenceFactory(practitioner=visit.practitioner, starts_at=ahead(days=1))
    page = admin_client.get(url("opening_entry", "absence", row.pk))
    assert page.context["affected"] == [visit]
    assert reverse("clinic:appointment_move", args=[visit.pk]) not in page.text


def test_extra_opening_with_visits_says_why_it_stays(reception_client: Client) -> None:
    visit = AppointmentFactory(starts_at=ahead(days=1))
    row = ExtraOpeningFactory(practitioner=visit.practitioner, starts_at=ahead(days=1))
    response = reception_client.post(url("opening_remove", "extra", row.pk))
    assert response.status_code == 422
    assert "Move or cancel them first." in response.text
    assert (ExtraOpening.objects.get(), Appointment.objects.get()) == (row, visit)


def test_more_than_fifty_affected_visits_say_that_more_follow(reception_client: Client) -> None:
    row = ClosedDayFactory(day=TODAY + timedelta(days=1))
    for minutes in range(51):
        AppointmentFactory(starts_at=ahead(days=1, minutes=minutes))
    response = reception_client.get(url("opening_entry", "closed-day", row.pk))
    assert (len(response.context["affected"]), response.context["has_more"]) == (50, True)


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_what_is_affected(
    reception_client: Client, django_assert_num_queries: Any, count: int
) -> None:
    row = ClosedDayFactory(day=TODAY + timedelta(days=1))
    AppointmentFactory.create_batch(count)
    with django_assert_num_queries(5):
        response = reception_client.get(url("opening_entry", "closed-day", row.pk))
    assert len(response.context["affected"]) == count
