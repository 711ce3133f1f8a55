"""What a calendar feed says: the visits of one practitioner or room as iCalendar (RFC 5545). Read only.

Whoever learns the address reads this without signing in, so it says as little as is of use: initials and the kind of
visit, whole names only where the person who made the feed chose that; never a note, a reason or anything clinical.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, Timezone

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, CalendarFeed

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


class Entry(NamedTuple):
    """One visit as far as a feed tells it. Names come as typed; `plain` cleans what is made of them."""

    id: UUID
    version: int
    status: str
    starts_at: datetime
    ends_at: datetime
    type: str
    practitioner: str
    room: str
    location: str
    given_names: str
    family_name: str
    changed_at: datetime


def entries_of(feed: CalendarFeed, *, at: datetime) -> list[Entry]:
    """The visits the feed shows at this moment, in one query: a season of somebody's visits without making rows of
    them, because every program asks every quarter of an hour.

    From 30 days back to 180 ahead; a cancelled one for 30 days after it was called off, so that every program has
    seen it go; a hold only as long as it holds. Times are the practitioner's, or the room's in a room's feed.
    """
    whose, key = ("practitioner", feed.practitioner_id) if feed.practitioner_id else ("room", feed.room_id)
    rows = Appointment.objects.in_force(at).filter(
        starts_at__gte=at - BACK, starts_at__lt=at + AHEAD, **{whose: key}
    )
    shown = rows.exclude(Q(status=_S.CANCELLED) & Q(cancelled_at__lt=at - CANCELLED_FOR))
    changes = Appointment.pgh_event_model.objects.filter(pgh_obj=OuterRef("pk")).order_by("-pgh_id")
    changed_at = Coalesce(Subquery(changes.values("pgh_created_at")[:1]), "created_at")
    found = shown.order_by("starts_at", "pk").values_list(
        "pk",
        "version",
        "status",
        f"{whose}_from",
        f"{whose}_until",
        "type__name",
        "practitioner__name",
        "room__name",
        "room__location__name",
        "patient__given_names",
        "patient__family_name",
        changed_at,
    )
    return [Entry(*row) for row in found]


def fingerprint(feed: CalendarFeed, entries: Sequence[Entry]) -> str:
    """Changes whenever the written calendar would (an ETag); far cheaper than writing it."""
    facts = (_LAYOUT, str(feed.owner), get_language(), entries)
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()}"'


def written(feed: CalendarFeed, entries: Sequence[Entry], *, at: datetime) -> bytes:
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
    for entry in entries:
        calendar.add_component(_event(feed, entry, zone))
    return calendar.to_ical()


def plain(text: str) -> str:
    """One line of at most 200 characters without control characters: what may stand in a calendar's property."""
    kept = "".join(" " if unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} else each for each in text)
    return " ".join(_TURNS.sub("", kept).split())[:_LONGEST]


def initials(given_names: str, family_name: str) -> str:
    """The first letter of the given and of the family name, as written: "J.M."."""
    letters = (_first_letter(name) for name in (given_names, family_name))
    return "".join(f"{letter}." for letter in letters if letter) or "–"


def _first_letter(name: str) -> str:
    return next((each.upper() for each in unicodedata.normalize("NFC", name) if each.isalpha()), "")


def _summary(feed: CalendarFeed, entry: Entry) -> str:
    """Who and what; in a room's feed also with whom; and the state, for programs that do not show STATUS."""
    who = initials(entry.given_names, entry.family_name)
    if feed.whole_names:
        who = ", ".join(part for part in (entry.family_name, entry.given_names) if part)
    words = " · ".join([who, entry.type, *([] if feed.practitioner_id else [entry.practitioner])])
    if entry.status in _CALLED_OFF | _TENTATIVE:
        status = _S(entry.status).label.capitalize()
        words = _("%(status)s: %(words)s") % {"status": status, "words": words}
    return plain(words)


def _event(feed: CalendarFeed, entry: Entry, zone: tzinfo) -> Event:
    """UID stays and SEQUENCE grows with every change, so that programs move an event instead of adding one."""
    event = Event()
    event.add("uid", f"{entry.id}@mesoclinic")
    event.add("sequence", entry.version)
    # Without a METHOD, DTSTAMP says when the event last changed (RFC 5545, 3.8.7.2).
    event.add("dtstamp", entry.changed_at.astimezone(UTC))
    event.add("last-modified", entry.changed_at.astimezone(UTC))
    event.add("dtstart", _on_the_clock(entry.starts_at, zone))
    event.add("dtend", _on_the_clock(entry.ends_at, zone))
    event.add("summary", _summary(feed, entry))
    event.add("location", plain(f"{entry.room}, {entry.location}"))
    event.add("status", _state(entry.status))
    event.add("transp", "TRANSPARENT" if entry.status in _CALLED_OFF else "OPAQUE")
    event.add("class", "PRIVATE")
    return event


def _state(status: str) -> str:
    if status in _CALLED_OFF:
        return "CANCELLED"
    return "TENTATIVE" if status in _TENTATIVE else "CONFIRMED"


def _on_the_clock(instant: datetime, zone: tzinfo) -> datetime:
    """On the clinic's clock; in UTC in the hour that comes a second time, which a local time cannot name."""
    local = instant.astimezone(zone)
    return instant.astimezone(UTC) if local.fold else local
