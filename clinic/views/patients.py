"""Finding, registering and correcting patients. Names and search words are posted, never part of an address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import pace, readiness
from clinic.actions import people
from clinic.enums import Pace
from clinic.errors import DomainError, Stale
from clinic.finding import find_patients
from clinic.forms.patients import FindForm, PatientEditForm, PatientForm, facts, first_guess
from clinic.models import Appointment, Patient, User
from clinic.queries import likely_duplicates
from clinic.rules import access
from clinic.views.posted import id_in, way_back

PAGE = 20
_NEWEST = 10  # how many of the latest records are looked at for those registered today


@pace.counts_as(Pace.PAGES)
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """Search by any part of number, names, phone, e-mail or birth date; without a search, today's patients."""
    form = FindForm(request.POST or None)
    wanted, page = (form.cleaned_data["q"], form.cleaned_data["page"]) if form.is_valid() else ("", 1)
    offset = (page - 1) * PAGE
    if wanted:
        rows = find_patients(wanted, user=request.user, start=offset, count=PAGE + 1)
    else:
        rows = (
            []
            if form.errors
            else _patients_of_today(request.user, at=timezone.now())[offset : offset + PAGE + 1]
        )
    found = rows[:PAGE]
    context = {
        "form": form,
        "wanted": wanted,
        "patients": _with_warnings(found, request.user),
        "page": page,
        "has_more": len(rows) > PAGE,
        "may_edit": access.may_edit_patients(request.user),
        "may_book": access.may_book(request.user),
    }
    template = "clinic/_patients_found.html" if request.htmx else "clinic/patients.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A new patient; look-alikes are shown side by side before anything is saved."""
    access.check_may_edit_patients(request.user)
    form = _form_for_new(request)
    if not form.is_bound:
        return _new_page(request, form)
    if not form.is_valid():
        return _new_page(request, form, status=422)
    told_apart = Patient.objects.visible_to(request.user).filter(pk__in=form.cleaned_data["not_duplicates"])
    try:
        patient = people.register(
            details=form.details, not_duplicates=list(told_apart), by=request.user, at=timezone.now()
        )
    except DomainError as refusal:
        return _new_page(request, form, refusal=refusal, status=refusal.status)
    messages.success(
        request,
        _("%(name)s is registered as № %(number)s.") % {"name": patient.name, "number": patient.number},
    )
    return redirect(readiness.pathway().patient_url(patient))


@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Correct identity, contacts, representative or desk note. Admins read, and are told whom to ask."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    if patient.erased_at:
        return redirect(readiness.pathway().patient_url(patient))
    if patient.merged_into_id:
        return redirect("clinic:patient_merged", patient.pk)
    if request.method == "GET":
        return _edit_page(request, patient, PatientEditForm.of(patient))
    access.check_may_edit_patients(request.user)
    form = PatientEditForm(request.POST)
    if form.wants_redrawing:
        return _edit_page(request, patient, form.redrawn())
    if not form.is_valid():
        return _edit_page(request, patient, form, status=422)
    try:
        people.correct(
            patient=patient,
            details=form.details,
            version=form.cleaned_data["version"],
            by=request.user,
            at=timezone.now(),
        )
    except Stale as refusal:
        return _stale_page(request, patient, form, refusal)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _edit_page(request, patient, form, status=refusal.status)
    messages.success(request, _("Saved."))
    return redirect(readiness.pathway().patient_url(patient))


@require_POST
def not_a_duplicate(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Remember that somebody compared the two records and they are two people."""
    visible = Patient.objects.visible_to(request.user)
    patient = get_object_or_404(visible, pk=patient_id)
    other = get_object_or_404(visible.exclude(pk=patient_id), pk=id_in(request.POST, "other"))
    people.not_a_duplicate(patient=patient, other=other, by=request.user, at=timezone.now())
    messages.success(request, _("Remembered: these are two people."))
    return redirect(way_back(request, request.POST) or readiness.pathway().patient_url(patient))


def _patients_of_today(user: User, *, at: datetime) -> list[Patient]:
    """Those in today's diary and those registered today, by name."""
    today = timezone.localdate(at)
    visits = Appointment.objects.visible_to(user).in_force(at).on_day(today)
    in_diary = visits.values_list("patient_id", flat=True)
    known = Patient.objects.visible_to(user).current()
    newest = [
        each for each in known.order_by("-number")[:_NEWEST] if timezone.localdate(each.created_at) == today
    ]
    return list(known.filter(pk__in={*in_diary, *(each.pk for each in newest)}).by_name())


def _with_warnings(patients: list[Patient], user: User) -> list[dict[str, Any]]:
    warnings = readiness.pathway().warnings(patients, user=user)
    return [{"patient": each, "warnings": warnings.get(each.pk, [])} for each in patients]


def _form_for_new(request: HttpRequest) -> PatientForm:
    if request.method == "GET":
        return PatientForm()
    if "typed" in request.POST:
        return PatientForm(initial=first_guess(request.POST["typed"]))
    form = PatientForm(request.POST)
    return form.redrawn() if form.wants_redrawing else form


def _new_page(
    request: HttpRequest, form: PatientForm, *, refusal: DomainError | None = None, status: int = 200
) -> HttpResponse:
    """The form; with a refusal for look-alikes, these beside what was typed."""
    alike: list[Patient] = []
    if refusal and refusal.code == "likely_duplicate":
        alike = likely_duplicates(Patient(**form.details))
    elif refusal:
        form.add_domain_error(refusal)
    context = {"form": form, "alike": [_compared(each, form.details) for each in alike], "refusal": refusal}
    return render(request, "clinic/patient_new.html", context, status=status)


def _edit_page(
    request: HttpRequest,
    patient: Patient,
    form: PatientForm,
    *,
    changes: list[dict[str, Any]] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "patient": patient,
        "form": form,
        "changes": changes or [],
        "may_edit": access.may_edit_patients(request.user),
        "may_book": access.may_book(request.user),
        "facts": facts(patient),
        "alike": likely_duplicates(patient),
        "merged_from": patient.merged_from.order_by("number"),
        "warnings": readiness.pathway().warnings([patient], user=request.user).get(patient.pk, []),
        "links": readiness.pathway().links(user=request.user, patient=patient),
    }
    return render(request, "clinic/patient_edit.html", context, status=status)


def _stale_page(
    request: HttpRequest, patient: Patient, form: PatientEditForm, refusal: Stale
) -> HttpResponse:
    """Both versions, field by field; what was typed stays in the form, which now builds on the newer version."""
    patient.refresh_from_db()
    changes = [row for row in _compared(patient, form.details)["rows"] if row["differs"]]
    form.add_domain_error(refusal)
    form.build_on(patient.version)
    return _edit_page(request, patient, form, changes=changes, status=refusal.status)


def _compared(patient: Patient, details: Mapping[str, Any]) -> dict[str, Any]:
    """The record beside what was typed: one row per field that either of them has."""
    rows = []
    for now, typed in zip(facts(patient), facts(Patient(**details)), strict=True):
        if now["value"] or typed["value"]:
            rows.append(
                {"label": now["label"], "now": now["value"], "typed": typed["value"], "differs": now != typed}
            )
    return {"patient": patient, "rows": rows}
