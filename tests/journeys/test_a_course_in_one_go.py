"""From the patient page to a whole course on the books: test, reading and every session behind it, in one go."""

import re
from datetime import date, datetime, time, timedelta
from html import unescape

import pytest
from django.test import Client

from clinic.enums import AppointmentStatus, RoomKind
from clinic.models import Appointment, Practitioner, User
from consultations import purposes
from consultations.actions import patch_tests
from consultations.enums import Grade
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


def test_reception_books_test_reading_and_all_sessions_and_the_reading_settles_them(
    clinic_now: datetime, open_clinic: Practitioner, practitioner_user: User, reception_client: Client
) -> None:
    # Given a patient who agreed to four monthly sessions and has not been tested
    by = practitioner_user
    plan = course.agreed("FACE-AMIN", by=by, at=clinic_now - timedelta(days=2))
    course.consented(plan, by=by, at=clinic_now - timedelta(days=1))

    # When reception follows the patient page to the course and takes all of it
    page = unescape(reception_client.get(f"/patients/{plan.patient_id}/").content.decode())
    first = re.search(r'href="([^"]+course=first-[^"]+)"', page).group(1)
    page = unescape(reception_client.get(first).content.decode())
    whole = re.search(r'href="([^"]+course=all-[^"]+)"', page).group(1)
    page = unescape(reception_client.get(whole).content.decode())
    assert page.count("the reading is on") == 4
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(
        r'<input type="hidden" name="(\w+)" value="([^"]*)"', page[page.index('id="booking"') :]
    ):
        fields.setdefault(name, []).append(value)
    assert reception_client.post(f"/patients/{plan.patient_id}/course/", fields).status_code == 302

    # Then six visits are on the books: the sessions wait for the reading, the reading belongs to the test
    booked = {each.purpose: each for each in Appointment.objects.filter(patient=plan.patient)}
    sessions = [booked[purposes.session_of(planned)] for planned in plan.planned_sessions.all()]
    reading = booked[purposes.reading_of(plan)]
    assert len(booked) == 6
    assert reading.pair_of == booked[purposes.test_of(plan)]
    assert {each.status for each in sessions} == {AppointmentStatus.PROVISIONAL}

    # And when the test was given then and read without a reaction, they are settled
    test = course.tested(plan, by=by, at=booked[purposes.test_of(plan)].starts_at)
    patch_tests.read(
        test=test,
        details={"read_at": reading.starts_at, "grade": Grade.NEGATIVE},
        by=by,
        at=reading.starts_at,
    )
    assert {Appointment.objects.get(pk=each.pk).status for each in sessions} == {AppointmentStatus.BOOKED}
