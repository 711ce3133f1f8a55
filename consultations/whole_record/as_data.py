"""record.json: every table with its columns explained, then its rows. docs/whole-record.md says how to read it."""

import json
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import DecimalField, Field

from clinic.models import ClinicSettings
from consultations.whole_record.rows import Record, Row
from consultations.whole_record.tables import TABLES, Table, left_out
from consultations.whole_record.values import data, label_of

SCHEMA, VERSION = "mesoclinic-whole-record", 1


def pieces(record: Record, *, why: str, absent: list[str]) -> Iterator[str]:
    """The file, row by row."""
    head = {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "made_at": data(record.read_at),
        "made_for": why,
        "clinic": ClinicSettings.current().name,
        "time_zone": settings.TIME_ZONE,
        "patient_number": record.patient.number,
        "not_in_this_file": absent,
        "columns": {table.code: explained(table) for table in TABLES},
    }
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "tables": {'
    for index, (table, rows) in enumerate(record.rows.items()):
        yield f"{',' if index else ''}\n  {json.dumps(table.code)}: ["
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}\n   {json.dumps(_row(row), ensure_ascii=False)}"
        yield "]"
    yield "\n }\n}\n"


def explained(table: Table) -> dict[str, Any]:
    """What each column of a table is: its words, its type, its codes."""
    return {column.name: _explained(column) for column in table.columns()}


def _explained(column: Field) -> dict[str, Any]:
    said: dict[str, Any] = {"label": label_of(column), "type": _type(column)}
    if column.choices:
        said["codes"] = {str(code): str(words) for code, words in column.flatchoices}
    return said


def _type(column: Field) -> str:
    if column.many_to_many:
        return "names"
    if column.is_relation:
        return "reference"
    if isinstance(column, DecimalField):
        return "figure with unit"
    return column.get_internal_type().removesuffix("Field").lower()


def _row(row: Row) -> dict[str, Any]:
    said: dict[str, Any] = {"ref": row.ref} | {cell.name: cell.data for cell in row.cells}
    if row.changes:
        said["changes"] = [
            {"at": data(each.at), "status": each.status, "starts_at": data(each.starts_at)}
            for each in row.changes
        ]
    if row.file:
        said["file"] = row.file
    return said


def columns_left_out(table: Table) -> dict[str, str]:
    """Columns of a table that are no part of the file, with why."""
    columns = table.model._meta.concrete_fields
    return {each.name: str(why) for each in columns if (why := left_out(table.model, each))}
