"""Outcomes: a patient's scores as drawings and tables; the cohort of a course, on the page and as a sheet."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clinic.models import Patient
from clinic.review import sheets
from consultations.forms.records import PeriodForm
from consultations.models import Plan, PlanTemplate
from consultations.outcomes import cohorts, scores
from consultations.outcomes.lines import lines_of
from consultations.outcomes.words import change_words, moments_words, responder_words, shown
from consultations.rules import authorship
from consultations.rules.doses import plain
from consultations.views import chart
from consultations.views.paging import pages

_PLANS, _COURSES, _ARMS = 5, 25, 10


@require_safe
def of_patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Every plan's scores against the baseline, the latest plan first."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_read(request.user)
    chart.opened(request, patient, at=timezone.now())
    plans = Plan.objects.visible_to(request.user).filter(patient=patient).order_by("-created_at")
    page = pages(
        request, plans.select_related("indication", "formula", "template"), name="plans", size=_PLANS
    )
    taken = scores.read(page.rows)
    context = chart.header(request, patient) | {
        "plans": [
            {"plan": plan, "lines": [shown(line) for line in lines_of(plan, taken)]} for plan in page.rows
        ],
        "page": page,
    }
    return render(request, "consultations/outcomes.html", context)


@require_safe
def courses(request: HttpRequest) -> HttpResponse:
    """The courses with plans, each with its cohort."""
    authorship.check_may_read(request.user)
    page = pages(request, cohorts.courses(request.user), name="courses", size=_COURSES)
    return render(request, "consultations/cohorts.html", {"page": page})


@require_safe
def cohort(request: HttpRequest, code: str) -> HttpResponse:
    """Measured, missing, mean and deviation, change and responders, review by review."""
    authorship.check_may_read(request.user)
    template = get_object_or_404(PlanTemplate.objects.current(), code=code)
    form = PeriodForm(request.GET or None)
    found = cohorts.read(template, user=request.user, on=timezone.localdate(), **_period(form))
    arms = pages(request, found.arms, name="formulas", size=_ARMS)
    sheet_url = reverse("consultations:cohort_sheet", args=[code])
    context = {
        "cohort": found,
        "form": form,
        "rows": [_summed(row) for row in found.rows],
        "arms": [
            {"formula": arm.formula, "patients": arm.patients, "rows": [_summed(row) for row in arm.rows]}
            for arm in arms.rows
        ],
        "arm_pages": arms,
        "responders": [responder_words(each) for each in found.thresholds],
        "sheet_url": f"{sheet_url}?{request.GET.urlencode()}" if request.GET else sheet_url,
    }
    return render(request, "consultations/cohort.html", context)


@require_safe
def cohort_sheet(request: HttpRequest, code: str) -> StreamingHttpResponse:
    """The cohort case by case, without names, as CSV."""
    authorship.check_may_read(request.user)
    template = get_object_or_404(PlanTemplate.objects.current(), code=code)
    period = _period(PeriodForm(request.GET or None))
    found = cohorts.read(template, user=request.user, on=timezone.localdate(), **period)
    response = StreamingHttpResponse(
        sheets.lines(cohorts.sheet(found)), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="cohort-{template.code}.csv"'
    return response


def _period(form: PeriodForm) -> dict[str, Any]:
    """From and to, both included; nonsense narrows nothing."""
    if not form.is_bound or not form.is_valid():
        return {}
    return {name: form.cleaned_data[name] for name in ("first", "last")}


def _summed(row: cohorts.CohortRow) -> dict[str, Any]:
    """One line of the cohort table."""
    found = row.summary
    percent = found.responder_percent
    return {
        "when": row.when,
        "scale": row.scale,
        "measured": found.measured,
        "missing": found.missing,
        "to_come": row.to_come,
        "before": moments_words(found.before),
        "now": moments_words(found.now),
        "change": change_words(found.change) if found.change else "–",
        "paired": found.paired,
        "responders": f"{found.responders} / {found.judged}" if found.judged else "–",
        "percent": f"{plain(percent.quantize(Decimal('0.1')))} %" if percent is not None else "",
    }
