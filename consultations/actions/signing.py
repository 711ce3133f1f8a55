"""The seal under a signed record: a hash over its own fields and its child rows, so that a change can be seen."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

_NOT_SEALED = {"content_hash", "version"}
# Columns younger than the first seals of their model: left out while they are empty, so that a seal from before still fits its record.
_ADDED_LATER = {
    "PatchTest": {"arm", "antihistamine_last_on", "steroid_last_on", "search_id"},
    "TestReading": {"saline_wheal_mm", "computed", "stricter_reason"},
    "Session": {"spacing_mm", "line_length_mm", "unusual_reason"},
    "SessionZone": {"area_cm2", "places"},
    "SessionLot": {"in_quarantine"},
    "Consent": {
        "identity_seen",
        "interpreter_name",
        "strokes",
        "assent_name",
        "assent_missing",
        "assent_strokes",
    },
    "ContraindicationAnswer": {"event_on", "event_unknown"},
    "AdverseEvent": {"report_id", "follow_up_id"},
}
_EMPTY: tuple[object, ...] = (None, "", [])


def content_hash(record: models.Model, *children: Iterable[models.Model]) -> str:
    """SHA-256 over the canonical JSON of the record and its child rows in the order of their keys."""
    content = [_fields(record)]
    content += [[_fields(row) for row in sorted(rows, key=lambda row: str(row.pk))] for rows in children]
    canonical = json.dumps(content, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def added_later(model: type[models.Model]) -> set[str]:
    """The model's columns that are left out of a seal while they are empty; another model's of the same name are not."""
    return _ADDED_LATER.get(model.__name__, set())


def _fields(record: models.Model) -> Any:
    younger = added_later(type(record))
    return {
        field.attname: _plain(getattr(record, field.attname))
        for field in record._meta.concrete_fields
        if field.attname not in _NOT_SEALED
        and not (field.attname in younger and _is_empty(getattr(record, field.attname)))
    }


def _is_empty(value: Any) -> bool:
    """Nothing said; a zero is something (and equals False, which is not)."""
    return value is False or value in _EMPTY


def _plain(value: Any) -> Any:
    """Decimals without trailing zeros and moments in UTC: the hash is the same before and after the database saw them."""
    if hasattr(value, "normalize"):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return value
