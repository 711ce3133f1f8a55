"""The emergency summary: asked for in one sentence, read for an hour, closed by itself."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import pace
from clinic.actions import emergencies as actions
from clinic.errors import DomainError
from clinic.forms.emergencies import EmergencyForm
from clinic.models import ClinicSettings, EmergencyOpening, Patient
from clinic.rules import emergencies as rules
from clinic.views import reading
from consultations import emergency_summary
from consultations.views.patients import header


@pace.never_stopped
@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What has happened; who has said so within the hour goes straight to the summary."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    rules.check_may_open(request.user)
    if patient.erased_at:
        return redirect("consultations:patient", patient.pk)
    if patient.merged_into_id:
        return redirect("consultations:emergency", patient.merged_into_id)
    at = timezone.now()
    own = EmergencyOpening.objects.visible_to(request.user).readable_by(request.user, at)
    running = own.filter(patient=patient).first()
    if running:
        return redirect("consultations:emergency_summary", running.pk)
    form = EmergencyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            opening = actions.open_summary(patient=patient, **form.cleaned_data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            return redirect("consultations:emergency_summary", opening.pk)
    minutes = ClinicSettings.current().emergency_minutes
    context = header(patient, request.user) | {"form": form, "minutes": minutes}
    return render(request, "consultations/emergency.html", context, status=422 if form.errors else 200)


@pace.never_stopped
@require_safe
def summary(request: HttpRequest, opening_id: UUID) -> HttpResponse:
    """Allergies, medicines, what was injected last and from which lots. Afterwards it says that it is over."""
    at, own = timezone.now(), EmergencyOpening.objects.visible_to(request.user).filter(opened_by=request.user)
    opening = get_object_or_404(own, pk=opening_id)
    rules.check_may_open(request.user)
    if not own.readable_by(request.user, at).filter(pk=opening.pk).exists():
        messages.info(request, _("The summary has closed. Say why it is needed again."))
        return redirect("consultations:emergency", opening.patient_id)
    patient = Patient.objects.visible_to(request.user).get(pk=opening.patient_id)
    if patient.merged_into_id:  # since it was opened: what warns stands at the survivor now
        return redirect("consultations:emergency", patient.merged_into_id)
    reading.opened(request, patient, "consultations:emergency_summary", at=at, emergency=opening.pk)
    context = header(patient, request.user) | {
        "opening": opening,
        "summary": emergency_summary.of(opening),
    }
    answer = render(request, "consultations/emergency_summary.html", context)
    # The page asks again when its time is over, so that nothing of it stays on the screen. The heading says until when.
    answer["Refresh"] = str(int((opening.ends_at - at).total_seconds()) + 1)
    return answer
