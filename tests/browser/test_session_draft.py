"""The draft of a session in a real browser: nothing typed is lost by a closed tab or an expired sign-in."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from consultations.models import Session, SessionTyping
from tests.browser.conftest import Screen, sign_in_on
from tests.factories import PractitionerFactory, SessionFactory, UserFactory
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.browser]


def _draft() -> Session:
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    doctor = PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    return SessionFactory(practitioner=doctor)


def test_a_draft_survives_a_closed_tab_and_an_expired_sign_in(
    clinic_server: LiveServer, browser: Browser
) -> None:
    session = _draft()
    doctor = Screen(browser, clinic_server)
    doctor.sign_in("silva", PASSWORD)
    doctor.open(f"/sessions/{session.pk}/")
    page = doctor.page
    page.locator("[name=note]").fill("slept well")
    _wait_until_kept("slept well")

    # The tab is closed without saving, and the page opened again.
    page.goto(f"{clinic_server.url}/accounts/logout/")
    doctor.open(f"/sessions/{session.pk}/")
    expect(page.get_by_text("and not saved yet")).to_be_visible()
    expect(page.locator("[name=note]")).to_have_value("slept well")
    doctor.check_accessible()

    # The sign-in runs out; what is typed then stays in the page, which hides itself.
    doctor.context.clear_cookies(name="sessionid")
    page.locator("[name=note]").fill("slept well, no pain")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.locator("#session-form")).to_be_hidden()
    expect(page.locator(".patient-header")).to_be_hidden()
    doctor.check_accessible()

    # Somebody signs in in another tab; the page comes back by itself, and its save is taken.
    other = doctor.context.new_page()
    sign_in_on(other, clinic_server.url, "silva", PASSWORD)
    other.close()
    expect(page.locator("[name=note]")).to_have_value("slept well, no pain")
    expect(page.locator("#session-form")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    session.refresh_from_db()
    assert session.note == "slept well, no pain"
    assert not SessionTyping.objects.exists()
    assert page.evaluate("Object.keys(localStorage).filter(key => /session|typ|draft/i.test(key))") == []
    doctor.close()


def _wait_until_kept(note: str) -> None:
    """The page keeps by itself, in its own time; at most fifteen seconds."""
    until = timezone.now() + timedelta(seconds=15)
    while timezone.now() < until:
        typing = SessionTyping.objects.first()
        if typing and typing.typed.get("note") == [note]:
            return
        time.sleep(0.05)  # asked without a pause, we would take the time that the page needs
    pytest.fail("nothing was kept")
