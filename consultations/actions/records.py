"""What can still happen to records: taken over as drafts; once signed, added to or called an error."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import User
from consultations.actions import event_errors, session_errors
from consultations.actions.visits import hold_still, resettle
from consultations.models import (
    Addendum,
    AdverseEvent,
    Consent,
    Consultation,
    ConsultationConfirmation,
    EnteredInError,
    LeafletHandout,
    PatchTest,
    Review,
    Session,
    TestReading,
)
from consultations.rules import authorship
from consultations.rules.event_errors import check_last_word

Draft = Consultation | Session | Review
Signed = Consultation | PatchTest | Session | Review | AdverseEvent
Removable = (
    Consultation
    | Consent
    | PatchTest
    | TestReading
    | Session
    | Review
    | AdverseEvent
    | ConsultationConfirmation
    | LeafletHandout
)

_NAMES: dict[type, str] = {
    Consultation: "consultation",
    Consent: "consent",
    PatchTest: "patch_test",
    TestReading: "reading",
    Session: "session",
    Review: "review",
    AdverseEvent: "adverse_event",
    ConsultationConfirmation: "confirmation",
    LeafletHandout: "leaflet_handout",
}


@explained
def take_over(*, record: Draft, by: User, at: datetime) -> Draft:
    """A covering colleague becomes the author of a draft, by name; history keeps who it was before.

    Raises:
        DomainError: signed, or one's own already.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(record.patient_id)
    row = type(record).objects.get(pk=record.pk)
    if row.is_signed:
        raise DomainError(_("This record is signed. Add an addendum instead."), "signed")
    if row.practitioner_id == practitioner.pk:
        raise DomainError(_("You are writing this record already."), "own_draft")
    row.practitioner = practitioner
    row.version += 1
    row.save()
    return row


@explained
def add(*, record: Signed, text: str, by: User, at: datetime) -> Addendum:
    """Add to a signed record.

    Raises:
        DomainError: not signed yet, or nothing written.
    """
    authorship.check_may_record(by)
    if not record.is_signed:
        raise DomainError(_("This record is not signed yet; write into it."), "not_signed")
    if not text.strip():
        raise DomainError(_("Write what you want to add."), "text_missing", field="text")
    return Addendum.objects.create(**{_NAMES[type(record)]: record}, text=text, written_at=at, written_by=by)


@explained
def call_error(*, record: Removable, reason: str, by: User, at: datetime) -> EnteredInError:
    """This record should not exist. What cleared stops clearing at once; a second person confirms.

    Raises:
        DomainError: not signed, called an error before, no reason, or of an event that somebody has followed up.
    """
    authorship.check_may_record(by)
    if not reason.strip():
        raise DomainError(_("Say what went wrong."), "reason_missing", field="reason")
    hold_still(record.patient_id)
    if record.signed_at is None:
        raise DomainError(_("This record is not signed yet; correct it."), "not_signed")
    if isinstance(record, AdverseEvent):
        check_last_word(record)
    name = _NAMES[type(record)]
    if EnteredInError.objects.filter(**{name: record}).exists():
        raise DomainError(_("This record has been called an error already."), "in_error_already")
    entry = EnteredInError.objects.create(**{name: record}, reason=reason, requested_by=by, requested_at=at)
    resettle(patient_id=record.patient_id, by=by, at=at)
    return entry


@explained
def confirm_error(*, entry: EnteredInError, by: User, at: datetime) -> EnteredInError:
    """A second person, practitioner or admin, confirms. What an adverse event or a test reading closed opens again, unless
    something else closes it; a session takes the events of its reactions with it, and the calls about it.

    Raises:
        NotAllowed: the same person, or neither role.
        DomainError: confirmed before.
    """
    authorship.check_may_confirm(by, asked_by=entry.requested_by_id)
    record = record_of(entry)
    patient_id = record.patient_id
    hold_still(patient_id)
    row = EnteredInError.objects.get(pk=entry.pk)
    if row.confirmed_at:
        raise DomainError(_("This has been confirmed already."), "confirmed_already")
    row.confirmed_by, row.confirmed_at = by, at
    row.save()
    if isinstance(record, AdverseEvent):
        event_errors.undo(event=record, by=by, at=at)
    if isinstance(record, TestReading | PatchTest):
        event_errors.undo_reading(record=record, by=by, at=at)
    if isinstance(record, Session):
        session_errors.close_with(session=record, entry=row, by=by, at=at)
    resettle(patient_id=patient_id, by=by, at=at)
    return row


def record_of(entry: EnteredInError) -> Removable:
    """The record an entry speaks of."""
    for name in _NAMES.values():
        if getattr(entry, f"{name}_id") is not None:
            record: Removable = getattr(entry, name)
            return record
    raise AssertionError("the constraint entered_in_error_one_record holds")
