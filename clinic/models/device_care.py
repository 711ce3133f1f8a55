"""The care log of a device: serviced, cleaned, repaired, out of use and back. Nothing in it is ever changed."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check
from clinic.enums import CareKind, Role
from clinic.models.places import Device
from clinic.models.user import User

TURNS = (CareKind.OUT_OF_USE, CareKind.BACK_IN_USE)


class DeviceCareQuerySet(models.QuerySet):
    """Words about the care of devices."""

    def visible_to(self, user: User) -> Self:
        """All staff roles: an entry is about a device and names no patient."""
        return self if user.has_role(*Role) else self.none()

    def in_force(self) -> Self:
        """Not entered in error."""
        return self.filter(error=None)

    def turns(self, at: datetime) -> Self:
        """What took devices out of use or brought them back, as known at the moment; the latest first.

        A device that was called out of use in error never was. One that was called back in error was back until then.
        """
        counted = Q(error=None) | Q(kind=CareKind.BACK_IN_USE, error__recorded_at__gt=at)
        known = self.filter(counted, kind__in=TURNS, recorded_at__lte=at)
        return known.order_by("-recorded_at", "-happened_at", "pk")


class DeviceCare(models.Model):
    """One entry: what was done or found, when, and by whom, who may be a technician from outside."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey(Device, models.PROTECT, related_name="care", verbose_name=_("device"))
    kind = models.CharField(_("what"), max_length=20, choices=CareKind)
    happened_at = models.DateTimeField(_("when"))
    carried_out_by = models.CharField(_("by whom"), max_length=100)
    note = models.CharField(_("note"), max_length=500, blank=True)
    next_due_on = models.DateField(_("next service due on"), null=True, blank=True)
    was_due_on = models.DateField(_("service was due on"), null=True, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("recorded by"))

    objects = DeviceCareQuerySet.as_manager()

    class Meta:
        verbose_name = _("care of a device")
        verbose_name_plural = _("care of devices")
        ordering = ["-happened_at", "-recorded_at", "pk"]
        indexes = [models.Index(fields=["device", "-happened_at"], name="device_care_of_device")]
        constraints = [
            check("device_care_kind_known", Q(kind__in=CareKind.values), _("Choose what was done.")),
            check("device_care_past", Q(happened_at__lte=F("recorded_at")), _("This lies in the future.")),
            check("device_care_by_somebody", ~Q(carried_out_by=""), _("Write down who did it.")),
            check(
                "device_care_out_of_use_because",
                ~Q(kind=CareKind.OUT_OF_USE, note=""),
                _("Say why it is out of use."),
            ),
            check(
                "device_care_due_after_service",
                Q(kind=CareKind.SERVICE) | Q(next_due_on=None, was_due_on=None),
                _("Only a service says when the next one is due."),
            ),
        ]
        triggers = append_only("device_care")

    def __str__(self) -> str:
        return f"{self.device}: {self.get_kind_display()}"


class DeviceCareError(models.Model):
    """Why an entry of the care log should not be there. The entry stays visible and counts no more."""

    care = models.OneToOneField(DeviceCare, models.PROTECT, related_name="error")
    reason = models.CharField(_("what went wrong"), max_length=300)
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("recorded by"))

    class Meta:
        verbose_name = _("care entered in error")
        verbose_name_plural = _("care entered in error")
        constraints = [check("device_care_error_worded", ~Q(reason=""), _("Say what went wrong."))]
        triggers = append_only("device_care_error")

    def __str__(self) -> str:
        return f"{self.care}: {self.reason}"


def with_use(devices: models.QuerySet[Device], since: datetime, until: datetime | None = None) -> Any:
    """The devices with `out_of_use_because`: why each is out of use, as known at the moment; None where it is in use.

    With `until` it must have been so at both moments: one that was taken out or brought back in between was in use.
    """
    because = _because(since)
    if until is not None:
        because = Case(When(_was_out__isnull=False, then=_because(until)), default=Value(None))
        devices = devices.annotate(_was_out=_because(since))
    return devices.annotate(out_of_use_because=because)


def _because(at: datetime) -> Subquery:
    turns = DeviceCare.objects.turns(at).filter(device=OuterRef("pk"))
    words = Case(When(kind=CareKind.OUT_OF_USE, then=F("note")), default=Value(None))
    return Subquery(turns.annotate(because=words).values("because")[:1], output_field=models.CharField())
