"""Who opened whose record. What was changed is in the event tables that pghistory keeps beside each table."""

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check
from clinic.enums import Reading, Role
from clinic.models.case_file import CaseFile
from clinic.models.emergency import EmergencyOpening
from clinic.models.log import LogQuerySet
from clinic.models.people import Patient
from clinic.models.user import User


class RecordOpenedQuerySet(LogQuerySet):
    """Questions an admin asks of the log."""

    def visible_to(self, user: User) -> Self:
        """Admins only (docs/security.md)."""
        return self if user.has_role(Role.ADMIN) else self.none()


class RecordOpened(models.Model):
    """Somebody opened, printed or exported a patient's clinical page. Holds no clinical text."""

    at = models.DateTimeField(_("at"))
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("who"))
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("whose record"))
    page = models.CharField(_("page"), max_length=100)
    kind = models.CharField(
        _("what was done"), max_length=10, choices=Reading.choices, default=Reading.OPENED
    )
    # Why somebody who treats nobody could open it.
    case_file = models.ForeignKey(
        CaseFile,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="readings",
        verbose_name=_("case file"),
    )
    emergency = models.ForeignKey(
        EmergencyOpening,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="readings",
        verbose_name=_("emergency opening"),
    )

    reason = models.CharField(_("for whom and why"), max_length=200, blank=True)

    objects = RecordOpenedQuerySet.as_manager()

    class Meta:
        verbose_name = _("record opened")
        verbose_name_plural = _("records opened")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index("patient", "at", name="record_opened_patient"),
            models.Index("user", "at", name="record_opened_user"),
            # Few have either, and every opening of a record writes here.
            models.Index("case_file", name="record_opened_case", condition=models.Q(case_file__isnull=False)),
            models.Index(
                "emergency", name="record_opened_emergency", condition=models.Q(emergency__isnull=False)
            ),
        ]
        constraints = [
            check(
                "record_opened_kind_known",
                models.Q(kind__in=Reading.values),
                _("A record is opened, printed or exported."),
            ),
            check(
                "record_opened_one_reason",
                models.Q(case_file=None) | models.Q(emergency=None),
                _("A record is opened for a case or in an emergency, not both."),
            ),
        ]
        triggers = append_only("record_opened")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.user}: {self.patient}"
