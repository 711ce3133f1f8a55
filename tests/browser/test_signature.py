"""A consent signed in a real browser: with the mouse, with a finger, and with the keyboard alone."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from consultations.models import Consent, Plan
from tests.browser.conftest import Screen
from tests.factories import ConsentTextFactory, PatientFactory, PlanFactory, PractitionerFactory, UserFactory

pytestmark = [pytest.mark.browser]


@pytest.mark.parametrize("width", [390, 1440])
def test_representative_and_young_person_draw_their_signatures(
    clinic_server: LiveServer, browser: Browser, width: int
) -> None:
    screen = _before_the_text(clinic_server, browser, PlanFactory(patient=PatientFactory(minor=True)), width)
    page = screen.page
    typed = {"signer_name": "Clara Moreau", "signer_relation": "mother", "identity_seen": "passport"}
    for name, value in typed.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=agreed]").check()
    hers, theirs = page.locator("[data-signature]").all()

    # A first try is cleared; the hidden field is empty again.
    _draw(page, hers)
    expect(page.locator("[name=strokes]")).not_to_have_value("")
    hers.get_by_role("button", name="Clear").click()
    expect(page.locator("[name=strokes]")).to_have_value("")
    _draw(page, hers)
    _draw(page, hers)
    _draw(page, theirs)
    screen.check_accessible()

    # The young person's name was forgotten: nothing is signed and no line of theirs is lost.
    drawn = page.locator("[name=assent_strokes]").input_value()
    page.get_by_role("button", name="Sign", exact=True).click()
    sentence = "Type the young person's name beside their drawing, or clear the drawing."
    expect(page.get_by_text(sentence, exact=True)).to_be_visible()
    assert page.locator("[name=assent_strokes]").input_value() == drawn
    expect(theirs.locator("[data-signature-board] path")).to_have_attribute("d", _path_of(drawn))
    page.locator("[name=assent_name]").fill("Léa Moreau")
    page.get_by_role("button", name="Sign", exact=True).click()

    expect(page.get_by_role("img", name="Signature of Clara Moreau")).to_be_visible()
    expect(page.get_by_role("img", name="Signature of Léa Moreau")).to_be_visible()
    screen.check_accessible()
    consent = Consent.objects.get()
    assert (len(consent.strokes), len(consent.assent_strokes)) == (2, 1)
    moments = [after for stroke in consent.strokes for _across, _down, after in stroke]
    assert moments == sorted(moments)
    across, down, after = consent.strokes[0][0]
    assert (abs(across - 120) <= 2, abs(down - 100) <= 2, after) == (True, True, 0)
    screen.close()


def test_a_finger_draws_and_the_page_stays_where_it_is(clinic_server: LiveServer, browser: Browser) -> None:
    screen = _before_the_text(clinic_server, browser, PlanFactory(), 390, touch=True)
    page = screen.page
    page.locator("[name=signer_name]").fill("Jeanne Moreau")
    page.locator("[name=agreed]").check()
    board = page.locator("[data-signature-board]")
    board.scroll_into_view_if_needed()
    before = page.evaluate("window.scrollY")
    box = board.bounding_box()
    assert box is not None
    finger = page.context.new_cdp_session(page)
    for step in range(8):
        place = {
            "x": box["x"] + box["width"] * (0.2 + 0.05 * step),
            "y": box["y"] + box["height"] * 0.1 * (1 + step),
        }
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [place]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.locator("[name=strokes]")).not_to_have_value("")
    assert page.evaluate("window.scrollY") == before
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_role("img", name="Signature of Jeanne Moreau")).to_be_visible()
    (stroke,) = Consent.objects.get().strokes
    # A steep line from the upper left to the lower right, drawn in one go.
    assert (abs(stroke[0][0] - 120) <= 3, abs(stroke[0][1] - 20) <= 3) == (True, True)
    assert (abs(stroke[-1][0] - 330) <= 3, abs(stroke[-1][1] - 160) <= 3) == (True, True)
    screen.close()


def test_the_keyboard_alone_signs_with_the_typed_name(clinic_server: LiveServer, browser: Browser) -> None:
    screen = _before_the_text(clinic_server, browser, PlanFactory(), 1440)
    page = screen.page
    _tab_to(page, "signer_name")
    page.keyboard.type("Jeanne Moreau")
    _tab_to(page, "agreed")
    page.keyboard.press("Space")
    expect(page.locator("[name=agreed]")).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Clear")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("signed by typing the name")).to_be_visible()
    consent = Consent.objects.get()
    assert (consent.signer_name, consent.strokes) == ("Jeanne Moreau", [])
    screen.close()


def _before_the_text(
    server: LiveServer, browser: Browser, plan: Plan, width: int, *, touch: bool = False
) -> Screen:
    """A practitioner on the page where the plan's consent is signed."""
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    ConsentTextFactory()
    screen = Screen(browser, server, width=width, height=844, touch=touch)
    screen.signed_in("silva")
    screen.open(f"/plans/{plan.pk}/consent/")
    return screen


def _tab_to(page: Page, name: str) -> None:
    """Tab by tab, as somebody without a pointer goes."""
    for _step in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def _path_of(drawn: str) -> str:
    """One stroke as the board draws it."""
    points = drawn.strip("[]").split("],[")
    return "M" + "L".join(" ".join(point.split(",")[:2]) for point in points)


def _draw(page: Page, frame: Locator) -> None:
    """One stroke from a fifth of the board to four fifths, up and down."""
    board = frame.locator("[data-signature-board]")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    for step in range(7):
        across = box["x"] + box["width"] * (0.2 + 0.1 * step)
        page.mouse.move(across, box["y"] + box["height"] * (0.5 + 0.2 * (step % 2)))
        if step == 0:
            page.mouse.down()
    page.mouse.up()
