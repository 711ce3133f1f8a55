"""Outcome reviews of the demo's patients, held through the actions at the times they happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from clinic.models import Appointment, User
from consultations.actions import reviews
from consultations.actions.consultations import Aim
from consultations.actions.reviews import Score
from consultations.demo.journey import Journey
from consultations.enums import ReviewDecision
from consultations.models import Review, ReviewRule, Scale

Scores = Mapping[str, Decimal | int | str]


def aim(code: str, now: str, wanted: str, landmark: str = "") -> Aim:
    """A goal on the scale, with the score now and the score wanted."""
    scale = Scale.objects.current().get(code=code)
    return Aim(scale, landmark, Decimal(now) if now else None, Decimal(wanted) if wanted else None)


def hold_review(
    journey: Journey,
    code: str,
    scores: Scores,
    *,
    words: str = "",
    visit: Appointment | None = None,
    by: User | None = None,
    at: datetime | None = None,
    decision: ReviewDecision = ReviewDecision.GO_ON,
) -> Review:
    """Hold the review of the rule, at the end of the visit or at the moment; text in place of a score says why not.

    A code may name its place: "circumference_cm at waist".
    """
    assert journey.plan is not None
    if visit is not None:
        by, at = visit.practitioner.user, visit.ends_at - timedelta(minutes=2)
    assert by is not None
    assert at is not None
    rule = ReviewRule.objects.current().get(code=code)
    draft = reviews.begin(plan=journey.plan, rule=rule, appointment=visit, by=by, at=at)
    draft = reviews.save(
        review=draft,
        words=words,
        decision=decision,
        scores=[_score(name, value) for name, value in scores.items()],
        version=draft.version,
        by=by,
        at=at,
    )
    return reviews.sign(review=draft, version=draft.version, by=by, at=at + timedelta(minutes=1))


def _score(name: str, value: Decimal | int | str) -> Score:
    code, _at, landmark = name.partition(" at ")
    scale = Scale.objects.current().get(code=code)
    if isinstance(value, str):
        return Score(scale, None, landmark, value)
    return Score(scale, Decimal(value), landmark)
