"""A seal still fits its record after the record has got another column."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import models

from consultations.actions import signing
from consultations.enums import TestMethod
from consultations.models import (
    AdverseEvent,
    AdverseEventLot,
    CauseFinding,
    CauseSearch,
    Consent,
    Consultation,
    ContraindicationAnswer,
    DiscussedRisk,
    Goal,
    PatchTest,
    PatchTestLot,
    PhotographyConsent,
    Review,
    ReviewScore,
    Session,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionZone,
    TestReading,
)

# The columns that each sealed model had when its first record was sealed. This table never changes: a new column goes to
# `signing._ADDED_LATER`, a new sealed model gets a line.
FIRST_SEALED: dict[type[models.Model], str] = {
    PatchTest: (
        "appointment_id component_codes created_at deviation_id formula_id given_at histamine_control id "
        "method note observed_until patient_id plan_id policy_id practitioner_id saline_control signed_at "
        "signed_by_id site volume_ml"
    ),
    PatchTestLot: ("id lot_id patch_test_id"),
    TestReading: (
        "flare grade histamine_wheal_mm id kind note patch_test_id patient_id read_at result "
        "saline_positive signed_at signed_by_id site_readable supersedes_id systemic_sign valid_from "
        "valid_until wheal_end_mm wheal_start_mm"
    ),
    Session: (
        "aftercare_given appointment_id created_at depth_mm deviation_id device_id ended_at gun_mode id "
        "intensity minutes_applied needle note outcome outcome_reason patient_id plan_id planned_id "
        "practitioner_id program shots_per_minute signed_at signed_by_id started_at technique_id "
        "weight_kg"
    ),
    SessionZone: ("id ml_per_point points session_id volume_ml zone_id"),
    SessionLot: ("id lot_id session_id"),
    SessionDose: ("amount cap_amount cap_arithmetic component_id id session_id strength unit"),
    SessionScore: ("id moment scale_id session_id value"),
    SessionReaction: ("grade id note reaction_id session_id"),
    Consent: (
        "formula_id id patient_id plan_id signed_at signed_by_id signer signer_name signer_relation "
        "text_id words"
    ),
    Consultation: (
        "appointment_id created_at deferred_until discussed_aftercare discussed_alternatives "
        "discussed_expectations discussed_technique discussed_visits goals history id indication_id "
        "leaflet_id outcome outcome_reason patient_id practitioner_id signed_at signed_by_id weight_kg"
    ),
    ContraindicationAnswer: (
        "answer consultation_id decision defer_until id note override_reason question_id"
    ),
    Review: (
        "appointment_id created_at decision id patient_id plan_id practitioner_id rule_id signed_at "
        "signed_by_id words"
    ),
    ReviewScore: ("id landmark not_taken_reason review_id scale_id value"),
    AdverseEvent: (
        "action causality component_codes device_id ended_at grade id in_clusters is_allergic is_draining "
        "is_growing is_red_flag onset_at outcome patch_test_id patient_id plan_effect plan_id "
        "practitioner_id reaction_id review_by room_id seriousness session_id signed_at signed_by_id "
        "supersedes_id words zone_id"
    ),
    AdverseEventLot: ("event_id id lot_id"),
    PhotographyConsent: (
        "id patient_id signed_at signed_by_id signer signer_name signer_relation text_id words"
    ),
    CauseSearch: ("id patch_test_id patient_id reason signed_at signed_by_id"),
    CauseFinding: ("cause_codes id opened_codes patient_id search_id signed_at signed_by_id words"),
    DiscussedRisk: ("consultation_id id reaction_id"),
    Goal: ("baseline consultation_id id landmark scale_id target"),
}


def added_later(model: type[models.Model]) -> list[models.Field]:
    first = {*FIRST_SEALED[model].split(), *signing._NOT_SEALED}
    return [field for field in model._meta.concrete_fields if field.attname not in first]


@pytest.mark.parametrize("model", FIRST_SEALED)
def test_a_column_that_was_added_later_is_left_out_while_it_is_empty(model: type[models.Model]) -> None:
    found = added_later(model)
    assert [field.attname for field in found if field.attname not in signing.added_later(model)] == []
    unset = [getattr(model(), field.attname) for field in found]
    assert [value for value in unset if not signing._is_empty(value)] == []


def test_no_column_is_left_out_that_no_sealed_model_has_got_later() -> None:
    known = {model.__name__: {field.attname for field in added_later(model)} for model in FIRST_SEALED}
    assert {name: columns for name, columns in known.items() if columns} == signing._ADDED_LATER


def test_a_column_that_another_model_got_later_is_sealed_while_it_is_empty() -> None:
    """A test's note was there from the first seal on, whatever other model gets a note one day."""
    record, later = a_test(), {**signing._ADDED_LATER, "Session": {"note"}}
    before = signing.content_hash(record)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_ADDED_LATER", later)
        assert signing.content_hash(record) == before
        patch.setattr(signing, "_ADDED_LATER", {"PatchTest": {*later["PatchTest"], "note"}})
        assert signing.content_hash(record) != before


def a_test() -> PatchTest:
    """Sealed as it was before the arm and the days of medicines were asked."""
    moment = datetime(2026, 3, 1, 9, tzinfo=UTC)
    return PatchTest(
        pk=UUID(int=1),
        patient_id=UUID(int=2),
        plan_id=UUID(int=3),
        formula_id=4,
        practitioner_id=UUID(int=5),
        component_codes=["lidocaine"],
        method=TestMethod.INTRADERMAL,
        site="left forearm",
        given_at=moment,
        signed_at=moment,
        signed_by_id=6,
        created_at=moment,
    )


def test_the_seal_of_a_test_from_before_still_fits() -> None:
    assert (
        signing.content_hash(a_test()) == "b47a30565dbbdd248a60d4a74eba66476072487dc26b10cde05dcccd11886831"
    )


def test_a_column_that_says_something_is_sealed() -> None:
    record = a_test()
    before = signing.content_hash(record)
    record.arm = "left"
    assert signing.content_hash(record) != before
