"""The rows of one patient's record, read once: the page and the data are made of the same reading.

What is read is text, some hundred kilobytes for a patient of many years; photographs are not among it (see archive).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.apps import apps
from django.db.models import Field, Model
from django.utils import timezone
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.db import joined
from clinic.enums import AppointmentStatus
from clinic.models import Appointment, Patient, RecordOpened, User
from consultations.models import Photo
from consultations.whole_record import values
from consultations.whole_record.tables import TABLES, Table, of_patients, whose
from consultations.whole_record.values import Said, Staff


@dataclass(frozen=True, slots=True)
class Change:
    """A visit as it stood from this moment on."""

    at: datetime
    status: str
    starts_at: datetime

    @property
    def words(self) -> str:
        """The state it came to."""
        return str(AppointmentStatus(self.status).label)


@dataclass(slots=True)
class Row:
    """One row: its name in the file, its columns, and for a visit its changes, for a photograph its file."""

    table: Table
    number: int
    model: Model
    cells: list[Said] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    file: str = ""

    @property
    def ref(self) -> str:
        """By which other rows name it."""
        return f"{self.table.code}-{self.number}"

    @property
    def title(self) -> str:
        """What it is and when; never its text, never a name."""
        words = capfirst(str(self.table.model._meta.verbose_name))
        moment = getattr(self.model, self.table.order)
        if isinstance(moment, datetime):
            return f"{words} {self.number}, {moment_in_words(moment)}"
        return words if self.table.model is Patient else f"{words} {self.number}"


Rows = dict[Table, list[Row]]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything of one patient."""

    patient: Patient
    rows: Rows
    read_at: datetime

    def photos(self) -> Iterator[Row]:
        """Photographs whose file goes along."""
        return (row for row in self.of(Photo) if row.file)

    def of(self, model: type[Model]) -> list[Row]:
        """The rows of one table."""
        return next(rows for table, rows in self.rows.items() if table.model is model)


def read(patient: Patient, *, at: datetime) -> Record:
    """The record, and what was written into others that were merged into it; one query for each table.

    What is written meanwhile may be in it or not; a key to a row that is not in it stays empty.
    """
    patients = _merged(patient)
    rows = {table: _rows_of(table, patients) for table in TABLES}
    refs = {(row.table.model, row.model.pk): row for each in rows.values() for row in each}
    staff = Staff()
    for table, each in rows.items():
        columns = list(table.columns())
        for row in each:
            row.cells = [_said(column, row.model, refs, staff) for column in columns]
    record = Record(patient, rows, at)
    _add_changes(record)
    _add_files(record)
    return record


def _merged(patient: Patient) -> list[Patient]:
    found, last = [patient], [patient]
    while last := list(Patient.objects.filter(merged_into__in=last).exclude(pk__in=[p.pk for p in found])):
        found += last
    return found


def _rows_of(table: Table, patients: Iterable[Patient]) -> list[Row]:
    outside = [each.name for each in table.columns() if _is_outside(each)]
    deeper = [f"{name}__component" for name in outside if name == "lot"]
    found = table.model._default_manager.filter(whose(table.model, patients))
    found = joined(found, outside + deeper).order_by(table.order, "pk")
    return [Row(table, number, model) for number, model in enumerate(found, start=1)]


def _is_outside(column: Field) -> bool:
    """A key to something that is no part of the record, and no member of staff."""
    inside = {*of_patients(), User}
    return bool(column.many_to_one or column.one_to_one) and column.related_model not in inside


def _said(column: Field, row: Model, refs: dict[Any, Row], staff: Staff) -> Said:
    say = partial(Said, column.name, values.label_of(column))
    if column.many_to_many:
        names = [str(each) for each in getattr(row, column.name).all()]
        return say(names, ", ".join(names))
    if not column.is_relation:
        return say(*values.plain(column, row))
    key = getattr(row, column.attname)
    if key is None:
        return say(None, "")
    if column.related_model is User:
        words = staff.role(key) if isinstance(row, RecordOpened) else staff.words(key)
        return say(
            {"role": staff.data(key)["role"]} if isinstance(row, RecordOpened) else staff.data(key), words
        )
    if column.related_model in of_patients():
        named = refs.get((column.related_model, key))
        return say({"ref": named.ref}, named.title) if named else say(None, "")
    return say(*values.entry(getattr(row, column.name), of=type(row)))


def _add_changes(record: Record) -> None:
    """From the history: each state and each time that a visit came to."""
    visits = {row.model.pk: row for row in record.of(Appointment)}
    events = apps.get_model("clinic", "AppointmentEvent")._default_manager.filter(pgh_obj__in=visits)
    wanted = ("pgh_obj", "pgh_created_at", "status", "starts_at")
    for key, *change in events.order_by("pgh_id").values_list(*wanted):
        changes, found = visits[key].changes, Change(*change)
        if not changes or (changes[-1].status, changes[-1].starts_at) != (found.status, found.starts_at):
            changes.append(found)


def _add_files(record: Record) -> None:
    """Names say the view and the day. One that was called an error does not go along: it may show somebody else."""
    called = {row.model.photo_id for row in _removals(record)}  # type: ignore[attr-defined]
    seen: dict[str, int] = defaultdict(int)
    for row in record.of(Photo):
        photo = row.model
        assert isinstance(photo, Photo)
        if photo.pk in called:
            row.cells = [
                each for each in row.cells if each.name in ("taken_at", "recorded_at", "recorded_by")
            ]
            row.cells.append(Said("left_out", _("Not in this file"), True, _("It was called an error.")))
            continue
        name = f"{timezone.localdate(photo.taken_at):%Y-%m-%d}-{slugify(photo.view.code)}-{photo.moment}"
        seen[name] += 1
        row.file = f"photos/{name}-{seen[name]}.jpg"


def _removals(record: Record) -> list[Row]:
    return next(rows for table, rows in record.rows.items() if table.code == "photo_removal")
