"""Every trigger of the clinical pathway but its gates, by name: the write it refuses, and the same write without it.

The gates (`session_cleared` and its kin) have their truth tables in test_gate.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db import models

from consultations.enums import PLAN_MOVES, Decision, PlanStatus
from consultations.models import (
    ContraindicationAnswer,
    ContraindicationRule,
    DiscussedRisk,
    FormulaPart,
    PatchTestLot,
    Plan,
    PlannedSession,
    PlanPhase,
    PlanStatusChange,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionZone,
)
from tests.consultations.test_constraints import VERSIONED
from tests.factories import (
    AddendumFactory,
    AlertFactory,
    AllergyFactory,
    AppointmentFactory,
    BodyZoneFactory,
    ClinicalReportFactory,
    ComponentFactory,
    ConsentFactory,
    ConsentWithdrawalFactory,
    ConsultationFactory,
    ContraindicationQuestionFactory,
    DeviationFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    PatchTestPolicyFactory,
    PatientFactory,
    PlanFactory,
    PlannedSessionFactory,
    PlanTemplateFactory,
    ReactionTypeFactory,
    ScaleFactory,
    SessionFactory,
    SessionZoneFactory,
    TechniqueFactory,
    TestReadingFactory,
    UserFactory,
    VersionedFactory,
)
from tests.factories.clock import CLINIC_NOW
from tests.guards import (
    Case,
    Cases,
    check_deferred,
    ignore_all,
    refusal_of,
    sql,
    tables,
    triggers_in_database,
    triggers_in_models,
    without,
)

pytestmark = pytest.mark.django_db
cases = Cases()
GATES = {
    "patch_test_cleared",
    "patch_test_lot_usable",
    "session_cleared",
    "session_lot_usable",
    "test_reading_of_signed_test",
}
GUARDS_OF_ROWS = {
    name for name in triggers_in_models("consultations") if not name.endswith("_no_truncate")
} - GATES
# TRUNCATE … CASCADE empties every table that refers to the one named, and each of those has its own guard.
TRUNCATE_GUARDS = {
    name
    for app in ("clinic", "consultations")
    for name in triggers_in_models(app)
    if name.endswith("_no_truncate")
}


@pytest.mark.parametrize("case", cases, ids=str)
def test_a_bad_write_is_refused_by_the_trigger_of_this_name(case: Case) -> None:
    with without(*case.aside):
        assert refusal_of(case.write) == case.guard


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_same_write_goes_through_when_the_trigger_is_disabled(case: Case) -> None:
    with without(*case.aside, case.guard):
        case.write()


@pytest.mark.parametrize("guard", sorted(GUARDS_OF_ROWS))
def test_no_session_can_switch_a_trigger_off(guard: str) -> None:
    case = next(case for case in cases if case.guard == guard)
    with without(*case.aside):
        ignore_all("consultations")
        assert refusal_of(case.write) == guard


def test_every_trigger_of_the_models_has_a_case_or_is_a_gate() -> None:
    assert cases.guards | GATES == triggers_in_models("consultations")


def test_the_database_has_the_triggers_of_the_models_and_no_others() -> None:
    assert triggers_in_database("consultations") == triggers_in_models("consultations")


# Signed records ---------------------------------------------------------------------------------------------------


class Record(NamedTuple):
    """A kind of record that is final: how to make one, one of its texts, the triggers' prefix, its own refusal."""

    make: Callable[[], models.Model]
    text: str
    prefix: str
    guard: str


SIGNED = [
    Record(lambda: ConsultationFactory(signed=True), "history", "consultation", "consultation_signed"),
    Record(ConsentFactory, "words", "consent", "consent_signed"),
    Record(PatchTestFactory, "note", "patch_test", "patch_test_signed"),
    Record(TestReadingFactory, "note", "test_reading", "test_reading_signed"),
    Record(lambda: SessionFactory(signed=True), "note", "session", "session_signed"),
    Record(lambda: ClinicalReportFactory(triaged=True), "note", "clinical_report", "clinical_report_signed"),
    Record(
        lambda: EnteredInErrorFactory(consent=ConsentFactory(), confirmed=True),
        "reason",
        "entered_in_error",
        "entered_in_error_signed",
    ),
]
PERMANENT = [
    Record(AddendumFactory, "text", "addendum", "addendum_append_only"),
    Record(ConsentWithdrawalFactory, "reason", "consent_withdrawal", "consent_withdrawal_append_only"),
    Record(DeviationFactory, "reason", "deviation", "deviation_append_only"),
    Record(lambda: _status_change(), "reason", "plan_status_change", "plan_status_change_append_only"),
]


def _status_change() -> PlanStatusChange:
    plan = PlanFactory()
    return PlanStatusChange.objects.create(
        plan=plan,
        status=PlanStatus.ACTIVE,
        reason="agreed",
        changed_at=CLINIC_NOW,
        changed_by=plan.created_by,
    )


def _save(row: models.Model, text: str) -> None:
    setattr(row, text, "something else")
    row.save()


def _update(row: models.Model, text: str) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**{text: "something else"})


def _bulk_update(row: models.Model, text: str) -> None:
    setattr(row, text, "something else")
    type(row)._default_manager.bulk_update([row], [text])


def _update_in_sql(row: models.Model, text: str) -> None:
    sql(f"UPDATE {row._meta.db_table} SET {text} = 'something else' WHERE id = %s", row.pk)()


def _unsign_in_sql(row: models.Model, text: str) -> None:
    """The one change that would open the record again, together with the change itself."""
    fields = {field.name for field in row._meta.fields}
    seal = {"signed_at", "signed_by", "content_hash"} & fields or {"triaged_at", "triaged_by"} & fields
    if not all(row._meta.get_field(name).null for name in seal):
        return _update_in_sql(row, text)
    columns = [row._meta.get_field(name).column for name in seal]
    extra = ", outcome = ''" if "triaged_at" in seal else ""
    assignments = ", ".join(f"{column} = NULL" for column in columns) + extra
    return sql(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", row.pk)()


def _delete_in_sql(row: models.Model, text: str) -> None:
    sql(f"DELETE FROM {row._meta.db_table} WHERE id = %s", row.pk)()


WAYS = [_save, _update, _bulk_update, _update_in_sql, _delete_in_sql]


def _write(record: Record, way: Callable[[models.Model, str], None]) -> Callable[[], None]:
    def write() -> None:
        row = record.make()
        check_deferred()
        way(row, record.text)

    return write


for _record in [*SIGNED, *PERMANENT]:
    for _way in WAYS:
        cases.add(_record.guard, _write(_record, _way), name=f"{_way.__name__.strip('_').replace('_', ' ')}")
for _record in SIGNED[:1] + SIGNED[2:3] + SIGNED[4:6]:
    cases.add(_record.guard, _write(_record, _unsign_in_sql), name="unsign in sql")


@cases.refused_by("clinical_report_signed")
def _a_report_deleted_before_anybody_has_looked() -> None:
    _delete_in_sql(ClinicalReportFactory(), "")


@cases.refused_by("entered_in_error_signed")
def _an_error_deleted_before_it_is_confirmed() -> None:
    _delete_in_sql(EnteredInErrorFactory(consent=ConsentFactory()), "")


# Rows that never go -----------------------------------------------------------------------------------------------

NEVER_DELETED = [
    (AllergyFactory, "allergy_no_delete"),
    (AlertFactory, "alert_no_delete"),
    (LotFactory, "lot_no_delete"),
]
for _make, _guard in NEVER_DELETED:
    cases.add(_guard, lambda make=_make: make().delete(), name="delete")
    cases.add(_guard, lambda make=_make: _delete_in_sql(make(), ""), name="delete in sql")


def test_an_allergy_may_be_assessed_and_its_history_keeps_what_was_reported() -> None:
    allergy = AllergyFactory()
    by = UserFactory()
    type(allergy).objects.filter(pk=allergy.pk).update(
        status="refuted", assessed_at=CLINIC_NOW, assessed_by=by
    )
    assert list(allergy.events.order_by("pgh_id").values_list("status", flat=True)) == ["reported", "refuted"]


def test_a_child_of_a_draft_that_is_removed_leaves_a_trace() -> None:
    zone = SessionZoneFactory()
    SessionZone.objects.filter(pk=zone.pk).delete()
    events = SessionZone.pgh_event_model.objects.filter(id=zone.pk).order_by("pgh_id")
    assert list(events.values_list("pgh_label", "points")) == [("insert", 10), ("delete", 10)]


# Children of final records ----------------------------------------------------------------------------------------


class Child(NamedTuple):
    """A child table: how to make a final parent with one child, the key to it, and the fields of one more child."""

    model: type[models.Model]
    parent: Callable[[], models.Model]
    key: str
    more: Callable[[models.Model], dict[str, Any]]

    @property
    def guard(self) -> str:
        """The trigger that keeps the children of a final parent."""
        return next(t.name for t in self.model._meta.triggers if t.name.endswith("_parent_signed"))


def _full_session() -> models.Model:
    return SessionFactory(signed=True, scores=[{}], reactions=[ReactionTypeFactory()])


def _lot_for(formula: Any) -> dict[str, Any]:
    return {"lot": LotFactory(component=formula.parts.first().component)}


CHILDREN = [
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
        FormulaPart,
        FormulaFactory,
        "formula",
        lambda _formula: {"component": ComponentFactory(), "strength": 1},
    ),
    Child(
        DiscussedRisk,
        lambda: ConsultationFactory(signed=True, risks=[ReactionTypeFactory()]),
        "consultation",
        lambda _consultation: {"reaction": ReactionTypeFactory()},
    ),
    Child(
        ContraindicationAnswer,
        lambda: ConsultationFactory(signed=True, answers=[{}]),
        "consultation",
        lambda _consultation: {"question": ContraindicationQuestionFactory(), "answer": "no"},
    ),
    Child(PatchTestLot, PatchTestFactory, "patch_test", lambda test: _lot_for(test.formula)),
    Child(
        SessionZone, _full_session, "session", lambda _session: {"zone": BodyZoneFactory(), "volume_ml": 1}
    ),
    Child(SessionLot, _full_session, "session", lambda session: _lot_for(session.plan.formula)),
    Child(
        SessionDose,
        _full_session,
        "session",
        lambda _session: {"component": ComponentFactory(), "strength": 1, "amount": 1, "unit": "mg"},
    ),
    Child(
        SessionScore,
        _full_session,
        "session",
        lambda _session: {"scale": ScaleFactory(), "moment": "after", "value": 5},
    ),
    Child(
        SessionReaction,
        _full_session,
        "session",
        lambda _session: {"reaction": ReactionTypeFactory(), "grade": 1},
    ),
]


def _insert_child(child: Child, parent: models.Model) -> None:
    child.model(**{child.key: parent}, **child.more(parent)).save(force_insert=True)


def _bulk_create_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.bulk_create([child.model(**{child.key: parent}, **child.more(parent))])


def _update_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.filter(**{child.key: parent}).update(**{child.key: models.F(child.key)})


def _delete_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.filter(**{child.key: parent})._raw_delete("default")


def _write_child(child: Child, way: Callable[[Child, models.Model], None]) -> Callable[[], None]:
    def write() -> None:
        parent = child.parent()
        assert child.model._default_manager.filter(**{child.key: parent}).exists()
        way(child, parent)

    return write


for _child in CHILDREN:
    for _child_way in (_insert_child, _bulk_create_child, _update_child, _delete_child):
        cases.add(
            _child.guard,
            _write_child(_child, _child_way),
            name=_child_way.__name__.strip("_").replace("_", " "),
        )


@cases.refused_by("session_zone_parent_signed")
def _a_zone_moved_from_a_draft_into_a_signed_session() -> None:
    signed, draft = _full_session(), SessionZoneFactory()
    SessionZone.objects.filter(pk=draft.pk).update(session=signed)


@cases.refused_by("session_zone_parent_signed")
def _a_zone_moved_out_of_a_signed_session() -> None:
    signed, draft = _full_session(), SessionFactory()
    SessionZone.objects.filter(session=signed).update(session=draft)


# Reference data ---------------------------------------------------------------------------------------------------


def _published_prefix(make: type[VersionedFactory]) -> str:
    return next(t.name for t in make._meta.model._meta.triggers if t.name.endswith("_published"))


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
    cases.add(_published_prefix(_make), _rename(_make), name="rename")
    cases.add(_published_prefix(_make), _delete(_make), name="delete")
    cases.add(_published_prefix(_make), _withdraw(_make), name="make a draft of it again")


@pytest.mark.parametrize("make", VERSIONED, ids=lambda make: make._meta.model.__name__)
def test_a_draft_version_may_change_and_go(make: type[VersionedFactory]) -> None:
    draft = make(draft=True)
    draft.name = "something else"
    draft.save()
    draft.delete()
    assert not make._meta.model.objects.filter(code=draft.code).exists()


# Consultation and plan --------------------------------------------------------------------------------------------


@cases.refused_by("consultation_suitable")
def _an_eligible_patient_with_a_block() -> None:
    ConsultationFactory(signed=True, answers=[{"yes": True}])


@cases.refused_by("consultation_suitable")
def _a_block_that_is_not_known_to_be_absent() -> None:
    ConsultationFactory(signed=True, answers=[{"answer": "unknown", "decision": Decision.BLOCK}])


@cases.refused_by("consultation_suitable")
def _an_override_without_a_reason() -> None:
    ConsultationFactory(
        signed=True,
        outcome="eligible_with_conditions",
        outcome_reason="with care",
        answers=[{"answer": "yes", "decision": Decision.OVERRIDE}],
    )


def test_an_override_with_its_reason_is_suitable() -> None:
    answer = {"answer": "yes", "decision": Decision.OVERRIDE, "override_reason": "stable for years"}
    assert ConsultationFactory(signed=True, answers=[answer]).is_signed


def test_a_block_may_be_signed_as_not_eligible() -> None:
    made = ConsultationFactory(
        signed=True, outcome="not_eligible", outcome_reason="pregnant", answers=[{"yes": True}]
    )
    assert made.is_signed


@cases.refused_by("plan_transition")
def _a_plan_born_active() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED, sessions=0)
    plan.pk, plan.status = uuid.uuid4(), PlanStatus.ACTIVE
    plan.consultation = ConsultationFactory(signed=True, patient=plan.patient)
    plan.save(force_insert=True)


@cases.refused_by("plan_transition")
def _a_stopped_plan_that_goes_on() -> None:
    Plan.objects.filter(pk=PlanFactory(status=PlanStatus.STOPPED).pk).update(status=PlanStatus.ACTIVE)


@pytest.mark.parametrize("after", PlanStatus)
@pytest.mark.parametrize("before", PlanStatus)
def test_a_plan_moves_only_along_the_table(before: PlanStatus, after: PlanStatus) -> None:
    plan = PlanFactory(status=before)

    def move() -> None:
        Plan.objects.filter(pk=plan.pk).update(status=after)

    if after in PLAN_MOVES[before] or after == before:
        move()
        assert Plan.objects.get(pk=plan.pk).status == after
    else:
        assert refusal_of(move) == "plan_transition"


@cases.refused_by("plan_fixed")
def _an_agreed_plan_with_another_formula() -> None:
    Plan.objects.filter(pk=PlanFactory().pk).update(formula=FormulaFactory())


@cases.refused_by("plan_fixed")
def _an_agreed_plan_that_needs_no_test_any_more() -> None:
    easier = PlanFactory(test_policy__requirement="not_required").test_policy
    Plan.objects.filter(pk=PlanFactory().pk).update(test_policy=easier)


@cases.refused_by("plan_fixed")
def _an_agreed_plan_that_disappears() -> None:
    Plan.objects.filter(pk=PlanFactory(sessions=0).pk)._raw_delete("default")


def test_a_proposed_plan_may_change_and_an_agreed_one_may_start_later() -> None:
    proposed, agreed, other = PlanFactory(status=PlanStatus.PROPOSED), PlanFactory(), FormulaFactory()
    Plan.objects.filter(pk=proposed.pk).update(formula=other)
    Plan.objects.filter(pk=agreed.pk).update(starts_on=CLINIC_NOW.date())
    assert Plan.objects.get(pk=proposed.pk).formula == other


@cases.refused_by("plan_same_patient")
def _a_plan_from_another_patients_consultation() -> None:
    PlanFactory(consultation=ConsultationFactory(signed=True), patient=PatientFactory())


@cases.refused_by("plan_published")
def _a_plan_with_a_technique_that_is_being_prepared() -> None:
    PlanFactory(technique=TechniqueFactory(draft=True))


@cases.refused_by("plan_published")
def _a_plan_with_a_formula_that_is_being_prepared() -> None:
    PlanFactory(formula=FormulaFactory(draft=True))


@cases.refused_by("plan_published")
def _a_plan_with_a_template_that_is_being_prepared() -> None:
    PlanFactory(template=PlanTemplateFactory(draft=True))


@cases.refused_by("plan_published")
def _a_plan_with_a_test_policy_that_is_being_prepared() -> None:
    PlanFactory(test_policy=PatchTestPolicyFactory(draft=True))


@cases.refused_by("plan_published")
def _a_proposed_plan_that_comes_to_name_a_formula_being_prepared() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED)
    Plan.objects.filter(pk=plan.pk).update(formula=FormulaFactory(draft=True))


def test_a_plan_may_name_a_version_that_was_retired_since() -> None:
    formula = FormulaFactory()
    formula.retired_at = CLINIC_NOW
    formula.save()
    assert PlanFactory(formula=formula).formula == formula


@cases.refused_by("planned_session_fixed")
def _a_shorter_gap_in_an_agreed_plan() -> None:
    PlannedSession.objects.filter(plan=PlanFactory()).update(min_gap_days=0)


@cases.refused_by("planned_session_fixed")
def _one_more_session_without_a_gap_in_an_agreed_plan() -> None:
    PlannedSessionFactory(plan=PlanFactory(), ordinal=99, min_gap_days=0)


@cases.refused_by("planned_session_fixed")
def _a_session_smuggled_from_a_proposed_plan_into_an_agreed_one() -> None:
    PlannedSession.objects.filter(pk=PlannedSessionFactory(ordinal=99).pk).update(plan=PlanFactory())


@cases.refused_by("planned_session_fixed")
def _a_session_that_disappears_from_an_agreed_plan() -> None:
    PlannedSession.objects.filter(plan=PlanFactory())._raw_delete("default")


def test_the_sessions_of_a_proposed_plan_may_change() -> None:
    plan = PlanFactory(status=PlanStatus.PROPOSED, sessions=2)
    plan.planned_sessions.filter(ordinal=1).update(min_gap_days=20)
    plan.planned_sessions.filter(ordinal=2).delete()
    assert [planned.min_gap_days for planned in plan.planned_sessions.all()] == [20]


@cases.refused_by("planned_session_same_patient")
def _a_session_at_another_patients_visit() -> None:
    PlannedSessionFactory(appointment=AppointmentFactory())


@cases.refused_by("planned_session_same_patient")
def _a_session_moved_to_another_patients_visit() -> None:
    PlannedSession.objects.filter(pk=PlannedSessionFactory().pk).update(appointment=AppointmentFactory())


def test_a_session_at_the_patients_own_visit() -> None:
    plan = PlanFactory(sessions=0, status=PlanStatus.PROPOSED)
    visit = AppointmentFactory(patient=plan.patient)
    assert PlannedSessionFactory(plan=plan, appointment=visit).appointment == visit


# TRUNCATE ---------------------------------------------------------------------------------------------------------


def _emptied(table: str) -> None:
    check_deferred()  # TRUNCATE refuses a table with checks that wait
    sql(f"TRUNCATE {table} CASCADE")()


for _model in tables("consultations"):
    for _trigger in getattr(_model._meta, "triggers", []):
        if _trigger.name in TRUNCATE_GUARDS:
            cases.add(
                _trigger.name,
                lambda table=_model._meta.db_table: _emptied(table),
                aside=sorted(TRUNCATE_GUARDS - {_trigger.name}),
            )
