"""The policy of the pathway: which version counts when, and that publishing another one changes what is decided."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from clinic.enums import Role
from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.actions import plans, reference
from consultations.actions.consultations import Reply, save
from consultations.actions.plans import Proposal
from consultations.enums import Answer, Decision, RuleScope
from consultations.models import PathwayPolicy
from consultations.queries import policy_in_force
from tests.factories import (
    ConsultationFactory,
    ContraindicationQuestionFactory,
    FormulaFactory,
    IndicationFactory,
    PathwayPolicyFactory,
    PlanTemplateFactory,
    TechniqueFactory,
    UserFactory,
)
from tests.guards import without

pytestmark = pytest.mark.django_db


def decided(**numbers: Any) -> PathwayPolicy:
    """An admin publishes a new version with these numbers, as in the admin."""
    keeper = UserFactory(roles=[Role.ADMIN])
    draft = reference.new_version(entry=policy_in_force(timezone.now()), by=keeper, at=timezone.now())
    for name, number in numbers.items():
        setattr(draft, name, number)
    draft.save()
    return reference.publish(entry=draft, by=keeper, at=timezone.now())


def test_what_ships_is_what_the_clinical_reference_says() -> None:
    shipped = policy_in_force(timezone.now())
    assert shipped.to_confirm
    assert [shipped.default_wait_days, shipped.hard_gap_percent, shipped.volume_tolerance_percent] == [
        14,
        80,
        10,
    ]
    assert shipped.histamine_works_millimetres == 3
    assert [shipped.late_nodule_days, shipped.nodule_lasts_days, shipped.urgent_review_hours] == [7, 30, 48]
    assert [shipped.cluster_events, shipped.cluster_days] == [2, 90]


def test_a_decision_counts_from_its_own_moment_on() -> None:
    now = timezone.now()
    first = policy_in_force(now)
    second = PathwayPolicyFactory.build(code="default", version=2, published_at=now + timedelta(days=1))
    first.retired_at = second.published_at
    first.save()
    second.save()
    moments = [now, second.published_at - timedelta(microseconds=1), second.published_at]
    assert [policy_in_force(each) for each in moments] == [first, first, second]


def test_before_the_first_decision_the_first_counts() -> None:
    first = policy_in_force(timezone.now())
    assert policy_in_force(first.published_at - timedelta(days=400)) == first


def test_a_draft_or_a_policy_of_another_code_decides_nothing() -> None:
    first = policy_in_force(timezone.now())
    PathwayPolicyFactory(code="default", version=2, draft=True)
    PathwayPolicyFactory(code="another")
    assert policy_in_force(timezone.now()) == first


def test_a_server_without_reference_data_says_what_to_do() -> None:
    with without("pathway_policy_published"):
        PathwayPolicy.objects.all()._raw_delete("default")
        _expect_a_sentence()


def _expect_a_sentence() -> None:
    with pytest.raises(DomainError, match="load the reference data") as refusal:
        policy_in_force(timezone.now())
    assert refusal.value.code == "policy_missing"


def test_a_new_version_changes_the_gap_of_plans_proposed_from_then_on(doctor: Practitioner) -> None:
    template = PlanTemplateFactory(min_gap_days=None)  # a session each week
    technique, formula = TechniqueFactory(), FormulaFactory()

    def gaps() -> list[int]:
        plan = plans.propose(
            consultation=ConsultationFactory(practitioner=doctor, indication=IndicationFactory()),
            proposal=Proposal(technique=technique, formula=formula, template=template, starts_on=None),
            by=doctor.user,
            at=timezone.now(),
        )
        return [planned.min_gap_days for planned in plan.planned_sessions.all()]

    before = gaps()
    decided(hard_gap_percent=Decimal(50))
    assert [before, gaps()] == [[6, 6, 6], [4, 4, 4]]


def test_a_new_version_changes_how_long_an_answer_defers(doctor: Practitioner) -> None:
    question = ContraindicationQuestionFactory(
        rules=[{"scope": RuleScope.GENERAL, "decision": Decision.DEFER}]
    )

    def waits() -> timedelta:
        row = ConsultationFactory(practitioner=doctor)
        save(
            consultation=row,
            details={},
            replies=[Reply(question=question, answer=Answer.YES)],
            risks=[],
            proposal=None,
            version=None,
            by=doctor.user,
            at=timezone.now(),
        )
        return row.answers.get().defer_until - timezone.localdate()

    before = waits()
    decided(default_wait_days=21)
    assert [before.days, waits().days] == [14, 21]
