"""Whose time a column of the diary shows: a practitioner's, a room's or a device's. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from clinic.models import Appointment, Device, Practitioner, Room, User
from clinic.models.appointment import AppointmentQuerySet


class LaneKind(StrEnum):
    """What is booked; each appointment has a field of this name."""

    PRACTITIONER = "practitioner"
    ROOM = "room"
    DEVICE = "device"


_MODELS = {LaneKind.PRACTITIONER: Practitioner, LaneKind.ROOM: Room, LaneKind.DEVICE: Device}


@dataclass(frozen=True, slots=True)
class Lane:
    """One column, or one week of it."""

    kind: LaneKind
    thing: Practitioner | Room | Device

    def __str__(self) -> str:
        return str(self.thing)

    @property
    def key(self) -> str:
        """As it stands in an address: the kind and the id."""
        return f"{self.kind}-{self.thing.pk}"

    @property
    def is_person(self) -> bool:
        """Whether it is somebody's time, and not a room's or a device's."""
        return self.kind == LaneKind.PRACTITIONER

    def has(self, visit: Appointment) -> bool:
        """Whether the visit stands in this lane."""
        return getattr(visit, f"{self.kind}_id") == self.thing.pk

    def narrow(self, visits: AppointmentQuerySet) -> AppointmentQuerySet:
        """Only the visits of this lane."""
        return visits.filter(**{str(self.kind): self.thing.pk})


def lanes_of(*kinds: LaneKind) -> list[Lane]:
    """All that are in use, in the order of the diary; one query a kind."""
    return [Lane(kind, each) for kind in kinds for each in _MODELS[kind].objects.active()]


def find_lane(key: str) -> Lane | None:
    """The lane of an address, in use or not; None for anything else."""
    kind, _dash, text = key.partition("-")
    try:
        model = _MODELS[LaneKind(kind)]
        thing = model.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None
    return Lane(LaneKind(kind), thing) if thing else None


def own_lane(user: User) -> Lane | None:
    """The week somebody opens first: their own, else that of the first practitioner."""
    mine = getattr(user, "practitioner", None)
    first = mine or Practitioner.objects.active().first()
    return Lane(LaneKind.PRACTITIONER, first) if first else None


def lane_at(kind: LaneKind, visit: Appointment) -> Lane | None:
    """The visit's lane of this kind; None where it needs no device."""
    thing = getattr(visit, kind)
    return Lane(kind, thing) if thing else None
