"""Other places for visits: nearest first, the same person if possible, and nobody's place twice."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus
from clinic.intervals import Interval
from clinic.models import Appointment
from clinic.replanning.places import Places
from tests.clinic.desk import Desk, on
from tests.factories import AbsenceFactory, PatientFactory
from tests.factories.booking import AppointmentFactory
from tests.factories.clock import CLINIC_NOW

TUESDAY = date(2026, 3, 3)
MONTH = Interval(CLINIC_NOW, CLINIC_NOW + timedelta(days=30))


def tuesday(clock: str) -> datetime:
    return on(TUESDAY, clock)


def read(*visits: Appointment) -> Places:
    return Places.read(visits, MONTH, at=CLINIC_NOW)


def test_the_nearest_free_time_with_the_same_person_comes_first(desk: Desk) -> None:
    visit = desk.book(tuesday("10:00"))
    desk.book(on(date(2026, 3, 10), "10:00"), patient=PatientFactory())
    found = read(visit).near(visit, None, on(date(2026, 3, 10), "10:00"))
    assert {place.practitioner for place in found[:2]} == {desk.silva}
    assert {place.starts_at for place in found[:2]} == {
        on(date(2026, 3, 10), clock) for clock in ("09:30", "10:30")
    }


def test_a_place_lies_inside_its_window_however_far_from_the_wanted_time(desk: Desk) -> None:
    visit = desk.book(tuesday("10:00"))
    window = Interval(on(date(2026, 3, 24), "00:00"), on(date(2026, 3, 25), "00:00"))
    found = read(visit).near(visit, window, tuesday("10:00"))
    assert {place.starts_at.date() for place in found} == {date(2026, 3, 24)}
    assert found[0].starts_at == on(date(2026, 3, 24), "10:00")


def test_where_little_is_free_nearby_some_from_further_away_follow(desk: Desk) -> None:
    """The one place within two days comes first; others of the same week come after it, none from months away."""
    visit = desk.book(on(date(2026, 3, 12), "10:00"))
    for day in (10, 11, 13, 14):
        AbsenceFactory(
            practitioner=desk.silva,
            starts_at=on(date(2026, 3, day), "00:00"),
            ends_at=on(date(2026, 3, day), "23:59"),
        )
    closes = on(date(2026, 3, 12), "10:30")
    AbsenceFactory(practitioner=desk.silva, starts_at=closes, ends_at=on(date(2026, 3, 12), "23:59"))
    AbsenceFactory(
        practitioner=desk.silva,
        starts_at=on(date(2026, 3, 12), "00:00"),
        ends_at=on(date(2026, 3, 12), "10:00"),
    )
    found = read(visit).near(visit, None, on(date(2026, 3, 12), "10:00"), practitioners=[desk.silva], limit=3)
    assert [place.starts_at for place in found] == [
        on(date(2026, 3, 12), "10:00"),
        on(date(2026, 3, 15), "10:00"),
        on(date(2026, 3, 15), "09:30"),
    ]


def test_a_place_months_away_is_proposed_only_where_nothing_nearer_is_free(desk: Desk) -> None:
    """March is full but for one half hour on the 30th."""
    visit = desk.book(tuesday("10:00"))
    for starts_at, ends_at in (
        (on(date(2026, 3, 1), "00:00"), on(date(2026, 3, 30), "10:00")),
        (on(date(2026, 3, 30), "10:30"), on(date(2026, 4, 20), "00:00")),
    ):
        AbsenceFactory(practitioner=desk.silva, starts_at=starts_at, ends_at=ends_at)
    window = Interval(CLINIC_NOW, on(date(2026, 6, 1), "00:00"))
    places = Places.read([visit], window, at=CLINIC_NOW)
    found = places.near(visit, None, tuesday("10:00"), practitioners=[desk.silva])
    assert [place.starts_at for place in found] == [on(date(2026, 3, 30), "10:00")]


def test_at_once_finds_who_knows_the_patient_first(desk: Desk) -> None:
    visit = desk.book(tuesday("10:00"))
    AbsenceFactory(practitioner=desk.silva, starts_at=tuesday("08:00"), ends_at=tuesday("18:00"))
    places = read(visit)
    places.keep(visit)
    found = places.at_once(visit, tuesday("10:00"))
    assert [(each.practitioner, each.starts_at) for each in found] == [(desk.amari, tuesday("10:00"))]
    assert not places.knows(found[0], desk.patient)
    AppointmentFactory(
        patient=desk.patient,
        practitioner=desk.amari,
        status=AppointmentStatus.COMPLETED,
        starts_at=CLINIC_NOW - timedelta(days=30),
    )
    assert read(visit).knows(found[0], desk.patient)


def test_no_two_visits_are_given_the_same_place(desk: Desk) -> None:
    visits = [desk.book(tuesday(clock), patient=PatientFactory()) for clock in ("09:00", "09:30")]
    places, wanted, given = read(*visits), on(date(2026, 3, 5), "09:00"), []
    for visit in visits:
        place = places.near(visit, None, wanted, practitioners=[desk.silva])[0]
        places.take(visit, place)
        given.append(place.starts_at)
    assert given == [wanted, on(date(2026, 3, 5), "09:30")]


def test_a_visit_that_stays_keeps_others_out_but_not_itself(desk: Desk) -> None:
    first, second = (desk.book(tuesday(clock), patient=PatientFactory()) for clock in ("09:00", "09:30"))
    places = read(first, second)
    places.keep(first)
    asked = {"practitioners": [desk.silva]}
    assert tuesday("09:00") not in [
        each.starts_at for each in places.near(second, None, tuesday("09:00"), **asked)
    ]
    assert places.near(first, None, tuesday("09:00"), **asked)[0].starts_at == tuesday("09:00")


def test_what_is_over_is_no_place(desk: Desk) -> None:
    visit = desk.book(tuesday("10:00"))
    places = read(visit)
    assert places.at_once(visit, CLINIC_NOW - timedelta(hours=1)) == []
    found = places.near(visit, Interval(CLINIC_NOW - timedelta(days=3), CLINIC_NOW), CLINIC_NOW)
    assert found == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_timetable_is_read_once_for_all(
    desk: Desk, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    visits = [desk.book(on(date(2026, 3, 4 + n), "09:00"), patient=PatientFactory()) for n in range(count)]
    with django_assert_num_queries(6):
        places = read(*visits)
        for visit in visits:
            places.take(visit, places.near(visit, None, visit.starts_at + timedelta(days=1))[0])
