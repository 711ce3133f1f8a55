"""Change, thresholds and responders, with the numbers of the papers (A1, A3, A8, A13, A14)."""

from decimal import Decimal as D

import pytest

from consultations.models import Scale, ScaleThreshold
from consultations.rules import outcomes
from consultations.rules.outcomes import Case

pytestmark = pytest.mark.django_db


def scale(code: str) -> Scale:
    return Scale.objects.current().get(code=code)


def thresholds(code: str) -> list[ScaleThreshold]:
    return list(ScaleThreshold.objects.current().filter(scale_code=code))


def whole(number: D | None) -> D | None:
    return None if number is None else number.quantize(D(1))


def tenth(number: D | None) -> D | None:
    return None if number is None else number.quantize(D("0.1"))


# One patient ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "points", "percent", "by_points", "by_percent", "words"),
    [
        pytest.param(6, 4, -2, -33, True, True, "much better", id="6 to 4"),
        pytest.param(6, 5, -1, -17, False, False, "slightly better", id="6 to 5"),
        pytest.param(10, 8, -2, -20, True, False, "much better", id="10 to 8: by points only"),
        pytest.param(3, 2, -1, -33, False, True, "much better", id="3 to 2: by per cent only"),
        pytest.param(5, 5, 0, 0, False, False, None, id="no change"),
        pytest.param(4, 6, 2, 50, False, False, None, id="worse by two points"),
    ],
)
def test_a14_pain_is_judged_by_points_and_by_per_cent_and_either_is_enough(
    before: int, now: int, points: int, percent: int, by_points: bool, by_percent: bool, words: str | None
) -> None:
    moved = outcomes.change(D(before), D(now))
    assert (moved.points, whole(moved.percent)) == (points, percent)
    slight, much = outcomes.judged(
        scale("pain_nrs"), thresholds("pain_nrs"), baseline=D(before), current=D(now)
    )
    assert (much.by_points, much.by_percent, much.is_met) == (by_points, by_percent, by_points or by_percent)
    best = outcomes.best_met([slight, much])
    assert (str(best.threshold) if best else None) == words


def test_without_a_baseline_or_from_nought_there_are_no_per_cent() -> None:
    pain, limits = scale("pain_nrs"), thresholds("pain_nrs")
    assert outcomes.change(D(0), D(2)) == outcomes.Change(D(2), None)
    (_slight, much) = outcomes.judged(pain, limits, baseline=D(0), current=D(0))
    assert (much.by_points, much.by_percent, much.is_met) == (False, None, False)
    (_slight, unknown) = outcomes.judged(pain, limits, baseline=None, current=D(2))
    assert unknown.is_met is None
    assert outcomes.responds(pain, limits, baseline=None, current=D(2)) is None
    unscored = outcomes.judged(pain, limits, baseline=D(5), current=None)
    assert [(each.threshold, each.is_met) for each in unscored] == [(each, None) for each in limits]


def test_a_baseline_below_nought_keeps_the_direction() -> None:
    moved = outcomes.change(D(-2), D(1))
    assert (moved.points, moved.percent) == (3, 150)


@pytest.mark.parametrize(("level", "expected"), [(1, True), (3, True), (4, False), (5, False)])
def test_the_gais_needs_no_baseline_and_its_lower_levels_are_better(level: int, expected: bool) -> None:
    assert outcomes.responds(scale("gais"), thresholds("gais"), baseline=None, current=D(level)) is expected


@pytest.mark.parametrize(("level", "expected"), [(-3, False), (0, False), (1, True), (3, True)])
def test_global_change_is_better_upwards(level: int, expected: bool) -> None:
    limits = thresholds("global_7pt")
    assert outcomes.responds(scale("global_7pt"), limits, baseline=None, current=D(level)) is expected


def test_hair_needs_a_tenth_more() -> None:
    hair, limits = scale("hair_count_cm2"), thresholds("hair_count_cm2")
    answers = [outcomes.responds(hair, limits, baseline=D(120), current=D(now)) for now in (131, 132, 108)]
    assert answers == [False, True, False]


def test_a_scale_without_a_threshold_makes_no_responders() -> None:
    assert outcomes.responds(scale("fat_mm"), thresholds("fat_mm"), baseline=D(20), current=D(10)) is None


@pytest.mark.parametrize(
    ("code", "baseline", "expected"),
    [
        pytest.param("pain_nrs", D(6), D("4.02"), id="33 % of six is less than two points"),
        pytest.param("pain_nrs", D(10), D(8), id="two points are less than 33 % of ten"),
        pytest.param("pain_nrs", None, None, id="no baseline"),
        pytest.param("gais", None, D(3), id="a level"),
        pytest.param("hair_count_cm2", D(100), D(110), id="upwards"),
        pytest.param("hair_count_cm2", D(0), None, id="no per cent of nought"),
    ],
)
def test_the_band_begins_where_the_easier_way_is_reached(
    code: str, baseline: D | None, expected: D | None
) -> None:
    (limit,) = [each for each in thresholds(code) if each.is_responder]
    assert outcomes.reached_at(scale(code), limit, baseline=baseline) == expected


@pytest.mark.parametrize(
    "code", sorted({"pain_nrs", "gais", "hair_count_cm2", "global_7pt", "cellulite_css"})
)
def test_the_band_and_the_judgement_agree_on_every_score(code: str) -> None:
    found, limits = scale(code), thresholds(code)
    (limit,) = [each for each in limits if each.is_responder]
    baseline = (found.minimum + found.maximum) / 2
    reached = outcomes.reached_at(found, limit, baseline=baseline)
    assert reached is not None
    steps = int((found.maximum - found.minimum) / found.step)
    for score in (found.minimum + step * found.step for step in range(steps + 1)):
        meant = outcomes.is_as_good_as(found, score, reached)
        assert outcomes.responds(found, limits, baseline=baseline, current=score) is meant, score


# A group ----------------------------------------------------------------------------------------------------------


def test_a13_the_satisfaction_scale_of_twenty_patients() -> None:
    cases = [Case(D("24.41"), D("38.6"))] * 10 + [Case(D("32.59"), D("46.0"))] * 10
    found = outcomes.summary(scale("mhasbss"), thresholds("mhasbss"), cases)
    assert found.before and found.now and found.change
    assert (found.measured, found.missing, found.paired) == (20, 0, 20)
    assert (tenth(found.before.mean), tenth(found.before.deviation)) == (D("28.5"), D("4.2"))
    assert (tenth(found.now.mean), tenth(found.now.deviation)) == (D("42.3"), D("3.8"))
    assert (found.change.points, tenth(found.change.percent)) == (D("13.8"), D("48.4"))
    assert (found.judged, found.responder_percent) == (0, None)  # no threshold was published


@pytest.mark.parametrize(
    ("improved", "of", "percent"),
    [pytest.param(54, 86, D("62.8"), id="treated"), pytest.param(7, 40, D("17.5"), id="controls")],
)
def test_a8_responders_of_hair_on_photographs(improved: int, of: int, percent: D) -> None:
    cases = [Case(None, D(1))] * improved + [Case(None, D(0))] * (of - improved)
    found = outcomes.summary(scale("global_7pt"), thresholds("global_7pt"), cases)
    assert (found.responders, found.judged, tenth(found.responder_percent)) == (improved, of, percent)


def test_a1_ten_times_no_change_are_no_responders() -> None:
    found = outcomes.summary(scale("gais"), thresholds("gais"), [Case(None, D(4))] * 10)
    assert (found.measured, found.missing, found.responders, found.judged) == (10, 0, 0, 10)
    assert found.responder_percent == 0


def test_a3_two_arms_of_fourteen_are_summed_up_apart() -> None:
    limits = thresholds("global_7pt")
    arms = [[Case(None, D(2))] * 9 + [Case(None, D(0))] * 5, [Case(None, D(1))] * 3 + [Case(None, D(0))] * 11]
    found = [outcomes.summary(scale("global_7pt"), limits, arm) for arm in arms]
    assert [(each.responders, each.judged) for each in found] == [(9, 14), (3, 14)]


def test_missing_scores_are_counted_apart_and_never_filled_in() -> None:
    cases = [Case(D(6), D(4)), Case(D(6), None), Case(None, D(2)), Case(None, None)]
    found = outcomes.summary(scale("pain_nrs"), thresholds("pain_nrs"), cases)
    assert found.now and found.before
    assert (found.measured, found.missing, found.paired) == (2, 2, 1)
    assert (found.now.mean, found.before.mean) == (3, 6)
    assert found.change == outcomes.Change(D(-2), D(-200) / D(6))
    assert (found.responders, found.judged) == (1, 1)  # without a baseline nobody can say


def test_nobody_measured_is_nothing_and_one_has_no_deviation() -> None:
    empty = outcomes.summary(scale("gais"), thresholds("gais"), [])
    assert (empty.now, empty.before, empty.change, empty.responder_percent) == (None, None, None, None)
    assert outcomes.moments([D(2), D(4)]) == outcomes.Moments(2, D(3), D(2).sqrt())
    one = outcomes.moments([D(4)])
    assert one == outcomes.Moments(1, D(4), None)
