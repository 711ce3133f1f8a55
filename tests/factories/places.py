"""Locations, rooms, devices."""

import factory
from factory.django import DjangoModelFactory

from clinic.enums import CareKind, DeviceKind, RoomKind
from clinic.models import Device, DeviceCare, DeviceCareError, Location, Room
from tests.factories.clock import ago
from tests.factories.users import UserFactory


class LocationFactory(DjangoModelFactory):
    """An address of the clinic."""

    class Meta:
        model = Location

    name = factory.Sequence(lambda n: f"Rue Lepic {n:05}")


class RoomFactory(DjangoModelFactory):
    """A consultation room; `kind=RoomKind.TREATMENT` for the other sort."""

    class Meta:
        model = Room

    location = factory.SubFactory(LocationFactory)
    name = factory.Sequence(lambda n: f"Room {n:04}")  # none that a test names "Room 7"
    kind = RoomKind.CONSULTATION


class DeviceFactory(DjangoModelFactory):
    """An injection gun."""

    class Meta:
        model = Device

    location = factory.SubFactory(LocationFactory)
    name = factory.Sequence(lambda n: f"Gun {n:04}")
    kind = DeviceKind.GUN


class DeviceCareFactory(DjangoModelFactory):
    """Cleaned yesterday. `out=True`: out of use since then, with a reason."""

    class Meta:
        model = DeviceCare

    class Params:
        out = factory.Trait(kind=CareKind.OUT_OF_USE, note="the needle jams")

    device = factory.SubFactory(DeviceFactory)
    kind = CareKind.CLEANING
    happened_at = factory.LazyFunction(lambda: ago(days=1))
    carried_out_by = "N. Laurent"
    recorded_at = factory.SelfAttribute("happened_at")
    recorded_by = factory.SubFactory(UserFactory, reception=True)


class DeviceCareErrorFactory(DjangoModelFactory):
    """Taken back an hour ago."""

    class Meta:
        model = DeviceCareError

    care = factory.SubFactory(DeviceCareFactory)
    reason = "the other gun"
    recorded_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, reception=True)
