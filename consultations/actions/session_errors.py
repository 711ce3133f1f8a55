"""What a session entered in error takes with it, inside the confirmation of the second person."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions import contacts
from clinic.enums import ContactReason
from clinic.models import User
from consultations.actions import event_errors
from consultations.models import EnteredInError, Session
from consultations.rules.session_errors import gone_with
from consultations.worklists.follow_ups import due


def close_with(*, session: Session, entry: EnteredInError, by: User, at: datetime) -> None:
    """The events that its reactions made become errors with it, by the same two people and for its reason; nobody calls
    about it any more. An event that `by` has called an error waits for somebody else, as it did."""
    reason = _("The session behind it was entered in error: %(reason)s") % {"reason": entry.reason}
    for event in gone_with(session).events:
        called, _new = EnteredInError.objects.get_or_create(
            adverse_event=event,
            defaults={"reason": reason[:1000], "requested_by_id": entry.requested_by_id, "requested_at": at},
        )
        if called.requested_by_id == by.pk:
            continue
        called.confirmed_by, called.confirmed_at = by, at
        called.save()
        event_errors.undo(event=event, by=by, at=at)
    if not due(at=at).where(patient=session.patient_id).exists():
        contacts.settle(
            patient_id=session.patient_id,
            reason=ContactReason.FOLLOW_UP,
            why=_("The session was entered in error."),
            by=by,
            at=at,
        )
