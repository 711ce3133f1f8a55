"""Answers that a patient gives after the consultation, and what each means for a plan from then on."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import JSONObject
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
from clinic.models import Patient, User
from consultations.enums import Answer, AnswerSource, Decision
from consultations.models.check_in import CheckIn
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.plan import Plan
from consultations.models.reference import ContraindicationQuestion


class HealthAnswer(models.Model):
    """One question answered anew; what was said at the consultation stays there. Permanent from birth."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(
        Patient, models.PROTECT, related_name="health_answers", verbose_name=_("patient")
    )
    question = models.ForeignKey(
        ContraindicationQuestion, models.PROTECT, related_name="+", verbose_name=_("question")
    )
    answer = models.CharField(_("answer"), max_length=10, choices=Answer)
    event_on = models.DateField(_("when it was, or ends"), null=True, blank=True)
    event_unknown = models.BooleanField(_("nobody knows the day"), default=False)
    source = models.CharField(_("how it was said"), max_length=20, choices=AnswerSource)
    check_in = models.ForeignKey(
        CheckIn, models.PROTECT, null=True, blank=True, related_name="answers", verbose_name=_("check-in")
    )
    override_reason = models.CharField(_("why it may go on"), max_length=1000, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("recorded by"))

    objects = ClinicalQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer since the consultation")
        verbose_name_plural = _("answers since the consultation")
        ordering = ["-recorded_at"]
        constraints = [
            check(
                "health_answer_event",
                Q(event_on=None) | ~Q(answer=Answer.NO),
                _("What was answered with no has no day."),
            ),
            check(
                "health_answer_event_unknown",
                Q(event_unknown=False) | (Q(event_on=None) & ~Q(answer=Answer.NO)),
                _("Either the day, or that nobody knows it; and neither after a no."),
            ),
            check(
                "health_answer_check_in",
                Q(check_in=None) | Q(source=AnswerSource.CHECK_IN),
                _("Only what was said at a check-in belongs to one."),
            ),
        ]
        triggers = [
            *append_only("health_answer"),
            guard(
                "health_answer_same_patient",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NEW.check_in_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM consultations_checkin WHERE id = NEW.check_in_id AND patient_id = NEW.patient_id
                    ) THEN
                        {refuse("health_answer_same_patient", "The check-in belongs to a different patient.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("health_answer"),
            sees_what_is_committed("health_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.question}: {self.answer}"


@dataclass(frozen=True, slots=True)
class StandingStop:
    """A stop as the rules judge by it: what for, since when, until when, and when it was lifted."""

    name: str
    decision: str
    defer_until: date | None
    since: datetime
    lifted_at: datetime | None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `PlanStop.objects.as_rows()`."""
        day, lifted = row["defer_until"], row["lifted_at"]
        return cls(
            row["name"],
            row["decision"],
            date.fromisoformat(day) if day else None,
            datetime.fromisoformat(row["since"]),
            datetime.fromisoformat(lifted) if lifted else None,
        )


class PlanStopQuerySet(ClinicalQuerySet):
    """Words about stops."""

    def standing(self) -> Self:
        """Not lifted."""
        return self.filter(lifted_at=None)

    def as_rows(self) -> Self:
        """One JSON value each, to be read with the plan itself."""
        row = JSONObject(
            name="answer__question__name",
            decision="decision",
            defer_until="defer_until",
            since="answer__recorded_at",
            lifted_at="lifted_at",
        )
        return self.order_by("answer__recorded_at", "pk").values(json=row)


@pghistory.track(append_only=True)
class PlanStop(models.Model):
    """What an answer means for one plan: nothing is injected until its day, or until a practitioner lifts it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    answer = models.ForeignKey(HealthAnswer, models.PROTECT, related_name="stops", verbose_name=_("answer"))
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="stops", verbose_name=_("plan"))
    decision = models.CharField(_("decision"), max_length=10, choices=Decision)
    defer_until = models.DateField(_("not before"), null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True, editable=False)
    lifted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    lift_reason = models.CharField(_("why it goes on"), max_length=1000, null=True, blank=True)

    objects = PlanStopQuerySet.as_manager()

    class Meta:
        verbose_name = _("stop")
        verbose_name_plural = _("stops")
        ordering = ["answer__recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["answer", "plan"],
                name="plan_stop_once",
                violation_error_message=_("This answer stops the plan already."),
            ),
            check(
                "plan_stop_decided",
                Q(decision=Decision.DEFER, defer_until__isnull=False)
                | Q(decision__in=[Decision.BLOCK, Decision.OVERRIDE], defer_until=None),
                _("A wait has its day; what rules treatment out has none."),
            ),
            recorded_together(
                "plan_stop_lifted_together",
                "lifted_at",
                "lifted_by",
                "lift_reason",
                message=_("Lifting says who, when and why."),
            ),
        ]
        triggers = [
            *frozen_once(
                "plan_stop",
                """TG_OP = 'DELETE' OR OLD.lifted_at IS NOT NULL
                    OR to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
                        <> to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason}'::text[]""",
            ),
            sees_what_is_committed("plan_stop"),
            guard(
                "plan_stop_same_patient",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_healthanswer a
                        JOIN consultations_plan p ON p.patient_id = a.patient_id
                        WHERE a.id = NEW.answer_id AND p.id = NEW.plan_id
                    ) THEN
                        {refuse("plan_stop_same_patient", "The answer and the plan belong to different patients.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.answer}: {self.decision}"
