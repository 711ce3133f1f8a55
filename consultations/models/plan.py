"""Plans and their sessions-to-be. Progress is derived from rows, never counted in a column."""

import uuid
from typing import Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    append_only,
    check,
    guard,
    on_a_kept_record,
    only_transitions,
    refuse,
    refuse_truncate,
    sees_what_is_committed,
)
from clinic.enums import Role
from clinic.models import Appointment, Patient, User
from consultations.enums import (
    OPEN_PLANS,
    PLAN_BORN_AS,
    PLAN_MOVES,
    IntervalUnit,
    PlanStatus,
)
from consultations.models.consultation import Consultation
from consultations.models.formula import Formula
from consultations.models.patch_test_policy import PatchTestPolicy
from consultations.models.reference import Indication, PlanTemplate, Technique


class PlanQuerySet(models.QuerySet):
    """Words about plans."""

    def visible_to(self, user: User) -> Self:
        """Practitioners see plans; reception sees only what `clinic.readiness` tells of them."""
        return self if user.has_role(Role.PRACTITIONER) else self.none()

    def open(self) -> Self:
        """Proposed, active or on hold."""
        return self.filter(status__in=OPEN_PLANS)


def _is_published(table: str, key: str) -> str:
    """SQL: the version of reference data that the new row's key names is published."""
    return f"EXISTS (SELECT 1 FROM consultations_{table} WHERE id = NEW.{key} AND published_at IS NOT NULL)"


@pghistory.track(append_only=True)
class Plan(models.Model):
    """One course of treatment for one indication: technique, formula, template. Its own pathway with its own stepper."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="plans", verbose_name=_("patient"))
    consultation = models.OneToOneField(
        Consultation,
        models.PROTECT,
        related_name="plan",
        verbose_name=_("consultation"),
    )
    indication = models.ForeignKey(Indication, models.PROTECT, related_name="+", verbose_name=_("indication"))
    technique = models.ForeignKey(Technique, models.PROTECT, related_name="+", verbose_name=_("technique"))
    formula = models.ForeignKey(Formula, models.PROTECT, related_name="+", verbose_name=_("formula"))
    template = models.ForeignKey(PlanTemplate, models.PROTECT, related_name="+", verbose_name=_("template"))
    test_policy = models.ForeignKey(
        PatchTestPolicy, models.PROTECT, related_name="+", verbose_name=_("test policy")
    )
    status = models.CharField(_("status"), max_length=10, choices=PlanStatus, default=PlanStatus.PROPOSED)
    starts_on = models.DateField(_("wanted start"), null=True, blank=True)
    created_at = models.DateTimeField(editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["created_at"]
        indexes = [
            # The worklists read the active plans a few at a time, the latest first; a clinic has gathered many others.
            models.Index(
                fields=["-created_at", "id"], name="plan_active", condition=Q(status=PlanStatus.ACTIVE)
            ),
        ]
        constraints = [
            check(
                "plan_status_known",
                Q(status__in=PlanStatus.values),
                _("Unknown status."),
            ),
        ]
        triggers = [
            only_transitions("plan", column="status", born_as=PLAN_BORN_AS, moves=PLAN_MOVES),
            refuse_truncate("plan_no_truncate"),
            guard(
                "plan_fixed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=f"""
                    IF OLD.status <> 'proposed' AND (
                        TG_OP = 'DELETE'
                        OR to_jsonb(NEW) - ARRAY['status', 'starts_on']
                            <> to_jsonb(OLD) - ARRAY['status', 'starts_on']
                    ) THEN
                        {refuse("plan_fixed", "An agreed plan cannot be changed; stop it and make a new one.")}
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "plan_resume_cleared",
                operation=pgtrigger.UpdateOf("status"),
                declare=[("since", "timestamptz")],
                func=f"""
                    IF OLD.status <> 'on_hold' OR NEW.status <> 'active' THEN RETURN NEW; END IF;
                    since := plan_allergic_since(NEW.id);
                    IF since IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM consultations_testreading r
                        JOIN consultations_patchtest t ON t.id = r.patch_test_id
                        WHERE t.patient_id = NEW.patient_id AND r.result = 'negative' AND t.given_at > since
                            AND t.search_id IS NULL AND gate_codes(NEW.id) <@ t.component_codes::text[]
                            AND NOT EXISTS (SELECT 1 FROM consultations_testreading n WHERE n.supersedes_id = r.id)
                            AND NOT EXISTS (
                                SELECT 1 FROM consultations_enteredinerror e
                                WHERE e.reading_id = r.id OR e.patch_test_id = t.id
                            )
                    ) THEN
                        {refuse("plan_resume_cleared", "After an allergic reaction a plan waits for a new test.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "plan_same_patient",
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_consultation
                        WHERE id = NEW.consultation_id AND patient_id = NEW.patient_id
                    ) THEN
                        {refuse("plan_same_patient", "The plan and its consultation belong to different patients.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "plan_published",
                operation=pgtrigger.Insert
                | pgtrigger.UpdateOf("technique_id", "formula_id", "template_id", "test_policy_id"),
                func=f"""
                    IF NOT (
                        {_is_published("technique", "technique_id")} AND {_is_published("formula", "formula_id")}
                        AND {_is_published("plantemplate", "template_id")}
                        AND {_is_published("patchtestpolicy", "test_policy_id")}
                    ) THEN
                        {refuse("plan_published", "A plan names published versions, not ones being prepared.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("plan"),
            sees_what_is_committed("plan"),
        ]

    def __str__(self) -> str:
        return f"{self.indication} · {self.formula}"


class PlanStatusChange(models.Model):
    """Why a plan was held, resumed, stopped or completed. Permanent."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="status_changes")
    status = models.CharField(max_length=10, choices=PlanStatus)
    reason = models.CharField(_("reason"), max_length=1000)
    adverse_event = models.ForeignKey(
        "consultations.AdverseEvent",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="plan_changes",
        verbose_name=_("because of"),
    )
    test_reading = models.ForeignKey(
        "consultations.TestReading",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="plan_changes",
        verbose_name=_("because of the reading"),
    )
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status changes")
        ordering = ["-changed_at", "-pk"]
        triggers = append_only("plan_status_change")

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.reason}"


@pghistory.track(append_only=True)
class PlannedSession(models.Model):
    """One session of a plan: so long after the one before. The window follows from what was really given.

    `appointment` is the visit that holds its place now; a cancelled visit lets go of it. `formula` where it is not the
    plan's: consent and test of the plan's cover it, because it holds nothing else and nothing stronger.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="planned_sessions")
    ordinal = models.PositiveSmallIntegerField(_("session"))
    interval = models.PositiveSmallIntegerField(_("after the one before"))
    unit = models.CharField(max_length=10, choices=IntervalUnit)
    min_gap_days = models.PositiveSmallIntegerField(_("at least days after the one before"))
    formula = models.ForeignKey(
        Formula, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("its own formula")
    )
    appointment = models.OneToOneField(
        Appointment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="planned_session",
    )

    class Meta:
        verbose_name = _("planned session")
        verbose_name_plural = _("planned sessions")
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "ordinal"],
                name="planned_session_once",
                violation_error_message=_("The plan has a session with this number already."),
            ),
            check(
                "planned_session_ordinal",
                Q(ordinal__gte=1),
                _("Sessions count from one."),
            ),
        ]
        triggers = [
            guard(
                "planned_session_same_patient",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("appointment_id"),
                func=f"""
                    IF NEW.appointment_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM clinic_appointment a JOIN consultations_plan p ON p.patient_id = a.patient_id
                        WHERE a.id = NEW.appointment_id AND p.id = NEW.plan_id
                    ) THEN
                        {refuse("planned_session_same_patient", "The visit belongs to a different patient.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "planned_session_fixed",
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func=f"""
                    IF (TG_OP <> 'UPDATE' OR to_jsonb(NEW) - 'appointment_id' <> to_jsonb(OLD) - 'appointment_id')
                        AND EXISTS (
                            SELECT 1 FROM consultations_plan WHERE status <> 'proposed' AND (
                                (TG_OP <> 'INSERT' AND id = OLD.plan_id) OR (TG_OP <> 'DELETE' AND id = NEW.plan_id)
                            )
                        ) THEN
                        {refuse("planned_session_fixed", "The sessions of an agreed plan are fixed.")}
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
            guard(
                "planned_session_formula",
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("formula_id", "plan_id"),
                func=f"""
                    IF NEW.formula_id IS NOT NULL AND (
                        NOT {_is_published("formula", "formula_id")} OR EXISTS (
                            SELECT 1 FROM consultations_formulapart part
                            JOIN consultations_component c ON c.id = part.component_id
                            WHERE part.formula_id = NEW.formula_id AND NOT EXISTS (
                                SELECT 1 FROM consultations_plan plan
                                JOIN consultations_formulapart whole ON whole.formula_id = plan.formula_id
                                JOIN consultations_component wc ON wc.id = whole.component_id
                                WHERE plan.id = NEW.plan_id AND wc.code = c.code AND whole.strength >= part.strength
                            )
                        )
                    ) THEN
                        {
                    refuse(
                        "planned_session_formula",
                        "A session's own formula holds nothing that the plan's does not, and nothing stronger.",
                    )
                }
                    END IF;
                    RETURN NEW;
                """,
            ),
            sees_what_is_committed("planned_session"),
            refuse_truncate("planned_session_no_truncate"),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.ordinal}"
