"""The review's pages: what is due, begun from the review visit, written, signed, read."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.enums import AppointmentStatus, Role
from clinic.models import Practitioner, RecordOpened, User
from consultations import offers, purposes
from consultations.enums import PlanStatus, ReviewAnchor, ReviewDecision
from consultations.models import Plan, PlannedSession, Review, ReviewRule, Scale
from consultations.next_steps import next_of
from consultations.queries import facts_of_one, under_way
from consultations.steppers import steps_of
from tests.factories import (
    AllergyFactory,
    AppointmentFactory,
    ConsentWithdrawalFactory,
    ConsultationFactory,
    PlanFactory,
    PractitionerFactory,
    ReviewFactory,
    ReviewRuleFactory,
    SessionFactory,
    UserFactory,
    cleared_plan,
    waiting_for_review,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def plan(clinic_now: datetime) -> Plan:
    """Its second session waits for a review."""
    return waiting_for_review(name="After session 1")


@pytest.fixture
def draft(plan: Plan, practitioner_client: Client) -> Review:
    """Begun on the page a moment ago."""
    rule = ReviewRule.objects.get(template_code=plan.template.code)
    practitioner_client.post(reverse("consultations:reviews_of", args=[plan.pk]), {"rule": rule.pk})
    return Review.objects.get()


def filled(review: Review, **changes: Any) -> dict[str, Any]:
    """What the browser sends for a review by the GAIS."""
    usual = {"version": review.version, "words": "Firmer.", "decision": "go_on", "score-gais--value": "3"}
    return usual | changes


def address(review: Review) -> str:
    return reverse("consultations:review", args=[review.pk])


def test_the_page_of_a_plans_reviews_says_which_is_due_and_offers_it(
    plan: Plan, practitioner_client: Client
) -> None:
    page = practitioner_client.get(reverse("consultations:reviews_of", args=[plan.pk]))
    ((each, is_due),) = page.context["schedule"]
    assert (str(each.rule), is_due) == ("After session 1", True)
    assert page.context["form"].initial["rule"] == each.rule.pk
    assert "no later session without it" in page.content.decode()
    assert "Another one, at the patient" in page.content.decode()
    assert RecordOpened.objects.filter(page="consultations:reviews_of", patient=plan.patient).count() == 1


def test_a_review_begun_attaches_to_the_visit_in_progress_and_opens_again(
    plan: Plan, practitioner_client: Client
) -> None:
    visit = AppointmentFactory(patient=plan.patient, status=AppointmentStatus.IN_PROGRESS)
    url = reverse("consultations:reviews_of", args=[plan.pk])
    begun = practitioner_client.post(url, {"rule": ReviewRule.objects.get(name="After session 1").pk})
    review = Review.objects.get()
    assert (begun["Location"], review.appointment, str(review.rule)) == (
        address(review),
        visit,
        "After session 1",
    )
    assert practitioner_client.get(url)["Location"] == address(review)


def test_a_review_at_somebodys_wish_names_no_rule(plan: Plan, practitioner_client: Client) -> None:
    practitioner_client.post(reverse("consultations:reviews_of", args=[plan.pk]), {"rule": ""})
    assert Review.objects.get().rule is None


def test_a_rule_of_another_course_cannot_be_chosen(plan: Plan, practitioner_client: Client) -> None:
    other = ReviewRuleFactory(template_code="another")
    page = practitioner_client.post(reverse("consultations:reviews_of", args=[plan.pk]), {"rule": other.pk})
    assert (page.status_code, Review.objects.count()) == (422, 0)


def test_a_review_that_follows_a_session_to_come_is_not_offered_yet(practitioner_client: Client) -> None:
    plan = waiting_for_review(session=2, name="After session 2")
    page = practitioner_client.get(reverse("consultations:reviews_of", args=[plan.pk]))
    ((each, is_due),) = page.context["schedule"]
    assert (each.on, is_due, page.context["form"].fields["rule"].queryset.count()) == (None, False, 0)


def test_saving_keeps_the_draft_and_signing_seals_it(draft: Review, practitioner_client: Client) -> None:
    answer = practitioner_client.post(address(draft), filled(draft, save="1"), follow=True)
    assert "Draft saved." in answer.content.decode()
    draft.refresh_from_db()
    answer = practitioner_client.post(address(draft), filled(draft, sign="1"), follow=True)
    page = answer.content.decode()
    draft.refresh_from_db()
    assert (draft.is_signed, draft.decision) == (True, ReviewDecision.GO_ON)
    for expected in (
        "Signed.",
        "go on as planned",
        "3 improved",
        draft.content_hash[:12],
        "Add to this record",
    ):
        assert expected in page


def test_a_signature_that_is_refused_saves_the_draft_and_keeps_what_was_typed(
    draft: Review, practitioner_client: Client
) -> None:
    data = filled(draft, sign="1") | {"score-gais--value": ""}
    page = practitioner_client.post(address(draft), data)
    text = page.content.decode()
    assert page.status_code == 422
    assert "The draft is saved. It is not signed yet, because:" in text
    assert "enter the score, or why it was not taken" in text
    draft.refresh_from_db()
    assert (draft.is_signed, draft.words) == (False, "Firmer.")
    again = filled(draft, sign="1", version=page.context["form"]["version"].value())
    assert practitioner_client.post(address(draft), again).status_code == 302


def test_a_score_that_was_not_taken_says_why_and_stays_missing(
    draft: Review, practitioner_client: Client
) -> None:
    data = filled(draft, sign="1") | {"score-gais--value": "", "score-gais--reason": "came by video"}
    page = practitioner_client.post(address(draft), data, follow=True).content.decode()
    assert "not taken: came by video" in page
    assert [(row.value, row.not_taken_reason) for row in draft.scores.all()] == [(None, "came by video")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"score-gais--value": "6"}, "This is not offered, or not any more"),
        ({"score-gais--reason": "too late"}, "A score that was taken needs no reason"),
        ({"decision": "perhaps"}, "This is not offered, or not any more"),
        ({"words": "x" * 10_001}, "Write at most 10000 characters"),
    ],
)
def test_bad_input_changes_nothing_and_says_what_to_do(
    changes: dict[str, str], sentence: str, draft: Review, practitioner_client: Client
) -> None:
    page = practitioner_client.post(address(draft), filled(draft, save="1") | changes)
    assert (page.status_code, sentence in page.content.decode()) == (422, True)
    assert "Not saved yet. Please look at this:" in page.content.decode()
    draft.refresh_from_db()
    assert (draft.words, draft.scores.count()) == ("", 0)


def test_a_measure_has_its_range_its_steps_and_its_place(practitioner_client: Client) -> None:
    plan = waiting_for_review(scale_codes=["circumference_cm"])
    rule = ReviewRule.objects.get(template_code=plan.template.code)
    practitioner_client.post(reverse("consultations:reviews_of", args=[plan.pk]), {"rule": rule.pk})
    review = Review.objects.get()

    def post(value: str) -> str:
        typed = {"score-circumference_cm--value": value, "score-circumference_cm--landmark": "navel"}
        return practitioner_client.post(address(review), filled(review, save="1") | typed).content.decode()

    assert "At most 300." in post("300.1")
    assert "Enter a score in steps of 0.1" in post("84.55")
    assert post("84,5") == ""
    score = review.scores.get()
    assert (f"{score.value.normalize():f}", score.landmark) == ("84.5", "navel")
    assert "navel" in practitioner_client.get(address(review)).content.decode()


def test_a_goals_place_is_fixed_and_its_baseline_stands_beside_it(practitioner_client: Client) -> None:
    waist = Scale.objects.current().get(code="circumference_cm")
    aims = [{"scale": waist, "landmark": "waist at the navel", "baseline": 84, "target": 80}]
    plan = PlanFactory(consultation=ConsultationFactory(signed=True, aims=aims))
    practitioner_client.post(reverse("consultations:reviews_of", args=[plan.pk]), {"rule": ""})
    page = practitioner_client.get(address(Review.objects.get()))
    (row,) = page.context["rows"]
    assert (row.wanted.landmark, row.before, "landmark" in row.fields) == ("waist at the navel", 84, False)


def test_a_draft_saved_elsewhere_is_not_overwritten(draft: Review, practitioner_client: Client) -> None:
    stale = filled(draft, save="1")
    practitioner_client.post(address(draft), stale)
    page = practitioner_client.post(address(draft), stale | {"words": "Other."})
    assert page.status_code == 409
    assert "Other." in page.content.decode()
    draft.refresh_from_db()
    assert draft.words == "Firmer."


def test_a_colleague_reads_the_draft_and_takes_it_over_by_name(draft: Review, client: Client) -> None:
    colleague = PractitionerFactory(signs_in=True).user
    sign_in(client, colleague)
    page = client.get(address(draft)).content.decode()
    assert "A colleague&#x27;s draft" in page or "A colleague's draft" in page
    client.post(reverse("consultations:take_over", args=["review", draft.pk]))
    draft.refresh_from_db()
    assert draft.practitioner.user == colleague


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.ADMIN])
def test_reviews_are_for_practitioners(role: Role, plan: Plan, client: Client) -> None:
    review = ReviewFactory(plan=plan)
    sign_in(client, UserFactory(roles=[role]))
    for url in (address(review), reverse("consultations:reviews_of", args=[plan.pk])):
        assert client.get(url).status_code == 404


@pytest.mark.parametrize("many", [1, 3])
def test_the_pages_ask_a_fixed_number_of_queries(
    many: int, practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    plan = waiting_for_review()
    for number in range(many):
        rule = ReviewRuleFactory(template_code=plan.template.code, position=number + 2)
        ReviewFactory(plan=plan, rule=rule, signed=True, scores=[{}, {}])
    signed = Review.objects.first()
    assert signed is not None
    with django_assert_num_queries(20):
        practitioner_client.get(reverse("consultations:reviews_of", args=[plan.pk]))
    with django_assert_num_queries(19):
        practitioner_client.get(address(signed))


# Where one meets it -----------------------------------------------------------------------------------------------


def test_the_review_comes_before_the_session_that_waits_for_it(plan: Plan) -> None:
    facts = facts_of_one(plan)
    step = next_of(facts, at=CLINIC_NOW)
    assert step.what == "Hold the review “After session 1”: session 2 waits for it."
    assert step.primary.url == reverse("consultations:reviews_of", args=[plan.pk])
    assert [each.code for each in step.conditions] == ["review_due"]


def test_the_review_may_be_booked_until_it_is_on_the_books(plan: Plan) -> None:
    def offered() -> list[str]:
        return [offer.purpose for offer in offers.for_facts([facts_of_one(plan)], at=CLINIC_NOW)]

    assert purposes.review_of(plan) in offered()
    AppointmentFactory(patient=plan.patient, purpose=purposes.review_of(plan), starts_at=ahead(days=1))
    assert purposes.review_of(plan) not in offered()


@pytest.fixture
def over(clinic_now: datetime) -> Plan:
    """Complete since yesterday; its course asks for a review eight weeks after the last session."""
    plan: Plan = cleared_plan(sessions=1)
    SessionFactory(plan=plan, signed=True, started_at=ago(days=1))
    plan.status = PlanStatus.COMPLETED
    plan.save(update_fields=["status"])
    ReviewRuleFactory(
        template_code=plan.template.code,
        anchor=ReviewAnchor.LAST,
        offset=8,
        unit="weeks",
        name="8 weeks later",
    )
    return plan


def test_the_review_after_a_complete_course_is_offered_for_its_day(over: Plan) -> None:
    wanted = purposes.review_of(over)
    found = {offer.purpose: offer for offer in offers.for_patient(over.patient, at=CLINIC_NOW)}
    assert {purpose.split(":")[0] for purpose in found} == {"review", "consultation"}
    assert found[wanted].ideal.date() == TODAY + timedelta(days=55)
    AppointmentFactory(patient=over.patient, purpose=wanted, starts_at=ahead(days=50))
    assert wanted not in [offer.purpose for offer in offers.for_patient(over.patient, at=CLINIC_NOW)]


def test_a_complete_course_stays_on_the_patient_page_until_its_review_is_held(
    over: Plan, practitioner_client: Client
) -> None:
    url = reverse("consultations:patient", args=[over.patient_id])
    page = practitioner_client.get(url)
    (row,) = page.context["plans"]
    assert (row["plan"], row["next"].what, page.context["closed"]) == (
        over,
        "Review the outcome: 8 weeks later.",
        [],
    )
    ReviewFactory(plan=over, rule=ReviewRule.objects.get(name="8 weeks later"), signed=True)
    page = practitioner_client.get(url)
    assert (page.context["plans"], page.context["closed"]) == ([], [over])


def test_at_the_review_of_a_complete_course_there_is_nothing_to_go_on_with(
    over: Plan, doctor: Practitioner, practitioner_client: Client
) -> None:
    draft = ReviewFactory(plan=over, practitioner=doctor)

    def offered() -> list[str]:
        page = practitioner_client.get(address(draft))
        return [value for value, _label in page.context["form"].fields["decision"].choices]

    assert offered() == ["finish"]
    page = practitioner_client.post(address(draft), filled(draft, save="1"))
    assert (page.status_code, "This is not offered, or not any more" in page.content.decode()) == (422, True)
    draft = ReviewFactory(plan=cleared_plan(), practitioner=doctor)  # the control
    assert "go_on" in offered()


def test_what_comes_after_a_complete_course_is_never_a_signature_or_a_decision(over: Plan) -> None:
    ConsentWithdrawalFactory(consent=over.consents.get())
    AllergyFactory(patient=over.patient, group_code="")
    assert next_of(facts_of_one(over), at=CLINIC_NOW).what == "Review the outcome: 8 weeks later."


def test_a_review_during_the_course_keeps_no_complete_plan_open(plan: Plan) -> None:
    plan.status = PlanStatus.COMPLETED
    plan.save(update_fields=["status"])
    assert list(under_way(plan.patient)) == []


def test_the_session_is_offered_although_the_review_is_still_to_come(plan: Plan) -> None:
    waiting = plan.planned_sessions.get(ordinal=2)
    (offer,) = [
        each
        for each in offers.for_facts([facts_of_one(plan)], at=CLINIC_NOW)
        if each.purpose == purposes.session_of(waiting)
    ]
    assert offer.conditions == ()


def test_the_review_visit_leads_to_the_review(plan: Plan) -> None:
    visit = AppointmentFactory(
        patient=plan.patient, purpose=purposes.review_of(plan), status=AppointmentStatus.IN_PROGRESS
    )
    (link,) = offers.clinical_links(visit)
    assert (link.url, link.primary) == (reverse("consultations:reviews_of", args=[plan.pk]), True)


def test_the_stepper_counts_a_review_only_after_the_last_session(plan: Plan, practitioner_user: User) -> None:
    ReviewFactory(plan=plan, signed=True)
    last = steps_of(facts_of_one(plan), at=CLINIC_NOW)[-1]
    assert (last.label, last.state) == ("Review", "todo")
    assert last.detail.startswith("last ")


def test_the_timeline_tells_of_the_review(plan: Plan, practitioner_client: Client) -> None:
    ReviewFactory(plan=plan, signed=True, rule=ReviewRule.objects.get(name="After session 1"))
    url = reverse("consultations:patient", args=[plan.patient_id])
    (entry,) = practitioner_client.get(url, {"kind": "review"}).context["entries"]
    assert (entry.title, entry.text) == (
        f"Review: {plan.indication}",
        "After session 1: go on as planned",
    )


def test_a_forgotten_draft_is_on_the_worklist(plan: Plan, practitioner_client: Client) -> None:
    ReviewFactory(plan=plan, created_at=CLINIC_NOW.replace(year=2025))
    page = practitioner_client.get(reverse("consultations:worklists")).content.decode()
    assert reverse("consultations:take_over", args=["review", Review.objects.get().pk]) in page


def said_of_reviews(client: Client, plan: Plan) -> list[tuple[str, date | None, date | None]]:
    page = client.get(reverse("consultations:reviews_of", args=[plan.pk]))
    return [(str(each.rule), each.on, each.reckoned_on) for each, _is_due in page.context["schedule"]]


def test_before_the_first_session_review_days_are_reckoned_from_the_visits_on_the_books(
    practitioner_client: Client,
) -> None:
    plan = cleared_plan(sessions=2)
    for name, anchor in (("A", ReviewAnchor.SESSION), ("B", ReviewAnchor.LAST), ("C", ReviewAnchor.START)):
        ReviewRuleFactory(template_code=plan.template.code, name=name, anchor=anchor, offset=10, unit="days")
    first, second = plan.planned_sessions.order_by("ordinal")

    def book(planned: PlannedSession, days: int) -> None:
        planned.appointment = AppointmentFactory(
            patient=plan.patient, purpose=purposes.session_of(planned), starts_at=ahead(days=days)
        )
        planned.save()

    def reckoned() -> dict[str, date | None]:
        found = said_of_reviews(practitioner_client, plan)
        assert all(on is None for _name, on, _reckoned in found)
        return {name: day for name, _on, day in found}

    assert reckoned() == {"A": None, "B": None, "C": None}
    book(first, 3)
    day = TODAY + timedelta(days=13)
    assert reckoned() == {"A": day, "B": None, "C": day}
    book(second, 30)
    assert reckoned() == {"A": day, "B": TODAY + timedelta(days=40), "C": day}
    text = practitioner_client.get(reverse("consultations:reviews_of", args=[plan.pk])).content.decode()
    assert text.count("reckoned from the visits on the books") == 3


def test_what_was_given_counts_and_not_what_is_booked(practitioner_client: Client, plan: Plan) -> None:
    ((_name, on, reckoned),) = said_of_reviews(practitioner_client, plan)
    assert on is not None
    assert reckoned is None
