"""Goals, reviews, the thresholds of scores, and sessions that wait for a review."""

from decimal import Decimal

from django.db import models

from consultations.enums import ReviewAnchor
from consultations.models import Goal, Review, ReviewScore
from tests.factories import (
    AppointmentFactory,
    ConsultationFactory,
    GoalFactory,
    PatientFactory,
    PlanFactory,
    ReviewFactory,
    ReviewRuleFactory,
    ReviewScoreFactory,
    ScaleFactory,
    ScaleThresholdFactory,
    SessionScoreFactory,
)
from tests.final_records import Child, Record, children, records
from tests.guards import Cases

constraints = Cases()
triggers = Cases()


def _signed_review() -> models.Model:
    return ReviewFactory(signed=True, scores=[{}])


def _consultation_with_goal() -> models.Model:
    return ConsultationFactory(signed=True, aims=[{}])


records(triggers, Record(lambda: ReviewFactory(signed=True), "words", "review_signed", opens=True))
children(
    triggers,
    Child(ReviewScore, _signed_review, "review", lambda _review: {"scale": ScaleFactory(), "value": 5}),
    Child(
        Goal,
        _consultation_with_goal,
        "consultation",
        lambda _consultation: {"scale": ScaleFactory(), "baseline": 5},
    ),
)


@constraints.refused_by("scale_threshold_says_what")
def _a_threshold_of_nothing() -> None:
    ScaleThresholdFactory(points=None, percent=None)


@constraints.refused_by("scale_threshold_says_what")
def _a_threshold_of_minus_two_points() -> None:
    ScaleThresholdFactory(points=-2, percent=None)


@constraints.refused_by("scale_threshold_says_what")
def _a_level_and_points() -> None:
    ScaleThresholdFactory(level=3)


@constraints.refused_by("review_rule_anchor")
def _a_review_after_a_session_without_a_number() -> None:
    ReviewRuleFactory(session=None)


@constraints.refused_by("review_rule_anchor")
def _a_review_after_the_last_session_that_names_one() -> None:
    ReviewRuleFactory(anchor=ReviewAnchor.LAST, session=3)


@constraints.refused_by("review_rule_required")
def _a_review_after_the_last_session_that_holds_back_later_ones() -> None:
    ReviewRuleFactory(anchor=ReviewAnchor.LAST, required=True)


@constraints.refused_by("goal_once")
def _one_goal_twice() -> None:
    first = GoalFactory()
    GoalFactory(consultation=first.consultation, scale=first.scale)


@constraints.refused_by("goal_scored")
def _a_goal_without_a_score() -> None:
    GoalFactory(baseline=None, target=None)


@constraints.refused_by("review_signed_together")
def _a_review_signed_by_nobody() -> None:
    ReviewFactory(signed=True, signed_by=None)


@constraints.refused_by("review_decision_known")
def _an_unknown_decision() -> None:
    ReviewFactory(decision="perhaps")


@constraints.refused_by("review_signed_with_decision")
def _a_review_signed_without_a_decision() -> None:
    ReviewFactory(signed=True, decision="")


@constraints.refused_by("review_one_draft")
def _one_plan_reviewed_by_two() -> None:
    ReviewFactory(plan=ReviewFactory().plan)


@constraints.refused_by("review_score_once")
def _a_score_of_a_review_taken_twice() -> None:
    first = ReviewScoreFactory()
    ReviewScoreFactory(review=first.review, scale=first.scale)


@constraints.refused_by("review_score_value_or_reason")
def _a_score_that_was_taken_and_not_taken() -> None:
    ReviewScoreFactory(not_taken_reason="no time")


@constraints.refused_by("review_score_value_or_reason")
def _a_missing_score_without_a_reason() -> None:
    ReviewScoreFactory(value=None)


@triggers.refused_by("review_score_in_range")
def _a_reviewed_pain_of_eleven_of_ten() -> None:
    ReviewScoreFactory(value=11)


@triggers.refused_by("review_score_in_range")
def _a_score_moved_to_a_scale_it_does_not_fit() -> None:
    score = ReviewScoreFactory(value=9)
    ReviewScore.objects.filter(pk=score.pk).update(scale=ScaleFactory(maximum=4))


@triggers.refused_by("session_score_in_range")
def _a_pain_of_minus_one_at_a_session() -> None:
    SessionScoreFactory(value=Decimal("-0.01"))


@triggers.refused_by("goal_in_range")
def _a_goal_below_the_lowest_score() -> None:
    GoalFactory(target=-1)


@triggers.refused_by("goal_in_range")
def _a_baseline_above_the_highest_score() -> None:
    GoalFactory(baseline=Decimal("10.5"), target=None)


@triggers.refused_by("review_same_patient")
def _a_review_of_somebody_elses_plan() -> None:
    ReviewFactory(patient=PatientFactory())


@triggers.refused_by("review_same_patient")
def _a_review_at_somebody_elses_visit() -> None:
    review = ReviewFactory(plan=PlanFactory())
    Review.objects.filter(pk=review.pk).update(appointment=AppointmentFactory())
