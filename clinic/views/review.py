"""How the week is used, what is not ready, and who opened which record. Every figure leads to its list."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import availability, readiness
from clinic.enums import HOLDS_TIME, AppointmentStatus, Readiness, Role
from clinic.forms.base import FIRST_DAY, LAST_DAY
from clinic.forms.review import NumberForm
from clinic.intervals import Interval, local_day
from clinic.models import Appointment, Patient, Practitioner, RecordOpened, Room, User
from clinic.rules import access
from clinic.views.posted import page_number

PAGE = 25
_LISTS = {
    "visits": Q(status__in=sorted(HOLDS_TIME)),
    "no-shows": Q(status=AppointmentStatus.NO_SHOW),
    "late-cancellations": Q(status=AppointmentStatus.CANCELLED, cancelled_late=True),
}


@dataclass(frozen=True, slots=True)
class Week:
    """Monday to Sunday on the clinic's calendar."""

    monday: date

    @property
    def span(self) -> Interval:
        """From Monday's midnight to the next."""
        zone = timezone.get_default_timezone()
        first, last = local_day(self.monday, zone), local_day(self.sunday, zone)
        return Interval(first.starts_at, last.ends_at)

    @property
    def sunday(self) -> date:
        """Its last day."""
        return self.monday + timedelta(days=6)

    @property
    def number(self) -> str:
        """As addresses name it: 2026-W48."""
        year, week, _day = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    def shifted(self, weeks: int) -> "Week":
        """So many weeks later (or earlier)."""
        return Week(self.monday + timedelta(weeks=weeks))


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """One week: booked against open, no-shows, late cancellations; what is not ready on the next day with visits."""
    if not access.may_review_schedules(request.user):
        raise Http404
    week, now = _week(request), timezone.now()
    if request.GET.get("list") in _LISTS:
        return _list_page(request, week, request.GET["list"])
    rows = _usage(week, request.user, at=now)
    context = {
        "week": week,
        "earlier": week.shifted(-1),
        "later": week.shifted(1),
        "is_this_week": week == _week_of(timezone.localdate(now)),
        "figures": _figures(week, rows, request.user),
        "usage": rows,
        "own_only": not request.user.has_role(Role.ADMIN),
        "not_ready": _not_ready(request.user, at=now),
        "notices": readiness.pathway().notices(user=request.user, at=now),
    }
    return render(request, "clinic/review.html", context)


@require_http_methods(["GET", "POST"])
def records_opened(request: HttpRequest) -> HttpResponse:
    """Who opened whose record, newest first; narrowed to one patient or one member of staff. Admins only."""
    if not request.user.has_role(Role.ADMIN):
        raise Http404
    patients = Patient.objects.visible_to(request.user)
    form = NumberForm(request.POST or None)
    if form.is_valid():
        if found := patients.filter(number=form.cleaned_data["number"]).first():
            return redirect(f"{reverse('clinic:records_opened')}?{urlencode({'patient': found.pk})}")
        form.add_error("number", _("There is no patient with this number."))
    log = RecordOpened.objects.visible_to(request.user).select_related("user", "patient")
    patient = _chosen(request, "patient", patients)
    user = _reader(request, log)
    chosen = {name: each for name, each in (("patient", patient), ("user", user)) if each}
    page = page_number(request)
    rows = list(log.filter(**chosen)[(page - 1) * PAGE : page * PAGE + 1])
    filters = urlencode({name: each.pk for name, each in chosen.items()})
    context = {
        "form": form,
        "patient": patient,
        "chosen_user": user,
        "entries": rows[:PAGE],
        "newer_url": f"?{filters}&page={page - 1}" if page > 1 else "",
        "older_url": f"?{filters}&page={page + 1}" if len(rows) > PAGE else "",
    }
    return render(request, "clinic/review_records_opened.html", context, status=422 if form.errors else 200)


def _list_page(request: HttpRequest, week: Week, name: str) -> HttpResponse:
    """The visits behind a figure of the week."""
    page, of = page_number(request), _public_id(request, "of")
    visits = _in_week(week, request.user).filter(_LISTS[name]).with_people().order_by("starts_at", "pk")
    if of:
        visits = visits.filter(Q(practitioner=of) | Q(room=of) | Q(device=of))
    rows = list(visits[(page - 1) * PAGE : page * PAGE + 1])
    address = _list_url(week, name, of)
    context = {
        "week": week,
        "title": _list_titles()[name],
        "visits": rows[:PAGE],
        "newer_url": f"{address}&page={page - 1}" if page > 1 else "",
        "older_url": f"{address}&page={page + 1}" if len(rows) > PAGE else "",
    }
    return render(request, "clinic/review_list.html", context)


def _list_titles() -> dict[str, str]:
    return {"visits": _("Visits"), "no-shows": _("Did not come"), "late-cancellations": _("Cancelled late")}


def _scope(user: User) -> QuerySet[Appointment]:
    """Everybody's visits for admins, their own for practitioners (DESIGN 6)."""
    visits = Appointment.objects.visible_to(user)
    return visits if user.has_role(Role.ADMIN) else visits.filter(practitioner__user=user)


def _in_week(week: Week, user: User) -> QuerySet[Appointment]:
    span = week.span
    return _scope(user).filter(starts_at__gte=span.starts_at, starts_at__lt=span.ends_at)


def _usage(week: Week, user: User, *, at: datetime) -> list[dict[str, Any]]:
    """Practitioners, rooms and devices, each with hours booked against hours open."""
    everyone = user.has_role(Role.ADMIN)
    return [
        {
            "name": str(row.resource),
            "kind": _kind(row.resource),
            "open": row.open_minutes,
            "booked": row.booked_minutes,
            "open_words": _hours(row.open_minutes),
            "booked_words": _hours(row.booked_minutes),
            "share": round(100 * row.booked_minutes / row.open_minutes) if row.open_minutes else None,
            "url": _list_url(week, "visits", row.resource.pk),
        }
        for row in availability.usage(window=week.span, at=at)
        if everyone or (isinstance(row.resource, Practitioner) and row.resource.user_id == user.pk)
    ]


def _hours(minutes: int) -> str:
    return _("%(hours)d h %(minutes)02d") % {"hours": minutes // 60, "minutes": minutes % 60}


def _kind(resource: object) -> str:
    if isinstance(resource, Practitioner):
        return "practitioner"
    return "room" if isinstance(resource, Room) else "device"


def _figures(week: Week, usage: list[dict[str, Any]], user: User) -> list[dict[str, Any]]:
    """The week in four numbers, each beside last week's where that is counted; one query."""
    before = week.shifted(-1)
    now, then = (
        Q(starts_at__gte=each.span.starts_at, starts_at__lt=each.span.ends_at) for each in (week, before)
    )
    counts = (
        _scope(user)
        .filter(now | then)
        .aggregate(
            **{f"{name}_now": Count("pk", filter=kind & now) for name, kind in _LISTS.items()},
            **{f"{name}_then": Count("pk", filter=kind & then) for name, kind in _LISTS.items()},
        )
    )
    people = [row for row in usage if row["kind"] == "practitioner"]
    opened, booked = sum(row["open"] for row in people), sum(row["booked"] for row in people)
    share = {
        "label": _("Booked share"),
        "value": f"{round(100 * booked / opened)} %" if opened else "–",
        "before": None,
        "url": "#usage",
        "icon": "chart-bar",
    }
    icons = {
        "visits": "calendar-check",
        "no-shows": "user-exclamation",
        "late-cancellations": "calendar-cancel",
    }
    return [share] + [
        {
            "label": label,
            "value": counts[f"{name}_now"],
            "before": counts[f"{name}_then"],
            "url": _list_url(week, name),
            "icon": icons[name],
        }
        for name, label in _list_titles().items()
    ]


def _not_ready(user: User, *, at: datetime) -> dict[str, Any]:
    """The visits of the next day that has any which the pathway does not call clear, with what is missing."""
    tonight = local_day(timezone.localdate(at), timezone.get_default_timezone()).ends_at
    coming = _scope(user).upcoming(at).filter(starts_at__gte=tonight).order_by("starts_at")
    soonest = coming.values_list("starts_at", flat=True).first()
    if soonest is None:
        return {"day": None, "rows": [], "all": 0}
    day = timezone.localdate(soonest)
    visits = list(coming.on_day(day).with_people())
    badges = readiness.pathway().badges(visits, user=user, at=at)
    rows = [
        {"visit": visit, "badge": badges[visit.pk]}
        for visit in visits
        if badges[visit.pk].verdict.state != Readiness.CLEAR
    ]
    return {"day": day, "rows": rows, "all": len(visits)}


def _list_url(week: Week, name: str, of: UUID | None = None) -> str:
    query = {"week": week.number, "list": name, **({"of": of} if of else {})}
    return f"{reverse('clinic:review')}?{urlencode(query)}"


def _week(request: HttpRequest) -> Week:
    """The week asked for, or this one where that is nonsense."""
    this_week = _week_of(timezone.localdate())
    asked = re.fullmatch(r"([0-9]{4})-W([0-9]{2})", request.GET.get("week", ""))
    try:
        monday = date.fromisocalendar(int(asked[1]), int(asked[2]), 1) if asked else this_week.monday
    except ValueError:
        return this_week
    within = FIRST_DAY + timedelta(weeks=2) <= monday <= LAST_DAY - timedelta(weeks=2)
    return Week(monday) if within else this_week


def _week_of(day: date) -> Week:
    return Week(day - timedelta(days=day.weekday()))


def _public_id(request: HttpRequest, name: str) -> UUID | None:
    if name not in request.GET:
        return None
    try:
        return UUID(request.GET[name])
    except ValueError as error:
        raise Http404 from error


def _reader(request: HttpRequest, log: QuerySet[RecordOpened]) -> User | None:
    """The member of staff asked for, if they have opened anything."""
    key = _public_id(request, "user")
    return get_object_or_404(log.filter(user=key)[:1]).user if key else None


def _chosen(request: HttpRequest, name: str, rows: QuerySet[Any]) -> Any:
    key = _public_id(request, name)
    return get_object_or_404(rows, pk=key) if key else None
