"""Points set one by one on the body map, in a real browser: by mouse, by keys, by touch on a telephone."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from consultations.models import BodyZone, SessionZone
from tests.browser.conftest import Screen
from tests.factories import PractitionerFactory, SessionFactory, UserFactory, cleared_plan
from tests.factories.clock import ago

pytestmark = [pytest.mark.browser]


def opened(server: LiveServer, browser: Browser, *, touch: bool = False, before: bool = False) -> Screen:
    """Dr Silva's draft, on a telephone where it is touched."""
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    doctor = PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    plan = cleared_plan(sessions=2)
    if before:
        row = {
            "zone": BodyZone.objects.current().get(code="cheek_left"),
            "points": 1,
            "places": [[1300, 1300]],
        }
        SessionFactory(plan=plan, signed=True, zones=[row], started_at=ago(days=7))
    session = SessionFactory(plan=plan, practitioner=doctor)
    size = {"width": 390, "height": 844} if touch else {"width": 1440, "height": 1400}
    screen = Screen(browser, server, touch=touch, **size)
    screen.signed_in("silva")
    screen.open(f"/sessions/{session.pk}/")
    screen.page.get_by_role("button", name="Face", exact=True).click()
    screen.page.get_by_role("button", name="Set points one by one").click()
    return screen


def test_by_mouse_points_are_set_removed_and_taken_back(clinic_server: LiveServer, browser: Browser) -> None:
    screen = opened(clinic_server, browser, before=True)
    page = screen.page
    # The session before is there as crosses, today has nothing yet.
    expect(page.locator(".map-crosses")).to_have_count(1)
    _click(page, _shape(page, "Right cheek"), (0.4, 0.4), (0.5, 0.5), (0.6, 0.4))
    expect(_points(page, 0)).to_have_value("3")
    expect(page.locator("#zones [data-places-note]").first).to_have_text("3 set on the map")
    page.get_by_role("button", name="Remove the last point").click()
    expect(_points(page, 0)).to_have_value("2")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(_points(page, 0)).to_have_value("3")
    expect(page.locator("[data-map-said]")).to_have_text("Right cheek: points: 3")

    # Without an empty row the server draws one; what is tapped meanwhile is not lost.
    _click(page, _shape(page, "Left cheek", earlier=True), (0.4, 0.4), (0.5, 0.5))
    expect(_points(page, 1)).to_have_value("2")
    screen.check_accessible()

    # Another zone in the table: the points were in the one before, so they leave the map, and come back by Undo.
    page.locator("[name=zone0-ml_per_point]").fill("0.1")
    page.locator("[name=zone1-ml_per_point]").fill("0.1")
    page.locator("[name=zone1-zone]").select_option(label="Jaw line")
    expect(page.locator("[name=zone1-places]")).to_have_value("")
    expect(_points(page, 1)).to_have_value("2")
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    rows = SessionZone.objects.filter(session__signed_at=None).select_related("zone")
    assert [(row.zone.code, row.points, len(row.places)) for row in rows] == [
        ("cheek_right", 3, 3),
        ("jawline", 2, 0),
    ]
    across, down = zip(*rows[0].places, strict=True)
    assert across[0] < across[1] < across[2]
    assert down[0] == down[2] < down[1]
    # The saved draft goes on point by point.
    expect(page.get_by_role("button", name="Set points one by one")).to_have_attribute("aria-pressed", "true")
    screen.close()


def test_by_keys_a_cross_is_moved_within_the_zone(clinic_server: LiveServer, browser: Browser) -> None:
    screen = opened(clinic_server, browser)
    page = screen.page
    cheek = _shape(page, "Right cheek")
    cheek.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-map-said]")).to_contain_text("Arrows move the cross")
    page.keyboard.press("Enter")
    expect(_points(page, 0)).to_have_value("1")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(_points(page, 0)).to_have_value("2")
    # However far it is sent, it stays in the zone.
    for _press in range(60):
        page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    expect(_points(page, 0)).to_have_value("3")
    expect(cheek).to_be_focused()
    page.keyboard.press("Backspace")
    expect(_points(page, 0)).to_have_value("2")
    page.keyboard.press("Control+z")
    expect(_points(page, 0)).to_have_value("3")
    first, second, third = page.locator("[name=zone0-places]").input_value().split(" ")
    (x1, y1), (x2, y2), (x3, y3) = (
        [int(each) for each in pair.split(",")] for pair in (first, second, third)
    )
    assert (x2 - x1, y2 - y1) == (20, 0)
    assert x3 == x2 and y2 < y3 < 2700
    # Escape leads back to the zones.
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    expect(_shape(page, "Left cheek")).to_be_focused()
    expect(_points(page, 0)).to_have_value("3")
    screen.close()


def test_by_touch_on_a_telephone_each_tap_is_a_point_where_it_fell(
    clinic_server: LiveServer, browser: Browser
) -> None:
    screen = opened(clinic_server, browser, touch=True)
    page = screen.page
    forehead = _shape(page, "Forehead")
    box = _box(forehead)
    drawing = page.get_by_role("listbox", name="Zones: Face")
    where = drawing.bounding_box()
    for across, down in ((0.3, 0.4), (0.5, 0.6), (0.7, 0.4)):
        page.touchscreen.tap(box["x"] + box["width"] * across, box["y"] + box["height"] * down)
    expect(_points(page, 0)).to_have_value("3")
    # The page has not moved under the finger, nor is it wider than the telephone.
    assert drawing.bounding_box() == where
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    taps = [int(place.split(",")[0]) for place in page.locator("[name=zone0-places]").input_value().split()]
    assert taps[1] - taps[0] == pytest.approx(taps[2] - taps[1], abs=8)
    assert taps[0] < taps[1] < taps[2]
    page.emulate_media(media="print")
    expect(page.locator("[data-map-tools]")).to_be_hidden()
    expect(page.locator(".map-dots[d]:not([d=''])")).to_be_visible()
    screen.close()


def test_on_a_telephone_a_zone_is_looked_at_from_close_by(
    clinic_server: LiveServer, browser: Browser
) -> None:
    screen = opened(clinic_server, browser, touch=True)
    page = screen.page
    closer = page.get_by_role("button", name="Zoom to the zone")
    chin = _shape(page, "Under the chin")
    _tap(page, chin, (0.5, 0.5))
    expect(_points(page, 0)).to_have_value("1")
    far, whole = _scale(chin), _shown(chin)
    # By keys as by finger.
    closer.press("Enter")
    expect(closer).to_have_attribute("aria-pressed", "true")
    assert _scale(chin) > 2.5 * far
    screen.check_accessible()
    # The drawing stays where it is while points are set: they fall left and right of the first.
    near = _shown(chin)
    _tap(page, chin, (0.4, 0.5), (0.6, 0.5))
    expect(_points(page, 0)).to_have_value("3")
    assert _shown(chin) == near
    places = page.locator("[name=zone0-places]").input_value().split()
    middle, left, right = (int(place.split(",")[0]) for place in places)
    assert left < middle < right
    # Arrows lead to the next zone, and the drawing with them; another press shows the whole again.
    chin.focus()
    page.keyboard.press("ArrowLeft")
    expect(chin).not_to_be_focused()
    assert _shown(chin) not in (near, whole)
    closer.tap()
    expect(closer).to_have_attribute("aria-pressed", "false")
    assert _shown(chin) == whole
    screen.close()


def _tap(page: Page, shape: Locator, *shares: tuple[float, float]) -> None:
    """As `_click`, with a finger."""
    box = _box(shape)
    for across, down in shares:
        page.touchscreen.tap(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def _box(shape: Locator) -> dict[str, float]:
    """Where it is once the page has come to rest, away from the foot that stays in sight over what is below."""
    shape.evaluate("shape => shape.scrollIntoView({block: 'center', behavior: 'instant'})")
    shape.click(trial=True)
    box = shape.bounding_box()
    assert box is not None
    return {**box}


def _scale(shape: Locator) -> float:
    """Pixels for one unit of the drawing."""
    scale: float = shape.evaluate("shape => shape.getScreenCTM().a")
    return scale


def _shown(shape: Locator) -> str:
    """Which part of its drawing is shown."""
    box: str = shape.evaluate("shape => shape.ownerSVGElement.getAttribute('viewBox')")
    return box


def _click(page: Page, shape: Locator, *shares: tuple[float, float]) -> None:
    """At shares of the zone's width and height as it was before: its line grows when it is chosen."""
    box = _box(shape)
    for across, down in shares:
        page.mouse.click(box["x"] + box["width"] * across, box["y"] + box["height"] * down)


def _shape(page: Page, name: str, *, earlier: bool = False) -> Locator:
    options = page.locator("#body-map").get_by_role("option", name=name, exact=not earlier)
    return options.first


def _points(page: Page, row: int) -> Locator:
    return page.locator(f"[name=zone{row}-points]")
