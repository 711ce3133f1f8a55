"""The privacy switch: with it on, the pages that face the counter are sent without names."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from django.urls import reverse

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, ContactEntry, User, WaitlistEntry
from tests.clinic.desk import Desk, on
from tests.factories import ContactEntryFactory, ContactTryFactory, WaitlistEntryFactory
from tests.factories.booking import AppointmentFactory, WalkInFactory
from tests.factories.clock import TODAY
from tests.factories.people import PatientFactory
from tests.signing_in import sign_in

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
    sign_in(client, practitioner_user)
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


def _fill(desk: Desk) -> None:
    """On every list one patient with a name, a representative, an address and a note that hold names too."""
    named = {"family_name": "Okoro", "given_names": "Ada", "email": "ada.okoro@example.org"}
    patient = PatientFactory(**named, representative_name="Ben Okoro", representative_phone="+33612004472")
    kept = {"type": desk.visit, "practitioner": desk.silva, "room": desk.room, "patient": patient}
    # after hours, so that it stands outside the opening time too
    visit = AppointmentFactory(**kept, starts_at=today("18:00"), note="Okoro's aunt comes along")
    entry = ContactEntryFactory(patient=patient, about=visit)
    ContactTryFactory(entry=entry, note="Mrs Okoro was out")
    WaitlistEntryFactory(type=desk.visit, purpose="", patient=patient, note="Okoro calls back")


LISTS = ["/contacts/", "/waitlist/", "/waitlist/?show=today", "/opening/outside/"]


@pytest.mark.parametrize("page", [*LISTS, "/appointments/{visit}/", "/appointments/{visit}/cancel/"])
def test_lists_and_the_panel_show_numbers(busy_desk: Desk, reception_client: Client, page: str) -> None:
    _fill(busy_desk)
    visit = Appointment.objects.get(note__startswith="Okoro")
    address = page.format(visit=visit.pk)
    shown = reception_client.get(address).content.decode()
    switch(reception_client)
    hidden = reception_client.get(address).content.decode()
    assert "Okoro" in shown
    assert [name for name in ("Okoro", "okoro", "Ada", *NAMES) if name in hidden] == []


def test_the_switch_is_this_browsers_only(
    busy_desk: Desk, reception_client: Client, admin_client: Client
) -> None:
    switch(reception_client)
    assert "Moreau" in admin_client.get("/diary/").content.decode()


def test_what_is_said_of_the_lists_hides_the_name(busy_desk: Desk, reception_client: Client) -> None:
    _fill(busy_desk)
    switch(reception_client)
    entry, waits = ContactEntry.objects.get(), WaitlistEntry.objects.get()
    for url, data in (
        (reverse("clinic:contact_try", args=[entry.pk]), {"channel": "phone", "outcome": "no_answer"}),
        (reverse("clinic:contact_close", args=[entry.pk]), {"reason": "Came by"}),
        (reverse("clinic:waitlist_withdraw", args=[waits.pk]), {}),
    ):
        said = reception_client.post(url, data, follow=True).content.decode()
        assert (f"№ {entry.patient.number}" in said, "Okoro" in said) == (True, False)


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org/", "", "1,5", "[]", "diary"])
def test_the_switch_leads_to_our_own_pages_only(
    busy_desk: Desk, reception_client: Client, elsewhere: str
) -> None:
    assert reception_client.post(reverse("clinic:privacy"), {"next": elsewhere})["Location"] == "/"
