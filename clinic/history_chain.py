"""The chain over the history, read: what is sealed of which table, and where the chain or an entry under it is broken."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from clinic.models import HistorySeal


class Kept(NamedTuple):
    """A table of the history: its name, the column that counts its entries up, and whether a request's user stands beside it."""

    table: str
    key: str
    has_context: bool

    @property
    def source(self) -> str:
        """What to select from: entry `e`, and the user's name for it in `c`."""
        beside = " LEFT JOIN pghistory_context AS c ON c.id = e.pgh_context_id" if self.has_context else ""
        return f"{self.table} AS e{beside}"

    def said(self, columns: Iterable[str]) -> str:
        """All that an entry says, as one text in SQL. Who did it is part of it."""
        parts = [f'e."{column}"' for column in columns]
        who = ["c.metadata->>'user'"] if self.has_context else []
        return f"ROW({', '.join(parts + who)})::text"


class Head(NamedTuple):
    """The newest link as it was once: kept elsewhere, it proves that nothing was cut off the end."""

    number: int
    link: str

    @classmethod
    def read(cls, text: str) -> "Head":
        """From `number:link`. Raises ValueError for anything else."""
        number, _colon, link = text.strip().partition(":")
        return cls(int(number), link)

    def __str__(self) -> str:
        return f"{self.number}:{self.link}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is wrong: at which seal, of which table, which entry and whose row, and when it was written."""

    what: str
    number: int
    table: str
    at: datetime | None
    entry: int | None = None
    row: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far the chain goes, how much it holds, and what is broken, if anything."""

    head: Head | None
    entries: int
    replaced: list[HistorySeal]
    waiting: int
    broken: Broken | None


@cache
def sealed_tables() -> dict[str, Kept]:
    """All tables whose entries come and never change: events, and facts that are counted up and kept nowhere else."""
    found = {}
    for model in apps.get_models():
        if hasattr(model, "pgh_tracked_model"):
            found[model._meta.db_table] = Kept(model._meta.db_table, "pgh_id", True)
        elif _is_a_log(model):
            found[model._meta.db_table] = Kept(model._meta.db_table, model._meta.pk.column, False)
    return found


def _is_a_log(model: type[models.Model]) -> bool:
    names = {trigger.name for trigger in getattr(model._meta, "triggers", [])}
    counted = isinstance(model._meta.pk, models.BigAutoField)
    return counted and "insert_insert" not in names and any(name.endswith("append_only") for name in names)


def verify(heads: Iterable[Head] = ()) -> Verdict:
    """Goes through the whole chain. `heads` are newest links as they were noted elsewhere."""
    links, entries, previous, broken = {0: ""}, 0, "", None
    with reading_alike() as cursor:
        replaced = _replaced()
        for expected, seal in enumerate(HistorySeal.objects.in_order().iterator(chunk_size=50), start=1):
            broken = _seal_broken(seal, expected, previous) or _entry_broken(cursor, seal, replaced)
            if broken:
                break
            previous = links[seal.number] = seal.link
            entries += 0 if seal.reason else len(seal.entries)
        newest = max(links)
        if broken is None:
            broken = next((_cut(head, newest) for head in heads if links.get(head.number) != head.link), None)
        waiting = _waiting(cursor)
    return Verdict(
        Head(newest, links[newest]) if newest else None,
        entries,
        list(HistorySeal.objects.in_order().replacements()),
        waiting,
        broken,
    )


@contextmanager
def reading_alike() -> Iterator[CursorWrapper]:
    """A cursor for which everything is written the same way, whatever the session is set to."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, YMD', true),"
            " set_config('IntervalStyle', 'postgres', true), set_config('bytea_output', 'hex', true),"
            " set_config('extra_float_digits', '1', true), set_config('statement_timeout', '0', true)"
        )
        yield cursor


def columns_of(cursor: CursorWrapper, table: str) -> list[str]:
    """The columns of the table today, in their order."""
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
        " ORDER BY attnum",
        [table],
    )
    return [name for (name,) in cursor.fetchall()]


def _replaced() -> dict[tuple[str, int], int]:
    """The number of the last seal that seals an entry anew, by table and entry."""
    seals = HistorySeal.objects.in_order().replacements().values_list("number", "table", "entries")
    return {(table, entry): number for number, table, entries in seals for entry in entries}


def _seal_broken(seal: HistorySeal, expected: int, previous: str) -> Broken | None:
    if seal.number != expected:
        return Broken(f"seal {expected} is missing", expected, seal.table, seal.sealed_at)
    if seal.table not in sealed_tables():
        return Broken("the table is not kept any more", seal.number, seal.table, seal.sealed_at)
    if seal.link != seal.linked_to(previous):
        return Broken("the seal itself was changed", seal.number, seal.table, seal.sealed_at)
    return None


def _entry_broken(
    cursor: CursorWrapper, seal: HistorySeal, replaced: dict[tuple[str, int], int]
) -> Broken | None:
    """The first entry under the seal that is not what was sealed, is gone, or has come between."""
    kept = sealed_tables()[seal.table]
    lost = set(seal.columns) - set(columns_of(cursor, kept.table))
    if lost:
        what = f"column {min(lost)} is gone, so that its entries cannot be read as they were"
        return Broken(what, seal.number, seal.table, seal.sealed_at)
    cursor.execute(_comparison(kept, seal), _values(seal))
    for entry, what, at, row in cursor.fetchall():
        if what == "was put between" or replaced.get((seal.table, entry), 0) <= seal.number:
            return Broken(
                f"the entry {what}", seal.number, seal.table, at or seal.sealed_at, entry, row or ""
            )
    return None


def _comparison(kept: Kept, seal: HistorySeal) -> str:
    """Sealed digests against the table as it is. Only what is wrong comes back; what was sealed anew among it."""
    at, row = (
        ("e.pgh_created_at", "e.pgh_obj_id::text")
        if kept.has_context
        else ("NULL::timestamptz", f"e.{kept.key}::text")
    )
    between = "e.key > %(after)s AND e.key <= %(last)s" if not seal.reason else "e.key = ANY(%(entries)s)"
    if not seal.reason and seal.after == 0:  # numbers begin at one: what has a lower one was written by hand
        between = "e.key <= %(last)s"
    return (
        "SELECT COALESCE(s.entry, e.key), CASE WHEN s.entry IS NULL THEN 'was put between' WHEN e.key IS NULL"
        " THEN 'is gone' ELSE 'was changed' END, e.at, e.row"
        " FROM unnest(%(entries)s::bigint[], %(salts)s::uuid[], %(digests)s::bytea[]) AS s(entry, salt, digest)"
        f" FULL JOIN (SELECT * FROM (SELECT e.{kept.key} AS key, {at} AS at, {row} AS row,"
        f" {kept.said(seal.columns)} AS said FROM {kept.source}) AS e WHERE {between}) AS e ON e.key = s.entry"
        " WHERE s.entry IS NULL OR e.key IS NULL OR"
        " sha256(convert_to(s.salt::text || e.said, 'UTF8')) IS DISTINCT FROM s.digest ORDER BY 1"
    )


def _values(seal: HistorySeal) -> dict[str, Any]:
    return {
        "after": seal.after,
        "last": seal.last,
        "entries": seal.entries,
        "salts": [str(salt) if salt else None for salt in seal.salts],
        "digests": [bytes(each) for each in seal.digests],
    }


def _cut(head: Head, newest: int) -> Broken:
    what = "the chain ends before it" if head.number > newest else "another seal stands in its place"
    return Broken(f"seal {head} was noted elsewhere, and {what}", head.number, "", None)


def _waiting(cursor: CursorWrapper) -> int:
    """How many entries no seal has come to yet."""
    parts = [
        f"SELECT count(*) AS waiting FROM {kept.table} WHERE {kept.key} > COALESCE("
        f"(SELECT max(last) FROM clinic_historyseal WHERE \"table\" = '{kept.table}'), 0)"
        for kept in sealed_tables().values()
    ]
    cursor.execute(f"SELECT sum(waiting)::bigint FROM ({' UNION ALL '.join(parts)}) AS all_tables")
    return cursor.fetchone()[0]
