"""The schedule review and the calendar feeds in a real browser: accessible in both themes, usable by keyboard, quiet."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.actions import case_files, emergencies
from clinic.enums import CaseKind
from clinic.models import CalendarFeed, User
from tests.browser.conftest import Screen
from tests.factories import (
    AppointmentFactory,
    EmergencyOpeningFactory,
    ErasureFactory,
    PatientFactory,
    PractitionerFactory,
    RoomFactory,
    SessionFactory,
    UserFactory,
    WorkingHoursFactory,
)

pytestmark = [pytest.mark.browser]
PAGES = (
    "/review/",
    "/review/use/",
    "/review/times/",
    "/review/lists/times/",
    "/calendars/",
    "/calendars/new/",
)


class Window(Screen):
    """An admin's; `week` is the query of the week that has a visit."""

    week = ""


@pytest.fixture
def screen(browser: Browser, clinic_server: LiveServer) -> Iterator[Window]:
    """An admin's window on a clinic with one visit last Monday."""
    UserFactory(username="lea", admin=True)
    doctor = PractitionerFactory(name="Dr Silva")
    WorkingHoursFactory(practitioner=doctor, starts=time(9), ends=time(12))
    today = timezone.localdate()
    monday = today - timedelta(days=today.weekday() or 7)
    starts_at = datetime.combine(monday, time(10), timezone.get_default_timezone())
    AppointmentFactory(practitioner=doctor, starts_at=starts_at, status="completed")
    RoomFactory(name="Room 7")
    window = Window(browser, clinic_server)
    window.signed_in("lea")
    window.week = f"?week={monday:%G-W%V}"
    yield window
    window.close()


def opened_with_a_reason() -> list[str]:
    """A case file and an emergency of the admin's own, as they stand now, and the admins' lists of them."""
    admin, patient, at = User.objects.get(username="lea"), SessionFactory(signed=True).patient, timezone.now()
    said = {"kind": CaseKind.COMPLAINT, "title": "Lump", "reference": "", "reason": "Asked in writing"}
    case = case_files.open_case(patient=patient, **said, as_of=at, by=admin, at=at)
    opening = emergencies.open_summary(patient=patient, reason="Fainted at the desk", by=admin, at=at)
    return [
        f"/patients/{patient.pk}/case-file/",
        "/case-files/",
        f"/case-files/{case.pk}/",
        f"/case-files/{case.pk}/record/",
        f"/patients/{PatientFactory().pk}/emergency/",
        f"/emergencies/{opening.pk}/",
        "/emergencies/",
        f"/emergencies/{EmergencyOpeningFactory().pk}/review/",
        f"/patients/{patient.pk}/erase/",  # blocked by the case
        f"/patients/{PatientFactory().pk}/erase/",
        "/erasures/",
        f"/erasures/{ErasureFactory().pk}/",
    ]


def test_nothing_serious_in_either_theme_at_any_width(screen: Window) -> None:
    for page in (*PAGES, *opened_with_a_reason()):
        screen.check_looks(page + (screen.week if page.startswith("/review/") else ""))


def test_an_hour_of_the_heat_map_by_keyboard(screen: Window) -> None:
    """The drawing is for eyes and mouse; the table beside it is on the way of the Tab key and leads to the same list."""
    screen.open(f"/review/use/{screen.week}")
    screen.page.get_by_text("The same as a table").focus()
    screen.page.keyboard.press("Enter")
    screen.page.get_by_role("link", name="50 %").focus()
    screen.page.keyboard.press("Enter")
    expect(screen.page.get_by_text("10:00–11:00")).to_be_visible()
    expect(screen.page.locator("main .rows > li")).to_have_count(1)


def test_a_feed_is_made_copied_and_revoked(screen: Window) -> None:
    page = screen.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    screen.open("/calendars/new/")
    page.get_by_label("Whose visits?").select_option(label="Room 7")
    page.get_by_label("Where will it be read?").fill("door")
    page.get_by_role("button", name="Make the feed").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    address = page.evaluate("navigator.clipboard.readText()")
    assert address == page.get_by_label("Secret address").input_value()
    screen.check_accessible()
    assert page.request.get(address).status == 200
    screen.open("/calendars/")
    page.get_by_role("link", name="Revoke “door”").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked by")).to_be_visible()
    assert page.request.get(address).status == 404
    assert CalendarFeed.objects.get().revoked_at is not None
