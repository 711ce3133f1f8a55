"""The list of adverse events of a period, how often what happened, and what several share."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.enums import Role
from clinic.intervals import local_day
from clinic.review import sheets
from consultations.forms.records import PeriodForm
from consultations.models import AdverseEvent, Session
from consultations.queries import policy_in_force
from consultations.rules import event_rates
from consultations.views.paging import pages

PAGE = 25
_MONTHS_SHOWN = timedelta(days=365)


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Practitioners only: clusters first, then the rates, then every event."""
    form = PeriodForm(request.GET or None)
    first, last = _period(request, form)
    found = pages(request, _events(request, first, last), name="events", size=PAGE)
    context = {
        "form": form,
        "first": first,
        "last": last,
        "clusters": _clusters(request),
        "rates": _rates(request, first, last),
        "events": found.rows,
        "event_pages": found,
        "query": request.GET.urlencode(),
    }
    return render(request, "consultations/events.html", context, status=422 if form.errors else 200)


@require_safe
def sheet(request: HttpRequest) -> StreamingHttpResponse:
    """The rates of the period as CSV; no patient stands in it."""
    first, last = _period(request, PeriodForm(request.GET or None))
    rows = _rows(_rates(request, first, last))
    response = StreamingHttpResponse(sheets.lines(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="events-{first}-{last}.csv"'
    return response


def _rows(found: list[event_rates.Rate]) -> Iterator[list[Any]]:
    yield [_("Reaction"), _("Patients"), _("Patients treated"), _("Per cent"), _("Highest grade")]
    for rate in found:
        yield [rate.reaction.name, rate.patients, rate.treated, rate.percent, rate.highest_grade]


def _period(request: HttpRequest, form: PeriodForm) -> tuple[date, date]:
    """The days asked for; without any the last year."""
    if not request.user.has_role(Role.PRACTITIONER):
        raise Http404
    first, last = form.days
    last = last or timezone.localdate()
    return first or last - _MONTHS_SHOWN, last


def _events(request: HttpRequest, first: date, last: date) -> QuerySet[AdverseEvent]:
    """Those that began in the period, as last told, the newest first."""
    found = _within(AdverseEvent.objects.visible_to(request.user).in_force(), "onset_at", first, last)
    return found.select_related("patient", "reaction", "session", "plan__indication").order_by(
        "-onset_at", "pk"
    )


def _rates(request: HttpRequest, first: date, last: date) -> list[event_rates.Rate]:
    """Of the patients treated in the period, those with an event after one of these sessions."""
    sessions = _within(Session.objects.visible_to(request.user).given(), "started_at", first, last)
    treated = sessions.order_by().values("patient").distinct().count()
    events = AdverseEvent.objects.visible_to(request.user).in_force().filter(session__in=sessions)
    return event_rates.rates(events.select_related("reaction"), treated=treated)


def _clusters(request: HttpRequest) -> list[event_rates.Cluster]:
    """Of now, whatever period is shown: events within the policy's days, and as long before them."""
    at = timezone.now()
    policy = policy_in_force(at)
    since = at - 2 * timedelta(days=policy.cluster_days)
    found = (
        AdverseEvent.objects.visible_to(request.user).in_force().filter(in_clusters=True, onset_at__gte=since)
    )
    rows = found.select_related("patient", "reaction", "practitioner", "device", "room")
    return event_rates.clusters(rows.prefetch_related("used_lots__lot__component"), policy=policy)


def _within(rows: Any, column: str, first: date, last: date) -> Any:
    """Rows whose moment lies on the clinic's days from `first` to `last`, both included."""
    zone = timezone.get_default_timezone()
    return rows.filter(
        **{f"{column}__gte": local_day(first, zone).starts_at, f"{column}__lt": local_day(last, zone).ends_at}
    )
