"""The diary of a day, who is waiting, and a practitioner's own day."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clinic import pace, readiness
from clinic.diary import (
    Card,
    Day,
    LaneKind,
    cards_of,
    lanes_of,
    mark_of,
    read_day,
    read_sheet,
    read_week,
    waiting_now,
)
from clinic.enums import AppointmentStatus, Pace, Role
from clinic.errors import NotAllowed
from clinic.fitting import fits_today
from clinic.forms.appointments import DayForm
from clinic.forms.diary import Show
from clinic.models import Appointment, User
from clinic.queries import patients_to_call
from clinic.rules import access
from clinic.views.privacy import hides_names
from clinic.views.shown import Shown
from clinic.views.steps import Step, next_steps
from clinic.views.undo import take_undo


@require_safe
def diary(request: HttpRequest) -> HttpResponse:
    """A day by practitioner (the default), by room and device, as a list, or a week of one of them.

    A wrong date shows today and says so.
    """
    at = timezone.now()
    shown = Shown.read(request, at)
    context = {
        **page_of(request, shown, at),
        "links": shown.links("clinic:diary"),
        "beside": shown.links("clinic:diary_calendar"),
        "is_calendar": False,
        "diary": _drawn(request, shown, at),
        "waiting": waiting_now(user=request.user, at=at, hides_names=hides_names(request)),
        "notices": _notices(request, at),
    }
    return render(request, "clinic/diary.html", context, status=422 if shown.form.errors else 200)


@require_safe
def sheet(request: HttpRequest) -> HttpResponse:
    """The day on paper: everybody's visits, or those of one practitioner, room or device (`of`)."""
    at = timezone.now()
    shown = Shown.read(request, at)
    found = read_sheet(
        [shown.day], user=request.user, at=at, lane=shown.lane, hides_names=hides_names(request)
    )
    context = {
        "shown": shown,
        "cards": found.cards,
        "called_off": found.called_off,
        "closed": found.closed,
        "printed_at": at,
        "lanes": lanes_of(*LaneKind),
        "back": f"{reverse('clinic:diary')}?{shown.query()}",
    }
    return render(request, "clinic/diary_sheet.html", context, status=422 if shown.form.errors else 200)


@pace.counts_as(Pace.BY_ITSELF)
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """The mark of the days on a screen, which asks every ten seconds and draws itself again when it is another one.

    It never touches the session: an unattended screen does not keep anybody signed in.
    """
    at = timezone.now()
    shown = Shown.read(request, at)
    return JsonResponse({"mark": mark_of(shown.days, at=at)}, status=422 if shown.form.errors else 200)


@pace.counts_as(Pace.BY_ITSELF)
@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """The list "Waiting now" alone. The page asks for it every half minute; it never touches the session, so that
    an unattended screen does not keep anybody signed in."""
    if not request.htmx:
        return redirect("clinic:diary")
    context = {
        "waiting": waiting_now(user=request.user, at=timezone.now(), hides_names=hides_names(request)),
        "may_book": access.may_book(request.user),
    }
    return render(request, "clinic/_waiting.html", context)


@require_safe
def my_day(request: HttpRequest) -> HttpResponse:
    """The practitioner's own visits of a day, each with the next sensible step.

    Raises:
        NotAllowed: for who is no practitioner.
    """
    if not request.user.has_role(Role.PRACTITIONER):
        raise NotAllowed(
            _("“My day” is for practitioners. The diary shows everybody's."), "my_day_not_allowed"
        )
    at = timezone.now()
    form = DayForm(request.GET)
    day = form.wanted or timezone.localdate(at)
    mark = mark_of([day], at=at)
    practitioner = getattr(request.user, "practitioner", None)
    cards = _own_cards(request, day, at) if practitioner else []
    waiting = waiting_now(user=request.user, at=at, hides_names=hides_names(request))
    context = {
        "day": day,
        "form": form,
        "links": _walk(day),
        "is_today": day == timezone.localdate(at),
        "mark": mark,
        "practitioner": practitioner,
        "rows": [
            {"card": card, "step": _main_step(card, at), "links": _links(request, card)} for card in cards
        ],
        "waiting": [each for each in waiting if each.card and each.card.visit.practitioner == practitioner],
        "notices": _notices(request, at),
        "may_book": True,
        "undo": take_undo(request),
    }
    return render(request, "clinic/my_day.html", context, status=422 if form.errors else 200)


def _notices(request: HttpRequest, at: datetime) -> list[readiness.Notice]:
    """What needs someone; a count of nothing needs nobody."""
    found = [*_desk_notices(request.user, at), *readiness.pathway().notices(user=request.user, at=at)]
    return [each for each in found if each.count]


def _desk_notices(user: User, at: datetime) -> list[readiness.Notice]:
    """The desk's own, for those who can do something about them."""
    if not access.may_contact(user):
        return []
    to_call, fitting = patients_to_call(user=user, at=at), len(fits_today(user=user, at=at))
    words = ngettext("patient to call", "patients to call", to_call)
    fit = ngettext(
        "on the waitlist fits today's free places", "on the waitlist fit today's free places", fitting
    )
    return [
        readiness.Notice(words, to_call, reverse("clinic:contacts"), "phone"),
        readiness.Notice(fit, fitting, f"{reverse('clinic:waitlist')}?show=today", "user-check"),
    ]


def page_of(request: HttpRequest, shown: Shown, at: datetime) -> dict[str, Any]:
    """What the pages of the diary and of the calendar both show. The mark is read first, before what it stands for."""
    return {
        "mark": mark_of(shown.days, at=at),
        "shown": shown,
        "day": shown.day,
        "form": shown.form,
        "is_today": shown.today in shown.days,
        "lanes": lanes_of(*LaneKind) if shown.is_week else [],
        "may_book": access.may_book(request.user),
        "undo": take_undo(request),
    }


def _drawn(request: HttpRequest, shown: Shown, at: datetime) -> Day:
    hidden = hides_names(request)
    if shown.is_week and shown.lane:
        return read_week(shown.day, lane=shown.lane, user=request.user, at=at, hides_names=hidden)
    things = shown.show == Show.ROOMS
    return read_day(shown.day, user=request.user, at=at, things=things, hides_names=hidden)


def _walk(day: date) -> dict[str, Any]:
    """The days before and after, for a page that has nothing else to choose."""
    url = reverse("clinic:my_day")
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    return {
        "action": url,
        "before": f"{url}?day={before}",
        "after": f"{url}?day={after}",
        "today": url,
        "kept": [],
    }


def _own_cards(request: HttpRequest, day: date, at: datetime) -> list[Card]:
    visits = Appointment.objects.visible_to(request.user).in_force(at).on_day(day).with_people()
    mine = visits.for_practitioner(request.user.practitioner).exclude(status=AppointmentStatus.CANCELLED)
    rows = list(mine.order_by("starts_at"))
    return cards_of(rows, user=request.user, at=at, hides_names=hides_names(request))


def _links(request: HttpRequest, card: Card) -> list[readiness.Link]:
    """Straight into the record, for who is here or being seen; one or two at a time."""
    if card.visit.status not in (AppointmentStatus.ARRIVED, AppointmentStatus.IN_PROGRESS):
        return []
    links = readiness.pathway().links(user=request.user, patient=card.visit.patient, appointment=card.visit)
    return [link for link in links if link.primary]


def _main_step(card: Card, at: datetime) -> Step | None:
    """The step that leads on: nothing is offered to undo from a list."""
    forward = [step for step in next_steps(card.visit, at=at) if step.slug in ("arrive", "start", "complete")]
    return forward[0] if forward else None
