"""A phone call: how many interactions it takes to book once the patient is on screen. At most four (the booking panel's budget).

An interaction is one key or one click. Times are the demo's own: the clinic is open every day from eight to six.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.enums import AppointmentStatus, RoomKind
from clinic.models import Appointment, Patient, Practitioner
from tests.browser.conftest import Screen
from tests.factories import (
    AppointmentFactory,
    PractitionerFactory,
    RoomFactory,
    UserFactory,
    WorkingHoursFactory,
    consented_plan,
)
from tests.factories.clock import PARIS
from tests.factories.people import PatientFactory
from tests.factories.places import LocationFactory

pytestmark = [pytest.mark.browser]
AT_MOST = 4
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=PARIS)  # a Monday


class Phone(Screen):
    """The desk's window with a patient on screen; counts what the hands do."""

    interactions = 0

    def press(self, key: str) -> None:
        """One key."""
        self.page.keyboard.press(key)
        self.interactions += 1

    def click(self, locator: str) -> None:
        """One click; the part of the page it changes is there again."""
        with self.page.expect_response(lambda answer: "/book/" in answer.url):
            self.page.locator(locator).click()
        self.interactions += 1

    def show(self, patient: Patient) -> None:
        """The patient is on screen: the call begins."""
        self.open(f"/patients/{patient.pk}/")
        self.interactions = 0

    def panel(self) -> None:
        """The booking panel has opened with the first free time chosen and in focus."""
        expect(self.page.locator('#booking input[name="choice"]:checked')).to_be_focused()

    def book(self) -> None:
        """The one button."""
        self.page.locator("[data-book]").click()
        self.interactions += 1

    def booked(self) -> None:
        """The panel has closed: the visit is on the books."""
        self.page.wait_for_url(lambda url: "/book/" not in url)


@pytest.fixture
def phone(clinic_server: LiveServer, browser: Browser) -> Iterator[Phone]:
    """Reception, signed in, in a clinic with two practitioners who are open every day."""
    with time_machine.travel(NOW, tick=True):
        location = LocationFactory(name="Harbour Street")
        for kind in RoomKind:
            RoomFactory.create_batch(2, location=location, kind=kind)
        for position, name in enumerate(("Dr Amari", "Dr Silva")):
            who = PractitionerFactory(name=name, position=position, skills=["needle"])
            for weekday in range(1, 8):
                WorkingHoursFactory(
                    practitioner=who, location=location, weekday=weekday, starts=time(8), ends=time(18)
                )
        UserFactory(username="desk", reception=True)
        screen = Phone(browser, clinic_server)
        screen.signed_in("desk")
        yield screen
        screen.close()


def test_a_consultation_with_anybody_takes_two(phone: Phone) -> None:
    """B, Enter: the first free time is chosen to begin with."""
    phone.show(PatientFactory())
    phone.press("b")
    phone.panel()
    phone.check_accessible()
    phone.press("Enter")
    phone.booked()
    assert Appointment.objects.get().purpose == "consultation"
    assert phone.interactions == 2 <= AT_MOST


def test_a_consultation_two_times_later_takes_four(phone: Phone) -> None:
    """B, down, down, Enter: the arrows walk the times."""
    phone.show(PatientFactory())
    phone.press("b")
    phone.panel()
    times = [each.get_attribute("value") for each in phone.page.locator('input[name="choice"]').all()]
    for _ in range(2):
        phone.press("ArrowDown")
    phone.press("Enter")
    phone.booked()
    assert times[2].startswith(f"{Appointment.objects.get().starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}")
    assert phone.interactions == AT_MOST


def test_a_test_with_its_reading_takes_at_most_four(phone: Phone) -> None:
    """B, Enter: what the patient may book next comes first, and the reading is found with it."""
    phone.show(consented_plan().patient)
    phone.press("b")
    phone.panel()
    phone.press("Enter")
    phone.booked()
    reading = Appointment.objects.get(pair_of__isnull=False)
    assert (reading.pair_of.purpose[:4], reading.purpose[:7]) == ("test", "reading")
    assert phone.interactions <= AT_MOST


def test_a_known_practitioner_on_a_tuesday_morning_takes_four(phone: Phone) -> None:
    """B, the practitioner, the day, the button: the morning is what comes first."""
    silva, patient = Practitioner.objects.get(name="Dr Silva"), PatientFactory()
    AppointmentFactory(
        patient=patient,
        practitioner=silva,
        starts_at=NOW - timedelta(days=30),
        status=AppointmentStatus.COMPLETED,
    )
    phone.show(patient)
    phone.press("b")
    phone.panel()
    phone.click("a.choose-chip:has-text('knows the patient')")
    phone.click("a.choose-chip:has-text('Tue')")
    expect(phone.page.locator("[data-book-words]")).to_contain_text("Tue 3 Mar 08:00, Dr Silva")
    phone.book()
    phone.booked()
    visit = Appointment.objects.upcoming(NOW).get()
    assert (visit.practitioner, visit.starts_at) == (silva, datetime(2026, 3, 3, 8, 0, tzinfo=PARIS))
    assert phone.interactions == AT_MOST


def test_the_same_takes_two_where_it_is_on_the_record(phone: Phone) -> None:
    """B, Enter: the recorded day, hours and practitioner are chosen to begin with."""
    silva = Practitioner.objects.get(name="Dr Silva")
    patient = PatientFactory(
        suits_weekdays=[2], suits_since=time(9), suits_until=time(12), usual_practitioner=silva
    )
    phone.show(patient)
    phone.press("b")
    phone.panel()
    phone.check_accessible()
    phone.press("Enter")
    phone.booked()
    visit = Appointment.objects.get()
    assert (visit.practitioner, visit.starts_at) == (silva, datetime(2026, 3, 3, 9, 0, tzinfo=PARIS))
    assert phone.interactions == 2


def test_from_a_chip_the_arrows_walk_on_from_the_chosen_time(phone: Phone) -> None:
    """A click on a chip keeps the focus there; nobody has to find the times with Tab."""
    phone.show(PatientFactory())
    phone.press("b")
    phone.panel()
    phone.click("a.choose-chip:has-text('Tue')")
    chosen = phone.page.locator("[data-book-words]")
    expect(chosen).to_contain_text("Tue 3 Mar 08:00")  # nobody walks on from a time they do not see yet
    phone.press("ArrowDown")
    expect(chosen).to_contain_text("Tue 3 Mar 08:15")
    phone.press("Enter")
    phone.booked()
    assert Appointment.objects.get().starts_at == datetime(2026, 3, 3, 8, 15, tzinfo=PARIS)
    assert phone.interactions == AT_MOST
