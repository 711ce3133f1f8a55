"""A screen that nobody touches, in a real browser: locked in every tab, opened again with what was typed still there."""

import pytest
from allauth.mfa.models import Authenticator as Passkey
from playwright.sync_api import Browser, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Authenticator, Screen
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


def test_a_passkey_opens_what_was_typed_and_no_other_does(
    clinic_server: LiveServer, browser: Browser
) -> None:
    UserFactory(username="ana", first_name="Ana", last_name="Costa", reception=True)
    rui = UserFactory(username="rui", first_name="Rui", last_name="Silva", reception=True)
    screen = Screen(browser, clinic_server)
    page = screen.page
    authenticator = Authenticator(page)
    for username in ("ana", "rui"):
        screen.signed_in(username)
        of_others = authenticator.passkeys()
        screen.open("/accounts/2fa/webauthn/add/")
        page.get_by_role("button", name="Add a passkey").click()
        # It shows the recovery codes that come with it, there and then: the address stays.
        expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    screen.open("/patients/new/")
    page.locator("#id_family_name").fill("Okafor")
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Lock the screen now").click()
    choice = page.get_by_role("button", name="Open with a passkey")
    expect(choice).to_be_visible()
    refused = page.get_by_text("The passkey was not used")
    lock = page.get_by_role("heading", name=LOCKED)

    # Somebody else's finger.
    authenticator.knows_the_person(False)
    choice.click()
    expect(refused).to_be_visible()
    authenticator.knows_the_person(True)

    # The passkey of another account, for which this page would never ask by itself.
    def asked_for_hers(route: Route) -> None:
        asked = route.fetch().json()
        asked["publicKey"]["allowCredentials"] = [{"type": "public-key", "id": each} for each in of_others]
        route.fulfill(json=asked)

    page.route("**/unlock/passkey/", asked_for_hers)
    choice.click()
    expect(page.get_by_text("This passkey does not open the screen.")).to_be_visible()
    expect(lock).to_be_visible()
    expect(page.locator("#id_family_name")).to_be_hidden()

    # One's own.
    page.unroute("**/unlock/passkey/")
    choice.click()
    expect(lock).to_be_hidden()
    expect(page.locator("#id_family_name")).to_have_value("Okafor")

    # The negative control: were hers his, the same answer would open it.
    Passkey.objects.filter(type=Passkey.Type.WEBAUTHN).update(user=rui)
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Lock the screen now").click()
    page.route("**/unlock/passkey/", asked_for_hers)
    choice.click()
    expect(lock).to_be_hidden()
    screen.close()


def _keys_are_large(page: Page) -> None:
    """56 px each way: fingers in gloves."""
    keys = page.locator(".lock-pad button").all()
    sizes = [box for key in keys if (box := key.bounding_box())]
    assert len(sizes) == 12 and min(min(box["width"], box["height"]) for box in sizes) >= 56
