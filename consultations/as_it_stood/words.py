"""What a row said, field by field, in the words of its page."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic.models import Device, Practitioner, Room, User
from consultations.models import Lot
from consultations.models.reference import Versioned

# Keys, seals and drawings; and what stands in an entry's head.
_LEFT_OUT = {
    "id",
    "patient",
    "version",
    "content_hash",
    "created_at",
    "created_by",
    "signed_at",
    "signed_by",
    "practitioner",
    "strokes",
    "assent_strokes",
    "places",
    "colour",
}
_NAMED = (Versioned, Practitioner, User, Device, Room, Lot)


def facts(model: type[models.Model], row: Any) -> list[dict[str, str]]:
    """Label and value of every field that said something."""
    return [
        {"label": capfirst(str(field.verbose_name)), "value": said}
        for field in told(model, row)
        if (said := value_said(field, row))
    ]


def line(model: type[models.Model], row: Any) -> str:
    """A part of a record on one line: what it names first, then the rest with its labels."""
    named, rest = [], []
    for field in told(model, row):
        said = value_said(field, row)
        if said:
            whole = named if field.is_relation else rest
            whole.append(said if field.is_relation else f"{field.verbose_name}: {said}")
    return " · ".join([*named, *rest])


def told(model: type[models.Model], row: Any) -> Iterator[models.Field]:
    """The fields that say something to a person and that `row` has."""
    kept = {field.name for field in row._meta.fields}
    for field in model._meta.fields:
        named = not field.is_relation or issubclass(field.related_model, _NAMED)
        if named and field.name in kept - _LEFT_OUT and not field.generated and not field.primary_key:
            yield field


def named_by(model: type[models.Model]) -> list[str]:
    """The relations to follow so that reading `facts` of many rows asks the database once."""
    found = []
    for field in model._meta.fields:
        if field.is_relation and field.name not in _LEFT_OUT and issubclass(field.related_model, _NAMED):
            found.append(f"{field.name}__component" if field.related_model is Lot else field.name)
    return found


def value_said(field: models.Field, row: Any) -> str:
    """One value; empty where nothing was said."""
    value = getattr(row, field.name)
    if value in (None, "", []):
        return ""
    if isinstance(value, Lot):
        return lot_said(value)
    if field.flatchoices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment_said(value)
    if isinstance(value, date):
        return date_format(value, pgettext("date format", "D j M Y"))
    if isinstance(value, Decimal):
        return localize(value.normalize())  # 20 mg, not 20.0000
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def lot_said(lot: Lot) -> str:
    """What identifies a lot: component, maker, number, last day of use."""
    day = date_format(lot.expires_on, pgettext("date format", "j M Y"))
    return _("%(what)s, lot %(number)s of %(maker)s, use by %(day)s") % {
        "what": lot.component,
        "number": lot.number,
        "maker": lot.maker,
        "day": day,
    }


def moment_said(value: datetime) -> str:
    """Day and time on the clinic's clock."""
    return date_format(timezone.localtime(value), pgettext("date format", "D j M Y, H:i"))
