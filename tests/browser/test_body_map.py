"""The body map in a real browser: a tap or a key fills a row of the table, and the table marks the map."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from consultations.models import BodyZone, SessionZone
from tests.browser.conftest import Screen
from tests.factories import PractitionerFactory, SessionFactory, UserFactory

pytestmark = [pytest.mark.browser]


def test_zones_are_chosen_by_tap_and_by_keys_and_the_table_says_the_same(
    clinic_server: LiveServer, browser: Browser
) -> None:
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    doctor = PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    session = SessionFactory(practitioner=doctor)
    screen = Screen(browser, clinic_server, width=390, height=844)
    screen.signed_in("silva")
    screen.open(f"/sessions/{session.pk}/")
    page = screen.page
    screen.check_accessible()

    # A tap fills the first empty row and leads to its points.
    _shape(page, "Right cheek").click()
    expect(page.locator("[name=zone0-zone]")).to_have_value(_key("cheek_right"))
    expect(page.locator("[name=zone0-points]")).to_be_focused()
    page.locator("[name=zone0-points]").fill("12")
    page.locator("[name=zone0-ml_per_point]").fill("0.1")
    expect(_shape(page, "Right cheek")).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"[data-count='{_key('cheek_right')}']")).to_have_text("12")

    # By keys: one stop, arrows to the next zone, Enter; with no empty row left the server draws one.
    _shape(page, "Right cheek").focus()
    page.keyboard.press("ArrowRight")
    expect(_shape(page, "Left cheek")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[name=zone1-zone]")).to_have_value(_key("cheek_left"))
    expect(page.locator("[name=zone1-points]")).to_be_focused()
    page.keyboard.type("8")
    page.locator("[name=zone1-ml_per_point]").fill("0.1")

    # A zone chosen in the table is marked on the drawing; one that is emptied on the drawing leaves the table.
    page.locator("[name=zone1-zone]").select_option(label="Abdomen")
    page.get_by_role("button", name="Front", exact=True).click()
    expect(_shape(page, "Abdomen")).to_have_attribute("aria-selected", "true")
    screen.check_accessible()
    _shape(page, "Abdomen").focus()
    page.keyboard.press("Delete")
    expect(page.locator("[name=zone1-zone]")).to_have_value("")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    assert [(row.zone.code, row.points) for row in SessionZone.objects.select_related("zone")] == [
        ("cheek_right", 12)
    ]
    screen.close()


def _shape(page: Page, name: str) -> Locator:
    return page.locator("#body-map").get_by_role("option", name=name, exact=True)


def _key(code: str) -> str:
    return str(BodyZone.objects.current().get(code=code).pk)
