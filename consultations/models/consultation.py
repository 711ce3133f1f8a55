"""The pre-treatment consultation, what comes after its signature, and records entered in error."""

import uuid
from datetime import datetime
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    exactly_one,
    frozen_once,
    frozen_with_parent,
    guard,
    recorded_together,
    refuse,
)
from clinic.enums import Role
from clinic.models import Appointment, Patient, Practitioner, User
from consultations.enums import Answer, Decision, Outcome
from consultations.models.reference import (
    ContraindicationQuestion,
    Indication,
    Leaflet,
    ReactionType,
)


class ClinicalQuerySet(models.QuerySet):
    """Words every clinical record shares."""

    def visible_to(self, user: User) -> Self:
        """Practitioners read all patients' clinical records; nobody else reads any (DESIGN 6)."""
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
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="%(class)ss", verbose_name=_("patient")
    )
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
    signed_at = models.DateTimeField(
        _("signed at"), null=True, blank=True, editable=False
    )
    signed_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("signed by"),
    )
    content_hash = models.CharField(
        max_length=64, null=True, blank=True, editable=False
    )

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
    goals = models.TextField(
        _("what the patient hopes for"), max_length=5000, blank=True
    )
    weight_kg = models.DecimalField(
        _("weight, kg"), max_digits=5, decimal_places=1, null=True, blank=True
    )
    discussed_technique = models.BooleanField(_("technique"), default=False)
    discussed_visits = models.BooleanField(_("number of visits"), default=False)
    discussed_alternatives = models.BooleanField(_("alternatives"), default=False)
    discussed_aftercare = models.BooleanField(_("aftercare"), default=False)
    discussed_expectations = models.BooleanField(
        _("what to expect, and what trials found"), default=False
    )
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
    outcome_reason = models.TextField(
        _("reason or conditions"), max_length=5000, blank=True
    )
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
                fields=["consultation", "reaction"], name="discussed_risk_once"
            ),
        ]
        triggers = frozen_with_parent("discussed_risk", **_CHILD_OF_CONSULTATION)

    def __str__(self) -> str:
        return str(self.reaction)


@pghistory.track(append_only=True)
class ContraindicationAnswer(models.Model):
    """The patient's answer, with the decision that applied to this indication, formula and technique."""

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="answers"
    )
    question = models.ForeignKey(
        ContraindicationQuestion, models.PROTECT, related_name="+"
    )
    answer = models.CharField(_("answer"), max_length=10, choices=Answer)
    decision = models.CharField(
        _("decision"), max_length=10, choices=Decision, blank=True
    )
    defer_until = models.DateField(_("not before"), null=True, blank=True)
    override_reason = models.CharField(
        _("why it may go on"), max_length=1000, blank=True
    )
    note = models.CharField(_("note"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["question__position"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "question"], name="contraindication_answer_once"
            ),
            check(
                "contraindication_answer_decided",
                Q(answer=Answer.NO, decision="")
                | (~Q(answer=Answer.NO) & ~Q(decision="")),
                _("A yes or an unknown carries its decision."),
            ),
            check(
                "contraindication_answer_deferred",
                ~Q(decision=Decision.DEFER) | Q(defer_until__isnull=False),
                _("Say from which date treatment is possible."),
            ),
        ]
        triggers = frozen_with_parent(
            "contraindication_answer", **_CHILD_OF_CONSULTATION
        )

    def __str__(self) -> str:
        return f"{self.question}: {self.answer}"


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
        records = ("consultation", "consent", "patch_test", "reading", "session")
        patients = [f"{name}__patient" for name in records]
        return self.select_related(*patients, "requested_by", "confirmed_by")


@pghistory.track(append_only=True)
class EnteredInError(models.Model):
    """A signed record that should not exist. It stays visible and leaves clearance, doses and reports.

    What clears a patient stops clearing at once; what closes something (a positive reading) keeps closing it until
    a second person has confirmed.
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
    reason = models.CharField(_("reason"), max_length=1000)
    requested_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+"
    )
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
        triggers = frozen_once(
            "entered_in_error", "TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL"
        )

    def __str__(self) -> str:
        return self.reason
