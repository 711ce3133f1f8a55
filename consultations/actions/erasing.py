"""Carrying an erasure out, as the owner of the tables.

What is signed, and the history, can be changed by nobody: triggers refuse it. Whoever owns a table may switch its triggers
off; that is done here, for the tables that are touched, within the one transaction that touches them. Foreign keys and
constraints are no triggers of that kind and stay in force.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.utils.translation import gettext as _

from clinic.actions import history
from clinic.enums import ErasureStage
from clinic.errors import DomainError
from clinic.history_chain import sealed_tables
from clinic.models import Erasure, ErasureDone, Patient
from consultations.erasure.fates import Fate, history_of
from consultations.erasure.keeping import due
from consultations.erasure.obstacles import obstacles
from consultations.erasure.tables import FATES, counted, history_rows_of, record_of, rows_of
from consultations.models import Photo
from consultations.whole_record.tables import listed

# A booking that meets this waits no longer than that, because this gives up.
_PATIENCE = "300ms"


@dataclass(slots=True)
class Work:
    """What one stage does to a record: keys of rows by fate and of their history, and what was done."""

    patients: Sequence[Patient]
    stage: ErasureStage
    at: datetime
    rows: list[tuple[Fate, list[Any]]] = field(default_factory=list)
    history: list[tuple[Fate, type[Model], list[int]]] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    changed: dict[str, set[int]] = field(default_factory=dict)

    def count(self, fate: Fate, what: str, number: int) -> None:
        """Add to what is told of the table."""
        of_table = self.counts.setdefault(fate.model._meta.label, {})
        of_table[what] = of_table.get(what, 0) + number

    def tables(self) -> list[str]:
        """Those that are written to, in one order for everybody."""
        models = {fate.model for fate, keys in self.rows if keys} | {
            each for _fate, each, keys in self.history if keys
        }
        return sorted({each._meta.db_table for each in models})


def carry_out(
    *,
    erasure: Erasure,
    stage: ErasureStage,
    also: Iterable[Patient] = (),
    anew: bool = False,
    by: None,
    at: datetime,
) -> ErasureDone | None:
    """Does what is due at this stage, once: None where it was done, withdrawn or is not due. By nobody: the timer does it.

    `anew`: it was carried out before and a backup brought the record back, so that nothing is asked; `also` are
    records that were merged into this one then. The caller removes the files that are named, after the transaction.

    Raises:
        DomainError: erasure_blocked, with the first of what is to be settled; erasure_busy.
        OperationalError: a table or the record was not had in time.
    """
    with transaction.atomic():
        patients = _locked({erasure.patient_id, *(each.pk for each in also)})
        row = Erasure.objects.select_related("patient", "decided_by").get(pk=erasure.pk)
        if row.withdrawn_at or row.done.filter(stage=stage).exists():
            return None
        if not anew:
            if due(row, stage) > at:
                return None
            if found := obstacles(row.patient, at=at):
                raise DomainError(found[0], "erasure_blocked")
        work = _gathered([each for each in patients if not each.erased_at], stage, at)
        with connection.cursor() as cursor, _triggers_off(cursor, work.tables()):
            work = _once_more(work)
            files = _files(work)
            _write(cursor, work)
        _seal(work, row, at)
        for place, number in enumerate(counted(patients)):
            if number:
                work.count(FATES[place], "stay", number)
        return ErasureDone.objects.create(
            erasure=row, stage=stage, done_at=at, counts=work.counts, files=files
        )


def _locked(keys: Iterable[Any]) -> list[Patient]:
    """The records, and those that were merged into them. FOR UPDATE: whoever writes a row for one has to wait, or is
    waited for."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_PATIENCE])
    wanted = _whole(keys)
    locked = Patient.objects.filter(pk__in=wanted).order_by("pk").select_for_update(of=("self",))
    patients = list(locked)
    if _whole(keys) != wanted:
        raise _busy()
    return patients


def _whole(keys: Iterable[Any]) -> set[UUID]:
    return {each.pk for patient in Patient.objects.filter(pk__in=keys) for each in record_of(patient)}


def _busy() -> DomainError:
    return DomainError(_("Somebody was writing just now. The next run tries again."), "erasure_busy")


def _gathered(patients: Sequence[Patient], stage: ErasureStage, at: datetime) -> Work:
    work = Work(patients, stage, at)
    for fate in FATES:
        if fate.is_touched(stage):
            work.rows.append((fate, list(rows_of(fate, patients).values_list("pk", flat=True))))
        for table in history_of(fate.model):
            if fate.sql(stage, of=table):
                keys = history_rows_of(fate, table, patients).values_list("pgh_id", flat=True)
                work.history.append((fate, table, list(keys)))
    return work


def _once_more(work: Work) -> Work:
    """The same, now that nobody writes to the tables: a row that hangs on another than the record may have come since."""
    again = _gathered(work.patients, work.stage, work.at)
    if set(again.tables()) - set(work.tables()):
        raise _busy()
    return again


def _files(work: Work) -> list[str]:
    """The names of the photographs' files that go with their rows."""
    keys = [key for fate, found in work.rows if fate.model is Photo for key in found]
    return list(Photo.objects.filter(pk__in=keys).order_by("pk").values_list("file_name", flat=True))


@contextmanager
def _triggers_off(cursor: CursorWrapper, tables: Sequence[str]) -> Iterator[None]:
    """The tables' own triggers are off inside, and on again after it. Nobody else writes to the tables meanwhile.

    Keys that are still to be checked are checked before either: a table that waits for that cannot be altered. Where
    something goes wrong inside, all is rolled back, this as well.
    """
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if tables:
        cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    _switch(cursor, tables, "DISABLE")
    yield
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _switch(cursor, tables, "ENABLE")


def _switch(cursor: CursorWrapper, tables: Sequence[str], how: str) -> None:
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


def _write(cursor: CursorWrapper, work: Work) -> None:
    """Rows first: what the history is to say of a record's number is what then stands in the record."""
    for fate, keys in work.rows:
        if not fate.goes_at(work.stage):
            _overwrite(cursor, work, fate, fate.model, keys, what="overwritten")
    for fate, table, keys in work.history:
        _overwrite(cursor, work, fate, table, keys, what="history")
    for fate, keys in work.rows:
        if fate.goes_at(work.stage) and keys:
            _delete(cursor, work, fate, keys)


def _overwrite(
    cursor: CursorWrapper, work: Work, fate: Fate, table: type[Model], keys: list[Any], *, what: str
) -> None:
    columns = fate.sql(work.stage, of=None if table is fate.model else table)
    if not columns or not keys:
        return
    name, key = table._meta.db_table, table._meta.pk.column
    said = ", ".join(f'"{column}"' for column in columns)
    written = ", ".join(columns.values())
    cursor.execute(
        f"UPDATE {name} SET ({said}) = ROW({written})"
        f" WHERE {key} = ANY(%(keys)s) AND ROW({said}) IS DISTINCT FROM ROW({written}) RETURNING {key}",
        {"keys": keys, "at": work.at},
    )
    changed = {key for (key,) in cursor.fetchall()}
    work.count(fate, what, len(changed))
    if name in sealed_tables():
        work.changed.setdefault(name, set()).update(changed)


def _delete(cursor: CursorWrapper, work: Work, fate: Fate, keys: list[Any]) -> None:
    for choice in listed(fate.model):
        through = choice.remote_field.through  # type: ignore[union-attr]
        through._base_manager.filter(**{f"{choice.model._meta.model_name}__in": keys}).delete()
    cursor.execute(
        f"DELETE FROM {fate.model._meta.db_table} WHERE {fate.model._meta.pk.column} = ANY(%s)", [keys]
    )
    work.count(fate, "gone", len(keys))


def _seal(work: Work, erasure: Erasure, at: datetime) -> None:
    """The chain tells that these entries were overwritten, and for which erasure."""
    for table, entries in sorted(work.changed.items()):
        history.seal_anew_where_sealed(
            table=table, entries=entries, reason=f"erasure {erasure.pk}", by=erasure.decided_by, at=at
        )
