"""Consent: a versioned text that names the formula, signed by the patient or a representative."""

import uuid

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, frozen_once
from clinic.models import Patient, User
from consultations.enums import Signer
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.formula import Formula
from consultations.models.plan import Plan
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class ConsentText(Versioned):
    """What is agreed to. `body` may name {formula}, {components}, {technique}, {sessions} and {indication}."""

    body = models.TextField(_("text"))

    class Meta(Versioned.Meta):
        verbose_name = _("consent text")
        verbose_name_plural = _("consent texts")
        triggers = published_is_final("consent_text")


class ConsentQuerySet(ClinicalQuerySet):
    """Words about consents."""

    def in_force(self) -> "ConsentQuerySet":
        """Signed, neither withdrawn nor entered in error."""
        return self.filter(withdrawal=None, entered_in_error=None)


@pghistory.track(append_only=True)
class Consent(models.Model):
    """One signature under one text for one plan. Signed when it is made; `words` is the text as it was shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="consents", verbose_name=_("patient"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="consents", verbose_name=_("plan"))
    formula = models.ForeignKey(Formula, models.PROTECT, related_name="+", verbose_name=_("formula"))
    text = models.ForeignKey(ConsentText, models.PROTECT, related_name="+", verbose_name=_("text"))
    words = models.TextField(_("as shown"))
    signer = models.CharField(_("signed by"), max_length=20, choices=Signer)
    signer_name = models.CharField(_("name of the signer"), max_length=200)
    signer_relation = models.CharField(_("relation to the patient"), max_length=100, blank=True)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("witnessed by"))
    content_hash = models.CharField(max_length=64)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-signed_at"]
        constraints = [
            check(
                "consent_signer_named",
                ~Q(signer_name=""),
                _("Type the name of the person who signs."),
            ),
            check(
                "consent_representative_relation",
                Q(signer=Signer.PATIENT) | ~Q(signer_relation=""),
                _("Say how the representative is related to the patient."),
            ),
        ]
        triggers = frozen_once("consent")

    def __str__(self) -> str:
        return f"{self.text} v{self.text.version}"


class ConsentWithdrawal(models.Model):
    """The patient has changed their mind: a new row with immediate effect; the signature stays on record."""

    consent = models.OneToOneField(Consent, models.PROTECT, related_name="withdrawal")
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("withdrawal of consent")
        verbose_name_plural = _("withdrawals of consent")
        triggers = append_only("consent_withdrawal")

    def __str__(self) -> str:
        return f"{self.consent}: {self.withdrawn_at:%Y-%m-%d}"
