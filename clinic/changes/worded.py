"""Puts events into words: who, which row, and each field from what to what, as far as the reader may know it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format, localize
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from clinic.changes.found import Event, Wanted, fields_of, find
from clinic.models import Patient, User

# Say nothing to a person: counters, and the marks of requests, contents and planned sessions.
_TECHNICAL = {"version", "request_id", "content_hash", "digest", "purpose"}
_LABELS = {
    "insert": gettext_lazy("added"),
    "update": gettext_lazy("changed"),
    "delete": gettext_lazy("removed"),
}
# What a row is called where its values may be read.
_CALLED = ("name", "code", "username", "prompt", "label")
_NOTHING = "–"
_LONGEST = 300  # characters of one value
_Names = dict[type[models.Model], dict[Any, models.Model]]


@dataclass(frozen=True, slots=True)
class Detail:
    """One field: its name, and its value before and after; both empty where the reader may know the name only."""

    label: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one row."""

    at: datetime
    action: str
    is_new: bool
    what: str
    table: str
    key: str
    called: str
    patient: Patient | None
    who: User | None
    by_a_page: bool
    shows_values: bool
    details: list[Detail]


def changes(wanted: Wanted, *, reader: User, hides_names: bool, offset: int, limit: int) -> list[Change]:
    """The changes wanted, newest first, as `reader` may know them.

    Nobody learns a clinical finding here: of clinical rows the names of the fields are told, not their values. While names
    are hidden on the screen, neither are the values of rows about patients.
    """
    events = find(wanted, offset=offset, limit=limit)
    shown = [
        may_read_values(each.model, reader) and not (hides_names and _is_about_a_patient(each))
        for each in events
    ]
    names = _names(events, shown)
    return [_change(event, values, names) for event, values in zip(events, shown, strict=True)]


def may_read_values(model: type[models.Model], reader: User) -> bool:
    """What the admin's own pages show, and rows of the desk that are visible to the reader. Everything else is closed."""
    if admin.site.is_registered(model):
        return True
    manager = model._default_manager
    if model._meta.app_label != Patient._meta.app_label or not hasattr(manager, "visible_to"):
        return False
    return not manager.visible_to(reader).query.is_empty()


def _change(event: Event, shows_values: bool, names: _Names) -> Change:
    after, before = event.after, event.before
    if event.label == "delete":
        after, before = {}, event.after
    user = (event.context or {}).get("user")
    row = event.after
    return Change(
        at=event.at,
        action=str(_LABELS.get(event.label, event.label)),
        is_new=event.label == "insert",
        what=capfirst(str(event.model._meta.verbose_name)),
        table=event.model._meta.db_table,
        key=event.key,
        called=next((str(row[name]) for name in _CALLED if row.get(name)), "") if shows_values else "",
        patient=names.get(Patient, {}).get(_patient_of(event)),
        who=names.get(User, {}).get(user),
        by_a_page=event.context is not None,
        shows_values=shows_values,
        details=list(_details(event.model, before or {}, after, names if shows_values else None)),
    )


def _details(
    model: type[models.Model], before: dict[str, Any], after: dict[str, Any], names: _Names | None
) -> Iterator[Detail]:
    """The fields that changed. Without `names` their values are not told."""
    for field in fields_of(model):
        old, new = before.get(field.column), after.get(field.column)
        if field.name in _TECHNICAL or (old or None) == (new or None):
            continue
        label = capfirst(str(field.verbose_name))
        yield (
            Detail(label)
            if names is None
            else Detail(label, _said(field, old, names), _said(field, new, names))
        )


def _said(field: models.Field, value: Any, names: _Names) -> str:
    """The value as a person says it."""
    if value in (None, "", []):
        return _NOTHING
    if field.is_relation:
        found = names.get(field.related_model, {}).get(str(value))
        return str(found) if found else _("another entry")
    if isinstance(field, ArrayField):
        return ", ".join(_said(field.base_field, each, names) for each in value)
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(field, models.DateField):  # of a day, or of a moment
        return _time_said(
            parse_datetime(value) if isinstance(field, models.DateTimeField) else parse_date(value)
        )
    if isinstance(value, Decimal):
        return localize(value.normalize())  # 20 mg, not 20.0000
    text = (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    )
    return Truncator(text).chars(_LONGEST)


def _time_said(value: datetime | date | None) -> str:
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), pgettext("date format", "D j M Y, H:i"))
    return date_format(value, pgettext("date format", "D j M Y")) if value else _NOTHING


def _names(events: Iterable[Event], shown: Iterable[bool]) -> _Names:
    """The people and things that the page names, one query for each kind of them. Only what has a name of its own."""
    wanted: dict[type[models.Model], set[Any]] = {}
    for event, values in zip(events, shown, strict=True):
        if key := _patient_of(event):
            wanted.setdefault(Patient, set()).add(key)
        if key := (event.context or {}).get("user"):
            wanted.setdefault(User, set()).add(key)
        for field in fields_of(event.model) if values else ():
            if field.is_relation and _has_a_name(field.related_model):
                keys = {
                    row[field.column] for row in (event.before or {}, event.after) if row.get(field.column)
                }
                wanted.setdefault(field.related_model, set()).update(keys)
    return {
        model: {str(row.pk): row for row in model._default_manager.filter(pk__in=keys)}
        for model, keys in wanted.items()
        if keys
    }


def _has_a_name(model: type[models.Model]) -> bool:
    return model in (Patient, User) or any(field.name == "name" for field in model._meta.fields)


def _patient_of(event: Event) -> str | None:
    return event.key if event.model is Patient else event.after.get("patient_id")


def _is_about_a_patient(event: Event) -> bool:
    return _patient_of(event) is not None
