"""What went wrong or may have: reports from the desk, reactions at sessions, deviations from the pathway."""

import uuid
from typing import Self

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    frozen_once,
    frozen_with_parent,
    on_a_kept_record,
    recorded_together,
    sees_what_is_committed,
)
from clinic.enums import Role
from clinic.models import Patient, User
from consultations.enums import TriageOutcome
from consultations.models.plan import Plan
from consultations.models.reference import ReactionType


class ClinicalReportQuerySet(models.QuerySet):
    """Words about reports from the desk."""

    def visible_to(self, user: User) -> Self:
        """Practitioners triage; the desk writes and sees only that somebody will look."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()

    def untriaged(self) -> Self:
        """Nobody has looked yet: red flags first, then the oldest."""
        return self.filter(triaged_at=None).order_by("-red_flag", "reported_at")


@pghistory.track(append_only=True)
class ClinicalReport(models.Model):
    """A caller's words, taken down by the desk. Until a practitioner has looked, no session may start."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="reports", verbose_name=_("patient"))
    words = models.TextField(_("the caller's words"), max_length=5000)
    call_back = models.CharField(_("call back on"), max_length=40, blank=True)
    red_flag = models.BooleanField(_("red flag"), default=False)
    reported_at = models.DateTimeField(_("reported at"))
    reported_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    triaged_at = models.DateTimeField(null=True, blank=True)
    triaged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=20, choices=TriageOutcome, blank=True)
    note = models.TextField(_("note"), max_length=5000, blank=True)

    objects = ClinicalReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report to clinician")
        verbose_name_plural = _("reports to clinician")
        ordering = ["-reported_at"]
        constraints = [
            recorded_together(
                "clinical_report_triaged_together",
                "triaged_at",
                "triaged_by",
                message=_("A triage says who and when."),
            ),
            check(
                "clinical_report_outcome",
                Q(triaged_at=None, outcome="") | (Q(triaged_at__isnull=False) & ~Q(outcome="")),
                _("Choose what came of the report."),
            ),
            check(
                "clinical_report_worded",
                ~Q(words=""),
                _("Write down the caller's words."),
            ),
        ]
        triggers = [
            *frozen_once("clinical_report", "TG_OP = 'DELETE' OR OLD.triaged_at IS NOT NULL"),
            on_a_kept_record("clinical_report"),
            sees_what_is_committed("clinical_report"),
        ]

    def __str__(self) -> str:
        return self.words[:60]


class DeviationQuerySet(models.QuerySet):
    """Words about the incident list."""

    def visible_to(self, user: User) -> Self:
        """Practitioners, and admins (who see the codes, not the findings)."""
        return self if user.has_role(Role.PRACTITIONER, Role.ADMIN) else self.none()

    def told_once(self) -> Self:
        """Without those that the session's signature has told again with more: its own deviation names their codes and
        begins with their reason (`actions.sessions.sign`). They stay on record."""
        whole = Deviation.objects.filter(
            session__isnull=False,
            plan=models.OuterRef("plan"),
            happened_at=models.OuterRef("happened_at"),
            codes__contains=models.OuterRef("codes"),
            reason__startswith=models.OuterRef("reason"),
        ).exclude(pk=models.OuterRef("pk"))
        return self.exclude(models.Exists(whole), session=None, patch_test=None)


class Deviation(models.Model):
    """Something was done although the pathway said no. The truth, by name; it never clears anything. Permanent."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="deviations", verbose_name=_("patient"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="deviations", verbose_name=_("plan"))
    codes = ArrayField(models.SlugField(max_length=60), verbose_name=_("what was missing"))
    reason = models.TextField(_("why it happened"), max_length=5000)
    findings = models.TextField(_("what was found"), max_length=5000, blank=True)
    happened_at = models.DateTimeField(_("happened at"))
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    objects = DeviationQuerySet.as_manager()

    class Meta:
        verbose_name = _("deviation")
        verbose_name_plural = _("deviations")
        ordering = ["-happened_at"]
        constraints = [
            check("deviation_reason", ~Q(reason=""), _("Say why it happened.")),
            check(
                "deviation_codes",
                ~Q(codes=[]),
                _("A deviation names what was missing."),
            ),
        ]
        triggers = [
            *append_only("deviation"),
            on_a_kept_record("deviation"),
            sees_what_is_committed("deviation"),
        ]

    def __str__(self) -> str:
        return self.reason[:60]


@pghistory.track(append_only=True)
class SessionReaction(models.Model):
    """A reaction seen at a session, from the list."""

    session = models.ForeignKey("consultations.Session", models.CASCADE, related_name="reactions")
    reaction = models.ForeignKey(ReactionType, models.PROTECT, related_name="+", verbose_name=_("reaction"))
    grade = models.PositiveSmallIntegerField(_("grade"), default=1)
    note = models.CharField(_("note"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        constraints = [
            models.UniqueConstraint(
                fields=["session", "reaction"],
                name="session_reaction_once",
                violation_error_message=_("This reaction is recorded already."),
            ),
            check(
                "session_reaction_grade",
                Q(grade__range=(1, 5)),
                _("Grades run from 1 to 5."),
            ),
        ]
        triggers = frozen_with_parent("session_reaction", parent="consultations_session", key="session_id")

    def __str__(self) -> str:
        return f"{self.reaction} ({self.grade})"
