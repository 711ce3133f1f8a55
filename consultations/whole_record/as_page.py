"""record.html: the record as it is read and printed, in the clinic's language, without a script."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.models import ClinicSettings
from consultations.models import ReviewScore, SessionScore
from consultations.whole_record.rows import Record, Row
from consultations.whole_record.tables import SECTIONS, Section, Table

_STYLE = Path(__file__).with_name("record.css")
_CHAPTERS = "<!-- chapters -->"
# They stand in record.json; a reader is told more by the rest.
_ONLY_DATA = {
    "content_hash",
    "sha256",
    "byte_count",
    "width",
    "height",
    "strokes",
    "assent_strokes",
    "places",
    "practitioner_from",
    "practitioner_until",
    "room_from",
    "room_until",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows of one table as a table."""

    title: str
    heads: list[str]
    lines: list[list[str]]


def pieces(record: Record, *, why: str, absent: list[str]) -> Iterator[str]:
    """The page, chapter by chapter."""
    said = {
        "record": record,
        "why": why,
        "absent": absent,
        "clinic": ClinicSettings.current(),
        "style": format_html("<style>{}</style>", _STYLE.read_text(encoding="utf-8")),
        "sections": SECTIONS,
    }
    page = render_to_string("consultations/whole_record/page.html", said)
    before, _mark, after = page.partition(_CHAPTERS)
    yield before
    for section in SECTIONS:
        yield render_to_string("consultations/whole_record/section.html", _section(section, record))
    yield after


def _section(section: Section, record: Record) -> dict[str, Any]:
    blocks, lists = [], []
    for table in section.tables:
        rows = record.rows[table]
        if table.is_list and rows:
            lists.append(listed(table, rows))
        elif not table.inside:
            blocks += [_block(row, section, record) for row in rows]
    if section.code == "outcomes" and (scores := outcomes(record)).lines:
        lists.append(scores)
    return {"section": section, "blocks": blocks, "lists": lists}


def _block(row: Row, section: Section, record: Record) -> dict[str, Any]:
    inside = []
    for table in section.tables:
        if table.inside:
            own = [each for each in record.rows[table] if _is_inside(each, row)]
            inside += [listed(table, own)] if own else []
    if row.changes:
        inside.append(_changes(row))
    signatures = [
        (cell.label, cell.data)
        for cell in row.cells
        if cell.name in ("strokes", "assent_strokes") and cell.data
    ]
    return {
        "ref": row.ref,
        "title": row.title,
        "cells": [each for each in row.cells if each.words and each.name not in _ONLY_DATA],
        "signatures": signatures,
        "photo": row.file,
        "inside": inside,
    }


def _is_inside(row: Row, other: Row) -> bool:
    """Whether the row is shown with the other, by the key that its table is shown by."""
    key = row.table.model._meta.get_field(row.table.inside)
    return key.related_model is other.table.model and getattr(row.model, key.attname) == other.model.pk


def listed(table: Table, rows: Iterable[Row]) -> Listed:
    """The columns in which any of the rows says something."""
    kept = list(rows)
    names = [
        (cell.name, cell.label)
        for index, cell in enumerate(kept[0].cells)
        if cell.name not in {table.inside, *_ONLY_DATA} and any(row.cells[index].words for row in kept)
    ]
    lines = [[_words(row, name) for name, _label in names] for row in kept]
    return Listed(
        capfirst(str(table.model._meta.verbose_name_plural)), [label for _name, label in names], lines
    )


def outcomes(record: Record) -> Listed:
    """Every score that was taken, scale by scale, the earliest first."""
    found = []
    for model, of, moment in ((SessionScore, "session", "started_at"), (ReviewScore, "review", "created_at")):
        for row in record.of(model):
            at = getattr(getattr(row.model, of), moment)
            where = _words(row, "moment") if of == "session" else _words(row, "landmark")
            value = _words(row, "value") or _words(row, "not_taken_reason")
            found.append(((_words(row, "scale"), at), [moment_in_words(at), _words(row, of), where, value]))
    heads = [_("Scale"), _("When"), _("Where it was taken"), _("Which"), _("Score")]
    lines = [[scale, *said] for (scale, _at), said in sorted(found, key=lambda each: each[0])]
    kept = [index for index in range(len(heads)) if any(line[index] for line in lines)]
    return Listed(_("All scores"), [heads[i] for i in kept], [[line[i] for i in kept] for line in lines])


def _changes(row: Row) -> Listed:
    lines = [[moment_in_words(each.at), each.words, moment_in_words(each.starts_at)] for each in row.changes]
    return Listed(_("Changes of the visit"), [_("When"), _("State"), _("Planned for")], lines)


def _words(row: Row, name: str) -> str:
    return next((each.words for each in row.cells if each.name == name), "")
