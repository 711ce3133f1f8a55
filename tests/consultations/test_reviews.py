"""Reviews written and signed: who may, what the signature does to the plan and to the visits that wait for it."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError, NotAllowed, NotCleared, Stale
from clinic.models import User
from consultations import purposes
from consultations.actions import records, reviews, sessions
from consultations.actions.reviews import Score
from consultations.actions.signing import content_hash
from consultations.enums import PlanStatus, ReviewAnchor, ReviewDecision
from consultations.models import Plan, Review, ReviewRule, Scale, Session
from tests.consultations import course
from tests.factories import (
    AppointmentFactory,
    PlanFactory,
    PractitionerFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    cleared_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now", "doctor")]


def scale(code: str = "gais") -> Scale:
    return Scale.objects.current().get(code=code)


def rule_of(plan: Plan) -> ReviewRule:
    return ReviewRule.objects.get(template_code=plan.template.code)


def begun(plan: Plan, by: User, **more: Any) -> Review:
    return reviews.begin(plan=plan, rule=rule_of(plan), appointment=None, by=by, at=CLINIC_NOW, **more)


def written(review: Review, by: User, **changes: Any) -> Review:
    """Improved, and the plan goes on."""
    usual = {
        "words": "Skin firmer.",
        "decision": ReviewDecision.GO_ON,
        "scores": [Score(scale(), Decimal(3))],
    }
    return reviews.save(review=review, **usual | changes, version=review.version, by=by, at=CLINIC_NOW)


def signed(plan: Plan, by: User, **changes: Any) -> Review:
    draft = written(begun(plan, by), by, **changes)
    return reviews.sign(review=draft, version=draft.version, by=by, at=CLINIC_NOW)


def test_a_signed_review_is_sealed_with_its_scores(practitioner_user: User) -> None:
    review = signed(waiting_for_review(), practitioner_user)
    row = Review.objects.get(pk=review.pk)
    assert (row.signed_by, row.decision) == (practitioner_user, ReviewDecision.GO_ON)
    assert row.content_hash == content_hash(row, row.scores.all())
    assert [(str(score.scale.code), score.value) for score in row.scores.all()] == [("gais", Decimal(3))]


def test_a_missing_score_or_decision_keeps_the_draft_open(practitioner_user: User) -> None:
    draft = written(begun(waiting_for_review(), practitioner_user), practitioner_user, scores=[])
    with pytest.raises(DomainError) as refused:
        reviews.sign(review=draft, version=draft.version, by=practitioner_user, at=CLINIC_NOW)
    assert (refused.value.code, refused.value.field) == ("score_missing", "scores")
    draft = written(draft, practitioner_user, decision="")
    with pytest.raises(DomainError) as refused:
        reviews.sign(review=draft, version=draft.version, by=practitioner_user, at=CLINIC_NOW)
    assert refused.value.code == "decision_missing"
    assert not Review.objects.get().is_signed


def test_a_score_outside_its_scale_is_refused_in_words_and_nothing_is_saved(practitioner_user: User) -> None:
    draft = written(begun(waiting_for_review(), practitioner_user), practitioner_user)
    with pytest.raises(DomainError, match="outside the range of its scale"):
        written(draft, practitioner_user, scores=[Score(scale(), Decimal(6))])
    assert [score.value for score in Review.objects.get().scores.all()] == [Decimal(3)]


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (ReviewDecision.GO_ON, PlanStatus.ACTIVE),
        (ReviewDecision.HOLD, PlanStatus.ON_HOLD),
        (ReviewDecision.STOP, PlanStatus.STOPPED),
        (ReviewDecision.FINISH, PlanStatus.COMPLETED),
    ],
)
def test_the_decision_changes_the_plan_at_once_with_the_reviews_words(
    decision: ReviewDecision, status: PlanStatus, practitioner_user: User
) -> None:
    plan = waiting_for_review()
    signed(plan, practitioner_user, decision=decision, words="No change after one session.")
    plan.refresh_from_db()
    reasons = [change.reason for change in plan.status_changes.all()]
    assert plan.status == status
    assert reasons == ([] if status == PlanStatus.ACTIVE else ["No change after one session."])


def test_a_decision_that_the_plan_does_not_allow_saves_no_signature(practitioner_user: User) -> None:
    plan = waiting_for_review()
    draft = written(begun(plan, practitioner_user), practitioner_user, decision=ReviewDecision.HOLD)
    Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.STOPPED)
    with pytest.raises(DomainError, match="cannot be decided any more"):
        reviews.sign(review=draft, version=draft.version, by=practitioner_user, at=CLINIC_NOW)
    assert not Review.objects.get().is_signed


def test_only_practitioners_write_and_only_their_own(practitioner_user: User, reception: User) -> None:
    plan = waiting_for_review()
    with pytest.raises(NotAllowed):
        begun(plan, reception)
    draft = begun(plan, practitioner_user)
    colleague = PractitionerFactory(signs_in=True).user
    with pytest.raises(NotAllowed):
        written(draft, colleague)
    taken = records.take_over(record=draft, by=colleague, at=CLINIC_NOW)
    assert written(taken, colleague).practitioner.user == colleague


def test_a_draft_saved_elsewhere_is_not_overwritten(practitioner_user: User) -> None:
    draft = begun(waiting_for_review(), practitioner_user)
    written(draft, practitioner_user)
    with pytest.raises(Stale):
        reviews.save(
            review=draft, words="", decision="", scores=[], version=1, by=practitioner_user, at=CLINIC_NOW
        )


def test_a_plan_is_reviewed_once_at_a_time_and_only_once_it_is_agreed(practitioner_user: User) -> None:
    plan = waiting_for_review()
    begun(plan, practitioner_user)
    with pytest.raises(DomainError, match="being reviewed already"):
        begun(plan, practitioner_user)
    proposed = PlanFactory(status=PlanStatus.PROPOSED)
    with pytest.raises(DomainError, match="not agreed yet"):
        reviews.begin(plan=proposed, rule=None, appointment=None, by=practitioner_user, at=CLINIC_NOW)


def test_the_review_of_another_course_is_refused(practitioner_user: User) -> None:
    with pytest.raises(DomainError, match="another course"):
        reviews.begin(
            plan=waiting_for_review(),
            rule=ReviewRuleFactory(),
            appointment=None,
            by=practitioner_user,
            at=CLINIC_NOW,
        )


@pytest.mark.parametrize(
    "rule",
    [
        {"session": 2},
        {"anchor": ReviewAnchor.LAST, "is_required": False},
    ],
)
def test_a_review_is_not_held_before_the_session_it_follows(
    rule: dict[str, Any], practitioner_user: User
) -> None:
    with pytest.raises(DomainError, match="follows a session that is still to be given"):
        begun(waiting_for_review(**rule), practitioner_user)


def test_the_look_before_the_first_session_waits_for_nothing(practitioner_user: User) -> None:
    plan = cleared_plan()
    ReviewRuleFactory(template_code=plan.template.code, anchor=ReviewAnchor.START)
    assert begun(plan, practitioner_user).rule == rule_of(plan)


def test_a_review_takes_addenda_and_can_be_called_an_error(practitioner_user: User) -> None:
    review = signed(waiting_for_review(), practitioner_user)
    added = records.add(record=review, text="Measured lying.", by=practitioner_user, at=CLINIC_NOW)
    entry = records.call_error(record=review, reason="wrong patient", by=practitioner_user, at=CLINIC_NOW)
    assert (added.review, records.record_of(entry)) == (review, review)


# The session that waits for it ------------------------------------------------------------------------------------


def test_a_session_does_not_begin_without_its_required_review_and_begins_with_it(
    practitioner_user: User,
) -> None:
    plan = waiting_for_review()
    planned = plan.planned_sessions.get(ordinal=2)

    def begin() -> Session:
        return sessions.begin(planned=planned, appointment=None, by=practitioner_user, at=CLINIC_NOW)

    with pytest.raises(NotCleared) as refused:
        begin()
    assert [each.code for each in refused.value.conditions] == ["review_due"]
    signed(plan, practitioner_user)
    assert begin().planned == planned


def test_the_database_refuses_the_session_as_well_and_lets_it_through_without_its_gate() -> None:
    plan = waiting_for_review()
    with pytest.raises(IntegrityError, match="review_due"), transaction.atomic():
        SessionFactory(plan=plan)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE OR REPLACE FUNCTION gate_review(the_plan uuid, the_patient uuid, the_time timestamptz,"
            " the_planned uuid, known_by timestamptz) RETURNS text LANGUAGE sql STABLE AS 'SELECT NULL::text'"
        )
    assert SessionFactory(plan=plan).planned.ordinal == 2


def test_what_was_given_without_the_review_is_recorded_as_a_deviation(practitioner_user: User) -> None:
    plan = waiting_for_review()
    session = sessions.record_deviating(
        planned=plan.planned_sessions.get(ordinal=2),
        started_at=ago(hours=1),
        reason="The review room was taken.",
        by=practitioner_user,
        at=CLINIC_NOW,
    )
    assert session.deviation is not None
    assert session.deviation.codes == ["review_due"]


def test_the_review_settles_the_visit_that_waited_for_it(practitioner_user: User) -> None:
    plan = waiting_for_review()
    planned = plan.planned_sessions.get(ordinal=2)
    visit = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(planned),
        starts_at=ahead(days=2),
        status=AppointmentStatus.PROVISIONAL,
    )
    planned.appointment = visit
    planned.save()
    review = signed(plan, practitioner_user)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.BOOKED
    records.call_error(record=review, reason="wrong patient", by=practitioner_user, at=CLINIC_NOW)
    visit.refresh_from_db()
    assert visit.status == AppointmentStatus.PROVISIONAL


def test_a1_the_fourth_session_of_the_face_course_waits_for_the_review_after_the_third(
    practitioner_user: User,
) -> None:
    plan = course.cleared("FACE-AMIN", by=practitioner_user, at=ago(days=95))
    for ordinal, days in ((1, 95), (2, 63), (3, 32)):
        course.given(
            plan,
            ordinal,
            rows=course.zones((225, "0.01")),
            by=practitioner_user,
            at=ago(days=days),
            depth_mm=Decimal("1.5"),
        )
    planned = plan.planned_sessions.get(ordinal=4)
    with pytest.raises(NotCleared, match="review"):
        sessions.begin(planned=planned, appointment=None, by=practitioner_user, at=CLINIC_NOW)
    course.reviewed(plan, "FACE-AMIN-S3", by=practitioner_user, at=CLINIC_NOW, gais="4")
    assert sessions.begin(planned=planned, appointment=None, by=practitioner_user, at=CLINIC_NOW)


def test_a_review_of_nobody_in_particular_changes_nothing_for_the_gate(practitioner_user: User) -> None:
    plan = waiting_for_review()
    ReviewFactory(plan=plan, signed=True)
    with pytest.raises(NotCleared):
        sessions.begin(
            planned=plan.planned_sessions.get(ordinal=2),
            appointment=None,
            by=practitioner_user,
            at=CLINIC_NOW,
        )
