"""What was just booked or held, said on the next page by the visit's public id in its address.

A message kept in the session would write the session twice, once to leave it and once to take it; every booking pays for
that. The address names nobody, and a visit that the person may not see is not announced.
"""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
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


def _said(request: HttpRequest, visit: Appointment) -> str:
    said = {"visit": visit_called(request, visit)}
    if visit.held_until:
        return _("Held until %(until)s: %(visit)s.") % {**said, "until": moment_in_words(visit.held_until)}
    if getattr(visit, "pair", None):
        return _("Booked: %(visit)s, and the visit that belongs to it.") % said
    return _("Booked: %(visit)s.") % said
