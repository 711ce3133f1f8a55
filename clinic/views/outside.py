"""The list of visits that stand outside opening time: after a change of hours, rooms, devices, people or kinds."""

from typing import Any
from uuid import UUID

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.models import AppointmentType, Device, Practitioner, Room
from clinic.outside import visits_outside
from clinic.rules import access
from clinic.views.posted import Page, page_number

PAGE = 20
_OF: dict[str, type[Model]] = {
    "practitioner": Practitioner,
    "room": Room,
    "device": Device,
    "type": AppointmentType,
}


@require_safe
def outside(request: HttpRequest) -> HttpResponse:
    """Which upcoming visits no longer fit, and why; each with the ways to move it. Nothing is deleted here."""
    access.check_may_change_opening(request.user, None)
    of, number = _narrowed(request), page_number(request)
    found, has_more = visits_outside(at=timezone.now(), offset=(number - 1) * PAGE, limit=PAGE, **of)
    kept = "".join(f"{name}={entry.pk}&" for name, entry in of.items())
    context = {
        "visits": found,
        "of": next(iter(of.values()), None),
        **Page(number, found, has_more).links(lambda number: f"?{kept}page={number}"),
        "may_book": access.may_book(request.user),
    }
    return render(request, "clinic/opening_outside.html", context)


def _narrowed(request: HttpRequest) -> dict[str, Any]:
    """The one entry whose visits are asked for, if any; a 404 for what does not exist."""
    for name, model in _OF.items():
        if name in request.GET:
            try:
                return {name: get_object_or_404(model, pk=UUID(request.GET[name]))}
            except ValueError as error:
                raise Http404 from error
    return {}
