"""The check-in of a visit: what the patient is asked again on the day, what was said, and who has looked at it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    frozen_once,
    guard,
    on_a_kept_record,
    recorded_together,
    refuse,
    sees_what_is_committed,
)
from clinic.models import Appointment, Patient, User
from consultations.models.consultation import ClinicalQuerySet
from consultations.models.reference import Versioned, published_is_final


@pghistory.track(append_only=True)
class CheckInQuestion(Versioned):
    """A question of the consultation that is asked again at check-in, in the patient's words, before which visits.

    It names its question by code, because a published question cannot be changed.
    """

    question_code = models.SlugField(_("question"), max_length=80)
    words = models.CharField(_("in the patient's words"), max_length=300)
    event_words = models.CharField(
        _("what to ask about its day"),
        max_length=200,
        blank=True,
        help_text=_("As “When was the last tablet?”; empty where no day is asked."),
    )
    quiet_after_days = models.PositiveSmallIntegerField(
        _("needs no eyes after days"),
        null=True,
        blank=True,
        help_text=_(
            "A yes whose day is so many days before the visit, or longer, waits for nobody; what it stops it stops all"
            " the same. Empty: every yes is looked at."
        ),
    )
    before_sessions = models.BooleanField(_("asked before sessions"), default=True)
    before_tests = models.BooleanField(_("asked before test injections"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("check-in question")
        verbose_name_plural = _("check-in questions")
        ordering = ["position", "code", "-version"]
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "check_in_question_asked",
                Q(before_sessions=True) | Q(before_tests=True),
                _("Say before which visits it is asked; one that is never asked is retired."),
            ),
            check(
                "check_in_question_quiet",
                Q(quiet_after_days=None) | ~Q(event_words=""),
                _("Days can only be counted where a day is asked."),
            ),
        ]
        triggers = published_is_final("check_in_question")


@dataclass(frozen=True, slots=True)
class KnownCheckIn:
    """A check-in as the rules judge by it: it waits until it is answered with nothing but no, or was reviewed."""

    asked_at: datetime
    answered_at: datetime | None
    needs_review: bool
    reviewed_at: datetime | None
    practitioner: str = ""  # whose visit it is: whom the desk asks
    appointment: UUID | None = None

    @classmethod
    def of(cls, row: dict[str, Any]) -> Self:
        """Of a row of `CheckIn.objects.as_rows()`."""
        moments = {
            name: datetime.fromisoformat(row[name]) if row[name] else None
            for name in ("answered_at", "reviewed_at")
        }
        return cls(
            datetime.fromisoformat(row["asked_at"]),
            needs_review=bool(row["needs_review"]),
            practitioner=row["practitioner"],
            appointment=UUID(row["appointment"]),
            **moments,
        )

    @property
    def waits(self) -> bool:
        """Whether a practitioner has to look first."""
        return self.reviewed_at is None and (self.answered_at is None or self.needs_review)

    @property
    def is_settled(self) -> bool:
        """Whether the patient answered, or a practitioner asked instead."""
        return self.answered_at is not None or self.reviewed_at is not None


class CheckInQuerySet(ClinicalQuerySet):
    """Words about check-ins."""

    def to_review(self) -> Self:
        """With an answer that a practitioner has to look at, or handed back without answers."""
        return self.filter(Q(answered_at=None) | Q(needs_review=True), reviewed_at=None)

    def as_rows(self) -> Self:
        """One JSON value each, to be read with the plan itself."""
        names = ("asked_at", "answered_at", "needs_review", "reviewed_at")
        row = JSONObject(
            **{name: name for name in names},
            practitioner="appointment__practitioner__name",
            appointment="appointment_id",
        )
        return self.order_by("asked_at", "pk").values(json=row)


@pghistory.track(append_only=True)
class CheckIn(models.Model):
    """Asked once for a visit, answered once on a screen in the patient's hands, and reviewed once where it has to be.

    `said` holds, question by question, what was asked in which words and what was answered (`answer` is empty where
    the patient left it open), as `{"question", "words", "answer", "event_on"}`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    appointment = models.OneToOneField(
        Appointment, models.PROTECT, related_name="check_in", verbose_name=_("visit")
    )
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="check_ins", verbose_name=_("patient"))
    asked_at = models.DateTimeField(_("asked at"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    said = models.JSONField(_("what was said"), default=list, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    needs_review = models.BooleanField(_("needs a practitioner's eyes"), null=True, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("reviewed by")
    )
    review_note = models.CharField(_("what came of it"), max_length=1000, null=True, blank=True)

    objects = CheckInQuerySet.as_manager()

    class Meta:
        verbose_name = _("check-in")
        verbose_name_plural = _("check-ins")
        ordering = ["-asked_at"]
        constraints = [
            recorded_together(
                "check_in_answered_together",
                "answered_at",
                "needs_review",
                message=_("What was answered says whether somebody has to look at it."),
            ),
            recorded_together(
                "check_in_reviewed_together",
                "reviewed_at",
                "reviewed_by",
                "review_note",
                message=_("A review says who, when and what came of it."),
            ),
            check(
                "check_in_review_worded",
                Q(review_note=None) | ~Q(review_note=""),
                _("Say what came of it."),
            ),
        ]
        triggers = [
            *frozen_once(
                "check_in",
                """TG_OP = 'DELETE' OR OLD.reviewed_at IS NOT NULL
                    OR to_jsonb(NEW) - '{said,answered_at,needs_review,reviewed_at,reviewed_by_id,review_note}'::text[]
                        <> to_jsonb(OLD) - '{said,answered_at,needs_review,reviewed_at,reviewed_by_id,review_note}'::text[]
                    OR (OLD.answered_at IS NOT NULL AND
                        (NEW.said, NEW.answered_at, NEW.needs_review)
                        IS DISTINCT FROM (OLD.said, OLD.answered_at, OLD.needs_review))""",
            ),
            guard(
                "check_in_same_patient",
                operation=pgtrigger.Insert,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id
                    ) THEN
                        {refuse("check_in_same_patient", "The visit belongs to a different patient.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
            on_a_kept_record("check_in"),
            sees_what_is_committed("check_in"),
        ]

    def __str__(self) -> str:
        return f"{self.patient}: {self.appointment_id}"

    @property
    def waits(self) -> bool:
        """Whether a practitioner has to look first; `CheckInQuerySet.to_review()` says the same."""
        return self.reviewed_at is None and (self.answered_at is None or bool(self.needs_review))
