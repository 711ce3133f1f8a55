"""A screen that nobody touches, in a real browser: locked in every tab, opened again with what was typed still there."""

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Screen
from tests.factories import (
    PatientFactory,
    ScreenPinFactory,
    UserFactory,
)

pytestmark = pytest.mark.browser

PIN = "739164"
LOCKED = "Screen locked"


def test_nothing_typed_is_lost_under_the_lock(clinic_server: LiveServer, browser: Browser) -> None:
    ana = UserFactory(username="desk", first_name="Ana", last_name="Costa", reception=True)
    ScreenPinFactory(user=ana, pin=PIN)
    patient = PatientFactory(family_name="Moreau", given_names="Jeanne")
    screen = Screen(browser, clinic_server, width=390, height=844)
    screen.signed_in("desk")
    page, beside = screen.page, screen.context.new_page()
    page.clock.install()
    screen.open("/patients/new/")
    page.locator("#id_family_name").fill("Okafor")
    beside.goto(f"{screen.address}/patients/{patient.pk}/edit/")

    # Nobody touches it for a quarter of an hour.
    page.clock.fast_forward("14:50")
    expect(page.get_by_role("heading", name=LOCKED)).to_have_count(0)
    page.clock.fast_forward("00:15")
    for each in (page, beside):
        expect(each.get_by_label("Your PIN")).to_be_visible()
        expect(each).to_have_title("Screen locked · Mesoclinic")
        expect(each.locator("#id_family_name")).to_be_hidden()
    screen.check_themes()
    _keys_are_large(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#id_family_name")).to_be_hidden()
    assert beside.reload() and "/unlock/" in beside.url

    # A wrong PIN is said; the pad types the right one, and every tab opens.
    page.get_by_label("Your PIN").fill("739165")
    page.keyboard.press("Enter")
    expect(page.get_by_text("After 4 more wrong tries").first).to_be_visible()
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", name=LOCKED)).to_be_hidden()
    expect(page.locator("#id_family_name")).to_have_value("Okafor")
    beside.wait_for_url(lambda url: "/unlock/" not in url)

    # Now from the menu; and the form is sent as if nothing had been.
    page.locator("#id_given_names").fill("Ngozi")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Lock the screen now").click()
    expect(beside.get_by_label("Your PIN")).to_be_visible()
    expect(page.get_by_label("Your PIN")).to_be_focused()
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    for each in (page, beside):
        expect(each.get_by_role("heading", name=LOCKED)).to_be_hidden()
    expect(page.locator("#id_given_names")).to_have_value("Ngozi")
    page.locator("#id_given_names").press("Enter")
    expect(page.get_by_text("Please fill this in.").first).to_be_visible()
    expect(page.locator("#id_family_name")).to_have_value("Okafor")
    screen.close()


def _keys_are_large(page: Page) -> None:
    """56 px each way: fingers in gloves."""
    keys = page.locator(".lock-pad button").all()
    sizes = [box for key in keys if (box := key.bounding_box())]
    assert len(sizes) == 12 and min(min(box["width"], box["height"]) for box in sizes) >= 56
