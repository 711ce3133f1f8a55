"""The main job in a real browser: one patient from the first phone call to a signed session.

The clock travels inside the last weeks, because the database refuses injections in its own future.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
import time_machine
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.enums import AppointmentStatus, RoomKind
from clinic.models import Appointment, Patient
from consultations.enums import PlanStatus
from consultations.models import Formula, Plan, Session
from tests.browser.conftest import Screen
from tests.consultations.course import decide_caps
from tests.factories import LotFactory, PractitionerFactory, RoomFactory, UserFactory, WorkingHoursFactory
from tests.factories.places import LocationFactory
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.browser]


def _open_clinic() -> None:
    """One practitioner who works every day, two rooms, lots in date, limits decided."""
    location = LocationFactory(name="Harbour Street")
    for kind in RoomKind:
        RoomFactory(location=location, kind=kind)
    UserFactory(username="desk", first_name="Ana", last_name="Costa", reception=True)
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    doctor = PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    for weekday in range(1, 8):
        WorkingHoursFactory(
            practitioner=doctor,
            location=location,
            weekday=weekday,
            starts=time(8),
            ends=time(18),
            valid_from=date(2020, 1, 1),
        )
    decide_caps()
    for part in Formula.objects.current().get(code="F-FACE-AMIN").parts.all():
        LotFactory(component=part.component, expires_on=date(2099, 1, 1))


class Day:
    """The travelling clock: Python's, for the server and the test alike."""

    def __init__(self) -> None:
        today = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)
        self.start = today - timedelta(days=30)
        self._traveller = time_machine.travel(self.start, tick=True)
        self._clock = self._traveller.start()

    def go_to(self, moment: datetime) -> None:
        """It is now `moment`."""
        self._clock.move_to(moment)

    def end(self) -> None:
        """Back to the present."""
        self._traveller.stop()


def test_from_the_first_call_to_a_signed_session(clinic_server: LiveServer, browser: Browser) -> None:
    _open_clinic()
    day = Day()
    try:
        desk, doctor = Screen(browser, clinic_server), Screen(browser, clinic_server)
        _register_and_book(desk)
        _consult(desk, doctor, day)
        _book_test_and_session(desk)
        _test_and_reading(desk, doctor, day)
        _session(desk, doctor, day)
        session = Session.objects.get()
        assert session.signed_at is not None
        assert {dose.component.code: dose.amount for dose in session.doses.all()} == {
            "multivit": Decimal("2.025"),
            "ha": Decimal("0.225"),
        }
        desk.close()
        doctor.close()
    finally:
        day.end()


def _register_and_book(desk: Screen) -> None:
    """Given a caller nobody knows, when the desk registers her, then a consultation can be booked at once."""
    page = desk.page
    desk.sign_in("desk", PASSWORD)
    desk.check_accessible()
    desk.open("/patients/new/")
    page.get_by_label("Family name").first.fill("Moreau")
    page.get_by_label("Given names").first.fill("Jeanne")
    page.get_by_label("Birth date").fill("1984-03-12")
    page.get_by_label("Phone").first.fill("+33 6 12 34 44 71")
    desk.check_accessible()
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_text("Moreau, Jeanne").first).to_be_visible()
    desk.check_accessible()
    desk.open(f"/patients/{Patient.objects.get().pk}/book/")
    desk.check_accessible()
    _book(desk)
    assert Appointment.objects.get().purpose == "consultation"


def _book(desk: Screen) -> None:
    """Press the one button; the page leaves once the visit is on the books."""
    desk.page.locator("[data-book]").click()
    desk.page.wait_for_url(lambda url: "/book/" not in url)


def _arrive(desk: Screen, visit: Appointment) -> None:
    _come_back(desk, "desk")
    desk.open(f"/appointments/{visit.pk}/")
    desk.page.get_by_role("button", name="Arrived").click()
    expect(desk.page.get_by_text("arrived").first).to_be_visible()


def _touch(screen: Screen) -> None:
    """What the page tells the server while somebody types: its own clock is the browser's, which does not travel."""
    answer = screen.page.evaluate("""
        fetch("/lock/used/", {method: "POST", headers: JSON.parse(document.body.getAttribute("hx-headers"))})
            .then(answer => answer.status)
    """)
    assert answer == 204


def _come_back(screen: Screen, username: str) -> None:
    """After some minutes the screen is locked, after a day it takes a full sign-in."""
    screen.open("/")
    if "/accounts/" in screen.page.url:
        screen.sign_in(username, PASSWORD)
    elif "/unlock/" in screen.page.url:
        screen.page.get_by_label("Your password").fill(PASSWORD)
        screen.page.get_by_role("button", name="Open with the password").click()
        screen.page.wait_for_url(lambda url: "/unlock/" not in url)


def _start(doctor: Screen, visit: Appointment) -> None:
    _come_back(doctor, "silva")
    doctor.open(f"/appointments/{visit.pk}/")
    doctor.page.get_by_role("button", name="Start", exact=True).click()
    expect(doctor.page.get_by_text("in progress").first).to_be_visible()


def _consult(desk: Screen, doctor: Screen, day: Day) -> None:
    """Given the visit, when the practitioner signs an eligible consultation, then a plan is in force."""
    visit = Appointment.objects.get()
    day.go_to(visit.starts_at)
    _arrive(desk, visit)
    _start(doctor, visit)
    page = doctor.page
    page.get_by_role("link", name="Open consultation").click()
    page.get_by_role("button", name="Begin the consultation").click()
    indication = page.get_by_label("What the patient comes for")
    expect(indication).to_be_visible()
    page.wait_for_load_state()  # nobody chooses before the page's scripts have begun to listen
    indication.select_option(label="Skin ageing and wrinkles of the face")
    expect(page.locator("#evidence")).to_contain_text("trials")
    page.get_by_role("button", name="to all still open").click()
    for box in page.locator("input[type=checkbox][name^=discussed_], input[type=checkbox][name=risks]").all():
        box.check()
    page.get_by_label("Leaflet given").select_option(index=1)
    page.locator("input[name=outcome][value=eligible]").check()
    page.get_by_label("Course").select_option(label="Face: 4 monthly")
    expect(page.locator("select[name=formula]")).not_to_have_value("")
    doctor.check_accessible()
    page.get_by_role("button", name="Save and sign").click()
    expect(
        page.get_by_role("heading", name="Proposed plan").or_(page.get_by_text("Signed by")).first
    ).to_be_visible()
    plan = Plan.objects.get()
    assert plan.status == PlanStatus.ACTIVE
    doctor.open(f"/plans/{plan.pk}/consent/")
    page.get_by_label("name of the person", exact=False).or_(
        page.locator("input[name=signer_name]")
    ).first.fill("Jeanne Moreau")
    page.locator("input[name=agreed]").check()
    doctor.check_accessible()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Jeanne Moreau").first).to_be_visible()
    assert plan.consents.count() == 1


def _book_test_and_session(desk: Screen) -> None:
    """Given the plan, when the desk books, then test and reading come as a pair, and the session waits for them."""
    patient = Patient.objects.get()
    desk.open(f"/patients/{patient.pk}/book/")
    expect(desk.page.get_by_text("Test + reading").first).to_be_visible()
    _book(desk)
    desk.open(f"/patients/{patient.pk}/book/")
    expect(desk.page.get_by_text("Session 1 of 4").first).to_be_visible()
    _book(desk)
    statuses = dict(Appointment.objects.order_by("starts_at").values_list("type__purpose", "status"))
    assert statuses["session"] == AppointmentStatus.PROVISIONAL
    assert statuses["test"] == AppointmentStatus.BOOKED


def _test_and_reading(desk: Screen, doctor: Screen, day: Day) -> None:
    """Given the pair, when the test is given and read without reaction, then the session is booked for good."""
    page = doctor.page
    test = Appointment.objects.get(type__purpose="test")
    day.go_to(test.starts_at)
    _arrive(desk, test)
    _start(doctor, test)
    page.get_by_role("link", name="Record the test injection").click()
    doctor.check_accessible()
    # The form proposes the policy's site, volume, observation and the first lot to expire.
    page.locator("input[name=wheal_start_mm]").fill("5")
    page.locator("input[name=wheal_end_mm]").fill("5")
    day.go_to(test.starts_at + timedelta(minutes=12))
    _touch(doctor)
    day.go_to(test.starts_at + timedelta(minutes=25))
    page.get_by_role("button", name="Sign the test").click()
    expect(
        page.get_by_text("delayed reading awaited").or_(page.get_by_text("Signed by")).first
    ).to_be_visible()
    reading = Appointment.objects.get(type__purpose="reading")
    day.go_to(reading.starts_at)
    _arrive(desk, reading)
    _start(doctor, reading)
    page.get_by_role("link", name="Open reading").click()
    page.locator("input[name=grade][value=neg]").check()
    doctor.check_accessible()
    page.get_by_role("button", name="Sign the reading").click()
    expect(page.get_by_text("No reaction seen").first).to_be_visible()
    assert Appointment.objects.get(type__purpose="session").status == AppointmentStatus.BOOKED


def _session(desk: Screen, doctor: Screen, day: Day) -> None:
    """Given everything is cleared, when the session is recorded, then it is signed with its doses."""
    page = doctor.page
    visit = Appointment.objects.get(type__purpose="session")
    day.go_to(visit.starts_at)
    _arrive(desk, visit)
    _start(doctor, visit)
    page.get_by_role("link", name="Open session").click()
    expect(page.get_by_text("Cleared for today").first).to_be_visible()
    page.get_by_role("button", name="Begin session").click()
    page.locator("select[name$=zone]").first.select_option(index=1)
    page.get_by_label("Depth", exact=False).first.fill("1.5")
    page.get_by_label("Aftercare explained and handed out").check()
    page.locator("input[name=outcome][value=complete]").check()
    doctor.check_accessible()
    page.get_by_role("button", name="Sign", exact=True).click()
    # The running total of the draft says the same words: only what is signed has no button any more.
    expect(page.get_by_role("button", name="Sign", exact=True)).to_have_count(0)
    expect(page.get_by_text("Multivitamin").first).to_be_visible()
    expect(page.get_by_text("2.025").first).to_be_visible()
    doctor.check_accessible()
