"""Free starts of one day with one practitioner, as data: for programs, and for pages that need no more than this."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.availability import FreeStart, free_starts
from clinic.chooser import Option, kind_of, practitioner_of
from clinic.forms.booking import StartsForm
from clinic.intervals import local_day
from clinic.rules import access


@require_safe
def starts(request: HttpRequest) -> JsonResponse:
    """Each with the clinic's time, its room, and the `choice` that the booking page posts. Names no patient."""
    access.check_may_book(request.user)
    form = StartsForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    asked = form.cleaned_data
    kind, who = kind_of(asked["type"]), practitioner_of(asked["practitioner"])
    if kind is None or who is None:
        raise Http404
    zone = timezone.get_default_timezone()
    window = local_day(asked["day"], zone)
    found = free_starts(type=kind, window=window, at=timezone.now(), practitioners=[who])
    return JsonResponse({"practitioner": who.name, "starts": [_as_data(each) for each in found]})


def _as_data(start: FreeStart) -> dict[str, Any]:
    local: datetime = timezone.localtime(start.starts_at)
    return {"starts_at": local.isoformat(), "room": start.room.name, "choice": Option(start).value}
