"""Sessions and what they hold."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import models

from consultations.enums import SessionOutcome
from consultations.models import (
    Deviation,
    Lot,
    Plan,
    Session,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionTyping,
    SessionZone,
)
from consultations.purposes import session_of
from tests.consultations.policies import decided
from tests.factories import (
    AftercareSheetFactory,
    AppointmentFactory,
    BodyZoneFactory,
    ComponentFactory,
    DeviationFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    ReactionTypeFactory,
    ScaleFactory,
    SessionDoseFactory,
    SessionFactory,
    SessionTypingFactory,
    SessionZoneFactory,
    TechniqueFactory,
    TechniqueRuleFactory,
    UserFactory,
    cleared_plan,
    lots_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.factories.consultations import CONTENT_HASH
from tests.final_records import Child, Record, children, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()


def _full_session() -> models.Model:
    return SessionFactory(signed=True, scores=[{}], reactions=[ReactionTypeFactory()])


records(triggers, Record(lambda: SessionFactory(signed=True), "note", "session_signed", opens=True))
records(triggers, Record(AftercareSheetFactory, "emergency_number", "aftercare_sheet_append_only"))
children(
    triggers,
    Child(
        SessionZone, _full_session, "session", lambda _session: {"zone": BodyZoneFactory(), "volume_ml": 1}
    ),
    Child(
        SessionLot,
        _full_session,
        "session",
        lambda session: {"lot": LotFactory(component=session.plan.formula.parts.first().component)},
    ),
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
)


@constraints.refused_by("session_signed_together")
def _a_session_signed_by_nobody() -> None:
    SessionFactory(signed=True, signed_by=None)


@constraints.refused_by("session_outcome_known")
def _an_unknown_outcome() -> None:
    SessionFactory(outcome="half")


@constraints.refused_by("session_signed_with_outcome")
def _a_session_signed_without_an_outcome() -> None:
    SessionFactory(signed=True, outcome="")


@constraints.refused_by("session_reason_given")
def _a_session_partly_given_for_no_reason() -> None:
    SessionFactory(outcome=SessionOutcome.PARTIAL)


def _signed_with(
    *,
    amount: int,
    plan: Plan | None = None,
    of: Deviation | None = None,
    used: list[Lot] | None = None,
) -> Session:
    """A session signed with so many mg of the one component, judged by a cap of 100 mg."""
    plan = plan or cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    session = SessionFactory(
        plan=plan, zones=[{}], lots=used or lots_of(plan.formula), outcome="complete", deviation=of
    )
    SessionDoseFactory(session=session, amount=amount, cap_amount=100)
    session.signed_at, session.signed_by = CLINIC_NOW, UserFactory(practitioner=True)
    session.content_hash = CONTENT_HASH
    session.save()
    return session


@triggers.refused_by("session_over_cap")
def _a_dose_above_its_cap() -> None:
    _signed_with(amount=101)


@triggers.refused_by("session_over_cap")
def _a_dose_that_is_too_much_with_what_was_signed_that_day() -> None:
    first = _signed_with(amount=60)
    again = cleared_plan(formula=first.plan.formula, patient=first.patient)
    _signed_with(amount=41, plan=again)


@triggers.refused_by("session_over_cap")
def _a_dose_that_is_too_much_with_the_test_of_that_day() -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    PatchTestFactory(plan=plan, given_at=ago(hours=2), volume_ml=Decimal("0.1"))
    _signed_with(amount=100, plan=plan)


@triggers.refused_by("session_over_cap")
def _a_dose_above_its_cap_with_a_deviation_for_something_else() -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    _signed_with(amount=101, plan=plan, of=DeviationFactory(plan=plan, codes=["consent"]))


def _signed_with_a_lot_past_use(*codes: str, **lot: Any) -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    of = DeviationFactory(plan=plan, codes=codes) if codes else None
    used = LotFactory(component=plan.formula.parts.get().component, **lot)
    _signed_with(amount=1, plan=plan, of=of, used=[used])


def _put_aside(at: datetime) -> dict[str, Any]:
    return {"quarantined_at": at, "quarantined_by": UserFactory(), "quarantine_reason": "cloudy"}


@triggers.refused_by("session_lot_past_use")
def _a_lot_that_had_expired() -> None:
    _signed_with_a_lot_past_use(expires_on=TODAY - timedelta(days=1))


@triggers.refused_by("session_lot_past_use")
def _a_lot_that_was_put_aside_during_the_session_and_named_after_that() -> None:
    _signed_with_a_lot_past_use(**_put_aside(ago(minutes=5)))


@triggers.refused_by("session_lot_past_use")
def _a_lot_that_was_put_aside_with_a_deviation_for_something_else() -> None:
    _signed_with_a_lot_past_use("over_cap", **_put_aside(ago(days=1)))


def _signed_with_another_makers_lot(*codes: str) -> None:
    plan = cleared_plan(formula=FormulaFactory(parts=[(ComponentFactory(), 10)]))
    lot = LotFactory(component=plan.formula.parts.get().component, maker="Laboratoire Sud")
    of = DeviationFactory(plan=plan, codes=codes) if codes else None
    _signed_with(amount=1, plan=plan, of=of, used=[lot])


@triggers.refused_by("session_lot_untested")
def _a_lot_of_another_maker_than_in_the_test() -> None:
    _signed_with_another_makers_lot()


@triggers.refused_by("session_lot_untested")
def _a_lot_of_another_maker_with_a_deviation_for_something_else() -> None:
    _signed_with_another_makers_lot("over_cap")


@triggers.refused_by("session_check_in")
def _a_session_whose_patient_has_not_answered_where_the_clinic_asks_for_it() -> None:
    decided(ago(days=1), check_in_required=True)
    plan = cleared_plan()
    purpose = session_of(plan.planned_sessions.first())
    AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=ago(hours=1))
    SessionFactory(plan=plan)


@constraints.refused_by("session_weight_sane")
def _a_weight_in_grams() -> None:
    SessionFactory(weight_kg=Decimal("500"))


@constraints.refused_by("session_depth_sane")
def _a_needle_two_centimetres_deep_and_more() -> None:
    SessionFactory(depth_mm=Decimal("20.1"))


@constraints.refused_by("session_one_draft", aside=["session_cleared"])
def _one_session_recorded_by_two() -> None:
    first = SessionFactory()
    SessionFactory(plan=first.plan, planned=first.planned)


@constraints.refused_by("session_zone_once")
def _a_zone_twice_in_one_session() -> None:
    first = SessionZoneFactory()
    SessionZoneFactory(session=first.session, zone=first.zone)


@constraints.refused_by("session_zone_sane")
def _a_zone_with_less_than_no_volume() -> None:
    SessionZoneFactory(volume_ml=-1)


@triggers.refused_by("session_zone_volume")
def _a_zone_with_no_volume() -> None:
    SessionZoneFactory(volume_ml=0)


@triggers.refused_by("session_zone_volume")
def _a_volume_in_a_session_that_injects_nothing() -> None:
    session = SessionFactory()
    TechniqueRuleFactory(technique_code=session.technique.code, injects_nothing=True)
    SessionZoneFactory(session=session)


@triggers.refused_by("session_technique_of_zones")
def _volumes_in_a_session_that_comes_to_inject_nothing() -> None:
    """Signed, it would need neither lot nor dose for what was injected."""
    session = SessionZoneFactory().session
    dry = TechniqueFactory()
    TechniqueRuleFactory(technique_code=dry.code, injects_nothing=True)
    Session.objects.filter(pk=session.pk).update(technique=dry)


@constraints.refused_by("session_spacing_sane")
def _points_less_than_a_millimetre_apart() -> None:
    SessionFactory(spacing_mm=Decimal("0.9"))


@constraints.refused_by("session_spacing_sane")
def _a_line_longer_than_twenty_centimetres() -> None:
    SessionFactory(line_length_mm=201)


@constraints.refused_by("session_zone_sane")
def _a_point_of_more_than_five_millilitres() -> None:
    SessionZoneFactory(ml_per_point=Decimal("5.001"))


@constraints.refused_by("session_zone_area")
def _a_zone_without_any_area() -> None:
    SessionZoneFactory(area_cm2=0)


@constraints.refused_by("session_zone_places")
def _two_points_on_the_map_and_three_in_the_row() -> None:
    SessionZoneFactory(points=3, places=[[700, 1100], [712, 1104]])


@constraints.refused_by("session_lot_once")
def _a_lot_twice_in_one_session() -> None:
    session = SessionFactory()
    lot = LotFactory(component=session.plan.formula.parts.first().component)
    SessionLot.objects.create(session=session, lot=lot)
    SessionLot.objects.create(session=session, lot=lot)


@constraints.refused_by("session_dose_once")
def _a_component_dosed_twice() -> None:
    first = SessionDoseFactory()
    SessionDoseFactory(session=first.session, component=first.component)


@constraints.refused_by("session_dose_positive")
def _a_dose_of_nothing() -> None:
    SessionDoseFactory(amount=0)


@constraints.refused_by("session_score_once")
def _a_score_taken_twice() -> None:
    session, scale = SessionFactory(), ScaleFactory()
    SessionScore.objects.create(session=session, scale=scale, moment="before", value=5)
    SessionScore.objects.create(session=session, scale=scale, moment="before", value=6)


@constraints.refused_by("session_reaction_once")
def _a_reaction_seen_twice() -> None:
    session, reaction = SessionFactory(), ReactionTypeFactory()
    SessionReaction.objects.create(session=session, reaction=reaction)
    SessionReaction.objects.create(session=session, reaction=reaction)


@constraints.refused_by("session_reaction_grade")
def _a_reaction_of_grade_six() -> None:
    SessionReaction.objects.create(session=SessionFactory(), reaction=ReactionTypeFactory(), grade=6)


@constraints.refused_by("patch_test_components")
def _a_test_of_nothing() -> None:
    PatchTestFactory(component_codes=[])


@triggers.refused_by("session_zone_parent_signed")
def _a_zone_moved_from_a_draft_into_a_signed_session() -> None:
    signed, draft = _full_session(), SessionZoneFactory()
    SessionZone.objects.filter(pk=draft.pk).update(session=signed)


@triggers.refused_by("session_zone_parent_signed")
def _a_zone_moved_out_of_a_signed_session() -> None:
    signed, draft = _full_session(), SessionFactory()
    SessionZone.objects.filter(session=signed).update(session=draft)


@triggers.refused_by("session_typing_draft")
def _typing_into_a_signed_session() -> None:
    SessionTypingFactory(session=SessionFactory(signed=True))


@triggers.refused_by("session_typing_draft")
def _typing_moved_into_a_signed_session() -> None:
    typing = SessionTypingFactory()
    SessionTyping.objects.filter(pk=typing.pk).update(session=SessionFactory(signed=True))
