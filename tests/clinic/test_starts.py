"""Free starts as data: the same as the search finds, and a choice that the booking page takes."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.availability import free_starts
from clinic.intervals import local_day
from clinic.models import Appointment
from tests.clinic.desk import Desk, on
from tests.factories.clock import CLINIC_NOW, PARIS

TUESDAY = date(2026, 3, 3)


def asked(desk: Desk, **changes: object) -> dict[str, object]:
    return {"type": desk.visit.code, "practitioner": desk.silva.pk, "day": TUESDAY, **changes}


def test_they_are_those_of_the_search(desk: Desk, reception_client: Client) -> None:
    desk.book(on(TUESDAY, "09:00"))
    answer = reception_client.get("/starts/", asked(desk)).json()
    window = local_day(TUESDAY, PARIS)
    found = free_starts(type=desk.visit, window=window, at=CLINIC_NOW, practitioners=[desk.silva])
    assert answer["practitioner"] == "Dr Silva"
    assert [each["starts_at"] for each in answer["starts"]] == [
        each.starts_at.astimezone(PARIS).isoformat() for each in found
    ]
    assert answer["starts"]
    assert all("T09:00" not in each["starts_at"] for each in answer["starts"])


def test_the_booking_page_takes_the_choice(desk: Desk, reception_client: Client) -> None:
    first = reception_client.get("/starts/", asked(desk)).json()["starts"][0]
    fields = {"what": f"{desk.visit.code}:", "choice": first["choice"], "request_id": str(uuid4())}
    assert (
        reception_client.post(reverse("clinic:book_for", args=[desk.patient.pk]), fields).status_code == 302
    )
    (visit,) = Appointment.objects.all()
    assert visit.starts_at.astimezone(PARIS).isoformat() == first["starts_at"]


@pytest.mark.parametrize("visits", [1, 3])
def test_the_number_of_queries_does_not_grow(
    desk: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, visits: int
) -> None:
    for number in range(visits):
        desk.book(on(TUESDAY, f"{9 + number:02}:00"))
    with django_assert_num_queries(6):
        reception_client.get("/starts/", asked(desk))


@pytest.mark.parametrize(
    "wrong", [{"day": "soon"}, {"practitioner": "x"}, {"type": ""}, {"day": "9999-01-01"}]
)
def test_what_cannot_be_read_is_named(desk: Desk, reception_client: Client, wrong: dict[str, str]) -> None:
    response = reception_client.get("/starts/", asked(desk, **wrong))
    assert response.status_code == 422
    assert list(response.json()["errors"]) == list(wrong)


def test_who_is_unknown_or_retired_is_not_found(desk: Desk, reception_client: Client) -> None:
    assert reception_client.get("/starts/", asked(desk, practitioner=uuid4())).status_code == 404
    desk.visit.is_active = False
    desk.visit.save()
    assert reception_client.get("/starts/", asked(desk)).status_code == 404
