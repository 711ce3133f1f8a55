"""What a calendar feed says: the visits of one practitioner or room as iCalendar (RFC 5545). Read only.

Whoever learns the address reads this without signing in, so it says as little as is of use: initials and the kind of
visit, whole names only where the person who made the feed chose that; never a note, a reason or anything clinical.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, Timezone

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, CalendarFeed, Patient

BACK, AHEAD = timedelta(days=30), timedelta(days=180)
CANCELLED_FOR = timedelta(days=30)
_LONGEST = 200  # characters of one text; calendar programs cut earlier
_PRODUCT = "-//Mesoclinic//Calendar feed//EN"
_REFRESH = timedelta(minutes=15)
_LAYOUT = 1  # raise it when the same visits are written differently, so that no program keeps the old text
_S = AppointmentStatus
_TENTATIVE = {_S.PROVISIONAL, _S.HELD}
_CALLED_OFF = {_S.CANCELLED, _S.NO_SHOW}
# Marks that turn the direction of what follows: they would reach beyond the text they came in.
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def feed_at(secret: str) -> CalendarFeed | None:
    """The feed of this address, if it still works. Whoever knows the secret may read: there is nobody to ask for."""
    return CalendarFeed.objects.working().at_address(secret).with_people().first()


def visits_of(feed: CalendarFeed, *, at: datetime) -> list[Appointment]:
    """The visits the feed shows at this moment, in one query, each with `changed_at`.

    From 30 days back to 180 ahead; a cancelled one for 30 days after it was called off, so that every program has
    seen it go; a hold only as long as it holds.
    """
    own = {"practitioner": feed.practitioner_id} if feed.practitioner_id else {"room": feed.room_id}
    changes = Appointment.pgh_event_model.objects.filter(pgh_obj=OuterRef("pk"))
    rows = Appointment.objects.in_force(at).filter(**own, starts_at__gte=at - BACK, starts_at__lt=at + AHEAD)
    shown = rows.exclude(Q(status=_S.CANCELLED) & Q(cancelled_at__lt=at - CANCELLED_FOR))
    return list(
        shown.with_people()
        .select_related("room__location")
        .annotate(
            changed_at=Coalesce(
                Subquery(changes.order_by("-pgh_id").values("pgh_created_at")[:1]), "created_at"
            )
        )
        .order_by("starts_at", "pk")
    )


def fingerprint(feed: CalendarFeed, visits: Sequence[Appointment]) -> str:
    """Changes whenever the written calendar would (an ETag); far cheaper than writing it."""
    facts = [(str(_LAYOUT), str(feed.owner))]
    facts += [(str(visit.pk), str(visit.version), *_said(feed, visit)) for visit in visits]
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()}"'


def written(feed: CalendarFeed, visits: Sequence[Appointment], *, at: datetime) -> bytes:
    """The calendar as bytes."""
    zone = timezone.get_default_timezone()
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", plain(str(feed.owner)))
    calendar.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    first, last = (at - BACK - timedelta(days=2)).date(), (at + AHEAD + timedelta(days=3)).date()
    calendar.add_component(Timezone.from_tzinfo(zone, str(zone), first, last))
    for visit in visits:
        calendar.add_component(_event(feed, visit, zone))
    return calendar.to_ical()


def plain(text: str) -> str:
    """One line of at most 200 characters without control characters: what may stand in a calendar's property."""
    kept = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} else each for each in text)
    return " ".join(_TURNS.sub("", kept).split())[:_LONGEST]


def initials(patient: Patient) -> str:
    """The first letter of the given and of the family name, as written: "J.M."."""
    letters = (_first_letter(name) for name in (patient.given_names, patient.family_name))
    return "".join(f"{letter}." for letter in letters if letter) or "–"


def _first_letter(name: str) -> str:
    return next((each.upper() for each in unicodedata.normalize("NFC", name) if each.isalpha()), "")


def _said(feed: CalendarFeed, visit: Appointment) -> tuple[str, str, str]:
    """Summary, place and state: all that an event says beside its times."""
    who = visit.patient.name if feed.whole_names else initials(visit.patient)
    words = (
        f"{who} · {visit.type}" if feed.practitioner_id else f"{who} · {visit.type} · {visit.practitioner}"
    )
    if visit.status in _CALLED_OFF | _TENTATIVE:  # for programs that do not show STATUS
        words = _("%(status)s: %(words)s") % {
            "status": _S(visit.status).label.capitalize(),
            "words": words,
        }
    return plain(words), plain(f"{visit.room}, {visit.room.location}"), visit.status


def _event(feed: CalendarFeed, visit: Appointment, zone: tzinfo) -> Event:
    """UID stays and SEQUENCE grows with every change, so that programs move an event instead of adding one."""
    summary, place, _status = _said(feed, visit)
    start, end = (
        (visit.practitioner_from, visit.practitioner_until)
        if feed.practitioner_id
        else (visit.room_from, visit.room_until)
    )
    event = Event()
    event.add("uid", f"{visit.pk}@mesoclinic")
    event.add("sequence", visit.version)
    # Without a METHOD, DTSTAMP says when the event last changed (RFC 5545, 3.8.7.2).
    event.add("dtstamp", visit.changed_at.astimezone(UTC))
    event.add("last-modified", visit.changed_at.astimezone(UTC))
    event.add("dtstart", _on_the_clock(start, zone))
    event.add("dtend", _on_the_clock(end, zone))
    event.add("summary", summary)
    event.add("location", place)
    event.add("status", _state(visit))
    event.add("transp", "TRANSPARENT" if visit.status in _CALLED_OFF else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _state(visit: Appointment) -> str:
    if visit.status in _CALLED_OFF:
        return "CANCELLED"
    return "TENTATIVE" if visit.status in _TENTATIVE else "CONFIRMED"


def _on_the_clock(instant: datetime, zone: tzinfo) -> datetime:
    """On the clinic's clock; in UTC in the hour that comes a second time, which a local time cannot name."""
    local = instant.astimezone(zone)
    return instant.astimezone(UTC) if local.fold else local
