"""Public holidays of the clinic's country: looked up, shown, and closed only where somebody says so."""

from datetime import date, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.views.decorators.http import require_http_methods

from clinic.actions import opening
from clinic.errors import DomainError
from clinic.forms.holidays import HolidaysForm, YearForm
from clinic.models import Appointment, ClinicSettings, ClosedDay
from clinic.public_holidays import UnknownCountry, holidays_of, regions_of
from clinic.rules import access

_ENTERED_AHEAD = timedelta(days=61)


@require_http_methods(["GET", "POST"])
def holidays(request: HttpRequest) -> HttpResponse:
    """A year's holidays to choose from; the chosen ones become closed days, all or none."""
    access.check_may_change_opening(request.user, None)
    now = timezone.now()
    context = _looked_up(request, today=timezone.localdate(now))
    if request.method == "GET":
        form = HolidaysForm(offered=context["offered"])
        return _page(request, form, context, status=422 if context["asked"].errors else 200)
    form = HolidaysForm(request.POST, offered=context["offered"])
    if not form.is_valid():
        return _page(request, form, context, status=422)
    try:
        closed = opening.close_days(days=form.chosen, by=request.user, at=now)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, form, context, status=refusal.status)
    _tell(request, closed, now)
    return redirect("clinic:opening")


def _looked_up(request: HttpRequest, *, today: date) -> dict[str, Any]:
    """The holidays of the year and the region asked for; `offered` are those to come that are not closed yet.

    Without a year it is this one, or from November on the next: that is when next year's days are entered.
    """
    country, begin = ClinicSettings.current().country, (today + _ENTERED_AHEAD).year
    asked = YearForm({"year": begin, **request.GET.dict()}, regions=regions_of(country))
    asked.full_clean()
    year = asked.cleaned_data.get("year") or begin
    known = _known(country, year, asked.cleaned_data.get("region") or "")
    days = ClosedDay.objects.visible_to(request.user).filter(day__year=year)
    closed = {each.day: each for each in days}
    offered = {day: name for day, name in (known or {}).items() if day >= today and day not in closed}
    return {
        "asked": asked,
        "year": year,
        "country": country,
        "is_known": known is not None,
        "offered": offered,
        "closed": list(closed.values()),
    }


def _page(request: HttpRequest, form: HolidaysForm, context: dict[str, Any], *, status: int) -> HttpResponse:
    return render(request, "clinic/opening_holidays.html", {**context, "form": form}, status=status)


def _known(country: str, year: int, region: str) -> dict[date, str] | None:
    """Day and name; None for a country nobody knows holidays of."""
    try:
        return dict(holidays_of(country, year, region=region, language=get_language() or ""))
    except UnknownCountry:
        return None


def _tell(request: HttpRequest, closed: list[ClosedDay], at: datetime) -> None:
    """How many days were closed, and how many visits are still booked on them."""
    words = ngettext("Closed on %(count)d day.", "Closed on %(count)d days.", len(closed))
    messages.success(request, words % {"count": len(closed)})
    expected = Appointment.objects.visible_to(request.user).expected(at)
    booked = sum(expected.on_day(each.day).count() for each in closed)
    if booked:
        still = ngettext(
            "%(count)d visit is still booked on these days; see “Visits outside opening time”.",
            "%(count)d visits are still booked on these days; see “Visits outside opening time”.",
            booked,
        )
        messages.warning(request, still % {"count": booked})
