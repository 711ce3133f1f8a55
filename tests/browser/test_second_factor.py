"""Setting up and showing a second factor, in a real browser with a passkey of its own."""

import os
import time
from collections.abc import Iterator

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Authenticator, Screen
from tests.factories import UserFactory
from tests.factories.users import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def screen(clinic_server: LiveServer, browser: Browser) -> Iterator[Screen]:
    UserFactory(username="desk", first_name="Ana", last_name="Costa", reception=True)
    opened = Screen(browser, clinic_server, width=390, height=844)
    yield opened
    opened.close()


def _type_password(screen: Screen) -> None:
    screen.open("/accounts/login/")
    screen.page.locator("input[name=login]").fill("desk")
    screen.page.locator("input[name=password]").fill(PASSWORD)
    screen.page.get_by_role("button", name="Sign in", exact=True).click()


def _looked_at(screen: Screen, name: str) -> None:
    """Nothing grave on the page, by phone and at the desk; with SCREENSHOTS set, pictures of it."""
    for width in (390, 1440):
        screen.page.set_viewport_size({"width": width, "height": 844})
        screen.check_accessible()
        if folder := os.environ.get("SCREENSHOTS"):
            screen.page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)


def _sign_out(page: Page) -> None:
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def _code_of_the_app(secret: str) -> str:
    """What the app shows, with time left to type it: it shows another one every half minute."""
    left = 30 - time.time() % 30
    if left < 10:
        time.sleep(left)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_an_authenticator_app_is_set_up_at_the_first_sign_in(screen: Screen) -> None:
    page = screen.page
    screen.open("/accounts/login/")
    _looked_at(screen, "login")
    _type_password(screen)
    expect(page.get_by_role("heading", name="Protect your sign-in")).to_be_visible()
    _looked_at(screen, "protect")
    screen.open("/diary/")
    expect(page.get_by_role("heading", name="Protect your sign-in")).to_be_visible()

    page.get_by_role("link", name="Set up an app").click()
    page.get_by_text("It cannot be scanned?").click()
    secret = page.locator(".factor-key").inner_text()
    _looked_at(screen, "app")
    page.get_by_label("Code that the app shows now").fill("000000")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_text("This code is not right (any more).").last).to_be_visible()
    page.get_by_label("Code that the app shows now").fill(_code_of_the_app(secret))
    page.get_by_role("button", name="Set up").click()

    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    first = page.locator(".recovery-codes code").first.inner_text()
    _looked_at(screen, "codes")
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/diary/**")
    _sign_out(page)

    _type_password(screen)
    expect(page.get_by_role("heading", name="And your second factor")).to_be_visible()
    _looked_at(screen, "second")
    page.get_by_label("Code").fill(first)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/diary/**")
    screen.open("/accounts/2fa/")
    _looked_at(screen, "factors")


def test_a_passkey_opens_the_clinic_without_a_password(screen: Screen) -> None:
    page = screen.page
    Authenticator(page)
    _type_password(screen)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name of this passkey").fill("My phone")
    page.get_by_label("Sign in with it alone").check()
    _looked_at(screen, "add-passkey")
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/diary/**")

    screen.open("/accounts/2fa/webauthn/")
    expect(page.get_by_text("My phone", exact=True)).to_be_visible()
    _looked_at(screen, "passkeys")
    page.get_by_role("link", name="Rename My phone").click()
    _looked_at(screen, "rename")
    screen.open("/diary/")
    _sign_out(page)

    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/diary/**")
    _sign_out(page)

    _type_password(screen)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/diary/**")


def test_a_browser_without_the_passkey_says_what_to_do(screen: Screen) -> None:
    page = screen.page
    Authenticator(page)
    screen.open("/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("The passkey was not used")).to_be_visible()
    screen.page.goto(screen.address.replace("localhost", "127.0.0.1") + "/accounts/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Passkeys do not work in this browser at this address")).to_be_visible()
