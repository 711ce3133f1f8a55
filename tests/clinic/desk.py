"""A small clinic for the desk's tests: two practitioners, three rooms, a gun, and a pathway that does as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from uuid import UUID, uuid4

from clinic.actions import booking
from clinic.enums import Readiness, RoomKind
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
from clinic.readiness import Badge, Condition, CourseOffer, Offer, Pathway, Verdict, Visit
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW, PARIS
from tests.factories.opening import WorkingHoursFactory
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import DeviceFactory, LocationFactory, RoomFactory
from tests.factories.users import UserFactory

MISSING = Condition("consent", "The consent is not signed.", "Dr Silva", CLINIC_NOW + timedelta(days=1))


@dataclass
class ToldPathway(Pathway):
    """Answers what the test wrote into it, and remembers what it was told."""

    refuses: set[str] = field(default_factory=set)
    provisional: set[str] = field(default_factory=set)
    offered: list[Offer] = field(default_factory=list)
    offered_courses: list[CourseOffer] = field(default_factory=list)
    told: list[tuple[str, list[UUID]]] = field(default_factory=list)
    asked_at: list[datetime] = field(default_factory=list)

    def judge(self, visits: Sequence[Visit], *, at: datetime, starting: bool = False) -> list[Verdict]:
        """Refused or provisional by purpose."""
        self.asked_at.append(at)
        return [self._verdict(visit.purpose) for visit in visits]

    def badges(self, appointments: Sequence[Appointment], *, user: User, at: datetime) -> dict[UUID, Badge]:
        """The verdict, and the purpose as the label."""
        return {each.pk: Badge(each.purpose.title(), self._verdict(each.purpose)) for each in appointments}

    def offers(self, patient: Patient, *, at: datetime) -> list[Offer]:
        """As told."""
        return self.offered

    def courses(self, patient: Patient, *, at: datetime) -> list[CourseOffer]:
        """As told."""
        return self.offered_courses

    def booked(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """Remembered."""
        self.told.append(("booked", [each.pk for each in appointments]))

    def moved(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """Remembered."""
        self.told.append(("moved", [each.pk for each in appointments]))

    def released(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """Remembered."""
        self.told.append(("released", [each.pk for each in appointments]))

    def _verdict(self, purpose: str) -> Verdict:
        if purpose in self.refuses:
            return Verdict(Readiness.REFUSED, (MISSING,))
        return Verdict(Readiness.PROVISIONAL, (MISSING,)) if purpose in self.provisional else Verdict()


@dataclass
class Desk:
    """Dr Silva and Dr Amari, every day nine to twelve and one to five; consultation rooms 1 and 2, a treatment room."""

    user: User
    location: Location
    silva: Practitioner
    amari: Practitioner
    room: Room
    room2: Room
    treatment: Room
    gun: Device
    visit: AppointmentType
    patient: Patient

    def wish(self, starts_at: datetime, **changes: object) -> booking.Wish:
        """Half an hour with Dr Silva in room 1, unless told otherwise."""
        defaults = {
            "patient": self.patient,
            "type": self.visit,
            "practitioner": self.silva,
            "room": self.room,
            "starts_at": starts_at,
        }
        return booking.Wish(**{**defaults, **changes})

    def book(self, starts_at: datetime, *, at: datetime = CLINIC_NOW, **changes: object) -> Appointment:
        """Booked through the action."""
        return booking.book(wish=self.wish(starts_at, **changes), by=self.user, at=at, request_id=uuid4())


def make_desk(user: User | None = None) -> Desk:
    """Rows for a `Desk`; on the hour and half hour."""
    AppointmentType.objects.update(is_active=False)  # the reference data's: here only our own count
    location = LocationFactory(name="Main street")
    people = [PractitionerFactory(name=name, position=n) for n, name in enumerate(["Dr Silva", "Dr Amari"])]
    WorkingHours.objects.bulk_create(
        WorkingHoursFactory.build(
            practitioner=who, location=location, weekday=weekday, starts=starts, ends=ends
        )
        for who in people
        for weekday in range(1, 8)
        for starts, ends in ((time(9), time(12)), (time(13), time(17)))
    )
    return Desk(
        user=user or UserFactory(reception=True),
        location=location,
        silva=people[0],
        amari=people[1],
        room=RoomFactory(name="Room 1", location=location, position=1),
        room2=RoomFactory(name="Room 2", location=location, position=2),
        treatment=RoomFactory(name="Treatment", location=location, position=3, kind=RoomKind.TREATMENT),
        gun=DeviceFactory(name="Gun 1", location=location),
        visit=AppointmentTypeFactory(code="visit", name="Check-up", grid_minutes=30),
        patient=PatientFactory(family_name="Moreau", given_names="Jeanne"),
    )


def on(day: date, clock: str) -> datetime:
    """A wall-clock time in the clinic's zone."""
    return datetime.combine(day, time.fromisoformat(clock), PARIS)
