"""The visits behind the review's figures, on pages and as CSV; and the heat map as CSV."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.models import Appointment
from clinic.review import lists, sheets, use
from clinic.review.lists import Narrowed
from clinic.review.period import Period
from clinic.views import review_heat, review_period
from clinic.views.posted import id_in, one_page
from clinic.views.review import lead_words

PAGE = 25
_AT_ONCE = 2000  # rows a sheet holds in memory


@require_safe
def visits(request: HttpRequest, name: str) -> HttpResponse:
    """One list of the period, a page at a time."""
    period, form = review_period.asked(request)
    narrowed = _narrowed(request, name)
    found = lists.visits(name, period, user=request.user, at=timezone.now(), narrowed=narrowed).with_people()
    page, address = one_page(request, found, PAGE), lists.url(name, period, narrowed)
    context = {
        "title": lists.TITLES[name],
        "narrowed": _words(narrowed),
        "whole_url": lists.url(name, period),
        "visits": [_line(visit, timed=name == lists.TIMED) for visit in page.rows],
        "sheet_url": _sheet_url(name, period, narrowed),
        **page.links(lambda number: f"{address}&page={number}"),
        "period": period,
    }
    return render(request, "clinic/review_list.html", context, status=422 if form.errors else 200)


@require_safe
def visits_sheet(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """The whole list as CSV."""
    period, _form = review_period.asked(request)
    narrowed = _narrowed(request, name)
    found = lists.visits(name, period, user=request.user, at=timezone.now(), narrowed=narrowed).with_people()
    return _sheet(sheets.of_visits(found.iterator(chunk_size=_AT_ONCE)), name, period)


@require_safe
def use_sheet(request: HttpRequest) -> StreamingHttpResponse:
    """The heat map as CSV."""
    period, _form = review_period.asked(request)
    whose = review_heat.read(request, period)
    names = {n + 1: str(label) for n, label in WEEKDAYS.items()}
    return _sheet(sheets.of_heat_map(whose.cells, names), "use", period)


def _sheet(rows: Any, name: str, period: Period) -> StreamingHttpResponse:
    response = StreamingHttpResponse(sheets.lines(rows), content_type="text/csv; charset=utf-8")
    file = f"{name}-{period.first}-{period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _narrowed(request: HttpRequest, name: str) -> Narrowed:
    """What the address narrows the list to; 404 for an unknown list or nonsense."""
    if name not in lists.KINDS:
        raise Http404
    return Narrowed(
        of=id_in(request.GET, "of") if "of" in request.GET else None,
        kind=_one_of(request, "kind", {use.PRACTITIONER, use.ROOM, use.DEVICE}),
        weekday=_number(request, "weekday", 1, 7),
        hour=_number(request, "hour", 0, 23),
        lead=_number(request, "lead", 0, len(lists.LEADS) - 1),
    )


def _number(request: HttpRequest, name: str, least: int, most: int) -> int | None:
    text = request.GET.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and least <= int(text) <= most):
        raise Http404
    return int(text)


def _one_of(request: HttpRequest, name: str, known: set[str]) -> str:
    text = request.GET.get(name, "")
    if text and text not in known:
        raise Http404
    return text


def _words(narrowed: Narrowed) -> list[str]:
    """How the list is narrowed, in words."""
    said = [str(WEEKDAYS[narrowed.weekday - 1])] if narrowed.weekday else []
    if narrowed.hour is not None:
        said.append(f"{narrowed.hour:02}:00–{narrowed.hour + 1:02}:00")
    if narrowed.lead is not None:
        said.append(_("booked %(lead)s before") % {"lead": lead_words(narrowed.lead)})
    if narrowed.of:
        said.append(_("one practitioner, room or device"))
    return said


def _line(visit: Appointment, *, timed: bool) -> dict[str, Any]:
    """A visit, and in the list of times what really happened, in minutes."""
    return {"visit": visit, "times": _times(visit) if timed else []}


def _times(visit: Appointment) -> list[tuple[str, int]]:
    planned = visit.practitioner_from - visit.starts_at
    waited = max(0, round((visit.started_at - visit.arrived_at - planned).total_seconds() / 60))
    late = round((visit.started_at - visit.practitioner_from).total_seconds() / 60)
    found = [(_("waited"), waited), (_("late"), late)]
    if visit.ended_at:
        took = (visit.ended_at - visit.started_at) - (visit.ends_at - visit.practitioner_from)
        found.append((_("over"), round(took.total_seconds() / 60)))
    return found


def _sheet_url(name: str, period: Period, narrowed: Narrowed) -> str:
    asked = urlencode({**period.asked, **narrowed.asked})
    return f"{reverse('clinic:review_list_sheet', args=[name])}?{asked}"
