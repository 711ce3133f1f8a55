"""A trace as a sheet: whom to call, what was done when, and how far the calls have come."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Patient, User
from consultations.rules.recalls import state_of
from consultations.tracing import Trace, calls_of, records, used_at

_AT_ONCE = 500  # rows read together, so that years of sessions are never held in memory


def sheet(trace: Trace, *, user: User, at: datetime) -> Iterator[list[Any]]:
    """One row for each test and session that it was part of, and for each session planned with it."""
    yield [
        _("Clinic number"),
        _("Patient"),
        _("Phone"),
        _("E-mail"),
        _("Used in"),
        _("When"),
        _("Practitioner"),
        _("Room"),
        _("Call"),
    ]
    uses, start = trace.uses(user), 0
    while rows := list(uses[start : start + _AT_ONCE]):
        start += _AT_ONCE
        found = records(rows)
        calls = calls_of(trace, {each.patient for each in found})
        for use in found:
            said = state_of(calls.get(use.patient.merged_into_id or use.patient_id)).words
            kind, room = str(use._meta.verbose_name), use.appointment.room if use.appointment else ""
            yield [*_whom(use.patient), kind, _clock(used_at(use)), str(use.practitioner), str(room), said]
    for planned in trace.to_come(user=user, at=at).select_related(
        "appointment__practitioner", "appointment__room"
    ):
        visit = planned.appointment
        assert visit is not None  # `Trace.to_come()` has those on the books alone
        who, room = str(visit.practitioner), str(visit.room)
        yield [*_whom(visit.patient), _("session to come"), _clock(visit.starts_at), who, room, ""]


def _whom(patient: Patient) -> list[Any]:
    return [patient.number, patient.name, patient.phone, patient.email]


def _clock(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}"
