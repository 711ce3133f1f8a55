"""Two records of one person made one, and taken apart again."""

import uuid
from typing import Self

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_once, recorded_together
from clinic.enums import Role
from clinic.models.people import Patient
from clinic.models.user import User

_UNDONE = "'{undone_at,undone_by_id,undone_because}'::text[]"


class PatientMergeQuerySet(models.QuerySet):
    """Words about merges."""

    def visible_to(self, user: User) -> Self:
        """All staff roles: who sees a patient's identity sees what became of it."""
        return self if user.has_role(*Role) else self.none()

    def in_force(self) -> Self:
        """Not taken apart again."""
        return self.filter(undone_at=None)


@pghistory.track(append_only=True)
class PatientMerge(models.Model):
    """The record `patient` was merged into `survivor`: who, when, why, and which rows went with it.

    `moved` holds, by table, the key of each row that went and the number of its event in the history that says so: a
    row with a later event was changed since.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="merges", verbose_name=_("merged record")
    )
    survivor = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("merged into"))
    reason = models.CharField(_("why it is the same person"), max_length=300)
    although = models.CharField(_("why they differ all the same"), max_length=300, blank=True)
    moved = models.JSONField(_("what moved"), default=dict)
    merged_at = models.DateTimeField(_("merged at"))
    merged_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("merged by"))
    undone_at = models.DateTimeField(_("taken apart at"), null=True, blank=True)
    undone_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken apart by")
    )
    undone_because = models.CharField(_("why it was taken apart"), max_length=300, null=True, blank=True)

    objects = PatientMergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of two records")
        verbose_name_plural = _("merges of two records")
        ordering = ["-merged_at", "pk"]
        constraints = [
            check("patient_merge_because", ~Q(reason=""), _("Say how you know that it is the same person.")),
            check(
                "patient_merge_of_two",
                ~Q(patient=F("survivor")),
                _("A record cannot be merged into itself."),
            ),
            recorded_together(
                "patient_merge_undone_together",
                "undone_at",
                "undone_by",
                "undone_because",
                message=_("Taking apart says who, when and why."),
            ),
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(undone_at=None),
                name="patient_merge_once",
                violation_error_message=_("This record was merged already."),
            ),
        ]
        triggers = frozen_once(
            "patient_merge",
            f"TG_OP = 'DELETE' OR OLD.undone_at IS NOT NULL"
            f" OR to_jsonb(NEW) - {_UNDONE} <> to_jsonb(OLD) - {_UNDONE}",
        )

    def __str__(self) -> str:
        return f"№ {self.patient.number} → № {self.survivor.number}"
