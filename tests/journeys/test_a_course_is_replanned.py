"""A session is missed, a practitioner falls ill: the course goes on, and everybody sees what became of it."""

from datetime import date, datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from clinic.actions import booking
from clinic.availability import first_free
from clinic.enums import AppointmentStatus, RoomKind
from clinic.models import Appointment, AppointmentType, ContactEntry, Location, Practitioner, User
from consultations import purposes
from consultations.models import Plan
from tests.consultations import course
from tests.factories import PractitionerFactory, RoomFactory, WorkingHoursFactory
from tests.factories.places import LocationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic(rows: None) -> Location:
    """A place with two rooms of each kind."""
    location = LocationFactory()
    for kind in [*RoomKind, *RoomKind]:
        RoomFactory(location=location, kind=kind)
    return location


def working(practitioner: Practitioner, location: Location) -> Practitioner:
    """Every day from eight to six, trained with the needle."""
    practitioner.skills = ["needle"]
    practitioner.save()
    for weekday in range(1, 8):
        WorkingHoursFactory(
            practitioner=practitioner,
            location=location,
            weekday=weekday,
            starts=time(8),
            ends=time(18),
            valid_from=date(2020, 1, 1),
        )
    return practitioner


@pytest.fixture
def booked(
    clinic_now: datetime, clinic: Location, doctor: Practitioner, practitioner_user: User, reception: User
) -> tuple[Plan, list[Appointment]]:
    """Four fortnightly sessions with Dr Silva, the first this morning; Dr Amari works beside him."""
    working(doctor, clinic)
    plan = course.cleared("FACE-HA", by=practitioner_user, at=clinic_now)
    kind = AppointmentType.objects.get(code="session_needle")
    visits = []
    for each in plan.planned_sessions.all():
        near = clinic_now + timedelta(days=15 * (each.ordinal - 1))
        free = first_free(type=kind, at=clinic_now - timedelta(hours=1), earliest=near)[0]
        wish = booking.Wish(
            plan.patient,
            kind,
            free.practitioner,
            free.room,
            free.starts_at,
            purpose=purposes.session_of(each),
        )
        visits.append(booking.book(wish=wish, by=reception, at=clinic_now - timedelta(hours=1)))
    working(PractitionerFactory(name="Dr Amari"), clinic)
    return plan, visits


def test_a_missed_session_is_booked_again_and_the_next_ones_follow_if_they_have_to(
    booked: tuple[Plan, list[Appointment]], reception_client: Client, practitioner_client: Client
) -> None:
    # Given a course of four sessions, two weeks apart
    plan, (first, *later) = booked

    # When the patient does not come today
    assert reception_client.post(f"/appointments/{first.pk}/no-show/", {"version": 1}).status_code == 302

    # Then the panel leads to what that means, with the session itself first and nothing ticked
    assert f"/appointments/{first.pk}/later/" in reception_client.get(f"/appointments/{first.pk}/").text
    shown = reception_client.get(f"/appointments/{first.pk}/later/")
    again = shown.context["rows"][0]
    assert (again.shift.label, again.is_ticked) == ("Session 1 of 4", False)

    # And a week later is among what reception may take: it is booked, and the second session moves along
    wanted = again.choices[-1].value
    answer = reception_client.post(
        f"/appointments/{first.pk}/later/", {"shift": [again.key], "place": [wanted], "told": "on"}
    )
    assert answer.status_code == 302
    planned = plan.planned_sessions.get(ordinal=1)
    assert planned.appointment_id != first.pk
    assert planned.appointment.status == AppointmentStatus.BOOKED
    for visit in later:
        visit.refresh_from_db()
        assert visit.version == 1

    # And the practitioner finds it on the patient's page
    assert practitioner_client.get(f"/patients/{plan.patient_id}/").status_code == 200


def test_when_a_practitioner_falls_ill_every_visit_finds_a_place_and_everybody_is_called(
    booked: tuple[Plan, list[Appointment]], doctor: Practitioner, reception_client: Client
) -> None:
    # Given the second session in two weeks
    _plan, visits = booked
    second = visits[1]
    day = timezone.localdate(second.starts_at)

    # When Dr Silva is away that day
    entered = reception_client.post(
        "/opening/absence/new/",
        {
            "practitioner": str(doctor.pk),
            "kind": "sick",
            "starts_at_0": day.isoformat(),
            "starts_at_1": "",
            "ends_at_0": "",
            "ends_at_1": "",
            "note": "",
        },
    )
    assert entered.status_code == 302

    # Then the entry leads to new places: the same time with Dr Amari, ticked
    places = f"{entered.url}places/"
    assert places in reception_client.get(entered.url).text
    (row,) = reception_client.get(places).context["rows"]
    assert (row.is_ticked, row.shift.is_at_once) == (True, True)

    # And after one click nothing stands in closed time, and the patient is on the list of those to call
    sent = {"shift": [row.key], "place": [row.choices[0].value]}
    assert reception_client.post(places, sent).status_code == 302
    second.refresh_from_db()
    assert second.practitioner.name == "Dr Amari"
    assert reception_client.get(places).context["rows"] == []
    assert ContactEntry.objects.filter(about=second, reason="moved", closed_at=None).exists()
