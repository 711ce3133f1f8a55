"""A large clinic for the benchmarks: many practitioners, rooms and devices, twelve weeks booked to about 70 %."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from clinic.actions.booking import put
from clinic.enums import DeviceKind, Role, RoomKind
from clinic.models import (
    Appointment,
    AppointmentType,
    Device,
    Location,
    Patient,
    Practitioner,
    Room,
    User,
    WorkingHours,
)

MONDAY = date(2030, 1, 7)
NOW = datetime(2030, 1, 6, 12, tzinfo=UTC)
PRACTITIONERS, ROOMS, DEVICES, WEEKS = 20, 20, 10, 12


@dataclass(frozen=True)
class BigClinic:
    """What the benchmarks search and book in."""

    desk: User
    type: AppointmentType
    practitioners: list[Practitioner]
    rooms: list[Room]
    devices: list[Device]
    patients: list[Patient]


def build() -> BigClinic:
    """Bulk inserts; about fifteen thousand visits."""
    rng = random.Random(7)
    desk = User.objects.create(username="bench", roles=[Role.RECEPTION])
    location = Location.objects.create(name="Bench")
    kind = AppointmentType.objects.create(
        code="bench",
        name="Session",
        patient_minutes=45,
        practitioner_until=30,
        room_from=-5,
        room_until=40,
        room_kind=RoomKind.TREATMENT,
        device_kind=DeviceKind.GUN,
        skill="gun",
    )
    plain = AppointmentType.objects.create(
        code="bench-plain",
        name="Visit",
        patient_minutes=30,
        practitioner_until=30,
        room_until=30,
        room_kind=RoomKind.TREATMENT,
    )
    people = [Practitioner(name=f"P{n}", skills=["gun"], position=n) for n in range(PRACTITIONERS)]
    rooms = [Room(name=f"R{n}", location=location, kind=RoomKind.TREATMENT, position=n) for n in range(ROOMS)]
    devices = [Device(name=f"D{n:02}", location=location, kind=DeviceKind.GUN) for n in range(DEVICES)]
    Practitioner.objects.bulk_create(people)
    Room.objects.bulk_create(rooms)
    Device.objects.bulk_create(devices)
    WorkingHours.objects.bulk_create(
        WorkingHours(
            practitioner=person,
            location=location,
            weekday=weekday,
            starts=start,
            ends=end,
            valid_from=date(2029, 1, 1),
        )
        for person in people
        for weekday in range(1, 6)
        for start, end in ((time(8), time(12)), (time(13), time(17)))
    )
    patients = _patients(desk, 1000)
    _visits(rng, plain, desk, people, rooms, patients)
    return BigClinic(desk, kind, people, rooms, devices, patients)


def _patients(desk: User, count: int) -> list[Patient]:
    rows = [
        Patient(family_name=f"Bench{n}", birth_date=date(1980, 1, 1), created_at=NOW, created_by=desk)
        for n in range(count)
    ]
    return Patient.objects.bulk_create(rows)


def _visits(
    rng: random.Random,
    kind: AppointmentType,
    desk: User,
    people: list[Practitioner],
    rooms: list[Room],
    patients: list[Patient],
) -> None:
    rows = []
    for day in (MONDAY + timedelta(days=n) for n in range(WEEKS * 7)):
        if day.isoweekday() > 5:
            continue
        for half in range(14):
            start = datetime.combine(day, time(7), UTC) + timedelta(minutes=30 * half)
            waiting = rng.sample(patients, len(people))
            for number, person in enumerate(people):
                if rng.random() > 0.7:
                    continue
                visit = Appointment(
                    patient=waiting[number],
                    type=kind,
                    practitioner=person,
                    room=rooms[number],
                    created_by=desk,
                    created_at=NOW,
                )
                put(visit, start)
                rows.append(visit)
    Appointment.objects.bulk_create(rows, batch_size=1000)
