"""Photographs: the views they are taken in, the patient's consent to them, the pictures, and those recorded in error."""

import uuid
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    frozen_once,
    guard,
    on_a_kept_record,
    recorded_together,
    refuse,
    sees_what_is_committed,
)
from clinic.enums import Role
from clinic.models import Patient, User
from consultations.dates import in_words
from consultations.enums import IndicationGroup, PhotoMoment, Signer
from consultations.models.event import AdverseEvent
from consultations.models.outcome import Review
from consultations.models.plan import Plan
from consultations.models.reference import Versioned, published_is_final
from consultations.models.session import Session


@pghistory.track(append_only=True)
class StandardView(Versioned):
    """How a photograph is taken, the same way every time; only pictures of one view are compared."""

    group = models.CharField(_("group"), max_length=20, choices=IndicationGroup)
    instructions = models.TextField(_("how it is taken"), blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("standard view")
        verbose_name_plural = _("standard views")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("standard_view")


@pghistory.track(append_only=True)
class PhotographyText(Versioned):
    """What is agreed to before photographs are kept."""

    body = models.TextField(_("text"))

    class Meta(Versioned.Meta):
        verbose_name = _("photography text")
        verbose_name_plural = _("photography texts")
        triggers = published_is_final("photography_text")


class PhotographyQuerySet(models.QuerySet):
    """Words about consents to photography and about photographs."""

    def visible_to(self, user: User) -> Self:
        """Practitioners see all patients' photographs; nobody else sees any (docs/security.md)."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()

    def standing(self) -> Self:
        """Consents that nobody has withdrawn, the latest first."""
        return self.filter(withdrawal=None).order_by("-signed_at")

    def shown(self) -> Self:
        """Photographs that two people have not called an error; one person alone takes nothing out of sight."""
        waits = Q(removal__confirmed_at=None, removal__alone=False)
        return self.filter(Q(removal=None) | waits).select_related("removal")

    def counted(self) -> Self:
        """Photographs that nobody has called an error: what a review asks for is there with one of these only."""
        return self.filter(removal=None)

    def by_view(self) -> Self:
        """View by view, the latest photograph first."""
        return self.select_related("view").order_by("view__position", "view__code", "-taken_at", "pk")


class PhotographyConsent(models.Model):
    """The patient agrees that photographs are taken and kept. It is no consent to a treatment and clears none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="photography_consents", verbose_name=_("patient")
    )
    text = models.ForeignKey(PhotographyText, models.PROTECT, related_name="+", verbose_name=_("text"))
    words = models.TextField(_("as shown"))
    signer = models.CharField(_("signed by"), max_length=20, choices=Signer)
    signer_name = models.CharField(_("name of the signer"), max_length=200)
    signer_relation = models.CharField(_("relation to the patient"), max_length=100, blank=True)
    signed_at = models.DateTimeField(_("signed at"))
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("witnessed by"))
    content_hash = models.CharField(max_length=64)

    objects = PhotographyQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent to photography")
        verbose_name_plural = _("consents to photography")
        ordering = ["-signed_at"]
        constraints = [
            check(
                "photography_consent_signer_named",
                ~Q(signer_name=""),
                _("Type the name of the person who signs."),
            ),
            check(
                "photography_consent_relation",
                Q(signer=Signer.PATIENT) | ~Q(signer_relation=""),
                _("Say how the representative is related to the patient."),
            ),
        ]
        triggers = [
            *append_only("photography_consent"),
            on_a_kept_record("photography_consent"),
            sees_what_is_committed("photography_consent"),
        ]

    def __str__(self) -> str:
        return f"{self.text} v{self.text.version}"


class PhotographyConsentWithdrawal(models.Model):
    """From now on no photograph is added; those on record stay part of it."""

    consent = models.OneToOneField(PhotographyConsent, models.PROTECT, related_name="withdrawal")
    reason = models.CharField(_("reason"), max_length=1000, blank=True)
    withdrawn_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("withdrawal of the consent to photography")
        verbose_name_plural = _("withdrawals of the consent to photography")
        triggers = append_only("photography_withdrawal")

    def __str__(self) -> str:
        return f"{self.consent}: {self.withdrawn_at:%Y-%m-%d}"


_SAME_PATIENT = refuse(
    "photo_same_patient", "What the photograph is linked to belongs to a different patient."
)


class Photo(models.Model):
    """One photograph; its file has a name of its own and stands outside the database (consultations/photographs.py)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="photos", verbose_name=_("patient"))
    consent = models.ForeignKey(
        PhotographyConsent, models.PROTECT, related_name="photos", verbose_name=_("consent")
    )
    view = models.ForeignKey(StandardView, models.PROTECT, related_name="+", verbose_name=_("view"))
    moment = models.CharField(_("when"), max_length=10, choices=PhotoMoment)
    taken_at = models.DateTimeField(_("taken"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    plan = models.ForeignKey(
        Plan, models.PROTECT, null=True, blank=True, related_name="photos", verbose_name=_("plan")
    )
    session = models.ForeignKey(
        Session, models.PROTECT, null=True, blank=True, related_name="photos", verbose_name=_("session")
    )
    review = models.ForeignKey(
        Review, models.PROTECT, null=True, blank=True, related_name="photos", verbose_name=_("review")
    )
    adverse_event = models.ForeignKey(
        AdverseEvent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="photos",
        verbose_name=_("adverse event"),
    )
    file_name = models.CharField(max_length=32, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    byte_count = models.PositiveIntegerField(_("bytes"), editable=False)
    width = models.PositiveIntegerField(_("width, pixels"), editable=False)
    height = models.PositiveIntegerField(_("height, pixels"), editable=False)
    recorded_at = models.DateTimeField(_("recorded at"), editable=False)
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)

    objects = PhotographyQuerySet.as_manager()

    class Meta:
        verbose_name = _("photograph")
        verbose_name_plural = _("photographs")
        ordering = ["-taken_at", "pk"]
        constraints = [
            check(
                "photo_sized",
                Q(byte_count__gt=0, width__gt=0, height__gt=0),
                _("A photograph has a size."),
            ),
            check(
                "photo_file_named",
                Q(file_name__regex=r"^[0-9a-f]{32}$", sha256__regex=r"^[0-9a-f]{64}$"),
                _("The file of a photograph is named by 32 hexadecimal digits."),
            ),
            check("photo_past", Q(taken_at__lte=F("recorded_at")), _("It was taken before now.")),
            check("photo_moment", Q(moment__in=PhotoMoment.values), _("Before, after or follow-up.")),
            models.UniqueConstraint(
                fields=["file_name"],
                name="photo_file_once",
                violation_error_message=_("This file belongs to another photograph."),
            ),
        ]
        triggers = [
            *append_only("photo"),
            guard(
                "photo_consented",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_photographyconsent consent WHERE consent.id = NEW.consent_id
                            AND consent.patient_id = NEW.patient_id AND consent.signed_at <= NEW.recorded_at
                    ) OR EXISTS (
                        SELECT 1 FROM consultations_photographyconsentwithdrawal WHERE consent_id = NEW.consent_id
                    ) THEN
                        {refuse("photo_consented", "The patient has not consented to photographs, or has withdrawn it.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "photo_same_patient",
                operation=pgtrigger.Insert,
                func="".join(
                    f"""
                    IF NEW.{key} IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM consultations_{table} WHERE id = NEW.{key} AND patient_id = NEW.patient_id
                    ) THEN
                        {_SAME_PATIENT}
                    END IF;
                    """
                    for key, table in (
                        ("plan_id", "plan"),
                        ("session_id", "session"),
                        ("review_id", "review"),
                        ("adverse_event_id", "adverseevent"),
                    )
                )
                + "RETURN NEW;",
            ),
            on_a_kept_record("photo"),
            sees_what_is_committed("photo"),
        ]

    def __str__(self) -> str:
        parts = {"view": self.view, "moment": self.get_moment_display(), "day": in_words(self.taken_at)}
        return _now("%(view)s, %(moment)s, %(day)s") % parts

    @property
    def is_called_an_error(self) -> bool:
        """Whether somebody said that it should not exist, confirmed or not."""
        return getattr(self, "removal", None) is not None

    @property
    def alternative(self) -> str:
        """What the picture is, for who cannot see it; never who is on it."""
        return f"{self}: {self.note}" if self.note else str(self)


class PhotoRemovalQuerySet(models.QuerySet):
    """Words about photographs called an error."""

    def visible_to(self, user: User) -> Self:
        """Practitioners, and admins, who may be the second person: when, who and why, never the picture."""
        return self if user.has_role(Role.PRACTITIONER, Role.ADMIN) else self.none()

    def waiting(self) -> Self:
        """Asked for, and not confirmed by a second person yet."""
        return self.filter(confirmed_at=None, alone=False)


class PhotoRemoval(models.Model):
    """The photograph was recorded in error: once a second person confirms, it is shown to nobody. Its file is kept.

    `alone`: made by one person before a second one was asked for; those photographs stay out of sight.
    """

    photo = models.OneToOneField(Photo, models.PROTECT, related_name="removal")
    reason = models.CharField(_("reason"), max_length=1000)
    removed_at = models.DateTimeField()
    removed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    confirmed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    alone = models.BooleanField(default=False, editable=False)

    objects = PhotoRemovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("removal of a photograph")
        verbose_name_plural = _("removals of photographs")
        constraints = [
            check("photo_removal_reason", ~Q(reason=""), _("Say what was wrong.")),
            recorded_together(
                "photo_removal_confirmed_together",
                "confirmed_by",
                "confirmed_at",
                message=_("A confirmation says who and when."),
            ),
            check(
                "photo_removal_second_person",
                Q(confirmed_by=None) | ~Q(confirmed_by=F("removed_by")),
                _("A second person confirms."),
            ),
        ]
        triggers = frozen_once(
            "photo_removal",
            """TG_OP = 'DELETE' OR OLD.confirmed_at IS NOT NULL OR OLD.alone
                OR to_jsonb(NEW) - '{confirmed_at,confirmed_by_id}'::text[]
                    <> to_jsonb(OLD) - '{confirmed_at,confirmed_by_id}'::text[]""",
        )

    def __str__(self) -> str:
        return self.reason[:60]

    @property
    def waits(self) -> bool:
        """Whether a second person is still to confirm it."""
        return self.confirmed_at is None and not self.alone
