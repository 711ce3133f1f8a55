"""A clinic for the benchmarks: people, places, hours, and as many booked days, patients and plans as asked for.

The rows are made in SQL and past the triggers, in databases of the benchmark only (`bulk`). They are as consistent
as booked ones: the exclusion constraints are built anew over them afterwards and would refuse an overlap.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from benchmarks import bulk
from benchmarks.sizes import SHARE, STARTS, Clinic, Size
from clinic.enums import DeviceKind, Role, RoomKind
from clinic.models import (
    AppointmentType,
    ClinicSettings,
    Device,
    Location,
    Practitioner,
    Room,
    User,
    WorkingHours,
)

SINCE = date(2001, 1, 1)
HOURS = (time(8), time(17))  # one span a day: the peer knows no lunch break in a day's hours
_DAYS_AHEAD = 14  # of the clinics whose pages are measured


def monday() -> date:
    """The first day of the weeks that are searched: the Monday after next."""
    today = timezone.localdate()
    return today + timedelta(days=14 - today.weekday())


def coming(weeks: int, *, practitioners: int, rooms: int, devices: int, patients: int) -> Size:
    """So many weeks from `monday` on and nothing before."""
    return Size(practitioners, rooms, devices, patients, monday(), weeks * 7)


def grown(appointments: int, *, practitioners: int, rooms: int, devices: int, patients: int) -> Size:
    """A clinic that has been working for as many days as so many appointments take, and is booked for two weeks.

    A day is as full in a small clinic as in a large one: what differs is how long it has existed.
    """
    a_day = practitioners * len(STARTS) * SHARE / 100
    days = int(appointments / a_day * 1.03) + 2  # the share is reached on the average only
    first = timezone.localdate() + timedelta(days=_DAYS_AHEAD - days)
    return Size(practitioners, rooms, devices, patients, first, days, appointments)


def build(size: Size) -> Clinic:
    """Fill the database of the current connection."""
    clinic = _people_and_places(size)
    with connection.cursor() as cursor, bulk.past_the_guards(cursor):
        bulk.patients(cursor, size.patients, by=clinic.desk)
        bulk.appointments(cursor, size, clinic)
        bulk.plans(cursor, clinic)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return clinic


def _people_and_places(size: Size) -> Clinic:
    ClinicSettings.objects.get_or_create(pk=1, defaults={"time_zone": settings.TIME_ZONE})
    users = {role: User.objects.create(username=f"bench-{role}", roles=[role]) for role in Role}
    location = Location.objects.create(name="Bench")
    people = [
        Practitioner(name=f"Practitioner {n:02}", skills=["gun", "needle"], position=n)
        for n in range(size.practitioners)
    ]
    people[0].user = users[Role.PRACTITIONER]
    rooms = [
        Room(name=f"Room {n:02}", location=location, kind=RoomKind.TREATMENT, position=n)
        for n in range(size.rooms)
    ]
    devices = [
        Device(name=f"Gun {n:02}", location=location, kind=DeviceKind.GUN) for n in range(size.devices)
    ]
    clinic = Clinic(
        desk=users[Role.RECEPTION],
        doctor=users[Role.PRACTITIONER],
        admin=users[Role.ADMIN],
        plain=_type("bench-plain", patient_minutes=30, practitioner_until=30, room_until=30, grid_minutes=30),
        gun=_type(
            "bench-gun",
            patient_minutes=45,
            practitioner_until=30,
            room_from=-5,
            room_until=40,
            device_kind=DeviceKind.GUN,
            skill="gun",
        ),
        practitioners=Practitioner.objects.bulk_create(people),
        rooms=Room.objects.bulk_create(rooms),
        devices=Device.objects.bulk_create(devices),
    )
    _open(clinic.practitioners, location)
    return clinic


def _open(people: list[Practitioner], location: Location) -> None:
    """Everybody works every day of the week."""
    WorkingHours.objects.bulk_create(
        WorkingHours(
            practitioner=person,
            location=location,
            weekday=weekday,
            starts=HOURS[0],
            ends=HOURS[1],
            valid_from=SINCE,
        )
        for person in people
        for weekday in range(1, 8)
    )


def _type(code: str, **facts: Any) -> AppointmentType:
    facts = {"room_kind": RoomKind.TREATMENT, "bookable_days_ahead": 3650, **facts}
    return AppointmentType.objects.create(code=code, name=code, position=1, **facts)


def at(day: date, moment: time) -> datetime:
    """A clinic time."""
    return datetime.combine(day, moment, timezone.get_default_timezone()).astimezone(UTC)
