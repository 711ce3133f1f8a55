"""People who want to be seen and have no time yet."""

import uuid
from typing import Self

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, recorded_together, refuse_truncate
from clinic.enums import Role
from clinic.models.appointment import Appointment
from clinic.models.people import Patient
from clinic.models.user import User


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
        triggers = [refuse_truncate("walk_in_no_truncate")]

    def __str__(self) -> str:
        return f"{self.patient}: {self.wants}"
