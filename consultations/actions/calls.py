"""The desk is asked to call a patient about the pathway: in words that anybody at the desk may read, without a finding."""

from datetime import datetime

from django.utils.translation import gettext_lazy

from clinic.actions import contacts
from clinic.enums import ContactReason
from clinic.models import ContactEntry, Patient, Practitioner, User

_WORDS = {
    ContactReason.TREATMENT: gettext_lazy(
        "Please call: %(who)s wants to speak to you before the next visit."
    ),
    ContactReason.FOLLOW_UP: gettext_lazy(
        "Please call: %(who)s would like to know how it has been since the last visit."
    ),
    ContactReason.POSITIVE_TEST: gettext_lazy(
        "Please call: %(who)s wants to speak to you about your test visits."
    ),
    ContactReason.OVERDUE_READING: gettext_lazy(
        "Please call: the reading of your test is overdue, and %(who)s wants to see you."
    ),
    ContactReason.RECALL: gettext_lazy(
        "Please call: %(who)s wants to speak to you about what was used at one of your visits."
    ),
}


def ask(
    *,
    patient: Patient,
    reason: ContactReason,
    by: User,
    at: datetime,
    who: Practitioner | str | None = None,
) -> ContactEntry:
    """Put the patient on the contact list. `who` wants to speak to them: the practitioner who asks, unless it is said.

    Raises:
        NotAllowed: reception and practitioners only.
    """
    named = who or getattr(by, "practitioner", None) or by
    words = str(_WORDS[reason]) % {"who": named}
    return contacts.ask(patient=patient, reason=reason, text=words, by=by, at=at)
