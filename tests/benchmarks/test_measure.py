"""Medians, percentiles and ratios are what is quoted: they must be right."""

from __future__ import annotations

import pytest

from benchmarks.measure import Times, in_turn, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([5.0], 0.95, 5.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([float(n) for n in range(1, 21)], 0.95, 19.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
    ],
)
def test_a_percentile_is_the_value_that_this_share_does_not_exceed(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile([], 0.95)


def test_the_ratio_is_that_of_neighbours_not_of_the_medians() -> None:
    drifting, other = Times((1.0, 10.0, 100.0)), Times((1.0, 5.0, 25.0))
    assert drifting.ratio_to(other) == 2.0
    assert (drifting.median_ms, drifting.p95_ms) == (10_000, 100_000)


def test_calls_are_measured_in_turn_after_a_warm_up() -> None:
    order: list[str] = []

    def call(name: str) -> float:
        order.append(name)
        return 1.0

    taken = in_turn(lambda: call("a"), lambda: call("b"), rounds=2)
    assert "".join(order) == "ababab"
    assert [each.seconds for each in taken] == [(1.0, 1.0), (1.0, 1.0)]
