"""Every constraint of the clinical pathway, by name: the bad write it refuses, and the same write without it."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from consultations.enums import (
    AllergyStatus,
    Answer,
    CapDecision,
    Decision,
    Grade,
    Outcome,
    PlanStatus,
    ReadingKind,
    RuleScope,
    SessionOutcome,
    Signer,
)
from consultations.enums import TestResult as Result
from consultations.models import (
    PatchTestLot,
    Plan,
    SessionLot,
    SessionReaction,
    SessionScore,
)
from consultations.models.reference import Versioned
from tests.factories import (
    AddendumFactory,
    AftercareRuleFactory,
    AlertFactory,
    AllergenGroupFactory,
    AllergyFactory,
    BodyZoneFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentFactory,
    ConsentTextFactory,
    ConsultationFactory,
    ContraindicationAnswerFactory,
    ContraindicationQuestionFactory,
    DeviationFactory,
    DoseCapFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    IndicationFactory,
    LeafletFactory,
    LotFactory,
    PatchTestFactory,
    PatchTestPolicyFactory,
    PlanFactory,
    PlannedSessionFactory,
    PlanTemplateFactory,
    ReactionTypeFactory,
    ScaleFactory,
    SessionDoseFactory,
    SessionFactory,
    SessionZoneFactory,
    TechniqueFactory,
    TestReadingFactory,
    UserFactory,
    VersionedFactory,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.guards import (
    Case,
    Cases,
    constraints_in_database,
    constraints_in_models,
    refusal_of,
    without,
)

pytestmark = pytest.mark.django_db
cases = Cases()


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_constraint_of_this_name(case: Case) -> None:
    with without(*case.aside):
        assert refusal_of(case.write) == case.guard


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_same_write_goes_through_when_the_constraint_is_dropped(case: Case) -> None:
    with without(*case.aside, case.guard):
        case.write()


def test_every_constraint_of_the_models_has_a_case() -> None:
    assert cases.guards == constraints_in_models("consultations")


def test_the_database_has_the_constraints_of_the_models_and_no_others() -> None:
    assert constraints_in_database("consultations") == constraints_in_models("consultations")


# Reference data: versions -----------------------------------------------------------------------------------------

VERSIONED: list[type[VersionedFactory]] = [
    AftercareRuleFactory,
    AllergenGroupFactory,
    BodyZoneFactory,
    ComponentFactory,
    ConsentTextFactory,
    ContraindicationQuestionFactory,
    DoseCapFactory,
    FormulaFactory,
    IndicationFactory,
    LeafletFactory,
    PatchTestPolicyFactory,
    PlanTemplateFactory,
    ReactionTypeFactory,
    ScaleFactory,
    TechniqueFactory,
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


for _make in VERSIONED:
    _name = _make._meta.model._meta.model_name
    cases.add(f"{_name}_version_once", _same_version_twice(_make))
    cases.add(f"{_name}_one_in_force", _two_versions_in_force(_make))


def test_the_table_of_versions_names_every_versioned_model() -> None:
    assert {make._meta.model for make in VERSIONED} == set(Versioned.__subclasses__())


@pytest.mark.parametrize("make", VERSIONED, ids=lambda make: make._meta.model.__name__)
def test_a_retired_version_makes_room_for_the_next(make: type[VersionedFactory]) -> None:
    first = make(code="twin", version=1)
    first.retired_at = CLINIC_NOW
    first.save()
    second = make(code="twin", version=2)
    assert list(type(first).objects.filter(code="twin").current()) == [second]


# Reference data: values -------------------------------------------------------------------------------------------


@cases.refused_by("technique_depth_order")
def _a_depth_from_four_to_one() -> None:
    TechniqueFactory(depth_min_mm=4, depth_max_mm=1)


@cases.refused_by("dose_cap_decided")
def _a_limit_without_a_number() -> None:
    DoseCapFactory(limit=None)


@cases.refused_by("dose_cap_decided")
def _a_limit_of_zero() -> None:
    DoseCapFactory(limit=0)


@cases.refused_by("dose_cap_decided")
def _a_number_where_nothing_is_decided() -> None:
    DoseCapFactory(decision=CapDecision.UNSET, limit=5)


@cases.refused_by("contraindication_rule_once")
def _two_rules_for_one_scope() -> None:
    always = {"scope": RuleScope.GENERAL, "decision": Decision.BLOCK}
    ContraindicationQuestionFactory(rules=[always, always])


@cases.refused_by("contraindication_rule_scope")
def _a_rule_for_a_component_that_is_not_named() -> None:
    ContraindicationQuestionFactory(rules=[{"scope": RuleScope.COMPONENT, "decision": Decision.BLOCK}])


@cases.refused_by("plan_phase_once")
def _two_first_phases() -> None:
    phase = {"ordinal": 1, "count": 3, "interval": 7}
    PlanTemplateFactory(phases=[phase, phase])


@cases.refused_by("plan_phase_sane")
def _a_phase_of_no_sessions() -> None:
    PlanTemplateFactory(phases=[{"ordinal": 1, "count": 0, "interval": 7}])


@cases.refused_by("scale_range")
def _a_scale_from_ten_to_zero() -> None:
    ScaleFactory(minimum=10, maximum=0)


@cases.refused_by("formula_part_once")
def _a_component_twice_in_a_formula() -> None:
    component = ComponentFactory()
    FormulaFactory(parts=[(component, 1), (component, 2)])


@cases.refused_by("formula_part_strength")
def _a_component_of_no_strength() -> None:
    FormulaFactory(parts=[(ComponentFactory(), 0)])


@cases.refused_by("lot_once")
def _a_lot_delivered_twice() -> None:
    lot = LotFactory()
    LotFactory(component=lot.component, number=lot.number)


@cases.refused_by("lot_quarantined_together")
def _a_quarantine_by_nobody() -> None:
    LotFactory(quarantined_at=CLINIC_NOW)


@cases.refused_by("lot_numbered")
def _a_lot_without_a_number() -> None:
    LotFactory(number="")


@cases.refused_by("patch_test_policy_window")
def _a_reading_due_before_its_window() -> None:
    PatchTestPolicyFactory(reading_due_hours=23)


@cases.refused_by("patch_test_policy_volume")
def _a_usual_volume_above_the_highest() -> None:
    PatchTestPolicyFactory(volume_ml=Decimal("0.2"))


# Consultation -----------------------------------------------------------------------------------------------------


@cases.refused_by("consultation_signed_together")
def _a_consultation_signed_by_nobody() -> None:
    ConsultationFactory(signed=True, signed_by=None)


@cases.refused_by("consultation_signed_with_outcome")
def _a_consultation_signed_without_an_outcome() -> None:
    ConsultationFactory(signed=True, outcome="", outcome_reason="forgot")


@cases.refused_by("consultation_signed_with_outcome")
def _a_consultation_signed_without_an_indication() -> None:
    ConsultationFactory(signed=True, indication=None)


@cases.refused_by("consultation_deferred_until")
def _a_deferral_without_a_date() -> None:
    ConsultationFactory(outcome=Outcome.DEFERRED)


@cases.refused_by("consultation_reason_given")
def _conditions_that_are_not_named() -> None:
    ConsultationFactory(signed=True, outcome=Outcome.CONDITIONS)


@cases.refused_by("consultation_weight_sane")
def _a_patient_of_one_kilogram() -> None:
    ConsultationFactory(weight_kg=1)


@cases.refused_by("discussed_risk_once")
def _a_risk_discussed_twice() -> None:
    risk = ReactionTypeFactory()
    ConsultationFactory(risks=[risk, risk])


@cases.refused_by("contraindication_answer_once")
def _a_question_answered_twice() -> None:
    question = ContraindicationQuestionFactory()
    ConsultationFactory(answers=[{"question": question}, {"question": question}])


@cases.refused_by("contraindication_answer_decided")
def _a_yes_without_a_decision() -> None:
    ContraindicationAnswerFactory(answer=Answer.YES)


@cases.refused_by("contraindication_answer_decided")
def _a_no_with_a_decision() -> None:
    ContraindicationAnswerFactory(answer=Answer.NO, decision=Decision.ASK)


@cases.refused_by("contraindication_answer_deferred")
def _an_answer_that_defers_without_a_date() -> None:
    ContraindicationAnswerFactory(answer=Answer.YES, decision=Decision.DEFER)


@cases.refused_by("addendum_of_one_record")
def _an_addendum_to_nothing() -> None:
    AddendumFactory(consultation=None)


@cases.refused_by("addendum_of_one_record")
def _an_addendum_to_two_records() -> None:
    AddendumFactory(patch_test=PatchTestFactory())


@cases.refused_by("addendum_not_empty")
def _an_addendum_that_says_nothing() -> None:
    AddendumFactory(text="")


@cases.refused_by("entered_in_error_one_record")
def _an_error_in_no_record() -> None:
    EnteredInErrorFactory()


@cases.refused_by("entered_in_error_one_record")
def _one_error_in_two_records() -> None:
    consent = ConsentFactory()
    EnteredInErrorFactory(consent=consent, consultation=consent.plan.consultation)


@cases.refused_by("entered_in_error_confirmed_together")
def _a_confirmation_by_nobody() -> None:
    EnteredInErrorFactory(consent=ConsentFactory(), confirmed_at=CLINIC_NOW)


@cases.refused_by("entered_in_error_second_person")
def _a_confirmation_by_who_asked() -> None:
    user = UserFactory()
    EnteredInErrorFactory(consent=ConsentFactory(), confirmed=True, requested_by=user, confirmed_by=user)


@cases.refused_by("entered_in_error_reason")
def _an_error_without_a_reason() -> None:
    EnteredInErrorFactory(consent=ConsentFactory(), reason="")


# Allergies, alerts, reports, deviations ---------------------------------------------------------------------------


@cases.refused_by("allergy_assessed_together")
def _an_assessment_by_nobody() -> None:
    AllergyFactory(confirmed=True, assessed_by=None)


@cases.refused_by("allergy_status_assessed")
def _an_allergy_refuted_without_assessment() -> None:
    AllergyFactory(status=AllergyStatus.REFUTED)


@cases.refused_by("allergy_worded")
def _an_allergy_to_nothing() -> None:
    AllergyFactory(words="")


@cases.refused_by("alert_lifted_together")
def _an_alert_lifted_by_nobody() -> None:
    AlertFactory(lifted_at=CLINIC_NOW)


@cases.refused_by("alert_worded")
def _an_alert_that_says_nothing() -> None:
    AlertFactory(text="")


@cases.refused_by("clinical_report_triaged_together")
def _a_triage_by_nobody() -> None:
    ClinicalReportFactory(triaged=True, triaged_by=None)


@cases.refused_by("clinical_report_outcome")
def _a_triage_without_an_outcome() -> None:
    ClinicalReportFactory(triaged=True, outcome="")


@cases.refused_by("clinical_report_outcome")
def _an_outcome_before_the_triage() -> None:
    ClinicalReportFactory(outcome="advice")


@cases.refused_by("clinical_report_worded")
def _a_report_without_words() -> None:
    ClinicalReportFactory(words="")


@cases.refused_by("deviation_reason")
def _a_deviation_without_a_reason() -> None:
    DeviationFactory(reason="")


@cases.refused_by("deviation_codes")
def _a_deviation_from_nothing() -> None:
    DeviationFactory(codes=[])


# Consent, plan, test ----------------------------------------------------------------------------------------------


@cases.refused_by("consent_signer_named")
def _a_signature_of_nobody() -> None:
    ConsentFactory(signer_name="")


@cases.refused_by("consent_representative_relation")
def _a_representative_who_is_not_related() -> None:
    ConsentFactory(signer=Signer.REPRESENTATIVE)


@cases.refused_by("plan_status_known", aside=["plan_transition"])
def _an_unknown_state_of_a_plan() -> None:
    Plan.objects.filter(pk=PlanFactory().pk).update(status="lost")


@cases.refused_by("planned_session_once")
def _two_first_sessions() -> None:
    PlannedSessionFactory(plan=PlanFactory(sessions=1, status=PlanStatus.PROPOSED), ordinal=1)


@cases.refused_by("planned_session_ordinal")
def _a_session_number_zero() -> None:
    PlannedSessionFactory(ordinal=0)


@cases.refused_by("patchtest_signed_together")
def _a_test_signed_by_nobody() -> None:
    PatchTestFactory(signed_by=None)


@cases.refused_by("patch_test_volume")
def _a_test_of_more_than_one_millilitre() -> None:
    PatchTestFactory(volume_ml=Decimal("1.001"))


@cases.refused_by("patch_test_observed")
def _an_observation_that_ends_before_the_injection() -> None:
    PatchTestFactory(observed_until=ago(days=11))


@cases.refused_by("patch_test_lot_once")
def _a_lot_twice_in_one_test() -> None:
    test = PatchTestFactory(draft=True)
    PatchTestLot.objects.create(patch_test=test, lot=test.lots.first())


@cases.refused_by("test_reading_negative_is_valid")
def _a_negative_reading_that_is_valid_for_ever() -> None:
    TestReadingFactory(valid_until=None)


@cases.refused_by("test_reading_negative_is_valid")
def _a_positive_reading_that_clears() -> None:
    TestReadingFactory(positive=True, valid_from=ago(days=8), valid_until=CLINIC_NOW)


@cases.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_at_once() -> None:
    TestReadingFactory(kind=ReadingKind.IMMEDIATE)


@cases.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_of_a_site_that_cannot_be_read() -> None:
    TestReadingFactory(site_readable=False)


@cases.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_although_saline_reacts_too() -> None:
    TestReadingFactory(saline_positive=True)


@cases.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_that_clears_before_it_was_made() -> None:
    TestReadingFactory(valid_from=ago(days=9))


@cases.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_with_faint_redness() -> None:
    TestReadingFactory(grade=Grade.DOUBTFUL)


@cases.refused_by("test_reading_positive_sign")
def _vesicles_that_are_called_equivocal() -> None:
    TestReadingFactory(grade=Grade.STRONG, result=Result.EQUIVOCAL, valid_from=None, valid_until=None)


@cases.refused_by("test_reading_positive_sign")
def _hives_elsewhere_that_are_called_negative() -> None:
    TestReadingFactory(systemic_sign=True)


# Session ----------------------------------------------------------------------------------------------------------


@cases.refused_by("session_signed_together")
def _a_session_signed_by_nobody() -> None:
    SessionFactory(signed=True, signed_by=None)


@cases.refused_by("session_outcome_known")
def _an_unknown_outcome() -> None:
    SessionFactory(outcome="half")


@cases.refused_by("session_signed_with_outcome")
def _a_session_signed_without_an_outcome() -> None:
    SessionFactory(signed=True, outcome="")


@cases.refused_by("session_reason_given")
def _a_session_partly_given_for_no_reason() -> None:
    SessionFactory(outcome=SessionOutcome.PARTIAL)


@cases.refused_by("session_weight_sane")
def _a_weight_in_grams() -> None:
    SessionFactory(weight_kg=Decimal("500"))


@cases.refused_by("session_depth_sane")
def _a_needle_two_centimetres_deep_and_more() -> None:
    SessionFactory(depth_mm=Decimal("20.1"))


@cases.refused_by("session_one_draft", aside=["session_cleared"])
def _one_session_recorded_by_two() -> None:
    first = SessionFactory()
    SessionFactory(plan=first.plan, planned=first.planned)


@cases.refused_by("session_zone_once")
def _a_zone_twice_in_one_session() -> None:
    first = SessionZoneFactory()
    SessionZoneFactory(session=first.session, zone=first.zone)


@cases.refused_by("session_zone_sane")
def _a_zone_with_no_volume() -> None:
    SessionZoneFactory(volume_ml=0)


@cases.refused_by("session_zone_sane")
def _a_point_of_more_than_five_millilitres() -> None:
    SessionZoneFactory(ml_per_point=Decimal("5.001"))


@cases.refused_by("session_lot_once")
def _a_lot_twice_in_one_session() -> None:
    session = SessionFactory()
    lot = LotFactory(component=session.plan.formula.parts.first().component)
    SessionLot.objects.create(session=session, lot=lot)
    SessionLot.objects.create(session=session, lot=lot)


@cases.refused_by("session_dose_once")
def _a_component_dosed_twice() -> None:
    first = SessionDoseFactory()
    SessionDoseFactory(session=first.session, component=first.component)


@cases.refused_by("session_dose_positive")
def _a_dose_of_nothing() -> None:
    SessionDoseFactory(amount=0)


@cases.refused_by("session_score_once")
def _a_score_taken_twice() -> None:
    session, scale = SessionFactory(), ScaleFactory()
    SessionScore.objects.create(session=session, scale=scale, moment="before", value=5)
    SessionScore.objects.create(session=session, scale=scale, moment="before", value=6)


@cases.refused_by("session_reaction_once")
def _a_reaction_seen_twice() -> None:
    session, reaction = SessionFactory(), ReactionTypeFactory()
    SessionReaction.objects.create(session=session, reaction=reaction)
    SessionReaction.objects.create(session=session, reaction=reaction)


@cases.refused_by("session_reaction_grade")
def _a_reaction_of_grade_six() -> None:
    SessionReaction.objects.create(session=SessionFactory(), reaction=ReactionTypeFactory(), grade=6)


@cases.refused_by("patch_test_components")
def _a_test_of_nothing() -> None:
    PatchTestFactory(component_codes=[])
