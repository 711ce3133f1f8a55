"""Finding a patient by whatever was typed. Read only.

Patients are looked for in steps, the likeliest first. A later step is only taken where those before it have found too
few, so that the time depends on what is shown and not on how many patients match; and all steps are one statement, so
that nobody waits for more round trips where little is found. PostgreSQL leaves a step out whose gate is shut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

from clinic.models import Patient, User

FOUND = 20  # patients, where nobody asks for another number
_FEW = 10  # with so many matches nobody needs the similar ones too
_COMPARED = 100  # similar names that are compared with what was typed
_NAMES = 3  # words that are tried as the family name
_PIECES = re.compile(r"\+?\d{1,3}([\s.\-/()]+\d{1,3})+")


@dataclass(frozen=True, slots=True)
class _Where:
    """A condition in SQL; what was typed stands in its values."""

    sql: str
    values: tuple[object, ...] = ()

    def __and__(self, other: _Where) -> _Where:
        return _Where(f"{self.sql} AND {other.sql}", self.values + other.values)

    def __or__(self, other: _Where) -> _Where:
        return _Where(f"({self.sql} OR {other.sql})", self.values + other.values)

    def __invert__(self) -> _Where:
        return _Where(f"NOT ({self.sql})", self.values)


@dataclass(frozen=True, slots=True)
class _Step:
    """Whom to look for, unless the steps before have found `enough`."""

    where: _Where
    enough: int


def find_patients(text: str, *, user: User, start: int = 0, count: int = FOUND) -> list[Patient]:
    """`count` patients that match every word, from the `start`-th on; typos forgiven.

    A word is any part of number, names, phone, e-mail or birth date; birth dates are found as 1984-03-12, 12.03.1984,
    12/03/1984 or any part of these, and as 12 3 84. Those whose family name begins with a word come first, then the
    others, both by name. Where few match, names that are written similarly follow, nearest first.
    """
    words = _words(text)
    if not words:
        return []
    until = max(start + count, _FEW)
    whole = _whole(text)
    steps = _by_pieces(words, whole, until=until) if whole else _by_words(words, until=until)
    keys = _found(steps, _misspelt(words), text=text, until=until, start=start, count=count)
    known = Patient.objects.visible_to(user).current().in_bulk(keys)
    return [known[key] for key in keys if key in known]


def _by_words(words: Sequence[str], *, until: int) -> list[_Step]:
    """Whose family name begins with a word, or who has the number; then who else matches."""
    matching = [_contains(word) for word in words]
    steps, others = [], _Where("TRUE")
    for place, likeliest in enumerate(_likeliest(words)):
        # This word is in the name or the number then; said once more, it would make PostgreSQL expect too few.
        rest = _all(matching[:place] + matching[place + 1 :])
        steps.append(_Step(others & likeliest & rest, until))
        others &= ~likeliest
    return [*steps, _Step(others & _all(matching), until)]


def _by_pieces(words: Sequence[str], whole: _Where, *, until: int) -> list[_Step]:
    """Who has the number or the birth date that the pieces make up; where nobody has, who has all pieces somewhere."""
    return [_Step(whole, until), _Step(_all(_contains(word) for word in words), 1)]


def _misspelt(words: Sequence[str]) -> _Where | None:
    """Whose names are written similarly but not so; None where every word is what it is."""
    if not any(map(_may_be_misspelt, words)):
        return None
    similar = _all(_similar(word) if _may_be_misspelt(word) else _contains(word) for word in words)
    return similar & ~_all(_contains(word) for word in words)


def _found(
    steps: Sequence[_Step], misspelt: _Where | None, *, text: str, until: int, start: int, count: int
) -> list[UUID]:
    """The keys of `count` patients from the `start`-th on, in order.

    The similar names are gathered as if all were wanted, and fetched one by one until there are enough. With a LIMIT of
    their own PostgreSQL would read the table in the hope of meeting them soon, and compare every name it meets.
    """
    tables, selects, values = [], [], []
    so_far = "0"
    for place, step in enumerate(steps):
        tables.append(
            f"step_{place} AS MATERIALIZED (SELECT id, folded_name, number FROM clinic_patient"
            f" WHERE merged_into_id IS NULL AND erased_at IS NULL AND {so_far} < {step.enough} AND {step.where.sql}"
            f" ORDER BY folded_name, number LIMIT {until})"
        )
        selects.append(f"SELECT *, {place} AS step, 0 AS nearness FROM step_{place}")
        values += step.where.values
        so_far += f" + (SELECT count(*) FROM step_{place})"
    if misspelt:
        tables.append(
            "similar_ones AS MATERIALIZED (SELECT id, folded_name, number FROM clinic_patient"
            f" WHERE merged_into_id IS NULL AND erased_at IS NULL AND {so_far} < {_FEW} AND {misspelt.sql})"
        )
        selects.append(
            f"(SELECT *, {len(steps)}, word_similarity(fold(%s), folded_name) FROM similar_ones LIMIT {_COMPARED})"
        )
        values += [*misspelt.values, text]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM (WITH {', '.join(tables)} {' UNION ALL '.join(selects)}) AS found"
            " ORDER BY step, nearness DESC, folded_name, number LIMIT %s OFFSET %s",
            [*values, count, start],
        )
        return [key for (key,) in cursor.fetchall()]


def _all(conditions: Iterable[_Where]) -> _Where:
    together = _Where("TRUE")
    for each in conditions:
        together &= each
    return together


def _likeliest(words: Sequence[str]) -> list[_Where]:
    """The clinic number itself comes before the phone numbers it is a part of, "Mar…" before "Lamar…"."""
    if len(words) == 1 and re.fullmatch(r"[0-9]{1,9}", words[0]):
        number = int(words[0])
        # The number of a record that was merged finds the one that counts.
        merged = "SELECT merged_into_id FROM clinic_patient WHERE number = %s AND merged_into_id IS NOT NULL"
        kept = f"id = ANY(ARRAY({merged}))"
        return [_Where(f"(number = %s OR {kept})", (number, number))]
    return [_Where(f"folded_name LIKE {_LITERALLY} || '%%'", (word,)) for word in words[:_NAMES]]


def _contains(word: str) -> _Where:
    part = _Where(f"search_text LIKE '%%' || {_LITERALLY} || '%%'", (word,))
    digits = re.sub(r"\D", "", word).lstrip("0")  # 06 12 … finds +33 6 12 …
    if len(digits) >= 4 and re.fullmatch(r"[\d+()]+", word):
        part |= _digits(digits)
    return part


def _digits(digits: str) -> _Where:
    return _Where("search_text LIKE %s", (f"%{digits}%",))


# What LIKE would understand as any letter or any letters is meant as it stands.
_LITERALLY = r"replace(replace(replace(fold(%s), '\', '\\'), '%%', '\%%'), '_', '\_')"


def _similar(word: str) -> _Where:
    """Alone, not "contains or similar": PostgreSQL would read the whole table for that."""
    return _Where("folded_name %%> fold(%s)", (word,))


def _may_be_misspelt(word: str) -> bool:
    """Digits and very short words are what they are."""
    return len(word) >= 4 and not re.search(r"\d", word)


def _words(text: str) -> list[str]:
    """What must all be found; a whole phone number (nine digits or more) is one word, however it is spaced."""
    if re.fullmatch(r"[\d\s+().\-/]+", text) and len(re.sub(r"\D", "", text)) >= 9:
        return [re.sub(r"[^\d+]", "", text)]
    return text.split()[:8]


def _whole(text: str) -> _Where | None:
    """What short pieces of digits make up: a part of a phone number (06 12 34), or a birth date (12 3 84); else None.

    Each piece by itself is in nearly every patient's numbers and dates, and no index knows anything as short.
    """
    pieces = re.findall(r"\d+", text)
    digits = "".join(pieces).lstrip("0")  # 06 12 … finds +33 6 12 …
    if not _PIECES.fullmatch(text.strip()) or len(digits) < 4:
        return None
    return _digits(digits) | _Where("birth_date = ANY(%s::date[])", (_dates(pieces),))


def _dates(pieces: Sequence[str]) -> list[date]:
    """Day, month and two digits of a year, in either century in which somebody alive can be born."""
    if len(pieces) != 3 or len(pieces[2]) != 2:
        return []
    day, month, year = map(int, pieces)
    found = []
    for century in (1900, 2000):
        with suppress(ValueError):  # there is no such day
            found.append(date(century + year, month, day))
    return found
