"""The course page: the proposal, what it can be changed to, and the one button that books all of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, time, timedelta
from html import unescape
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.actions import visits
from clinic.enums import CancelledBy
from clinic.gaps import DayGap, HourGap
from clinic.models import Appointment, Patient
from clinic.readiness import Caution, CourseOffer, FixedVisit, Step
from tests.clinic.desk import MISSING, Desk, ToldPathway, on
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.opening import AbsenceFactory
from tests.factories.people import PatientFactory

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


def fix(pathway: ToldPathway, number: int, fixed: FixedVisit) -> None:
    """This visit of the course is settled already."""
    (offer,) = pathway.offered_courses
    steps = list(offer.steps)
    steps[number] = replace(steps[number], fixed=fixed)
    pathway.offered_courses = [replace(offer, steps=tuple(steps))]


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


def test_a_course_sent_again_after_one_of_its_visits_was_called_off_says_so(
    weekly: Desk, reception_client: Client
) -> None:
    fields = posted(text(reception_client.get(url(weekly.patient))))
    reception_client.post(url(weekly.patient), fields)
    reception_client.get("/diary/")
    visits.cancel(
        appointment=Appointment.objects.earliest("starts_at"),
        cancelled_by=CancelledBy.PATIENT,
        by=weekly.user,
        at=CLINIC_NOW,
    )
    again = reception_client.post(url(weekly.patient), fields)
    assert (again.status_code, Appointment.objects.count()) == (409, 3)
    assert "Booked 3 visits" not in text(reception_client.get("/diary/"))


@pytest.mark.parametrize(("hidden", "who"), [(False, "Moreau, J."), (True, "№ {number}")])
def test_what_was_booked_is_said_as_the_pages_write_it(
    weekly: Desk, reception_client: Client, hidden: bool, who: str
) -> None:
    if hidden:
        reception_client.post(reverse("clinic:privacy"))
    page = text(reception_client.get(url(weekly.patient)))
    reception_client.post(url(weekly.patient), posted(page))
    said = text(reception_client.get("/diary/"))
    called = who.format(number=weekly.patient.number)
    assert f"Booked 3 visits. The first: {called}, Check-up, Tue 3 Mar 2026, 09:00." in said


def test_of_a_course_that_is_provisional_it_is_said_once_what_is_missing(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.provisional = {"session:2", "session:3"}
    page = text(reception_client.get(url(weekly.patient)))
    said = text(reception_client.post(url(weekly.patient), posted(page), follow=True))
    first = "Moreau, J., Check-up, Tue 3 Mar 2026, 09:00"
    assert f"Booked 3 visits, provisionally. The first: {first}. The consent is not signed." in said


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_asks_the_same_questions_whatever_is_booked(
    weekly: Desk, reception_client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for n in range(count):
        weekly.book(on(TUESDAY, f"{13 + n}:00"), patient=PatientFactory())
    with django_assert_num_queries(10):
        reception_client.get(url(weekly.patient))


def test_a_caution_stands_on_the_visits_after_its_last_day_and_all_are_booked(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    (offer,) = pathway.offered_courses
    caution = Caution("Tell Dr Silva. Booking goes on.", date(2026, 3, 10))
    steps = tuple(replace(step, caution=caution) for step in offer.steps)
    pathway.offered_courses = [replace(offer, steps=steps)]
    page = text(reception_client.get(url(weekly.patient)))
    assert page.count(caution.words) == 1
    assert page.index("Tue 17 Mar 2026") < page.index(caution.words)
    reception_client.post(url(weekly.patient), posted(page))
    assert Appointment.objects.count() == 3


def test_of_a_course_of_one_visit_it_is_said_which_was_booked(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    offer_sessions(desk, pathway, 1)
    page = text(reception_client.get(url(desk.patient)))
    assert "1 visit, Tue 3 Mar 2026, with Dr Silva" in page
    said = text(reception_client.post(url(desk.patient), posted(page), follow=True))
    assert "Booked: Moreau, J., Check-up, Tue 3 Mar 2026, 09:00." in said


def test_a_visit_on_the_books_stands_in_its_place_and_only_the_others_are_booked(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    held = weekly.book(on(TUESDAY, "10:00"), practitioner=weekly.amari)
    fix(pathway, 0, FixedVisit(held.starts_at, weekly.amari, held))
    response = reception_client.get(url(weekly.patient))
    page = text(response)
    row = page[page.index("course-row-fixed") : page.index('course-label">Session 2')]
    for words in ("Tue 3 Mar 2026", "10:00", "Dr Amari", "booked already"):
        assert words in row
    assert "<button" not in row and 'name="place"' not in row
    assert "Book all 2 visits" in page
    assert [each.gap for each in response.context["page"].rows] == ["", "7 days, ideal", "7 days, ideal"]
    reception_client.post(url(weekly.patient), posted(page))
    assert list(Appointment.objects.order_by("starts_at").values_list("purpose", flat=True)) == [
        "",
        "session:2",
        "session:3",
    ]


def test_visits_on_the_books_that_leave_no_day_between_are_said(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    fix(pathway, 0, FixedVisit(on(TUESDAY, "09:00"), weekly.silva))
    fix(pathway, 2, FixedVisit(on(TUESDAY + timedelta(days=9), "09:00"), weekly.silva))
    page = text(reception_client.get(url(weekly.patient)))
    sentence = "“Session 2 of 3” has no place: the visits before and after it leave no day between."
    assert re.findall('notice-title">([^<]+)', page) == [sentence]


def test_a_visit_nobody_is_trained_in_is_said_as_such(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    laser = AppointmentTypeFactory(skill="laser", grid_minutes=30)
    step = Step(laser, "Laser", "laser:1", earliest=on(TUESDAY, "00:00"), latest=on(TUESDAY, "23:00"))
    pathway.offered_courses = [CourseOffer("all-1", "Laser", (step,))]
    page = text(reception_client.get(url(desk.patient)))
    assert "“Laser” has no place between Tue 3 Mar 2026 and Tue 3 Mar 2026." in page
    assert "Nobody who was asked for does this kind of visit." in page
    desk.silva.skills = ["laser"]
    desk.silva.save()
    assert "1 visit, Tue 3 Mar 2026, with Dr Silva" in text(reception_client.get(url(desk.patient)))


def test_a_second_click_books_once(weekly: Desk, pathway: ToldPathway, reception_client: Client) -> None:
    data = posted(text(reception_client.get(url(weekly.patient))))
    reception_client.post(url(weekly.patient), data)
    pathway.offered_courses = []  # what is booked is no longer offered
    assert reception_client.post(url(weekly.patient), data).status_code == 302
    assert Appointment.objects.count() == 3


def test_a_course_that_somebody_else_booked_meanwhile_is_refused_and_books_nothing(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    data = posted(text(reception_client.get(url(weekly.patient))))
    pathway.offered_courses = []
    response = reception_client.post(url(weekly.patient), data)
    assert response.status_code == 422
    assert "Somebody has booked or closed this course meanwhile. Nothing was booked now." in text(response)
    assert Appointment.objects.count() == 0


def test_a_course_that_somebody_changed_meanwhile_is_shown_anew_and_books_nothing(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    data = posted(text(reception_client.get(url(weekly.patient))))
    offer_sessions(weekly, pathway, 2)
    response = reception_client.post(url(weekly.patient), data)
    page = text(response)
    assert response.status_code == 422
    assert "Somebody changed this course meanwhile. Look at the new proposal and book again." in page
    assert Appointment.objects.count() == 0
    assert reception_client.post(url(weekly.patient), posted(page)).status_code == 302
    assert Appointment.objects.count() == 2


def test_a_lost_race_keeps_the_other_visits_marks_the_lost_one_and_offers_the_next_best(
    weekly: Desk, reception_client: Client
) -> None:
    data = posted(text(reception_client.get(url(weekly.patient))))
    weekly.book(on(TUESDAY + timedelta(days=7), "09:00"), patient=PatientFactory())
    response = reception_client.post(url(weekly.patient), data)
    assert response.status_code == 409
    assert Appointment.objects.count() == 1
    page = text(response)
    assert page.count("has just been taken. This is the next best.") == 1
    assert "Nothing was booked. The visit whose time was taken is marked below" in page
    again = posted(page)
    kept = [each for each in data["place"] if each in again["place"]]
    assert [each.split("@")[0] for each in kept] == ["session:1", "session:3"]
    assert reception_client.post(url(weekly.patient), again).status_code == 302
    assert Appointment.objects.count() == 4


def test_a_refused_visit_is_named_and_nothing_is_booked(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.refuses = {"session:2"}
    page = text(reception_client.get(url(weekly.patient)))
    assert "not cleared" in page
    response = reception_client.post(url(weekly.patient), posted(page))
    assert response.status_code == 422
    assert MISSING.what in text(response)
    assert Appointment.objects.count() == 0


def test_a_provisional_visit_says_what_settles_it_before_it_is_booked(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    pathway.provisional = {"session:3"}
    page = text(reception_client.get(url(weekly.patient)))
    assert page.count("readiness-provisional") == 1
    assert MISSING.what in page


def change(page: str, label: str, name: str = "change") -> str:
    """The value of the first button with these words after the row's label."""
    row = page[page.index(f'course-label">{label}') :]
    return re.search(rf'name="{name}" value="([^"]+)"', row).group(1)


def wishes(page: str) -> dict[str, list[str]]:
    """What the form of the wishes sends."""
    form = page[page.index('id="wishes"') : page.index('id="booking"')]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        fields.setdefault(name, []).append(value)
    return fields


def test_one_visit_is_changed_and_the_later_ones_follow(weekly: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(weekly.patient)))
    changed = f"session:2@2026-03-12T09:00Z_{weekly.silva.pk.hex}"
    assert changed in page
    page = text(reception_client.get(url(weekly.patient), {**wishes(page), "change": changed}))
    assert "Tue 3 Mar 2026" in page and "Thu 12 Mar 2026" in page and "Thu 19 Mar 2026" in page
    assert "9 days, 2 days later than ideal" in page
    page = text(
        reception_client.get(
            url(weekly.patient), {**wishes(page), "release": change(page, "Session 2", "release")}
        )
    )
    assert "Tue 10 Mar 2026" in page


def test_one_visit_is_changed_and_the_others_are_kept(weekly: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(weekly.patient)))
    changed = f"session:2@2026-03-12T09:00Z_{weekly.silva.pk.hex}"
    query = {**wishes(page), "change": changed, "keep": "on"}
    page = text(reception_client.get(url(weekly.patient), query))
    assert "Thu 12 Mar 2026" in page and "Tue 17 Mar 2026" in page


def test_the_chosen_course_is_kept_when_a_visit_is_changed(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    (offer,) = pathway.offered_courses
    pathway.offered_courses = [CourseOffer("first-1", "The first", offer.steps[:1]), offer]
    page = text(reception_client.get(url(weekly.patient, course="all-1")))
    assert wishes(page)["course"] == ["all-1"]
    changed = f"session:2@2026-03-12T09:00Z_{weekly.silva.pk.hex}"
    page = text(reception_client.get(url(weekly.patient), {**wishes(page), "change": changed}))
    assert "Book all 3 visits" in page


def test_where_there_is_none_the_page_says_why_and_one_click_takes_a_way_out(
    weekly: Desk, reception_client: Client
) -> None:
    AbsenceFactory(
        practitioner=weekly.silva,
        starts_at=on(date(2026, 3, 8), "00:00"),
        ends_at=on(date(2026, 4, 20), "00:00"),
    )
    page = text(reception_client.get(url(weekly.patient, practitioner=weekly.silva.pk, asked="yes")))
    assert "“Session 2 of 3” has no place between Mon 9 Mar 2026 and Fri 13 Mar 2026." in page
    assert "Dr Silva is away at this time." in page
    way = re.search(r'class="btn btn-primary" href="([^"]+)"', page).group(1)
    assert "With anybody who does it" in page
    taken = text(reception_client.get(way))
    assert "with Dr Amari" in taken


def test_recorded_days_and_hours_are_asked_for_first(weekly: Desk, reception_client: Client) -> None:
    weekly.patient.suits_weekdays = [4]
    weekly.patient.save()
    page = text(reception_client.get(url(weekly.patient, asked="yes")))
    assert "Tue 3 Mar 2026" in page
    page = text(reception_client.get(url(weekly.patient)))
    assert re.search(r'name="weekday" value="4"[^>]*checked', page)


@pytest.mark.parametrize(
    ("since", "until", "part", "first"),
    [
        (None, time(12), "morning", "09:00"),
        (time(13), time(16), "afternoon", "13:00"),
        (time(10), time(16), "", "09:00"),
    ],
)
def test_recorded_hours_are_asked_for_where_a_part_of_the_day_holds_them(
    weekly: Desk, reception_client: Client, since: time | None, until: time, part: str, first: str
) -> None:
    weekly.patient.suits_since, weekly.patient.suits_until = since, until
    weekly.patient.save()
    page = text(reception_client.get(url(weekly.patient)))
    assert f'value="{part}" selected' in page
    assert re.search(r'course-time">(\d\d:\d\d)', page).group(1) == first


def test_a_day_that_is_wanted_before_the_first_one_that_may_be_changes_nothing(
    weekly: Desk, reception_client: Client
) -> None:
    for start, first in (("2026-03-02", "Tue 3 Mar 2026"), ("2026-03-05", "Thu 5 Mar 2026")):
        page = text(reception_client.get(url(weekly.patient, asked="yes", start=start)))
        assert re.search('course-day">([^<]+)', page).group(1) == first


def test_a_day_with_no_other_start_is_not_listed(weekly: Desk, reception_client: Client) -> None:
    tuesday = TUESDAY + timedelta(days=7)
    for who in (weekly.silva, weekly.amari):
        AbsenceFactory(practitioner=who, starts_at=on(tuesday, "09:30"), ends_at=on(tuesday, "23:00"))
    row = reception_client.get(url(weekly.patient)).context["page"].rows[1]
    assert row.visit.starts_at == on(tuesday, "09:00")
    days = [day for day, _others in row.others]
    assert tuesday - timedelta(days=1) in days and tuesday + timedelta(days=1) in days
    assert tuesday not in days


def test_the_usual_practitioner_stands_first_and_is_marked(weekly: Desk, reception_client: Client) -> None:
    weekly.patient.usual_practitioner = weekly.amari
    weekly.patient.save()
    page = text(reception_client.get(url(weekly.patient)))
    assert re.findall(r"<option[^>]*>(Dr [^<]+)", page) == ["Dr Amari (usual)", "Dr Silva"]


def test_a_course_that_must_wait_says_for_what(
    weekly: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    (offer,) = pathway.offered_courses
    pathway.offered_courses = [CourseOffer(offer.key, offer.label, offer.steps, (MISSING,))]
    page = text(reception_client.get(url(weekly.patient)))
    assert "The consent is not signed. (Dr Silva)" in page
    assert "No course can be booked for this patient now" in page


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"start": "9999-12-31"}, "Choose a date between"),
        ({"part": "midnight"}, "This is not offered, or not any more."),
        ({"weekday": "9"}, "This is not offered, or not any more."),
        ({"visit": "session:1@soon"}, "Choose one of the times that are offered."),
        ({"change": "session:1"}, "Choose one of the times that are offered."),
        ({"visit": f"@2026-03-03T09:00Z_{UUID(int=1).hex}"}, "Choose one of the times that are offered."),
        (
            {"visit": f"session:1@1999-12-31T09:00Z_{UUID(int=1).hex}"},
            "Choose one of the times that are offered.",
        ),
    ],
)
def test_nonsense_in_the_address_gets_a_sentence(
    weekly: Desk, reception_client: Client, query: dict[str, str], sentence: str
) -> None:
    response = reception_client.get(url(weekly.patient, asked="yes", **query))
    assert response.status_code == 422
    assert sentence in text(response)


def test_a_choice_in_the_far_future_or_the_past_is_left_aside(weekly: Desk, reception_client: Client) -> None:
    for moment in ("2100-12-31T09:00Z", "2001-01-01T09:00Z"):
        chosen = f"session:2@{moment}_{weekly.silva.pk.hex}"
        page = text(reception_client.get(url(weekly.patient, asked="yes", change=chosen)))
        assert "Tue 10 Mar 2026" in page


def test_a_start_further_ahead_than_can_be_booked_is_said(weekly: Desk, reception_client: Client) -> None:
    page = text(reception_client.get(url(weekly.patient, asked="yes", start="2099-01-01")))
    assert "This is further ahead than this kind of visit can be booked." in page


@pytest.mark.parametrize("place", ["", "session:1@soon", "session:1"])
def test_nonsense_that_is_posted_books_nothing(weekly: Desk, reception_client: Client, place: str) -> None:
    data = posted(text(reception_client.get(url(weekly.patient))), place=place)
    response = reception_client.post(url(weekly.patient), data)
    assert response.status_code == 422
    assert Appointment.objects.count() == 0


@pytest.mark.parametrize(("count", "status"), [(60, 200), (61, 422)])
def test_more_visits_than_a_course_has_are_not_read(
    weekly: Desk, reception_client: Client, count: int, status: int
) -> None:
    chosen = [f"session:{n}@2026-03-03T09:00Z_{weekly.silva.pk.hex}" for n in range(count)]
    response = reception_client.get(url(weekly.patient), {"asked": "yes", "visit": chosen})
    assert response.status_code == status
    assert ("Choose one of the times that are offered." in text(response)) == (status == 422)


def test_an_admin_is_told_whom_to_ask(weekly: Desk, admin_client: Client) -> None:
    response = admin_client.get(url(weekly.patient))
    assert response.status_code == 403
    assert "Ask the front desk." in text(response)


def test_a_reading_is_booked_as_the_pair_of_its_test(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    window = HourGap(timedelta(hours=48), timedelta(hours=72), timedelta(hours=96))
    steps = (
        Step(desk.visit, "Test", "test:1", earliest=CLINIC_NOW),
        Step(desk.visit, "Reading", "reading:1", window, pairs=True),
    )
    pathway.offered_courses = [CourseOffer("first-1", "Test and reading", steps)]
    page = text(reception_client.get(url(desk.patient)))
    reception_client.post(url(desk.patient), posted(page))
    reading = Appointment.objects.get(purpose="reading:1")
    assert reading.pair_of.purpose == "test:1"


def test_two_visits_of_one_day_are_said_to_be_on_the_same_day(
    desk: Desk, pathway: ToldPathway, reception_client: Client
) -> None:
    window = HourGap(timedelta(hours=1), timedelta(hours=1), timedelta(hours=2))
    steps = (
        Step(desk.visit, "Reading", "reading:1", earliest=on(TUESDAY, "00:00")),
        Step(desk.visit, "Session 1", "session:1", window),
    )
    pathway.offered_courses = [CourseOffer("first-1", "Reading and session", steps)]
    page = text(reception_client.get(url(desk.patient)))
    assert "the same day" in page
    reception_client.post(url(desk.patient), posted(page))
    days = Appointment.objects.order_by("starts_at").values_list("starts_at__date", flat=True)
    assert list(days) == [TUESDAY, TUESDAY]
