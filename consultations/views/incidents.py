"""The incident list: what was done outside the rules, and records called an error."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.enums import Role
from clinic.intervals import local_day
from clinic.models import User
from consultations import page_rows
from consultations.actions.records import record_of
from consultations.forms.records import PeriodForm
from consultations.models import Deviation, EnteredInError, PhotoRemoval
from consultations.rules import codes
from consultations.views.paging import pages
from consultations.views.records import page_of

PAGE = 25


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Deviations and errors of a period. Admins see what, who and when; practitioners also why, and the record."""
    user = request.user
    if not user.has_role(Role.PRACTITIONER, Role.ADMIN):
        raise Http404
    form = PeriodForm(request.GET or None)
    first, last = form.days
    sees_records = user.has_role(Role.PRACTITIONER)
    people = ("patient", "recorded_by", "session", "patch_test")
    deviations = Deviation.objects.visible_to(user).told_once()
    deviations = deviations.select_related(*people).order_by("-happened_at", "pk")
    errors = EnteredInError.objects.visible_to(user).order_by("-requested_at", "pk")
    deviations = pages(request, _within(deviations, "happened_at", first, last), name="deviations", size=PAGE)
    waiting = pages(request, errors.waiting(), name="waiting", size=PAGE)
    confirmed = errors.filter(confirmed_at__isnull=False)
    confirmed = pages(request, _within(confirmed, "requested_at", first, last), name="errors", size=PAGE)
    removals = PhotoRemoval.objects.visible_to(user).waiting().order_by("-removed_at", "pk")
    removals = removals.select_related("photo__patient", "removed_by")
    removals = pages(request, removals, name="photos", size=PAGE)
    context = {
        "form": form,
        "removals": removals.rows,
        "removal_pages": removals,
        "filtered": bool(first or last),
        "sees_records": sees_records,
        "deviations": [_deviation(each, sees_records) for each in deviations.rows],
        "deviation_pages": deviations,
        "waiting": [_error(each, sees_records, user) for each in _with_records(waiting.rows)],
        "waiting_pages": waiting,
        "confirmed": [_error(each, sees_records, user) for each in _with_records(confirmed.rows)],
        "confirmed_pages": confirmed,
    }
    return render(request, "consultations/incidents.html", context, status=422 if form.errors else 200)


def _within(rows: QuerySet, column: str, first: date | None, last: date | None) -> QuerySet:
    """Rows whose moment lies on the clinic's days from `first` to `last`, both included."""
    zone = timezone.get_default_timezone()
    if first:
        rows = rows.filter(**{f"{column}__gte": local_day(first, zone).starts_at})
    if last:
        rows = rows.filter(**{f"{column}__lt": local_day(last, zone).ends_at})
    return rows


def _with_records(errors: Sequence[EnteredInError]) -> list[EnteredInError]:
    """The same, with the record that each speaks of: joined to the list it would be planned anew for each page."""
    found = {each.pk: each for each in page_rows.ERRORS([each.pk for each in errors])}
    return [found[each.pk] for each in errors]


def _deviation(row: Deviation, sees_records: bool) -> dict[str, Any]:
    """What the list shows; the reason and the way in are clinical."""
    record = getattr(row, "session", None) or getattr(row, "patch_test", None)
    url = page_of(record) if record else reverse("consultations:plan", args=[row.plan_id])
    return {
        "at": row.happened_at,
        "patient": row.patient,
        "who": row.recorded_by,
        "missing": [codes.in_words(code) for code in row.codes],
        "reason": row.reason if sees_records else "",
        "findings": row.findings if sees_records else "",
        "url": url if sees_records else "",
    }


def _error(row: EnteredInError, sees_records: bool, user: User) -> dict[str, Any]:
    """Kind, date, who and reason; for practitioners the record."""
    record = record_of(row)
    return {
        "entry": row,
        "kind": record._meta.verbose_name,
        "patient": record.patient,
        "is_own": row.requested_by_id == user.pk,
        "url": page_of(record) if sees_records else "",
    }
