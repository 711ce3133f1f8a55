"""Who opened whose emergency summary: the admins' list, and their review of each."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.actions import emergencies as actions
from clinic.errors import DomainError
from clinic.forms.emergencies import EmergencyReviewForm
from clinic.models import EmergencyOpening
from clinic.rules import emergencies as rules
from clinic.views.posted import one_page

PAGE = 25


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All of them, those that nobody has reviewed first."""
    rules.check_may_see_reviews(request.user)
    page = one_page(request, _all(request).waiting_first(), PAGE)
    links = page.links(lambda number: f"?page={number}")
    rows = [{"opening": each, "may_review": rules.may_review(request.user, each)} for each in page.rows]
    return render(request, "clinic/emergencies.html", {"openings": rows, **links})


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, opening_id: UUID) -> HttpResponse:
    """What happened then, and what was read; the admin writes down what they found."""
    rules.check_may_see_reviews(request.user)
    opening = get_object_or_404(_all(request), pk=opening_id)
    form = EmergencyReviewForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.review(opening=opening, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The review is on record."))
            return redirect("clinic:emergencies")
    readings = one_page(request, opening.readings.all(), PAGE)
    context = {
        "opening": opening,
        "may_review": rules.may_review(request.user, opening),
        "readings": readings.rows,
        **readings.links(lambda number: f"?page={number}"),
        "form": form,
    }
    return render(request, "clinic/emergency_review.html", context, status=422 if form.errors else 200)


def _all(request: HttpRequest) -> Any:
    rows = EmergencyOpening.objects.visible_to(request.user)
    return rows.select_related("patient", "opened_by", "reviewed_by")
