"""Somebody leaves: out on every screen at once, and what they leave behind is in sight. And one's own lost telephone."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from clinic.models import ClinicSettings
from tests.browser.conftest import Screen
from tests.clinic.desk import make_desk, on
from tests.factories import AbsenceFactory, CalendarFeedFactory, ConsultationFactory, UserFactory

pytestmark = pytest.mark.browser


def _looked_at(screen: Screen, name: str) -> None:
    """Nothing grave on the page and nothing outside it, by phone and at the desk; with SCREENSHOTS set, pictures of it."""
    for width in (390, 1440):
        screen.page.set_viewport_size({"width": width, "height": 844})
        screen.check_accessible()
        assert not screen.page.evaluate("document.documentElement.scrollWidth > innerWidth"), name
        if folder := os.environ.get("SCREENSHOTS"):
            screen.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def _is_out(page: Page) -> None:
    page.reload()
    expect(page.locator("input[name=login]")).to_be_visible()


def test_a_lost_telephone_and_somebody_who_leaves(clinic_server: LiveServer, browser: Browser) -> None:
    desk = make_desk()
    UserFactory(username="lea", first_name="Lea", last_name="Roth", admin=True)
    UserFactory(username="ana", first_name="Ana", last_name="Costa", reception=True)
    silva = UserFactory(username="rui", first_name="Rui", last_name="Silva", practitioner=True)
    desk.silva.user = silva
    desk.silva.save()
    now = timezone.now()
    ClinicSettings.objects.update(name="Clinic")
    day = timezone.localdate() + timedelta(days=2)
    for clock in ("09:00", "10:30"):
        desk.book(on(day, clock), at=now)
    AbsenceFactory(practitioner=desk.silva, starts_at=now + timedelta(days=9), created_at=now)
    ConsultationFactory(practitioner=desk.silva)
    CalendarFeedFactory(practitioner=desk.silva, created_at=now)

    reception, telephone = (
        Screen(browser, clinic_server),
        Screen(browser, clinic_server, width=390, height=844),
    )
    for screen in (reception, telephone):
        screen.signed_in("ana")
        screen.open("/diary/")
    reception.page.get_by_role("button", name="Your menu").click()
    reception.page.get_by_role("link", name="Where I am signed in").click()
    expect(reception.page.get_by_text("this one")).to_be_visible()
    _looked_at(reception, "sign-ins")
    reception.page.get_by_role("button", name="Sign out Unknown browser").click()
    expect(reception.page.get_by_text("is signed out.")).to_be_visible()
    _is_out(telephone.page)
    telephone.close()

    practitioner, admin = Screen(browser, clinic_server), Screen(browser, clinic_server)
    practitioner.signed_in("rui")
    practitioner.open("/my-day/")
    admin.signed_in("lea")
    admin.open("/staff/")
    _looked_at(admin, "staff-list")
    admin.page.get_by_role("link", name="Switch off Rui Silva").click()
    expect(admin.page.get_by_role("heading", name="2 visits to come")).to_be_visible()
    expect(admin.page.get_by_text("unsigned consultation")).to_be_visible()
    _looked_at(admin, "switch-off")
    admin.page.get_by_label("Why?").fill("leaves the clinic today")
    admin.page.get_by_role("button", name="Switch off").click()
    expect(admin.page.get_by_text("Rui Silva is switched off and signed out everywhere.")).to_be_visible()
    _looked_at(admin, "switched-off")
    _is_out(practitioner.page)
    practitioner.close()

    reception.open(f"/diary/?day={day}")
    expect(reception.page.get_by_text("to be moved").first).to_be_visible()
    _looked_at(reception, "diary-to-be-moved")
    reception.open("/opening/outside/")
    expect(reception.page.get_by_role("link", name="Move").first).to_be_visible()
    reception.close()

    admin.page.get_by_role("link", name="Switch on again").click()
    _looked_at(admin, "switch-on")
    admin.page.get_by_label("Why?").fill("stays after all")
    admin.page.get_by_role("button", name="Switch on").click()
    expect(admin.page.get_by_text("Rui Silva can sign in again.")).to_be_visible()
    admin.page.get_by_role("link", name="Ask Rui Silva for a new password").click()
    _looked_at(admin, "new-password")
    admin.close()
