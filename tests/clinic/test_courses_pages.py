"""The course page: the proposal, what it can be changed to, and the one button that books all of it."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from clinic.gaps import DayGap
from clinic.models import Appointment, Patient
from clinic.readiness import CourseOffer, Step
from tests.clinic.desk import Desk, ToldPathway, on

pytestmark = pytest.mark.django_db

TUESDAY = date(2026, 3, 3)


def url(patient: Patient, **query) -> str:
    return reverse("clinic:course_for", args=[patient.pk], query=query or None)


def text(response) -> str:
    return unescape(response.content.decode())


@pytest.fixture
def weekly(desk: Desk, pathway: ToldPathway) -> Desk:
    """Three sessions a week apart, the first on Tuesday."""
    offer_sessions(desk, pathway, 3)
    return desk


def offer_sessions(desk: Desk, pathway: ToldPathway, count: int) -> None:
    gap = DayGap(shortest=6, ideal=7, slack=3)
    first = Step(
        desk.visit, "Session 1 of 3", "session:1", earliest=on(TUESDAY, "00:00"), latest=on(TUESDAY, "23:00")
    )
    others = [Step(desk.visit, f"Session {n} of {count}", f"session:{n}", gap) for n in range(2, count + 1)]
    pathway.offered_courses = [CourseOffer("all-1", f"All {count} sessions", (first, *others))]


def posted(page: str, **changes) -> dict[str, list[str] | str]:
    """What the page's booking form sends."""
    form = page[page.index('id="booking"') :]
    fields: dict[str, list[str] | str] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    return {**fields, **changes}


def test_the_page_proposes_every_visit_with_gap_and_readiness(weekly: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(weekly.patient)))
    for day in ("Tue 3 Mar 2026", "Tue 10 Mar 2026", "Tue 17 Mar 2026"):
        assert day in page
    assert page.count("7 days, ideal") == 2
    assert "3 visits, Tue 3 Mar 2026 to Tue 17 Mar 2026, with Dr Silva" in page


def test_one_button_books_all(weekly: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(weekly.patient)))
    response = reception_client.post(url(weekly.patient), posted(page))
    assert response.status_code == 302
    booked = Appointment.objects.order_by("starts_at")
    assert [each.purpose for each in booked] == ["session:1", "session:2", "session:3"]
