"""Who may wait for what, and which offer can still be answered. Reads only; asked under the locks."""

from collections.abc import Collection
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.enums import OfferAnswer
from clinic.errors import DomainError, SlotTaken, Stale
from clinic.models import Appointment, AppointmentType, Practitioner, WaitlistEntry, WaitlistOffer
from clinic.rules.booking import check_length, obstacle_words
from clinic.search import Obstacle, may_do


def check_wishes(entry: WaitlistEntry, *, at: datetime) -> None:
    """There is a day and a time at which the patient could come, and the visit has a length.

    Raises:
        DomainError: for the field that leaves none.
    """
    check_length(entry.type, entry.minutes)
    if entry.latest_on < entry.earliest_on:
        raise DomainError(
            _("The last day must not come before the first."), "days_out_of_order", field="latest_on"
        )
    if entry.latest_on < timezone.localdate(at):
        raise DomainError(_("This day has passed. Choose a later one."), "past", field="latest_on")
    if not entry.weekdays:
        raise DomainError(_("Choose at least one weekday."), "no_weekday", field="weekdays")
    if entry.until is not None and entry.until <= entry.since:
        raise DomainError(_("The end must come after the start."), "times_out_of_order", field="until")


def check_earlier(entry: WaitlistEntry, visit: Appointment) -> None:
    """The visit is to come, and what is wished for may be before it.

    Raises:
        Stale: the visit has begun or was called off.
        DomainError: not_earlier, for the field `latest_on`.
    """
    if not visit.is_upcoming:
        raise Stale(_("This visit is not to come any more. Look at it again."), "visit_gone")
    last = timezone.localdate(visit.starts_at)
    if entry.latest_on > last:
        raise DomainError(
            _("The visit is on %(day)s: choose that day or one before it.")
            % {"day": date_format(last, "j M Y")},
            "not_earlier",
            field="latest_on",
        )


def check_trained(practitioners: Collection[Practitioner], *, type: AppointmentType) -> None:
    """Whoever is wished for takes patients and is trained in what the visit needs.

    Raises:
        DomainError: not_trained, for the field `practitioners`.
    """
    for each in practitioners:
        if not may_do(each, type):
            raise DomainError(
                obstacle_words(Obstacle.NOT_TRAINED, practitioner=each), "not_trained", field="practitioners"
            )


def check_waiting(entry: WaitlistEntry) -> None:
    """The patient still waits.

    Raises:
        Stale: waitlist_closed.
    """
    if not entry.is_open:
        raise Stale(
            _("This patient is no longer on the waitlist. Look at the list again."), "waitlist_closed"
        )


def check_answerable(offer: WaitlistOffer) -> None:
    """Nobody has answered for the patient, and nobody else has got the time.

    Raises:
        SlotTaken: somebody else has accepted the time (409).
        Stale: the offer was answered.
    """
    if offer.answer == OfferAnswer.GONE:
        raise SlotTaken(_("This time has just been taken."), "offer_gone")
    if not offer.is_open:
        raise Stale(_("This offer has been answered already."), "offer_answered")
