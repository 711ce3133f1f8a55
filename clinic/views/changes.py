"""What somebody else did to a visit since a page was opened, read from the visit's history."""

from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import AppointmentStatus
from clinic.models import Appointment


class Change(NamedTuple):
    """One thing that is different now."""

    label: str
    before: str
    now: str


def changes_since(visit: Appointment, version: int) -> list[Change]:
    """Status, time, practitioner, room and note, as far as they differ from that version of the visit."""
    history = visit.events.filter(version=version).select_related("practitioner", "room")
    old: Any = history.order_by("-pgh_id").first()
    if old is None:
        return []
    pairs = [
        (_("Status"), _status(old.status), _status(visit.status)),
        (_("Time"), moment_of(old), moment_of(visit)),
        (_("Practitioner"), str(old.practitioner), str(visit.practitioner)),
        (_("Room"), str(old.room), str(visit.room)),
        (_("Note"), old.note, visit.note),
    ]
    return [Change(label, before, now) for label, before, now in pairs if before != now]


def _status(status: str) -> str:
    return str(AppointmentStatus(status).label)


def moment_of(visit: Any) -> str:
    """When the visit (or a past version of it) begins, as the pages write it."""
    return moment_in_words(visit.starts_at)
