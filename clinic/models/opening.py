"""When people, rooms and devices can be booked. Nothing here ever deletes an appointment."""

import uuid
from datetime import datetime
from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, exactly_one
from clinic.enums import AbsenceKind, Role
from clinic.models.people import Practitioner
from clinic.models.places import Device, Location, Room
from clinic.models.user import User


class Weekday(models.IntegerChoices):
    """ISO weekdays, Monday first."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class OpeningQuerySet(models.QuerySet):
    """What closes or opens time for everybody: a closed day, a room or device that cannot be used."""

    def visible_to(self, user: User) -> Self:
        """Everyone who sees the diary."""
        return self if user.has_role(*Role) else self.none()


class OwnTimeQuerySet(OpeningQuerySet):
    """A practitioner's own time: hours, absences, extra opening."""

    def visible_to(self, user: User) -> Self:
        """Reception and admins see everybody's; practitioners their own (docs/security.md)."""
        if user.has_role(Role.RECEPTION, Role.ADMIN):
            return self
        return self.filter(practitioner__user=user) if user.has_role(Role.PRACTITIONER) else self.none()


class SpanQuerySet(OpeningQuerySet):
    """Rows with `starts_at` and `ends_at`, half-open."""

    def overlapping(self, start: datetime, end: datetime) -> Self:
        """Those that share at least a moment with [start, end)."""
        return self.filter(starts_at__lt=end, ends_at__gt=start)


class OwnSpanQuerySet(OwnTimeQuerySet, SpanQuerySet):
    """Spans of a practitioner's own time."""


@pghistory.track(append_only=True)
class WorkingHours(models.Model):
    """One interval of a practitioner's week, in clinic time; a lunch break is the gap between two."""

    practitioner = models.ForeignKey(
        Practitioner,
        models.CASCADE,
        related_name="working_hours",
        verbose_name=_("practitioner"),
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", verbose_name=_("location"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    starts = models.TimeField(_("from"))
    ends = models.TimeField(_("until"))
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(
        _("last day"),
        null=True,
        blank=True,
        help_text=_("Empty: until further notice."),
    )

    objects = OwnTimeQuerySet.as_manager()

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        ordering = ["practitioner", "weekday", "starts"]
        constraints = [
            check(
                "working_hours_order",
                Q(starts__lt=F("ends")),
                _("The end must come after the start."),
            ),
            check(
                "working_hours_valid_order",
                Q(valid_until=None) | Q(valid_from__lte=F("valid_until")),
                _("The last day must not come before the first."),
            ),
            check(
                "working_hours_weekday",
                Q(weekday__range=(1, 7)),
                _("Choose a weekday."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.practitioner}, {self.get_weekday_display()} {self.starts:%H:%M}–{self.ends:%H:%M}"


class SpanModel(models.Model):
    """A half-open span of aware time that somebody entered, with who and when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)
    created_at = models.DateTimeField(editable=False)

    objects = SpanQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["starts_at"]
        constraints = [
            check(
                "%(class)s_order",
                Q(starts_at__lt=F("ends_at")),
                _("The end must come after the start."),
            ),
        ]


@pghistory.track(append_only=True)
class Absence(SpanModel):
    """A practitioner takes no patients: leave, sickness, training, or time blocked for other work."""

    practitioner = models.ForeignKey(
        Practitioner,
        models.CASCADE,
        related_name="absences",
        verbose_name=_("practitioner"),
    )
    kind = models.CharField(_("kind"), max_length=20, choices=AbsenceKind, default=AbsenceKind.LEAVE)
    note = models.CharField(_("note"), max_length=200, blank=True)

    objects = OwnSpanQuerySet.as_manager()

    class Meta(SpanModel.Meta):
        verbose_name = _("absence")
        verbose_name_plural = _("absences")

    def __str__(self) -> str:
        return f"{self.practitioner}: {self.get_kind_display()}"


@pghistory.track(append_only=True)
class OutOfService(SpanModel):
    """A room or a device cannot be used."""

    room = models.ForeignKey(
        Room,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="out_of_service",
        verbose_name=_("room"),
    )
    device = models.ForeignKey(
        Device,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="out_of_service",
        verbose_name=_("device"),
    )
    reason = models.CharField(_("reason"), max_length=200)

    class Meta(SpanModel.Meta):
        verbose_name = _("out of service")
        verbose_name_plural = _("out of service")
        constraints = [
            *SpanModel.Meta.constraints,
            exactly_one(
                "out_of_service_one_thing",
                "room",
                "device",
                message=_("Choose either a room or a device."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room or self.device}: {self.reason}"


@pghistory.track(append_only=True)
class ExtraOpening(SpanModel):
    """A practitioner takes patients at a place outside the weekly hours, this time once."""

    practitioner = models.ForeignKey(
        Practitioner,
        models.CASCADE,
        related_name="extra_openings",
        verbose_name=_("practitioner"),
    )
    location = models.ForeignKey(Location, models.PROTECT, related_name="+", verbose_name=_("location"))
    reason = models.CharField(_("reason"), max_length=200)

    objects = OwnSpanQuerySet.as_manager()

    class Meta(SpanModel.Meta):
        verbose_name = _("extra opening")
        verbose_name_plural = _("extra openings")

    def __str__(self) -> str:
        return f"{self.practitioner}: {self.reason}"


@pghistory.track(append_only=True)
class ClosedDay(models.Model):
    """The whole clinic is closed on a local calendar day. Extra opening may still open part of it."""

    day = models.DateField(_("day"), unique=True)
    name = models.CharField(_("name"), max_length=100)

    objects = OpeningQuerySet.as_manager()

    class Meta:
        verbose_name = _("closed day")
        verbose_name_plural = _("closed days")
        ordering = ["day"]

    def __str__(self) -> str:
        return f"{self.day}: {self.name}"
