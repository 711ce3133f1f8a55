"""Queries that are asked so often, and answered so fast, that putting them together and planning them takes the time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from functools import cached_property
from itertools import count
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import connection, models
from django.db.models import F, Lookup, QuerySet, prefetch_related_objects
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = tuple[Any, ...]
AnyModel = TypeVar("AnyModel", bound=models.Model)


class Prepared:
    """A query with named parameters, written `%(name)s`, each with its PostgreSQL type.

    Each connection plans it once, whatever the values will be (`plan_cache_mode` in the settings): right where every
    reasonable plan is the same, and where reading takes less time than planning. Where much is read, `rows_planned_anew`
    gives the same rows by a plan for the values at hand, as any other query.
    """

    def __init__(self, sql: str, **types: str) -> None:
        kept = sql.replace("%%", "%%%%")  # the driver reads both as well
        self._text = kept % {name: f"${number}" for number, name in enumerate(types, 1)}
        self._types = _in_brackets(types.values())
        self._values = _in_brackets(f"%({name})s" for name in types)
        self._anew = kept % {name: f"%({name})s::{kind}" for name, kind in types.items()}
        self._names: WeakKeyDictionary[Any, str] = WeakKeyDictionary()  # by connection of psycopg2

    def rows(self, **values: Any) -> list[Row]:
        """The rows, by the plan that this connection has; the first time it is made in the same round trip."""
        # What begins with SELECT only reads: the history adds its context to everything else.
        # Asked here already whether it still lives: else what this connection knows is asked of the one that replaces it.
        connection.close_if_health_check_failed()
        connection.ensure_connection()
        opened = connection.connection
        if known := self._names.get(opened):
            return _fetched(f"SELECT; EXECUTE {known} {self._values}", values)
        # A new name each time: a first call that failed may or may not have left its statement behind.
        name = f"planned_{next(_numbers)}"
        prepare = f"PREPARE {name} {self._types} AS {self._text}"
        rows = _fetched(f"SELECT; {prepare}; EXECUTE {name} {self._values}", values)
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
        quote, table = connection.ops.quote_name, self._model._meta.db_table
        columns = ", ".join(quote(str(field.column)) for field in fields)
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


class RowsFor(Generic[AnyModel]):
    """The rows of a queryset that belong to the keys at hand: by a foreign key, or by their own (`pk`).

    The queryset may follow foreign keys, annotate and prefetch. Django writes it when it is first needed and PostgreSQL
    plans it as `Prepared` says: nothing in it may depend on the moment at which it is asked.

    Raises:
        TypeError: when it is first called, where a day or a moment is among the queryset's values.
    """

    MANY = 50  # keys for which reading takes longer than planning, so that the plan may as well fit them

    def __init__(self, rows: QuerySet[AnyModel], by: str) -> None:
        self._rows: Any = rows
        self._by = by

    def __call__(self, keys: Collection[Any]) -> list[AnyModel]:
        """In the order of the queryset; no query for no keys."""
        if not keys:
            return []
        if len(keys) >= self.MANY:
            return self.written_anew(keys)
        rows = self._query.rows(keys=list(keys))
        converted = self._compiler.apply_converters(rows, self._converters)
        found = [self._made_from(row) for row in converted]
        prefetch_related_objects(found, *self._rows._prefetch_related_lookups)
        return found

    def visible_to(self, user: Any, key: Any) -> AnyModel | None:
        """The row of this key; None where there is none, or none that this person may see.

        Raises:
            TypeError: the rows' own `visible_to` asks more of a row than who is asking, which the plan does not know.
        """
        seen = self._rows.visible_to(user)
        if seen.query.is_empty():
            return None
        if seen is not self._rows:
            raise TypeError(f"{self._rows.model.__name__} has rows for some and not for others: ask Django.")
        return next(iter(self([key])), None)

    def written_anew(self, keys: Collection[Any]) -> list[AnyModel]:
        """The same, written and planned for these keys, as any other query."""
        return list(self._rows.filter(**{f"{self._by}__in": keys}))

    def _made_from(self, row: Row) -> AnyModel:
        """The object, with those it names and what is annotated, as Django's own iteration makes it."""
        names, columns = self._columns
        made: AnyModel = self._rows.model.from_db(connection.alias, names, row[columns])
        for related in self._related:
            related.populate(row, made)
        for name, column in self._compiler.annotation_col_map.items():
            setattr(made, name, row[column])
        return made

    @cached_property
    def _written(self) -> tuple[Any, str, Sequence[Any]]:
        """Django's compiler, which knows once it has written the query what stands where in a row; the SQL, its values."""
        among = self._rows.filter(_Among(F(self._by), None))
        compiler = among.query.get_compiler(connection=connection)
        return compiler, *compiler.as_sql()

    @property
    def _compiler(self) -> Any:
        return self._written[0]

    @cached_property
    def _query(self) -> Prepared:
        _compiler, sql, values = self._written
        with connection.cursor() as cursor:
            literals = ["%(keys)s" if each is _KEYS else _literal(cursor, each) for each in values]
        field = self._rows.model._meta.pk if self._by == "pk" else self._rows.model._meta.get_field(self._by)
        return Prepared(sql.replace("%%", "%%%%") % tuple(literals), keys=f"{field.db_type(connection)}[]")

    @cached_property
    def _columns(self) -> tuple[list[str], slice]:
        """The model's own fields and where they stand in a row."""
        first, *_rest, last = self._compiler.klass_info["select_fields"]
        columns = slice(first, last + 1)
        return [column.target.attname for column, *_sql in self._compiler.select[columns]], columns

    @cached_property
    def _converters(self) -> Any:
        return self._compiler.get_converters([column for column, *_sql in self._compiler.select])

    @cached_property
    def _related(self) -> list[Any]:
        populators: Any = get_related_populators  # the stubs describe a later Django
        related: list[Any] = populators(self._compiler.klass_info, self._compiler.select, connection.alias)
        return related


_KEYS = object()  # stands among a query's values where the keys will


class _Among(Lookup):
    """Whether something is one of the keys, however many there will be."""

    prepare_rhs = False

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        left, values = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*values, _KEYS]


def _literal(cursor: Any, value: object) -> str:
    """A value that is always the same, as it stands in SQL.

    Raises:
        TypeError: it is a day or a moment, which would stay what it was when the process began.
    """
    if isinstance(value, date):  # a moment too
        raise TypeError(f"{value} would be written once, and asked for ever after")
    written: bytes = cursor.mogrify("%s", [value])
    return written.decode().replace("%", "%%")


_numbers = count(1)


def _in_brackets(words: Iterable[str]) -> str:
    """Nothing for nothing: PostgreSQL takes no empty brackets there."""
    listed = ", ".join(words)
    return f"({listed})" if listed else ""


def _fetched(sql: str, values: dict[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[Row] = cursor.fetchall()
        return rows
