"""The demo clinic's people, places and hours, and the limits it has decided for itself."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from clinic.actions import opening
from clinic.enums import AbsenceKind, DeviceKind, Role, RoomKind
from clinic.intervals import Interval, clock_time
from clinic.models import (
    ClinicSettings,
    ClosedDay,
    Device,
    Location,
    Practitioner,
    Room,
    User,
    WorkingHours,
)
from clinic.right_database import DEMO_ADDRESSES
from consultations.actions import reference
from consultations.enums import CapDecision
from consultations.models import Component, DoseCap, Lot, RecipeLine
from consultations.rules.lots import counts_by_strength

SINCE = date(2024, 1, 1)
# username, name, roles, techniques, (weekdays, mornings, afternoons); a lunch break is the gap.
_EARLY, _LATE = (time(8, 30), time(12, 30)), (time(13, 30), time(17, 30))
_STAFF = [
    ("silva", "Dr Silva", ["needle", "gun"], (1, 2, 3, 4, 5, 6, 7), (_EARLY, _LATE)),
    (
        "amari",
        "Dr Amari",
        ["needle", "needleless"],
        (1, 2, 3, 4, 5, 7),
        ((time(9), time(13)), (time(14), time(19))),
    ),
    (
        "laurent",
        "N. Laurent",
        ["needle", "gun", "needleless"],
        (1, 2, 4, 5, 6, 7),
        (_EARLY, (time(13), time(18))),
    ),
    (
        "roth",
        "Dr Roth",
        ["needle"],
        (1, 2, 3, 4, 5, 6, 7),
        ((time(9), time(12, 30)), (time(13, 30), time(17))),
    ),
]


@dataclass
class DemoClinic:
    """Everybody and everything the demo's actions need."""

    now: datetime
    reception: User
    admin: User
    location: Location
    practitioners: dict[str, Practitioner] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The clinic's today."""
        return timezone.localdate(self.now)

    def day(self, offset: int) -> date:
        """So many days from today."""
        return self.today + timedelta(days=offset)

    def moment(self, offset: int, hour: int, minute: int = 0) -> datetime:
        """A clinic time so many days from today."""
        return clock_time(self.day(offset), time(hour, minute), timezone.get_default_timezone())


def build(now: datetime) -> DemoClinic:
    """Staff, rooms, two guns and a needleless machine, hours with lunch breaks, a leave, a public holiday."""
    reception = _user("reception", "Ana Costa", [Role.RECEPTION])
    admin = _user("admin", "Ida Berg", [Role.ADMIN])
    settings = ClinicSettings.current()
    settings.name, settings.address = "Mesoclinic Demo", "12 Harbour Street"
    settings.phone = "+33 1 70 00 00 00"
    settings.save()
    location = Location.objects.create(name="Harbour Street", address=settings.address)
    clinic = DemoClinic(now, reception, admin, location)
    _places(location)
    for position, (username, name, skills, weekdays, halves) in enumerate(_STAFF):
        user = _user(username, name, [Role.PRACTITIONER])
        practitioner = Practitioner.objects.create(user=user, name=name, skills=skills, position=position)
        clinic.practitioners[username] = practitioner
        WorkingHours.objects.bulk_create(
            WorkingHours(
                practitioner=practitioner,
                location=location,
                weekday=weekday,
                starts=starts,
                ends=ends,
                valid_from=SINCE,
            )
            for weekday in weekdays
            for starts, ends in halves
        )
    return clinic


def close_times(clinic: DemoClinic) -> None:
    """A leave that covers today, a block, a machine being serviced, and the next public holiday."""
    zone = timezone.get_default_timezone()

    def span(first: int, last: int, start: time = time(0), end: time = time(0)) -> Interval:
        return Interval(clock_time(clinic.day(first), start, zone), clock_time(clinic.day(last), end, zone))

    at = clinic.now
    opening.add_absence(
        practitioner=clinic.practitioners["roth"],
        span=span(-1, 6),
        kind=AbsenceKind.LEAVE,
        note="",
        by=clinic.reception,
        at=at,
    )
    opening.add_absence(
        practitioner=clinic.practitioners["silva"],
        span=span(0, 0, time(12), time(12, 30)),
        kind=AbsenceKind.BLOCK,
        note="Stock check",
        by=clinic.reception,
        at=at,
    )
    opening.add_out_of_service(
        thing=Device.objects.get(name="Gun B"),
        span=span(1, 4),
        reason="Yearly service",
        by=clinic.reception,
        at=at,
    )
    day, name = next_holiday(clinic.today, ClinicSettings.current().country)
    ClosedDay.objects.get_or_create(day=day, defaults={"name": name})


def next_holiday(today: date, country: str) -> tuple[date, str]:
    """The next public holiday of the clinic's country after this week."""
    import holidays  # noqa: PLC0415  half a second that only the demo needs

    known = holidays.country_holidays(country, years=[today.year, today.year + 1])
    return min((day, name) for day, name in known.items() if day > today + timedelta(days=7))


def decide_limits(clinic: DemoClinic) -> None:
    """The demo clinic decides the limits that ship undecided: no cap. A real clinic decides its own.

    It decided them before anybody was treated, and what counts in the past is the version published first. The shipped
    one is as old as this database, so the decision is dated back behind it, however long ago it was loaded.
    """
    for cap in DoseCap.objects.current().filter(decision=CapDecision.UNSET):
        assert cap.published_at is not None
        at = min(clinic.now, cap.published_at - timedelta(minutes=1))
        draft = reference.new_version(entry=cap, by=clinic.admin, at=at)
        draft.decision = CapDecision.NONE
        draft.save()
        reference.publish(entry=draft, by=clinic.admin, at=at)


def stock(clinic: DemoClinic) -> None:
    """Two lots of every component, one of them close to its expiry; and one that has expired."""
    Lot.objects.bulk_create(
        Lot(
            component=component,
            maker="Laboratoire Demo",
            number=f"{component.code[:4].upper()}{number}{sort}",
            received_on=SINCE,
            expires_on=clinic.day(days),
            label_amount=strength,
            label_ml=strength and Decimal(1),
        )
        for component in Component.objects.current()
        for sort, strength in _strengths(component)
        for number, days in ((2401, 40), (2402, 300), (2301, -20))
    )


def _strengths(component: Component) -> list[tuple[str, Decimal | None]]:
    """Those that recipes are mixed from, with a letter to tell the second from the first; none for what counts in ml."""
    if not counts_by_strength(component):
        return [("", None)]
    lines = RecipeLine.objects.filter(component__code=component.code, recipe__retired_at=None)
    asked = sorted(set(lines.values_list("strength", flat=True)))
    return list(zip(["", "B", "C"], asked, strict=False)) or [("", None)]


def _places(location: Location) -> None:
    for position, (name, kind) in enumerate(
        [
            ("Consulting room 1", RoomKind.CONSULTATION),
            ("Consulting room 2", RoomKind.CONSULTATION),
            ("Treatment room 1", RoomKind.TREATMENT),
            ("Treatment room 2", RoomKind.TREATMENT),
            ("Treatment room 3", RoomKind.TREATMENT),
        ]
    ):
        Room.objects.create(location=location, name=name, kind=kind, position=position)
    for name, kind, serial in [
        ("Gun A", DeviceKind.GUN, "GA-2210"),
        ("Gun B", DeviceKind.GUN, "GB-2214"),
        ("Needleless machine", DeviceKind.NEEDLELESS, "NM-0071"),
    ]:
        Device.objects.create(location=location, name=name, kind=kind, serial_number=serial)


def _user(username: str, name: str, roles: list[Role]) -> User:
    first, _space, last = name.partition(" ")
    user = User(
        username=username, first_name=first, last_name=last, roles=roles, email=f"{username}@{DEMO_ADDRESSES}"
    )
    user.password = _hashed(settings.DEMO_PASSWORD)
    user.save()
    return user


@cache
def _hashed(password: str) -> str:
    """Hashing is slow on purpose; the demo's accounts share one password, so once is enough."""
    return make_password(password)
