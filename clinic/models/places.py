"""Where visits happen and what they need: locations, rooms, devices."""

import uuid
from typing import Self

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.enums import DeviceKind, Role, RoomKind
from clinic.models.user import User


class ActiveQuerySet(models.QuerySet):
    """Rows that can be retired without losing their past."""

    def active(self) -> Self:
        """Those still in use."""
        return self.filter(is_active=True)


@pghistory.track(append_only=True)
class Location(models.Model):
    """One address of the clinic; all share the clinic's time zone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100, unique=True)
    address = models.TextField(_("address"), blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    objects = ActiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track(append_only=True)
class Room(models.Model):
    """A room that one visit at a time can use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    location = models.ForeignKey(Location, models.PROTECT, related_name="rooms", verbose_name=_("location"))
    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=RoomKind)
    position = models.PositiveSmallIntegerField(_("order in lists"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    objects = ActiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class DeviceQuerySet(ActiveQuerySet):
    """Words about devices."""

    def visible_to(self, user: User) -> Self:
        """All staff roles see the devices and how they stand."""
        return self if user.has_role(*Role) else self.none()


@pghistory.track(append_only=True)
class Device(models.Model):
    """A gun or needleless machine that one visit at a time can use."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    location = models.ForeignKey(Location, models.PROTECT, related_name="devices", verbose_name=_("location"))
    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=DeviceKind)
    serial_number = models.CharField(_("serial number"), max_length=100, blank=True)
    service_due_on = models.DateField(_("service due on"), null=True, blank=True)
    is_active = models.BooleanField(_("in use"), default=True)

    out_of_use_because: str | None  # set by device_care.with_use()

    objects = DeviceQuerySet.as_manager()

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
