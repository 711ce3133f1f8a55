"""The waitlist: put on it, taken off it, and closed once the visit is booked. Offers are in `clinic.actions.offers`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.utils.translation import gettext as _

from clinic.actions import contacts
from clinic.actions.locking import explained, lock
from clinic.chooser import What
from clinic.enums import OfferAnswer, WaitlistOutcome
from clinic.models import Appointment, Patient, Practitioner, User, WaitlistEntry, WaitlistOffer
from clinic.rules import access, booking
from clinic.rules import waitlist as rules


@dataclass(frozen=True, slots=True)
class Wait:
    """What somebody waits for, and when it suits. `practitioners` are those they would see (none: anybody).

    `minutes` is how long the patient will be here; None means as long as the type says. `visit` is on the books and is to
    be earlier: it keeps its length.
    """

    what: What
    earliest_on: date
    latest_on: date
    weekdays: Collection[int]
    practitioners: Collection[Practitioner] = ()
    since: time = time.min
    until: time | None = None
    minutes: int | None = None
    note: str = ""
    visit: Appointment | None = None


@explained
def add(*, patient: Patient, wait: Wait, by: User, at: datetime) -> WaitlistEntry:
    """Put the patient on the waitlist.

    Raises:
        NotAllowed: the person may not book.
        Stale: the visit that is to be earlier has begun or was called off.
        DomainError: waits for it already (waitlist_waits_once, waitlist_earlier_once), no day or time is left, or the record
            is to be erased (to_be_erased).
    """
    access.check_may_book(by)
    entry = WaitlistEntry(
        patient=patient,
        type=wait.what.type,
        purpose=wait.what.purpose,
        visit=wait.visit,
        label=wait.what.label,
        minutes=wait.minutes,
        earliest_on=wait.earliest_on,
        latest_on=wait.latest_on,
        weekdays=sorted(wait.weekdays),
        since=wait.since,
        until=wait.until,
        note=wait.note.strip(),
        asked_at=at,
        asked_by=by,
    )
    rules.check_wishes(entry, at=at)
    rules.check_trained(wait.practitioners, type=entry.type)
    rows = lock(patients=[patient.pk], appointments=[wait.visit.pk] if wait.visit else [])
    booking.check_not_to_be_erased(patient)
    if wait.visit:
        rules.check_earlier(entry, rows[wait.visit.pk])
    entry.clean_fields(exclude=["patient", "type", "visit", "asked_by"])
    entry.save(force_insert=True)
    entry.practitioners.set(wait.practitioners)
    return entry


@explained
def withdraw(*, entry: WaitlistEntry, by: User, at: datetime) -> WaitlistEntry:
    """The patient does not wait any more; what they were offered is closed.

    Raises:
        Stale: booked or withdrawn meanwhile.
    """
    access.check_may_book(by)
    lock(patients=[entry.patient_id])
    row = WaitlistEntry.objects.select_for_update(no_key=True, of=("self",)).get(pk=entry.pk)
    rules.check_waiting(row)
    row.outcome = WaitlistOutcome.WITHDRAWN
    _close(row, by=by, at=at)
    return row


def booked(*, appointments: Sequence[Appointment], by: User, at: datetime) -> None:
    """These were booked, in this transaction and under their patients' locks: who waited for one waits no more.

    Who has the visit and wants it earlier goes on waiting.
    """
    waiting = WaitlistEntry.objects.open().filter(patient__in=[each.patient_id for each in appointments])
    visits = {(each.patient_id, each.type_id, each.purpose): each for each in appointments}
    for entry in waiting.select_related("visit"):
        visit = visits.get((entry.patient_id, entry.type_id, entry.purpose))
        if visit and entry.moves is None:
            _got(entry, visit, by=by, at=at)


def moved(*, appointments: Sequence[Appointment], was_at: Sequence[datetime], by: User, at: datetime) -> None:
    """These were moved, in this transaction and under their patients' locks: who wanted one of them earlier, and has a
    time now that they wished for, waits no more."""
    earlier = {each.pk: each for each, was in zip(appointments, was_at, strict=True) if each.starts_at < was}
    if not earlier:
        return
    for entry in WaitlistEntry.objects.open().filter(visit__in=earlier):
        visit = earlier[entry.visit_id] if entry.visit_id else None
        if visit and entry.wants(visit.starts_at):
            _got(entry, visit, by=by, at=at)


def _got(entry: WaitlistEntry, visit: Appointment, *, by: User, at: datetime) -> None:
    """The offer of this very time, if there was one, is accepted with it."""
    entry.outcome, entry.appointment = WaitlistOutcome.BOOKED, visit
    offers = entry.offers.unanswered().filter(practitioner=visit.practitioner_id, starts_at=visit.starts_at)
    had = list(offers.select_related("contact").select_for_update(no_key=True, of=("self",)))
    end_offers(offers=had, answer=OfferAnswer.ACCEPTED, by=by, at=at)
    _close(entry, by=by, at=at)


def end_offers(
    *, offers: Sequence[WaitlistOffer], answer: OfferAnswer, reason: str = "", by: User, at: datetime
) -> None:
    """Write down how they ended, in this transaction; nobody has to call about them any more."""
    for offer in offers:
        offer.answer, offer.answered_at, offer.answered_by = answer, at, by
        offer.save(update_fields=["answer", "answered_at", "answered_by"])
        if offer.contact.is_open:
            contacts.close(entry=offer.contact, told=answer != OfferAnswer.GONE, reason=reason, by=by, at=at)


def _close(entry: WaitlistEntry, *, by: User, at: datetime) -> None:
    entry.closed_at, entry.closed_by = at, by
    entry.save(update_fields=["closed_at", "closed_by", "outcome", "appointment"])
    offers = entry.offers.unanswered().select_related("contact").order_by("pk")
    left = list(offers.select_for_update(no_key=True, of=("self",)))
    end_offers(offers=left, answer=OfferAnswer.GONE, reason=_("No longer on the waitlist."), by=by, at=at)
