"""Outcomes: a patient's lines as drawings and tables, the cohort of a course on the page and as a sheet."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from clinic.enums import Role
from clinic.models import User
from consultations.enums import ReviewAnchor, ScoreMoment
from consultations.models import Goal, Plan, PlanTemplate, ReviewRule, Scale, ScaleThreshold
from consultations.outcomes import cohorts, scores
from consultations.outcomes.lines import lines_of
from consultations.outcomes.plots import HEIGHT, plot
from consultations.outcomes.words import change_words, goals_in_words, responder_words, score_words, shown
from consultations.rules.outcomes import Change
from tests.factories import (
    ConsultationFactory,
    EnteredInErrorFactory,
    FormulaFactory,
    PatientFactory,
    PlanFactory,
    PlanTemplateFactory,
    ReviewFactory,
    ReviewRuleFactory,
    ScaleFactory,
    SessionFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import TODAY, ago
from tests.signing_in import sign_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


def scale(code: str) -> Scale:
    return Scale.objects.current().get(code=code)


def pained(*values: int, **plan: Any) -> Plan:
    """A plan whose pain was scored at a session a week: before the first at `values[0]`, after each the next."""
    made: Plan = cleared_plan(sessions=len(values), min_gap_days=1, **plan)
    pain = scale("pain_nrs")
    for number, value in enumerate(values[1:]):
        taken = [{"scale": pain, "moment": ScoreMoment.AFTER, "value": value}]
        if not number:
            taken.insert(0, {"scale": pain, "moment": ScoreMoment.BEFORE, "value": values[0]})
        SessionFactory(plan=made, signed=True, started_at=ago(days=7 - 2 * number), scores=taken)
    return made


def line(plan: Plan, number: int = 0) -> Any:
    return lines_of(plan, scores.taken([plan]))[number]


# One patient ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "change", "verdict", "ways"),
    [
        (6, 4, "−2 (−33.3 %)", "much better", "responder by points: yes, by per cent: yes"),
        (6, 5, "−1 (−16.7 %)", "slightly better", "responder by points: no, by per cent: no"),
        (10, 8, "−2 (−20 %)", "much better", "responder by points: yes, by per cent: no"),
        (3, 2, "−1 (−33.3 %)", "much better", "responder by points: no, by per cent: yes"),
        (4, 5, "+1 (+25 %)", "no change that matters", "responder by points: no, by per cent: no"),
    ],
)
def test_a14_the_page_says_both_ways(
    before: int, now: int, change: str, verdict: str, ways: str, practitioner_client: Client
) -> None:
    plan = pained(before, now)
    page = practitioner_client.get(reverse("consultations:outcomes", args=[plan.patient_id]))
    (row,) = page.context["plans"]
    first, last = row["lines"][0].rows
    assert (first["is_baseline"], first["value"]) == (True, str(before))
    assert (last["change"], last["verdict"]) == (change, verdict)
    assert last["by"] == ways
    assert ways in page.content.decode()


def test_without_a_score_before_treatment_nothing_is_judged() -> None:
    plan = cleared_plan()
    taken = {"scale": scale("pain_nrs"), "moment": ScoreMoment.AFTER, "value": 2}
    SessionFactory(plan=plan, signed=True, scores=[taken])
    (row,) = shown(line(plan)).rows
    assert (row["change"], row["verdict"]) == ("", "no baseline to judge by")


def test_the_goal_gives_the_baseline_the_target_and_the_place_of_the_line() -> None:
    waist = scale("circumference_cm")
    aims = [{"scale": waist, "landmark": "waist", "baseline": D("84.5"), "target": D(80)}]
    plan = PlanFactory(consultation=ConsultationFactory(signed=True, aims=aims))
    ReviewFactory(plan=plan, signed=True, scores=[{"scale": waist, "landmark": "waist", "value": D("82.4")}])
    mine = line(plan)
    assert (mine.landmark, mine.baseline.value, mine.target, mine.limit) == (
        "waist",
        D("84.5"),
        80,
        D("82.5"),
    )
    assert shown(mine).latest["verdict"] == "2 cm less: matters at the waist"


def test_scores_at_sessions_join_the_goals_line_and_two_places_stay_apart() -> None:
    waist = scale("circumference_cm")
    one = [{"scale": waist, "landmark": "waist", "baseline": 84, "target": 80}]
    plan = cleared_plan(consultation=ConsultationFactory(signed=True, aims=one))
    SessionFactory(plan=plan, signed=True, scores=[{"scale": waist, "value": 83}])
    assert [(each.landmark, len(each.marks)) for each in lines_of(plan, scores.taken([plan]))] == [
        ("waist", 2)
    ]
    places = [one[0] | {"landmark": place} for place in ("waist", "thigh")]
    apart = PlanFactory(consultation=ConsultationFactory(signed=True, aims=places))
    assert [each.landmark for each in lines_of(apart, scores.taken([apart]))] == ["waist", "thigh"]


def test_what_was_called_an_error_or_is_a_draft_leaves_the_line() -> None:
    plan = pained(6, 4)
    review = ReviewFactory(plan=plan, signed=True, scores=[{"scale": scale("pain_nrs")}])
    EnteredInErrorFactory(review=review)
    ReviewFactory(plan=plan, scores=[{"scale": scale("pain_nrs")}])
    assert [mark.value for mark in line(plan).marks] == [6, 4]
    EnteredInErrorFactory(session=plan.sessions.get())
    assert lines_of(plan, scores.taken([plan])) == []


def test_a_missing_score_stands_in_the_table_and_not_in_the_drawing() -> None:
    plan = pained(6, 4)
    missing = {"scale": scale("pain_nrs"), "value": None, "not_taken_reason": "did not come"}
    ReviewFactory(plan=plan, signed=True, scores=[missing])
    mine = line(plan)
    assert [row["reason"] for row in shown(mine).rows] == ["", "", "did not come"]
    drawn = plot(mine)
    assert drawn is not None
    assert len(drawn.dots) == 2


def test_the_drawing_puts_scores_on_the_whole_scale_with_the_responders_band() -> None:
    drawn = plot(line(pained(10, 8, 3)))
    assert drawn is not None
    assert [score for _y, score in drawn.ticks] == [0, 5, 10]
    highest, lowest = 14, HEIGHT - 28
    assert drawn.dots[0].y == highest
    assert drawn.dots[2].y == pytest.approx(lowest - 0.3 * (lowest - highest), abs=0.1)
    # Of ten, two points are the easier way: everything from eight down.
    assert drawn.band is not None
    assert drawn.band[0] == pytest.approx(lowest - 0.8 * (lowest - highest), abs=0.1)
    assert sum(drawn.band) == pytest.approx(lowest, abs=0.1)
    assert [dot.x for dot in drawn.dots] == sorted(dot.x for dot in drawn.dots)


def test_one_score_is_no_drawing() -> None:
    waist = [{"scale": scale("fat_mm"), "baseline": 20, "target": None}]
    assert plot(line(PlanFactory(consultation=ConsultationFactory(signed=True, aims=waist)))) is None


def test_where_nothing_makes_a_responder_scores_are_drawn_without_a_band() -> None:
    plain, judged = ScaleFactory(), scale("pain_nrs")
    drawn = []
    for each in (plain, judged):
        aims = [{"scale": each, "baseline": 6, "target": None}]
        plan = PlanFactory(consultation=ConsultationFactory(signed=True, aims=aims))
        ReviewFactory(plan=plan, signed=True, scores=[{"scale": each, "value": 4}])
        mine = line(plan)
        found = plot(mine)
        assert found is not None and len(found.dots) == 2
        drawn.append((mine.limit is None, found.band is None, shown(mine).responder))
    assert drawn == [(True, True, ""), (False, False, responder_words(line(plan).responder))]


def test_a_goal_without_a_score_before_is_a_target_and_no_baseline() -> None:
    pain = scale("pain_nrs")
    aims = [{"scale": pain, "baseline": None, "target": 2}]
    plan = PlanFactory(consultation=ConsultationFactory(signed=True, aims=aims))
    assert (line(plan).marks, line(plan).baseline, line(plan).target) == ([], None, 2)


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        ({"baseline": D(6), "target": D(2)}, "now 6 cm, wanted 2 cm"),
        ({"baseline": D(6)}, "now 6 cm"),
        ({"target": D(2)}, "wanted 2 cm"),
    ],
)
def test_a_goal_in_words(goal: dict[str, D], words: str) -> None:
    waist = Scale(name="Waist", unit="cm")
    assert goals_in_words([Goal(scale=waist, **goal)]) == [{"label": str(waist), "value": words}]


def test_a_score_beyond_the_named_levels_is_a_figure() -> None:
    named = Scale(minimum=D(0), maximum=D(3), step=D(1), unit="points", levels=["none", "slight"])
    assert [score_words(named, D(value)) for value in (1, 2)] == ["1 slight", "2 points"]


@pytest.mark.parametrize(
    ("threshold", "words"),
    [
        ({"points": D(1)}, "better by 1 point (much better)"),
        ({"percent": D(30)}, "better by 30 % (much better)"),
        ({"points": D(2), "percent": D(33)}, "better by 2 points or 33 % (much better)"),
    ],
)
def test_what_makes_a_responder_in_words(threshold: dict[str, D], words: str) -> None:
    assert responder_words(ScaleThreshold(name="much better", **threshold)) == words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(D("13.8"), D("48.42")), "+13.8 (+48.4 %)"),
        (Change(D(0), D(0)), "0 (0 %)"),
        (Change(D(2), None), "+2"),
        (Change(D("-0.04"), D("-0.04")), "0 (0 %)"),
    ],
)
def test_a_change_in_words(change: Change, words: str) -> None:
    assert change_words(change) == words


def test_the_patient_page_shows_the_latest_score(practitioner_client: Client) -> None:
    plan = pained(6, 4)
    page = practitioner_client.get(reverse("consultations:patient", args=[plan.patient_id])).content.decode()
    for expected in ("Pain, 0 to 10", "4 · −2 (−33.3 %)", "much better", "Drawings and tables"):
        assert expected in page


@pytest.mark.parametrize("role", [Role.RECEPTION, Role.ADMIN])
def test_outcomes_and_cohorts_are_for_practitioners(role: Role, client: Client) -> None:
    plan = pained(6, 4)
    sign_in(client, UserFactory(roles=[role]))
    addresses = [
        reverse("consultations:outcomes", args=[plan.patient_id]),
        reverse("consultations:cohorts"),
        reverse("consultations:cohort", args=["FACE-AMIN"]),
        reverse("consultations:cohort_sheet", args=["FACE-AMIN"]),
    ]
    assert [client.get(address).status_code for address in addresses] == [403] * 4


@pytest.mark.parametrize("many", [1, 3])
def test_the_page_asks_a_fixed_number_of_queries(
    many: int, practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    patient = PatientFactory()
    for _number in range(many):
        plan = pained(6, 5, 4, patient=patient)
        ReviewFactory(plan=plan, signed=True, scores=[{}, {}])
    with django_assert_num_queries(17):
        practitioner_client.get(reverse("consultations:outcomes", args=[patient.pk]))


def test_many_plans_come_a_few_at_a_time(practitioner_client: Client) -> None:
    patient = PatientFactory()
    for number in range(6):
        PlanFactory(patient=patient, created_at=ago(days=30 + number))
    url = reverse("consultations:outcomes", args=[patient.pk])
    assert len(practitioner_client.get(url).context["plans"]) == 5
    assert len(practitioner_client.get(url, {"plans": "2"}).context["plans"]) == 1


# A course ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def amin() -> Callable[..., Plan]:
    """Makes a plan of the face course whose first session was given so many days ago, reviewed by the GAIS."""
    template = PlanTemplate.objects.current().get(code="FACE-AMIN")
    rule = ReviewRule.objects.current().get(code="FACE-AMIN-M3")

    def make(level: int | None, *, days: int = 7, reason: str = "", agreed_days: int = 30) -> Plan:
        plan: Plan = cleared_plan(template=template, sessions=4, created_at=ago(days=agreed_days))
        SessionFactory(plan=plan, signed=True, started_at=ago(days=days))
        if level is not None or reason:
            score = {"scale": scale("gais"), "value": level, "not_taken_reason": reason}
            ReviewFactory(plan=plan, rule=rule, signed=True, scores=[score])
        return plan

    return make


def row_of(page: HttpResponse, when: str) -> dict[str, Any]:
    (found,) = [row for row in page.context["rows"] if row["when"] == when]
    return found


def test_a1_ten_patients_without_a_change_are_no_responders(
    amin: Callable[..., Plan], practitioner_client: Client
) -> None:
    for _number in range(10):
        amin(4)
    page = practitioner_client.get(reverse("consultations:cohort", args=["FACE-AMIN"]))
    row = row_of(page, "3 months after the first session")
    assert (row["measured"], row["missing"], row["responders"], row["percent"]) == (10, 0, "0 / 10", "0 %")
    assert (row["before"], row["now"]) == ("–", "4 (0)")
    assert page.context["cohort"].patients == 10


def test_missing_is_what_is_over_or_overdue_and_the_rest_is_to_come(
    amin: Callable[..., Plan], practitioner_user: User
) -> None:
    amin(3)
    amin(None, reason="did not come")
    amin(None)
    template = PlanTemplate.objects.current().get(code="FACE-AMIN")

    def counted(on: Any) -> tuple[int, int, int]:
        found = cohorts.read(template, user=practitioner_user, on=on)
        (row,) = [each for each in found.rows if each.when == "3 months after the first session"]
        return row.summary.measured, row.summary.missing, row.to_come

    assert counted(TODAY) == (1, 0, 2)
    due = date(2026, 5, 23)  # the first session was on 23 February
    assert counted(due) == (1, 0, 2)
    assert counted(due + timedelta(days=1)) == (1, 2, 0)


def test_an_error_leaves_the_cohort_and_a_later_version_of_the_course_stays_in(
    amin: Callable[..., Plan], practitioner_client: Client
) -> None:
    plans = [amin(2), amin(2), amin(2)]
    EnteredInErrorFactory(review=plans[0].reviews.get())
    EnteredInErrorFactory(consultation=plans[1].consultation)
    old = PlanTemplate.objects.current().get(code="FACE-AMIN")
    PlanTemplate.objects.filter(pk=old.pk).update(retired_at=ago(days=1))
    PlanTemplateFactory(code="FACE-AMIN", version=2)
    page = practitioner_client.get(reverse("consultations:cohort", args=["FACE-AMIN"]))
    row = row_of(page, "3 months after the first session")
    assert page.context["cohort"].patients == 2
    assert (row["measured"], row["to_come"], row["responders"]) == (1, 1, "1 / 1")


def test_a13_twenty_patients_before_and_after_on_the_page(practitioner_client: Client) -> None:
    satisfaction, template = scale("mhasbss"), PlanTemplateFactory(code="one-session")
    rule = ReviewRuleFactory(
        template_code=template.code, scale_codes=["mhasbss"], name="2 months later", anchor=ReviewAnchor.START
    )
    for before, after in [("24.41", "38.6"), ("32.59", "46")] * 10:
        aims = [{"scale": satisfaction, "baseline": D(before), "target": None}]
        plan = PlanFactory(template=template, consultation=ConsultationFactory(signed=True, aims=aims))
        ReviewFactory(plan=plan, rule=rule, signed=True, scores=[{"scale": satisfaction, "value": D(after)}])
    row = row_of(
        practitioner_client.get(reverse("consultations:cohort", args=["one-session"])), "2 months later"
    )
    assert (row["measured"], row["before"], row["now"]) == (20, "28.5 (4.2)", "42.3 (3.8)")
    assert (row["change"], row["responders"]) == ("+13.8 (+48.4 %)", "–")


def test_the_cohort_can_be_narrowed_to_plans_agreed_in_a_period(
    amin: Callable[..., Plan], practitioner_client: Client
) -> None:
    amin(3, agreed_days=400)
    amin(3)
    url = reverse("consultations:cohort", args=["FACE-AMIN"])
    first = (TODAY - timedelta(days=60)).isoformat()
    sizes = [
        practitioner_client.get(url, asked).context["cohort"].patients
        for asked in ({}, {"first": first}, {"last": first}, {"first": first, "last": first})
    ]
    assert sizes == [2, 1, 1, 0]


def test_the_sheet_has_one_row_a_case_and_names_nobody(
    amin: Callable[..., Plan], practitioner_client: Client
) -> None:
    plans = [amin(3, agreed_days=31), amin(4)]
    answer = practitioner_client.get(reverse("consultations:cohort_sheet", args=["FACE-AMIN"]))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    head, *rows = list(csv.reader(io.StringIO(text)))
    assert answer["Content-Disposition"] == 'attachment; filename="cohort-FACE-AMIN.csv"'
    assert (head[0], head[-1]) == ("Case", "Responder")
    assert {row[1] for row in rows} == {str(plan.formula) for plan in plans}
    assert [row[:1] + row[2:3] + row[5:6] + row[-1:] for row in rows] == [
        ["1", "3 months after the first session", "3", "yes"],
        ["2", "3 months after the first session", "4", "no"],
    ]
    for plan in plans:
        for secret in (plan.patient.family_name, str(plan.patient.number), str(plan.pk)):
            assert secret not in text


def test_a_change_for_the_better_stays_a_number_in_the_sheet(practitioner_user: User) -> None:
    template = PlanTemplateFactory(scale_code="pain_nrs", phases=[{"ordinal": 1, "count": 1, "interval": 7}])
    plan = pained(6, 4, template=template)
    Plan.objects.filter(pk=plan.pk).update(status="completed")
    found = cohorts.read(template, user=practitioner_user, on=TODAY)
    _head, row = list(cohorts.sheet(found))
    assert row == [
        1,
        str(plan.formula),
        "At the last session",
        "Pain, 0 to 10",
        D(6),
        D(4),
        D(-2),
        D("-33.3"),
        "yes",
        "yes",
        "yes",
    ]


def test_the_courses_list_has_only_those_with_plans(
    amin: Callable[..., Plan], practitioner_client: Client
) -> None:
    amin(3)
    amin(4)
    page = practitioner_client.get(reverse("consultations:cohorts"))
    assert [(row[0].code, row[1]) for row in page.context["page"].rows] == [("FACE-AMIN", 2)]


@pytest.mark.parametrize("many", [1, 3])
def test_the_cohort_asks_a_fixed_number_of_queries(
    many: int,
    amin: Callable[..., Plan],
    practitioner_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _number in range(many):
        amin(3)
    with django_assert_num_queries(13):
        practitioner_client.get(reverse("consultations:cohort", args=["FACE-AMIN"]))
    with django_assert_num_queries(5):
        practitioner_client.get(reverse("consultations:cohorts"))


def test_nonsense_in_the_address_narrows_nothing(practitioner_client: Client) -> None:
    url = reverse("consultations:cohort", args=["FACE-AMIN"])
    assert practitioner_client.get(url, {"first": "yesterday"}).status_code == 200
    assert practitioner_client.get(reverse("consultations:cohort", args=["nothing"])).status_code == 404


def test_a8_two_formulas_of_a_course_are_summed_up_apart(practitioner_client: Client) -> None:
    hair, template = scale("global_7pt"), PlanTemplateFactory(code="hair")
    rule = ReviewRuleFactory(
        template_code="hair", scale_codes=[hair.code], name="12 weeks later", anchor=ReviewAnchor.START
    )
    for formula, better, all_of_them in [("F-DUT", 54, 86), ("F-SALINE", 7, 40)]:
        given = FormulaFactory(code=formula, name=formula)
        for number in range(all_of_them):
            plan = PlanFactory(template=template, formula=given)
            ReviewFactory(
                plan=plan,
                rule=rule,
                signed=True,
                scores=[{"scale": hair, "value": D(1 if number < better else 0)}],
            )
    page = practitioner_client.get(reverse("consultations:cohort", args=["hair"])).context
    said = [
        (str(arm["formula"]), arm["patients"], row["responders"], row["percent"])
        for arm in page["arms"]
        for row in arm["rows"]
    ]
    assert said == [("F-DUT", 86, "54 / 86", "62.8 %"), ("F-SALINE", 40, "7 / 40", "17.5 %")]
    assert [row["responders"] for row in page["rows"]] == ["61 / 126"]


def test_the_score_that_others_are_held_against_is_no_outcome_itself(
    practitioner_client: Client,
) -> None:
    pain, template = scale("pain_nrs"), PlanTemplateFactory(code="pain", scale_code="pain_nrs")
    rule = ReviewRuleFactory(
        template_code="pain", scale_codes=[pain.code], name="T0", anchor=ReviewAnchor.START
    )
    plan = PlanFactory(template=template)
    ReviewFactory(plan=plan, rule=rule, signed=True, scores=[{"scale": pain, "value": D(6)}])
    row = row_of(practitioner_client.get(reverse("consultations:cohort", args=["pain"])), "T0")
    assert (row["measured"], row["now"], row["before"]) == (1, "6", "–")
    assert row["responders"] == "–"


@pytest.mark.parametrize("formulas", [2, 13])
def test_many_formulas_of_a_course_come_page_by_page(
    formulas: int, practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    hair, template = scale("global_7pt"), PlanTemplateFactory(code="hair")
    ReviewRuleFactory(template_code="hair", scale_codes=[hair.code], anchor=ReviewAnchor.START)
    for number in range(formulas):
        PlanFactory(template=template, formula=FormulaFactory(code=f"F-{number:02}", name=f"F-{number:02}"))
    url = reverse("consultations:cohort", args=["hair"])
    with django_assert_num_queries(13):
        first = practitioner_client.get(url)
    shown = [str(arm["formula"]) for arm in first.context["arms"]]
    assert shown == [f"F-{number:02}" for number in range(min(formulas, 10))]
    assert bool(first.context["arm_pages"].older_url) is (formulas > 10)
    second = practitioner_client.get(url, {"formulas": 2})
    assert [str(arm["formula"]) for arm in second.context["arms"]] == [
        f"F-{number:02}" for number in range(10, formulas)
    ]
