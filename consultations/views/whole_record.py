"""A patient's whole record as a file: asks for whom and why, then sends it."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from clinic.models import Patient
from consultations.actions import whole_record as actions
from consultations.forms.whole_record import WholeRecordForm
from consultations.rules import authorship
from consultations.views.patients import header
from consultations.whole_record import archive


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest, patient_id: UUID) -> HttpResponseBase:
    """The file is made while it is sent; what went out, to whom and why stands in the log of readings."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_read(request.user)
    if patient.erased_at:
        return redirect("consultations:patient", patient.pk)
    if patient.merged_into_id:
        return redirect("consultations:whole_record", patient.merged_into_id)
    form = WholeRecordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _file(request, patient, form)
    context = header(patient, request.user) | {"form": form}
    return render(request, "consultations/whole_record.html", context, status=422 if form.errors else 200)


def _file(
    request: HttpRequest, patient: Patient, form: WholeRecordForm
) -> HttpResponse | StreamingHttpResponse:
    at = timezone.now()
    record, why = actions.hand_out(patient=patient, **form.cleaned_data, by=request.user, at=at)
    response = StreamingHttpResponse(archive.sent(record, why=why), content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{archive.name_of(patient, at)}"'
    return response
