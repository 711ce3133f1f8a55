"""The rows that `--json` writes, and the options they are measured with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.measure import Times
from benchmarks.options import FIGURES, parse
from benchmarks.report import Report


def test_json_is_a_list_of_rows_with_these_fields(tmp_path: Path) -> None:
    report, file = Report(), tmp_path / "rows.json"
    report.times("search", Times((0.002, 0.004)), floor=Times((0.001, 0.002)))
    report.times("alone", Times((0.001,)), peer=Times((0.010,)))
    report.write(file)
    first, second = json.loads(file.read_text())
    assert first == {
        "name": "search",
        "median": 3.0,
        "p95": 4.0,
        "unit": "ms",
        "ratio_to_floor": 2.0,
        "ratio_to_peer": None,
    }
    assert (second["ratio_to_floor"], second["ratio_to_peer"]) == (None, 0.1)


def test_each_budget_is_held_or_missed_in_so_many_words() -> None:
    report = Report()
    report.budget("this", "≤ 2×", "1×", held=True)
    report.budget("that", "≤ 2×", "3×", held=False)
    held, missed = report.summary().splitlines()
    assert held.startswith("held")
    assert missed.startswith("MISSED")


def test_figures_and_sizes_are_chosen_by_flags() -> None:
    assert parse([]).figures == tuple(FIGURES)
    chosen = parse(["--only", "race", "--only", "pages", "--quick", "--patients", "777"])
    assert chosen.figures == ("race", "pages")
    assert (chosen.patients, chosen.appointments) == (777, 20_000)
    assert "race" not in parse(["--skip", "race"]).figures


@pytest.mark.parametrize(
    "arguments", [["--rooms", "3"], ["--rounds", "0"], ["--small-patients", "9"], ["--only", "nothing"]]
)
def test_nonsense_is_refused_before_anything_is_built(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
