"""Readings due and sessions overdue, for everybody who plans the days: who, what, since when; no findings."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clinic.enums import ContactReason
from clinic.models import ContactEntry
from clinic.rules import access
from clinic.views.posted import one_page, way_back
from clinic.views.privacy import called
from consultations.actions import calls
from consultations.views.paging import pages
from consultations.worklists import check_ins, follow_ups, late

PAGE = 30


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The list, the longest waiting first, and whom to call after a session; booking and calling are one click away for those who do."""
    at = timezone.now()
    rows = [*late.refused(user=request.user, at=at), *late.everything(at=at)]
    page = one_page(request, rows, PAGE)
    checks = pages(request, follow_ups.due(at=at), name="checks", size=PAGE)
    settling = pages(request, check_ins.to_settle(at=at), name="check_ins", size=PAGE)
    context = {
        "rows": page.rows,
        "check_ins": settling.rows,
        "check_in_pages": settling,
        "checks": checks.rows,
        "check_pages": checks,
        "called": _on_the_contact_list(request, page.rows),
        "may_book": access.may_book(request.user),
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "consultations/late.html", context)


@require_POST
def call(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """Put the patient of an overdue reading on the contact list."""
    access.check_may_contact(request.user)
    at = timezone.now()
    row = next((each for each in late.everything(at=at) if each.test == test_id), None)
    if row is None:
        raise Http404
    calls.ask(patient=row.patient, reason=ContactReason.OVERDUE_READING, who=row.who, by=request.user, at=at)
    words = _("%(name)s is on the list of patients to call.")
    messages.success(request, words % {"name": called(request, row.patient)})
    return redirect(way_back(request, request.POST) or "consultations:late")


def _on_the_contact_list(request: HttpRequest, rows: list[late.Late]) -> set[UUID]:
    """The patients somebody calls about their reading already."""
    entries = ContactEntry.objects.visible_to(request.user).open()
    asked = entries.filter(
        reason=ContactReason.OVERDUE_READING, patient__in=[each.patient.pk for each in rows if each.test]
    )
    return set(asked.values_list("patient", flat=True))
