"""What was just booked or held, said on the next page by the visit's public id in its address.

A message kept in the session would write the session twice, once to leave it and once to take it; every booking pays for
that. The address names nobody, and a visit that the person may not see is not announced.
"""

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic import readiness
from clinic.dates import moment_in_words
from clinic.enums import AppointmentStatus
from clinic.models import Appointment
from clinic.views.privacy import visit_called

NAME = "booked"


def announcing(url: str, visit: Appointment) -> str:
    """The address, so that its page says what was booked."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({NAME: visit.pk})}"


def announce(request: HttpRequest) -> None:
    """Put the sentence among this page's messages; nothing for an id that is unknown or none."""
    try:
        wanted = UUID(request.GET.get(NAME, ""))
    except ValueError:
        return
    visible = Appointment.objects.visible_to(request.user).with_people().select_related("pair")
    if visit := visible.filter(pk=wanted).first():
        messages.success(request, _said(request, visit))


def booked_words(request: HttpRequest, visit: Appointment, *, with_pair: bool = False) -> str:
    """That the visit is booked, and the one that belongs to it; or provisionally, and then what is still missing."""
    said = {"visit": visit_called(request, visit)}
    if visit.status == AppointmentStatus.PROVISIONAL:
        words = _("Booked provisionally: %(visit)s.")
        if with_pair:
            words = _("Booked provisionally: %(visit)s, and the visit that belongs to it.")
        return " ".join([words % said, *still_missing(request, [visit])])
    if with_pair:
        return _("Booked: %(visit)s, and the visit that belongs to it.") % said
    return _("Booked: %(visit)s.") % said


def still_missing(request: HttpRequest, visits: Sequence[Appointment]) -> list[str]:
    """What the provisional ones among the visits wait for, each sentence once. Nothing is asked where none is."""
    waiting = [each for each in visits if each.status == AppointmentStatus.PROVISIONAL]
    if not waiting:
        return []
    badges = readiness.pathway().badges(waiting, user=request.user, at=timezone.now())
    return list(dict.fromkeys(each.what for badge in badges.values() for each in badge.verdict.conditions))


def _said(request: HttpRequest, visit: Appointment) -> str:
    if visit.held_until:
        said = {"visit": visit_called(request, visit), "until": moment_in_words(visit.held_until)}
        return _("Held until %(until)s: %(visit)s.") % said
    return booked_words(request, visit, with_pair=getattr(visit, "pair", None) is not None)
