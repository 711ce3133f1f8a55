"""A way back after a move or a cancellation: a form that does the reverse as an action of its own, with its history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.replanning import Rearranged
from clinic.chooser import Slot
from clinic.fitting import FreedTime, fits_at_each
from clinic.forms.replanning import Pick, Version
from clinic.forms.waitlist import Freed
from clinic.intervals import MINUTE
from clinic.models import Appointment, Practitioner
from clinic.views.changes import moment_of
from clinic.views.posted import way_back
from clinic.views.privacy import called

_KEY = "undo"


class Was(NamedTuple):
    """Where a visit was before it was moved, and for how many minutes."""

    slot: Slot
    minutes: int

    @classmethod
    def of(cls, visit: Appointment) -> Was:
        """As it is now."""
        return cls(Slot.of(visit), visit.minutes)


def offer_undo(request: HttpRequest, *, text: str, url: str, fields: dict[str, Any], freed: str = "") -> None:
    """Keep one way back for the next page this person sees; `freed` leads to who could have the time left behind."""
    request.session[_KEY] = {
        "text": text,
        "url": url,
        "freed": freed,
        "fields": {name: str(value) for name, value in fields.items()},
    }


def take_undo(request: HttpRequest) -> dict[str, Any] | None:
    """The way back, offered once."""
    return request.session.pop(_KEY) if _KEY in request.session else None


def offer_reversal(request: HttpRequest, text: str, done: Rearranged, before: Sequence[Was]) -> None:
    """After a batch: the whole of it the other way round. `before` says where the moved visits were."""
    offer_undo(
        request,
        text=text,
        url=reverse("clinic:undo"),
        freed=_freed(request, done, before),
        fields={
            "cancel": " ".join(str(Version(each.pk, each.version)) for each in done.booked),
            "put_back": " ".join(str(Version(each.pk, each.version)) for each in done.cancelled),
            "moves": " ".join(
                str(Pick(each.pk, each.version, was.minutes, was.slot))
                for each, was in zip(done.moved, before, strict=True)
            ),
            "next": way_back(request, request.POST),
        },
    )


def offer_moving_back(request: HttpRequest, moved: list[Appointment], before: Sequence[Was]) -> None:
    """After a move: the same move the other way round."""
    offer_reversal(request, _moved_words(request, moved[0], before[0]), Rearranged(moved=moved), before)


def _freed(request: HttpRequest, done: Rearranged, before: Sequence[Was]) -> str:
    """Who on the waitlist fits the times that were left, all of them on one page; empty where nobody does, or nothing
    was left."""
    left = [(each, Slot.of(each)) for each in done.cancelled]
    left += [
        (each, was.slot) for each, was in zip(done.moved, before, strict=True) if Slot.of(each) != was.slot
    ]
    people = Practitioner.objects.active().in_bulk([place.practitioner for _visit, place in left])
    times = [
        FreedTime(people[place.practitioner], place.starts_at + visit.type.practitioner_from * MINUTE)
        for visit, place in left
        if place.practitioner in people
    ]
    if not times:
        return ""
    found = fits_at_each(times, user=request.user, at=timezone.now())
    fitting = [
        str(Freed(time.begins_at, time.practitioner.pk))
        for time, fits in zip(times, found, strict=True)
        if fits
    ]
    return f"{reverse('clinic:waitlist_fits')}?{urlencode({'freed': fitting}, doseq=True)}" if fitting else ""


def _moved_words(request: HttpRequest, visit: Appointment, was: Was) -> str:
    """What was done: where the visit is now, or how long."""
    said = {
        "patient": called(request, visit.patient),
        "type": visit.type,
        "moment": moment_of(visit),
        "who": visit.practitioner,
        "room": visit.room,
        "minutes": visit.minutes,
    }
    if was.minutes != visit.minutes:
        return _("%(patient)s, %(type)s, %(moment)s: now %(minutes)s minutes long.") % said
    return _("%(patient)s, %(type)s: moved to %(moment)s, %(who)s, %(room)s.") % said
