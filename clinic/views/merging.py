"""One person, two records: made one record, shown as such, and taken apart again. No name stands in an address."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clinic import pace, readiness
from clinic.actions import merging as actions
from clinic.actions import people
from clinic.enums import Pace
from clinic.errors import DomainError, Stale
from clinic.finding import find_patients
from clinic.forms.merging import MergeForm, TakeApartForm
from clinic.forms.patients import FindForm, facts
from clinic.merging import Preview, apart, preview
from clinic.models import Patient, PatientMerge
from clinic.queries import likely_duplicates
from clinic.rules import access
from clinic.views.posted import id_in

_FOUND = 12


@pace.counts_as(Pace.PAGES)
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Which record is the same person? Look-alikes first; any other is searched for."""
    access.check_may_edit_patients(request.user)
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    form = FindForm(request.POST or None)
    text = form.cleaned_data["q"] if form.is_valid() else ""
    found = find_patients(text, user=request.user, count=_FOUND) if text else likely_duplicates(patient)
    context = {
        "patient": patient,
        "warnings": _warnings(request, patient),
        "form": form,
        "wanted": text,
        "others": [each for each in found if each != patient],
    }
    return render(request, "clinic/patient_same_person.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, patient_id: UUID, other_id: UUID) -> HttpResponse:
    """Both records side by side, what would move, what stands in the way; then one record."""
    access.check_may_edit_patients(request.user)
    visible = Patient.objects.visible_to(request.user)
    patient = get_object_or_404(visible, pk=patient_id)
    other = get_object_or_404(visible.exclude(pk=patient_id), pk=other_id)
    seen = preview(patient, other, at=timezone.now())
    if request.method == "GET":
        form = MergeForm(initial={"digest": seen.digest}, differs=bool(seen.differences))
        return _merge_page(request, seen, form)
    form = MergeForm(request.POST, differs=bool(seen.differences))
    if not form.is_valid():
        return _merge_page(request, seen, form, status=422)
    try:
        actions.merge(patient=patient, other=other, by=request.user, at=timezone.now(), **form.cleaned_data)
    except DomainError as refusal:
        seen = preview(*visible.filter(pk__in=[patient_id, other_id]), at=timezone.now())
        return _refused(request, form, refusal, seen)
    names = {"merged": seen.merged.number, "survivor": seen.survivor.number}
    messages.success(request, _("№ %(merged)s is part of № %(survivor)s now.") % names)
    return redirect(readiness.pathway().patient_url(seen.survivor))


@require_GET
def merged(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What became of a record that was merged: into which, when, by whom and why."""
    patients = Patient.objects.visible_to(request.user).select_related("merged_into")
    patient = get_object_or_404(patients, pk=patient_id)
    if patient.merged_into is None or patient.erased_at:
        return redirect(readiness.pathway().patient_url(patient))
    merges = PatientMerge.objects.visible_to(request.user).in_force().filter(patient=patient)
    context = {
        "patient": patient,
        "survivor": patient.merged_into,
        "merge": merges.select_related("merged_by").first(),
        "facts": facts(patient),
        "may_edit": access.may_edit_patients(request.user),
    }
    return render(request, "clinic/patient_merged.html", context)


@require_http_methods(["GET", "POST"])
def take_apart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What would go back and what would not; then two records again."""
    access.check_may_edit_patients(request.user)
    entry = _merge_of(request, patient_id)
    if request.method == "GET":
        return _apart_page(request, entry, TakeApartForm(initial={"digest": apart(entry).digest}))
    form = TakeApartForm(request.POST)
    if not form.is_valid():
        return _apart_page(request, entry, form, status=422)
    try:
        actions.take_apart(merge=entry, by=request.user, at=timezone.now(), **form.cleaned_data)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        form.build_on(apart(entry).digest)
        return _apart_page(request, entry, form, status=refusal.status)
    messages.success(request, _("Two records again. A practitioner has been asked to look at both."))
    return redirect(readiness.pathway().patient_url(entry.patient))


@require_POST
def may_be_a_duplicate(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Take back that two records are two people; then the comparison is open again."""
    visible = Patient.objects.visible_to(request.user)
    patient = get_object_or_404(visible, pk=patient_id)
    other = get_object_or_404(visible.exclude(pk=patient_id), pk=id_in(request.POST, "other"))
    people.may_be_a_duplicate(patient=patient, other=other, by=request.user, at=timezone.now())
    messages.success(request, _("Taken back: these may be one person."))
    return redirect("clinic:patient_merge", patient.pk, other.pk)


def _merge_of(request: HttpRequest, patient_id: UUID) -> PatientMerge:
    """404 for a record that is not merged."""
    merges = PatientMerge.objects.visible_to(request.user).in_force()
    entry = merges.select_related("patient", "survivor", "merged_by").filter(patient=patient_id).first()
    if entry is None:
        raise Http404
    return entry


def _warnings(request: HttpRequest, patient: Patient) -> list[readiness.Warning]:
    return readiness.pathway().warnings([patient], user=request.user).get(patient.pk, [])


def _refused(request: HttpRequest, form: MergeForm, refusal: DomainError, seen: Preview) -> HttpResponse:
    """The preview as it is now, with what was typed; after a change since the last one the form answers to this one."""
    again = MergeForm(form.data, differs=bool(seen.differences))
    again.add_domain_error(refusal)
    if isinstance(refusal, Stale):
        again.build_on(seen.digest)
    return _merge_page(request, seen, again, status=refusal.status)


def _merge_page(request: HttpRequest, seen: Preview, form: MergeForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {
        "seen": seen,
        "form": form,
        "patient": seen.survivor,
        "warnings": _warnings(request, seen.survivor),
        "rows": [
            {"label": one["label"], "now": one["value"], "typed": other["value"], "differs": one != other}
            for one, other in zip(facts(seen.survivor), facts(seen.merged), strict=True)
            if one["value"] or other["value"]
        ],
        "survivor_label": _("№ %(number)s, survives") % {"number": seen.survivor.number},
        "merged_label": _("№ %(number)s, is merged into it") % {"number": seen.merged.number},
    }
    return render(request, "clinic/patient_merge.html", context, status=status)


def _apart_page(
    request: HttpRequest, entry: PatientMerge, form: TakeApartForm, *, status: int = 200
) -> HttpResponse:
    context = {"patient": entry.patient, "merge": entry, "seen": apart(entry), "form": form}
    return render(request, "clinic/patient_take_apart.html", context, status=status)
