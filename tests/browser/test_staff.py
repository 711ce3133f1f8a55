"""Somebody new comes in: invited by an admin, through the link, to the second factor."""

import os

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Screen
from tests.factories import InvitationFactory, UserFactory
from tests.factories.users import PASSWORD
from tests.signing_in import with_second_factor

pytestmark = pytest.mark.browser


def _looked_at(screen: Screen, name: str) -> None:
    """Nothing grave on the page, by phone and at the desk; with SCREENSHOTS set, pictures of it."""
    for width in (390, 1440):
        screen.page.set_viewport_size({"width": width, "height": 844})
        screen.check_accessible()
        if folder := os.environ.get("SCREENSHOTS"):
            screen.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def test_somebody_is_invited_and_comes_in(clinic_server: LiveServer, browser: Browser) -> None:
    UserFactory(username="lea", first_name="Lea", last_name="Roth", admin=True)
    with_second_factor(UserFactory(username="ana", first_name="Ana", last_name="Costa", reception=True))
    InvitationFactory(user__first_name="Tom", user__last_name="Berg", created_at=timezone.now())
    admin = Screen(browser, clinic_server)
    admin.sign_in("lea", PASSWORD)
    page = admin.page
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("link", name="Staff").click()
    expect(page.get_by_text("Invited; the link works until")).to_be_visible()
    _looked_at(admin, "staff")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("Tick at least one role").first).to_be_visible()
    _looked_at(admin, "staff-invite-wrong")
    page.get_by_label("First name").fill("Rosa")
    page.get_by_label("Last name").fill("Lima")
    page.get_by_label("E-mail").fill("rosa@clinic.example")
    page.get_by_label("Reception").check()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("heading", name="Give them this link now")).to_be_visible()
    _looked_at(admin, "staff-invited")
    link = page.get_by_label("Link").input_value()

    newcomer = Screen(browser, clinic_server, width=390, height=844)
    newcomer.page.goto(link)
    expect(newcomer.page.get_by_role("heading", name="Welcome, Rosa Lima")).to_be_visible()
    _looked_at(newcomer, "come-in")
    newcomer.page.get_by_label("Your new password").fill("a phrase only Rosa knows")
    newcomer.page.get_by_label("The same once more").fill("a phrase only Rosa knows")
    newcomer.page.get_by_role("button", name="Set the password and go on").click()
    expect(newcomer.page.get_by_role("heading", name="Protect your sign-in")).to_be_visible()
    newcomer.page.goto(link)
    expect(newcomer.page.get_by_role("heading", name="This link does not work")).to_be_visible()
    _looked_at(newcomer, "come-in-gone")
    newcomer.close()

    admin.open("/staff/")
    page.get_by_role("link", name="Reset the second factor of Ana Costa").click()
    _looked_at(admin, "staff-reset")
    page.get_by_label("Why?").fill("phone lost, asked in person")
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_text("Ana Costa sets up a new second factor.")).to_be_visible()
    admin.close()
