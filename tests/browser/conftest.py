"""A real browser on a running server. A test that cannot run says "skipped" and why."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from clinic.models import User
from tests.signing_in import next_code, sign_in, with_second_factor

# The first is the same browser without what draws windows: a journey took 21 s of processor time, not 32.
_DEBIANS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
CHROMIUM = Path(os.environ.get("CHROMIUM") or next(filter(Path.exists, _DEBIANS), _DEBIANS[-1]))
# Playwright's own loop runs in this thread; Django would otherwise refuse to talk to the database from it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}; install Debian's package chromium-headless-shell or set CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


# What it found, once it is on the page; everything else that it knows of the page stays there.
_JUDGED_BY_AXE = """
    options => typeof axe === 'object' ? axe.run(options).then(found => found.violations) : null
"""
# The copies of all style sheets are for a rule that we do not ask for.
_AXE_OPTIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}
_ABOUT_COLOURS = ("color-contrast", "link-in-text-block")
# Looked for with each frame, which is sooner than asking from outside. A change that is called off, because its
# element is hidden meanwhile, has ended as well.
_THEME_HAS_COME = """
    theme => new Promise((come, missing) => {
        setTimeout(() => missing(new Error(`The page does not become ${theme}.`)), 10_000);
        const look = () => document.documentElement.dataset.bsTheme === theme ? come() : requestAnimationFrame(look);
        look();
    }).then(() => Promise.allSettled(
        document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished)
    )).then(() => null)
"""


def sign_in_on(page: Page, address: str, username: str, password: str) -> None:
    """Password and second factor, typed on their pages."""
    user = with_second_factor(User.objects.get(username=username))
    page.goto(f"{address}/accounts/login/")
    page.locator("input[name=login]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("main button[type=submit]").first.click()
    page.locator("input[name=code]").fill(next_code(user))
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/accounts/" not in url)


class Authenticator:
    """What keeps passkeys in a browser: it has a finger or a PIN, and says yes to everything until it is told not to."""

    _OPTIONS: ClassVar = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }

    def __init__(self, page: Page) -> None:
        self._devtools: CDPSession = page.context.new_cdp_session(page)
        self._devtools.send("WebAuthn.enable")
        added = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": self._OPTIONS})
        self._which = {"authenticatorId": added["authenticatorId"]}

    def knows_the_person(self, yes: bool) -> None:
        """Whether the finger is the right one."""
        self._devtools.send("WebAuthn.setUserVerified", self._which | {"isUserVerified": yes})

    def passkeys(self) -> set[str]:
        """The names of the passkeys on it, as pages write them."""
        kept = self._devtools.send("WebAuthn.getCredentials", self._which)["credentials"]
        return {each["credentialId"].translate(_AS_IN_ADDRESSES).rstrip("=") for each in kept}


_AS_IN_ADDRESSES = str.maketrans("+/", "-_")


class Screen:
    """One person's browser window. Whatever the console complains about is kept, and fails the test at its end."""

    def __init__(
        self,
        browser: Browser,
        server: LiveServer,
        *,
        width: int = 1280,
        height: int = 900,
        timezone_id: str = "Europe/Paris",
        touch: bool = False,
    ) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id=timezone_id,
            has_touch=touch,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.address = server.url
        self.complaints: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note(self, message: ConsoleMessage) -> None:
        # The browser reports every 4xx answer; refusals are what some steps are about.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def signed_in(self, username: str) -> None:
        """As this person, who has signed in before: the pages of signing in cost every test a second or two."""
        client = sign_in(Client(), User.objects.get(username=username))
        name = settings.SESSION_COOKIE_NAME
        self.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": self.address}])

    def sign_in(self, username: str, password: str) -> None:
        """Through the sign-in page, with both factors."""
        sign_in_on(self.page, self.address, username, password)

    def open(self, path: str) -> None:
        """Go to an address of the server."""
        self.page.goto(self.address + path)

    def check_accessible(self, *, rules: Sequence[str] = ()) -> None:
        """axe finds nothing serious or critical on the page as it is; by all its rules, or by those named."""
        asked = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
        self.page.wait_for_load_state()  # half a page would be judged as it stands
        found: list[dict[str, Any]] | None = self.page.evaluate(_JUDGED_BY_AXE, _AXE_OPTIONS | asked)
        if found is None:
            self.page.evaluate(Axe().axe_script)  # half a megabyte: once a page
            found = self.page.evaluate(_JUDGED_BY_AXE, _AXE_OPTIONS | asked)
        grave = [
            f"{each['id']}: {node['html'][:160]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
        assert grave == [], f"{self.page.url}: {grave}"

    def check_looks(self, path: str) -> None:
        """The page is accessible in both themes and nothing stands outside it, on a phone and on a desk's screen."""
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.open(path)
        expect(self.page.locator("h1").first).to_be_visible()
        for summary in self.page.locator("main summary").all():
            summary.click()
        for width in (390, 1280):
            self.page.set_viewport_size({"width": width, "height": 844})
            self.check_themes()
            assert not self.page.evaluate("document.documentElement.scrollWidth > innerWidth"), path

    def check_themes(self) -> None:
        """The page is accessible as it is, light and dark.

        Another theme changes nothing but the colours: only the rules about colours are asked again. They change at once,
        as for whoever asks for less motion: fading took longer than judging.
        """
        self.page.emulate_media(reduced_motion="reduce")
        themes: tuple[tuple[Literal["light", "dark"], Sequence[str]], ...] = (
            ("light", ()),
            ("dark", _ABOUT_COLOURS),
        )
        for theme, rules in themes:
            self.page.emulate_media(color_scheme=theme)
            self.page.evaluate(_THEME_HAS_COME, theme)
            self.check_accessible(rules=rules)
        self.page.emulate_media(reduced_motion="null")

    def close(self) -> None:
        """Nothing may have been said on the console."""
        self.context.close()
        assert self.complaints == []
