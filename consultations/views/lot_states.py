"""What becomes of a lot: opened, taken out of quarantine, recalled by its maker. Each asks first."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from consultations.actions import lots as actions
from consultations.dates import in_words
from consultations.forms.lots import OpenForm, RecallForm, ReleaseForm
from consultations.models import Lot
from consultations.rules import authorship


@require_http_methods(["GET", "POST"])
def opened(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """When it was opened; until when it may be used follows from its life in use."""
    words = {
        "title": _("A lot is opened"),
        "question": _("When was lot %(lot)s opened?"),
        "consequence": _(
            "From then on it may be used for the days that the clinic allows, at most to its expiry."
        ),
        "yes": _("Note the day"),
    }
    initial = {"opened_on": timezone.localdate()}
    return _ask(request, lot_id, OpenForm, actions.open_lot, words, _said_opened, initial)


@require_http_methods(["GET", "POST"])
def release(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """Out of quarantine, with the reason."""
    words = {
        "title": _("Out of quarantine"),
        "question": _("May lot %(lot)s be used again?"),
        "consequence": _("It is offered again from now on. Why it was put aside stays in its history."),
        "yes": _("Take it out of quarantine"),
    }
    return _ask(request, lot_id, ReleaseForm, actions.release, words, _said_released)


@require_http_methods(["GET", "POST"])
def recalled(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """Recalled by its maker: for good, with the maker's reference."""
    words = {
        "title": _("Recalled by the maker"),
        "question": _("Has the maker recalled lot %(lot)s?"),
        "consequence": _("It goes into quarantine and stays there. Its page says whom it was used for."),
        "yes": _("Note the recall"),
        "danger": True,
    }
    return _ask(request, lot_id, RecallForm, actions.note_recall, words, _said_recalled)


def _said_opened(lot: Lot) -> str:
    return _("Lot %(lot)s: to be used by %(day)s.") % {"lot": lot.number, "day": in_words(lot.last_day)}


def _said_released(lot: Lot) -> str:
    return _("Lot %(lot)s is out of quarantine.") % {"lot": lot.number}


def _said_recalled(lot: Lot) -> str:
    return _("Lot %(lot)s is recalled. Nothing can be injected from it any more.") % {"lot": lot.number}


def _ask(
    request: HttpRequest,
    lot_id: UUID,
    form_class: type[BaseForm],
    action: Any,
    words: dict[str, Any],
    said: Callable[[Lot], str],
    initial: dict[str, Any] | None = None,
) -> HttpResponse:
    """The page that asks, and what is done when it is answered."""
    lot = get_object_or_404(Lot.objects.visible_to(request.user).select_related("component"), pk=lot_id)
    authorship.check_may_record(request.user)
    back = f"{reverse('consultations:lots')}?lot={lot.pk}"
    form = form_class(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            done = action(lot=lot, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, said(done))
            return redirect(back)
    context = {
        **words,
        "question": words["question"] % {"lot": lot.number},
        "form": form,
        "lot": lot,
        "back": back,
    }
    return render(request, "consultations/lot_state.html", context, status=422 if form.errors else 200)
