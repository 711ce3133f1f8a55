"""Queries that are asked so often, and answered so fast, that putting them together and planning them takes the time."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from itertools import count
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection, models

Row = tuple[Any, ...]
AnyModel = TypeVar("AnyModel", bound=models.Model)


class Prepared:
    """A query with named parameters, written `%(name)s`, each with its PostgreSQL type.

    Each connection plans it once, whatever the values will be (`plan_cache_mode` in the settings): right where every
    reasonable plan is the same, and where reading takes less time than planning. Where much is read, `rows_planned_anew`
    gives the same rows by a plan for the values at hand, as any other query.
    """

    def __init__(self, sql: str, **types: str) -> None:
        self._text = sql % {name: f"${number}" for number, name in enumerate(types, 1)}
        self._types = ", ".join(types.values())
        self._values = ", ".join(f"%({name})s" for name in types)
        self._anew = sql % {name: f"%({name})s::{kind}" for name, kind in types.items()}
        self._names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # by connection of psycopg2

    def rows(self, **values: Any) -> list[Row]:
        """The rows, by the plan that this connection has; the first time it is made in the same round trip."""
        # What begins with SELECT only reads: the history adds its context to everything else.
        # Asked here already whether it still lives: else what this connection knows is asked of the one that replaces it.
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        opened = connection.connection
        if known := self._names.get(opened):
            return _fetched(f"SELECT; EXECUTE {known} ({self._values})", values)
        # A new name each time: a first call that failed may or may not have left its statement behind.
        name = f"planned_{next(_numbers)}"
        prepare = f"PREPARE {name} ({self._types}) AS {self._text}"
        rows = _fetched(f"SELECT; {prepare}; EXECUTE {name} ({self._values})", values)
        self._names[opened] = name
        return rows

    def rows_planned_anew(self, **values: Any) -> list[Row]:
        """The rows, by a plan of their own."""
        return _fetched(self._anew, values)


class Objects(Generic[AnyModel]):
    """Objects of a model by a condition in SQL (`WHERE …`), without putting a query together each time.

    For the few that every search and every booking asks for: Django takes longer to write such a query than
    PostgreSQL to answer it.
    """

    def __init__(self, model: type[AnyModel], condition: str, **types: str) -> None:
        self._model, self._condition, self._types = model, condition, types

    def __call__(self, **values: Any) -> list[AnyModel]:
        """Those that meet the condition, as Django makes them from a row."""
        rows = self._query.rows(**values)
        return [self._model.from_db(connection.alias, self._names, row) for row in rows]

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._model._meta.concrete_fields]

    @cached_property
    def _query(self) -> Prepared:
        """Put together when it is first needed.

        Raises:
            TypeError: Django would convert what the database gives for one of the fields; nobody does here.
        """
        fields = self._model._meta.concrete_fields
        if converted := [field.name for field in fields if field.get_db_converters(connection)]:
            raise TypeError(f"{self._model.__name__} has fields that Django converts: {', '.join(converted)}")
        columns, table = ", ".join(str(field.column) for field in fields), self._model._meta.db_table
        return Prepared(f"SELECT {columns} FROM {table} {self._condition}", **self._types)  # noqa: S608  all ours


class ByKey(Generic[AnyModel]):
    """Objects of a model by a unique column, as `in_bulk` finds them."""

    def __init__(self, model: type[AnyModel], column: str, type: str) -> None:
        self._column = column
        self._objects = Objects(model, f"WHERE {column} = ANY(%(keys)s)", keys=f"{type}[]")

    def __call__(self, keys: Collection[Any]) -> dict[Any, AnyModel]:
        """Those that there are; no query for no keys."""
        found = self._objects(keys=list(keys)) if keys else []
        return {getattr(each, self._column): each for each in found}


_numbers = count(1)


def _fetched(sql: str, values: dict[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Row] = cursor.fetchall()
        return rows
