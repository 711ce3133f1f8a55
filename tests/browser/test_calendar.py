"""The calendar and the diary in a real browser: by mouse, by keyboard, on a phone, and while somebody else works.

The browser's zone is not the clinic's: what is shown and dropped must be the clinic's time all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from clinic.actions import booking, visits
from clinic.enums import CancelledBy
from clinic.models import Appointment
from tests.browser.conftest import Screen
from tests.clinic.desk import Desk, make_desk
from tests.factories import PatientFactory, UserFactory
from tests.factories.clock import PARIS

pytestmark = [pytest.mark.browser]
SOON = 15_000  # milliseconds; what the customer was promised
HOUR = 120  # pixels


@dataclass
class Clinic:
    """A small clinic tomorrow, its visits, and a screen at the desk."""

    desk: Desk
    day: date
    screen: Screen
    moreau: Appointment
    haddad: Appointment

    def at(self, clock: str) -> datetime:
        """A time of that day."""
        return datetime.combine(self.day, time.fromisoformat(clock), PARIS)

    def open(self, query: str = "", page: str = "/diary/calendar/") -> None:
        """The page of that day."""
        self.screen.open(f"{page}?day={self.day}{query}")

    def card(self, name: str) -> Locator:
        """A visit on the calendar."""
        cards = self.screen.page.locator(".ec-event.visit:not(.ec-ghost, .ec-preview)")
        return cards.filter(has_text=name).first

    def drag(self, card: Locator, across: float, down: float, *, from_bottom: bool = False) -> None:
        """Press on the card (or on its lower edge), pull, let go."""
        mouse, box = self.screen.page.mouse, _box(card)
        x, y = box["x"] + box["width"] / 2, box["y"] + (box["height"] - 3 if from_bottom else 8)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y + 8, steps=3)
        mouse.move(x + across, y + down, steps=12)
        mouse.up()


@pytest.fixture
def clinic(clinic_server: LiveServer, browser: Browser) -> Iterator[Clinic]:
    """Two visits tomorrow: Moreau with Dr Silva at ten, Haddad with Dr Amari at eleven."""
    user = UserFactory(username="desk", first_name="Ana", last_name="Costa", reception=True)
    desk, now = make_desk(user), timezone.now()
    day = timezone.localdate(now) + timedelta(days=1)
    screen = Screen(browser, clinic_server, height=1400, timezone_id="America/New_York")
    made = Clinic(desk, day, screen, None, None)  # type: ignore[arg-type]
    made.moreau = desk.book(made.at("10:00"), at=now)
    haddad = PatientFactory(family_name="Haddad", given_names="Amir")
    made.haddad = desk.book(
        made.at("11:00"), at=now, patient=haddad, practitioner=desk.amari, room=desk.room2
    )
    screen.signed_in("desk")
    yield made
    screen.close()


def _box(part: Locator) -> FloatRect:
    """Where it stands once two looks in a row agree: the calendar takes its cards away and draws them anew."""
    before = None
    for _ in range(50):
        box = part.bounding_box()
        if box is not None and box == before:
            return box
        before = box
        part.page.wait_for_timeout(100)
    raise AssertionError(f"{part} does not stand still")


def test_a_visit_is_dragged_to_another_time_and_practitioner_and_back(clinic: Clinic) -> None:
    clinic.open()
    expect(clinic.card("Moreau")).to_have_attribute("aria-label", _label("10:00", "Moreau, J.", "Dr Silva"))
    column = _box(clinic.screen.page.locator(".ec-body .ec-day").first)
    clinic.drag(clinic.card("Moreau"), column["width"], 4 * HOUR)
    expect(clinic.screen.page.get_by_text("moved to")).to_be_visible()
    expect(clinic.card("Moreau")).to_have_attribute("aria-label", _label("14:00", "Moreau, J.", "Dr Amari"))
    clinic.moreau.refresh_from_db()
    assert (clinic.moreau.starts_at, clinic.moreau.practitioner) == (clinic.at("14:00"), clinic.desk.amari)
    clinic.screen.page.get_by_role("button", name="Undo").click()
    expect(clinic.card("Moreau")).to_have_attribute("aria-label", _label("10:00", "Moreau, J.", "Dr Silva"))
    clinic.moreau.refresh_from_db()
    assert (clinic.moreau.starts_at, clinic.moreau.practitioner) == (clinic.at("10:00"), clinic.desk.silva)


def test_a_visit_is_made_longer_at_its_lower_edge(clinic: Clinic) -> None:
    clinic.open()
    clinic.drag(clinic.card("Moreau"), 0, HOUR / 2, from_bottom=True)
    expect(clinic.screen.page.get_by_text("now 60 minutes long")).to_be_visible()
    clinic.moreau.refresh_from_db()
    assert (clinic.moreau.starts_at, clinic.moreau.minutes) == (clinic.at("10:00"), 60)


def test_a_refused_move_returns_to_its_place_with_the_reason(clinic: Clinic) -> None:
    clinic.open()
    before = _box(clinic.card("Moreau"))
    clinic.drag(clinic.card("Moreau"), 0, 2 * HOUR)
    # The reason stands where screen readers hear it.
    expect(
        clinic.screen.page.get_by_role("status").get_by_text("Dr Silva does not work at this time.")
    ).to_be_visible()
    expect(clinic.card("Moreau")).to_have_attribute("aria-label", _label("10:00", "Moreau, J.", "Dr Silva"))
    for _ in range(20):
        if (after := _box(clinic.card("Moreau"))) == before:
            break
    assert after == before
    clinic.moreau.refresh_from_db()
    assert (clinic.moreau.starts_at, clinic.moreau.version) == (clinic.at("10:00"), 1)


def test_a_free_place_leads_to_booking_and_a_visit_to_its_panel(clinic: Clinic) -> None:
    page = clinic.screen.page
    clinic.open()
    clinic.card("Haddad").click()
    expect(page.locator("#panel-body")).to_contain_text("Haddad, Amir")
    _close_panel(page)
    # The second column at three o'clock: Dr Amari's, six hours below the first line.
    column = _box(page.locator(".ec-body .ec-day").nth(1))
    page.mouse.click(column["x"] + 40, column["y"] + 6 * HOUR + 10)
    page.wait_for_url("**/book/**")
    moment = clinic.at("15:00").astimezone(UTC)
    assert page.url.endswith(
        f"/book/?starts_at={moment:%Y-%m-%dT%H}%3A{moment:%M}Z&practitioner={clinic.desk.amari.pk}"
    )


@pytest.mark.parametrize("where", ["/diary/calendar/", "/diary/"])
def test_somebody_elses_change_appears_by_itself(clinic: Clinic, where: str) -> None:
    page, now = clinic.screen.page, timezone.now()
    page.set_viewport_size({"width": 1280, "height": 700})
    page.clock.install()
    clinic.open(page=where)
    days = page.locator("#calendar" if "calendar" in where else "#day .diary")
    expect(days.get_by_text("Haddad, A.")).to_be_visible()
    free = page.locator("[data-free]").last
    if where == "/diary/":
        free.focus()
        page.locator(".diary").evaluate("box => box.scrollTop = 90")
    by = UserFactory(reception=True)
    visits.cancel(appointment=clinic.haddad, cancelled_by=CancelledBy.PATIENT, reason="", by=by, at=now)
    booking.book(
        wish=clinic.desk.wish(clinic.at("16:00"), patient=PatientFactory(family_name="Okoro")), by=by, at=now
    )
    page.clock.fast_forward(SOON)
    expect(days.get_by_text("Okoro")).to_be_visible()
    expect(days.get_by_text("Haddad, A.")).to_be_hidden()
    if where == "/diary/":
        expect(free).to_be_focused()
        expect(page.locator(".diary")).to_have_js_property("scrollTop", 90)


def test_the_keyboard_does_what_the_mouse_does(clinic: Clinic) -> None:
    page = clinic.screen.page
    clinic.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for key in ("Enter", " "):
        clinic.card("Moreau").focus()
        page.keyboard.press(key)
        expect(page.locator("#panel-body").get_by_role("link", name="Move")).to_be_visible()
        expect(clinic.card("Moreau")).to_have_attribute("aria-current", "true")
        _close_panel(page)
        expect(clinic.card("Moreau")).to_be_focused()
    # A second answer would open the panel again, after it was closed.
    assert len([url for url in asked if "/appointments/" in url]) == 2
    page.keyboard.press("j")
    page.wait_for_url(f"**day={clinic.day + timedelta(days=1)}**")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**day={clinic.day}**")
    for key, wanted in (("r", "show=rooms"), ("w", "show=week"), ("c", "/diary/?"), ("l", "show=list")):
        page.keyboard.press(key)
        page.wait_for_url(f"**{wanted}**" if "/" not in wanted else lambda url: "/diary/?" in url)
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("b")  # in a field a key is a letter
    expect(page.get_by_role("searchbox")).to_have_value("b")


def test_the_help_lists_the_keys_and_switches_them_off(clinic: Clinic) -> None:
    page = clinic.screen.page
    clinic.open(page="/diary/")
    page.keyboard.press("?")
    help_ = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(help_.get_by_text("Book a visit")).to_be_visible()
    clinic.screen.check_accessible()
    help_.get_by_label("Single keys work").uncheck()
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.keyboard.press("r")
    clinic.open(page="/diary/")
    page.keyboard.press("?")
    page.keyboard.press("r")
    expect(help_).to_be_hidden()
    assert "rooms" not in page.url
    page.get_by_role("button", name="Your menu").click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    help_.get_by_label("Single keys work").check()
    page.keyboard.press("Escape")
    expect(help_).to_be_hidden()
    page.keyboard.press("p")
    expect(page.get_by_text("Names are hidden on this screen")).to_be_visible()
    expect(page.get_by_text("Moreau")).to_have_count(0)


VIEWS = ["", "&show=rooms", "&show=week", "&show=rooms&colour=status"]


def test_nothing_serious_stands_in_anybodys_way(clinic: Clinic) -> None:
    """axe, on the calendar and the diary in all their layouts, and on the printed sheet."""
    for query in VIEWS:
        clinic.open(query)
        expect(clinic.card("Moreau")).to_be_visible()
        clinic.screen.check_themes()
    for query in [*VIEWS, "&show=list"]:
        clinic.open(query, page="/diary/")
        clinic.screen.check_themes()
    clinic.open(page="/diary/print/")
    clinic.screen.check_themes()


def test_on_a_phone_the_day_is_a_list(clinic: Clinic) -> None:
    page = clinic.screen.page
    page.set_viewport_size({"width": 390, "height": 844})
    for where in ("/diary/calendar/", "/diary/"):
        clinic.open(page=where)
        expect(page.locator(".visit-row").filter(has_text="Moreau")).to_be_visible()
        expect(page.locator("#calendar, .diary").first).to_be_hidden()
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390
        clinic.screen.check_accessible()
    page.locator(".visit-row").filter(has_text="Moreau").click()
    expect(page.get_by_role("link", name="Move")).to_be_visible()


def _close_panel(page: Page) -> None:
    """Escape, once the panel has come to rest."""
    expect(page.locator("#panel")).to_have_class(re.compile(r"\bshow\b"))
    expect(page.locator("#panel:focus-within")).to_have_count(1)  # a key goes where the focus is
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def _label(clock: str, name: str, who: str) -> re.Pattern[str]:
    """The beginning of what a screen reader says of a card."""
    return re.compile(f"^{clock}, {re.escape(name)}, Check-up, {who}, ")
