"""A session's page filled in from the session before: the same zones and technique, today's lots."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consultations.dates import in_words
from consultations.forms.places import PlacesField
from consultations.forms.session_lots import LotsField
from consultations.forms.sessions import SessionForm
from consultations.forms.zones import MOST_ROWS, ZoneForm
from consultations.models import BodyZone, Session, SessionZone


@dataclass(frozen=True, slots=True)
class Repeat:
    """What the browser would send had somebody typed it all again, and what to say about it."""

    data: QueryDict
    title: str
    words: tuple[str, ...]


def repeat(last: Session, typed: QueryDict, *, form: SessionForm, zones: Mapping[str, BodyZone]) -> Repeat:
    """Zones and technique as they were last time, over what is typed; everything else stays as it is typed.

    Lots, weight, scores, reactions and the outcome belong to their day: they are not repeated.
    """
    data = typed.copy()
    current = {zone.code: key for key, zone in zones.items() if zone.retired_at is None}
    rows = [row for row in last.zones.all() if row.zone.code in current][:MOST_ROWS]
    data["zone_rows"] = str(max(len(rows), 1))
    for index, row in enumerate(rows):
        data[f"zone{index}-zone"] = current[row.zone.code]
        for name, value in _figures(row):
            data[f"zone{index}-{name}"] = value
    for name in form.technique_names:
        value = getattr(last, name)
        data[name] = str(value.pk) if hasattr(value, "pk") else _plain(value)
    said = {"number": last.planned.ordinal, "day": in_words(last.started_at)}
    gone = [row.zone.name for row in last.zones.all() if row.zone.code not in current]
    return Repeat(
        data,
        _("As in session %(number)s of %(day)s. Check every figure before you save.") % said,
        tuple(_words(last, rows, gone, form)),
    )


def _figures(row: SessionZone) -> Iterable[tuple[str, str]]:
    """The fields of one row; a volume that follows from the points is left to follow from them."""
    for name in ZoneForm.base_fields:
        if name != "zone":
            computed = name == "volume_ml" and row.points * row.ml_per_point == row.volume_ml
            yield name, "" if computed else _plain(getattr(row, name))


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return PlacesField().prepare_value(value)
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _words(last: Session, rows: list[SessionZone], gone: list[str], form: SessionForm) -> Iterable[str]:
    points, volume = sum(row.points for row in rows), sum((row.volume_ml for row in rows), Decimal(0))
    yield ngettext(
        "%(count)s zone, %(points)s points, %(volume)s ml.",
        "%(count)s zones, %(points)s points, %(volume)s ml.",
        len(rows),
    ) % {"count": len(rows), "points": points, "volume": _plain(volume)}
    if gone:
        yield _("Not offered any more and left out: %(zones)s.") % {"zones": ", ".join(gone)}
    used = list(last.used_lots.all())
    for name, field in form.fields.items():
        if isinstance(field, LotsField):
            before = {each.lot.number for each in used if f"lot_{each.lot.component.code}" == name}
            chosen = form[name].value() or []
            now = {lot.number for lot in field.lots(chosen)}
            if before != now:
                yield _("%(component)s: lot %(now)s; last time %(before)s.") % {
                    "component": field.label,
                    "now": ", ".join(sorted(now)) or _("still to be chosen"),
                    "before": ", ".join(sorted(before)) or _("none"),
                }
    yield _("Weight, scores, reactions and how it ended are today's: they are not repeated.")
