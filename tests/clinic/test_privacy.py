"""The privacy switch: with it on, the pages that face the counter are sent without names."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.models import User
from tests.clinic.desk import Desk, on
from tests.factories.booking import AppointmentFactory, WalkInFactory
from tests.factories.clock import TODAY
from tests.factories.people import PatientFactory

pytestmark = pytest.mark.django_db
# Everything that shows the diary's visits.
PAGES = [
    "/diary/",
    "/diary/?show=list",
    "/diary/?show=rooms",
    "/diary/?show=week",
    "/diary/calendar/",
    "/diary/calendar/?show=week",
    "/diary/calendar/events/",
    "/diary/print/",
]
NAMES = ("Moreau", "Jeanne", "Haddad", "Okoro")


def today(clock: str) -> datetime:
    return on(TODAY, clock)


@pytest.fixture
def busy_desk(desk: Desk) -> Desk:
    """Somebody booked, somebody waiting, a walk-in, somebody who did not come; a note with a name in it."""
    rows = {"type": desk.visit, "practitioner": desk.silva, "room": desk.room}
    AppointmentFactory(**rows, patient=desk.patient, starts_at=today("13:00"), note="Moreau prefers Room 2")
    haddad = PatientFactory(family_name="Haddad")
    AppointmentFactory(**rows, patient=haddad, starts_at=today("08:00"), status=AppointmentStatus.ARRIVED)
    AppointmentFactory(**rows, patient=haddad, starts_at=today("16:00"), status=AppointmentStatus.CANCELLED)
    WalkInFactory(patient=PatientFactory(family_name="Okoro"))
    return desk


def switch(client: Client, next: str = "/diary/") -> None:
    assert client.post(reverse("clinic:privacy"), {"next": next})["Location"] == next


@pytest.mark.parametrize("page", PAGES)
def test_no_name_is_sent_while_the_switch_is_on(busy_desk: Desk, reception_client: Client, page: str) -> None:
    shown = reception_client.get(page).content.decode()
    assert "Moreau" in shown  # the control: without the switch the name is there
    switch(reception_client)
    hidden = reception_client.get(page).content.decode()
    assert [name for name in NAMES if name in hidden] == []
    assert f"№ {busy_desk.patient.number}" in hidden or f"\\u2116 {busy_desk.patient.number}" in hidden


def test_the_waiting_list_is_hidden_too(busy_desk: Desk, reception_client: Client) -> None:
    switch(reception_client)
    response = reception_client.get(reverse("clinic:waiting"), headers={"HX-Request": "true"})
    assert [name for name in NAMES if name in response.content.decode()] == []


def test_my_day_is_hidden_too(busy_desk: Desk, practitioner_user: User, client: Client) -> None:
    busy_desk.silva.user = practitioner_user
    busy_desk.silva.save()
    client.force_login(practitioner_user, backend="django.contrib.auth.backends.ModelBackend")
    assert "Moreau" in client.get("/my-day/").content.decode()
    switch(client)
    assert "Moreau" not in client.get("/my-day/").content.decode()


def test_the_page_says_that_it_is_on_and_the_switch_turns_it_off_again(
    busy_desk: Desk, reception_client: Client
) -> None:
    words = "Names are hidden on this screen"
    said = []
    for _ in range(3):
        said.append(words in reception_client.get("/diary/").content.decode())
        switch(reception_client)
    assert said == [False, True, False]


def test_messages_and_the_way_back_hide_the_name(busy_desk: Desk, reception_client: Client) -> None:
    switch(reception_client)
    visit = busy_desk.book(today("14:00"), patient=PatientFactory(family_name="Sousa"), room=busy_desk.room2)
    step = reverse("clinic:appointment_step", args=[visit.pk, "confirm"])
    reception_client.post(step, {"version": visit.version, "next": "/diary/"})
    move = reverse("clinic:calendar_move", args=[visit.pk])
    reception_client.post(move, {"version": 2, "starts_at": "2026-03-02T15:00"})
    page = reception_client.get("/diary/calendar/").content.decode()
    assert (f"№ {visit.patient.number}: Confirmed." in page, "moved to Mon 2 Mar 2026, 15:00" in page) == (
        True,
        True,
    )
    assert "Sousa" not in page


def test_what_is_said_of_a_walk_in_hides_the_name(busy_desk: Desk, reception_client: Client) -> None:
    switch(reception_client)
    sousa = PatientFactory(family_name="Sousa")
    reception_client.post(reverse("clinic:walk_in_note"), {"patient": sousa.pk, "wants": "A prescription"})
    page = reception_client.get("/diary/").content.decode()
    assert (f"№ {sousa.number} is waiting at the counter." in page, "Sousa" in page) == (True, False)


def test_the_switch_is_this_browsers_only(
    busy_desk: Desk, reception_client: Client, admin_client: Client
) -> None:
    switch(reception_client)
    assert "Moreau" in admin_client.get("/diary/").content.decode()


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", ""])
def test_the_switch_leads_to_our_own_pages_only(
    busy_desk: Desk, reception_client: Client, elsewhere: str
) -> None:
    assert reception_client.post(reverse("clinic:privacy"), {"next": elsewhere})["Location"] == "/"
