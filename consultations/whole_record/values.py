"""What stands in a column: as data, with codes, units and moments with their offset, and in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Field, Model
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import Role
from clinic.models import AppointmentType, Practitioner, RecordOpened, User
from consultations import record_pages
from consultations.dates import in_words
from consultations.models import Leaflet, LeafletHandout, Lot
from consultations.models.reference import Versioned

# The unit of a figure stands in its column's name, or beside it in the row.
_ENDINGS = {"_ml": "ml", "ml_per_point": "ml", "_mm": "mm", "_kg": "kg", "_cm2": "cm²"}
_OF_THE_ROW = {"amount": "{unit}", "cap_amount": "{unit}", "strength": "{unit}/ml"}
_OF_THE_SCALE = {"value", "baseline", "target"}


@dataclass(frozen=True, slots=True)
class Said:
    """One column of one row: `data` as it stands in record.json, `words` as they stand on the page; empty: nothing."""

    name: str
    label: str
    data: Any
    words: str


class Staff:
    """What the file says of members of staff: the names of practitioners, who answer for what they do; of others the role."""

    def __init__(self) -> None:
        self._practitioners = dict(Practitioner.objects.exclude(user=None).values_list("user", "name"))
        self._roles = dict(User.objects.values_list("pk", "roles"))

    def data(self, user: UUID) -> dict[str, Any]:
        """As data."""
        return {"role": self._role(user), "practitioner": self._practitioners.get(user)}

    def words(self, user: UUID) -> str:
        """In words."""
        return self._practitioners.get(user) or self.role(user)

    def role(self, user: UUID) -> str:
        """Only as what the person works here."""
        role = self._role(user)
        return str(Role(role).label) if role else _("somebody who has left")

    def _role(self, user: UUID) -> str | None:
        roles = self._roles.get(user) or []
        return next((role for role in Role.values[::-1] if role in roles and role != Role.ADMIN), None) or (
            roles[0] if roles else None
        )


def unit_of(field: Field, row: Model) -> str:
    """The unit of a figure in this row; empty for a score without one.

    Raises:
        LookupError: nothing says which.
    """
    if field.name in _OF_THE_ROW:
        return _OF_THE_ROW[field.name].format(unit=row.unit)  # type: ignore[attr-defined]
    if field.name in _OF_THE_SCALE:
        return row.scale.unit  # type: ignore[attr-defined]
    for ending, unit in _ENDINGS.items():
        if field.name.endswith(ending):
            return unit
    raise LookupError(f"{field.model.__name__}.{field.name} has no unit")


def plain(field: Field, row: Model) -> tuple[Any, str]:
    """A column that is no key: as data and in words."""
    value = getattr(row, field.attname)
    if value is None or value == "" or value == []:
        return value, ""
    if field.choices:
        return value, str(getattr(row, f"get_{field.name}_display")())
    if isinstance(value, Decimal):
        unit = unit_of(field, row)
        return {"value": format(value, "f"), "unit": unit}, f"{value.normalize():f} {unit}".strip()
    if isinstance(row, RecordOpened) and field.name == "page":
        return value, record_pages.in_words(value)
    return data(value), spoken(value)


def label_of(column: Field) -> str:
    """The column's name for people."""
    words = str(column.verbose_name)
    if column.name.startswith("discussed_"):
        return _("Discussed: %(what)s") % {"what": words}
    return capfirst(words)


def data(value: Any) -> Any:
    """A value as JSON has it; moments on the clinic's clock, with their offset."""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [data(each) for each in value]
    return value


def spoken(value: Any) -> str:
    """A value as a reader has it; of several, one in a line."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return moment_in_words(value)
    if isinstance(value, date):
        return in_words(value)
    if isinstance(value, time):
        return time_format(value, "H:i")
    if isinstance(value, list):
        return "\n".join(": ".join(map(spoken, each)) if _is_pair(each) else spoken(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(spoken(each) for each in value.values() if each not in (None, ""))
    return _moment_or_text(str(value))


def _is_pair(value: Any) -> bool:
    """What to leave alone, and until when."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _moment_or_text(text: str) -> str:
    """Lists kept as text hold moments too (aftercare: until when)."""
    if len(text) < len("2026-01-01T00:00") or text[10:11] != "T":
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment_in_words(moment) if moment.tzinfo else date_format(moment)


def entry(thing: Model, *, of: type[Model]) -> tuple[Any, str]:
    """What a row of a table names outside the record (an indication, a lot, a room): as data and in words."""
    if isinstance(thing, Lot):
        said = {
            "component": thing.component.code,
            "maker": thing.maker,
            "number": thing.number,
            "expires_on": data(thing.expires_on),
            "recalled_at": data(thing.recalled_at),
        }
        words = _("%(component)s, lot %(number)s, %(maker)s, to be used by %(day)s")
        return said, words % {
            "component": thing.component,
            "number": thing.number,
            "maker": thing.maker,
            "day": in_words(thing.expires_on),
        }
    if isinstance(thing, Versioned):
        said = {"code": thing.code, "version": thing.version, "name": thing.name}
        words = _("%(name)s (version %(version)s)") % said
        if isinstance(thing, Leaflet) and of is LeafletHandout:
            return said | {"text": thing.body}, f"{words}\n{thing.body}"
        return said, words
    if isinstance(thing, AppointmentType):
        return {"code": thing.code, "name": thing.name}, thing.name
    return {"name": str(thing)}, str(thing)
