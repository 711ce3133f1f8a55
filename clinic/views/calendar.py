"""The calendar: the diary with a mouse. What it shows and does, the diary's own pages show and do as well."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.actions import booking
from clinic.chooser import Search, what_is
from clinic.diary import Sheet, feed_of, find_lane, mark_of, read_sheet
from clinic.enums import AppointmentStatus, Readiness
from clinic.errors import DomainError, NotCleared, SlotTaken
from clinic.forms.diary import Colour, DragForm, FreePlaceForm, Show
from clinic.intervals import to_address
from clinic.models import Appointment, ClinicSettings, User
from clinic.rules import access
from clinic.views.diary import page_of
from clinic.views.privacy import hides_names
from clinic.views.replanning import look_first
from clinic.views.shown import Shown
from clinic.views.undo import Was, offer_moving_back


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """A day by practitioner or by room and device, or a week of one of them; on a phone the same visits as a list."""
    at = timezone.now()
    shown = Shown.read(request, at)
    page = page_of(request, shown, at)
    found = _sheet(request, shown, at)
    context = {
        **page,
        "links": shown.links("clinic:diary_calendar"),
        "beside": shown.links("clinic:diary"),
        "is_calendar": True,
        "diary": found,
        "statuses": AppointmentStatus.values,
        "readinesses": Readiness.values,
        "settings": _settings(shown, at) | _feed(request, shown, found, page["mark"]),
    }
    return render(request, "clinic/calendar.html", context, status=422 if shown.form.errors else 200)


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """What the calendar shows, once more, as JSON. It never touches the session (see clinic.views.diary.changes)."""
    at = timezone.now()
    shown = Shown.read(request, at)
    mark = mark_of(shown.days, at=at)
    return JsonResponse(
        _feed(request, shown, _sheet(request, shown, at), mark), status=422 if shown.form.errors else 200
    )


@require_safe
def book(request: HttpRequest) -> HttpResponse:
    """From a free place to the booking page, with the practitioner and the time filled in."""
    access.check_may_book(request.user)
    form = FreePlaceForm(request.GET)
    if not form.is_valid():
        messages.error(request, " ".join(error for each in form.errors.values() for error in each))
        return redirect("clinic:diary_calendar")
    lane = find_lane(form.cleaned_data["lane"])
    query = {"starts_at": to_address(form.cleaned_data["starts_at"])}
    if lane and lane.is_person:
        query |= {"practitioner": str(lane.thing.pk)}
    return redirect(f"{reverse('clinic:book')}?{urlencode(query)}")


@require_POST
def move(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """A visit was dragged, or made longer or shorter. Refused in words (409, 422), or sent to the page for moving
    (`lead`) where the move concerns other visits, too."""
    visible = Appointment.objects.visible_to(request.user).with_people().select_related("pair")
    visit = get_object_or_404(visible, pk=appointment_id)
    before, form, at = Was.of(visit), DragForm(request.POST), timezone.now()
    try:
        access.check_may_book(request.user)
        to = _wanted(visit, form)
        if look := look_first(visit, to, at=at):
            return JsonResponse({"message": look.words, "lead": look.url}, status=409)
        moved = _moved(to, by=request.user, at=at)
    except DomainError as refusal:
        return JsonResponse(_said(refusal), status=refusal.status)
    offer_moving_back(request, [moved], [before])
    return JsonResponse({"moved": True})


def _sheet(request: HttpRequest, shown: Shown, at: datetime) -> Sheet:
    return read_sheet(
        shown.days,
        user=request.user,
        at=at,
        things=shown.show == Show.ROOMS,
        lane=shown.lane if shown.is_week else None,
        hides_names=hides_names(request),
    )


def _feed(request: HttpRequest, shown: Shown, found: Sheet, mark: str) -> dict[str, Any]:
    by_status = shown.colour == Colour.STATUS
    may_book = access.may_book(request.user)
    return {"mark": mark, **feed_of(found, may_book=may_book, by_status=by_status)}


def _wanted(visit: Appointment, form: DragForm) -> booking.Move:
    """Where it was dropped. In a practitioner's column it changes hands, in a room's or a device's its place.

    Raises:
        DomainError: a time that does not exist or comes twice, or a column that is none.
    """
    if not form.is_valid():
        sentences = [str(error) for each in form.errors.values() for error in each]
        raise DomainError(" ".join(sentences), "bad_drop")
    lane = find_lane(form.cleaned_data["lane"]) if form.cleaned_data["lane"] else None
    if form.cleaned_data["lane"] and (lane is None or not lane.thing.is_active):
        raise DomainError(_("Drop the visit in one of the columns that are shown."), "unknown_lane")
    place = {"practitioner": visit.practitioner, "room": visit.room, "device": visit.device}
    if lane:
        place[str(lane.kind)] = lane.thing
    return booking.Move(
        visit,
        form.cleaned_data["version"],
        starts_at=form.cleaned_data["starts_at"],
        minutes=form.cleaned_data["minutes"],
        **place,
    )


def _moved(to: booking.Move, *, by: User, at: datetime) -> Appointment:
    """As it was dropped; where only the room or the device is taken then, in another that suits."""
    visit = to.appointment
    try:
        return booking.move(to=to, by=by, at=at)
    except SlotTaken as refusal:
        stays = (to.room, to.device) == (visit.room, visit.device)
        if not stays or refusal.code not in ("room_taken", "device_taken"):
            raise
        what = what_is(visit, at=at)
        what = replace(what, type=what.type.lasting(to.minutes or visit.minutes))
        search = Search(what, visit.patient, at, practitioner=to.practitioner, ignoring=[visit])
        places = search.exact(to.starts_at)
        if not places:
            raise
    elsewhere = replace(to, room=places[0].first.room, device=places[0].first.device)
    return booking.move(to=elsewhere, by=by, at=at)


def _said(refusal: DomainError) -> dict[str, str]:
    """The refusal as one text, with everything that is missing."""
    conditions = refusal.conditions if isinstance(refusal, NotCleared) else ()
    words = dict.fromkeys([str(refusal), *(each.what for each in conditions)])
    return {"message": " ".join(words), "code": refusal.code}


def _settings(shown: Shown, at: datetime) -> dict[str, Any]:
    """What the calendar in the browser is told once. `offset` puts its now-line on the clinic's clock."""
    grid = ClinicSettings.current().grid_minutes
    return {
        "view": "timeGridWeek" if shown.is_week else "resourceTimeGridDay",
        "date": shown.day.isoformat(),
        "offset": timezone.localtime(at).isoformat()[-6:],
        "lane": shown.lane.key if shown.is_week and shown.lane else "",
        "grid": min(max(grid, 5), 30),
        "feed": f"{reverse('clinic:calendar_events')}?{shown.query()}",
        "book": reverse("clinic:calendar_book"),
    }
