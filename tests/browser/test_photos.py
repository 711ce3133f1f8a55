"""Photographs in a real browser: consent, one from a file, two compared by keys alone; axe on every page."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.enums import Reading
from clinic.models import RecordOpened
from consultations.models import Photo, PhotographyConsent
from tests.browser.conftest import Screen
from tests.factories import PatientFactory, PhotoFactory, PractitionerFactory, UserFactory
from tests.factories.photos import image_file

pytestmark = [pytest.mark.browser]


def test_photographs_are_consented_to_added_and_compared(
    clinic_server: LiveServer, browser: Browser, tmp_path: Path
) -> None:
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    PractitionerFactory(user=user, name="Dr Silva", skills=["needle"])
    patient = PatientFactory()
    sent = tmp_path / "IMG_0001.webp"
    sent.write_bytes(image_file("WEBP", (600, 800), "sienna").getvalue())
    screen = Screen(browser, clinic_server, width=390, height=844)
    screen.signed_in("silva")
    page = screen.page

    # Without a consent there is nothing to add; the patient signs.
    screen.open(reverse("consultations:photos", args=[patient.pk]))
    screen.check_accessible()
    page.get_by_role("link", name="Sign the consent").click()
    screen.check_accessible()
    page.get_by_label("Full name, typed by the person who signs").fill(patient.name)
    page.get_by_label("I have read this text").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("The consent to photography is signed.")).to_be_visible()

    # One from a file.
    page.get_by_role("link", name="Add a photograph").click()
    screen.check_accessible()
    page.get_by_label("Choose a file").set_input_files(sent)
    page.get_by_label("View").select_option(label="Face, front")
    page.get_by_label("follow-up").check()
    page.get_by_role("button", name="Record").click()
    expect(page.get_by_text("The photograph is on record.")).to_be_visible()
    picture = page.get_by_role("img", name="Face, front, follow-up")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 600
    screen.check_accessible()

    # Two compared, by keys alone; the later one is wiped over the earlier one, then laid over it.
    later = Photo.objects.get()
    consent = PhotographyConsent.objects.get()
    PhotoFactory(
        patient=patient, consent=consent, view=later.view, with_file=True, recorded_at=later.recorded_at
    )
    screen.open(reverse("consultations:photo_compare", args=[patient.pk]))
    screen.check_accessible()
    stage, share = (
        page.locator("[data-compare]"),
        page.get_by_label("How much of the later photograph is seen"),
    )
    expect(share).to_be_hidden()
    page.get_by_label("Side by side").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Slider")).to_be_checked()
    expect(stage).to_have_attribute("data-show", "wipe")
    share.focus()
    page.keyboard.press("End")
    upper = page.locator(".photo-later img")
    expect(share).to_have_attribute("aria-valuetext", "100 %")
    expect(upper).to_have_css("clip-path", "inset(0px 0px 0px 0%)")
    page.keyboard.press("Home")
    expect(upper).to_have_css("clip-path", "inset(0px 0px 0px 100%)")
    screen.check_accessible()
    page.get_by_label("Overlay").check()
    share.focus()
    page.keyboard.press("PageUp")
    expect(upper).to_have_css("opacity", "0.1")
    screen.check_accessible()

    # Printed by whatever means, which the page tells.
    with page.expect_response("**/records/printed/") as told:
        page.pdf()
    assert told.value.status == 204
    printed = RecordOpened.objects.get(kind=Reading.PRINTED)
    assert (printed.page, printed.patient, printed.user) == ("consultations:photo_compare", patient, user)
    screen.close()
