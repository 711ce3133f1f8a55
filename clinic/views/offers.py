"""Offering a free time to somebody on the waitlist, and what they answer."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from clinic import readiness
from clinic.actions import offers
from clinic.actions.booking import Move
from clinic.chooser import Option, Search, What, known_to, resolve, what_is, whats
from clinic.errors import DomainError, SlotTaken
from clinic.fitting import gone, place_of
from clinic.forms.waitlist import OfferForm
from clinic.intervals import to_address
from clinic.models import Practitioner, WaitlistEntry, WaitlistOffer
from clinic.rules import access
from clinic.views.announced import booked_words
from clinic.views.posted import way_back
from clinic.views.privacy import called, visit_called
from clinic.views.replanning import Look, look_first


@require_POST
def offer(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """One click puts the patient on the contact list with this time."""
    access.check_may_book(request.user)
    entries = WaitlistEntry.objects.visible_to(request.user).select_related("patient", "type", "visit")
    entry, form = get_object_or_404(entries, pk=entry_id), OfferForm(request.POST)
    back = way_back(request, request.POST) or "clinic:contacts"
    if not form.is_valid():
        messages.error(request, _("Choose one of the times that are offered."))
        return redirect(back)
    try:
        (place,) = resolve([form.cleaned_data["choice"]])
        offers.offer(entry=entry, place=place, by=request.user, at=timezone.now())
    except SlotTaken:
        return _taken(request, entry, form.cleaned_data["choice"])
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect(back)
    messages.success(
        request,
        _("Call %(name)s: the offer is on the contact list.") % {"name": called(request, entry.patient)},
    )
    return redirect(back)


@require_POST
def accept(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """Books the time, or moves the visit there that was to be earlier; or says that it has just been taken and what is
    free instead. A move that concerns other visits is looked at first; the time is not kept meanwhile."""
    access.check_may_book(request.user)
    made, at = _visible(request, offer_id), timezone.now()
    try:
        if look := _look_first(made, at):
            messages.info(request, look.words)
            return redirect(look.url)
        visit = offers.accept(offer=made, by=request.user, at=at)
    except SlotTaken as refusal:
        if refusal.code == "busy":  # a lock was not had in time: nobody knows yet who gets it
            messages.error(request, refusal.message)
            return redirect(way_back(request, request.POST) or "clinic:waitlist")
        offers.let_go(offer=made, by=request.user, at=at)
        return _taken(request, made.entry, made)
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect(way_back(request, request.POST) or "clinic:waitlist")
    moved = _("Moved: %(visit)s.") % {"visit": visit_called(request, visit)}
    messages.success(request, moved if made.entry.moves else booked_words(request, visit))
    return redirect(f"{reverse('clinic:diary')}?day={timezone.localdate(visit.starts_at)}")


@require_POST
def decline(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """The patient goes on waiting."""
    access.check_may_book(request.user)
    made = _visible(request, offer_id)
    try:
        offers.decline(offer=made, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(
            request, _("Noted: %(name)s goes on waiting.") % {"name": called(request, made.entry.patient)}
        )
    return redirect(way_back(request, request.POST) or "clinic:waitlist")


def _visible(request: HttpRequest, offer_id: UUID) -> WaitlistOffer:
    return get_object_or_404(WaitlistOffer.objects.visible_to(request.user).with_people(), pk=offer_id)


def _look_first(made: WaitlistOffer, at: datetime) -> Look | None:
    """Where moving the visit concerns other visits, and the time can still be had."""
    visit = made.entry.moves
    if not made.is_open or visit is None or made.pk in gone([made], at=at):
        return None  # accepting says why not
    return look_first(visit, Move.to(visit, place_of(made)), at=at, told=True)


def _taken(request: HttpRequest, entry: WaitlistEntry, place: Any) -> HttpResponse:
    """Somebody else was faster: the next best times, each one click from being booked."""
    at = timezone.now()
    what, visit = _what(entry, at), entry.moves
    who = Practitioner.objects.filter(
        pk=getattr(place, "practitioner_id", None) or place.practitioner
    ).first()
    ignoring = [visit] if visit else []
    search = Search(
        what, entry.patient, at, practitioner=who, known=known_to(entry.patient), ignoring=ignoring
    )
    found = [
        option
        for option in search.alternatives(place.starts_at)
        if visit is None or option.first.starts_at < visit.starts_at
    ]
    context = {
        "patient": entry.patient,
        "warnings": readiness.pathway()
        .warnings([entry.patient], user=request.user)
        .get(entry.patient_id, []),
        "entry": entry,
        "starts_at": place.starts_at,
        "times": [{"place": option.first, "url": _booking_url(entry, what, option)} for option in found],
    }
    return render(request, "clinic/waitlist_taken.html", context, status=SlotTaken.status)


def _what(entry: WaitlistEntry, at: datetime) -> What:
    """What is waited for, as the booking panel or the page for moving names it."""
    if entry.moves:
        return what_is(entry.moves, at=at)
    key = f"{entry.type.code}:{entry.purpose}"
    named = What(key=key, type=entry.kind, label=entry.label, purpose=entry.purpose)
    return next((each for each in whats(entry.patient, at=at) if each.key == key), named)


def _booking_url(entry: WaitlistEntry, what: What, option: Option) -> str:
    """The booking panel, or the page for moving, with this very time chosen."""
    place = option.first
    query = {"practitioner": place.practitioner.pk, "starts_at": to_address(place.starts_at)}
    if entry.moves:
        return f"{reverse('clinic:appointment_move', args=[entry.moves.pk])}?{urlencode(query)}"
    query = {"what": what.key, **query}
    return f"{reverse('clinic:book_for', args=[entry.patient_id])}?{urlencode(query)}"
