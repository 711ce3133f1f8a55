"""Locations, rooms, devices."""

import factory
from factory.django import DjangoModelFactory

from clinic.enums import DeviceKind, RoomKind
from clinic.models import Device, Location, Room


class LocationFactory(DjangoModelFactory):
    """An address of the clinic."""

    class Meta:
        model = Location

    name = factory.Sequence(lambda n: f"Rue Lepic {n}")


class RoomFactory(DjangoModelFactory):
    """A consultation room; `kind=RoomKind.TREATMENT` for the other sort."""

    class Meta:
        model = Room

    location = factory.SubFactory(LocationFactory)
    name = factory.Sequence(lambda n: f"Room {n}")
    kind = RoomKind.CONSULTATION


class DeviceFactory(DjangoModelFactory):
    """An injection gun."""

    class Meta:
        model = Device

    location = factory.SubFactory(LocationFactory)
    name = factory.Sequence(lambda n: f"Gun {n}")
    kind = DeviceKind.GUN
