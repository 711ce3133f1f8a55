"""Who changed what, from what to what."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from clinic import pace
from clinic.changes import Wanted, changes, kept_tables
from clinic.enums import Pace, Role
from clinic.models import Patient, User
from clinic.views.narrowing import by_number, chosen
from clinic.views.posted import Page, page_number
from clinic.views.privacy import hides_names

PAGE = 25


@pace.counts_as(Pace.PAGES)
@require_http_methods(["GET", "POST"])
def who_changed(request: HttpRequest) -> HttpResponse:
    """The changes of all rows, of one row, around one patient or by one member of staff, newest first. Admins only."""
    if not request.user.has_role(Role.ADMIN):
        raise Http404
    form, found = by_number(request, "clinic:who_changed")
    if found:
        return found
    patient = chosen(request, "patient", Patient.objects.visible_to(request.user))
    user = chosen(request, "user", User.objects.visible_to(request.user))
    kept, key = _row(request)
    table = kept._meta.db_table if kept else ""
    number = page_number(request)
    rows = changes(
        Wanted(table, key, patient and patient.pk, user and user.pk),
        reader=request.user,
        hides_names=hides_names(request),
        offset=(number - 1) * PAGE,
        limit=PAGE + 1,
    )
    page = Page(number, rows[:PAGE], len(rows) > PAGE)
    asked = {name: request.GET[name] for name in ("patient", "user", "table", "key") if name in request.GET}
    context = {
        "form": form,
        "patient": patient,
        "chosen_user": user,
        "kind": kept._meta.verbose_name if kept else "",
        "is_narrowed": bool(patient or user or kept),
        "changes": page.rows,
        **page.links(lambda number: f"?{urlencode(asked | {'page': number})}"),
    }
    return render(request, "clinic/review_who_changed.html", context, status=422 if form.errors else 200)


def address_of(row: models.Model) -> str:
    """Where the changes of this row are read; nothing where no history of such rows is kept."""
    table = row._meta.db_table
    if table not in kept_tables():
        return ""
    return f"{reverse('clinic:who_changed')}?{urlencode({'table': table, 'key': row.pk})}"


def _row(request: HttpRequest) -> tuple[type[models.Model] | None, Any]:
    """Kind and key of the row asked for. There need not be one any more: what was removed has a history as well."""
    if "table" not in request.GET:
        return None, None
    try:
        model = kept_tables()[request.GET["table"]].pgh_tracked_model
        key = model._meta.pk.to_python(request.GET.get("key", ""))
    except (KeyError, ValidationError) as error:
        raise Http404 from error
    if key is None or not (isinstance(key, UUID) or -(2**63) <= key < 2**63):
        raise Http404
    return model, str(key) if isinstance(key, UUID) else key
