"""What comes after a signature: addenda, and records entered in error."""

import uuid
from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, exactly_one, frozen_once, recorded_together
from clinic.enums import Role
from clinic.models import User
from consultations.models.consultation import Consultation, ConsultationConfirmation
from consultations.models.leaflet_handout import LeafletHandout


class Addendum(models.Model):
    """What is added to a signed record later. Permanent from birth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    consultation = models.ForeignKey(
        Consultation, models.PROTECT, null=True, blank=True, related_name="addenda"
    )
    patch_test = models.ForeignKey(
        "consultations.PatchTest",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="addenda",
    )
    session = models.ForeignKey(
        "consultations.Session",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="addenda",
    )
    review = models.ForeignKey(
        "consultations.Review",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="addenda",
    )
    adverse_event = models.ForeignKey(
        "consultations.AdverseEvent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="addenda",
    )
    text = models.TextField(_("text"), max_length=10000)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("addendum")
        verbose_name_plural = _("addenda")
        ordering = ["written_at"]
        constraints = [
            exactly_one(
                "addendum_of_one_record",
                "consultation",
                "patch_test",
                "session",
                "review",
                "adverse_event",
                message=_("An addendum belongs to one record."),
            ),
            check("addendum_not_empty", ~Q(text=""), _("Write what you want to add.")),
        ]
        triggers = append_only("addendum")

    def __str__(self) -> str:
        return self.text[:60]


class EnteredInErrorQuerySet(models.QuerySet):
    """Words about records called an error."""

    def visible_to(self, user: User) -> Self:
        """Practitioners, and admins, who may be the second person (kind, date, who and reason, no content)."""
        return self if user.has_role(Role.PRACTITIONER, Role.ADMIN) else self.none()

    def waiting(self) -> Self:
        """Asked for, and not confirmed by a second person yet."""
        return self.filter(confirmed_at=None)

    def with_records(self) -> Self:
        """With the record each speaks of, its patient, and the people, in the same query."""
        records = ("consultation", "consent", "patch_test", "reading", "session", "review", "adverse_event")
        patients = [f"{name}__patient" for name in (*records, "leaflet_handout")]
        of_confirmation = "confirmation__consultation__patient"
        return self.select_related(*patients, of_confirmation, "requested_by", "confirmed_by")


@pghistory.track(append_only=True)
class EnteredInError(models.Model):
    """A signed record that should not exist. It stays visible and leaves clearance, doses and reports.

    What clears a patient stops clearing at once; what closes something (a positive or an unclear reading, an adverse
    event) keeps closing it until a second person has confirmed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    consultation = models.OneToOneField(
        Consultation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    consent = models.OneToOneField(
        "consultations.Consent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    patch_test = models.OneToOneField(
        "consultations.PatchTest",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    reading = models.OneToOneField(
        "consultations.TestReading",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    session = models.OneToOneField(
        "consultations.Session",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    review = models.OneToOneField(
        "consultations.Review",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    adverse_event = models.OneToOneField(
        "consultations.AdverseEvent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    confirmation = models.OneToOneField(
        ConsultationConfirmation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    leaflet_handout = models.OneToOneField(
        LeafletHandout,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entered_in_error",
    )
    reason = models.CharField(_("reason"), max_length=1000)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    objects = EnteredInErrorQuerySet.as_manager()

    class Meta:
        verbose_name = _("entered in error")
        verbose_name_plural = _("entered in error")
        ordering = ["-requested_at"]
        constraints = [
            exactly_one(
                "entered_in_error_one_record",
                "consultation",
                "consent",
                "patch_test",
                "reading",
                "session",
                "review",
                "adverse_event",
                "confirmation",
                "leaflet_handout",
                message=_("This names one record."),
            ),
            recorded_together(
                "entered_in_error_confirmed_together",
                "confirmed_by",
                "confirmed_at",
                message=_("A confirmation says who and when."),
            ),
            check(
                "entered_in_error_second_person",
                Q(confirmed_by=None) | ~Q(confirmed_by=F("requested_by")),
                _("A second person confirms."),
            ),
            check("entered_in_error_reason", ~Q(reason=""), _("Say what went wrong.")),
        ]
        triggers = frozen_once("entered_in_error", "TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL")

    def __str__(self) -> str:
        return self.reason
