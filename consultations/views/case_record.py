"""The record that a case file opens to its owner: read only, as it stood."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.models import CaseFile
from clinic.views import reading
from clinic.views.posted import Page, page_number
from consultations.as_it_stood import record
from consultations.views.patients import header

PAGE = 25


@require_safe
def show(request: HttpRequest, case_file_id: UUID) -> HttpResponse:
    """Looked at anew on every request: who is not the owner, or comes after the end, is told that there is no such page."""
    at, number = timezone.now(), page_number(request)
    readable = CaseFile.objects.visible_to(request.user).readable_by(request.user, at).with_end()
    case_file = get_object_or_404(readable, pk=case_file_id)
    rows = record.entries(case_file, offset=(number - 1) * PAGE, limit=PAGE + 1)
    page = Page(number, rows[:PAGE], len(rows) > PAGE)
    reading.opened(request, case_file.patient, "consultations:case_record", at=at, case_file=case_file.pk)
    context = header(case_file.patient, request.user) | {
        "case_file": case_file,
        "beside": record.beside(case_file),
        "entries": page.rows,
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "consultations/case_record.html", context)
