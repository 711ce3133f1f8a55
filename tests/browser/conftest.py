"""A real browser on a running server. A test that cannot run says "skipped" and why."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
# Playwright's own loop runs in this thread; Django would otherwise refuse to talk to the database from it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}; install Debian's package chromium or set CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


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

    def sign_in(self, username: str, password: str) -> None:
        """Through the sign-in page."""
        self.page.goto(f"{self.address}/accounts/login/")
        self.page.get_by_label("Username").or_(self.page.locator("input[name=login]")).first.fill(username)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("main button[type=submit]").first.click()
        self.page.wait_for_url(lambda url: "/accounts/" not in url)

    def open(self, path: str) -> None:
        """Go to an address of the server."""
        self.page.goto(self.address + path)

    def check_accessible(self) -> None:
        """axe finds nothing serious or critical on the page as it is."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        grave = [
            f"{each['id']}: {node['html'][:160]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]
        assert grave == [], f"{self.page.url}: {grave}"

    def close(self) -> None:
        """Nothing may have been said on the console."""
        self.context.close()
        assert self.complaints == []
