"""The schedule review: the period in figures, the use of each hour, waiting and lead times. Every figure has its list."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clinic import readiness
from clinic.intervals import Interval
from clinic.models import Practitioner, User
from clinic.review import board, drawings, figures, lists, times, use
from clinic.review.lists import Narrowed
from clinic.review.period import Period
from clinic.views import review_heat, review_period

_COMPARED = 92  # days up to which the share of the period before is worked out as well
_ICONS = {lists.VISITS: "calendar-check", lists.NO_SHOWS: "user-exclamation", lists.LATE: "calendar-cancel"}


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """Booked, open and lost; the trend of visits, no-shows and late cancellations; what is not ready next."""
    period, form = review_period.asked(request)
    now = timezone.now()
    before = period.shifted(-1)
    compared = len(period.days) <= _COMPARED
    window = Interval(before.span.starts_at, period.span.ends_at) if compared else period.span
    uses = use.read(window, user=request.user, at=now)
    then = use.within(uses, before.span) if compared else []
    uses = use.within(uses, period.span)
    context = {
        "figures": [_share(uses, then), *_trends(period, request.user, now)],
        "usage": [_usage(each, period) for each in uses],
        "board": board.read(user=request.user, at=now),
        "notices": readiness.pathway().notices(user=request.user, at=now),
    }
    return review_period.page(request, "clinic/review.html", period, form, context)


@require_safe
def by_hour(request: HttpRequest) -> HttpResponse:
    """The heat map: whose time, by weekday and hour, as a drawing and as a table."""
    period, form = review_period.asked(request)
    chosen = review_heat.read(request, period)
    cells, said = (
        chosen.cells,
        [(chosen.cell_url(cell, period), review_heat.words(cell)) for cell in chosen.cells],
    )
    context = {
        "whose": chosen,
        "sheet_url": chosen.sheet_url(period),
        "drawing": drawings.heat(cells, said) if cells else None,
        "rows": review_heat.table(chosen, period),
        "weekdays": review_heat.weekdays(cells),
        "totals": _totals(chosen, period),
    }
    return review_period.page(request, "clinic/review_use.html", period, form, context)


@require_safe
def by_times(request: HttpRequest) -> HttpResponse:
    """Waiting, lateness, overrun, and how long before a visit was booked."""
    period, form = review_period.asked(request)
    names = {each.pk: each.name for each in Practitioner.objects.all()}
    steps, median = times.leads(period, user=request.user, at=timezone.now())
    every, *rows = times.times(period, user=request.user)
    lines = [_timed(row, period, names) for row in rows]
    context = {
        "every": _timed(every, period, names),
        "people": sorted((each for each in lines if each["of"]), key=lambda line: str(line["label"])),
        "weekdays": [each for each in lines if not each["of"]],
        "leads": [_lead(step, period) for step in steps],
        "lead_bars": drawings.bars([step.visits for step in steps], width=400, height=120, gap=6),
        "lead_median": median,
        "booked": sum(step.visits for step in steps),
    }
    return review_period.page(request, "clinic/review_times.html", period, form, context)


def _share(uses: list[use.Use], before: list[use.Use]) -> dict[str, Any]:
    """Booked of the practitioners' open time."""
    now, then = (_share_of(each) for each in (uses, before))
    return {
        "label": _("Booked share"),
        "value": "–" if now is None else f"{now} %",
        "before": None if then is None else f"{then} %",
        "url": "#usage",
        "icon": "chart-bar",
        "spark": [],
        "trend": "",
    }


def _share_of(uses: list[use.Use]) -> int | None:
    people = [each for each in uses if each.kind == use.PRACTITIONER]
    opened, booked = sum(len(each.opened) for each in people), sum(len(each.booked) for each in people)
    return round(100 * booked / opened) if opened else None


def _trends(period: Period, user: User, at: datetime) -> list[dict[str, Any]]:
    return [
        {
            "label": lists.TITLES[trend.kind],
            "value": trend.now,
            "before": trend.before,
            "url": lists.url(trend.kind, period),
            "icon": _ICONS[trend.kind],
            "spark": drawings.bars(trend.counts, width=96, height=24, gap=2),
            "trend": ", ".join(str(count) for count in trend.counts),
        }
        for trend in figures.trends(period, user=user, at=at)
    ]


def _usage(each: use.Use, period: Period) -> dict[str, Any]:
    """One line of the table: hours booked, open and lost."""
    opened, booked, lost = len(each.opened), len(each.booked), len(each.lost)
    return {
        "name": str(each.resource),
        "kind": each.kind,
        "open": opened,
        "booked": booked,
        "open_words": review_heat.hours(opened),
        "booked_words": review_heat.hours(booked),
        "lost_words": review_heat.hours(lost),
        "share": round(100 * booked / opened) if opened else None,
        "url": lists.url(lists.VISITS, period, Narrowed(of=each.resource.pk)),
        "lost_url": lists.url(lists.LOST, period, Narrowed(of=each.resource.pk)) if lost else "",
    }


def _totals(whose: review_heat.Whose, period: Period) -> list[tuple[str, str, str]]:
    """What the heat map adds up to, in hours, and the lists behind what was booked and lost."""
    uses, narrowed = whose.uses, Narrowed(of=whose.of.resource.pk if whose.of else None)
    opened = sum(len(each.opened) for each in uses)
    free = sum(len(each.opened - each.booked) for each in uses)
    booked, lost = sum(len(each.booked) for each in uses), sum(len(each.lost) for each in uses)
    return [
        (_("Open"), review_heat.hours(opened), ""),
        (_("Booked"), review_heat.hours(booked), lists.url(lists.VISITS, period, narrowed)),
        (_("Still free"), review_heat.hours(free), ""),
        (
            _("Lost: not come or cancelled late"),
            review_heat.hours(lost),
            lists.url(lists.LOST, period, narrowed),
        ),
    ]


def _timed(row: times.Times, period: Period, names: dict[Any, str]) -> dict[str, Any]:
    if row.practitioner:
        label = names.get(row.practitioner, "–")
    else:
        label = str(WEEKDAYS[row.weekday - 1]) if row.weekday else _("All")
    narrowed = Narrowed(of=row.practitioner, weekday=row.weekday)
    return {
        "label": label,
        "of": row.practitioner,
        "visits": row.visits,
        "spreads": [row.waited, row.late, row.overrun],
        "url": lists.url(lists.TIMED, period, narrowed),
    }


def _lead(step: times.Lead, period: Period) -> dict[str, Any]:
    return {
        "label": lead_words(step.step),
        "visits": step.visits,
        "url": lists.url(lists.VISITS, period, Narrowed(lead=step.step)),
    }


def lead_words(step: int) -> str:
    """A step of LEADS in words: "2–3 days"."""
    first, last = lists.LEADS[step]
    if last == 0:
        return _("the same day")
    if last is None:
        return _("%(days)d days or more") % {"days": first}
    if first == last:
        return ngettext("%(days)d day", "%(days)d days", first) % {"days": first}
    return _("%(first)d–%(last)d days") % {"first": first, "last": last}
