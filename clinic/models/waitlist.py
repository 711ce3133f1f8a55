"""People who want to be seen and have no time yet: at the counter, or waiting at home for one to become free."""

import uuid
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Self

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    guard,
    never_deleted,
    on_a_kept_record,
    recorded_together,
    refuse,
    refuse_truncate,
    sees_what_is_committed,
)
from clinic.enums import UPCOMING, AppointmentStatus, CancelledBy, OfferAnswer, Role, WaitlistOutcome
from clinic.intervals import Suits
from clinic.models.appointment import Appointment
from clinic.models.catalogue import AppointmentType
from clinic.models.contact import ContactEntry
from clinic.models.people import Patient, Practitioner
from clinic.models.places import Device, Room
from clinic.models.user import User

_DAY = timedelta(days=1)


class WalkInQuerySet(models.QuerySet):
    """The desk's words about walk-ins."""

    def visible_to(self, user: User) -> Self:
        """Everyone who sees the diary."""
        return self if user.has_role(*Role) else self.none()

    def waiting(self) -> Self:
        """Neither placed in the diary nor gone, longest wait first."""
        return self.filter(appointment=None, left_at=None).order_by("came_at")


@pghistory.track(append_only=True)
class WalkIn(models.Model):
    """A patient at the counter without an appointment. Holds no time until placed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="walk_ins", verbose_name=_("patient"))
    wants = models.CharField(_("wants"), max_length=200)
    came_at = models.DateTimeField(_("came at"))
    noted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    appointment = models.OneToOneField(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="walk_in",
        verbose_name=_("placed as"),
    )
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)
    left_noted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = WalkInQuerySet.as_manager()

    class Meta:
        verbose_name = _("walk-in")
        verbose_name_plural = _("walk-ins")
        constraints = [
            recorded_together(
                "walk_in_left_together",
                "left_at",
                "left_noted_by",
                message=_("Leaving says when and who noted it."),
            ),
            check(
                "walk_in_one_end",
                Q(appointment=None) | Q(left_at=None),
                _("A walk-in is either placed or gone, not both."),
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(appointment=None, left_at=None),
                name="walk_in_waits_once",
                violation_error_message=_("This patient is on the waiting list already."),
            ),
        ]
        triggers = [
            refuse_truncate("walk_in_no_truncate"),
            on_a_kept_record("walk_in"),
            sees_what_is_committed("walk_in"),
        ]

    def __str__(self) -> str:
        return f"{self.patient}: {self.wants}"


class WaitlistQuerySet(models.QuerySet):
    """The desk's words about the waitlist."""

    def visible_to(self, user: User) -> Self:
        """Everyone who sees the diary."""
        return self if user.has_role(*Role) else self.none()

    def open(self) -> Self:
        """Still waiting for a time, longest wait first.

        Who wants a visit earlier waits as long as it is to come, or was called off by the clinic; not any more once
        they are here, did not come or called it off themselves, and again where that is taken back.
        """
        to_come = Q(visit__status__in=sorted(UPCOMING))
        called_off = Q(visit__status=AppointmentStatus.CANCELLED) & ~Q(
            visit__cancelled_by=CancelledBy.PATIENT
        )
        still = self.filter(Q(visit=None) | to_come | called_off, closed_at=None)
        return still.order_by("asked_at", "pk")

    def wanting_any(self, days: Collection[date]) -> Self:
        """Those for whom one of the local days is neither too early nor too late, nor a weekday that does not suit."""
        wanted = Q(pk=None)
        for day in days:
            wanted |= Q(earliest_on__lte=day, latest_on__gte=day, weekdays__contains=[day.isoweekday()])
        return self.filter(wanted)

    def with_wishes(self) -> Self:
        """With all that a row shows and a match asks: patient, type, practitioners, the visit that would be earlier."""
        people = self.select_related("patient", "type", "asked_by", "visit__practitioner")
        return people.prefetch_related("practitioners")


@pghistory.track(append_only=True)
class WaitlistEntry(models.Model):
    """A patient waits for a time: what for, with whom, between which days, and when it suits.

    `visit` is on the books already, and the patient wants it earlier: a time that is accepted moves it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="waitlist_entries", verbose_name=_("patient")
    )
    type = models.ForeignKey(AppointmentType, models.PROTECT, related_name="+", verbose_name=_("type"))
    purpose = models.CharField(max_length=80, blank=True)
    visit = models.ForeignKey(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="waits",
        verbose_name=_("earlier than"),
    )
    label = models.CharField(_("what"), max_length=200)
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), null=True, blank=True, help_text=_("Empty: as long as its type.")
    )
    practitioners = models.ManyToManyField(
        Practitioner, related_name="+", blank=True, verbose_name=_("practitioners")
    )
    earliest_on = models.DateField(_("not before"))
    latest_on = models.DateField(_("not after"))
    weekdays = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("weekdays"))
    since = models.TimeField(_("from"), default=time.min)
    until = models.TimeField(_("before"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    asked_at = models.DateTimeField(_("waits since"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=10, choices=WaitlistOutcome, blank=True)
    appointment = models.ForeignKey(
        Appointment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("booked as")
    )

    objects = WaitlistQuerySet.as_manager()

    class Meta:
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist entries")
        indexes = [
            models.Index("asked_at", name="waitlist_open", condition=Q(closed_at=None)),
        ]
        constraints = [
            recorded_together(
                "waitlist_closed_together",
                "closed_at",
                "closed_by",
                message=_("An entry that is closed says when and by whom."),
            ),
            check(
                "waitlist_outcome_known",
                Q(closed_at=None, outcome="", appointment=None)
                | Q(closed_at__isnull=False, outcome=WaitlistOutcome.BOOKED, appointment__isnull=False)
                | Q(closed_at__isnull=False, outcome=WaitlistOutcome.WITHDRAWN, appointment=None),
                _("An entry ends as booked, with its visit, or as withdrawn."),
            ),
            check(
                "waitlist_days_in_order",
                Q(earliest_on__lte=F("latest_on")),
                _("The last day must not come before the first."),
            ),
            check(
                "waitlist_times_in_order",
                Q(until=None) | Q(since__lt=F("until")),
                _("The time until which it suits must come after the time from which it does."),
            ),
            check(
                "waitlist_weekdays_known",
                Q(weekdays__contained_by=list(range(1, 8))) & ~Q(weekdays=[]),
                _("Choose at least one weekday."),
            ),
            models.UniqueConstraint(
                fields=["patient", "type", "purpose"],
                condition=Q(closed_at=None, visit=None),
                name="waitlist_waits_once",
                violation_error_message=_("This patient is on the waitlist for this visit already."),
            ),
            models.UniqueConstraint(
                fields=["visit"],
                condition=Q(closed_at=None),
                name="waitlist_earlier_once",
                violation_error_message=_("This visit is on the waitlist for an earlier time already."),
            ),
        ]
        triggers = [
            *never_deleted("waitlist"),
            # As of a visit: it would be booked on a record that takes none.
            guard(
                "waitlist_not_to_be_erased",
                operation=pgtrigger.Insert,
                func=f"""
                    IF EXISTS (
                        SELECT FROM clinic_erasure WHERE patient_id = NEW.patient_id AND withdrawn_at IS NULL
                            AND NOT EXISTS (SELECT FROM clinic_erasuredone WHERE erasure_id = clinic_erasure.id)
                    ) THEN
                        {refuse("waitlist_not_to_be_erased", "This record is to be erased: no visit is booked on it. An admin can withdraw that.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "waitlist_same_visit",
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("visit_id", "patient_id", "type_id", "purpose"),
                func=f"""
                    IF NEW.visit_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM clinic_appointment WHERE id = NEW.visit_id AND patient_id = NEW.patient_id
                            AND type_id = NEW.type_id AND purpose = NEW.purpose
                    ) THEN
                        {refuse("waitlist_same_visit", "The visit to be earlier is another patient's, or of another kind.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("waitlist"),
            sees_what_is_committed("waitlist"),
        ]

    def __str__(self) -> str:
        return f"{self.patient}: {self.label}"

    @property
    def is_open(self) -> bool:
        """Whether the patient still waits; see WaitlistQuerySet.open()."""
        if self.closed_at or self.visit is None:
            return self.closed_at is None
        is_off = self.visit.status == AppointmentStatus.CANCELLED
        return self.visit.is_upcoming or (is_off and self.visit.cancelled_by != CancelledBy.PATIENT)

    @property
    def moves(self) -> Appointment | None:
        """The visit that is moved when a time is accepted; None where a new one is booked."""
        return self.visit if self.visit and self.visit.is_upcoming else None

    @property
    def kind(self) -> AppointmentType:
        """The type, as long as this visit is to be."""
        return self.type.lasting(self.moves.minutes if self.moves else self.minutes)

    def wants(self, starts_at: datetime) -> bool:
        """Whether a visit that starts then is what the patient waits for, with whomever."""
        zone = timezone.get_default_timezone()
        is_day = self.earliest_on <= timezone.localdate(starts_at, zone) <= self.latest_on
        return is_day and self.suits.contains(starts_at, zone)

    @property
    def suits(self) -> Suits:
        """When the patient can come."""
        return Suits(frozenset(self.weekdays), self.since, self.until)


class WaitlistOfferQuerySet(models.QuerySet):
    """The desk's words about offered times."""

    def visible_to(self, user: User) -> Self:
        """Everyone who sees the diary."""
        return self if user.has_role(*Role) else self.none()

    def unanswered(self) -> Self:
        """Offered, and neither accepted, declined nor known to be gone."""
        return self.filter(answer="")

    def rivals_of(self, offer: "WaitlistOffer") -> Self:
        """Offers to others that may want the same person's or thing's time, within a day of it."""
        shared = Q(practitioner=offer.practitioner_id) | Q(room=offer.room_id)
        if offer.device_id:
            shared |= Q(device=offer.device_id)
        near = {"starts_at__gt": offer.starts_at - _DAY, "starts_at__lt": offer.starts_at + _DAY}
        return self.filter(shared, **near).exclude(entry=offer.entry_id)

    def with_people(self) -> Self:
        """With all that booking it takes."""
        return self.select_related(
            "entry__patient", "entry__type", "entry__visit", "practitioner", "room", "device", "contact"
        )


@pghistory.track(append_only=True)
class WaitlistOffer(models.Model):
    """A time offered to somebody who waits. It holds no time: the first to accept gets it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    entry = models.ForeignKey(WaitlistEntry, models.PROTECT, related_name="offers")
    contact = models.OneToOneField(ContactEntry, models.PROTECT, related_name="offer")
    practitioner = models.ForeignKey(Practitioner, models.PROTECT, related_name="+")
    room = models.ForeignKey(Room, models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField(_("starts"))
    offered_at = models.DateTimeField(_("offered at"))
    offered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    answer = models.CharField(_("answer"), max_length=10, choices=OfferAnswer, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = WaitlistOfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer from the waitlist")
        verbose_name_plural = _("offers from the waitlist")
        constraints = [
            recorded_together(
                "waitlist_offer_answered_together",
                "answered_at",
                "answered_by",
                message=_("An answer says when it was given and who noted it."),
            ),
            check(
                "waitlist_offer_answer_known",
                Q(answer="", answered_at=None) | Q(answer__in=OfferAnswer.values, answered_at__isnull=False),
                _("An offer is accepted, declined or gone."),
            ),
            models.UniqueConstraint(
                fields=["entry", "practitioner", "starts_at"],
                condition=Q(answer=""),
                name="waitlist_offer_once",
                violation_error_message=_("This time has been offered to this patient already."),
            ),
            models.UniqueConstraint(
                fields=["entry"],
                condition=Q(answer=OfferAnswer.ACCEPTED),
                name="waitlist_offer_accepted_once",
                violation_error_message=_("This patient has accepted another time."),
            ),
        ]
        triggers = never_deleted("waitlist_offer")

    def __str__(self) -> str:
        return f"{self.entry}: {self.starts_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        """Whether an answer is still awaited; whether the time is still there is another question."""
        return not self.answer
