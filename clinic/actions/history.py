"""Seals what was written to the history. Runs by itself some minutes later, never within a booking: one chain that every
booking had to add to would let them wait for each other.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Max
from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.history_chain import Head, Kept, columns_of, reading_alike, sealed_tables
from clinic.models import HistorySeal, User

ENTRIES = 1000  # under one seal
_PAUSE = 0.05  # seconds between looks at what is still being written


class Sealed(NamedTuple):
    """How many entries were sealed now, and the newest link."""

    entries: int
    head: Head | None


def seal(*, by: None, at: datetime, patience: float = 60) -> Sealed:
    """Seals everything that has been written, table by table. By nobody: the timer does it.

    What is still being written when this begins is waited for, at most `patience` seconds, so that no entry appears later
    among those that were sealed. Raises DomainError where something stays open for longer; nothing is sealed then.
    """
    ends = _ends()
    _wait_for_writers(patience)
    sealed = 0
    with reading_alike() as cursor:
        head = _head(cursor)
        done = dict(HistorySeal.objects.filter(reason="").values_list("table").annotate(end=Max("last")))
        for table, end in ends.items():
            while done.get(table, 0) < end:
                made = _next(cursor, sealed_tables()[table], done.get(table, 0), end)
                head = _add(made, head, at=at)
                done[table] = made.last
                sealed += len(made.entries)
    return Sealed(sealed, head)


def seal_anew(*, table: str, entries: Iterable[int], reason: str, by: User, at: datetime) -> Head:
    """Seals entries as they are now, and destroys the salts they were sealed with: after names were taken out of them.

    Without its salt an old digest gives nothing away. To be done in the transaction that changes the entries; the reason
    stands in the chain. Raises DomainError for an entry that no seal holds.
    """
    wanted = sorted(set(entries))
    with reading_alike() as cursor:
        head = _head(cursor)
        kept = sealed_tables()[table]
        made = _sealed(cursor, kept, f"e.{kept.key} = ANY(%(entries)s)", {"entries": wanted})
        held = {entry for seal in _holding(table, wanted) for entry in seal.entries}
        if not wanted or made.entries != wanted or not held.issuperset(wanted):
            raise DomainError(_("Only what was sealed before can be sealed anew."), code="never_sealed")
        for older in _holding(table, wanted):
            salts = [
                None if entry in wanted else salt
                for entry, salt in zip(older.entries, older.salts, strict=True)
            ]
            HistorySeal.objects.filter(pk=older.pk).update(salts=salts)
        made.after, made.last, made.reason, made.sealed_by = wanted[0] - 1, wanted[-1], reason, by
        return _add(made, head, at=at)


def seal_anew_where_sealed(
    *, table: str, entries: Iterable[int], reason: str, by: User, at: datetime
) -> Head | None:
    """The same for those that were sealed, however many. What nobody has sealed yet was never told to the chain."""
    wanted = sorted(set(entries))
    held = {entry for seal in _holding(table, wanted) for entry in seal.entries}
    known, head = [entry for entry in wanted if entry in held], None
    for start in range(0, len(known), ENTRIES):
        some = known[start : start + ENTRIES]
        head = seal_anew(table=table, entries=some, reason=reason, by=by, at=at)
    return head


def _ends() -> dict[str, int]:
    """The newest entry of each table that has any."""
    parts = [f"SELECT '{kept.table}', max({kept.key}) FROM {kept.table}" for kept in sealed_tables().values()]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return {table: end for table, end in cursor.fetchall() if end is not None}


def _wait_for_writers(patience: float) -> None:
    """Until every transaction that is writing now has ended: it may hold a lower number than the newest entry."""
    until = time.monotonic() + patience
    waited_for = _writers()
    while waited_for := waited_for & _writers():
        if time.monotonic() > until:
            raise DomainError(
                _("Something has been writing for a long time; nothing was sealed. Try again later."),
                code="still_writing",
            )
        time.sleep(_PAUSE)


def _writers() -> set[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT pid, backend_xid::text FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        return set(cursor.fetchall())


def _head(cursor: CursorWrapper) -> Head | None:
    """The newest link. Nobody adds one until this transaction ends; reading goes on."""
    cursor.execute("LOCK TABLE clinic_historyseal IN SHARE ROW EXCLUSIVE MODE")
    newest = HistorySeal.objects.in_order().last()
    return Head(newest.number, newest.link) if newest else None


def _holding(table: str, entries: list[int]) -> Iterable[HistorySeal]:
    return HistorySeal.objects.filter(table=table, entries__overlap=entries)


def _next(cursor: CursorWrapper, kept: Kept, after: int, end: int) -> HistorySeal:
    """The seal, not linked yet, of the entries that come next."""
    condition = f"e.{kept.key} > %(after)s AND e.{kept.key} <= %(end)s"
    made = _sealed(cursor, kept, condition, {"after": after, "end": end})
    full = len(made.entries) == ENTRIES
    made.after, made.last = after, made.entries[-1] if full else end
    return made


def _sealed(cursor: CursorWrapper, kept: Kept, condition: str, values: Mapping[str, Any]) -> HistorySeal:
    columns = columns_of(cursor, kept.table)
    cursor.execute(
        f"WITH said AS MATERIALIZED (SELECT e.{kept.key} AS key, gen_random_uuid() AS salt, {kept.said(columns)} AS text"
        f" FROM {kept.source} WHERE {condition} ORDER BY 1 LIMIT {ENTRIES})"
        " SELECT key, salt, sha256(convert_to(salt::text || text, 'UTF8')) FROM said ORDER BY key",
        values,
    )
    found = cursor.fetchall()
    entries, salts, digests = zip(*found, strict=True) if found else ((), (), ())
    return HistorySeal(
        table=kept.table,
        columns=columns,
        entries=list(entries),
        salts=list(salts),
        digests=[bytes(each) for each in digests],
    )


def _add(made: HistorySeal, head: Head | None, *, at: datetime) -> Head:
    made.number, made.sealed_at = (head.number if head else 0) + 1, at
    made.link = made.linked_to(head.link if head else "")
    made.save(force_insert=True)
    return Head(made.number, made.link)
