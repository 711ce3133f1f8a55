"""A record that was opened may be printed as well: the page tells, and that is written down too."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_POST

from clinic import pace
from clinic.actions import readings
from clinic.enums import Pace
from clinic.models import Patient

_SALT = "clinic.reading"
_KEPT_FOR = 24 * 60 * 60  # seconds; nobody prints a page that has stood open for longer than a day


def opened(
    request: HttpRequest,
    patient: Patient,
    page: str,
    *,
    at: datetime,
    case_file: UUID | None = None,
    emergency: UUID | None = None,
    only_new: bool = False,
) -> None:
    """Write down that the record was opened, for which case or emergency if for one; let the page tell if it is printed.

    `only_new`: unless this person has opened it within a day. Raises TooMuch: it is one record too many (clinic.actions.readings).
    """
    reason = {"case_file": case_file, "emergency": emergency}
    readings.note_opened(patient=patient, page=page, by=request.user, at=at, only_new=only_new, **reason)
    said = {"patient": str(patient.pk), "page": page, "user": str(request.user.pk)}
    said |= {name: str(key) for name, key in reason.items() if key}
    request.reading_token = signing.dumps(said, salt=_SALT)  # type: ignore[attr-defined]


@pace.counts_as(Pace.BY_ITSELF)
@require_POST
def printed(request: HttpRequest) -> HttpResponse:
    """The page that was opened is being printed. Only who opened it can say so, and only of that page."""
    said = _said(request)
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=UUID(said["patient"]))
    reason = {name: UUID(said[name]) for name in ("case_file", "emergency") if name in said}
    readings.note_printed(patient=patient, page=said["page"], by=request.user, at=timezone.now(), **reason)
    return HttpResponse(status=204)


def _said(request: HttpRequest) -> dict[str, Any]:
    """What was signed when the page was opened. Anything else is as unknown as any other page."""
    try:
        said = signing.loads(request.POST.get("opened", ""), salt=_SALT, max_age=_KEPT_FOR)
    except signing.BadSignature as error:
        raise Http404 from error
    if said["user"] != str(request.user.pk):
        raise Http404
    return said
