"""What an event means, by the rules that ship: each grade, red flags, which plans."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from clinic.errors import DomainError
from consultations.enums import PlanEffect, PlanStatus
from consultations.models import AdverseEvent, PathwayPolicy, Plan, ReactionRule, ReactionType, Session
from consultations.queries import policy_in_force
from consultations.rules import adverse_events, event_rates
from tests.consultations.in_memory import facts_with, given, read
from tests.factories import AdverseEventFactory, LotFactory, PatientFactory, PractitionerFactory
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

N, R, H, S = PlanEffect.NONE, PlanEffect.REVIEW, PlanEffect.HOLD, PlanEffect.STOP
# Reaction: the effect at grade 1, 2 and 3; None where the grade cannot be. The stricter of the table of grades and that of plans.
TABLE: dict[str, tuple[PlanEffect | None, PlanEffect | None, PlanEffect]] = {
    "allergy_local": (H, S, S),
    "anaphylaxis": (None, None, S),
    "bruising": (N, N, S),
    "swelling": (N, H, S),
    "infection_bact": (R, H, S),
    "infection_ntm": (S, S, S),
    "nodule": (N, H, S),
    "tissue_damage": (R, H, S),
    "nausea": (N, R, S),
    "vomiting": (N, R, S),
}
CELLS = [(code, grade, row[grade - 1]) for code, row in TABLE.items() for grade in (1, 2, 3)]


def event(code: str = "nodule", grade: int = 1, **more: Any) -> AdverseEvent:
    """Not saved: only judged."""
    reaction = ReactionType.objects.current().get(code=code)
    began = more.pop("onset_at", ago(hours=1))
    return AdverseEvent(
        reaction=reaction, grade=grade, onset_at=began, **{"words": "seen", "outcome": "ongoing"} | more
    )


def effect(what: AdverseEvent) -> adverse_events.Effect:
    rules = list(ReactionRule.objects.current())
    return adverse_events.effect_of(what, rules, policy=policy(), at=CLINIC_NOW)


def policy() -> PathwayPolicy:
    return policy_in_force(CLINIC_NOW)


@pytest.mark.parametrize(
    ("code", "grade", "wanted"), [cell for cell in CELLS if cell[2] is not None], ids=lambda part: str(part)
)
def test_a_grade_does_to_plans_what_the_clinical_reference_says(
    code: str, grade: int, wanted: PlanEffect
) -> None:
    assert effect(event(code, grade)).plan_effect == wanted


SECOND = timedelta(seconds=1)
BEGAN = ago(hours=1)


@pytest.mark.parametrize(
    ("times", "refused"),
    [
        pytest.param({"onset_at": CLINIC_NOW}, None, id="begins now"),
        pytest.param({"onset_at": CLINIC_NOW + SECOND}, ("future", "onset_at"), id="begins in a second"),
        pytest.param({"ended_at": BEGAN}, None, id="over as it begins"),
        pytest.param({"ended_at": BEGAN - SECOND}, ("ends_before", "ended_at"), id="over a second before"),
        pytest.param({"ended_at": CLINIC_NOW}, None, id="ends now"),
        pytest.param({"ended_at": CLINIC_NOW + SECOND}, ("ends_before", "ended_at"), id="ends in a second"),
        pytest.param({"session": Session(started_at=BEGAN)}, None, id="begins with the session"),
        pytest.param(
            {"session": Session(started_at=BEGAN + SECOND)},
            ("before_session", "onset_at"),
            id="begins a second before the session",
        ),
        pytest.param({"words": " \n"}, ("words_missing", "words"), id="says nothing"),
        pytest.param({"grade": 5}, None, id="the highest grade"),
        pytest.param({"grade": 6}, ("grade_floor", "grade"), id="above it"),
    ],
)
def test_when_an_event_can_begin_and_end_to_the_second_and_what_it_has_to_say(
    times: dict[str, Any], refused: tuple[str, str] | None
) -> None:
    what = event(**{"onset_at": BEGAN, **times})
    try:
        adverse_events.check_event(what, list(ReactionRule.objects.current()), at=CLINIC_NOW)
    except DomainError as refusal:
        assert (refusal.code, refusal.field) == refused
    else:
        assert refused is None


def test_a_reaction_that_no_rule_names_is_graded_from_one() -> None:
    rules = [rule for rule in ReactionRule.objects.current() if rule.reaction_code]
    assert (adverse_events.grade_floor("another", rules), adverse_events.grade_floor("another", [])) == (1, 1)
    adverse_events.check_event(event("nodule", 1), [], at=CLINIC_NOW)


@pytest.mark.parametrize(
    ("days", "codes", "is_tested"),
    [(4.9, "ab", True), (4.9, "abc", True), (5, "ab", False), (4.9, "a", False)],
)
def test_an_allergic_hold_ends_with_a_test_of_the_whole_formula_given_after_the_reaction_began(
    days: float, codes: str, is_tested: bool
) -> None:
    facts: Any = facts_with(read(given(days, codes)), codes="ab")
    assert adverse_events.tested_since(facts)
    facts.plan.allergic_since = ago(days=5)
    assert adverse_events.tested_since(facts) is is_tested


def test_any_reaction_of_grade_three_stops_plans() -> None:
    for reaction in ReactionType.objects.current():
        assert effect(event(reaction.code, 3)).plan_effect == S


def test_every_reaction_that_ships_has_a_rule_and_only_anaphylaxis_begins_at_three() -> None:
    rules = list(ReactionRule.objects.current())
    codes = {reaction.code for reaction in ReactionType.objects.current()}
    assert codes == {rule.reaction_code for rule in rules} - {""}
    floors = {code: adverse_events.grade_floor(code, rules) for code in codes}
    assert {code for code, floor in floors.items() if floor > 1} == {"anaphylaxis"}
    assert floors["anaphylaxis"] == 3


@pytest.mark.parametrize(
    ("code", "grade", "closes"), [("allergy_local", 1, False), ("allergy_local", 2, True)]
)
def test_the_second_grade_of_an_allergic_reaction_closes_components(
    code: str, grade: int, closes: bool
) -> None:
    found = effect(event(code, grade))
    assert (found.is_allergic, found.closes_components) == (True, closes)


def test_of_several_rules_the_strictest_counts_and_whatever_any_of_them_says() -> None:
    what, grades = event("bruising", 2), {"grade_from": 1, "grade_to": 5}
    says = dict.fromkeys(
        ("is_allergic", "is_infectious", "is_emergency", "closes_components", "in_clusters"), True
    )
    mild = ReactionRule(**grades, plan_effect=N, review_within_hours=72, advice="Cool it.")
    strict = ReactionRule(**grades, plan_effect=H, review_within_hours=24, **says)

    def found(*rules: ReactionRule) -> adverse_events.Effect:
        return adverse_events.effect_of(what, rules, policy=policy(), at=CLINIC_NOW)

    assert found(mild, strict) == adverse_events.Effect(
        H, review_within=timedelta(hours=24), advice=("Cool it.",), **says
    )
    assert found() == adverse_events.Effect()


def test_an_infection_is_reviewed_within_the_hours_of_its_rule() -> None:
    assert effect(event("infection_bact", 1)).review_within == timedelta(hours=48)


@pytest.mark.parametrize(
    ("after_session", "is_late"),
    [(timedelta(days=7) - timedelta(minutes=1), False), (timedelta(days=7), True)],
)
def test_a_nodule_is_late_from_the_seventh_day(after_session: timedelta, is_late: bool) -> None:
    session = Session(started_at=CLINIC_NOW - timedelta(days=10))
    nodule = event(onset_at=session.started_at + after_session, session=session)
    found = effect(nodule)
    assert found.is_red_flag is is_late
    assert found.plan_effect == (H if is_late else N)
    assert found.review_within == (timedelta(hours=48) if is_late else None)


@pytest.mark.parametrize(
    ("lasted", "is_long"), [(timedelta(days=30), False), (timedelta(days=30, minutes=1), True)]
)
def test_a_nodule_lasts_too_long_after_thirty_days(lasted: timedelta, is_long: bool) -> None:
    assert effect(event(onset_at=CLINIC_NOW - lasted)).is_red_flag is is_long
    over = event(onset_at=ago(days=90), ended_at=ago(days=90) + lasted, outcome="resolved")
    assert effect(over).is_red_flag is is_long


def test_how_long_a_nodule_lasted_is_not_guessed_where_nobody_knows_when_it_ended() -> None:
    assert not effect(event(onset_at=ago(days=90), outcome="unknown")).is_red_flag


@pytest.mark.parametrize("sign", ["is_growing", "is_draining"])
def test_a_nodule_that_grows_or_drains_is_a_red_flag_at_once(sign: str) -> None:
    assert effect(event(**{sign: True})).is_red_flag


def test_a_bruise_is_no_red_flag_however_late() -> None:
    session = Session(started_at=ago(days=60))
    assert not effect(event("bruising", onset_at=ago(days=40), session=session)).is_red_flag


def _two_plans() -> tuple[Plan, Plan]:
    return Plan(status="active"), Plan(status="active")


@pytest.mark.parametrize(("code", "reached"), [("swelling", 1), ("infection_bact", 2)])
def test_a_reaction_of_the_place_concerns_its_plan_an_infection_every_plan(code: str, reached: int) -> None:
    mine, other = _two_plans()
    what = event(code, 2, plan=mine)
    assert len(adverse_events.concerned(what, effect(what), [mine, other])) == reached


def test_where_nobody_knows_the_plan_every_open_one_is_concerned() -> None:
    plans = [*_two_plans(), Plan(status="completed"), Plan(status="proposed")]
    what = event("swelling", 2)
    assert adverse_events.concerned(what, effect(what), plans) == plans[:2]


@pytest.mark.parametrize("status", PlanStatus)
@pytest.mark.parametrize("what", PlanEffect)
def test_an_effect_changes_plans_that_are_open_to_it_and_no_others(
    what: PlanEffect, status: PlanStatus
) -> None:
    plan = Plan(status=status)
    changed = adverse_events.concerned(AdverseEvent(plan=plan), adverse_events.Effect(what), [plan])
    open_to_it = what in (H, S) and status in (PlanStatus.ACTIVE, PlanStatus.ON_HOLD)
    assert changed == ([plan] if open_to_it else [])


class TestRates:
    def test_a11_farpour_bruises_38_7_and_pain_3_2_per_cent_of_31(self) -> None:
        kinds = {code: ReactionType.objects.current().get(code=code) for code in ("bruising", "pain")}
        rows = [AdverseEventFactory(reaction=kinds["bruising"]) for _ in range(12)]
        rows.append(AdverseEventFactory(reaction=kinds["pain"], grade=2))
        found = event_rates.rates(rows, treated=31)
        assert [(rate.reaction.code, rate.patients, rate.percent) for rate in found] == [
            ("bruising", 12, Decimal("38.7")),
            ("pain", 1, Decimal("3.2")),
        ]
        assert found[1].highest_grade == 2

    def test_a_patient_counts_once_for_each_reaction(self) -> None:
        patient, reaction = PatientFactory(), ReactionType.objects.current().get(code="bruising")
        rows = [AdverseEventFactory(patient=patient, reaction=reaction) for _ in range(3)]
        assert event_rates.rates(rows, treated=4)[0].percent == Decimal("25.0")

    def test_without_anybody_treated_there_is_no_rate(self) -> None:
        assert event_rates.rates([], treated=0) == []


class TestClusters:
    def _events(self, *days: int, **more: Any) -> list[AdverseEvent]:
        counted = {"in_clusters": True} | more
        return [AdverseEventFactory(onset_at=ago(days=each), **counted) for each in days]

    @pytest.mark.parametrize(("apart", "found"), [(90, 1), (91, 0)])
    def test_two_that_share_a_lot_within_ninety_days_are_a_cluster(self, apart: int, found: int) -> None:
        lot = LotFactory()
        rows = self._events(apart + 1, 1, lots=[lot])
        clusters = event_rates.clusters(rows, policy=policy())
        assert len(clusters) == found
        assert [cluster.shared for cluster in clusters] == [lot] * found

    def test_one_is_none(self) -> None:
        assert event_rates.clusters(self._events(1, lots=[LotFactory()]), policy=policy()) == []

    def test_two_with_different_lots_share_nothing(self) -> None:
        rows = self._events(1, lots=[LotFactory()]) + self._events(2, lots=[LotFactory()])
        assert event_rates.clusters(rows, policy=policy()) == []

    def test_who_injected_is_shared_too(self) -> None:
        doctor = PractitionerFactory()
        clusters = event_rates.clusters(self._events(1, 2, practitioner=doctor), policy=policy())
        assert [(each.shared, len(each.events)) for each in clusters] == [(doctor, 2)]

    def test_what_is_neither_infection_nor_nodule_is_not_counted(self) -> None:
        rows = self._events(1, 2, lots=[LotFactory()], in_clusters=False)
        assert event_rates.clusters(rows, policy=policy()) == []
