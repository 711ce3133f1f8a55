"""Offering a free time to somebody who waits. An offer holds no time: the first to accept gets it (ADR 0011)."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic import readiness
from clinic.actions import booking, contacts, waitlist
from clinic.actions.locking import explained, lock
from clinic.availability import FreeStart
from clinic.dates import moment_in_words
from clinic.enums import ContactReason, OfferAnswer
from clinic.fitting import gone, place_of
from clinic.models import Appointment, User, WaitlistEntry, WaitlistOffer
from clinic.rules import access
from clinic.rules import booking as booking_rules
from clinic.rules import waitlist as rules


@explained
def offer(*, entry: WaitlistEntry, place: FreeStart, by: User, at: datetime) -> WaitlistOffer:
    """Put the patient on the contact list with this time. Others may be offered the same.

    Raises:
        Stale: the patient waits no more.
        SlotTaken: the time is taken.
        NotCleared: the pathway refuses the visit at that time.
        DomainError: offered already (waitlist_offer_once), past, closed, to_be_erased …
    """
    access.check_may_book(by)
    lock(patients=[entry.patient_id])
    row = WaitlistEntry.objects.select_related("patient", "type", "visit").get(pk=entry.pk)
    rules.check_waiting(row)
    booking_rules.check_not_to_be_erased(row.patient)
    made = WaitlistOffer(
        entry=row,
        practitioner=place.practitioner,
        room=place.room,
        device=place.device,
        starts_at=place.starts_at,
        offered_at=at,
        offered_by=by,
    )
    booking_rules.check_time(made.starts_at, type=row.type, at=at)
    booking_rules.check_free([place_of(made)], at=at, ignoring=[row.moves] if row.moves else [])
    wished = readiness.Visit(row.patient, row.purpose, made.starts_at, row.moves)
    booking_rules.check_cleared([wished], at=at)
    made.contact = contacts.ask(
        patient=row.patient, reason=ContactReason.WAITLIST_OFFER, text=_what_to_say(made), by=by, at=at
    )
    made.save(force_insert=True)
    return made


@explained
def accept(*, offer: WaitlistOffer, by: User, at: datetime) -> Appointment:
    """Book the offered time, or move the visit there that was to be earlier. The database decides between several who
    accept; the others' offers are gone.

    Raises:
        SlotTaken: somebody else was faster (409); the patient stays on the waitlist, and keeps the visit they have.
        Stale: answered or withdrawn meanwhile.
        NotCleared, DomainError: as for booking.
    """
    access.check_may_book(by)
    row = _locked(offer)
    rules.check_answerable(row)
    rules.check_waiting(row.entry)
    waitlist.end_offers(offers=[row], answer=OfferAnswer.ACCEPTED, by=by, at=at)
    if had := row.entry.moves:
        visit = booking.move(to=booking.Move.to(had, place_of(row)), told=True, by=by, at=at)
    else:
        # A request of its own: that the offer is answered once, its own row says, which is locked.
        visit = booking.book(wish=_wish(row), by=by, at=at)
    _end_those_of_others(row, by=by, at=at)
    return visit


@explained
def decline(*, offer: WaitlistOffer, by: User, at: datetime) -> WaitlistOffer:
    """The patient does not want this time, and goes on waiting.

    Raises:
        SlotTaken, Stale: as for accepting.
    """
    access.check_may_book(by)
    row = _locked(offer)
    rules.check_answerable(row)
    waitlist.end_offers(offers=[row], answer=OfferAnswer.DECLINED, by=by, at=at)
    return row


@explained
def let_go(*, offer: WaitlistOffer, by: User, at: datetime) -> WaitlistOffer:
    """The time was gone when the patient wanted it: nobody has to call about it, and they go on waiting."""
    access.check_may_book(by)
    row = _locked(offer)
    if row.is_open:
        reason = _("This time has just been taken.")
        waitlist.end_offers(offers=[row], answer=OfferAnswer.GONE, reason=reason, by=by, at=at)
    return row


def _locked(offer: WaitlistOffer) -> WaitlistOffer:
    """Everything that accepting takes, in the order of every booking; then the offer as it is now."""
    places: list[WaitlistOffer | Appointment] = [offer]
    if offer.entry.moves:
        places.append(offer.entry.moves)
    lock(
        patients=[offer.entry.patient_id],
        practitioners=[each.practitioner_id for each in places],
        rooms=[each.room_id for each in places],
        devices=[each.device_id for each in places],
        appointments=[each.pk for each in places[1:]],
    )
    offers = WaitlistOffer.objects.with_people().select_for_update(no_key=True, of=("self",))
    return offers.get(pk=offer.pk)


def _end_those_of_others(accepted: WaitlistOffer, *, by: User, at: datetime) -> None:
    """Whoever was offered time that the new visit takes is told so when they call back."""
    rivals = WaitlistOffer.objects.unanswered().rivals_of(accepted).with_people().order_by("pk")
    left = list(rivals.select_for_update(no_key=True, of=("self",)))
    taken = gone(left, at=at)
    waitlist.end_offers(
        offers=[each for each in left if each.pk in taken],
        answer=OfferAnswer.GONE,
        reason=_("This time has just been taken."),
        by=by,
        at=at,
    )


def _wish(offer: WaitlistOffer) -> booking.Wish:
    entry = offer.entry
    return booking.Wish(
        patient=entry.patient,
        type=entry.type,
        practitioner=offer.practitioner,
        room=offer.room,
        device=offer.device,
        starts_at=offer.starts_at,
        purpose=entry.purpose,
        minutes=entry.minutes,
    )


def _what_to_say(offer: WaitlistOffer) -> str:
    """An offer in one sentence: what, when, with whom, and instead of which time."""
    words = {
        "what": offer.entry.label,
        "when": moment_in_words(offer.starts_at),
        "who": offer.practitioner,
    }
    if visit := offer.entry.moves:
        said = _(
            "An earlier time has become free for “%(what)s”: %(when)s, with %(who)s, instead of %(was)s."
            " Who accepts first gets it."
        )
        return said % {**words, "was": moment_in_words(visit.starts_at)}
    return (
        _("A time has become free for “%(what)s”: %(when)s, with %(who)s. Who accepts first gets it.") % words
    )
