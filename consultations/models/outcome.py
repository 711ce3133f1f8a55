"""Outcomes: scores at sessions, goals with a baseline, reviews with their scores, and what change of a score matters."""

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clinic.db import (
    check,
    frozen_once,
    frozen_with_parent,
    guard,
    on_a_kept_record,
    refuse,
    sees_what_is_committed,
)
from consultations.enums import IntervalUnit, ReviewAnchor, ReviewDecision, ScoreMoment
from consultations.models.consultation import Consultation, Signable
from consultations.models.plan import Plan
from consultations.models.reference import Scale, Versioned, published_is_final
from consultations.models.session import Session


def score_in_range(name: str, *columns: str) -> pgtrigger.Trigger:
    """The columns hold scores of the row's scale: nothing below its lowest or above its highest score."""
    outside = " OR ".join(f"NEW.{column} NOT BETWEEN minimum AND maximum" for column in columns)
    return guard(
        name,
        operation=pgtrigger.Insert | pgtrigger.Update,
        func=f"""
            IF EXISTS (SELECT 1 FROM consultations_scale WHERE id = NEW.scale_id AND ({outside})) THEN
                {refuse(name, "This score lies outside the range of its scale.")}
            END IF;
            RETURN NEW;
        """,
    )


@pghistory.track(append_only=True)
class SessionScore(models.Model):
    """A score taken at a session."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="scores")
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+", verbose_name=_("scale"))
    moment = models.CharField(_("when"), max_length=10, choices=ScoreMoment)
    value = models.DecimalField(_("score"), max_digits=8, decimal_places=2)

    class Meta:
        verbose_name = _("score")
        verbose_name_plural = _("scores")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "scale", "moment"],
                name="session_score_once",
                violation_error_message=_("This score is recorded already."),
            ),
        ]
        triggers = [
            *frozen_with_parent("session_score", parent="consultations_session", key="session_id"),
            score_in_range("session_score_in_range", "value"),
        ]

    def __str__(self) -> str:
        return f"{self.scale} {self.get_moment_display()}: {self.value.normalize():f}"


@pghistory.track(append_only=True)
class ScaleThreshold(Versioned):
    """A change of a score that matters, or a level that counts as a success; the source says who found it so.

    With points and percent either is enough. `is_responder` marks the one that makes a responder.
    """

    scale_code = models.SlugField(_("scale"), max_length=80)
    points = models.DecimalField(_("points better"), max_digits=8, decimal_places=2, null=True, blank=True)
    percent = models.DecimalField(_("per cent better"), max_digits=5, decimal_places=2, null=True, blank=True)
    level = models.DecimalField(
        _("score at least as good as"), max_digits=8, decimal_places=2, null=True, blank=True
    )
    is_responder = models.BooleanField(_("makes a responder"), default=False)
    position = models.PositiveSmallIntegerField(_("order, the smallest change first"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("threshold")
        verbose_name_plural = _("thresholds")
        ordering = ["scale_code", "position", "code", "-version"]
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "scale_threshold_says_what",
                Q(level__isnull=False, points=None, percent=None)
                | (
                    Q(level=None)
                    & (Q(points__isnull=False) | Q(percent__isnull=False))
                    & (Q(points=None) | Q(points__gt=0))
                    & (Q(percent=None) | Q(percent__gt=0))
                ),
                _("Enter points, per cent or both, above zero; or a level alone."),
            ),
        ]
        triggers = published_is_final("scale_threshold")


@pghistory.track(append_only=True)
class ReviewRule(Versioned):
    """When a course is reviewed, and by which scores. A required one closes the sessions after the session it names."""

    template_code = models.SlugField(_("plan template"), max_length=80)
    anchor = models.CharField(_("counts from"), max_length=10, choices=ReviewAnchor)
    session = models.PositiveSmallIntegerField(_("session number"), null=True, blank=True)
    offset = models.PositiveSmallIntegerField(_("how long after"), default=0)
    unit = models.CharField(_("unit"), max_length=10, choices=IntervalUnit, default=IntervalUnit.DAYS)
    scale_codes = ArrayField(
        models.SlugField(max_length=80), verbose_name=_("scores"), default=list, blank=True
    )
    takes_photos = models.BooleanField(_("photographs as well"), default=False)
    is_required = models.BooleanField(_("no later session without it"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("review rule")
        verbose_name_plural = _("review rules")
        ordering = ["template_code", "position", "code", "-version"]
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "review_rule_anchor",
                Q(anchor=ReviewAnchor.SESSION, session__isnull=False, session__gte=1)
                | Q(anchor__in=[ReviewAnchor.START, ReviewAnchor.LAST], session=None),
                _("Name the session that the review counts from, or none."),
            ),
            check(
                "review_rule_required",
                Q(is_required=False) | Q(anchor=ReviewAnchor.SESSION),
                _("Only a review after a session by its number can be required."),
            ),
        ]
        triggers = published_is_final("review_rule")


@pghistory.track(append_only=True)
class Goal(models.Model):
    """What the patient wants to reach, on a scale, with the score before any treatment. Frozen with the consultation."""

    consultation = models.ForeignKey(Consultation, models.CASCADE, related_name="scored_goals")
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+", verbose_name=_("scale"))
    landmark = models.CharField(_("where"), max_length=60, blank=True)
    baseline = models.DecimalField(_("now"), max_digits=8, decimal_places=2, null=True, blank=True)
    target = models.DecimalField(_("wanted"), max_digits=8, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "scale", "landmark"],
                name="goal_once",
                violation_error_message=_("This goal is recorded already."),
            ),
            check(
                "goal_scored",
                Q(baseline__isnull=False) | Q(target__isnull=False),
                _("Enter the score now, the score wanted, or both."),
            ),
        ]
        triggers = [
            *frozen_with_parent("goal", parent="consultations_consultation", key="consultation_id"),
            score_in_range("goal_in_range", "baseline", "target"),
        ]

    def __str__(self) -> str:
        return f"{self.scale}, {self.landmark}" if self.landmark else str(self.scale)


@pghistory.track(append_only=True)
class Review(Signable):
    """An outcome review of a plan: scores against the baseline, what was seen, and how the plan goes on."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="reviews", verbose_name=_("plan"))
    rule = models.ForeignKey(
        ReviewRule,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked for by"),
    )
    words = models.TextField(_("what was seen and said"), max_length=10000, blank=True)
    decision = models.CharField(_("how it goes on"), max_length=10, choices=ReviewDecision, blank=True)

    class Meta(Signable.Meta):
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ["-created_at"]
        constraints = [
            *Signable.Meta.constraints,
            check(
                "review_decision_known",
                Q(decision__in=["", *ReviewDecision.values]),
                _("Unknown decision."),
            ),
            check(
                "review_signed_with_decision",
                Q(signed_at=None) | ~Q(decision=""),
                _("Say how the plan goes on before signing."),
            ),
            models.UniqueConstraint(
                fields=["plan"],
                condition=Q(signed_at=None),
                name="review_one_draft",
                violation_error_message=_("This plan is being reviewed already."),
            ),
        ]
        triggers = [
            *frozen_once("review"),
            on_a_kept_record("review"),
            sees_what_is_committed("review"),
            guard(
                "review_same_patient",
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=f"""
                    IF NOT EXISTS (
                        SELECT 1 FROM consultations_plan WHERE id = NEW.plan_id AND patient_id = NEW.patient_id
                    ) OR (NEW.appointment_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM clinic_appointment WHERE id = NEW.appointment_id AND patient_id = NEW.patient_id
                    )) THEN
                        {refuse("review_same_patient", "Plan, visit and review belong to different patients.")}
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan}: {self.rule or _('review')}"


@pghistory.track(append_only=True)
class ReviewScore(models.Model):
    """One score of a review, or why it was not taken. A missing score stays missing; nothing is filled in."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="scores")
    scale = models.ForeignKey(Scale, models.PROTECT, related_name="+", verbose_name=_("scale"))
    landmark = models.CharField(_("where"), max_length=60, blank=True)
    value = models.DecimalField(_("score"), max_digits=8, decimal_places=2, null=True, blank=True)
    not_taken_reason = models.CharField(_("why it was not taken"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("review score")
        verbose_name_plural = _("review scores")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["review", "scale", "landmark"],
                name="review_score_once",
                violation_error_message=_("This score is recorded already."),
            ),
            check(
                "review_score_value_or_reason",
                Q(value__isnull=False, not_taken_reason="") | (Q(value=None) & ~Q(not_taken_reason="")),
                _("Enter the score, or why it was not taken."),
            ),
        ]
        triggers = [
            *frozen_with_parent("review_score", parent="consultations_review", key="review_id"),
            score_in_range("review_score_in_range", "value"),
        ]

    def __str__(self) -> str:
        return f"{self.scale}: {self.not_taken_reason if self.value is None else format(self.value.normalize(), 'f')}"
