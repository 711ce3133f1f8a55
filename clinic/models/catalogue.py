"""What can be booked."""

import uuid
from copy import copy
from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check
from clinic.enums import DeviceKind, RoomKind
from clinic.models.places import ActiveQuerySet


@pghistory.track(append_only=True)
class AppointmentType(models.Model):
    """A kind of visit. Patient, practitioner and room are not busy for the same time.

    All offsets are minutes relative to the patient's start: the practitioner is needed from `practitioner_from` to
    `practitioner_until`, the room and device from `room_from` (may be negative: preparation) to `room_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    purpose = models.CharField(
        _("purpose"),
        max_length=20,
        blank=True,
        help_text=_("What the clinical pathway uses this visit for."),
    )
    patient_minutes = models.PositiveSmallIntegerField(_("patient: minutes"))
    practitioner_from = models.SmallIntegerField(_("practitioner: from minute"), default=0)
    practitioner_until = models.SmallIntegerField(_("practitioner: until minute"))
    room_from = models.SmallIntegerField(_("room: from minute"), default=0)
    room_until = models.SmallIntegerField(_("room: until minute"))
    room_kind = models.CharField(_("room"), max_length=20, choices=RoomKind)
    device_kind = models.CharField(_("device"), max_length=20, choices=DeviceKind, blank=True)
    skill = models.SlugField(_("technique needed"), max_length=30, blank=True)
    grid_minutes = models.PositiveSmallIntegerField(
        _("starts every … minutes"),
        null=True,
        blank=True,
        help_text=_("Empty: the clinic's grid."),
    )
    minimum_notice_minutes = models.PositiveIntegerField(_("minimum notice, minutes"), default=0)
    bookable_days_ahead = models.PositiveSmallIntegerField(_("bookable days ahead"), default=365)
    colour = models.PositiveSmallIntegerField(_("colour in the diary"), default=1)
    position = models.PositiveSmallIntegerField(_("order in lists"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    objects = ActiveQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment type")
        verbose_name_plural = _("appointment types")
        ordering = ["position", "name"]
        constraints = [
            check(
                "appointment_type_nested",
                Q(patient_minutes__gte=F("practitioner_until"))
                & Q(practitioner_from__gte=0)
                & Q(practitioner_from__lt=F("practitioner_until"))
                & Q(room_from__lte=F("practitioner_from"))
                & Q(room_until__gte=F("practitioner_until")),
                _("The practitioner's time must lie inside both the patient's and the room's."),
            ),
            check(
                "appointment_type_length",
                Q(patient_minutes__range=(1, 720)),
                _("At most twelve hours."),
            ),
            check(
                "appointment_type_grid",
                Q(grid_minutes=None) | Q(grid_minutes__range=(1, 240)),
                _("1 to 240."),
            ),
            check(
                "appointment_type_colour",
                Q(colour__range=(1, 8)),
                _("Colours are numbered 1 to 8."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def at_any_minute(self) -> Self:
        """An unsaved copy without grid and notice: staff may start a visit at any minute, and at once."""
        kind = copy(self)
        kind.grid_minutes, kind.minimum_notice_minutes = 1, 0
        return kind

    def lasting(self, minutes: int | None) -> Self:
        """An unsaved copy for a visit of so many patient minutes; practitioner and room end as much later or earlier.

        The type itself for None or its own length. Whether so short a visit makes sense is a rule's question.
        """
        if minutes is None or minutes == self.patient_minutes:
            return self
        kind, longer = copy(self), minutes - self.patient_minutes
        kind.patient_minutes = minutes
        kind.practitioner_until = self.practitioner_until + longer
        kind.room_until = self.room_until + longer
        return kind
