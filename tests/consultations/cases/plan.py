"""Consents, plans and test injections."""

import uuid
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import JSONField, Value
from factory import LazyAttribute

from consultations.enums import (
    Grade,
    PlanStatus,
    ReadingKind,
    Signer,
)
from consultations.enums import TestResult as Result
from consultations.models import (
    Component,
    PatchTestLot,
    Plan,
    PlannedSession,
    PlanStatusChange,
)
from tests.factories import (
    LATE_DAYS,
    AppointmentFactory,
    ComponentFactory,
    ConsentFactory,
    ConsentTextFactory,
    ConsentWithdrawalFactory,
    ConsultationFactory,
    FormulaFactory,
    LateReadingFactory,
    LotFactory,
    PatchTestFactory,
    PatchTestPolicyFactory,
    PatientFactory,
    PlanFactory,
    PlannedSessionFactory,
    PlanTemplateFactory,
    TechniqueFactory,
    TestReadingFactory,
    cleared_plan,
    consented_plan,
    read_late_plan,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead
from tests.factories.patch_tests import read_of
from tests.final_records import Child, Record, children, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()


def _status_change() -> PlanStatusChange:
    plan = PlanFactory()
    return PlanStatusChange.objects.create(
        plan=plan,
        status=PlanStatus.ACTIVE,
        reason="agreed",
        changed_at=CLINIC_NOW,
        changed_by=plan.created_by,
    )


records(
    triggers,
    Record(ConsentFactory, "words", "consent_signed"),
    Record(ConsentWithdrawalFactory, "reason", "consent_withdrawal_append_only"),
    Record(_status_change, "reason", "plan_status_change_append_only"),
    Record(PatchTestFactory, "note", "patch_test_signed", opens=True),
    Record(TestReadingFactory, "note", "test_reading_signed"),
)
children(
    triggers,
    Child(
        PatchTestLot,
        PatchTestFactory,
        "patch_test",
        lambda test: {"lot": LotFactory(component=test.formula.parts.first().component)},
    ),
)


REPRESENTED = {"signer": Signer.REPRESENTATIVE, "signer_relation": "mother"}


@constraints.refused_by("consent_signer_named")
def _a_signature_of_nobody() -> None:
    ConsentFactory(signer_name="")


@constraints.refused_by("consent_representative_relation")
def _a_representative_who_is_not_related() -> None:
    ConsentFactory(signer=Signer.REPRESENTATIVE)


@constraints.refused_by("consent_text_sign_again_known")
def _a_word_for_signing_again_that_nobody_knows() -> None:
    ConsentTextFactory(sign_again="later")


@triggers.refused_by("consent_identity_seen")
def _a_representative_whose_identity_nobody_saw() -> None:
    ConsentFactory(**REPRESENTED, identity_seen="")


_NO_DRAWINGS: dict[str, object] = {
    "an object": {"drawn": "yes"},
    "a word": "a line",
    "a null": Value(None, JSONField()),
    "a list of numbers": [1, 2, 3],
    "a stroke without points": [[]],
    "points without a list": [[1, 2, 3]],
    "a point without a time": [[[1, 2]]],
    "a point with too much": [[[1, 2, 3, 4]]],
    "a point of words": [[["1", 2, 3]]],
    "a point of lists": [[[[1], 2, 3]]],
    "a point left of the board": [[[-1, 2, 3]]],
    "a point right of the board": [[[601, 2, 3]]],
    "a point below the board": [[[1, 201, 3]]],
    "a point after an hour": [[[1, 2, 3_600_001]]],
    "a good stroke and a bad one": [[[1, 2, 3]], [[1, 2]]],
    "too many strokes": [[[1, 2, 3]]] * 201,
    "too many points": [[[1, 2, 3]] * 6001],
}

for _what, _strokes in _NO_DRAWINGS.items():
    triggers.add(
        "consent_strokes_drawn", partial(ConsentFactory, strokes=_strokes), name=f"signature: {_what}"
    )


@triggers.refused_by("consent_strokes_drawn")
def _an_assent_that_is_no_drawing() -> None:
    ConsentFactory(**REPRESENTED, assent_name="Léa Moreau", assent_strokes="a line")


@constraints.refused_by("consent_assent_drawn_named")
def _a_drawing_of_a_young_person_without_a_name() -> None:
    ConsentFactory(**REPRESENTED, assent_missing="declined", assent_strokes=[[[1, 2, 3]]])


@constraints.refused_by("consent_assent_beside")
def _an_assent_in_place_of_a_consent() -> None:
    ConsentFactory(assent_name="Léa Moreau")


@constraints.refused_by("consent_assent_or_reason")
def _an_assent_and_a_reason_why_there_is_none() -> None:
    ConsentFactory(**REPRESENTED, assent_name="Léa Moreau", assent_missing="too young")


@constraints.refused_by("plan_status_known", aside=["plan_transition"])
def _an_unknown_state_of_a_plan() -> None:
    Plan.objects.filter(pk=PlanFactory().pk).update(status="lost")


@constraints.refused_by("planned_session_once")
def _two_first_sessions() -> None:
    PlannedSessionFactory(plan=PlanFactory(sessions=1, status=PlanStatus.PROPOSED), ordinal=1)


@constraints.refused_by("planned_session_ordinal")
def _a_session_number_zero() -> None:
    PlannedSessionFactory(ordinal=0)


@constraints.refused_by("patchtest_signed_together")
def _a_test_signed_by_nobody() -> None:
    PatchTestFactory(signed_by=None)


@constraints.refused_by("patch_test_volume")
def _a_test_of_more_than_one_millilitre() -> None:
    PatchTestFactory(volume_ml=Decimal("1.001"))


@constraints.refused_by("patch_test_observed")
def _an_observation_that_ends_before_the_injection() -> None:
    PatchTestFactory(observed_until=ago(days=11))


@constraints.refused_by("patch_test_lot_once")
def _a_lot_twice_in_one_test() -> None:
    test = PatchTestFactory(draft=True)
    PatchTestLot.objects.create(patch_test=test, lot=test.lots.first())


@constraints.refused_by("test_reading_negative_is_valid")
def _a_negative_reading_that_is_valid_for_ever() -> None:
    TestReadingFactory(valid_until=None)


@constraints.refused_by("test_reading_negative_is_valid")
def _a_positive_reading_that_clears() -> None:
    TestReadingFactory(positive=True, valid_from=ago(days=8), valid_until=CLINIC_NOW)


@constraints.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_at_once() -> None:
    TestReadingFactory(kind=ReadingKind.IMMEDIATE)


@constraints.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_of_a_site_that_cannot_be_read() -> None:
    TestReadingFactory(site_readable=False)


@constraints.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_although_saline_reacts_too() -> None:
    TestReadingFactory(saline_positive=True)


@constraints.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_that_clears_before_it_was_made() -> None:
    TestReadingFactory(valid_from=ago(days=9))


@constraints.refused_by("test_reading_negative_is_delayed")
def _a_negative_reading_with_faint_redness() -> None:
    TestReadingFactory(grade=Grade.DOUBTFUL)


@constraints.refused_by("test_reading_positive_sign")
def _vesicles_that_are_called_equivocal() -> None:
    TestReadingFactory(grade=Grade.STRONG, result=Result.EQUIVOCAL, valid_from=None, valid_until=None)


@constraints.refused_by("test_reading_positive_sign")
def _hives_elsewhere_that_are_called_negative() -> None:
    TestReadingFactory(systemic_sign=True)


@constraints.refused_by("test_reading_only_stricter")
def _a_positive_result_that_somebody_calls_negative() -> None:
    TestReadingFactory(computed=Result.POSITIVE, stricter_reason="looks fine")


@constraints.refused_by("test_reading_only_stricter")
def _an_invalid_result_that_somebody_calls_equivocal() -> None:
    unclear = {"result": Result.EQUIVOCAL, "valid_from": None, "valid_until": None}
    TestReadingFactory(computed=Result.INVALID, stricter_reason="looks fine", **unclear)


@constraints.refused_by("test_reading_only_stricter")
def _a_stricter_result_without_a_reason() -> None:
    invalid = {"result": Result.INVALID, "valid_from": None, "valid_until": None}
    TestReadingFactory(computed=Result.NEGATIVE, **invalid)


@constraints.refused_by("test_reading_only_stricter")
def _a_reason_without_a_stricter_result() -> None:
    TestReadingFactory(stricter_reason="a papule")


@constraints.refused_by("test_reading_only_stricter")
def _nothing_new_that_somebody_calls_unclear_without_a_reason() -> None:
    read_late_plan(unclear=True, computed=Result.UNCHANGED)


@constraints.refused_by("test_reading_late")
def _a_late_reading_that_takes_back_what_it_leaves_as_it_is() -> None:
    read_late_plan(supersedes=LazyAttribute(read_of))


@constraints.refused_by("test_reading_late")
def _a_late_reaction_beside_a_reading_that_still_clears() -> None:
    read_late_plan(unclear=True, supersedes=None)


@constraints.refused_by("test_reading_late")
def _faint_redness_that_is_nothing_new() -> None:
    read_late_plan(grade=Grade.DOUBTFUL)


@constraints.refused_by("test_reading_late")
def _nothing_new_where_nothing_was_read_before() -> None:
    TestReadingFactory(result=Result.UNCHANGED, valid_from=None, valid_until=None)


@triggers.refused_by("test_reading_late_window")
def _a_late_reading_before_its_first_day() -> None:
    read_late_plan(read_at=ago(days=4))


@triggers.refused_by("test_reading_late_window")
def _a_late_reading_after_its_last_day() -> None:
    read_late_plan(read_at=ahead(days=19))


@triggers.refused_by("test_reading_late_window")
def _a_late_reading_that_the_policy_does_not_ask_for() -> None:
    LateReadingFactory(patch_test=cleared_plan().patch_tests.get())


@triggers.refused_by("test_reading_late_window")
def _a_late_reading_of_a_test_that_nobody_has_read() -> None:
    asked = {f"test_policy__{name}": days for name, days in LATE_DAYS.items()}
    LateReadingFactory(patch_test=PatchTestFactory(plan=consented_plan(**asked)))


@triggers.refused_by("test_reading_late_window")
def _a_second_late_reading_after_a_late_reaction() -> None:
    LateReadingFactory(patch_test=read_late_plan(positive=True).patch_tests.get())


@triggers.refused_by("plan_transition")
def _a_plan_born_active() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED, sessions=0)
    plan.pk, plan.status = uuid.uuid4(), PlanStatus.ACTIVE
    plan.consultation = ConsultationFactory(signed=True, patient=plan.patient)
    plan.save(force_insert=True)


@triggers.refused_by("plan_transition")
def _a_stopped_plan_that_goes_on() -> None:
    Plan.objects.filter(pk=PlanFactory(status=PlanStatus.STOPPED).pk).update(status=PlanStatus.ACTIVE)


@triggers.refused_by("plan_fixed")
def _an_agreed_plan_with_another_formula() -> None:
    Plan.objects.filter(pk=PlanFactory().pk).update(formula=FormulaFactory())


@triggers.refused_by("plan_fixed")
def _an_agreed_plan_that_needs_no_test_any_more() -> None:
    easier = PlanFactory(test_policy__requirement="not_required").test_policy
    Plan.objects.filter(pk=PlanFactory().pk).update(test_policy=easier)


@triggers.refused_by("plan_fixed")
def _an_agreed_plan_that_disappears() -> None:
    Plan.objects.filter(pk=PlanFactory(sessions=0).pk)._raw_delete("default")


@triggers.refused_by("plan_same_patient")
def _a_plan_from_another_patients_consultation() -> None:
    PlanFactory(consultation=ConsultationFactory(signed=True), patient=PatientFactory())


@triggers.refused_by("plan_published")
def _a_plan_with_a_technique_that_is_being_prepared() -> None:
    PlanFactory(technique=TechniqueFactory(draft=True))


@triggers.refused_by("plan_published")
def _a_plan_with_a_formula_that_is_being_prepared() -> None:
    PlanFactory(formula=FormulaFactory(draft=True))


@triggers.refused_by("plan_published")
def _a_plan_with_a_template_that_is_being_prepared() -> None:
    PlanFactory(template=PlanTemplateFactory(draft=True))


@triggers.refused_by("plan_published")
def _a_plan_with_a_test_policy_that_is_being_prepared() -> None:
    PlanFactory(test_policy=PatchTestPolicyFactory(draft=True))


@triggers.refused_by("plan_published")
def _a_proposed_plan_that_comes_to_name_a_formula_being_prepared() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED)
    Plan.objects.filter(pk=plan.pk).update(formula=FormulaFactory(draft=True))


@triggers.refused_by("planned_session_fixed")
def _a_shorter_gap_in_an_agreed_plan() -> None:
    PlannedSession.objects.filter(plan=PlanFactory()).update(min_gap_days=0)


@triggers.refused_by("planned_session_fixed")
def _one_more_session_without_a_gap_in_an_agreed_plan() -> None:
    PlannedSessionFactory(plan=PlanFactory(), ordinal=99, min_gap_days=0)


@triggers.refused_by("planned_session_fixed")
def _a_session_smuggled_from_a_proposed_plan_into_an_agreed_one() -> None:
    PlannedSession.objects.filter(pk=PlannedSessionFactory(ordinal=99).pk).update(plan=PlanFactory())


@triggers.refused_by("planned_session_fixed")
def _a_session_that_disappears_from_an_agreed_plan() -> None:
    PlannedSession.objects.filter(plan=PlanFactory())._raw_delete("default")


def _in_a_proposed_plan_of(component: Component, **formula: Any) -> None:
    """A session with its own formula, in a plan with ten milligrams of the component per ml."""
    plan = PlanFactory(
        formula=FormulaFactory(parts=[(component, 10)]), sessions=0, status=PlanStatus.PROPOSED
    )
    PlannedSessionFactory(plan=plan, formula=FormulaFactory(**formula))


@triggers.refused_by("planned_session_formula")
def _a_session_with_something_that_the_plan_has_not() -> None:
    component = ComponentFactory()
    _in_a_proposed_plan_of(component, parts=[(component, 10), (ComponentFactory(), 1)])


@triggers.refused_by("planned_session_formula")
def _a_session_stronger_than_the_plan() -> None:
    component = ComponentFactory()
    _in_a_proposed_plan_of(component, parts=[(component, "10.0001")])


@triggers.refused_by("planned_session_formula")
def _a_session_with_a_formula_that_is_not_published() -> None:
    component = ComponentFactory()
    _in_a_proposed_plan_of(component, parts=[(component, 5)], draft=True)


@triggers.refused_by("planned_session_same_patient")
def _a_session_at_another_patients_visit() -> None:
    PlannedSessionFactory(appointment=AppointmentFactory())


@triggers.refused_by("planned_session_same_patient")
def _a_session_moved_to_another_patients_visit() -> None:
    PlannedSession.objects.filter(pk=PlannedSessionFactory().pk).update(appointment=AppointmentFactory())
