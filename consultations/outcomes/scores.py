"""Every score of some plans, read in a fixed number of queries: goals, sessions, reviews; what was called an error is out."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from consultations.enums import GIVEN
from consultations.models import (
    Goal,
    Plan,
    Review,
    ReviewRule,
    ReviewScore,
    ScaleThreshold,
    Session,
    SessionScore,
)
from consultations.rules.reviews import Due, schedule


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What was scored, each kind by plan, oldest first, and the thresholds in force."""

    goals: dict[UUID, list[Goal]]
    session_scores: dict[UUID, list[SessionScore]]
    review_scores: dict[UUID, list[ReviewScore]]
    thresholds: list[ScaleThreshold]


@dataclass(frozen=True, kw_only=True)
class Scores(Taken):
    """The same with the sessions given, the reviews, and the rules that ask for them, by template."""

    sessions: dict[UUID, list[Session]]
    reviews: dict[UUID, list[Review]]
    rules: dict[str, list[ReviewRule]]

    def schedule(self, plan: Plan, *, total: int, booked: Mapping[int, date] | None = None) -> list[Due]:
        """The reviews the plan's course asks for; `total` is how many sessions the plan has, `booked` the clinic's days
        of those on the books, by their number."""
        rules, given, held = (
            self.rules.get(plan.template.code, []),
            self.sessions[plan.pk],
            self.reviews[plan.pk],
        )
        return schedule(plan, rules, given, held, total=total, booked=booked)


def read(plans: Collection[Plan]) -> Scores:
    """Everything of the plans, which bring their template with them."""
    keys = [plan.pk for plan in plans]
    sessions = _given(keys).select_related("planned").order_by("started_at")
    reviews = _standing(keys).select_related("rule", "entered_in_error").order_by("created_at")
    rules = ReviewRule.objects.current().filter(template_code__in={plan.template.code for plan in plans})
    return Scores(
        **vars(taken(plans)),
        sessions=_by(sessions, lambda session: session.plan_id),
        reviews=_by(reviews, lambda review: review.plan_id),
        rules=_by(rules, lambda rule: rule.template_code),
    )


def taken(plans: Collection[Plan]) -> Taken:
    """The scores of the plans alone."""
    keys = [plan.pk for plan in plans]
    goals = Goal.objects.filter(consultation__plan__in=keys).select_related("scale", "consultation__plan")
    of_sessions = SessionScore.objects.filter(session__in=_given(keys)).select_related(
        "scale", "session__planned"
    )
    of_reviews = ReviewScore.objects.filter(review__in=_standing(keys).signed()).select_related(
        "scale", "review__rule"
    )
    return Taken(
        goals=_by(goals, lambda row: row.consultation.plan.pk),
        session_scores=_by(
            of_sessions.order_by("session__started_at", "pk"), lambda row: row.session.plan_id
        ),
        review_scores=_by(of_reviews.order_by("review__created_at", "pk"), lambda row: row.review.plan_id),
        thresholds=list(ScaleThreshold.objects.current()),
    )


def _given(plans: Collection[UUID]) -> QuerySet[Session]:
    """Signed sessions that were given, and are not called an error."""
    return Session.objects.signed().filter(plan__in=plans, outcome__in=GIVEN)


def _standing(plans: Collection[UUID]) -> QuerySet[Review]:
    """Reviews, drafts among them, that are not called an error."""
    return Review.objects.filter(plan__in=plans, entered_in_error=None)


def _by(rows: Iterable[Any], key: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found
