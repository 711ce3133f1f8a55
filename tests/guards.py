"""Guards of the database, tested by name and with a negative control.

A case is a function that makes one bad write, filed under the name of the constraint or trigger that must refuse it.
Every write is tried with the guard, where exactly that name must come back; and with the guard taken away, where the same
write must go through. What then goes in is the harm the guard is there for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

from django.apps import apps
from django.db import DatabaseError, connection, models, transaction

# The triggers that write history; every other trigger refuses something.
HISTORY = {"insert_insert", "update_update", "delete_delete"}
BadWrite = Callable[[], object]
_READS = re.compile(r"\s*(SELECT|SET|SAVEPOINT|RELEASE|ROLLBACK)\b", re.IGNORECASE)
_CHECKS_RUN = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


@dataclass(frozen=True)
class Case:
    """One bad write. `aside` are other guards that would refuse it too; they are away in both tries.

    What `make` returns is handed to the write; without it, the write makes its rows itself.
    """

    guard: str
    write: Callable[..., object]
    aside: tuple[str, ...]
    name: str
    make: Callable[[], object] | None = None

    def prepared(self) -> BadWrite:
        """The write, once what it is about is there."""
        if self.make is None:
            return self.write
        made = self.make()
        check_deferred()
        return partial(self.write, made)

    def __str__(self) -> str:
        return f"{self.guard}: {self.name}" if self.name else self.guard


class Cases(list[Case]):
    """The table of cases of one test module."""

    def refused_by(self, guard: str, *, aside: Iterable[str] = ()) -> Callable[[BadWrite], BadWrite]:
        """Files the decorated bad write under `guard`."""

        def file(write: BadWrite) -> BadWrite:
            self.add(guard, write, aside=aside, name=write.__name__.strip("_").replace("_", " "))
            return write

        return file

    def add(
        self,
        guard: str,
        write: Callable[..., object],
        *,
        make: Callable[[], object] | None = None,
        aside: Iterable[str] = (),
        name: str = "",
    ) -> None:
        """Files `write` under `guard`; for tables of alike cases."""
        self.append(Case(guard, write, tuple(aside), name, make))

    @property
    def guards(self) -> set[str]:
        """All guards that have a case."""
        return {case.guard for case in self}


class NotRefused(AssertionError):
    """The write went through."""


def refusal_of(write: BadWrite) -> str:
    """The name of the constraint that refuses `write`. Raises NotRefused when it goes through; changes nothing."""
    try:
        with transaction.atomic():
            write()
            check_deferred()
            transaction.set_rollback(True)
    except DatabaseError as error:
        return error.__cause__.diag.constraint_name or str(error)
    raise NotRefused("the write went through")


def tried_with_and_without(case: Case) -> str:
    """The name of the constraint or trigger that refuses the write, which goes through once the case's guard is away.

    The guard is taken away at the statement that it refuses, which is then sent again: nothing that the write needs is made
    anew. Where a check that waits for the end refuses, the whole write is tried once more.

    Raises NotRefused where nothing refuses it, and DatabaseError where something else does.
    """
    with without(*case.aside):
        write = case.prepared()
        away = {case.guard, *case.aside}
        if _goes_through_once_refused(write, case.guard, away):
            return case.guard
        refused_by = refusal_of(write)
        with without(case.guard):
            write()
            _check_bookings(away)
    return refused_by


def _goes_through_once_refused(write: BadWrite, guard: str, away: set[str]) -> bool:
    """Whether the guard refused a statement of the write, which went through without it. Changes nothing."""
    refused = []

    def sent(execute: Callable[..., object], statement: str, *rest: object) -> object:
        if refused or _READS.match(statement):
            return execute(statement, *rest)
        with connection.connection.cursor() as beside:  # past Django, and so past this very function
            beside.execute("SAVEPOINT before_it")
            try:
                done = execute(statement, *rest)
            except DatabaseError as error:
                if error.__cause__.diag.constraint_name != guard:
                    raise
                refused.append(statement)
                beside.execute("ROLLBACK TO SAVEPOINT before_it")
                beside.execute(f"{_CHECKS_RUN}; {_removals()[guard]}")
                return execute(statement, *rest)
            beside.execute("RELEASE SAVEPOINT before_it")
            return done

    with transaction.atomic():
        with connection.execute_wrapper(sent):
            write()
        if refused:
            _check_bookings(away)
        transaction.set_rollback(True)
    return bool(refused)


def _check_bookings(away: set[str]) -> None:
    """Runs the checks of ours that wait. Foreign keys are left: who takes a row away would take those along that name it."""
    waiting = {
        each.name
        for model in _guarded()
        for each in model._meta.constraints
        if getattr(each, "deferrable", None)
    }
    with connection.cursor() as cursor:
        cursor.execute(f"SET CONSTRAINTS {', '.join(sorted(waiting - away))} IMMEDIATE")


@contextmanager
def without(*guards: str) -> Iterator[None]:
    """Takes constraints and triggers of these names away; puts them and all rows back afterwards."""
    check_deferred()
    with transaction.atomic(), connection.cursor() as cursor:
        for guard in guards:
            cursor.execute(_removals()[guard])
        yield
        transaction.set_rollback(True)


@contextmanager
def standing(trigger: str) -> Iterator[None]:
    """Puts a trigger back that is away; takes it and all rows away again afterwards."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_removals()[trigger].replace(" DISABLE ", " ENABLE "))
        yield
        transaction.set_rollback(True)


def check_deferred() -> None:
    """Runs foreign key checks that wait for the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECKS_RUN)


def sql(statement: str, *values: object) -> BadWrite:
    """A bad write in raw SQL."""

    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return write


def ignore_all(*apps: str) -> None:
    """Asks pgtrigger, for this transaction, to ignore every trigger of the apps: which must change nothing."""
    guarded = [model for app in apps for model in (*tables(app), *events(app))]
    names = [trigger.get_pgid(model) for model in guarded for trigger in getattr(model._meta, "triggers", [])]
    sql("SELECT set_config('pgtrigger.ignore', %s, true)", "{" + ",".join(names) + "}")()


def tables(app: str) -> list[type[models.Model]]:
    """An app's models, without the event tables."""
    return [model for model in apps.get_app_config(app).get_models() if not hasattr(model, "pgh_label")]


def events(app: str) -> list[type[models.Model]]:
    """An app's event tables."""
    return [model for model in apps.get_app_config(app).get_models() if hasattr(model, "pgh_label")]


def constraints_in_models(app: str) -> set[str]:
    """Names of all constraints in the models' Meta."""
    return {constraint.name for model in tables(app) for constraint in model._meta.constraints}


def triggers_in_models(app: str) -> set[str]:
    """Names of all triggers in the models' Meta, without the ones that write history."""
    names = {trigger.name for model in tables(app) for trigger in getattr(model._meta, "triggers", [])}
    return names - HISTORY


def isolation_guards(app: str) -> set[str]:
    """Those of the level of a transaction, which a test inside of one cannot choose any more: `tests/test_isolation.py`."""
    return {name for name in triggers_in_models(app) if name.endswith("_isolation")}


def truncate_guards(app: str) -> dict[str, str]:
    """Those that keep whole tables, and which: `tests/test_truncate.py`."""
    return {
        trigger.name: model._meta.db_table
        for model in tables(app)
        for trigger in getattr(model._meta, "triggers", [])
        if trigger.name.endswith("_no_truncate")
    }


def constraints_in_database(app: str) -> set[str]:
    """Checks, exclusions and unique indexes of the app's tables in pg_catalog, without those Django names itself.

    Django's own are unique columns (`…_key`, `…_uniq`, a hash in the middle), positive integers (`…_check`) and
    primary keys.
    """
    found = _names(
        "SELECT conname FROM pg_constraint WHERE contype IN ('c', 'x', 'u') AND conrelid::regclass::text = ANY(%s)"
        " UNION SELECT indexrelid::regclass::text FROM pg_index"
        " WHERE indisunique AND NOT indisprimary AND indrelid::regclass::text = ANY(%s)",
        _table_names(app),
        _table_names(app),
    )
    return {name for name in found if not re.search(r"(_key|_uniq|_check)$", name)}


def triggers_in_database(app: str) -> set[str]:
    """Names of the enabled triggers of the app's tables in pg_catalog, without the ones that write history."""
    found = _names(
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O' AND tgrelid::regclass::text = ANY(%s)",
        _table_names(app),
    )
    names = {re.sub(r"^pgtrigger_(.*)_[0-9a-f]{5}$", r"\1", name) for name in found}
    return names - HISTORY


def _table_names(app: str) -> list[str]:
    return [model._meta.db_table for model in tables(app)]


def _names(query: str, *values: object) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return {name for (name,) in cursor.fetchall()}


@cache
def _guarded() -> list[type[models.Model]]:
    return [*tables("clinic"), *tables("consultations"), *events("clinic"), *events("consultations")]


@cache
def _removals() -> dict[str, str]:
    """By the name of a constraint, unique index or trigger, the statement that takes it away."""
    statements = {}
    for model in _guarded():
        table = model._meta.db_table
        for trigger in getattr(model._meta, "triggers", []):
            statements[trigger.name] = f'ALTER TABLE {table} DISABLE TRIGGER "{trigger.get_pgid(model)}"'
        for constraint in model._meta.constraints:
            is_index = isinstance(constraint, models.UniqueConstraint) and constraint.condition
            name = constraint.name
            statements[name] = (
                f"DROP INDEX {name}" if is_index else f"ALTER TABLE {table} DROP CONSTRAINT {name}"
            )
    return statements
