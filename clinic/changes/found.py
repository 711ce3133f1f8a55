"""Finds events over all tables of the history at once: in two queries, however many tables there are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import connection, models

from clinic.models import Patient


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose changes are looked for: of one row, around one patient, by one member of staff; of all where nothing is said."""

    table: str = ""
    key: Any = None
    patient: UUID | None = None
    user: UUID | None = None


class Event(NamedTuple):
    """One event: the row after it (before it, of a removal), as it was before, and what the request was known by."""

    model: type[models.Model]
    label: str
    at: datetime
    key: str
    after: dict[str, Any]
    before: dict[str, Any] | None
    context: dict[str, Any] | None


@cache
def kept_tables() -> dict[str, type[models.Model]]:
    """The event tables, by the name of the table whose history each keeps."""
    return {
        model.pgh_tracked_model._meta.db_table: model
        for model in apps.get_models()
        if hasattr(model, "pgh_tracked_model")
    }


def find(wanted: Wanted, *, offset: int, limit: int) -> list[Event]:
    """The events wanted, newest first."""
    places = _places(wanted, offset, limit)
    if not places:
        return []
    by_table: dict[str, list[int]] = {}
    for table, number in places:
        by_table.setdefault(table, []).append(number)
    query = " UNION ALL ".join(_whole(table) for table in by_table)
    with connection.cursor() as cursor:
        cursor.execute(query, list(by_table.values()))
        whole = {(table, number): rest for table, number, *rest in cursor.fetchall()}
    return [_event(place[0], *whole[place]) for place in places]


def _places(wanted: Wanted, offset: int, limit: int) -> list[tuple[str, int]]:
    """Table and number of each event of the page. Of every table at most as many are read as all pages so far show."""
    end = offset + limit
    parts = [
        f"(SELECT '{table}' AS kept, pgh_id, pgh_created_at FROM {event._meta.db_table} AS e"
        f" WHERE {condition} ORDER BY pgh_id DESC LIMIT %(end)s)"
        for table, event in kept_tables().items()
        if (condition := _condition(event, wanted)) and wanted.table in ("", table)
    ]
    query = (
        f"SELECT kept, pgh_id FROM ({' UNION ALL '.join(parts)}) AS found"
        " ORDER BY pgh_created_at DESC, pgh_id DESC, kept OFFSET %(offset)s LIMIT %(limit)s"
    )
    values = {
        "end": end,
        "offset": offset,
        "limit": limit,
        "key": wanted.key,
        "patient": wanted.patient and str(wanted.patient),
        "user": wanted.user and str(wanted.user),
    }
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def _condition(event: type[models.Model], wanted: Wanted) -> str:
    """As SQL; nothing where the table has no such events."""
    conditions = ["TRUE"]
    if wanted.table:
        conditions.append("pgh_obj_id = %(key)s")
    if wanted.user:
        # Each request that is noted changed something, so as many requests as events are wanted are enough.
        conditions.append(
            "pgh_context_id IN (SELECT id FROM pghistory_context WHERE metadata->>'user' = %(user)s"
            " ORDER BY created_at DESC LIMIT %(end)s)"
        )
    if wanted.patient:
        conditions.append(_of_patient(event))
    return " AND ".join(conditions) if all(conditions) else ""


def _of_patient(event: type[models.Model]) -> str:
    """The row names the patient, or belongs to one that does: a dose to its session."""
    if event.pgh_tracked_model is Patient:
        return "pgh_obj_id = %(patient)s"
    keys = [field for field in event._meta.fields if field.is_relation and not field.name.startswith("pgh_")]
    if any(field.name == "patient" for field in keys):
        return "patient_id = %(patient)s"
    for field in keys:
        whole = field.related_model._meta
        if any(each.name == "patient" for each in whole.fields):
            return f"{field.column} IN (SELECT id FROM {whole.db_table} WHERE patient_id = %(patient)s)"
    return ""


def _whole(table: str) -> str:
    name = kept_tables()[table]._meta.db_table
    before = (
        f"SELECT to_jsonb(b)::text FROM {name} AS b WHERE b.pgh_obj_id = e.pgh_obj_id AND b.pgh_id < e.pgh_id"
        " ORDER BY b.pgh_id DESC LIMIT 1"
    )
    return (
        f"SELECT '{table}', e.pgh_id, e.pgh_label, e.pgh_created_at, e.pgh_obj_id::text, to_jsonb(e)::text,"
        f" ({before}), c.metadata::text FROM {name} AS e"
        " LEFT JOIN pghistory_context AS c ON c.id = e.pgh_context_id WHERE e.pgh_id = ANY(%s)"
    )


def _event(table: str, label: str, at: datetime, key: str, *texts: str | None) -> Event:
    after, before, context = (json.loads(text, parse_float=Decimal) if text else None for text in texts)
    model = kept_tables()[table].pgh_tracked_model
    return Event(model, label, at, key, after, before, context)


def fields_of(model: type[models.Model]) -> Iterator[models.Field]:
    """The fields whose history is kept, in the order of the model."""
    kept = {field.name for field in kept_tables()[model._meta.db_table]._meta.fields}
    return (field for field in model._meta.fields if field.name in kept and not field.primary_key)
