"""The consultation: begun, written on one page, signed; afterwards read, added to, or called an error."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.errors import DomainError, Stale
from clinic.models import Appointment, Patient, User
from consultations.actions import consultations as actions
from consultations.enums import Answer
from consultations.forms.consultations import ConsultationForm
from consultations.models import Consultation
from consultations.outcomes.words import goals_in_words
from consultations.queries import visit_in_progress
from consultations.rules import authorship
from consultations.views import chart

_PARTS = (
    "patient",
    "practitioner__user",
    "indication",
    "leaflet",
    "signed_by",
    "entered_in_error",
    "plan",
    "evidence_discussed",
)


@require_POST
def begin(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Begin a draft for the patient, in the visit in progress if there is one; one's own open draft is opened again."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_record(request.user)
    visit = visit_in_progress(patient)
    draft = _own_drafts(request.user).filter(patient=patient, appointment=visit).first()
    if draft:
        messages.info(request, _("You have begun this consultation already. Here it is."))
        return redirect("consultations:consultation", draft.pk)
    return _begun(request, patient, visit)


@require_http_methods(["GET", "POST"])
def of_visit(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The consultation of a visit: the one there is, or a new draft once somebody says so."""
    visits = Appointment.objects.visible_to(request.user).with_people()
    visit = get_object_or_404(visits, pk=appointment_id)
    authorship.check_may_record(request.user)
    there = Consultation.objects.visible_to(request.user).filter(appointment=visit, entered_in_error=None)
    if found := there.order_by("signed_at").last() if request.method == "GET" else there.drafts().first():
        return redirect("consultations:consultation", found.pk)
    if request.method == "POST":
        return _begun(request, visit.patient, visit)
    page = reverse("consultations:patient", args=[visit.patient_id])
    context = {"visit": visit, "patient_page": page, **chart.header(request, visit.patient)}
    return render(request, "consultations/consultation_begin.html", context)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, consultation_id: UUID) -> HttpResponse:
    """One's own draft as a form; anything else as it is on record."""
    rows = Consultation.objects.visible_to(request.user).select_related(*_PARTS)
    row = get_object_or_404(rows, pk=consultation_id)
    at = timezone.now()
    if request.method == "POST":
        return _save(request, row, at=at)
    chart.opened(request, row.patient, at=at)
    if authorship.may_edit(row, request.user):
        return _draft_page(request, row, ConsultationForm.of(row))
    return _record_page(request, row, at=at)


def _own_drafts(user: User) -> Any:
    return Consultation.objects.visible_to(user).drafts().filter(practitioner__user=user)


def _begun(request: HttpRequest, patient: Patient, visit: Appointment | None) -> HttpResponse:
    draft = actions.begin(patient=patient, appointment=visit, by=request.user, at=timezone.now())
    return redirect("consultations:consultation", draft.pk)


def _save(request: HttpRequest, row: Consultation, *, at: datetime) -> HttpResponse:
    """Save, and sign if asked to. A signature that is refused leaves the draft saved and the page as it was typed."""
    form = ConsultationForm(request.POST)
    if form.wants_redrawing:
        return _draft_page(request, row, form.redrawn())
    if not form.is_valid():
        return _draft_page(request, row, form, status=422)
    try:
        _act(request, row, form, at=at)
    except Stale as refusal:
        row = Consultation.objects.visible_to(request.user).select_related(*_PARTS).get(pk=row.pk)
        changes = form.differences(ConsultationForm.of(row))
        form.add_domain_error(refusal)
        form.build_on(row.version)
        return _draft_page(request, row, form, changes=changes, status=refusal.status)
    except DomainError as refusal:
        return _refused_page(request, row, form, refusal)
    signed = "sign" in request.POST
    messages.success(request, _("Signed.") if signed else _("Draft saved."))
    return redirect("consultations:consultation", row.pk)


def _refused_page(
    request: HttpRequest, row: Consultation, form: ConsultationForm, refusal: DomainError
) -> HttpResponse:
    """What was typed, with the refusal; where the draft was saved and only the signature refused, with all it lacks."""
    before = row.version
    row.refresh_from_db()
    form.build_on(row.version)
    saved = row.version != before and refusal.status == 422
    lacking = actions.open_points(consultation=row, proposal=form.agreed) if saved else []
    for each in lacking or [refusal]:
        form.add_domain_error(each)
    return _draft_page(request, row, form, saved=saved, status=refusal.status)


def _act(request: HttpRequest, row: Consultation, form: ConsultationForm, *, at: datetime) -> None:
    data = form.cleaned_data
    saved = actions.save(
        consultation=row,
        details=form.details,
        replies=form.replies,
        risks=list(data["risks"]),
        proposal=form.proposal,
        aims=form.goal_rows.aims,
        version=data["version"],
        by=request.user,
        at=at,
    )
    if "sign" in request.POST:
        actions.sign(consultation=saved, proposal=form.agreed, version=saved.version, by=request.user, at=at)


def _draft_page(
    request: HttpRequest,
    row: Consultation,
    form: ConsultationForm,
    *,
    changes: list[dict[str, str]] | None = None,
    saved: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "consultation": row,
        "form": form,
        "groups": list(form.groups),
        "asked": len(form.questions),
        "changes": changes or [],
        "refused": _("The draft is saved. It is not signed yet, because:") if saved else "",
        **chart.header(request, row.patient),
    }
    return render(request, "consultations/consultation.html", context, status=status)


def _record_page(request: HttpRequest, row: Consultation, *, at: datetime) -> HttpResponse:
    """What is on record: signed, or a colleague's draft that may be taken over by name."""
    answers = list(row.answers.select_related("question"))
    plan = getattr(row, "plan", None)
    may_write = authorship.may_record(request.user)
    error = getattr(row, "entered_in_error", None)
    context = {
        "consultation": row,
        "discussed": _discussed(row),
        "risks": list(row.discussed_risks.all()),
        "evidence": getattr(row, "evidence_discussed", None),
        "goals": goals_in_words(row.scored_goals.select_related("scale")),
        "present": [each for each in answers if each.answer != Answer.NO],
        "denied": [each for each in answers if each.answer == Answer.NO],
        "plan": plan,
        "next": chart.next_step(plan, at=at) if plan and row.is_signed and not error else None,
        "error": error,
        "addenda": list(row.addenda.select_related("written_by")),
        "confirmations": _confirmations(row),
        "may_write": may_write,
        **chart.header(request, row.patient),
    }
    return render(request, "consultations/consultation_record.html", context)


def _discussed(row: Consultation) -> list[dict[str, Any]]:
    """What was talked about, tick by tick."""
    return [
        {"label": field.label, "done": getattr(row, name)}
        for name, field in ConsultationForm.base_fields.items()
        if name.startswith("discussed_")
    ]


def _confirmations(row: Consultation) -> list[dict[str, Any]]:
    """When it was confirmed since, each with the error it was called."""
    rows = row.confirmations.select_related("confirmed_by", "entered_in_error")
    return [{"row": each, "error": getattr(each, "entered_in_error", None)} for each in rows]
