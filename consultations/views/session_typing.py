"""The draft of a session keeps what is typed by itself: asked every few seconds by its page, not by a person."""

from uuid import UUID

from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from clinic import pace
from clinic.enums import Pace
from clinic.errors import DomainError
from clinic.templatetags.clinic_tags import clock
from consultations.actions import session_typing as actions
from consultations.forms.session_typing import TypingForm
from consultations.models import Session
from consultations.rules import authorship


@pace.counts_as(Pace.BY_ITSELF)
@require_http_methods(["GET", "POST"])
def keep(request: HttpRequest, session_id: UUID) -> JsonResponse:
    """Keep what is typed. GET tells a page whose sign-in ran out that it may go on, and with which token."""
    mine = Session.objects.visible_to(request.user).select_related("practitioner")
    row = get_object_or_404(mine, pk=session_id)
    try:
        if request.method == "GET":
            authorship.check_may_edit(row, request.user)
            return JsonResponse({"token": get_token(request)})
        return _kept(request, row)
    except DomainError as refusal:
        return JsonResponse({"sentence": str(refusal.message)}, status=refusal.status)


def _kept(request: HttpRequest, row: Session) -> JsonResponse:
    form = TypingForm(request.POST)
    if not form.is_valid():
        sentence = " ".join(str(each) for errors in form.errors.values() for each in errors)
        return JsonResponse({"sentence": sentence}, status=422)
    kept = actions.keep(
        session=row,
        typed=form.typed,
        version=form.cleaned_data["version"],
        window=form.sent_from,
        by=request.user,
        at=timezone.now(),
    )
    return JsonResponse({"at": clock(kept.typed_at)})
