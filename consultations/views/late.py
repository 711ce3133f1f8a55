"""Readings due and sessions overdue, for everybody who plans the days: who, what, since when; no findings."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.rules import access
from clinic.views.posted import page_number
from consultations import worklists

PAGE = 30


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """The list, the longest waiting first; booking is one click away for those who book."""
    rows = worklists.late(at=timezone.now())
    number = page_number(request)
    shown = rows[(number - 1) * PAGE : number * PAGE]
    context = {
        "rows": shown,
        "may_book": access.may_book(request.user),
        "newer_url": f"?page={number - 1}" if number > 1 else "",
        "older_url": f"?page={number + 1}" if len(rows) > number * PAGE else "",
    }
    return render(request, "consultations/late.html", context)
