"""Reference data: a draft, its children, then published."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import factory
from django.db import models
from factory.django import DjangoModelFactory

from consultations.enums import (
    Better,
    CapMeasure,
    Decision,
    DoubtfulMeans,
    IndicationGroup,
    RetestEffect,
    RetestTrigger,
    ReviewAnchor,
    RuleScope,
    TechniqueFamily,
    WhealAgainst,
)
from consultations.enums import TestMethod as Method
from consultations.enums import TestRequirement as Requirement
from consultations.models import (
    AftercareRule,
    AftercareScope,
    Alternative,
    BodyZone,
    CheckInQuestion,
    ConsentText,
    ContraindicationQuestion,
    DoseCap,
    Indication,
    Leaflet,
    MethodRule,
    PatchTestPolicy,
    PathwayPolicy,
    PlanTemplate,
    ReactionType,
    RedFlag,
    RetestRule,
    ReviewRule,
    Scale,
    ScaleThreshold,
    SessionFormula,
    Technique,
    TechniqueRule,
    ZoneShape,
)
from tests.factories.clock import PARIS

PUBLISHED = datetime(2025, 12, 1, 9, 0, tzinfo=PARIS)
__all__ = [
    "AftercareRuleFactory",
    "AftercareScopeFactory",
    "AlternativeFactory",
    "BodyZoneFactory",
    "CheckInQuestionFactory",
    "ConsentTextFactory",
    "ContraindicationQuestionFactory",
    "DoseCapFactory",
    "IndicationFactory",
    "LeafletFactory",
    "PatchTestPolicyFactory",
    "PathwayPolicyFactory",
    "PlanTemplateFactory",
    "ReactionTypeFactory",
    "RedFlagFactory",
    "ReviewRuleFactory",
    "ScaleFactory",
    "ScaleThresholdFactory",
    "SessionFormulaFactory",
    "TechniqueFactory",
    "TechniqueRuleFactory",
    "VersionedFactory",
    "ZoneShapeFactory",
]


class VersionedFactory(DjangoModelFactory):
    """Version 1 of an entry, published; `draft=True` leaves it open to changes and children."""

    class Meta:
        abstract = True

    class Params:
        draft = factory.Trait(published_at=None)

    code = factory.Sequence(lambda n: f"entry-{n:05}")
    version = 1
    name = factory.LazyAttribute(lambda entry: entry.code.replace("-", " "))
    published_at = PUBLISHED

    @classmethod
    def _create(cls, model_class: type[models.Model], *args: Any, **kwargs: Any) -> Any:
        """Children come between the draft and its publication: a published version takes none."""
        children = {name: rows for name in model_class.children if (rows := kwargs.pop(name))}
        published_at = kwargs.pop("published_at")
        entry = super()._create(model_class, *args, published_at=None if children else published_at, **kwargs)
        for name, rows in children.items():
            cls.add_children(entry, name, rows)
        if children and published_at:
            entry.published_at = published_at
            entry.save(update_fields=["published_at"])
        return entry

    @classmethod
    def add_children(cls, entry: Any, name: str, rows: Iterable[dict[str, Any]]) -> None:
        """Children are given as dictionaries of their fields."""
        for row in rows:
            getattr(entry, name).create(**row)


class TechniqueFactory(VersionedFactory):
    """Point by point, by needle."""

    class Meta:
        model = Technique

    family = TechniqueFamily.NEEDLE
    depth_min_mm = Decimal(1)
    depth_max_mm = Decimal(4)


class IndicationFactory(VersionedFactory):
    """A pain."""

    class Meta:
        model = Indication

    group = IndicationGroup.PAIN


class DoseCapFactory(VersionedFactory):
    """100 mg of a component per session."""

    class Meta:
        model = DoseCap

    component_code = "procaine"
    measure = CapMeasure.PER_SESSION
    limit = Decimal(100)
    unit = "mg"


class ContraindicationQuestionFactory(VersionedFactory):
    """A question whose yes blocks, always; `rules` are dictionaries of rule fields."""

    class Meta:
        model = ContraindicationQuestion

    question = "Are you pregnant?"
    rules = factory.LazyFunction(lambda: [{"scope": RuleScope.GENERAL, "decision": Decision.BLOCK}])


class PlanTemplateFactory(VersionedFactory):
    """Three sessions, a week apart; `phases` are dictionaries of phase fields."""

    class Meta:
        model = PlanTemplate

    indication_code = "back-pain"
    technique_code = "needle"
    phases = factory.LazyFunction(lambda: [{"ordinal": 1, "count": 3, "interval": 7}])


class LeafletFactory(VersionedFactory):
    """A leaflet."""

    class Meta:
        model = Leaflet

    body = "What to expect."


class AftercareRuleFactory(VersionedFactory):
    """No sauna for two days."""

    class Meta:
        model = AftercareRule

    hours = 48


class AlternativeFactory(VersionedFactory):
    """Named for every plan."""

    class Meta:
        model = Alternative

    name = "Doing nothing"


class AftercareScopeFactory(VersionedFactory):
    """Only on the scalp."""

    class Meta:
        model = AftercareScope

    rule_code = "hair_wash"
    view = "scalp"


class TechniqueRuleFactory(VersionedFactory):
    """Points, with nothing usual about them."""

    class Meta:
        model = TechniqueRule

    technique_code = "nappage"


class CheckInQuestionFactory(VersionedFactory):
    """Asked before sessions and tests, without a day."""

    class Meta:
        model = CheckInQuestion

    question_code = "pregnancy"
    words = "Are you pregnant?"


class RedFlagFactory(VersionedFactory):
    """A sign to call the clinic at."""

    class Meta:
        model = RedFlag


class ReactionTypeFactory(VersionedFactory):
    """A bruise."""

    class Meta:
        model = ReactionType

    patient_words = "a blue mark"
    is_discussed = True


class ScaleFactory(VersionedFactory):
    """Pain from 0 to 10."""

    class Meta:
        model = Scale

    minimum = Decimal(0)
    maximum = Decimal(10)
    better = Better.LOWER


class ScaleThresholdFactory(VersionedFactory):
    """Two points or 33 per cent better."""

    class Meta:
        model = ScaleThreshold

    scale_code = "pain_nrs"
    points = Decimal(2)
    percent = Decimal(33)


class ReviewRuleFactory(VersionedFactory):
    """After the first session, by the GAIS. `required=True`: no later session without it."""

    class Meta:
        model = ReviewRule

    class Params:
        required = factory.Trait(is_required=True)

    template_code = "three-weekly"
    anchor = ReviewAnchor.SESSION
    session = factory.LazyAttribute(lambda rule: 1 if rule.anchor == ReviewAnchor.SESSION else None)
    scale_codes = factory.LazyFunction(lambda: ["gais"])


class BodyZoneFactory(VersionedFactory):
    """Somewhere on the back."""

    class Meta:
        model = BodyZone

    view = "back"


class ZoneShapeFactory(VersionedFactory):
    """A square."""

    class Meta:
        model = ZoneShape

    zone_code = "back"
    view = "body_back"
    path = "M 0 0 L 10 0 L 10 10 L 0 10 Z"
    label_x = label_y = 5


class ConsentTextFactory(VersionedFactory):
    """A consent text that names the formula."""

    class Meta:
        model = ConsentText

    body = "I agree to {formula}."


class PatchTestPolicyFactory(VersionedFactory):
    """A test is required: 0.05 ml, read after 48 hours, valid for six months."""

    class Meta:
        model = PatchTestPolicy

    requirement = Requirement.REQUIRED
    method = Method.INTRADERMAL
    volume_ml = Decimal("0.05")
    volume_min_ml = Decimal("0.02")
    volume_max_ml = Decimal("0.1")
    dilution = "undiluted"
    site = "left forearm"
    control_distance_cm = Decimal(5)
    observe_minutes = 20
    wheal_growth_mm = Decimal(3)
    reading_due_hours = 48
    reading_from_hours = 24
    reading_until_hours = 96
    min_hours_before_session = 48
    validity_months = 6
    repeat_after_days = 14
    antihistamine_washout_days = 7
    steroid_washout_days = 14


class SessionFormulaFactory(VersionedFactory):
    """The second session of a template is given with another formula."""

    class Meta:
        model = SessionFormula

    template_code = "FACE-AMIN"
    formula_code = "F-FACE-AMIN"
    first_session = 2
    last_session = 2


class MethodRuleFactory(VersionedFactory):
    """Those of an intradermal test; criteria of another code are never asked."""

    class Meta:
        model = MethodRule

    has_immediate = True
    wheal_against = WhealAgainst.START
    needs_flare = True
    doubtful_means = DoubtfulMeans.REPEAT


class RetestRuleFactory(VersionedFactory):
    """A yes to a question of its own asks for a new test."""

    class Meta:
        model = RetestRule

    trigger = RetestTrigger.HEALTH_CHANGE
    question_code = factory.Sequence(lambda n: f"question-{n:05}")
    effect = RetestEffect.REQUIRE


class PathwayPolicyFactory(VersionedFactory):
    """Numbers like those that ship; a policy of another code is never asked."""

    class Meta:
        model = PathwayPolicy

    consultation_valid_months = 12
    consent_valid_months = 12
    default_wait_days = 14
    hard_gap_percent = Decimal(80)
    volume_tolerance_percent = Decimal(10)
    histamine_works_millimetres = Decimal(3)
    weight_valid_days = 30
    observe_after_minutes = 20
    late_nodule_days = 7
    nodule_lasts_days = 30
    urgent_review_hours = 48
    cluster_events = 2
    cluster_days = 90
    photo_max_megabytes = 15
    photo_max_megapixels = 50
    autosave_seconds = 5
