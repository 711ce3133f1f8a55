"""The table of ASVS requirements is whole, and what it names exists (docs/asvs.md)."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from tests.test_clinical_safety import exists

ROOT = Path(settings.BASE_DIR)
TABLE = (ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
# Requirements of levels 1 and 2 by chapter, in ASVS 5.0.0.
CHAPTERS = {1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 10: 29, 11: 14, 12: 9, 13: 13, 14: 9}
CHAPTERS |= {15: 13, 16: 16, 17: 7}
WITHOUT_A_TEST = ("by reading", "a page: `", "not applicable: ", "open: ")
_FILE = re.compile(r"(?:[\w.-]+/)*[\w.-]*(?:\.(?:py|md|js|conf|txt|json)|/)")


class Row(NamedTuple):
    """One line of the table; several numbers where one answer is all there is to say."""

    numbers: str
    asks: str
    where: str
    proof: str


def rows(text: str) -> list[Row]:
    """The lines of all tables, without heads."""
    lines = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [Row(*(cell.strip() for cell in line)) for line in lines if line[0].strip() != "no."]


def wrong(row: Row) -> list[str]:
    """What the row names and that does not exist, or that it names no proof."""
    named = re.findall(r"`([^`]+)`", row.where + row.proof)
    tests = [name for name in named if "::" in name]
    missing = [name for name in tests if not exists(name)]
    files = [name for name in named if name not in tests and _FILE.fullmatch(name)]
    missing += [name for name in files if not (ROOT / name.removeprefix("/")).exists()]
    has_proof = "`tests/" in row.proof or row.proof.startswith(WITHOUT_A_TEST)
    return missing if has_proof else [*missing, "no proof"]


def test_every_requirement_of_levels_one_and_two_has_its_line() -> None:
    numbers = [number for row in rows(TABLE) for number in row.numbers.split(", ")]
    assert [number for number, times in Counter(numbers).items() if times > 1] == []
    assert Counter(int(number.split(".")[0]) for number in numbers) == CHAPTERS
    assert len(numbers) == 253


def test_what_the_table_names_exists() -> None:
    assert {row.numbers: found for row in rows(TABLE) if (found := wrong(row))} == {}


def test_a_test_that_is_gone_a_missing_file_and_an_empty_answer_would_be_found() -> None:
    gone = "| 1.2.3 | x | `clinic/no_such.py` | `tests/test_routes.py::test_that_is_gone` |\n| 1.2.4 | x | y | done |"
    assert [wrong(row) for row in rows(gone)] == [
        ["tests/test_routes.py::test_that_is_gone", "clinic/no_such.py"],
        ["no proof"],
    ]
