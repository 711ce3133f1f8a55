"""Outcome reviews, their scores, and the goals they are held against."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.enums import ReviewDecision
from consultations.models import Goal, Plan, Review, ReviewScore
from tests.factories.clock import ago
from tests.factories.consultations import CONTENT_HASH, ConsultationFactory, SignableFactory
from tests.factories.patch_tests import cleared_plan
from tests.factories.plans import PlanFactory
from tests.factories.reference import ReviewRuleFactory, ScaleFactory
from tests.factories.sessions import SessionFactory
from tests.factories.users import UserFactory


class ReviewFactory(SignableFactory):
    """A draft of a review, an hour ago; `scores` are dictionaries. `signed=True`: the plan goes on."""

    class Meta:
        model = Review

    class Params:
        signed = factory.Trait(
            decision=ReviewDecision.GO_ON,
            signed_at=factory.LazyAttribute(lambda review: review.created_at + timedelta(minutes=10)),
            signed_by=factory.SubFactory(UserFactory, practitioner=True),
            content_hash=CONTENT_HASH,
        )

    _child_names = ("scores",)
    plan = factory.SubFactory(PlanFactory)
    patient = factory.SelfAttribute("plan.patient")
    created_at = factory.LazyFunction(lambda: ago(hours=1))
    scores = factory.LazyFunction(list)

    @classmethod
    def add_children(cls, record: Review, name: str, rows: list[Any]) -> None:
        """Scores, given as dictionaries."""
        for row in rows:
            ReviewScoreFactory(review=record, **row)


class ReviewScoreFactory(DjangoModelFactory):
    """Four of ten."""

    class Meta:
        model = ReviewScore

    review = factory.SubFactory(ReviewFactory)
    scale = factory.SubFactory(ScaleFactory)
    value = Decimal(4)


class GoalFactory(DjangoModelFactory):
    """From six to two of ten."""

    class Meta:
        model = Goal

    consultation = factory.SubFactory(ConsultationFactory)
    scale = factory.SubFactory(ScaleFactory)
    baseline = Decimal(6)
    target = Decimal(2)


def waiting_for_review(**rule: Any) -> Plan:
    """A cleared plan whose first session was given a week ago, and whose course asks for a review before the next.

    Arguments go to ReviewRuleFactory.
    """
    plan: Plan = cleared_plan(min_gap_days=6)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=7))
    ReviewRuleFactory(**{"template_code": plan.template.code, "required": True, **rule})
    return plan
