""" "Who has been told?": the patients to call, by reason and oldest first, and what came of each try."""

from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from clinic.actions import contacts
from clinic.enums import ContactChannel, ContactOutcome, ContactReason
from clinic.errors import DomainError
from clinic.fitting import gone
from clinic.forms.contacts import CloseForm, ReasonForm, TryForm
from clinic.models import ContactEntry, ContactTry, WaitlistOffer
from clinic.rules import access
from clinic.views.posted import one_page, way_back
from clinic.views.privacy import called

PAGE = 20
_OFFERED = ("entry__patient", "entry__type", "practitioner", "room", "device")
_ID = "%s-{}"  # a page holds many of these forms
_DONE = {
    ContactOutcome.REACHED: gettext_lazy("%(name)s has been reached."),
    ContactOutcome.LEFT_MESSAGE: gettext_lazy("Noted: left a message for %(name)s."),
    ContactOutcome.NO_ANSWER: gettext_lazy("Noted: %(name)s did not answer."),
    ContactOutcome.WRONG_NUMBER: gettext_lazy("Noted: wrong number. Correct the phone of %(name)s."),
}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What was typed into one entry and could not be saved, or why; shown beside that entry."""

    entry: UUID
    form: TryForm | CloseForm
    status: int = 422

    @property
    def note(self) -> str:
        """What was typed as the note of a try."""
        return str(self.form.data.get("note", ""))

    @property
    def why(self) -> str:
        """What was typed as the reason to close."""
        return str(self.form.data.get("reason", ""))

    @property
    def is_close(self) -> bool:
        """Whether closing was tried, not calling."""
        return isinstance(self.form, CloseForm)


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Open entries, all or of one reason; or those that are done."""
    return _page(request)


@require_POST
def record_try(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One button is one outcome; reaching the patient closes the entry."""
    access.check_may_contact(request.user)
    entry, form = _visible(request, entry_id), TryForm(request.POST, auto_id=_ID.format(entry_id))
    if not form.is_valid():
        return _page(request, Unfinished(entry_id, form))
    try:
        contacts.record_try(entry=entry, **form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, Unfinished(entry_id, form, refusal.status))
    said = _DONE[ContactOutcome(form.cleaned_data["outcome"])]
    messages.success(request, said % {"name": called(request, entry.patient)})
    return redirect(way_back(request, request.POST) or "clinic:contacts")


@require_POST
def close(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Nobody has to call any more; asks why."""
    access.check_may_contact(request.user)
    entry, form = _visible(request, entry_id), CloseForm(request.POST, auto_id=_ID.format(entry_id))
    if not form.is_valid():
        return _page(request, Unfinished(entry_id, form))
    try:
        contacts.close(entry=entry, told=False, **form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, Unfinished(entry_id, form, refusal.status))
    messages.success(
        request,
        _("Nobody has to call %(name)s about this any more.") % {"name": called(request, entry.patient)},
    )
    return redirect(way_back(request, request.POST) or "clinic:contacts")


def _visible(request: HttpRequest, entry_id: UUID) -> ContactEntry:
    entries = ContactEntry.objects.visible_to(request.user).select_related("patient")
    return get_object_or_404(entries, pk=entry_id)


def _page(request: HttpRequest, unfinished: Unfinished | None = None) -> HttpResponse:
    chosen = ReasonForm(request.GET).chosen
    page = one_page(request, _chosen(request, chosen), PAGE)
    context = {
        "groups": [
            {"reason": ContactReason(reason).label, "entries": list(group)}
            for reason, group in groupby(page.rows, key=lambda entry: entry.reason)
        ],
        "tabs": _tabs(request, chosen),
        "is_closed": chosen == "closed",
        "gone": gone(_offers(page.rows), at=timezone.now()),
        "unfinished": unfinished,
        "channels": ContactChannel.choices,
        "outcomes": ContactOutcome.choices,
        "may_contact": access.may_contact(request.user),
        **page.links(lambda number: _url(chosen, number)),
    }
    return render(request, "clinic/contacts.html", context, status=unfinished.status if unfinished else 200)


def _chosen(request: HttpRequest, chosen: str) -> QuerySet[ContactEntry]:
    entries = (
        ContactEntry.objects.visible_to(request.user)
        .select_related("patient", "about__type", "about__practitioner", "asked_by", "closed_by")
        .select_related(*(f"offer__{each}" for each in _OFFERED))
        .prefetch_related(Prefetch("tries", ContactTry.objects.select_related("tried_by")))
    )
    if chosen == "closed":
        return entries.filter(closed_at__isnull=False).order_by("-closed_at", "pk")
    return (entries.filter(reason=chosen) if chosen else entries).open().by_reason()


def _offers(entries: list[ContactEntry]) -> list[WaitlistOffer]:
    """The offers that still wait for an answer."""
    return [each.offer for each in entries if each.is_open and hasattr(each, "offer")]


def _tabs(request: HttpRequest, chosen: str) -> list[dict[str, Any]]:
    """Every reason somebody is on the list for, with how many; the one looked at even when nobody is left."""
    open_entries = ContactEntry.objects.visible_to(request.user).open().order_by()
    counts = dict(open_entries.values_list("reason").annotate(Count("pk")))
    reasons = [each for each in ContactReason if each in counts or each == chosen]
    return [
        {"label": _("Everybody"), "url": _url("", 1), "count": sum(counts.values()), "current": not chosen},
        *(
            {
                "label": capfirst(each.label),
                "url": _url(each, 1),
                "count": counts.get(each, 0),
                "current": each == chosen,
            }
            for each in reasons
        ),
        {"label": _("Done"), "url": _url("closed", 1), "current": chosen == "closed", "count": None},
    ]


def _url(chosen: str, number: int) -> str:
    wanted = {**({"show": chosen} if chosen else {}), **({"page": number} if number > 1 else {})}
    return f"{reverse('clinic:contacts')}{'?' if wanted else ''}{urlencode(wanted)}"
