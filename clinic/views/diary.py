"""The diary of a day, who is waiting, and a practitioner's own day."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clinic import readiness
from clinic.diary import Card, cards_of, read_day, waiting_now
from clinic.enums import AppointmentStatus, Role
from clinic.errors import NotAllowed
from clinic.fitting import fits_today
from clinic.forms.appointments import DayForm
from clinic.models import Appointment, User
from clinic.queries import patients_to_call
from clinic.rules import access
from clinic.views.steps import Step, next_steps
from clinic.views.undo import take_undo


@require_safe
def diary(request: HttpRequest) -> HttpResponse:
    """One day by practitioner (the default), or as a list with ?show=list. A wrong date shows today and says so."""
    at = timezone.now()
    today = timezone.localdate(at)
    form = DayForm(request.GET)
    day = form.wanted or today
    context = {
        **_around(day),
        "form": form,
        "today": today,
        "as_list": request.GET.get("show") == "list",
        "diary": read_day(day, user=request.user, at=at),
        "waiting": waiting_now(user=request.user, at=at),
        "notices": _notices(request, at),
        "may_book": access.may_book(request.user),
        "undo": take_undo(request),
    }
    return render(request, "clinic/diary.html", context, status=422 if form.errors else 200)


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """The list "Waiting now" alone. The page asks for it every half minute; it never touches the session, so that
    an unattended screen does not keep anybody signed in."""
    if not request.htmx:
        return redirect("clinic:diary")
    context = {
        "waiting": waiting_now(user=request.user, at=timezone.now()),
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
    practitioner = getattr(request.user, "practitioner", None)
    cards = _own_cards(request, day, at) if practitioner else []
    waiting = waiting_now(user=request.user, at=at)
    context = {
        **_around(day),
        "form": form,
        "today": timezone.localdate(at),
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


def _around(day: date) -> dict[str, Any]:
    return {"day": day, "day_before": day - timedelta(days=1), "day_after": day + timedelta(days=1)}


def _own_cards(request: HttpRequest, day: date, at: datetime) -> list[Card]:
    visits = Appointment.objects.visible_to(request.user).in_force(at).on_day(day).with_people()
    mine = visits.for_practitioner(request.user.practitioner).exclude(status=AppointmentStatus.CANCELLED)
    return cards_of(list(mine.order_by("starts_at")), user=request.user, at=at)


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
