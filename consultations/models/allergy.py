"""Allergies and alerts, as reported and as confirmed."""

import uuid
from typing import Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, never_deleted, on_a_kept_record, recorded_together, sees_what_is_committed
from clinic.enums import Role
from clinic.models import Patient, User
from consultations.enums import AllergyStatus


class AllergyQuerySet(models.QuerySet):
    """Words about allergies."""

    def visible_to(self, user: User) -> Self:
        """Reception and practitioners (docs/security.md)."""
        return self if user.has_role(Role.RECEPTION, Role.PRACTITIONER) else self.none()

    def in_force(self) -> Self:
        """Reported or confirmed, not refuted."""
        return self.exclude(status=AllergyStatus.REFUTED)


@pghistory.track(append_only=True)
class Allergy(models.Model):
    """An allergy to a group of substances or to components, or in the patient's own words until a practitioner has looked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="allergies", verbose_name=_("patient"))
    group_code = models.SlugField(_("allergen group"), max_length=80, blank=True)
    component_codes = ArrayField(
        models.SlugField(max_length=80), verbose_name=_("components"), default=list, blank=True
    )
    words = models.CharField(_("in the patient's words"), max_length=200)
    reaction = models.CharField(_("what happened"), max_length=500, blank=True)
    adverse_event = models.ForeignKey(
        "consultations.AdverseEvent", models.PROTECT, null=True, blank=True, related_name="+"
    )
    test_reading = models.ForeignKey(
        "consultations.TestReading",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("from the reading"),
    )
    status = models.CharField(
        _("status"),
        max_length=10,
        choices=AllergyStatus,
        default=AllergyStatus.REPORTED,
    )
    reported_at = models.DateTimeField()
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    assessed_at = models.DateTimeField(null=True, blank=True)
    assessed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    assessment = models.CharField(_("assessment"), max_length=500, blank=True)

    objects = AllergyQuerySet.as_manager()

    class Meta:
        verbose_name = _("allergy")
        verbose_name_plural = _("allergies")
        ordering = ["-reported_at"]
        constraints = [
            recorded_together(
                "allergy_assessed_together",
                "assessed_at",
                "assessed_by",
                message=_("An assessment says who and when."),
            ),
            check(
                "allergy_status_assessed",
                Q(status=AllergyStatus.REPORTED, assessed_at=None)
                | (~Q(status=AllergyStatus.REPORTED) & Q(assessed_at__isnull=False)),
                _("Confirmed and refuted allergies were assessed by a practitioner."),
            ),
            check(
                "allergy_worded",
                ~Q(words=""),
                _("Write what the patient is allergic to."),
            ),
        ]
        triggers = [*never_deleted("allergy"), on_a_kept_record("allergy"), sees_what_is_committed("allergy")]

    def __str__(self) -> str:
        return self.words


class AlertQuerySet(models.QuerySet):
    """Words about alerts."""

    def visible_to(self, user: User) -> Self:
        """Reception and practitioners (docs/security.md)."""
        return self if user.has_role(Role.RECEPTION, Role.PRACTITIONER) else self.none()

    def in_force(self) -> Self:
        """Not lifted."""
        return self.filter(lifted_at=None)


@pghistory.track(append_only=True)
class Alert(models.Model):
    """Something everybody who meets the patient must know: shown in every header until lifted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="alerts", verbose_name=_("patient"))
    text = models.CharField(_("alert"), max_length=200)
    adverse_event = models.ForeignKey(
        "consultations.AdverseEvent", models.PROTECT, null=True, blank=True, related_name="+"
    )
    raised_at = models.DateTimeField()
    raised_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-raised_at"]
        constraints = [
            recorded_together(
                "alert_lifted_together",
                "lifted_at",
                "lifted_by",
                message=_("Lifting an alert says who and when."),
            ),
            check("alert_worded", ~Q(text=""), _("Write the alert.")),
        ]
        triggers = [*never_deleted("alert"), on_a_kept_record("alert"), sees_what_is_committed("alert")]

    def __str__(self) -> str:
        return self.text
