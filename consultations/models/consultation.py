"""The pre-treatment consultation, and what all signed records share."""

import uuid
from datetime import datetime
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    frozen_once,
    frozen_with_parent,
    guard,
    on_a_kept_record,
    recorded_together,
    refuse,
    sees_what_is_committed,
)
from clinic.enums import Role
from clinic.models import Appointment, Patient, Practitioner, User
from consultations.enums import Answer, Decision, Outcome
from consultations.models.leaflet import Leaflet
from consultations.models.reference import (
    ContraindicationQuestion,
    Indication,
    ReactionType,
)


class ClinicalQuerySet(models.QuerySet):
    """Words every clinical record shares."""

    def visible_to(self, user: User) -> Self:
        """Practitioners read all patients' clinical records; nobody else reads any (docs/security.md)."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()

    def signed(self) -> Self:
        """Signed and not withdrawn as entered in error."""
        return self.filter(signed_at__isnull=False, entered_in_error=None)

    def drafts(self) -> Self:
        """Still being written."""
        return self.filter(signed_at=None)

    def unsigned_since(self, moment: datetime) -> Self:
        """Drafts begun before the moment."""
        return self.drafts().filter(created_at__lt=moment)


class Signable(models.Model):
    """A record that one practitioner writes and signs; from then on it never changes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="%(class)ss", verbose_name=_("patient"))
    practitioner = models.ForeignKey(
        Practitioner,
        models.PROTECT,
        related_name="%(class)ss",
        verbose_name=_("practitioner"),
    )
    appointment = models.ForeignKey(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="%(class)ss",
        verbose_name=_("visit"),
    )
    created_at = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    signed_at = models.DateTimeField(_("signed at"), null=True, blank=True, editable=False)
    signed_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("signed by"),
    )
    content_hash = models.CharField(max_length=64, null=True, blank=True, editable=False)

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            recorded_together(
                "%(class)s_signed_together",
                "signed_at",
                "signed_by",
                "content_hash",
                message=_("A signature says who and when, and seals the content."),
            ),
        ]

    @property
    def is_signed(self) -> bool:
        """Whether the record is final."""
        return self.signed_at is not None


@pghistory.track(append_only=True)
class Consultation(Signable):
    """What was found, asked and discussed before any treatment, and how it ended."""

    indication = models.ForeignKey(
        Indication,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("indication"),
    )
    history = models.TextField(_("history"), max_length=10000, blank=True)
    goals = models.TextField(_("what the patient hopes for"), max_length=5000, blank=True)
    weight_kg = models.DecimalField(_("weight, kg"), max_digits=5, decimal_places=1, null=True, blank=True)
    discussed_technique = models.BooleanField(_("technique"), default=False)
    discussed_visits = models.BooleanField(_("number of visits"), default=False)
    discussed_alternatives = models.BooleanField(_("alternatives"), default=False)
    discussed_aftercare = models.BooleanField(_("aftercare"), default=False)
    discussed_expectations = models.BooleanField(_("what to expect, and what trials found"), default=False)
    discussed_risks = models.ManyToManyField(
        ReactionType,
        blank=True,
        related_name="+",
        verbose_name=_("risks"),
        through="DiscussedRisk",
    )
    leaflet = models.ForeignKey(
        Leaflet,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("leaflet given"),
    )
    outcome = models.CharField(_("outcome"), max_length=30, choices=Outcome, blank=True)
    outcome_reason = models.TextField(_("reason or conditions"), max_length=5000, blank=True)
    deferred_until = models.DateField(_("deferred until"), null=True, blank=True)

    class Meta(Signable.Meta):
        verbose_name = _("consultation")
        verbose_name_plural = _("consultations")
        ordering = ["-created_at"]
        constraints = [
            *Signable.Meta.constraints,
            check(
                "consultation_signed_with_outcome",
                Q(signed_at=None) | (~Q(outcome="") & Q(indication__isnull=False)),
                _("Choose the indication and the outcome before signing."),
            ),
            check(
                "consultation_deferred_until",
                ~Q(outcome=Outcome.DEFERRED) | Q(deferred_until__isnull=False),
                _("Say until when the treatment is deferred."),
            ),
            check(
                "consultation_reason_given",
                Q(signed_at=None) | Q(outcome=Outcome.ELIGIBLE) | ~Q(outcome_reason=""),
                _("Give the reason or the conditions."),
            ),
            check(
                "consultation_weight_sane",
                Q(weight_kg=None) | Q(weight_kg__gt=1, weight_kg__lt=500),
                _("Check the weight: enter kilograms."),
            ),
        ]
        triggers = [
            *frozen_once("consultation"),
            on_a_kept_record("consultation"),
            sees_what_is_committed("consultation"),
            guard(
                "consultation_suitable",
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=f"""
                    IF NEW.signed_at IS NOT NULL AND NEW.outcome IN ('eligible', 'eligible_with_conditions')
                        AND EXISTS (
                            SELECT 1 FROM consultations_contraindicationanswer
                            WHERE consultation_id = NEW.id AND answer <> 'no' AND (
                                decision = 'block' OR (decision = 'override' AND override_reason = '')
                            )
                        ) THEN
                        {refuse("consultation_suitable", "An open contraindication rules this outcome out.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient}: {self.indication or _('consultation')}"


_CHILD_OF_CONSULTATION = {
    "parent": "consultations_consultation",
    "key": "consultation_id",
}


class DiscussedRisk(models.Model):
    """One risk that was talked through."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="+")
    reaction = models.ForeignKey(ReactionType, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "reaction"],
                name="discussed_risk_once",
                violation_error_message=_("This risk is ticked already."),
            ),
        ]
        triggers = frozen_with_parent("discussed_risk", **_CHILD_OF_CONSULTATION)

    def __str__(self) -> str:
        return str(self.reaction)


@pghistory.track(append_only=True)
class ContraindicationAnswer(models.Model):
    """The patient's answer, with the decision that applied to this indication, formula and technique."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="answers")
    question = models.ForeignKey(ContraindicationQuestion, models.PROTECT, related_name="+")
    answer = models.CharField(_("answer"), max_length=10, choices=Answer)
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, blank=True)
    event_on = models.DateField(
        _("when it was, or ends"), null=True, blank=True, help_text=_("A wait counts from this day.")
    )
    event_unknown = models.BooleanField(
        _("nobody knows the day"),
        default=False,
        help_text=_("The wait then counts from the day it was said."),
    )
    defer_until = models.DateField(_("not before"), null=True, blank=True)
    override_reason = models.CharField(_("why it may go on"), max_length=1000, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["question__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "question"],
                name="contraindication_answer_once",
                violation_error_message=_("This question is answered already."),
            ),
            check(
                "contraindication_answer_decided",
                Q(answer=Answer.NO, decision="") | (~Q(answer=Answer.NO) & ~Q(decision="")),
                _("A yes or an unknown carries its decision."),
            ),
            check(
                "contraindication_answer_event",
                Q(event_on=None) | ~Q(answer=Answer.NO),
                _("What was answered with no has no day."),
            ),
            check(
                "contraindication_answer_event_unknown",
                Q(event_unknown=False) | (Q(event_on=None) & ~Q(answer=Answer.NO)),
                _("Either the day, or that nobody knows it; and neither after a no."),
            ),
            check(
                "contraindication_answer_deferred",
                ~Q(decision=Decision.DEFER) | Q(defer_until__isnull=False),
                _("Say from which date treatment is possible."),
            ),
        ]
        triggers = frozen_with_parent("contraindication_answer", **_CHILD_OF_CONSULTATION)

    def __str__(self) -> str:
        return f"{self.question}: {self.answer}"


class ConfirmationQuerySet(models.QuerySet):
    """Words about confirmations."""

    def visible_to(self, user: User) -> Self:
        """As the consultations: practitioners read all, nobody else any."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()


class ConsultationConfirmation(models.Model):
    """All questions asked again, and nothing has changed: the consultation's validity counts from here.

    Signed from birth: it can be called an error like the records that are signed.
    """

    consultation = models.ForeignKey(
        Consultation, models.PROTECT, related_name="confirmations", verbose_name=_("consultation")
    )
    note = models.CharField(_("note"), max_length=1000, blank=True)
    confirmed_at = models.DateTimeField(_("confirmed at"))
    confirmed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("confirmed by"))

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation of a consultation")
        verbose_name_plural = _("confirmations of consultations")
        ordering = ["confirmed_at", "pk"]
        triggers = [
            *append_only("consultation_confirmation"),
            sees_what_is_committed("consultation_confirmation"),
            guard(
                "consultation_confirmation_signed",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_consultation c
                        WHERE c.id = NEW.consultation_id AND c.signed_at <= NEW.confirmed_at
                            AND c.outcome IN ('eligible', 'eligible_with_conditions')
                    ) THEN
                        {refuse("consultation_confirmation_signed", "Only a signed consultation that found the patient suitable can be confirmed.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultation}: {self.confirmed_at:%Y-%m-%d}"

    @property
    def patient(self) -> Patient:
        """Whose consultation it is."""
        return self.consultation.patient

    @property
    def patient_id(self) -> uuid.UUID:
        """Whose consultation it is, without reading the patient."""
        return self.consultation.patient_id

    @property
    def signed_at(self) -> datetime:
        """When it was made: it is signed from birth."""
        return self.confirmed_at
