"""Free starts of one day with one practitioner, as data: for programs, and for pages that need no more than this."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.availability import FreeStart, free_starts
from clinic.chooser import Option
from clinic.forms.booking import StartsForm
from clinic.intervals import local_day
from clinic.models import AppointmentType, Practitioner
from clinic.rules import access


@require_safe
def starts(request: HttpRequest) -> JsonResponse:
    """Each with the clinic's time, its room, and the `choice` that the booking page posts. Names no patient."""
    access.check_may_book(request.user)
    form = StartsForm(request.GET)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    kind = get_object_or_404(AppointmentType.objects.active(), code=form.cleaned_data["type"])
    who = get_object_or_404(Practitioner.objects.active(), pk=form.cleaned_data["practitioner"])
    zone = timezone.get_default_timezone()
    window = local_day(form.cleaned_data["day"], zone)
    found = free_starts(type=kind, window=window, at=timezone.now(), practitioners=[who])
    return JsonResponse({"practitioner": who.name, "starts": [_as_data(each) for each in found]})


def _as_data(start: FreeStart) -> dict[str, Any]:
    local: datetime = timezone.localtime(start.starts_at)
    return {"starts_at": local.isoformat(), "room": start.room.name, "choice": Option(start).value}
