"""When a course is to be reviewed, what a review must say before it is signed, and what it means for the plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.dates import later
from consultations.enums import PlanStatus, ReviewAnchor, ReviewDecision
from consultations.models import Goal, Plan, PlannedSession, Review, ReviewRule, Scale, Session
from consultations.queries import PlanFacts, in_error
from consultations.read_with_plans import AskedReview
from consultations.rules import plans

# What a decision makes of the plan.
STATUS_AFTER = {
    ReviewDecision.HOLD: PlanStatus.ON_HOLD,
    ReviewDecision.STOP: PlanStatus.STOPPED,
    ReviewDecision.FINISH: PlanStatus.COMPLETED,
}
CLOSED = (PlanStatus.STOPPED, PlanStatus.COMPLETED)


@dataclass(frozen=True, slots=True)
class Due:
    """One review that the clinic's rules ask for. `on` is its day, unknown until the session it counts from was given;
    `reckoned_on` is the day it would be if that session is given as it is booked."""

    rule: ReviewRule
    on: date | None
    review: Review | None = None
    reckoned_on: date | None = None

    @property
    def may_begin(self) -> bool:
        """See check_may_begin."""
        return self.on is not None or not follows_a_session(self.rule)

    def is_due(self, day: date) -> bool:
        """Its day has come and nobody has signed it."""
        return self.on is not None and self.on <= day and (self.review is None or not self.review.is_signed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One score that a review takes; `landmark` says where it is measured."""

    scale: Scale
    landmark: str = ""
    is_fixed: bool = False  # the place was chosen with the goal: the same one every time


def follows_a_session(rule: ReviewRule) -> bool:
    """All but the look before the first session, which waits for nothing."""
    return rule.anchor != ReviewAnchor.START or rule.offset > 0


def check_may_begin(rule: ReviewRule, given: Sequence[Session], *, status: str, total: int) -> None:
    """The session that the review counts from was given: one held before would say nothing of it, and hold back nothing.

    Raises:
        DomainError: field `rule`.
    """
    if follows_a_session(rule) and anchored_on(rule, given, status=status, total=total) is None:
        sentence = _("This review follows a session that is still to be given.")
        raise DomainError(sentence, "review_too_early", field="rule")


def required_before(facts: PlanFacts, planned: PlannedSession | None, *, on: datetime) -> AskedReview | None:
    """The first review without which the planned session does not begin at the moment: due since a session was given,
    and not signed by then. Before that session there is nothing to hold back."""
    if planned is None:
        return None
    given = max((each.planned.ordinal for each in facts.given if each.started_at <= on), default=0)
    held = {each.code for each in facts.held_reviews if each.error_at is None and each.signed_at <= on}
    return next(
        (
            each
            for each in facts.asked_reviews
            if each.is_required
            and each.session
            and each.session <= given
            and each.session < planned.ordinal
            and each.code not in held
        ),
        None,
    )


def outstanding(facts: PlanFacts) -> list[tuple[date, AskedReview]]:
    """The reviews that nobody has held and whose day is known, the earliest first."""
    held = {each.code for each in facts.held_reviews if each.error_at is None}
    found = []
    for each in facts.asked_reviews:
        start = anchored_on(each, facts.given, status=facts.plan.status, total=len(facts.planned))
        if start and each.code not in held:
            found.append((later(start, each.offset, each.unit), each))
    return sorted(found, key=lambda row: row[0])


def anchored_on(
    rule: ReviewRule | AskedReview, given: Sequence[Session], *, status: str, total: int
) -> date | None:
    """The day from which the rule counts: of sessions given, oldest first; None while that session is to come."""
    days = _days(given)
    if not days:
        return None
    if rule.anchor == ReviewAnchor.START:
        return min(days.values())
    if rule.anchor == ReviewAnchor.SESSION:
        return days.get(rule.session or 0)
    over = len(days) >= total or status in CLOSED
    return max(days.values()) if over else None


def _days(given: Iterable[Session]) -> dict[int, date]:
    """The clinic's day of each session, by its number in the plan."""
    return {session.planned.ordinal: timezone.localdate(session.started_at) for session in given}


def schedule(
    plan: Plan,
    rules: Iterable[ReviewRule],
    given: Sequence[Session],
    reviews: Iterable[Review],
    *,
    total: int,
    booked: Mapping[int, date] | None = None,
) -> list[Due]:
    """Every review the rules ask for, in their order, with the day and the record of each. `booked` are the clinic's days
    of the sessions on the books, by their number.

    A review counts for its rule whatever version of the rule it was begun under; one entered in error counts for none.
    """
    signed_last = sorted(reviews, key=lambda each: (each.is_signed, each.created_at))
    held = {each.rule.code: each for each in signed_last if each.rule and not in_error(each)}
    days = _days(given)
    found = []
    for rule in rules:
        start = anchored_on(rule, given, status=plan.status, total=total)
        day = later(start, rule.offset, rule.unit) if start else None
        from_books = None if start else _reckoned_from(rule, {**(booked or {}), **days}, total=total)
        reckoned = later(from_books, rule.offset, rule.unit) if from_books else None
        found.append(Due(rule, day, held.get(rule.code), reckoned))
    return found


def _reckoned_from(rule: ReviewRule, days: Mapping[int, date], *, total: int) -> date | None:
    """The day from which the rule will count when all sessions are given on these days; None where one is not booked."""
    if rule.anchor == ReviewAnchor.START:
        return days.get(1)
    if rule.anchor == ReviewAnchor.SESSION:
        return days.get(rule.session or 0)
    return max(days.values()) if days and len(days) >= total else None


def wanted_scores(rule: ReviewRule | None, goals: Iterable[Goal], scales: Iterable[Scale]) -> list[Wanted]:
    """The scores of a review: the patient's own goals at their places, then what the rule asks for besides.

    A rule that asks for no score (photographs alone) takes none.
    """
    if rule and not rule.scale_codes:
        return []
    found = [Wanted(goal.scale, goal.landmark, is_fixed=True) for goal in goals]
    known = {each.scale.code for each in found}
    by_code = {scale.code: scale for scale in scales}
    asked = rule.scale_codes if rule else []
    return found + [Wanted(by_code[code]) for code in asked if code in by_code and code not in known]


def check_complete(review: Review, wanted: Iterable[Wanted]) -> None:
    """Every score that was to be taken is there or says why not; somebody decides how the plan goes on.

    Raises:
        DomainError: for the field that is missing or wrong.
    """
    taken = {(score.scale.code, score.landmark) for score in review.scores.select_related("scale")}
    codes = {code for code, _landmark in taken}
    for each in wanted:
        code = each.scale.code
        if (code, each.landmark) not in taken if each.is_fixed else code not in codes:
            sentence = _("%(scale)s: enter the score, or why it was not taken.") % {"scale": each.scale}
            raise DomainError(sentence, "score_missing", field="scores")
    if not review.decision:
        raise DomainError(_("Say how the plan goes on."), "decision_missing", field="decision")
    check_decision(review)


def check_decision(review: Review) -> None:
    """The plan can still go the way that was decided, and what ends or holds it says why.

    Raises:
        DomainError: field `decision` or `words`.
    """
    status = STATUS_AFTER.get(ReviewDecision(review.decision))
    if status is None or status == review.plan.status:
        return
    if review.plan.status in CLOSED and review.decision == ReviewDecision.FINISH:
        return
    if not plans.may_change_status(review.plan, status):
        sentence = _("The plan is %(status)s; that cannot be decided any more.")
        said = {"status": review.plan.get_status_display()}
        raise DomainError(sentence % said, "wrong_state", field="decision")
    if not review.words.strip():
        sentence = _("Write down why; it stands with the plan as well.")
        raise DomainError(sentence, "reason_missing", field="words")


def status_after(review: Review) -> PlanStatus | None:
    """What the signature makes of the plan; None where it stays what it is."""
    status = STATUS_AFTER.get(ReviewDecision(review.decision))
    stays = status == review.plan.status or review.plan.status in CLOSED
    return None if stays else status
