"""What a patient has to be told when the clinic changes a visit, in words that hold no finding; and when it is done."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import CancelledBy
from clinic.errors import Stale
from clinic.models import Appointment, ContactEntry, Practitioner


def check_open(entry: ContactEntry) -> None:
    """Somebody still has to call.

    Raises:
        Stale: contact_closed.
    """
    if not entry.is_open:
        raise Stale(
            _("Somebody else has closed this entry already. Look at the list again."), "contact_closed"
        )


def check_said(entry: ContactEntry, said: str) -> None:
    """What the patient was told is still so; nothing said is nothing wrong. Line ends may differ: a browser changes them.

    Raises:
        Stale: contact_changed.
    """
    if said and said.split() != entry.text.split():
        raise Stale(
            _("What this patient has to be told has changed meanwhile. Read it again, and call once more."),
            "contact_changed",
        )


def patient_asked(cancelled_by: CancelledBy) -> bool:
    """Whether the patient knows, because they called the visit off themselves."""
    return cancelled_by == CancelledBy.PATIENT


def matters_to_patient(visit: Appointment, *, was_at: datetime, was_with: Practitioner) -> bool:
    """Whether the patient would come at the wrong time, or meet somebody they do not expect. A room is shown on the day."""
    return (visit.starts_at, visit.practitioner_id) != (was_at, was_with.pk)


def moved_text(visit: Appointment, *, was_at: datetime) -> str:
    """What to say about a visit that was moved; `was_at` is the time the patient knows."""
    words = {"type": visit.type, "who": visit.practitioner, "now": moment_in_words(visit.starts_at)}
    if was_at == visit.starts_at:
        return _("“%(type)s” on %(now)s is with %(who)s now.") % words
    return _("“%(type)s” has moved from %(was)s to %(now)s, with %(who)s.") % {
        **words,
        "was": moment_in_words(was_at),
    }


def cancelled_text(visit: Appointment, *, was_at: datetime) -> str:
    """What to say about a visit that does not take place."""
    return _("“%(type)s” on %(was)s does not take place. Offer another time.") % {
        "type": visit.type,
        "was": moment_in_words(was_at),
    }


def again_text(visit: Appointment) -> str:
    """What to say when a visit that was called off is on the books again."""
    return _("“%(type)s” on %(now)s, with %(who)s, takes place after all.") % {
        "type": visit.type,
        "who": visit.practitioner,
        "now": moment_in_words(visit.starts_at),
    }
