"""Case files: one patient's record, opened to one person for a complaint, a recall or a question of the authorities."""

import uuid
from datetime import datetime, timedelta
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Exists, F, Max, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import append_only, check, final_once, guard, recorded_together, refuse, sees_what_is_committed
from clinic.enums import CaseKind, Role
from clinic.models.people import Patient
from clinic.models.user import User

LONGEST_PERIOD = timedelta(days=90)
_MEANT = ("patient_id", "kind", "title", "reference", "as_of", "opened_at", "opened_by_id")


class CaseFileQuerySet(models.QuerySet):
    """Words about case files."""

    def visible_to(self, user: User) -> Self:
        """That there is one, everybody may know; what the record says is for the owner alone (`readable_by`)."""
        return self if user.has_role(*Role) else self.none()

    def open(self) -> Self:
        """Not closed. One whose time has run out reads nothing, and is still open: nobody has said how it ended."""
        return self.filter(closed_at=None)

    def readable_by(self, user: User, at: datetime) -> Self:
        """Those that open a record to `user` now: their own, open, within their time, and while they are an admin."""
        if not user.has_role(Role.ADMIN):
            return self.none()
        running = CaseFilePeriod.objects.filter(case_file=OuterRef("pk")).running(at)
        return self.open().filter(Exists(running), opened_by=user)

    def with_end(self) -> Self:
        """With `ends_at`, the end of the last period, and the people, in the same query."""
        return self.annotate(ends_at=Max("periods__ends_at")).select_related(
            "patient", "opened_by", "closed_by"
        )

    def open_first(self) -> Self:
        """What is open before what is closed, the newest first."""
        return self.order_by(F("closed_at").desc(nulls_first=True), "-opened_at", "pk")


@pghistory.track(append_only=True)
class CaseFile(models.Model):
    """For what, about whom and as of when a record is read by somebody who treats nobody.

    `as_of` is the moment as of which the record is shown. What is meant never changes; a case is closed once, with how
    it ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="case_files", verbose_name=_("patient"))
    kind = models.CharField(_("kind"), max_length=10, choices=CaseKind)
    title = models.CharField(_("what it is about"), max_length=200)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    as_of = models.DateTimeField(_("the record as it stood at"))
    opened_at = models.DateTimeField(_("opened at"))
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("owner"))
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("closed by")
    )
    outcome = models.CharField(_("how it ended"), max_length=1000, blank=True)

    objects = CaseFileQuerySet.as_manager()

    class Meta:
        verbose_name = _("case file")
        verbose_name_plural = _("case files")
        ordering = ["-opened_at", "pk"]
        indexes = [
            models.Index("patient", name="case_file_open", condition=Q(closed_at=None)),
        ]
        constraints = [
            check("case_file_kind_known", Q(kind__in=CaseKind.values), _("Choose a kind from the list.")),
            check("case_file_titled", Q(title__regex=r"\S"), _("Say what the case is about.")),
            check(
                "case_file_as_it_stood",
                Q(as_of__lte=F("opened_at")),
                _("The record can be shown as it stood in the past, not as it will stand."),
            ),
            recorded_together(
                "case_file_closed_together",
                "closed_at",
                "closed_by",
                message=_("A case that is closed says when and by whom."),
            ),
            check(
                "case_file_closed_with_outcome",
                Q(closed_at=None, outcome="") | Q(closed_at__gte=F("opened_at"), outcome__regex=r"\S"),
                _("Say how the case ended."),
            ),
        ]
        triggers = final_once(
            "case_file",
            column="closed_at",
            meant=_MEANT,
            sentence="A case file never changes; close it and open another one.",
        )

    def __str__(self) -> str:
        return self.title


class CaseFilePeriodQuerySet(models.QuerySet):
    """Words about the time a case file has."""

    def running(self, at: datetime) -> Self:
        """Begun and not run out."""
        return self.filter(recorded_at__lte=at, ends_at__gt=at)


class CaseFilePeriod(models.Model):
    """For how long a case file opens its record, and why: the first with the case, one more each time it is extended."""

    case_file = models.ForeignKey(
        CaseFile, models.PROTECT, related_name="periods", verbose_name=_("case file")
    )
    reason = models.CharField(_("reason"), max_length=500)
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("by"))
    ends_at = models.DateTimeField(_("until"))

    objects = CaseFilePeriodQuerySet.as_manager()

    class Meta:
        verbose_name = _("period of a case file")
        verbose_name_plural = _("periods of case files")
        ordering = ["recorded_at", "pk"]
        constraints = [
            check(
                "case_file_period_because", Q(reason__regex=r"\S"), _("Say why the record has to be read.")
            ),
            check(
                "case_file_period_ends",
                Q(ends_at__gt=F("recorded_at"), ends_at__lte=F("recorded_at") + LONGEST_PERIOD),
                _("A record is open for 90 days at most; extend the case when they are over."),
            ),
        ]
        triggers = [
            guard(
                "case_file_period_by_owner",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT FROM clinic_casefile WHERE id = NEW.case_file_id
                            AND closed_at IS NULL AND opened_by_id = NEW.recorded_by_id
                    ) THEN
                        {refuse("case_file_period_by_owner", "Only the owner gives a case more time, while it is open.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            sees_what_is_committed("case_file_period"),
            *append_only("case_file_period"),
        ]

    def __str__(self) -> str:
        return self.reason
