"""The pages of courses and lists in a real browser: accessible in both themes, no wider than the screen, quiet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from clinic.chooser import Slot
from clinic.enums import ContactOutcome
from clinic.models import Appointment, Patient, Practitioner
from consultations import purposes
from consultations.models import Leaflet, Plan
from tests.browser.conftest import Screen
from tests.clinic.desk import Desk, make_desk
from tests.factories import (
    AbsenceFactory,
    AppointmentFactory,
    CauseSearchFactory,
    ContactEntryFactory,
    ContactTryFactory,
    DeviceCareErrorFactory,
    DeviceCareFactory,
    DeviceFactory,
    LeafletHandoutFactory,
    PatchTestFactory,
    PractitionerFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    WaitlistEntryFactory,
    cleared_plan,
    component_tested,
    consented_plan,
    lots_of,
    stopped_by_test,
)
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW, PARIS, ago

pytestmark = [pytest.mark.browser]
TUESDAY = datetime(2026, 3, 3, tzinfo=PARIS)


def booked(desk: Desk, plan: Plan, clock: time) -> list[Appointment]:
    """Both sessions, on two Tuesdays."""
    return [
        desk.book(
            datetime.combine(TUESDAY + timedelta(weeks=week), clock, PARIS),
            patient=plan.patient,
            purpose=purposes.session_of(planned),
        )
        for week, planned in enumerate(plan.planned_sessions.all())
    ]


def course_page() -> str:
    """A test, its reading and the first session to be booked."""
    for purpose in ("test", "reading", "session"):
        AppointmentTypeFactory(code=f"b-{purpose}", name=purpose.title(), purpose=purpose, skill="")
    return reverse("clinic:course_for", args=[consented_plan(sessions=2).patient_id])


def replanning_page(desk: Desk) -> str:
    """The first session looked at a week later, where the second one is."""
    first, _second = booked(desk, cleared_plan(sessions=2), time(10))
    place = Slot(first.starts_at + timedelta(days=6), desk.silva.pk, desk.room.pk, None)
    query = urlencode({"choice": str(place), "version": first.version})
    return f"{reverse('clinic:appointment_later', args=[first.pk])}?{query}"


def release_page(desk: Desk) -> str:
    """A positive test behind two booked sessions."""
    plan = cleared_plan(sessions=2)
    booked(desk, plan, time(11))
    TestReadingFactory(patch_test=PatchTestFactory(plan=plan, given_at=ago(days=5)), positive=True)
    return reverse("clinic:release", args=[plan.patient_id])


def new_places_page(desk: Desk) -> str:
    """A practitioner is ill on a day with visits."""
    starts_at = datetime.combine(TUESDAY + timedelta(days=1), time(14), PARIS)
    desk.book(starts_at)
    ill = AbsenceFactory(practitioner=desk.silva, starts_at=starts_at, ends_at=starts_at + timedelta(hours=3))
    return reverse("clinic:new_places", args=["absence", ill.pk])


def lists(patient: Patient, desk: Desk) -> list[str]:
    """Somebody to call who was tried once, and somebody who waits."""
    entry = ContactEntryFactory(patient=patient)
    ContactTryFactory(entry=entry, outcome=ContactOutcome.NO_ANSWER, note="again at five")
    WaitlistEntryFactory(type=desk.visit, purpose="", patient=patient)
    add = reverse("clinic:waitlist_add", args=[patient.pk])
    return ["/contacts/", "/contacts/?show=closed", "/waitlist/", "/waitlist/?show=today", add, "/late/"]


def clinical_pages(doctor: Practitioner) -> list[str]:
    """What a lot, a device, a practitioner and a room were part of, leaflets, the shelf, and the cause of a positive test."""
    device = DeviceFactory(service_due_on=TUESDAY.date())
    DeviceCareFactory(device=device)
    DeviceCareErrorFactory(care=DeviceCareFactory(device=device))
    plan = cleared_plan()
    lots = lots_of(plan.formula)
    visit = AppointmentFactory(patient=plan.patient, starts_at=ago(days=1), practitioner=doctor)
    SessionFactory(plan=plan, signed=True, lots=lots, device=device, appointment=visit, practitioner=doctor)
    LeafletHandoutFactory(patient=plan.patient)
    search = CauseSearchFactory(patch_test=stopped_by_test().patch_tests.get())
    first, *_others = search.patch_test.component_codes
    component_tested(search, first, reacts=True)
    traced = [("lot", lots[0]), ("device", device), ("practitioner", doctor), ("room", visit.room)]
    return [
        *(reverse("consultations:trace", args=[kind, thing.pk]) for kind, thing in traced),
        reverse("consultations:traces"),
        reverse("clinic:devices"),
        reverse("clinic:device", args=[device.pk]),
        reverse("consultations:lots"),
        reverse("consultations:lot_label", args=[lots[0].pk]),
        reverse("consultations:leaflets_of", args=[plan.pk]),
        reverse("consultations:leaflet", args=[Leaflet.objects.current()[0].pk]),
        reverse("consultations:cause", args=[search.patch_test_id]),
        reverse("consultations:cause_finding", args=[search.pk]),
    ]


@pytest.fixture
def screen(browser: Browser, clinic_server: LiveServer) -> Iterator[Screen]:
    """The desk's window."""
    with time_machine.travel(CLINIC_NOW, tick=True):
        window = Screen(browser, clinic_server)
        yield window
        window.close()


def test_all_rows_are_ticked_or_none_by_mouse_and_by_keyboard(screen: Screen) -> None:
    desk = make_desk(UserFactory(username="reception", reception=True))
    screen.signed_in("reception")
    screen.open(release_page(desk))
    said = screen.page.locator("[data-ticked]")
    boxes = screen.page.locator("input[name=release]")
    expect(said).to_have_text("2 of 2 ticked")
    screen.page.get_by_role("button", name="Tick none").click()
    expect(boxes.nth(0)).not_to_be_checked()
    expect(said).to_have_text("0 of 2 ticked")
    boxes.nth(1).check()
    expect(said).to_have_text("1 of 2 ticked")
    everything = screen.page.get_by_role("button", name="Tick all")
    everything.focus()
    everything.press("Enter")
    expect(said).to_have_text("2 of 2 ticked")
    expect(boxes.nth(0)).to_be_checked()


def test_one_row_alone_needs_no_such_buttons(screen: Screen) -> None:
    desk = make_desk(UserFactory(username="reception", reception=True))
    screen.signed_in("reception")
    screen.open(replanning_page(desk))
    expect(screen.page.locator("input[name=shift]")).to_have_count(1)
    expect(screen.page.get_by_role("button", name="Tick all")).to_be_hidden()


def test_nothing_serious_in_either_theme_at_any_width(screen: Screen) -> None:
    desk = make_desk(UserFactory(username="ana", reception=True))
    pages = [
        course_page(),
        replanning_page(desk),
        release_page(desk),
        new_places_page(desk),
        *lists(desk.patient, desk),
    ]
    screen.signed_in("ana")
    for page in pages:
        screen.check_looks(page)


def test_nothing_serious_on_the_pages_of_lots_devices_leaflets_and_causes(screen: Screen) -> None:
    user = UserFactory(username="silva", practitioner=True)
    pages = clinical_pages(PractitionerFactory(user=user, name="Dr Silva", skills=["needle"]))
    screen.signed_in("silva")
    for page in pages:
        screen.check_looks(page)
