"""Adverse events, the rules about them, and plans that they hold."""

from typing import Any

from consultations.enums import PlanEffect, PlanStatus
from consultations.models import AdverseEvent, AdverseEventLot, Plan, PlanStatusChange
from tests.factories import (
    AddendumFactory,
    AdverseEventFactory,
    EnteredInErrorFactory,
    LotFactory,
    PatchTestFactory,
    PlanFactory,
    ReactionRuleFactory,
    ReactionTypeFactory,
    SessionFactory,
    TestReadingFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.final_records import Child, Record, children, records
from tests.guards import Cases, check_deferred, sql

constraints = Cases()
triggers = Cases()

records(triggers, Record(AdverseEventFactory, "words", "adverse_event_signed"))
children(
    triggers,
    Child(
        AdverseEventLot,
        lambda: AdverseEventFactory(lots=[LotFactory()]),
        "event",
        lambda _event: {"lot": LotFactory()},
    ),
)


@constraints.refused_by("reaction_rule_grades")
def _a_rule_from_a_high_grade_to_a_low_one() -> None:
    ReactionRuleFactory(grade_from=3, grade_to=2)


@constraints.refused_by("reaction_rule_grades")
def _a_rule_for_grade_six() -> None:
    ReactionRuleFactory(grade_to=6)


@constraints.refused_by("entered_in_error_one_record")
def _one_error_in_an_event_and_its_session() -> None:
    session = SessionFactory(signed=True)
    EnteredInErrorFactory(session=session, adverse_event=AdverseEventFactory(patient=session.patient))


@constraints.refused_by("addendum_of_one_record")
def _an_addendum_to_an_event_and_a_consultation() -> None:
    AddendumFactory(adverse_event=AdverseEventFactory())


@constraints.refused_by("adverse_event_grade")
def _an_event_of_grade_six() -> None:
    AdverseEventFactory(grade=6)


@constraints.refused_by("adverse_event_order")
def _an_event_that_ended_before_it_began() -> None:
    AdverseEventFactory(ended_at=ago(days=1))


@constraints.refused_by("adverse_event_past")
def _an_event_that_is_still_to_begin() -> None:
    AdverseEventFactory(signed_at=ago(hours=3))


@constraints.refused_by("adverse_event_worded")
def _an_event_without_words() -> None:
    AdverseEventFactory(words="")


@constraints.refused_by("adverse_event_lot_once")
def _a_lot_named_twice() -> None:
    AdverseEventFactory(lots=[LotFactory()] * 2)


@triggers.refused_by("adverse_event_same_patient")
def _an_event_after_somebody_elses_session() -> None:
    AdverseEventFactory(session=SessionFactory())


@triggers.refused_by("adverse_event_same_patient")
def _an_event_of_somebody_elses_plan() -> None:
    AdverseEventFactory(plan=PlanFactory())


@triggers.refused_by("adverse_event_same_patient")
def _an_event_after_somebody_elses_test() -> None:
    AdverseEventFactory(patch_test=PatchTestFactory())


@triggers.refused_by("adverse_event_same_patient")
def _an_event_that_supersedes_somebody_elses() -> None:
    AdverseEventFactory(supersedes=AdverseEventFactory())


@triggers.refused_by("adverse_event_grade_floor")
def _an_anaphylaxis_of_grade_two() -> None:
    reaction = ReactionTypeFactory()
    ReactionRuleFactory(reaction_code=reaction.code, grade_from=3)
    AdverseEventFactory(reaction=reaction, grade=2)


def held_for(event: AdverseEvent) -> Plan:
    """The event's plan on hold because of it."""
    plan = event.plan
    assert plan is not None
    plan.status = PlanStatus.ON_HOLD
    plan.save(update_fields=["status"])
    PlanStatusChange.objects.create(
        plan=plan,
        status=PlanStatus.ON_HOLD,
        reason="allergic",
        adverse_event=event,
        changed_at=CLINIC_NOW,
        changed_by=UserFactory(practitioner=True),
    )
    return plan


def allergic_event(plan: Plan, **event: Any) -> AdverseEvent:
    """A slight allergic reaction under the plan."""
    return AdverseEventFactory(
        plan=plan, patient=plan.patient, is_allergic=True, plan_effect=PlanEffect.HOLD, **event
    )


def _resumed(plan: Plan) -> None:
    check_deferred()
    sql("UPDATE consultations_plan SET status = 'active' WHERE id = %s", plan.pk)()


@triggers.refused_by("plan_resume_cleared")
def _an_allergic_hold_lifted_by_the_test_before_it() -> None:
    _resumed(held_for(allergic_event(cleared_plan())))


@triggers.refused_by("plan_resume_cleared")
def _an_allergic_hold_lifted_by_a_positive_test() -> None:
    plan = held_for(allergic_event(cleared_plan(), onset_at=ago(days=9)))
    retest = PatchTestFactory(plan=plan, given_at=ago(days=5))
    TestReadingFactory(patch_test=retest, positive=True)
    _resumed(plan)


@triggers.refused_by("plan_resume_cleared")
def _an_allergic_hold_lifted_by_an_error_that_nobody_confirmed() -> None:
    event = allergic_event(cleared_plan())
    EnteredInErrorFactory(adverse_event=event)
    _resumed(held_for(event))


@triggers.refused_by("reaction_rule_published")
def _a_published_rule_changed() -> None:
    rule = ReactionRuleFactory()
    rule.plan_effect = PlanEffect.NONE
    rule.save()
