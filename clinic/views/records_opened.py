"""Who opened, printed or exported whose record."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from clinic import pace, readiness
from clinic.enums import Pace, Role
from clinic.forms.review import ReadingForm
from clinic.models import Patient, RecordOpened, User
from clinic.views.narrowing import by_number, chosen
from clinic.views.posted import Page, one_page

PAGE = 25


@pace.counts_as(Pace.PAGES)
@require_http_methods(["GET", "POST"])
def records_opened(request: HttpRequest) -> HttpResponse:
    """Newest first; narrowed to one patient, to one member of staff, to some days. Admins only."""
    if not request.user.has_role(Role.ADMIN):
        raise Http404
    form, found = by_number(request, "clinic:records_opened")
    if found:
        return found
    patient = chosen(request, "patient", Patient.objects.visible_to(request.user))
    user = chosen(request, "user", User.objects.visible_to(request.user))
    narrowing = ReadingForm(request.GET if request.GET else None)
    page = _page(request, narrowing, patient=patient, user=user)
    kept = {name: value for name, value in request.GET.items() if value and name != "page"}
    context = {
        "form": form,
        "narrowing": narrowing,
        "patient": patient,
        "chosen_user": user,
        "is_narrowed": bool(kept),
        "entries": [{"row": row, "page": readiness.pathway().page_in_words(row.page)} for row in page.rows],
        **page.links(lambda number: f"?{urlencode(kept | {'page': number})}"),
    }
    refused = form.errors or (narrowing.is_bound and narrowing.errors)
    return render(request, "clinic/review_records_opened.html", context, status=422 if refused else 200)


def _page(request: HttpRequest, narrowing: ReadingForm, **whose: Any) -> Page:
    """What was asked for; nothing where the days make no sense."""
    log = RecordOpened.objects.visible_to(request.user).select_related(
        "user", "patient", "case_file", "emergency"
    )
    if patient := whose.pop("patient"):  # with what was opened while it was another record
        log = log.filter(
            patient__in=Patient.objects.visible_to(request.user).filter(
                Q(pk=patient.pk) | Q(merged_into=patient)
            )
        )
    log = log.filter(**{name: row for name, row in whose.items() if row})
    if narrowing.is_bound:
        days = narrowing.cleaned_data if narrowing.is_valid() else None
        log = log.on_days(days.get("from"), days.get("until")) if days is not None else log.none()
    return one_page(request, log, PAGE)
