"""Who has to be told what: the patients to call, and each try to reach them."""

import uuid
from typing import Self

import pghistory
from django.db import models
from django.db.models import Case, Q, Value, When
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    never_deleted,
    on_a_kept_record,
    recorded_together,
    sees_what_is_committed,
)
from clinic.enums import ContactChannel, ContactOutcome, ContactReason, Role
from clinic.models.appointment import Appointment
from clinic.models.people import Patient, Practitioner
from clinic.models.user import User


class ContactEntryQuerySet(models.QuerySet):
    """The desk's words about the contact list."""

    def visible_to(self, user: User) -> Self:
        """All staff roles (docs/security.md): an entry holds no finding."""
        return self if user.has_role(*Role) else self.none()

    def open(self) -> Self:
        """Neither told nor given up."""
        return self.filter(closed_at=None)

    def for_change(self) -> Self:
        """Those that a change of a visit opens."""
        return self.filter(reason__in=[ContactReason.MOVED, ContactReason.CANCELLED])

    def by_reason(self) -> Self:
        """The most pressing reason first, and within it the oldest."""
        places = [When(reason=reason, then=Value(place)) for place, reason in enumerate(ContactReason)]
        return self.order_by(Case(*places), "asked_at", "pk")


@pghistory.track(append_only=True)
class ContactEntry(models.Model):
    """A patient has to be told something, perhaps about a visit. `text` is what to say; reception reads it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="contact_entries", verbose_name=_("patient")
    )
    reason = models.CharField(_("reason"), max_length=20, choices=ContactReason)
    about = models.ForeignKey(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="contact_entries",
        verbose_name=_("about the visit"),
    )
    text = models.CharField(_("what to say"), max_length=500)
    was_at = models.DateTimeField(
        _("the time the patient knows"),
        null=True,
        blank=True,
        help_text=_("Of a visit that was changed: when the patient still believes it is."),
    )
    was_with = models.ForeignKey(
        Practitioner,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("with whom the patient believes it is"),
    )
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    told = models.BooleanField(_("told"), null=True, blank=True)
    close_reason = models.CharField(_("closed because"), max_length=200, blank=True)

    objects = ContactEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact entry")
        verbose_name_plural = _("contact entries")
        indexes = [
            models.Index("asked_at", name="contact_open", condition=Q(closed_at=None)),
        ]
        constraints = [
            recorded_together(
                "contact_closed_together",
                "closed_at",
                "closed_by",
                "told",
                message=_("A closed entry says when, by whom, and whether the patient was told."),
            ),
            check("contact_reason_known", Q(reason__in=ContactReason.values), _("Unknown reason.")),
            check("contact_says_something", ~Q(text=""), _("Write what the patient has to be told.")),
            models.UniqueConstraint(
                fields=["patient", "reason", "about"],
                condition=Q(closed_at=None) & ~Q(reason=ContactReason.WAITLIST_OFFER),
                nulls_distinct=False,
                name="contact_open_once",
                violation_error_message=_("This patient is on the contact list for this already."),
            ),
        ]
        triggers = [*never_deleted("contact"), on_a_kept_record("contact"), sees_what_is_committed("contact")]

    def __str__(self) -> str:
        return f"{self.patient}: {self.get_reason_display()}"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to call."""
        return self.closed_at is None


@pghistory.track(append_only=True)
class ContactTry(models.Model):
    """One try to reach the patient: how, with what outcome. A fact; the next try is a new row."""

    entry = models.ForeignKey(ContactEntry, models.PROTECT, related_name="tries")
    channel = models.CharField(_("how"), max_length=10, choices=ContactChannel)
    outcome = models.CharField(_("outcome"), max_length=20, choices=ContactOutcome)
    note = models.CharField(_("note"), max_length=300, blank=True)
    tried_at = models.DateTimeField(_("tried at"))
    tried_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("try to reach somebody")
        verbose_name_plural = _("tries to reach somebody")
        ordering = ["tried_at", "pk"]
        constraints = [
            check("contact_try_channel_known", Q(channel__in=ContactChannel.values), _("Unknown channel.")),
            check("contact_try_outcome_known", Q(outcome__in=ContactOutcome.values), _("Unknown outcome.")),
        ]
        triggers = append_only("contact_try")

    def __str__(self) -> str:
        return f"{self.entry}: {self.get_outcome_display()}"
