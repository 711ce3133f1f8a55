"""Walk-ins: somebody at the counter without an appointment. They are placed by booking."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import readiness
from clinic.actions import walk_ins
from clinic.errors import DomainError
from clinic.forms.walk_ins import WalkInForm
from clinic.models import Patient, WalkIn
from clinic.rules import access
from clinic.views.posted import id_in, way_back
from clinic.views.privacy import called


@require_http_methods(["GET", "POST"])
def note(request: HttpRequest) -> HttpResponse:
    """Put the posted patient on the waiting list; asks what they want where that was not said.

    Who it is is chosen on the patients page, so that no patient stands in an address.
    """
    if request.method == "GET":
        messages.info(request, _("Find the patient first, then choose “Walk-in”."))
        return redirect("clinic:patients")
    access.check_may_book(request.user)
    patients = Patient.objects.visible_to(request.user).current()
    patient = get_object_or_404(patients, pk=id_in(request.POST, "patient"))
    if "wants" not in request.POST:
        return _page(request, patient, WalkInForm())
    form = WalkInForm(request.POST)
    if not form.is_valid():
        return _page(request, patient, form, status=422)
    try:
        wants = form.cleaned_data["wants"]
        walk_ins.note(patient_id=patient.pk, wants=wants, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, patient, form, status=refusal.status)
    messages.success(request, _("%(name)s is waiting at the counter.") % {"name": called(request, patient)})
    return redirect(way_back(request, request.POST) or "clinic:diary")


@require_POST
def left(request: HttpRequest, walk_in_id: UUID) -> HttpResponse:
    """The walk-in went home without being placed."""
    access.check_may_book(request.user)
    walk_in = get_object_or_404(WalkIn.objects.visible_to(request.user), pk=walk_in_id)
    try:
        walk_ins.leave(walk_in=walk_in, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("Noted: %(name)s has left.") % {"name": called(request, walk_in.patient)})
    return redirect(way_back(request, request.POST) or "clinic:diary")


def _page(request: HttpRequest, patient: Patient, form: WalkInForm, *, status: int = 200) -> HttpResponse:
    context = {
        "patient": patient,
        "form": form,
        "warnings": readiness.pathway().warnings([patient], user=request.user).get(patient.pk, []),
        "next": way_back(request, request.POST),
    }
    return render(request, "clinic/walk_in.html", context, status=status)
