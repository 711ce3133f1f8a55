"""Erasures: that a patient's record is to be erased, and what was done about it."""

import uuid
from typing import Self
from uuid import UUID

import pghistory
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, frozen_once, recorded_together, sees_what_is_committed
from clinic.enums import ErasureKind, ErasureStage, Role
from clinic.models.people import Patient
from clinic.models.user import User

_WITHDRAWN = "'{withdrawn_at,withdrawn_by_id,withdrawn_because}'::text[]"


class ErasureQuerySet(models.QuerySet):
    """Words about erasures."""

    def visible_to(self, user: User) -> Self:
        """Admins, who decide them. That a record was erased, its page tells everybody."""
        return self if user.has_role(Role.ADMIN) else self.none()

    def in_force(self) -> Self:
        """Not withdrawn."""
        return self.filter(withdrawn_at=None)

    def of(self, *patients: Patient | UUID | None) -> Self:
        """Of these records."""
        return self.filter(patient__in=patients)

    def withdrawable(self) -> Self:
        """In force, and nothing was done yet."""
        return self.in_force().exclude(Exists(ErasureDone.objects.filter(erasure=OuterRef("pk"))))

    def unfinished(self) -> Self:
        """In force, with a stage that was not carried out yet."""
        last = ErasureDone.objects.filter(erasure=OuterRef("pk"), stage=ErasureStage.RECORD)
        return self.in_force().exclude(Exists(last))

    def with_people(self) -> Self:
        """With the patient, the people and what was done, in two queries."""
        return self.select_related("patient", "decided_by", "withdrawn_by").prefetch_related("done")


@pghistory.track(append_only=True)
class Erasure(models.Model):
    """Somebody decided that this record is erased: what the law has kept goes when its time is over, the rest before.

    `not_before` is the moment until which nothing is done: a record of somebody else may have been meant.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="erasures", verbose_name=_("patient"))
    kind = models.CharField(_("why"), max_length=10, choices=ErasureKind)
    reason = models.CharField(_("in your words"), max_length=300)
    not_before = models.DateTimeField(_("not carried out before"))
    decided_at = models.DateTimeField(_("decided at"))
    decided_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("decided by"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("withdrawn by")
    )
    withdrawn_because = models.CharField(_("why it was withdrawn"), max_length=300, null=True, blank=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-decided_at", "pk"]
        constraints = [
            check("erasure_kind_known", Q(kind__in=ErasureKind.values), _("Choose a kind from the list.")),
            check("erasure_because", Q(reason__regex=r"\S"), _("Say why the record is erased.")),
            check(
                "erasure_not_at_once",
                Q(not_before__gt=F("decided_at")),
                _("An erasure can be withdrawn for a while before anything is done."),
            ),
            recorded_together(
                "erasure_withdrawn_together",
                "withdrawn_at",
                "withdrawn_by",
                "withdrawn_because",
                message=_("Withdrawing says who, when and why."),
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(withdrawn_at=None),
                name="erasure_once",
                violation_error_message=_("The erasure of this record was decided already."),
            ),
        ]
        triggers = [
            *frozen_once(
                "erasure",
                "TG_OP = 'DELETE' OR OLD.withdrawn_at IS NOT NULL"
                f" OR to_jsonb(NEW) - {_WITHDRAWN} <> to_jsonb(OLD) - {_WITHDRAWN}"
                " OR EXISTS (SELECT FROM clinic_erasuredone WHERE erasure_id = OLD.id)",
            ),
            sees_what_is_committed("erasure"),
        ]

    def __str__(self) -> str:
        return f"№ {self.patient.number}, {self.get_kind_display()}"

    @property
    def stages_done(self) -> dict[int, "ErasureDone"]:
        """What was carried out, by stage."""
        return {each.stage: each for each in self.done.all()}


class ErasureDone(models.Model):
    """One stage of an erasure was carried out: written by the owner of the tables, as everything an erasure does.

    `counts` says by table how many rows went, were overwritten and stay; `files` names the photographs' files that went
    with it. Neither says anything about whose they were.
    """

    erasure = models.ForeignKey(Erasure, models.PROTECT, related_name="done", verbose_name=_("erasure"))
    stage = models.PositiveSmallIntegerField(_("stage"), choices=ErasureStage)
    done_at = models.DateTimeField(_("carried out at"))
    counts = models.JSONField(_("rows"), default=dict)
    files = models.JSONField(_("files"), default=list)

    class Meta:
        verbose_name = _("stage of an erasure")
        verbose_name_plural = _("stages of erasures")
        ordering = ["stage"]
        constraints = [
            check(
                "erasure_done_stage_known",
                Q(stage__in=ErasureStage.values),
                _("There are two stages."),
            ),
            models.UniqueConstraint(
                fields=["erasure", "stage"],
                name="erasure_done_once",
                violation_error_message=_("This stage was carried out already."),
            ),
        ]
        triggers = append_only("erasure_done")

    def __str__(self) -> str:
        return f"{self.erasure_id}: {self.get_stage_display()}"
