"""How large a clinic of the benchmarks is, how full, and of whom and what it consists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from clinic.models import AppointmentType, Device, Practitioner, Room, User

STARTS = tuple(time(hour, minute) for hour in (8, 9, 10, 11, 13, 14, 15, 16) for minute in (0, 30))
SHARE = 70  # per cent of the starts that are booked


@dataclass(frozen=True)
class Size:
    """How large a clinic is."""

    practitioners: int
    rooms: int
    devices: int
    patients: int
    first_day: date
    days: int
    appointments: int | None = None  # at most so many, the last ones


@dataclass(frozen=True)
class Clinic:
    """What the benchmarks search and book in. `plain` needs a room, `gun` also a device and cleaning time."""

    desk: User
    doctor: User
    admin: User
    plain: AppointmentType
    gun: AppointmentType
    practitioners: list[Practitioner]
    rooms: list[Room]
    devices: list[Device]
