"""Reports from the desk: taken down by whoever answers, looked at by a practitioner."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from clinic.models import Appointment, Patient
from consultations.actions import adverse_events
from consultations.enums import TriageOutcome
from consultations.forms.reports import RED_FLAGS, ReportForm, TriageForm
from consultations.models import AdverseEvent, ClinicalReport, Plan
from consultations.rules import authorship
from consultations.views import chart
from consultations.views.event_origin import record_url
from consultations.worklists.reports import report_waiting_since


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The caller's words; then what happens now. Earlier reports are not shown, only that one waits."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_take_report(request.user)
    if request.method == "POST":
        return _take(request, patient)
    if request.GET.get("taken") and report_waiting_since(patient):
        context = {"is_red": request.GET["taken"] == "red", **chart.header(request, patient)}
        return render(request, "consultations/report_taken.html", context)
    initial = {"call_back": patient.phone or patient.representative_phone}
    return _form_page(request, patient, ReportForm(initial=initial))


def _take(request: HttpRequest, patient: Patient) -> HttpResponse:
    form = ReportForm(request.POST)
    if not form.is_valid():
        return _form_page(request, patient, form, status=422)
    try:
        entry = adverse_events.report(
            patient=patient, **form.cleaned_data, by=request.user, at=timezone.now()
        )
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _form_page(request, patient, form, status=refusal.status)
    taken = "red" if entry.red_flag else "yes"
    return redirect(f"{reverse('consultations:report_new', args=[patient.pk])}?taken={taken}")


def _form_page(
    request: HttpRequest, patient: Patient, form: ReportForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "signs": RED_FLAGS,
        "waiting_since": report_waiting_since(patient),
        "at": timezone.now(),
        **chart.header(request, patient),
    }
    return render(request, "consultations/report_new.html", context, status=status)


@require_http_methods(["GET", "POST"])
def triage(request: HttpRequest, report_id: UUID) -> HttpResponse:
    """What the caller said, and what comes of it. Holding and stopping ask once more, with what they change."""
    reports = ClinicalReport.objects.visible_to(request.user)
    entry = get_object_or_404(reports.select_related("patient", "reported_by", "triaged_by"), pk=report_id)
    at = timezone.now()
    chart.opened(request, entry.patient, at=at)
    if request.method == "GET":
        return _triage_page(request, entry, TriageForm(), at=at)
    form = TriageForm(request.POST)
    if not form.is_valid() or "again" in request.POST:
        return _triage_page(request, entry, form, at=at, status=422 if form.errors else 200)
    data = form.cleaned_data
    outcome = TriageOutcome(data["outcome"])
    try:
        adverse_events.check_triage(entry=entry, outcome=outcome, note=data["note"])
        changed = _concerned(request, entry, outcome)
        if changed and "sure" not in request.POST:
            return _question(request, entry, outcome, changed, note=data["note"], at=at)
        adverse_events.triage(entry=entry, outcome=outcome, note=data["note"], by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        entry.refresh_from_db()
        return _triage_page(request, entry, form, at=at, status=refusal.status)
    messages.success(request, _("The report has been looked at: %(outcome)s.") % {"outcome": outcome.label})
    return redirect(f"{reverse('consultations:worklists')}#reports")


def _concerned(request: HttpRequest, entry: ClinicalReport, outcome: TriageOutcome) -> list[Plan]:
    """The plans this outcome would change."""
    statuses = adverse_events.CONCERNS.get(outcome, ())
    plans = Plan.objects.visible_to(request.user).filter(patient=entry.patient, status__in=statuses)
    return list(plans.select_related("indication", "formula", "technique"))


def _booked(request: HttpRequest, entry: ClinicalReport, *, at: datetime) -> list[Appointment]:
    """Clinical visits on the books, which holding or stopping keeps from starting."""
    visits = Appointment.objects.visible_to(request.user).upcoming(at).filter(patient=entry.patient)
    return list(visits.exclude(purpose="").with_people().order_by("starts_at"))


def _triage_page(
    request: HttpRequest, entry: ClinicalReport, form: TriageForm, *, at: datetime, status: int = 200
) -> HttpResponse:
    plans = Plan.objects.visible_to(request.user).open().filter(patient=entry.patient)
    context = {
        "report": entry,
        "form": form,
        "plans": plans.select_related("indication", "formula", "technique"),
        "booked": _booked(request, entry, at=at),
        "events": AdverseEvent.objects.visible_to(request.user)
        .in_force()
        .filter(report=entry)
        .select_related("reaction"),
        "record_url": record_url(entry),
        "may_record": authorship.may_record(request.user),
        **chart.header(request, entry.patient),
    }
    return render(request, "consultations/report_triage.html", context, status=status)


def _question(
    request: HttpRequest,
    entry: ClinicalReport,
    outcome: TriageOutcome,
    plans: list[Plan],
    *,
    note: str,
    at: datetime,
) -> HttpResponse:
    context: dict[str, Any] = {
        "report": entry,
        "plans": plans,
        "booked": _booked(request, entry, at=at),
        "stops": outcome == TriageOutcome.STOP,
        "note": note,
        "fields": [
            {"name": "outcome", "value": outcome.value},
            {"name": "note", "value": note},
            {"name": "sure", "value": "yes"},
        ],
        **chart.header(request, entry.patient),
    }
    return render(request, "consultations/report_confirm.html", context)
