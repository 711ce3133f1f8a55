"""The scores of one plan as lines, one for each scale and place: the baseline, every session, every review."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consultations.enums import ReviewAnchor, ScoreMoment
from consultations.models import Goal, Plan, ReviewScore, Scale, ScaleThreshold, SessionScore
from consultations.outcomes.scores import Taken
from consultations.rules import outcomes
from consultations.rules.outcomes import Change, Judged


class Kind(StrEnum):
    """Where a score comes from; each is drawn in its own shape."""

    BASELINE = "baseline"
    SESSION = "session"
    REVIEW = "review"


KIND_WORDS = {
    Kind.BASELINE: gettext_lazy("at the consultation"),
    Kind.SESSION: gettext_lazy("at a session"),
    Kind.REVIEW: gettext_lazy("at a review"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One score, or the reason why it is missing; `is_before` where nothing had been injected yet."""

    at: datetime
    kind: Kind
    words: str
    value: Decimal | None
    reason: str = ""
    is_before: bool = False
    record: object = None  # the primary key of the session or review


@dataclass(frozen=True, slots=True)
class Row:
    """A mark with what it means against the baseline."""

    mark: Mark
    is_baseline: bool
    change: Change | None
    judged: list[Judged]

    @property
    def best(self) -> Judged | None:
        """The largest change that was reached."""
        return outcomes.best_met(self.judged)


@dataclass
class Line:
    """One scale, at one place, of one plan."""

    plan: Plan
    scale: Scale
    landmark: str
    thresholds: list[ScaleThreshold]
    target: Decimal | None = None
    marks: list[Mark] = field(default_factory=list)

    @property
    def baseline(self) -> Mark | None:
        """The score before any treatment: the goal's, else a review's or a session's taken before the first injection."""
        return next((mark for mark in self.marks if mark.is_before and mark.value is not None), None)

    @property
    def measured(self) -> list[Mark]:
        """The scores that were taken, oldest first."""
        return [mark for mark in self.marks if mark.value is not None]

    @property
    def responder(self) -> ScaleThreshold | None:
        """The threshold that makes a responder on this scale."""
        return next((each for each in self.thresholds if each.is_responder), None)

    @property
    def limit(self) -> Decimal | None:
        """The score from which the patient is a responder."""
        before = self.baseline
        if self.responder is None:
            return None
        return outcomes.reached_at(self.scale, self.responder, baseline=before.value if before else None)

    @property
    def rows(self) -> list[Row]:
        """Every mark against the baseline; a level needs none."""
        return [self._row(mark) for mark in self.marks]

    def _row(self, mark: Mark) -> Row:
        before = self.baseline
        if mark is before or mark.value is None:
            return Row(mark, mark is before, None, [])
        start = before.value if before else None
        moved = outcomes.change(start, mark.value) if start is not None else None
        found = outcomes.judged(self.scale, self.thresholds, baseline=start, current=mark.value)
        return Row(mark, False, moved, found)


def lines_of(plan: Plan, scores: Taken) -> list[Line]:
    """The lines of a plan, those with goals first. A score taken at sessions without a place joins the goal's line."""
    found: dict[tuple[str, str], Line] = {}

    def line(scale: Scale, landmark: str) -> Line:
        places = [key for key in found if key[0] == scale.code]
        key = places[0] if not landmark and len(places) == 1 else (scale.code, landmark)
        if key not in found:
            fitting = [each for each in scores.thresholds if each.scale_code == scale.code]
            found[key] = Line(plan, scale, landmark, sorted(fitting, key=lambda each: each.position))
        return found[key]

    for goal in scores.goals[plan.pk]:
        mine = line(goal.scale, goal.landmark)
        mine.target = goal.target
        mine.marks += _of_goal(goal, plan)
    for score in scores.session_scores[plan.pk]:
        line(score.scale, "").marks.append(_of_session(score))
    for taken in scores.review_scores[plan.pk]:
        line(taken.scale, taken.landmark).marks.append(_of_review(taken))
    for each in found.values():
        each.marks.sort(key=lambda mark: mark.at)
    return list(found.values())


def _of_goal(goal: Goal, plan: Plan) -> Iterator[Mark]:
    """The score of the consultation, if one was taken."""
    if goal.baseline is not None:
        consultation = goal.consultation
        moment = consultation.signed_at or consultation.created_at
        yield Mark(moment, Kind.BASELINE, _("Consultation"), goal.baseline, is_before=True)


def _of_session(score: SessionScore) -> Mark:
    session, before = score.session, score.moment == ScoreMoment.BEFORE
    words = _("Session %(number)s, before") if before else _("Session %(number)s, after")
    ordinal = session.planned.ordinal
    return Mark(
        session.started_at if before else session.ended_at or session.started_at,
        Kind.SESSION,
        words % {"number": ordinal},
        score.value,
        is_before=before and ordinal == 1,
        record=session.pk,
    )


def _of_review(score: ReviewScore) -> Mark:
    review, rule = score.review, score.review.rule
    first = bool(rule and rule.anchor == ReviewAnchor.START and not rule.offset)
    words = _("Review: %(what)s") % {"what": rule} if rule else _("Review")
    return Mark(
        review.created_at,
        Kind.REVIEW,
        words,
        score.value,
        reason=score.not_taken_reason,
        is_before=first,
        record=review.pk,
    )
