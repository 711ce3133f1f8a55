"""Outcome reviews: begun, written while the patient is there, signed; the decision holds, stops or completes the plan."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Appointment, User
from consultations.actions import plans
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import PlanStatus
from consultations.models import Goal, Plan, Review, ReviewRule, ReviewScore, Scale, Session
from consultations.rules import authorship
from consultations.rules import reviews as rules


@dataclass(frozen=True)
class Score:
    """A score as the form read it: its value, or why it was not taken."""

    scale: Scale
    value: Decimal | None
    landmark: str = ""
    not_taken_reason: str = ""


@explained
def begin(
    *, plan: Plan, rule: ReviewRule | None, appointment: Appointment | None, by: User, at: datetime
) -> Review:
    """Start a draft for one of the reviews that the rules ask for, or for none of them.

    Raises:
        NotAllowed: only practitioners.
        DomainError: the plan is not agreed yet, is being reviewed already; the rule is another course's, or follows
            a session that is still to be given.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(plan.patient_id)
    row = Plan.objects.select_related("template").get(pk=plan.pk)
    if row.status == PlanStatus.PROPOSED:
        raise DomainError(
            _("The plan is not agreed yet. Sign the consultation first."), "plan_proposed", field="rule"
        )
    if rule and rule.template_code != row.template.code:
        raise DomainError(_("This review belongs to another course."), "other_course", field="rule")
    if rule:
        given = list(Session.objects.given().filter(plan=row).select_related("planned"))
        rules.check_may_begin(rule, given, status=row.status, total=row.planned_sessions.count())
    if Review.objects.filter(plan=row, signed_at=None).exists():
        raise DomainError(_("This plan is being reviewed already."), "review_one_draft", field="rule")
    return Review.objects.create(
        patient_id=row.patient_id,
        practitioner=practitioner,
        appointment=appointment,
        plan=row,
        rule=rule,
        created_at=at,
    )


@explained
def save(
    *,
    review: Review,
    words: str,
    decision: str,
    scores: Collection[Score],
    version: int | None,
    by: User,
    at: datetime,
) -> Review:
    """Save the draft with what has been filled in so far.

    Raises:
        NotAllowed, Stale, DomainError: not one's own draft, saved elsewhere, signed.
    """
    hold_still(review.patient_id)
    row = Review.objects.select_related("practitioner").get(pk=review.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    row.words, row.decision = words, decision
    row.version += 1
    row.clean_fields(exclude=["patient", "practitioner", "appointment", "plan", "rule"])
    row.save()
    row.scores.all().delete()
    ReviewScore.objects.bulk_create(
        ReviewScore(
            review=row,
            scale=score.scale,
            landmark=score.landmark,
            value=score.value,
            not_taken_reason=score.not_taken_reason,
        )
        for score in scores
    )
    return row


@explained
def sign(*, review: Review, version: int | None, by: User, at: datetime) -> Review:
    """Sign; what was decided holds, stops or completes the plan at once, with the review's words as the reason.

    Raises:
        DomainError: a score or the decision is missing, or the plan cannot go that way any more; nothing is saved.
    """
    hold_still(review.patient_id)
    row = Review.objects.select_related("practitioner", "plan", "rule").get(pk=review.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    rules.check_complete(row, _wanted(row))
    row.signed_at, row.signed_by = at, by
    row.version += 1
    row.content_hash = content_hash(row, row.scores.all())
    row.save()
    _decide(row, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def _wanted(row: Review) -> Sequence[rules.Wanted]:
    goals = Goal.objects.filter(consultation=row.plan.consultation_id).select_related("scale")
    codes = row.rule.scale_codes if row.rule else []
    return rules.wanted_scores(row.rule, goals, Scale.objects.current().filter(code__in=codes))


def _decide(row: Review, *, by: User, at: datetime) -> None:
    status = rules.status_after(row)
    reason = (row.words.strip() or str(row.rule or _("Review")))[:1000]
    if status == PlanStatus.ON_HOLD:
        plans.hold(plan=row.plan, reason=reason, by=by, at=at)
    elif status == PlanStatus.STOPPED:
        plans.stop(plan=row.plan, reason=reason, by=by, at=at)
    elif status == PlanStatus.COMPLETED:
        plans.complete(plan=row.plan, reason=reason, by=by, at=at)
