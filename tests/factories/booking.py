"""Appointment types, appointments, walk-ins, the contact list, the waitlist."""

from __future__ import annotations  # `type` is a field below

from datetime import date, datetime, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from clinic.enums import (
    BORN_AS,
    AppointmentStatus,
    CancelledBy,
    ContactChannel,
    ContactOutcome,
    ContactReason,
    RoomKind,
)
from clinic.models import (
    Appointment,
    AppointmentType,
    ContactEntry,
    ContactTry,
    WaitlistEntry,
    WaitlistOffer,
    WalkIn,
)
from tests.factories.clock import ago, ahead
from tests.factories.people import PatientFactory, PractitionerFactory
from tests.factories.places import RoomFactory
from tests.factories.users import UserFactory

_S = AppointmentStatus
# How a booked visit comes to each state.
_WAY = {
    _S.CONFIRMED: [_S.CONFIRMED],
    _S.ARRIVED: [_S.ARRIVED],
    _S.IN_PROGRESS: [_S.ARRIVED, _S.IN_PROGRESS],
    _S.COMPLETED: [_S.ARRIVED, _S.IN_PROGRESS, _S.COMPLETED],
    _S.CANCELLED: [_S.CANCELLED],
    _S.NO_SHOW: [_S.NO_SHOW],
}


class AppointmentTypeFactory(DjangoModelFactory):
    """Half an hour for everybody. `session=True`: an hour of cream before, cleaning after, a treatment room."""

    class Meta:
        model = AppointmentType

    class Params:
        session = factory.Trait(
            purpose="session",
            patient_minutes=105,
            practitioner_from=60,
            practitioner_until=90,
            room_from=-5,
            room_until=115,
            room_kind=RoomKind.TREATMENT,
        )

    code = factory.Sequence(lambda n: f"visit-{n:05}")
    name = factory.Sequence(lambda n: f"Visit {n:05}")
    patient_minutes = 30
    practitioner_from = 0
    practitioner_until = 30
    room_from = 0
    room_until = 30
    room_kind = RoomKind.CONSULTATION


def _after_start(offset: str) -> factory.LazyAttribute:
    """The appointment's start plus an offset of its type, in minutes."""
    return factory.LazyAttribute(
        lambda visit: visit.starts_at + timedelta(minutes=getattr(visit.type, offset))
    )


class AppointmentFactory(DjangoModelFactory):
    """Booked for tomorrow at ten. Any `status` may be asked for: the row is born booked and walks there."""

    class Meta:
        model = Appointment

    patient = factory.SubFactory(PatientFactory)
    type = factory.SubFactory(AppointmentTypeFactory)
    practitioner = factory.SubFactory(PractitionerFactory)
    room = factory.SubFactory(RoomFactory, kind=factory.SelfAttribute("..type.room_kind"))
    purpose = factory.SelfAttribute("type.purpose")
    starts_at = factory.LazyFunction(lambda: ahead(days=1, hours=1))
    ends_at = _after_start("patient_minutes")
    practitioner_from = _after_start("practitioner_from")
    practitioner_until = _after_start("practitioner_until")
    room_from = _after_start("room_from")
    room_until = _after_start("room_until")
    held_until = factory.LazyAttribute(
        lambda visit: ahead(hours=2) if getattr(visit, "status", "") == _S.HELD else None
    )
    created_by = factory.SubFactory(UserFactory, reception=True)
    created_at = factory.LazyFunction(lambda: ago(days=7))

    @classmethod
    def _create(cls, model_class: type[Appointment], *args: Any, **kwargs: Any) -> Appointment:
        wanted = kwargs.pop("status", _S.BOOKED)
        if wanted in BORN_AS or wanted not in _WAY:
            return super()._create(model_class, *args, status=wanted, **kwargs)
        later = {
            name: kwargs.pop(name)
            for name in ("cancelled_at", "cancelled_by", "cancelled_late")
            if name in kwargs
        }
        visit = super()._create(model_class, *args, status=_S.BOOKED, **kwargs)
        for status in _WAY[wanted]:
            _move(visit, status, later)
        return visit


def _move(visit: Appointment, status: AppointmentStatus, later: dict[str, Any]) -> None:
    """One step, with the times that belong to it."""
    times: dict[AppointmentStatus, dict[str, datetime | str]] = {
        _S.ARRIVED: {"arrived_at": visit.arrived_at or visit.starts_at},
        _S.IN_PROGRESS: {"started_at": visit.started_at or visit.practitioner_from},
        _S.COMPLETED: {"ended_at": visit.ended_at or visit.ends_at},
        _S.CANCELLED: {"cancelled_at": ago(hours=1), "cancelled_by": CancelledBy.PATIENT, **later},
    }
    visit.status = status
    for name, value in times.get(status, {}).items():
        setattr(visit, name, value)
    visit.save()


class WalkInFactory(DjangoModelFactory):
    """Somebody at the counter who would like to be seen."""

    class Meta:
        model = WalkIn

    patient = factory.SubFactory(PatientFactory)
    wants = "a look at the reaction"
    came_at = factory.LazyFunction(lambda: ago(minutes=10))
    noted_by = factory.SubFactory(UserFactory, reception=True)


class ContactEntryFactory(DjangoModelFactory):
    """A patient who has to be called. `closed=True`: has been told."""

    class Meta:
        model = ContactEntry

    class Params:
        closed = factory.Trait(
            closed_at=factory.LazyFunction(ago),
            closed_by=factory.SubFactory(UserFactory, reception=True),
            told=True,
        )

    patient = factory.SubFactory(PatientFactory)
    reason = ContactReason.OVERDUE_READING
    text = "Please call: the reading is overdue."
    asked_at = factory.LazyFunction(lambda: ago(hours=2))
    asked_by = factory.SubFactory(UserFactory, reception=True)


class ContactTryFactory(DjangoModelFactory):
    """Nobody answered."""

    class Meta:
        model = ContactTry

    entry = factory.SubFactory(ContactEntryFactory)
    channel = ContactChannel.PHONE
    outcome = ContactOutcome.NO_ANSWER
    tried_at = factory.LazyFunction(lambda: ago(hours=1))
    tried_by = factory.SubFactory(UserFactory, reception=True)


class WaitlistEntryFactory(DjangoModelFactory):
    """Waits for any practitioner, any day of March 2026, at any time."""

    class Meta:
        model = WaitlistEntry
        skip_postgeneration_save = True

    patient = factory.SubFactory(PatientFactory)
    type = factory.SubFactory(AppointmentTypeFactory)
    purpose = factory.SelfAttribute("type.purpose")
    label = factory.SelfAttribute("type.name")
    earliest_on = date(2026, 3, 1)
    latest_on = date(2026, 3, 31)
    weekdays = factory.LazyFunction(lambda: list(range(1, 8)))
    asked_at = factory.LazyFunction(lambda: ago(days=3))
    asked_by = factory.SubFactory(UserFactory, reception=True)

    @factory.post_generation
    def practitioners(self, create: bool, extracted: Any, **kwargs: Any) -> None:
        """Whom the patient would like to see."""
        if create and extracted:
            self.practitioners.set(extracted)


class WaitlistOfferFactory(DjangoModelFactory):
    """A time offered and not answered yet."""

    class Meta:
        model = WaitlistOffer

    entry = factory.SubFactory(WaitlistEntryFactory)
    contact = factory.SubFactory(
        ContactEntryFactory,
        patient=factory.SelfAttribute("..entry.patient"),
        reason=ContactReason.WAITLIST_OFFER,
    )
    practitioner = factory.SubFactory(PractitionerFactory)
    room = factory.SubFactory(RoomFactory)
    starts_at = factory.LazyFunction(lambda: ahead(days=1, hours=1))
    offered_at = factory.LazyFunction(lambda: ago(minutes=30))
    offered_by = factory.SubFactory(UserFactory, reception=True)
