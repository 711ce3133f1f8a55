"""Reference data: versioned, immutable once published. A change is a new version; clinical rows point at theirs."""

from datetime import datetime
from typing import ClassVar, Self

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clinic.db import check, frozen_with_parent, guard, refuse, refuse_truncate
from clinic.enums import DeviceKind
from consultations.enums import (
    Better,
    CapDecision,
    CapMeasure,
    Decision,
    IndicationGroup,
    IntervalUnit,
    RuleScope,
    TechniqueFamily,
)


def published_is_final(prefix: str) -> list[pgtrigger.Trigger]:
    """A published version refuses DELETE and every UPDATE but its retirement."""
    name = f"{prefix}_published"
    return [
        guard(
            name,
            operation=pgtrigger.Update | pgtrigger.Delete,
            func=f"""
                IF OLD.published_at IS NOT NULL AND (
                    TG_OP = 'DELETE' OR to_jsonb(NEW) - 'retired_at' <> to_jsonb(OLD) - 'retired_at'
                ) THEN
                    {refuse(name, "This version is published and cannot be changed; make a new version.")}
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                RETURN NEW;
            """,
        ),
        refuse_truncate(f"{prefix}_no_truncate"),
    ]


class VersionedQuerySet(models.QuerySet):
    """Words about versions."""

    def current(self) -> Self:
        """The version in force of each entry."""
        return self.filter(published_at__isnull=False, retired_at=None)

    def in_force_at(self, moment: datetime) -> Self:
        """The version of each entry that was in force at the moment."""
        return self.filter(Q(retired_at=None) | Q(retired_at__gt=moment), published_at__lte=moment)


class Versioned(models.Model):
    """An entry of reference data: `code` stays, `version` counts up, at most one published version is in force."""

    code = models.SlugField(_("code"), max_length=80)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=200)
    source = models.CharField(_("source"), max_length=300, blank=True)
    to_confirm = models.BooleanField(_("clinic to confirm"), default=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True, editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True, editable=False)

    children: ClassVar[tuple[str, ...]] = ()

    objects = VersionedQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version"],
                name="%(class)s_version_once",
                violation_error_message=_("This version exists already."),
            ),
            models.UniqueConstraint(
                fields=["code"],
                condition=Q(published_at__isnull=False, retired_at=None),
                name="%(class)s_one_in_force",
                violation_error_message=_("Another version of this entry is in force."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


@pghistory.track(append_only=True)
class Technique(Versioned):
    """A way of injecting, with what is plausible for it."""

    family = models.CharField(_("family"), max_length=20, choices=TechniqueFamily)
    depth_min_mm = models.DecimalField(_("depth from, mm"), max_digits=4, decimal_places=1)
    depth_max_mm = models.DecimalField(_("depth to, mm"), max_digits=4, decimal_places=1)
    ml_per_point_min = models.DecimalField(
        _("ml per point, from"), max_digits=6, decimal_places=3, null=True, blank=True
    )
    ml_per_point_max = models.DecimalField(
        _("ml per point, to"), max_digits=6, decimal_places=3, null=True, blank=True
    )
    needle = models.CharField(_("needle"), max_length=60, blank=True)
    spacing = models.CharField(_("spacing"), max_length=60, blank=True)
    device_kind = models.CharField(_("device"), max_length=20, choices=DeviceKind, blank=True)
    notes = models.TextField(_("notes"), blank=True)

    class Meta(Versioned.Meta):
        verbose_name = _("technique")
        verbose_name_plural = _("techniques")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "technique_depth_order",
                Q(depth_min_mm__lte=F("depth_max_mm")),
                _("Depths run from low to high."),
            ),
            check(
                "technique_ml_per_point_order",
                Q(ml_per_point_min=None)
                | Q(ml_per_point_max=None)
                | Q(ml_per_point_min__lte=F("ml_per_point_max")),
                _("Millilitres per point run from low to high."),
            ),
        ]
        triggers = published_is_final("technique")


@pghistory.track(append_only=True)
class Indication(Versioned):
    """What a patient comes for, with what trials found: for managing expectations."""

    group = models.CharField(_("group"), max_length=20, choices=IndicationGroup)
    is_cosmetic = models.BooleanField(_("cosmetic"), default=False)
    evidence = models.TextField(_("evidence, for and against"), blank=True)
    icd10 = models.CharField(_("ICD-10"), max_length=40, blank=True)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta(Versioned.Meta):
        verbose_name = _("indication")
        verbose_name_plural = _("indications")
        triggers = published_is_final("indication")


@pghistory.track(append_only=True)
class DoseCap(Versioned):
    """A limit on a component, anywhere or in one formula. The tightest of all that apply wins."""

    component_code = models.SlugField(_("component"), max_length=80)
    formula_code = models.SlugField(_("only in formula"), max_length=80, blank=True)
    measure = models.CharField(_("limits"), max_length=20, choices=CapMeasure)
    decision = models.CharField(_("decision"), max_length=10, choices=CapDecision, default=CapDecision.VALUE)
    limit = models.DecimalField(_("limit"), max_digits=10, decimal_places=3, null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    interval_days = models.PositiveSmallIntegerField(
        _("interval, days"), null=True, blank=True, help_text=_("For a limit on the amount in an interval.")
    )
    zone_view = models.CharField(
        _("only in zones of"),
        max_length=20,
        blank=True,
        help_text=_("A view of the body map, as “face”; for limits per point and per cm²."),
    )

    class Meta(Versioned.Meta):
        verbose_name = _("dose cap")
        verbose_name_plural = _("dose caps")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "dose_cap_decided",
                Q(decision=CapDecision.VALUE, limit__isnull=False, limit__gt=0)
                | (~Q(decision=CapDecision.VALUE) & Q(limit=None)),
                _("A limit is a number above zero; without a limit there is no number."),
            ),
            check(
                "dose_cap_interval",
                Q(measure=CapMeasure.PER_INTERVAL, interval_days__isnull=False, interval_days__gte=1)
                | (~Q(measure=CapMeasure.PER_INTERVAL) & Q(interval_days=None)),
                _("A limit on the amount in an interval says how many days; no other limit does."),
            ),
            check(
                "dose_cap_zone_view",
                Q(zone_view="") | Q(measure__in=[CapMeasure.ML_PER_POINT, CapMeasure.PER_CM2]),
                _("Only limits per point and per cm² can be for one view of the body."),
            ),
        ]
        triggers = published_is_final("dose_cap")


@pghistory.track(append_only=True)
class ContraindicationQuestion(Versioned):
    """One question of the pre-treatment consultation; its rules say what a yes means for whom."""

    question = models.CharField(_("question"), max_length=300)
    defer_days = models.PositiveSmallIntegerField(_("defers for days"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    children = ("rules",)

    class Meta(Versioned.Meta):
        verbose_name = _("contraindication question")
        verbose_name_plural = _("contraindication questions")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("contraindication_question")


class ContraindicationRule(models.Model):
    """What a yes means. Among rules that apply the most specific wins, and of two equally specific ones the stricter."""

    question = models.ForeignKey(ContraindicationQuestion, models.CASCADE, related_name="rules")
    scope = models.CharField(_("applies"), max_length=20, choices=RuleScope, default=RuleScope.GENERAL)
    scope_code = models.SlugField(_("to"), max_length=80, blank=True)
    decision = models.CharField(_("decision"), max_length=10, choices=Decision)

    class Meta:
        verbose_name = _("contraindication rule")
        verbose_name_plural = _("contraindication rules")
        constraints = [
            models.UniqueConstraint(
                fields=["question", "scope", "scope_code"],
                name="contraindication_rule_once",
                violation_error_message=_("There is a rule for this already."),
            ),
            check(
                "contraindication_rule_scope",
                Q(scope=RuleScope.GENERAL, scope_code="") | (~Q(scope=RuleScope.GENERAL) & ~Q(scope_code="")),
                _("A rule for something names it."),
            ),
        ]
        triggers = frozen_with_parent(
            "contraindication_rule",
            parent="consultations_contraindicationquestion",
            key="question_id",
            frozen="published_at IS NOT NULL",
        )

    def __str__(self) -> str:
        return f"{self.question_id} {self.scope} {self.scope_code}: {self.decision}"


@pghistory.track(append_only=True)
class PlanTemplate(Versioned):
    """A usual course for an indication: phases of sessions."""

    indication_code = models.SlugField(_("indication"), max_length=80)
    technique_code = models.SlugField(_("technique"), max_length=80)
    formula_code = models.SlugField(_("usual formula"), max_length=80, blank=True)
    min_gap_days = models.PositiveSmallIntegerField(
        _("hard minimum gap, days"),
        null=True,
        blank=True,
        help_text=_("Empty: four fifths of the interval."),
    )
    review_after_session = models.PositiveSmallIntegerField(_("review after session"), null=True, blank=True)
    scale_code = models.SlugField(_("score taken at each session"), max_length=80, blank=True)
    usual_points = models.PositiveSmallIntegerField(_("usual points"), null=True, blank=True)
    usual_ml_per_point = models.DecimalField(
        _("usual ml per point"), max_digits=6, decimal_places=3, null=True, blank=True
    )
    is_active = models.BooleanField(_("offered"), default=True)

    children = ("phases",)

    class Meta(Versioned.Meta):
        verbose_name = _("plan template")
        verbose_name_plural = _("plan templates")
        triggers = published_is_final("plan_template")


class PlanPhase(models.Model):
    """`count` sessions, each `interval` `unit` after the one before; the plan's first session starts the course."""

    template = models.ForeignKey(PlanTemplate, models.CASCADE, related_name="phases")
    ordinal = models.PositiveSmallIntegerField(_("order"))
    count = models.PositiveSmallIntegerField(_("sessions"))
    interval = models.PositiveSmallIntegerField(_("interval"))
    unit = models.CharField(_("unit"), max_length=10, choices=IntervalUnit, default=IntervalUnit.DAYS)

    class Meta:
        verbose_name = _("phase")
        verbose_name_plural = _("phases")
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["template", "ordinal"],
                name="plan_phase_once",
                violation_error_message=_("There is a phase with this number already."),
            ),
            check(
                "plan_phase_sane",
                Q(count__range=(1, 60), interval__range=(1, 365)),
                _("1 to 60 sessions, 1 to 365 apart."),
            ),
        ]
        triggers = frozen_with_parent(
            "plan_phase",
            parent="consultations_plantemplate",
            key="template_id",
            frozen="published_at IS NOT NULL",
        )

    def __str__(self) -> str:
        return f"{self.count} × {self.interval} {self.unit}"


@pghistory.track(append_only=True)
class AftercareRule(Versioned):
    """What to avoid after a session and for how long."""

    hours = models.PositiveSmallIntegerField(_("hours after the session"))
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("aftercare rule")
        verbose_name_plural = _("aftercare rules")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("aftercare_rule")


@pghistory.track(append_only=True)
class ReactionType(Versioned):
    """A reaction that may follow an injection; `is_discussed` ones are the risks named at every consultation."""

    patient_words = models.CharField(_("in the patient's words"), max_length=200)
    is_discussed = models.BooleanField(_("discussed at the consultation"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("reaction_type")


@pghistory.track(append_only=True)
class Scale(Versioned):
    """A score with its range and direction."""

    minimum = models.DecimalField(_("lowest"), max_digits=8, decimal_places=2)
    maximum = models.DecimalField(_("highest"), max_digits=8, decimal_places=2)
    step = models.DecimalField(_("step"), max_digits=6, decimal_places=2, default=1)
    better = models.CharField(_("direction"), max_length=10, choices=Better)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    levels = ArrayField(
        models.CharField(max_length=60),
        verbose_name=_("named levels"),
        default=list,
        blank=True,
    )

    class Meta(Versioned.Meta):
        verbose_name = _("scale")
        verbose_name_plural = _("scales")
        constraints = [
            *Versioned.Meta.constraints,
            check(
                "scale_range",
                Q(minimum__lt=F("maximum")),
                _("The range runs from low to high."),
            ),
        ]
        triggers = published_is_final("scale")


@pghistory.track(append_only=True)
class BodyZone(Versioned):
    """A named part of the body that injections are recorded for."""

    view = models.CharField(_("view"), max_length=20)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Versioned.Meta):
        verbose_name = _("body zone")
        verbose_name_plural = _("body zones")
        ordering = ["position", "code", "-version"]
        triggers = published_is_final("body_zone")
