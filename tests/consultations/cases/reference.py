"""Reference data: versions and values."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from consultations.enums import (
    CapDecision,
    CapMeasure,
    Decision,
    RetestEffect,
    RetestTrigger,
    RuleScope,
)
from consultations.models import (
    ContraindicationRule,
    FormulaPart,
    Lot,
    PlanPhase,
    RecipeLine,
)
from tests import factories
from tests.factories import (
    AdverseEventFactory,
    AftercareScopeFactory,
    AlternativeFactory,
    ComponentFactory,
    ContraindicationQuestionFactory,
    DoseCapFactory,
    FormulaFactory,
    InUseLifeFactory,
    LotFactory,
    MethodRuleFactory,
    PatchTestFactory,
    PatchTestPolicyFactory,
    PathwayPolicyFactory,
    PlanTemplateFactory,
    RecipeFactory,
    RetestRuleFactory,
    ScaleFactory,
    SessionFactory,
    SessionFormulaFactory,
    TechniqueFactory,
    TechniqueRuleFactory,
    UserFactory,
    VersionedFactory,
    ZoneShapeFactory,
    cleared_plan,
    recipe_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.final_records import Child, children, never_deleted
from tests.guards import Cases

constraints = Cases()
triggers = Cases()

never_deleted(triggers, LotFactory, "lot_no_delete")
_PUT_RIGHT: list[dict[str, object]] = [
    {"maker": "Other"},
    {"number": "OTHER"},
    {"expires_on": TODAY + timedelta(days=900)},
    {"received_on": TODAY - timedelta(days=900)},
    {"label_amount": 500},
    {"label_ml": 1},
    {"label_amount": None, "label_ml": None},
    {"allergen_groups": []},
]


def _named_by_a_session() -> Lot:
    component = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(component, 10)]))
    lot = LotFactory(component=component, label_amount=50, label_ml=2, allergen_groups=["latex"])
    SessionFactory(plan=plan, signed=True, lots=[lot])
    return lot


for _values in _PUT_RIGHT:
    triggers.add(
        "lot_named_stays",
        lambda values=_values: Lot.objects.filter(pk=_named_by_a_session().pk).update(**values),
        name=", ".join(_values),
    )


@triggers.refused_by("lot_named_stays")
def _another_component_in_a_lot_that_was_tested() -> None:
    lot = PatchTestFactory().lots.first()
    Lot.objects.filter(pk=lot.pk).update(component=ComponentFactory())


@triggers.refused_by("lot_named_stays")
def _another_number_of_a_lot_that_an_event_names() -> None:
    lot = LotFactory()
    AdverseEventFactory(lots=[lot])
    Lot.objects.filter(pk=lot.pk).update(number="OTHER")


children(
    triggers,
    Child(
        ContraindicationRule,
        ContraindicationQuestionFactory,
        "question",
        lambda _question: {"scope": "component", "scope_code": "procaine", "decision": Decision.ASK},
    ),
    Child(
        PlanPhase,
        PlanTemplateFactory,
        "template",
        lambda _template: {"ordinal": 2, "count": 1, "interval": 30},
    ),
    Child(
        RecipeLine,
        RecipeFactory,
        "recipe",
        lambda _recipe: {"component": ComponentFactory(), "millilitres": 2},
    ),
    Child(
        FormulaPart,
        FormulaFactory,
        "formula",
        lambda _formula: {"component": ComponentFactory(), "strength": 1},
    ),
)


# Every versioned model, by its factory --------------------------------------------------------------------------

VERSIONED: list[type[VersionedFactory]] = [
    make
    for make in vars(factories).values()
    if isinstance(make, type) and issubclass(make, VersionedFactory) and make is not VersionedFactory
]


def _same_version_twice(make: type[VersionedFactory]) -> Callable[[], None]:
    def write() -> None:
        make(code="twin", draft=True)
        make(code="twin", draft=True)

    return write


def _two_versions_in_force(make: type[VersionedFactory]) -> Callable[[], None]:
    def write() -> None:
        make(code="twin", version=1)
        make(code="twin", version=2)

    return write


def _rename(make: type[VersionedFactory]) -> Callable[[], None]:
    return lambda: make._meta.model.objects.filter(pk=make().pk).update(name="something else")


def _delete(make: type[VersionedFactory]) -> Callable[[], None]:
    def write() -> None:
        entry = make(**dict.fromkeys(make._meta.model.children, ()))
        make._meta.model.objects.filter(pk=entry.pk)._raw_delete("default")

    return write


def _withdraw(make: type[VersionedFactory]) -> Callable[[], None]:
    return lambda: make._meta.model.objects.filter(pk=make().pk).update(published_at=None)


for _make in VERSIONED:
    _name = _make._meta.model._meta.model_name
    constraints.add(f"{_name}_version_once", _same_version_twice(_make))
    constraints.add(f"{_name}_one_in_force", _two_versions_in_force(_make))
    _published = next(t.name for t in _make._meta.model._meta.triggers if t.name.endswith("_published"))
    triggers.add(_published, _rename(_make), name="rename")
    triggers.add(_published, _delete(_make), name="delete")
    triggers.add(_published, _withdraw(_make), name="make a draft of it again")


# Values -----------------------------------------------------------------------------------------------------------


@constraints.refused_by("technique_depth_order")
def _a_depth_from_four_to_one() -> None:
    TechniqueFactory(depth_min_mm=4, depth_max_mm=1)


@constraints.refused_by("technique_ml_per_point_order")
def _millilitres_per_point_from_much_to_little() -> None:
    TechniqueFactory(ml_per_point_min=Decimal("0.4"), ml_per_point_max=Decimal("0.2"))


@constraints.refused_by("dose_cap_decided")
def _a_limit_without_a_number() -> None:
    DoseCapFactory(limit=None)


@constraints.refused_by("dose_cap_decided")
def _a_limit_of_zero() -> None:
    DoseCapFactory(limit=0)


@constraints.refused_by("dose_cap_decided")
def _a_number_where_nothing_is_decided() -> None:
    DoseCapFactory(decision=CapDecision.UNSET, limit=5)


@constraints.refused_by("dose_cap_interval")
def _an_amount_in_an_interval_of_no_length() -> None:
    DoseCapFactory(measure=CapMeasure.PER_INTERVAL)


@constraints.refused_by("dose_cap_interval")
def _days_on_a_limit_that_has_no_interval() -> None:
    DoseCapFactory(interval_days=7)


@constraints.refused_by("dose_cap_zone_view")
def _a_session_limit_for_the_face_only() -> None:
    DoseCapFactory(zone_view="face")


@constraints.refused_by("session_formula_order")
def _a_formula_for_sessions_that_run_backwards() -> None:
    SessionFormulaFactory(first_session=3, last_session=2)


@constraints.refused_by("contraindication_rule_once")
def _two_rules_for_one_scope() -> None:
    always = {"scope": RuleScope.GENERAL, "decision": Decision.BLOCK}
    ContraindicationQuestionFactory(rules=[always, always])


@constraints.refused_by("contraindication_rule_scope")
def _a_rule_for_a_component_that_is_not_named() -> None:
    ContraindicationQuestionFactory(rules=[{"scope": RuleScope.COMPONENT, "decision": Decision.BLOCK}])


@constraints.refused_by("plan_phase_once")
def _two_first_phases() -> None:
    phase = {"ordinal": 1, "count": 3, "interval": 7}
    PlanTemplateFactory(phases=[phase, phase])


@constraints.refused_by("plan_phase_sane")
def _a_phase_of_no_sessions() -> None:
    PlanTemplateFactory(phases=[{"ordinal": 1, "count": 0, "interval": 7}])


@constraints.refused_by("scale_range")
def _a_scale_from_ten_to_zero() -> None:
    ScaleFactory(minimum=10, maximum=0)


@constraints.refused_by("formula_part_once")
def _a_component_twice_in_a_formula() -> None:
    component = ComponentFactory()
    FormulaFactory(parts=[(component, 1), (component, 2)])


@constraints.refused_by("formula_part_strength")
def _a_component_of_no_strength() -> None:
    FormulaFactory(parts=[(ComponentFactory(), 0)])


@constraints.refused_by("recipe_one_of_formula")
def _two_recipes_of_one_formula() -> None:
    formula = FormulaFactory()
    recipe_of(formula)
    recipe_of(formula)


@constraints.refused_by("recipe_line_once")
def _a_component_twice_in_a_recipe() -> None:
    line = {"component": ComponentFactory(), "millilitres": 1}
    RecipeFactory(lines=[line, line])


@constraints.refused_by("recipe_line_sane")
def _a_product_of_no_strength() -> None:
    RecipeFactory(lines=[{"component": ComponentFactory(), "millilitres": 1, "strength": 0}])


@constraints.refused_by("recipe_line_sane")
def _no_millilitres_of_a_product() -> None:
    RecipeFactory(lines=[{"component": ComponentFactory(), "millilitres": 0}])


@constraints.refused_by("in_use_life_once")
def _two_lives_of_one_component() -> None:
    InUseLifeFactory(component_code="lidocaine-2")
    InUseLifeFactory(component_code="lidocaine-2")


def _put_aside(**more: object) -> None:
    LotFactory(quarantined_at=CLINIC_NOW, quarantined_by=UserFactory(), **more)


@constraints.refused_by("lot_quarantine_reasoned")
def _put_aside_for_no_reason() -> None:
    _put_aside(quarantine_reason="")


@constraints.refused_by("lot_quarantine_reasoned")
def _put_aside_for_a_blank_reason() -> None:
    _put_aside(quarantine_reason=" \n\t")


@constraints.refused_by("lot_released_together")
def _taken_out_by_nobody() -> None:
    LotFactory(released_at=CLINIC_NOW, release_reason="tested")


@constraints.refused_by("lot_release_reasoned")
def _taken_out_for_a_blank_reason() -> None:
    LotFactory(released_at=CLINIC_NOW, released_by=UserFactory(), release_reason=" ")


@constraints.refused_by("lot_recalled_together")
def _recalled_by_nobody() -> None:
    _put_aside(quarantine_reason="recall", recalled_at=CLINIC_NOW, recall_reference="R-1")


@constraints.refused_by("lot_recalled_stays_aside")
def _recalled_and_on_the_shelf() -> None:
    LotFactory(recalled_at=CLINIC_NOW, recalled_by=UserFactory(), recall_reference="R-1")


@constraints.refused_by("lot_recalled_stays_aside")
def _recalled_without_a_reference() -> None:
    _put_aside(
        quarantine_reason="recall", recalled_at=CLINIC_NOW, recalled_by=UserFactory(), recall_reference=" "
    )


@constraints.refused_by("lot_opened")
def _opened_and_nobody_knows_until_when() -> None:
    LotFactory(opened_on=CLINIC_NOW.date())


@constraints.refused_by("lot_opened")
def _over_before_it_was_opened() -> None:
    LotFactory(opened_on=CLINIC_NOW.date(), opened_until=CLINIC_NOW.date() - timedelta(days=1))


@constraints.refused_by("lot_label")
def _an_amount_in_nobody_knows_how_much() -> None:
    LotFactory(label_amount=50)


@constraints.refused_by("lot_label")
def _a_label_of_nothing() -> None:
    LotFactory(label_amount=0, label_ml=1)


@constraints.refused_by("lot_once")
def _a_lot_delivered_twice() -> None:
    lot = LotFactory()
    LotFactory(component=lot.component, number=lot.number)


@constraints.refused_by("lot_quarantined_together")
def _a_quarantine_by_nobody() -> None:
    LotFactory(quarantined_at=CLINIC_NOW, quarantine_reason="recall")


@constraints.refused_by("lot_numbered")
def _a_lot_without_a_number() -> None:
    LotFactory(number="")


@constraints.refused_by("patch_test_policy_window")
def _a_reading_due_before_its_window() -> None:
    PatchTestPolicyFactory(reading_due_hours=23)


@constraints.refused_by("patch_test_policy_late_reading")
def _a_late_reading_without_a_last_day() -> None:
    PatchTestPolicyFactory(late_reading_from_days=7)


@constraints.refused_by("patch_test_policy_late_reading")
def _a_late_reading_that_ends_before_it_begins() -> None:
    PatchTestPolicyFactory(late_reading_from_days=7, late_reading_until_days=6)


@constraints.refused_by("patch_test_policy_late_reading")
def _a_late_reading_while_the_delayed_one_is_still_open() -> None:
    PatchTestPolicyFactory(late_reading_from_days=3, late_reading_until_days=28)


@constraints.refused_by("patch_test_policy_distance")
def _a_control_at_the_very_place_of_the_test() -> None:
    PatchTestPolicyFactory(control_distance_cm=0)


@constraints.refused_by("patch_test_policy_distance")
def _a_control_half_a_metre_away_and_more() -> None:
    PatchTestPolicyFactory(control_distance_cm=51)


@constraints.refused_by("patch_test_policy_dilution")
def _a_test_that_nobody_says_how_to_dilute() -> None:
    PatchTestPolicyFactory(dilution="")


@constraints.refused_by("patch_test_policy_volume")
def _a_usual_volume_above_the_highest() -> None:
    PatchTestPolicyFactory(volume_ml=Decimal("0.2"))


@constraints.refused_by("method_rule_wheal")
def _a_wheal_compared_with_nothing() -> None:
    MethodRuleFactory(wheal_against="")


@constraints.refused_by("method_rule_wheal")
def _a_comparison_of_no_wheal() -> None:
    MethodRuleFactory(has_immediate=False)


@constraints.refused_by("retest_rule_once")
def _two_rules_about_one_change() -> None:
    RetestRuleFactory(trigger=RetestTrigger.HEALTH_CHANGE, question_code="thyroid")
    RetestRuleFactory(trigger=RetestTrigger.HEALTH_CHANGE, question_code="thyroid")


@constraints.refused_by("retest_rule_wait")
def _a_wait_without_days() -> None:
    RetestRuleFactory(draft=True, effect=RetestEffect.DEFER)


@constraints.refused_by("retest_rule_wait")
def _a_wait_that_counts_from_nothing() -> None:
    expired = {"trigger": RetestTrigger.EXPIRED, "question_code": ""}
    RetestRuleFactory(draft=True, effect=RetestEffect.DEFER, wait_days=14, **expired)


@constraints.refused_by("retest_rule_wait")
def _a_new_test_and_a_wait() -> None:
    RetestRuleFactory(draft=True, wait_days=14)


@constraints.refused_by("retest_rule_lapse")
def _a_lapse_without_months() -> None:
    RetestRuleFactory(draft=True, trigger=RetestTrigger.LAPSE, question_code="")


@constraints.refused_by("retest_rule_lapse")
def _months_of_something_that_does_not_lapse() -> None:
    RetestRuleFactory(draft=True, lapse_months=6)


@constraints.refused_by("retest_rule_question")
def _a_changed_answer_to_no_question() -> None:
    RetestRuleFactory(draft=True, question_code="")


@constraints.refused_by("retest_rule_question")
def _a_question_about_an_event() -> None:
    RetestRuleFactory(draft=True, trigger=RetestTrigger.ALLERGIC_EVENT)


@constraints.refused_by("retest_rule_extends")
def _a_session_that_extends_what_does_not_expire() -> None:
    RetestRuleFactory(draft=True, session_extends=True)


@constraints.refused_by("retest_rule_wait")
def _a_wait_of_days_after_another_lot() -> None:
    RetestRuleFactory(
        draft=True, trigger=RetestTrigger.NEW_LOT, question_code="", effect=RetestEffect.DEFER, wait_days=3
    )


@constraints.refused_by("pathway_policy_shares")
def _no_gap_between_sessions() -> None:
    PathwayPolicyFactory(hard_gap_percent=0)


@constraints.refused_by("pathway_policy_shares")
def _a_gap_longer_than_the_interval() -> None:
    PathwayPolicyFactory(hard_gap_percent=Decimal("100.01"))


@constraints.refused_by("pathway_policy_shares")
def _a_volume_that_may_be_anything() -> None:
    PathwayPolicyFactory(volume_tolerance_percent=100)


@constraints.refused_by("pathway_policy_counts")
def _a_consent_that_is_never_valid() -> None:
    PathwayPolicyFactory(consent_valid_months=0)


@constraints.refused_by("pathway_policy_counts")
def _a_cluster_of_one_event() -> None:
    PathwayPolicyFactory(cluster_events=1)


@constraints.refused_by("pathway_policy_counts")
def _a_histamine_control_that_always_works() -> None:
    PathwayPolicyFactory(histamine_works_millimetres=0)


@constraints.refused_by("zone_shape_path")
def _an_outline_that_is_no_path() -> None:
    ZoneShapeFactory(path='M 0 0"/><script>')


@constraints.refused_by("alternative_group_known")
def _an_alternative_for_a_group_that_nobody_belongs_to() -> None:
    AlternativeFactory(group="eyes")


@constraints.refused_by("aftercare_scope_narrows")
def _a_scope_that_narrows_nothing() -> None:
    AftercareScopeFactory(view="")


@constraints.refused_by("technique_rule_counts")
def _a_technique_that_counts_something_unknown() -> None:
    TechniqueRuleFactory(counts="drops")


@constraints.refused_by("technique_rule_order")
def _a_spacing_from_more_to_less() -> None:
    TechniqueRuleFactory(spacing_min_mm=5, spacing_max_mm=2)


@constraints.refused_by("technique_rule_order")
def _usual_minutes_with_one_end_only() -> None:
    TechniqueRuleFactory(minutes_min=3)


@constraints.refused_by("technique_rule_counts_what_is_usual")
def _a_spacing_of_points_that_nobody_counts() -> None:
    TechniqueRuleFactory(counts="area", spacing_min_mm=2, spacing_max_mm=5)


@constraints.refused_by("aftercare_scope_view_known")
def _a_scope_on_a_misspelt_drawing() -> None:
    AftercareScopeFactory(view="scalb")
