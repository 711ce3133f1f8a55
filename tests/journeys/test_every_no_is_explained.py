"""Journeys on which the pathway says no: what each person sees, whom they are sent to, and what opens the way again."""

from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client

from clinic.actions import booking
from clinic.availability import first_free
from clinic.enums import AppointmentStatus, RoomKind
from clinic.models import Appointment, AppointmentType, Practitioner, User
from consultations import purposes
from consultations.models import ClinicalReport, Plan, TestReading
from tests.consultations import course
from tests.factories import RoomFactory, WorkingHoursFactory
from tests.factories.places import LocationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_clinic(doctor: Practitioner) -> Practitioner:
    """One practitioner who works every day, with a room of each kind."""
    location = LocationFactory()
    for kind in RoomKind:
        RoomFactory(location=location, kind=kind)
    doctor.skills = ["needle"]
    doctor.save()
    for weekday in range(1, 8):
        WorkingHoursFactory(
            practitioner=doctor,
            location=location,
            weekday=weekday,
            starts=time(8),
            ends=time(18),
            valid_from=date(2020, 1, 1),
        )
    course.decide_caps()
    return doctor


def _book_session(plan: Plan, *, near: datetime, by: User, at: datetime) -> Appointment:
    kind = AppointmentType.objects.get(code="session_needle")
    free = first_free(type=kind, at=at, earliest=near, patient=plan.patient)[0]
    planned = plan.planned_sessions.get(ordinal=1)
    wish = booking.Wish(
        plan.patient, kind, free.practitioner, free.room, free.starts_at, purpose=purposes.session_of(planned)
    )
    return booking.book(wish=wish, by=by, at=at)


def _book_reading(plan: Plan, *, near: datetime, by: User, at: datetime) -> Appointment:
    kind = AppointmentType.objects.get(code="reading")
    free = first_free(type=kind, at=at, earliest=near, patient=plan.patient)[0]
    wish = booking.Wish(
        plan.patient, kind, free.practitioner, free.room, free.starts_at, purpose=purposes.reading_of(plan)
    )
    return booking.book(wish=wish, by=by, at=at)


def _step(client: Client, visit: Appointment, step: str) -> int:
    visit.refresh_from_db()
    return client.post(f"/appointments/{visit.pk}/{step}/", {"version": visit.version}).status_code


def test_a_positive_reading_closes_the_session_that_waited_for_it(
    clinic_now: datetime,
    open_clinic: Practitioner,
    practitioner_user: User,
    reception: User,
    reception_client: Client,
    practitioner_client: Client,
) -> None:
    # Given a test three days ago, its reading today, and a session next week that waits for the reading
    by = practitioner_user
    plan = course.consented(
        course.agreed("FACE-AMIN", by=by, at=clinic_now - timedelta(days=5)),
        by=by,
        at=clinic_now - timedelta(days=4),
    )
    test = course.tested(plan, by=by, at=clinic_now - timedelta(days=3))
    booked_at = clinic_now - timedelta(days=2)
    _book_reading(plan, near=clinic_now, by=reception, at=booked_at)
    session = _book_session(plan, near=clinic_now + timedelta(days=7), by=reception, at=booked_at)
    assert session.status == AppointmentStatus.PROVISIONAL

    # When the practitioner reads it as strongly positive
    answer = practitioner_client.post(
        f"/tests/{test.pk}/read/",
        {
            "read_at_0": clinic_now.strftime("%Y-%m-%d"),
            "read_at_1": clinic_now.strftime("%H:%M"),
            "site_readable": "on",
            "grade": "pos2",
        },
    )

    # Then the result is computed, the desk is sent to the practitioner without a finding, and nothing starts
    assert answer.status_code == 302
    assert TestReading.objects.latest("read_at").result == "positive"
    page = reception_client.get(f"/appointments/{session.pk}/").content.decode()
    assert f"ask {open_clinic}" in page
    assert "positive" not in page
    assert _step(reception_client, session, "arrive") == 302
    assert _step(reception_client, session, "start") == 422
    session.refresh_from_db()
    assert session.status == AppointmentStatus.ARRIVED


def test_a_report_from_the_desk_stops_the_session_until_somebody_has_looked(
    clinic_now: datetime,
    open_clinic: Practitioner,
    practitioner_user: User,
    reception: User,
    reception_client: Client,
    practitioner_client: Client,
) -> None:
    # Given a cleared patient whose session is today
    plan = course.cleared("FACE-AMIN", by=practitioner_user, at=clinic_now)
    session = _book_session(plan, near=clinic_now, by=reception, at=clinic_now - timedelta(hours=1))
    assert session.status == AppointmentStatus.BOOKED

    # When she reports a lump at the counter
    url = f"/patients/{plan.patient_id}/report/"
    assert reception_client.post(url, {"words": "A lump on my cheek", "call_back": ""}).status_code == 302

    # Then she may arrive, but the session does not start
    assert _step(reception_client, session, "arrive") == 302
    assert _step(reception_client, session, "start") == 422

    # And once a practitioner has looked, it does
    report = ClinicalReport.objects.get()
    triage = {"outcome": "no_action", "note": "An old scar."}
    assert practitioner_client.post(f"/reports/{report.pk}/triage/", triage).status_code == 302
    assert _step(reception_client, session, "start") == 302


def test_a_withdrawn_consent_takes_effect_at_once(
    clinic_now: datetime,
    open_clinic: Practitioner,
    practitioner_user: User,
    reception: User,
    reception_client: Client,
    practitioner_client: Client,
) -> None:
    # Given a cleared patient whose session is today
    plan = course.cleared("FACE-AMIN", by=practitioner_user, at=clinic_now)
    session = _book_session(plan, near=clinic_now, by=reception, at=clinic_now - timedelta(hours=1))

    # When she changes her mind
    consent = plan.consents.get()
    assert practitioner_client.post(f"/consents/{consent.pk}/withdraw/", {"reason": ""}).status_code == 302

    # Then the visit is provisional, cannot start, and a new signature opens it again
    session.refresh_from_db()
    assert session.status == AppointmentStatus.PROVISIONAL
    assert _step(reception_client, session, "arrive") == 302
    assert _step(reception_client, session, "start") == 422
    course.consented(plan, by=practitioner_user, at=clinic_now)
    assert _step(reception_client, session, "start") == 302
