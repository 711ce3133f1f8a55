"""A screen is handed over: the patient answers on a tablet or a phone and gets nowhere else, the desk takes it back."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.models import Appointment
from consultations import purposes
from consultations.models import CheckIn, CheckInQuestion, PlanStop
from tests.browser.conftest import Screen
from tests.factories import (
    AppointmentFactory,
    AppointmentTypeFactory,
    PatientFactory,
    PractitionerFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.users import PASSWORD

pytestmark = [pytest.mark.browser]


def visit_today() -> Appointment:
    user = UserFactory(username="silva", first_name="Dr", last_name="Silva", practitioner=True)
    plan = cleared_plan(patient=PatientFactory(family_name="Moreau", given_names="Jeanne"))
    return AppointmentFactory(
        patient=plan.patient,
        practitioner=PractitionerFactory(user=user, name="Dr Silva", skills=["needle"]),
        type=AppointmentTypeFactory(session=True),
        purpose=purposes.session_of(plan.planned_sessions.get(ordinal=1)),
        starts_at=timezone.now().replace(second=0, microsecond=0),
    )


@pytest.mark.parametrize(("width", "height"), [(820, 1180), (390, 844)])
def test_the_patient_answers_gets_nowhere_else_and_the_desk_reads_whom_to_ask(
    clinic_server: LiveServer, browser: Browser, width: int, height: int
) -> None:
    UserFactory(username="reception", first_name="Ana", last_name="Costa", reception=True)
    visit = visit_today()
    screen = Screen(browser, clinic_server, width=width, height=height)
    screen.signed_in("reception")
    tab = screen.context.new_page()
    tab.goto(f"{screen.address}/diary/")
    screen.open(f"/visits/{visit.pk}/check-in/")
    screen.check_accessible()
    page = screen.page
    page.get_by_role("button", name="Hand the screen over").click()

    # The patient's page: for whom, every question; the other tab is led there too.
    expect(page.get_by_text("Moreau, Jeanne")).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_count(CheckInQuestion.objects.current().count())
    expect(tab.get_by_role("heading", name="Before your visit")).to_be_visible()
    screen.check_accessible()
    theirs = page.url
    for way in (
        lambda: page.reload(),
        lambda: page.go_back(),
        lambda: page.goto(f"{screen.address}/patients/"),
        lambda: page.goto(f"{screen.address}/accounts/logout/"),
    ):
        way()
        expect(page.get_by_role("heading", name="Before your visit")).to_be_visible()
        assert page.url == theirs

    # By keys: arrows choose; the day is asked beside a yes only.
    day = page.get_by_label("When was, or will be, the last day of it?")
    expect(day).to_be_hidden()
    for group in page.get_by_role("radiogroup").all():
        group.get_by_role("radio", name="No", exact=True).check(force=True)
    fever = page.get_by_role("radiogroup", name=re.compile("fever"))
    fever.get_by_role("radio", name="No", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(fever.get_by_role("radio", name="Yes")).to_be_checked()
    day.fill("2026-03-20")
    screen.check_accessible()
    page.get_by_role("button", name="I am done").click()

    # Only the staff goes on from here.
    expect(page.get_by_role("heading", name="Thank you. Please give the screen back")).to_be_visible()
    screen.check_accessible()
    page.go_back()
    expect(page.get_by_role("heading", name="Thank you. Please give the screen back")).to_be_visible()
    page.get_by_label("Your password").fill("not this one")
    page.get_by_role("button", name="Take the screen back").click()
    expect(page.get_by_text("This is not the password").first).to_be_visible()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Take the screen back").click()
    expect(page.get_by_text("Ask Dr Silva")).to_be_visible()
    screen.check_accessible()
    assert CheckIn.objects.get().needs_review is True and PlanStop.objects.exists()
    screen.close()


def test_a_practitioner_reads_the_answers_and_reviews_them(
    clinic_server: LiveServer, browser: Browser
) -> None:
    visit = visit_today()
    now = timezone.now()
    said = [{"question": "laser_recent", "words": "Laser lately?", "answer": "unknown", "event_on": ""}]
    check_in = CheckIn.objects.create(
        appointment=visit,
        patient=visit.patient,
        asked_at=now,
        asked_by=visit.practitioner.user,
        said=said,
        answered_at=now,
        needs_review=True,
    )
    screen = Screen(browser, clinic_server, width=1440, height=900)
    screen.signed_in("silva")
    screen.open("/worklists/")
    page = screen.page
    page.locator(f"a[href='/check-ins/{check_in.pk}/review/']").click()
    expect(page.get_by_text("Laser lately?")).to_be_visible()
    screen.check_accessible()
    page.get_by_label("What came of it").fill("A peeling, no laser.")
    page.get_by_role("button", name="I have looked at it").click()
    expect(page.get_by_text("A peeling, no laser.")).to_be_visible()
    check_in.refresh_from_db()
    assert check_in.reviewed_by == visit.practitioner.user
    screen.close()
