"""What every page of the review asks for first: whether this person may, and which period they mean."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.forms.review import PeriodForm
from clinic.review import period as periods
from clinic.review.period import Period
from clinic.rules import access


def asked(request: HttpRequest) -> tuple[Period, PeriodForm]:
    """The period of the address, and the form that says what was wrong with two typed days (then it is this week).

    Raises Http404 for whoever may not review schedules.
    """
    if not access.may_review_schedules(request.user):
        raise Http404
    today = timezone.localdate()
    if "from" in request.GET or "until" in request.GET:
        form = PeriodForm(request.GET)
        if form.is_valid():
            return form.cleaned_data["period"], form
        return periods.containing(periods.WEEK, today), form
    period = periods.asked_for(request.GET, today=today)
    return period, PeriodForm(initial={"from": period.first, "until": period.last})


def page(
    request: HttpRequest, template: str, period: Period, form: PeriodForm, context: dict[str, Any]
) -> HttpResponse:
    """A page of the review: its own context, the period with its neighbours, and the way to the other pages."""
    context |= {
        "period": period,
        "earlier": period.shifted(-1),
        "later": period.shifted(1),
        "now_url": "" if _is_now(period) else f"?{_now(period).query}",
        "kinds": _kinds(period),
        "pages": _pages(request, period),
        "period_form": form,
        "own_only": not request.user.has_role(Role.ADMIN),
    }
    return render(request, template, context, status=422 if form.errors else 200)


def _now(period: Period) -> Period:
    kind = periods.WEEK if period.kind == periods.DAYS else period.kind
    return periods.containing(kind, timezone.localdate())


def _is_now(period: Period) -> bool:
    return period == _now(period)


def _kinds(period: Period) -> list[dict[str, Any]]:
    """The same days as a week, a month, a quarter."""
    labels = {periods.WEEK: _("Week"), periods.MONTH: _("Month"), periods.QUARTER: _("Quarter")}
    return [
        {"label": label, "url": f"?{period.as_kind(kind).query}", "current": period.kind == kind}
        for kind, label in labels.items()
    ]


def _pages(request: HttpRequest, period: Period) -> list[dict[str, Any]]:
    names = {
        "clinic:review": (_("Overview"), "layout-grid"),
        "clinic:review_use": (_("Use by hour"), "chart-bar"),
        "clinic:review_times": (_("Waiting and lead times"), "clock"),
    }
    return [
        {
            "label": label,
            "url": f"{reverse(name)}?{period.query}",
            "current": request.path == reverse(name),
            "icon": icon,
            "count": None,
        }
        for name, (label, icon) in names.items()
    ]
