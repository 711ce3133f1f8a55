"""Who opened whose record. What was changed is in the event tables that pghistory keeps beside each table."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only
from clinic.enums import Role
from clinic.models.people import Patient
from clinic.models.user import User


class RecordOpenedQuerySet(models.QuerySet):
    """Questions an admin asks of the log."""

    def visible_to(self, user: User) -> Self:
        """Admins only (docs/security.md)."""
        return self if user.has_role(Role.ADMIN) else self.none()


class RecordOpened(models.Model):
    """Somebody opened a patient's clinical page. Holds no clinical text."""

    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who"))
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("whose record"))
    page = models.CharField(_("page"), max_length=100)

    objects = RecordOpenedQuerySet.as_manager()

    class Meta:
        verbose_name = _("record opened")
        verbose_name_plural = _("records opened")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index("patient", "at", name="record_opened_patient"),
            models.Index("user", "at", name="record_opened_user"),
        ]
        triggers = append_only("record_opened")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.user}: {self.patient}"
