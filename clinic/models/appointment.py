"""Appointments: who, what, where, when; and the constraints that keep anybody from being booked twice."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    guard,
    never_deleted,
    no_overlap,
    on_a_kept_record,
    only_transitions,
    refuse,
    sees_what_is_committed,
)
from clinic.enums import (
    BORN_AS,
    HOLDS_TIME,
    TRANSITIONS,
    UPCOMING,
    AppointmentStatus,
    CancelledBy,
    Role,
)
from clinic.intervals import MINUTE, Interval, local_day
from clinic.models.catalogue import AppointmentType
from clinic.models.people import Patient, Practitioner
from clinic.models.places import Device, Room
from clinic.models.user import User

_HOLDS_TIME = Q(status__in=sorted(HOLDS_TIME))
_LONGEST = timedelta(hours=24)
_HERE = [
    AppointmentStatus.ARRIVED,
    AppointmentStatus.IN_PROGRESS,
    AppointmentStatus.COMPLETED,
]
_HOLDING = f"ANY('{{{','.join(sorted(HOLDS_TIME))}}}')"
# A visit would keep the erasure from being carried out. One that was begun leaves a record that is kept for years, to which
# the patient may come back.
_NOT_TO_BE_ERASED = guard(
    "appointment_not_to_be_erased",
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("status"),
    func=f"""
        IF NEW.status = {_HOLDING} AND (TG_OP = 'INSERT' OR NOT OLD.status = {_HOLDING}) AND EXISTS (
            SELECT FROM clinic_erasure WHERE patient_id = NEW.patient_id AND withdrawn_at IS NULL
                AND NOT EXISTS (SELECT FROM clinic_erasuredone WHERE erasure_id = clinic_erasure.id)
        ) THEN
            {refuse("appointment_not_to_be_erased", "This record is to be erased: no visit is booked on it. An admin can withdraw that.")}
        END IF;
        RETURN NEW;
    """,
)


class AppointmentQuerySet(models.QuerySet):
    """The desk's words about appointments."""

    def visible_to(self, user: User) -> Self:
        """All staff roles see the diary (docs/security.md); nobody else sees any of it."""
        return self if user.has_role(*Role) else self.none()

    def holding_time(self) -> Self:
        """Those whose status keeps others out of their time."""
        return self.filter(_HOLDS_TIME)

    def in_force(self, at: datetime) -> Self:
        """Without holds that have run out: they keep nobody out any more and wait to be cleared away."""
        return self.exclude(status=AppointmentStatus.HELD, held_until__lte=at)

    def run_out(self, at: datetime) -> Self:
        """Holds whose time to call back has passed."""
        return self.filter(status=AppointmentStatus.HELD, held_until__lte=at)

    def upcoming(self, at: datetime) -> Self:
        """Still to come: not arrived, not called off, not yet over at `at`."""
        return self.filter(status__in=sorted(UPCOMING), ends_at__gt=at)

    def expected(self, at: datetime) -> Self:
        """Upcoming, or held as long as the hold holds: whoever is not told otherwise comes, or calls back."""
        return self.filter(
            Q(status__in=sorted(UPCOMING)) | Q(status=AppointmentStatus.HELD, held_until__gt=at),
            ends_at__gt=at,
        )

    def starting_in(self, window: Interval) -> Self:
        """Those in whose window the patient's time begins."""
        return self.filter(starts_at__gte=window.starts_at, starts_at__lt=window.ends_at)

    def on_day(self, day: date) -> Self:
        """Those that start on the local calendar day."""
        return self.starting_in(local_day(day, timezone.get_default_timezone()))

    def for_practitioner(self, practitioner: Practitioner) -> Self:
        """Those of one practitioner."""
        return self.filter(practitioner=practitioner)

    def waiting(self) -> Self:
        """Patients who are here and not yet seen, longest wait first."""
        return self.filter(status=AppointmentStatus.ARRIVED).order_by("arrived_at")

    def with_people(self) -> Self:
        """With all that a card shows, in one query."""
        return self.select_related("patient", "type", "practitioner", "room", "device")


@pghistory.track(append_only=True)
class Appointment(models.Model):
    """One visit. Three half-open ranges, because patient, practitioner and room are not busy for the same time.

    `purpose` is what the clinical pathway makes of the visit; this app stores it and hands it back, nothing more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="appointments", verbose_name=_("patient")
    )
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+", verbose_name=_("type"))
    practitioner = models.ForeignKey(
        Practitioner,
        models.PROTECT,
        related_name="appointments",
        verbose_name=_("practitioner"),
    )
    room = models.ForeignKey(Room, models.PROTECT, related_name="appointments", verbose_name=_("room"))
    device = models.ForeignKey(
        Device,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="appointments",
        verbose_name=_("device"),
    )
    purpose = models.CharField(max_length=80, blank=True)
    pair_of = models.OneToOneField(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="pair",
        help_text=_("The visit this one belongs to (a reading to its test)."),
    )
    status = models.CharField(
        _("status"),
        max_length=20,
        choices=AppointmentStatus,
        default=AppointmentStatus.BOOKED,
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    practitioner_from = models.DateTimeField()
    practitioner_until = models.DateTimeField()
    room_from = models.DateTimeField()
    room_until = models.DateTimeField()
    note = models.CharField(_("note"), max_length=500, blank=True)
    held_until = models.DateTimeField(_("held until"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.CharField(max_length=10, choices=CancelledBy, blank=True)
    cancelled_late = models.BooleanField(default=False)
    cancel_reason = models.CharField(_("reason"), max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)
    request_id = models.UUIDField(default=uuid.uuid4)
    request_item = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["starts_at", "practitioner"]
        indexes = [
            models.Index("starts_at", name="appointment_starts_at"),
            models.Index("patient", "starts_at", name="appointment_of_patient"),
            models.Index("held_until", name="appointment_held", condition=Q(status="held")),
            # A season of one of many: calendar feeds and the review would else read everybody's.
            models.Index("practitioner", "starts_at", name="appointment_of_practitioner"),
            models.Index("room", "starts_at", name="appointment_of_room"),
            models.Index("purpose", name="appointment_purpose", condition=~Q(purpose="")),
        ]
        constraints = [
            no_overlap(
                "appointment_practitioner_free",
                of="practitioner",
                start="practitioner_from",
                end="practitioner_until",
                when=_HOLDS_TIME,
                message=_("The practitioner has just been booked for this time."),
            ),
            no_overlap(
                "appointment_room_free",
                of="room",
                start="room_from",
                end="room_until",
                when=_HOLDS_TIME,
                message=_("The room has just been taken for this time."),
            ),
            no_overlap(
                "appointment_device_free",
                of="device",
                start="room_from",
                end="room_until",
                when=_HOLDS_TIME,
                message=_("The device has just been taken for this time."),
            ),
            no_overlap(
                "appointment_patient_free",
                of="patient",
                of_many=True,
                start="starts_at",
                end="ends_at",
                when=_HOLDS_TIME,
                message=_("The patient already has a visit at this time."),
            ),
            check(
                "appointment_status_known",
                Q(status__in=AppointmentStatus.values),
                _("Unknown status."),
            ),
            check(
                "appointment_order",
                Q(starts_at__lt=F("ends_at"))
                & Q(practitioner_from__lt=F("practitioner_until"))
                & Q(room_from__lt=F("room_until")),
                _("The end must come after the start."),
            ),
            check(
                "appointment_nested",
                Q(starts_at__lte=F("practitioner_from"))
                & Q(practitioner_until__lte=F("ends_at"))
                & Q(room_from__lte=F("practitioner_from"))
                & Q(practitioner_until__lte=F("room_until")),
                _("The practitioner's time must lie inside both the patient's and the room's."),
            ),
            check(
                "appointment_within_a_day",
                Q(ends_at__lte=F("starts_at") + _LONGEST)
                & Q(room_from__gte=F("starts_at") - _LONGEST)
                & Q(room_until__lte=F("ends_at") + _LONGEST),
                _("A visit cannot last longer than a day."),
            ),
            check(
                "appointment_real_dates",
                Q(room_from__gte=datetime(2000, 1, 1, tzinfo=UTC))
                & Q(starts_at__gte=datetime(2000, 1, 1, tzinfo=UTC))
                & Q(ends_at__lt=datetime(2101, 1, 1, tzinfo=UTC))
                & Q(room_until__lt=datetime(2101, 1, 1, tzinfo=UTC)),
                _("Choose a date between 2000 and 2100."),
            ),
            check(
                "appointment_cancelled_together",
                Q(status="cancelled", cancelled_at__isnull=False) & ~Q(cancelled_by="")
                | (~Q(status="cancelled") & Q(cancelled_at=None, cancelled_by="", cancelled_late=False)),
                _("A cancellation says when and by whom."),
            ),
            check(
                "appointment_held_until",
                Q(status="held", held_until__isnull=False) | (~Q(status="held") & Q(held_until=None)),
                _("A hold says until when; nothing else does."),
            ),
            check(
                "appointment_actual_times",
                (~Q(status__in=_HERE) | Q(arrived_at__isnull=False))
                & (~Q(status__in=_HERE[1:]) | Q(started_at__isnull=False))
                & (~Q(status="completed") | Q(ended_at__isnull=False)),
                _("Arrival, start and end are recorded as they happen."),
            ),
            models.UniqueConstraint(
                fields=["created_by", "request_id", "request_item"],
                name="appointment_request_once",
                violation_error_message=_("This request has been carried out already."),
            ),
        ]
        triggers = [
            only_transitions("appointment", column="status", born_as=BORN_AS, moves=TRANSITIONS),
            *never_deleted("appointment"),
            on_a_kept_record("appointment"),
            sees_what_is_committed("appointment"),
            _NOT_TO_BE_ERASED,
        ]

    def __str__(self) -> str:
        return f"{self.patient}, {self.type}, {timezone.localtime(self.starts_at):%d %b %Y %H:%M}"

    @property
    def interval(self) -> Interval:
        """When the patient is here."""
        return Interval(self.starts_at, self.ends_at)

    @property
    def holds_time(self) -> bool:
        """Whether others are kept out of its time."""
        return self.status in HOLDS_TIME

    @property
    def minutes(self) -> int:
        """How long the patient is here, as planned."""
        return (self.ends_at - self.starts_at) // MINUTE

    @property
    def is_held(self) -> bool:
        """Kept for a patient who calls back; whether the hold still holds is another question."""
        return self.status == AppointmentStatus.HELD

    @property
    def is_upcoming(self) -> bool:
        """Neither begun nor called off."""
        return self.status in UPCOMING
