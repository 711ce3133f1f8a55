"""The ways in which somebody might change what is final, for the tables of bad writes.

A `Record` is final once it is signed or from the start; a `Child` is final with its parent. Each is tried by every way
that Django and SQL know, and each way is a case of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from django.db import models

from tests.guards import Cases, sql


class Record(NamedTuple):
    """A kind of record that is final: how to make one, one of its texts, its guard, and whether its seal can be NULL."""

    make: Callable[[], models.Model]
    text: str
    guard: str
    opens: bool = False


class Child(NamedTuple):
    """A child table: how to make a final parent with one child, the key to it, and the fields of one more child."""

    model: type[models.Model]
    parent: Callable[[], models.Model]
    key: str
    more: Callable[[models.Model], dict[str, Any]]

    @property
    def guard(self) -> str:
        """The trigger that keeps the children of a final parent."""
        return next(t.name for t in self.model._meta.triggers if t.name.endswith("_parent_signed"))


def records(cases: Cases, *kinds: Record) -> None:
    """Files every way of changing or deleting a record of these kinds, and of opening it again where it can be."""
    ways = [_save, _update, _bulk_update, _update_in_sql, delete_in_sql]
    for kind in kinds:
        for way in [*ways, *([_unsign_in_sql] if kind.opens else [])]:
            cases.add(kind.guard, partial(way, text=kind.text), make=kind.make, name=_name(way))


def never_deleted(cases: Cases, make: Callable[[], models.Model], guard: str) -> None:
    """Files the deletion of a row that may change but never goes."""
    cases.add(guard, lambda row: row.delete(), make=make, name="delete")
    cases.add(guard, delete_in_sql, make=make, name="delete in sql")


def children(cases: Cases, *kinds: Child) -> None:
    """Files every way of adding, changing or removing a child of a final parent."""
    for kind in kinds:
        for way in (_insert_child, _bulk_create_child, _update_child, _delete_child):
            cases.add(kind.guard, partial(way, kind), make=partial(_with_child, kind), name=_name(way))


def delete_in_sql(row: models.Model, text: str = "") -> None:
    """The row is gone without Django knowing."""
    sql(f"DELETE FROM {row._meta.db_table} WHERE {row._meta.pk.column} = %s", row.pk)()


def _name(way: Callable[..., None]) -> str:
    return way.__name__.strip("_").replace("_", " ")


def _save(row: models.Model, text: str) -> None:
    setattr(row, text, "something else")
    row.save()


def _update(row: models.Model, text: str) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**{text: "something else"})


def _bulk_update(row: models.Model, text: str) -> None:
    setattr(row, text, "something else")
    type(row)._default_manager.bulk_update([row], [text])


def _update_in_sql(row: models.Model, text: str) -> None:
    table, key = row._meta.db_table, row._meta.pk.column
    sql(f"UPDATE {table} SET {text} = 'something else' WHERE {key} = %s", row.pk)()


def _unsign_in_sql(row: models.Model, text: str) -> None:
    """The one change that would open the record again."""
    fields = {field.name for field in row._meta.fields}
    seal = {"signed_at", "signed_by", "content_hash"} & fields or {"triaged_at", "triaged_by"} & fields
    columns = [row._meta.get_field(name).column for name in seal]
    extra = ", outcome = ''" if "triaged_at" in seal else ""
    assignments = ", ".join(f"{column} = NULL" for column in columns) + extra
    sql(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", row.pk)()


def _insert_child(child: Child, parent: models.Model) -> None:
    child.model(**{child.key: parent}, **child.more(parent)).save(force_insert=True)


def _bulk_create_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.bulk_create([child.model(**{child.key: parent}, **child.more(parent))])


def _update_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.filter(**{child.key: parent}).update(**{child.key: models.F(child.key)})


def _delete_child(child: Child, parent: models.Model) -> None:
    child.model._default_manager.filter(**{child.key: parent})._raw_delete("default")


def _with_child(child: Child) -> models.Model:
    parent = child.parent()
    assert child.model._default_manager.filter(**{child.key: parent}).exists()
    return parent
