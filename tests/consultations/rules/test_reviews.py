"""When a course is reviewed, which scores a review takes, and what may be decided."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from clinic.errors import DomainError
from consultations.dates import later
from consultations.enums import PlanStatus, ReviewAnchor, ReviewDecision
from consultations.models import Indication, Plan, PlanTemplate, Review, ReviewRule, Scale
from consultations.queries import facts_of_one
from consultations.rules import reviews
from tests.factories import (
    ConsultationFactory,
    EnteredInErrorFactory,
    PlanFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    cleared_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db


def given(plan: Plan, *days: int) -> list:
    """Sessions so many days ago, the longest first."""
    return [SessionFactory(plan=plan, signed=True, started_at=ago(days=each)) for each in days]


def rule(anchor: ReviewAnchor, **more: object) -> ReviewRule:
    return ReviewRuleFactory(anchor=anchor, template_code="course", **more)


@pytest.mark.parametrize(
    ("anchor", "more", "status", "expected"),
    [
        (ReviewAnchor.START, {}, PlanStatus.ACTIVE, 7),
        (ReviewAnchor.SESSION, {"session": 2}, PlanStatus.ACTIVE, 1),
        (ReviewAnchor.SESSION, {"session": 3}, PlanStatus.ACTIVE, None),
        (ReviewAnchor.LAST, {}, PlanStatus.ACTIVE, None),
        (ReviewAnchor.LAST, {}, PlanStatus.STOPPED, 1),
    ],
)
def test_a_review_counts_from_a_session_that_was_given(
    anchor: ReviewAnchor, more: dict, status: PlanStatus, expected: int | None
) -> None:
    sessions = given(cleared_plan(sessions=3), 7, 1)
    day = reviews.anchored_on(rule(anchor, **more), sessions, status=status, total=3)
    assert day == (None if expected is None else TODAY - timedelta(days=expected))


def test_before_the_first_session_nothing_is_due() -> None:
    assert reviews.anchored_on(rule(ReviewAnchor.START), [], status=PlanStatus.ACTIVE, total=3) is None


def test_after_all_sessions_the_last_one_counts_although_the_plan_is_open() -> None:
    sessions = given(cleared_plan(sessions=2), 7, 1)
    day = reviews.anchored_on(rule(ReviewAnchor.LAST), sessions, status=PlanStatus.ACTIVE, total=2)
    assert day == TODAY - timedelta(days=1)


@pytest.mark.parametrize(
    ("code", "start", "expected"),
    [
        pytest.param("FACE-AMIN-M3", date(2025, 1, 15), date(2025, 4, 15), id="A1: 3 months"),
        pytest.param("FACE-AMIN-M6", date(2025, 1, 15), date(2025, 7, 15), id="A1: 6 months"),
        pytest.param("HAIR-DUT-W12", date(2025, 1, 6), date(2025, 3, 31), id="A3: day 84"),
        pytest.param("PAIN-ACUTE-LBP-T2", date(2025, 8, 31), date(2026, 2, 28), id="A2: 6 months later"),
    ],
)
def test_a1_a2_a3_the_days_of_the_papers(code: str, start: date, expected: date) -> None:
    shipped = ReviewRule.objects.current().get(code=code)
    assert later(start, shipped.offset, shipped.unit) == expected


def test_a3_the_assessment_is_on_day_84() -> None:
    shipped = ReviewRule.objects.current().get(code="HAIR-DUT-W12")
    start = date(2026, 1, 5)
    assert (later(start, shipped.offset, shipped.unit) - start).days == 84


def test_a1_photographs_are_asked_for_at_0_3_and_6_months() -> None:
    shipped = ReviewRule.objects.current().filter(
        template_code="FACE-AMIN", anchor=ReviewAnchor.START, takes_photos=True
    )
    assert [(each.offset, each.unit) for each in shipped if each.offset] == [(3, "months"), (6, "months")]
    assert shipped.filter(offset=0).count() == 1


def test_every_cosmetic_course_is_reviewed_after_session_3_and_no_other_has_to_be() -> None:
    cosmetic = Indication.objects.current().filter(is_cosmetic=True).values("code")
    templates = PlanTemplate.objects.current().filter(is_active=True, indication_code__in=cosmetic)
    required = ReviewRule.objects.current().filter(is_required=True)
    assert set(required.values_list("template_code", flat=True)) == set(
        templates.values_list("code", flat=True)
    )
    assert set(required.values_list("session", flat=True)) == {3}


def test_a_schedule_counts_from_what_was_given_and_reckons_from_what_is_booked() -> None:
    plan = cleared_plan(sessions=3)
    sessions, held = given(plan, 7), PlanStatus.STOPPED
    first = rule(ReviewAnchor.SESSION, offset=2, unit="weeks")
    second = rule(ReviewAnchor.SESSION, session=2, offset=2, unit="months")
    last = rule(ReviewAnchor.LAST, offset=1, unit="weeks")

    def days(**more: object) -> list[tuple[date | None, date | None]]:
        found = reviews.schedule(plan, [first, second, last], sessions, [], total=3, **more)
        return [(each.on, each.reckoned_on) for each in found]

    in_a_week = TODAY + timedelta(days=7)
    assert days() == [(in_a_week, None), (None, None), (None, None)]
    assert days(booked={2: in_a_week, 3: TODAY + timedelta(days=14)}) == [
        (in_a_week, None),
        (None, date(2026, 5, 9)),
        (None, TODAY + timedelta(days=21)),
    ]
    plan.status = held
    assert days()[2] == (TODAY, None)
    assert reviews.Due(first, TODAY).is_due(TODAY) and not reviews.Due(first, in_a_week).is_due(TODAY)


def test_what_nobody_has_held_is_outstanding_by_its_day() -> None:
    plan = cleared_plan(sessions=3)
    given(plan, 7, 1)
    Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.STOPPED)
    asked = {"template_code": plan.template.code, "unit": "weeks"}
    late = ReviewRuleFactory(anchor=ReviewAnchor.LAST, offset=4, **asked)
    early, twin = (ReviewRuleFactory(offset=1, **asked) for _each in range(2))
    ReviewRuleFactory(session=3, **asked)  # was never given

    def waiting() -> list[tuple[date, str]]:
        return [(day, each.code) for day, each in reviews.outstanding(facts_of_one(plan))]

    in_the_end = (TODAY + timedelta(days=27), late.code)
    assert waiting() == [(TODAY, early.code), (TODAY, twin.code), in_the_end]
    held = ReviewFactory(plan=plan, rule=early, signed=True)
    assert waiting() == [(TODAY, twin.code), in_the_end]
    EnteredInErrorFactory(review=held)
    assert len(waiting()) == 3


def test_a_review_begins_once_what_it_follows_was_given() -> None:
    sessions, last = given(cleared_plan(sessions=3), 7), rule(ReviewAnchor.LAST)
    reviews.check_may_begin(last, sessions, status=PlanStatus.STOPPED, total=3)
    a_week_on, at_once = (rule(ReviewAnchor.START, offset=offset) for offset in (1, 0))
    reviews.check_may_begin(at_once, [], status=PlanStatus.ACTIVE, total=3)
    for early, done in ((last, sessions), (a_week_on, [])):
        with pytest.raises(DomainError) as refused:
            reviews.check_may_begin(early, done, status=PlanStatus.ACTIVE, total=3)
        assert (refused.value.code, refused.value.field) == ("review_too_early", "rule")


def test_of_two_reviews_for_one_rule_the_signed_one_counts_and_an_error_counts_for_none() -> None:
    plan = cleared_plan(sessions=2)
    sessions, asked = given(plan, 7), rule(ReviewAnchor.SESSION)
    signed = ReviewFactory(plan=plan, rule=asked, signed=True, created_at=ago(days=6))
    draft = ReviewFactory(plan=plan, rule=asked)

    def due() -> reviews.Due:
        (found,) = reviews.schedule(plan, [asked], sessions, plan.reviews.all(), total=2)
        return found

    assert (due().review, due().is_due(TODAY)) == (signed, False)
    EnteredInErrorFactory(review=signed)
    assert (due().review, due().is_due(TODAY)) == (draft, True)


def test_a_required_review_holds_back_only_what_comes_after_its_session() -> None:
    plan = waiting_for_review()
    facts = facts_of_one(plan)
    held_back = [
        bool(reviews.required_before(facts, planned, on=CLINIC_NOW)) for planned in (None, *facts.planned)
    ]
    assert held_back == [False, False, True, True]
    before_it = ago(days=8)
    assert reviews.required_before(facts, facts.planned[1], on=before_it) is None
    assert reviews.required_before(facts, facts.planned[1], on=facts.given[0].started_at) is not None


def test_a_review_takes_the_goals_at_their_places_and_what_the_rule_asks_for_besides() -> None:
    waist = Scale.objects.current().get(code="circumference_cm")
    consultation = ConsultationFactory(
        aims=[
            {"scale": waist, "landmark": place, "baseline": 80, "target": 76} for place in ("waist", "thigh")
        ]
    )
    asked = rule(ReviewAnchor.SESSION, scale_codes=["circumference_cm", "gais"])
    wanted = reviews.wanted_scores(asked, consultation.scored_goals.all(), Scale.objects.current())
    assert [(each.scale.code, each.landmark, each.is_fixed) for each in wanted] == [
        ("circumference_cm", "waist", True),
        ("circumference_cm", "thigh", True),
        ("gais", "", False),
    ]


def test_a_review_by_photographs_alone_takes_no_scores() -> None:
    consultation = ConsultationFactory(aims=[{}])
    asked = rule(ReviewAnchor.START, scale_codes=[], takes_photos=True)
    assert reviews.wanted_scores(asked, consultation.scored_goals.all(), []) == []


def test_a_review_lacks_a_score_that_was_neither_taken_nor_explained() -> None:
    gais = Scale.objects.current().get(code="gais")
    waist = Scale.objects.current().get(code="circumference_cm")
    wanted = [reviews.Wanted(waist, "waist", is_fixed=True), reviews.Wanted(gais)]
    at_the_thigh = {"scale": waist, "landmark": "thigh", "value": Decimal(50)}
    review = ReviewFactory(decision=ReviewDecision.GO_ON, scores=[at_the_thigh])
    with pytest.raises(DomainError, match=r"Circumference: enter the score, or why it was not taken."):
        reviews.check_complete(review, wanted)
    missing = {"scale": waist, "landmark": "waist", "value": None, "not_taken_reason": "no tape"}
    review = ReviewFactory(decision=ReviewDecision.GO_ON, scores=[missing, {"scale": gais, "value": 3}])
    reviews.check_complete(review, wanted)
    anywhere = ReviewFactory(decision=ReviewDecision.GO_ON, scores=[at_the_thigh])
    reviews.check_complete(anywhere, [reviews.Wanted(waist)])
    with pytest.raises(DomainError) as refused:
        reviews.check_complete(ReviewFactory(decision=""), [])
    assert (refused.value.code, refused.value.field) == ("decision_missing", "decision")


@pytest.mark.parametrize(
    ("status", "decision", "words", "field"),
    [
        (PlanStatus.ACTIVE, ReviewDecision.GO_ON, "", None),
        (PlanStatus.ACTIVE, ReviewDecision.HOLD, "red", None),
        (PlanStatus.ACTIVE, ReviewDecision.HOLD, " ", "words"),
        (PlanStatus.ACTIVE, ReviewDecision.STOP, "", "words"),
        (PlanStatus.ACTIVE, ReviewDecision.FINISH, "", "words"),
        (PlanStatus.ON_HOLD, ReviewDecision.HOLD, "", None),
        (PlanStatus.ON_HOLD, ReviewDecision.FINISH, "enough", "decision"),
        (PlanStatus.COMPLETED, ReviewDecision.FINISH, "", None),
        (PlanStatus.STOPPED, ReviewDecision.FINISH, "", None),
        (PlanStatus.COMPLETED, ReviewDecision.STOP, "red", "decision"),
        (PlanStatus.STOPPED, ReviewDecision.HOLD, "red", "decision"),
    ],
)
def test_what_may_be_decided_follows_the_plan_and_needs_its_reason(
    status: PlanStatus, decision: ReviewDecision, words: str, field: str | None
) -> None:
    review = ReviewFactory(plan=PlanFactory(status=status), decision=decision, words=words)
    if field is None:
        reviews.check_decision(review)
        return
    with pytest.raises(DomainError) as refused:
        reviews.check_decision(review)
    code, words = {
        "words": ("reason_missing", "Write down why"),
        "decision": ("wrong_state", "cannot be decided any more"),
    }[field]
    assert (refused.value.code, refused.value.field) == (code, field)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("status", "decision", "after"),
    [
        (PlanStatus.ACTIVE, ReviewDecision.GO_ON, None),
        (PlanStatus.ACTIVE, ReviewDecision.HOLD, PlanStatus.ON_HOLD),
        (PlanStatus.ACTIVE, ReviewDecision.STOP, PlanStatus.STOPPED),
        (PlanStatus.ON_HOLD, ReviewDecision.HOLD, None),
        (PlanStatus.ON_HOLD, ReviewDecision.STOP, PlanStatus.STOPPED),
        (PlanStatus.STOPPED, ReviewDecision.FINISH, None),
        (PlanStatus.COMPLETED, ReviewDecision.FINISH, None),
    ],
)
def test_a_signature_changes_no_plan_that_is_there_already_or_over(
    status: PlanStatus, decision: ReviewDecision, after: PlanStatus | None
) -> None:
    assert reviews.status_after(Review(plan=Plan(status=status), decision=decision)) == after
