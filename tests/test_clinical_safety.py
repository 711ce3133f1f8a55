"""The clinical safety file is true: every hazard has its row, every control a test that exists, and no screen promises.

docs/clinical-safety.md is written for people who answer for patients; what it names must not rot.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
SAFETY = ROOT / "docs" / "clinical-safety.md"
# What the file has to speak of, by the words its rows begin with.
HAZARDS = (
    "Wrong patient",
    "Twin",
    "Duplicate",
    "Allergy not shown",
    "Test read early",
    "Test for other components",
    "Dose wrong",
    "Lot wrong",
    "Overdose by two formulas",
    "Record lost",
    "Record overwritten",
    "Reminder to the wrong person",
    "Photo on the wrong patient",
    "Clock change",
    "Expired consent",
    "Draft forgotten",
)
OPEN = "not controlled yet"
PROMISES = re.compile(r"\bsafe\s+to\s+treat\b|\bnot\s+allergic\b", re.I)


class Row(NamedTuple):
    """One hazard; the columns of the file in their order."""

    hazard: str
    cause: str
    effect: str
    rank: str
    control: str
    tests: str
    residual: str


def rows(text: str) -> list[Row]:
    """The rows of every table, without heads."""
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip() for cell in line)) for line in lines if line[0].strip() != "hazard"]


def missing_tests(row: Row) -> list[str]:
    """Tests that the row names and that do not exist."""
    return [name for name in re.findall(r"`([^`]+)`", row.tests) if not exists(name)]


def exists(name: str) -> bool:
    """Whether there is a test of this name."""
    path, _, test = name.partition("::")
    file = ROOT / path if path.startswith("tests/") else ROOT / "tests" / "consultations" / path
    return file.is_file() and test.startswith("test_") and test in _tests_in(file)


@cache
def _tests_in(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


FILED = rows(SAFETY.read_text(encoding="utf-8"))


def test_every_hazard_has_its_row_and_no_row_stands_twice() -> None:
    hazards = [row.hazard for row in FILED]
    assert [hazard for hazard in HAZARDS if hazard not in hazards] == []
    assert len(hazards) == len(set(hazards))


@pytest.mark.parametrize("row", FILED, ids=lambda row: row.hazard)
def test_every_test_that_a_row_names_exists(row: Row) -> None:
    assert missing_tests(row) == []


@pytest.mark.parametrize("row", FILED, ids=lambda row: row.hazard)
def test_a_control_has_a_test_and_what_is_not_controlled_says_so(row: Row) -> None:
    assert row.control.startswith(OPEN) == (row.tests == "–")
    assert all((row.cause, row.effect, row.control, row.residual))
    assert (row.residual != "–") or not row.control.startswith(OPEN)


@pytest.mark.parametrize("row", FILED, ids=lambda row: row.hazard)
def test_the_rank_is_severity_times_likelihood(row: Row) -> None:
    severity, likelihood, product = (int(number) for number in re.findall(r"\d+", row.rank))
    assert {severity, likelihood} <= {1, 2, 3, 4, 5}
    assert (row.rank, product) == (f"{severity} × {likelihood} = {product}", severity * likelihood)


def test_a_test_that_does_not_exist_is_found() -> None:
    (row,) = rows(
        "| A | b | c | 1 × 1 = 1 | d | `test_gate.py::test_nothing` `none.py::test_x` `test_gate.py` | – |"
    )
    assert missing_tests(row) == ["test_gate.py::test_nothing", "none.py::test_x", "test_gate.py"]


# What no screen says ----------------------------------------------------------------------------------------------


@cache
def _texts() -> list[tuple[Path, str]]:
    """Everything that can reach a screen or a sheet: templates, scripts, reference data, strings of the code."""
    return list(_read())


def _read() -> Iterator[tuple[Path, str]]:
    for path in [*(ROOT / "templates").rglob("*.*"), *(ROOT / "clinic" / "static").rglob("*.js")]:
        yield path, path.read_text(encoding="utf-8")
    for path in (ROOT / "consultations" / "reference").glob("*.json"):
        yield path, json.dumps(json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False)
    for app in ("clinic", "consultations"):
        for path in (ROOT / app).rglob("*.py"):
            yield from ((path, text) for text in _strings(ast.parse(path.read_text(encoding="utf-8"))))


def _strings(tree: ast.Module) -> Iterator[str]:
    """The strings of a module that are not docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = {
        id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and _is_doc(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def _is_doc(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> bool:
    return bool(node.body) and isinstance(node.body[0], ast.Expr)


def test_no_screen_and_no_text_says_safe_to_treat_or_not_allergic() -> None:
    found = [f"{path.relative_to(ROOT)}: {text[:200]}" for path, text in _texts() if PROMISES.search(text)]
    assert found == []


def test_the_search_reads_all_kinds_of_text_and_finds_such_words() -> None:
    kinds = {path.suffix for path, _text in _texts()}
    assert kinds >= {".html", ".json", ".py", ".js"}
    for words in ("Safe to\n  treat.", "She is not  allergic to it"):
        assert PROMISES.search(words)
    tree = ast.parse('"""Never says safe to treat."""\nx = _("It is safe to treat.")')
    assert list(_strings(tree)) == ["It is safe to treat."]
