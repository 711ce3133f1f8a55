"""The contact list: who has to be told what, each try, and how it ended."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from clinic.actions.locking import explained, lock
from clinic.enums import ContactChannel, ContactOutcome, ContactReason
from clinic.models import Appointment, ContactEntry, ContactTry, Patient, Practitioner, User
from clinic.rules import access
from clinic.rules import contacts as rules


@explained
def ask(
    *,
    patient: Patient,
    reason: ContactReason,
    text: str,
    about: Appointment | None = None,
    by: User,
    at: datetime,
) -> ContactEntry:
    """Put the patient on the contact list. Asked again for the same reason and visit, the open entry gets the new text.

    `text` is what reception reads out: it holds no finding.

    Raises:
        NotAllowed: the person may not call patients.
        DomainError: the text is empty or too long.
    """
    access.check_may_contact(by)
    lock(patients=[patient.pk])
    entry = _open_entry(patient.pk, reason, about) or ContactEntry(
        patient_id=patient.pk, reason=reason, about=about, asked_by=by, asked_at=at
    )
    entry.text = text
    return _kept(entry)


@explained
def record_try(
    *,
    entry: ContactEntry,
    channel: ContactChannel,
    outcome: ContactOutcome,
    note: str = "",
    said: str = "",
    by: User,
    at: datetime,
) -> ContactTry:
    """Note a try. Reaching the patient closes the entry as told, unless an answer is still awaited (an offer).

    `said` are the words that were on the page; empty where nobody read any.

    Raises:
        Stale: contact_closed, because somebody else has told the patient meanwhile; contact_changed, because the
            patient was reached and told what is no longer so.
    """
    access.check_may_contact(by)
    row = _locked(entry)
    if outcome == ContactOutcome.REACHED:
        rules.check_said(row, said)
    tried = ContactTry(
        entry=row, channel=channel, outcome=outcome, note=note.strip(), tried_at=at, tried_by=by
    )
    tried.clean_fields(exclude=["entry"])
    tried.save(force_insert=True)
    if outcome == ContactOutcome.REACHED and row.reason != ContactReason.WAITLIST_OFFER:
        _close(row, told=True, reason="", by=by, at=at)
    return tried


@explained
def close(*, entry: ContactEntry, told: bool, reason: str = "", by: User, at: datetime) -> ContactEntry:
    """The patient was told, or need not be any more; `reason` says why.

    Raises:
        Stale: contact_closed.
    """
    access.check_may_contact(by)
    row = _locked(entry)
    return _close(row, told=told, reason=reason.strip(), by=by, at=at)


def settle(
    *, patient_id: UUID, reason: ContactReason, why: str, by: User, at: datetime
) -> ContactEntry | None:
    """What the patient was to be called about is no more, in this transaction and under the patient's lock.

    It follows from another action, which has asked who may: no role is asked here.
    """
    entry = _open_entry(patient_id, reason, None)
    return entry and _close(entry, told=False, reason=why, by=by, at=at)


def visit_moved(
    *,
    visit: Appointment,
    was_at: datetime,
    was_with: Practitioner,
    told: bool,
    by: User,
    at: datetime,
) -> ContactEntry | None:
    """A visit was put elsewhere, in this transaction and under its patient's lock: the patient has to know.

    `was_at` and `was_with` are what stood on the books; an open entry remembers what the patient really knows. With
    `told` that is recorded and nobody has to call. Moved back to what the patient knows, an open entry is closed.
    """
    entry = _open_entry(visit.patient_id, ContactReason.MOVED, visit)
    if entry:
        was_at, was_with = entry.was_at or was_at, entry.was_with or was_with
    if not rules.matters_to_patient(visit, was_at=was_at, was_with=was_with):
        return entry and _close(
            entry, told=False, reason=_("Back where the patient expects it."), by=by, at=at
        )
    entry = entry or ContactEntry(
        patient_id=visit.patient_id, reason=ContactReason.MOVED, about=visit, asked_by=by, asked_at=at
    )
    entry.was_at, entry.was_with = was_at, was_with
    entry.text = rules.moved_text(visit, was_at=was_at)
    return _told_or_kept(entry, told=told, by=by, at=at)


def visit_cancelled(*, visit: Appointment, told: bool, by: User, at: datetime) -> ContactEntry:
    """A visit was called off, in this transaction and under its patient's lock: the patient has to know, or does.

    What they should have been told of a move before is no longer said.
    """
    moved = _open_entry(visit.patient_id, ContactReason.MOVED, visit)
    was_at, was_with = visit.starts_at, visit.practitioner
    if moved:
        was_at, was_with = moved.was_at or was_at, moved.was_with or was_with
        _close(moved, told=told, reason=_("The visit was cancelled."), by=by, at=at)
    entry = ContactEntry(
        patient_id=visit.patient_id,
        reason=ContactReason.CANCELLED,
        about=visit,
        text=rules.cancelled_text(visit, was_at=was_at),
        was_at=was_at,
        was_with=was_with,
        asked_by=by,
        asked_at=at,
    )
    return _told_or_kept(entry, told=told, by=by, at=at)


def visit_reinstated(*, visit: Appointment, by: User, at: datetime) -> ContactEntry | None:
    """A visit is on the books again, in this transaction. Who was told of the cancellation has to be told of this."""
    changes = visit.contact_entries.for_change().order_by("-asked_at", "-pk")
    last = changes.select_for_update(no_key=True).first()
    if last is None or last.reason != ContactReason.CANCELLED:
        return None
    if last.is_open:
        return _close(last, told=False, reason=_("The visit takes place after all."), by=by, at=at)
    entry = ContactEntry(
        patient_id=visit.patient_id,
        reason=ContactReason.MOVED,
        about=visit,
        text=rules.again_text(visit),
        asked_by=by,
        asked_at=at,
    )
    return _kept(entry)


def _open_entry(patient_id: UUID, reason: ContactReason, about: Appointment | None) -> ContactEntry | None:
    """The one that asks for this already, kept still; each offer from the waitlist is an entry of its own."""
    if reason == ContactReason.WAITLIST_OFFER:
        return None
    asked = ContactEntry.objects.open().filter(patient=patient_id, reason=reason, about=about)
    return asked.select_for_update(no_key=True).first()


def _locked(entry: ContactEntry) -> ContactEntry:
    """The entry as it is now, kept still: two desks may be calling the same patient."""
    row = ContactEntry.objects.select_for_update(no_key=True).get(pk=entry.pk)
    rules.check_open(row)
    return row


def _kept(entry: ContactEntry) -> ContactEntry:
    entry.text = entry.text.strip()
    entry.clean_fields(exclude=["patient", "about", "asked_by", "was_with"])
    entry.save()
    return entry


def _told_or_kept(entry: ContactEntry, *, told: bool, by: User, at: datetime) -> ContactEntry:
    if told:
        entry.closed_at, entry.closed_by, entry.told = at, by, True
    return _kept(entry)


def _close(entry: ContactEntry, *, told: bool, reason: str, by: User, at: datetime) -> ContactEntry:
    entry.closed_at, entry.closed_by, entry.told, entry.close_reason = at, by, told, reason
    return _kept(entry)
