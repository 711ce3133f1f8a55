"""A way back after a move or a cancellation: a form that does the reverse as an action of its own, with its history."""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.chooser import Slot
from clinic.fitting import fits_at
from clinic.intervals import MINUTE
from clinic.models import Appointment, Practitioner
from clinic.views.changes import moment_of

_KEY = "undo"


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


def offer_reinstating(request: HttpRequest, visit: Appointment) -> None:
    """After a cancellation."""
    offer_undo(
        request,
        text=_("%(patient)s, %(type)s: cancelled.")
        % {"patient": visit.patient.short_name, "type": visit.type},
        url=reverse("clinic:appointment_step", args=[visit.pk, "reinstate"]),
        fields={
            "version": visit.version,
            "next": f"{reverse('clinic:diary')}?day={timezone.localdate(visit.starts_at)}",
        },
    )


def offer_moving_back(request: HttpRequest, moved: list[Appointment], before: list[Slot]) -> None:
    """After a move: the same move the other way round."""
    first = moved[0]
    offer_undo(
        request,
        text=_("%(patient)s, %(type)s: moved to %(moment)s.")
        % {"patient": first.patient.short_name, "type": first.type, "moment": moment_of(first)},
        url=reverse("clinic:appointment_move", args=[first.pk]),
        fields={
            "version": first.version,
            "choice": "+".join(str(each) for each in before),
            "alone": "yes" if len(moved) == 1 else "",
            "pair_version": moved[1].version if len(moved) > 1 else "",
        },
        freed=_freed(request, first, before[0]),
    )


def _freed(request: HttpRequest, visit: Appointment, place: Slot) -> str:
    """Who on the waitlist fits the time that the visit has left; empty where nobody does."""
    at, practitioner = timezone.now(), Practitioner.objects.active().filter(pk=place.practitioner).first()
    begins_at = place.starts_at + visit.type.practitioner_from * MINUTE
    if practitioner is None or not fits_at(practitioner, begins_at, user=request.user, at=at):
        return ""
    query = {"practitioner": place.practitioner, "starts_at": begins_at.astimezone(UTC).isoformat()}
    return f"{reverse('clinic:waitlist_fits')}?{urlencode(query)}"
