"""What waits for a practitioner, each with its one next action."""

from collections.abc import Callable
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.enums import Role
from consultations.views import incidents as _incidents
from consultations.views.sections import check_ins, events, follow_ups, readings, records, reports, sessions
from consultations.views.sections.page import Section

# The most pressing first. A new list is a line here and a function of views/sections.
SECTIONS: tuple[Callable[[HttpRequest, datetime], Section], ...] = (
    reports.to_look_at,
    check_ins.to_review,
    events.to_review,
    readings.due,
    readings.read_lately,
    readings.to_look_at_again,
    follow_ups.due,
    records.drafts,
    reports.allergies,
    sessions.late,
    sessions.to_release_now,
)

incidents = _incidents.show


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Reports, readings, checks, unsigned records, allergies, late sessions, times to release. Practitioners only."""
    if not request.user.has_role(Role.PRACTITIONER):
        raise Http404
    at = timezone.now()
    sections = [section(request, at) for section in SECTIONS]
    return render(request, "consultations/worklists.html", {"sections": sections})
