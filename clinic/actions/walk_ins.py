"""Walk-ins: patients at the counter without an appointment."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from clinic.actions import visits
from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Appointment, User, WalkIn
from clinic.rules import access


@explained
def note(*, patient_id: UUID, wants: str, by: User, at: datetime) -> WalkIn:
    """A patient stands at the counter without an appointment; holds no time until placed."""
    access.check_may_book(by)
    return WalkIn.objects.create(patient_id=patient_id, wants=wants, came_at=at, noted_by=by)


@explained
def place(*, walk_in: WalkIn, appointment: Appointment, by: User, at: datetime) -> Appointment:
    """The walk-in got a time: their appointment is booked, and they have arrived."""
    access.check_may_book(by)
    row = _still_waiting(walk_in)
    row.appointment = appointment
    row.save(update_fields=["appointment"])
    return visits.arrive(appointment=appointment, by=by, at=at)


@explained
def leave(*, walk_in: WalkIn, by: User, at: datetime) -> WalkIn:
    """The walk-in went home without being placed."""
    access.check_may_book(by)
    row = _still_waiting(walk_in)
    row.left_at, row.left_noted_by = at, by
    row.save(update_fields=["left_at", "left_noted_by"])
    return row


def _still_waiting(walk_in: WalkIn) -> WalkIn:
    """Its row, locked. Raises DomainError once the patient got a time or left."""
    row = WalkIn.objects.select_for_update(no_key=True).get(pk=walk_in.pk)
    if row.appointment_id or row.left_at:
        raise DomainError(_("This walk-in has been dealt with already."), "walk_in_closed")
    return row
