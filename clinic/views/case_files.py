"""Case files: opened, extended and closed by admins. The record itself is read on a page of the pathway."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import readiness
from clinic.actions import case_files as actions
from clinic.errors import DomainError
from clinic.forms.case_files import CaseFileForm, CloseForm, ExtendForm
from clinic.models import CaseFile, Patient
from clinic.rules import case_files as rules
from clinic.views.posted import one_page

PAGE = 25


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All case files, those that are open first."""
    rules.check_may_keep_case_files(request.user)
    found = CaseFile.objects.visible_to(request.user).with_end().open_first()
    page = one_page(request, found, PAGE)
    links = page.links(lambda number: f"?page={number}")
    return render(request, "clinic/case_files.html", {"case_files": page.rows, "at": timezone.now(), **links})


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A case on this patient."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    rules.check_may_keep_case_files(request.user)
    at = timezone.now()
    form = CaseFileForm(request.POST or None, initial={"as_of": timezone.localdate(at)})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data | {"as_of": form.as_of_moment(at)}
        try:
            case_file = actions.open_case(patient=patient, **said, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The case file is open. Everybody who treats the patient sees that."))
            return redirect("clinic:case_file", case_file.pk)
    context = {"form": form, "patient": patient}
    return render(request, "clinic/case_file_new.html", context, status=422 if form.errors else 200)


@require_safe
def show(request: HttpRequest, case_file_id: UUID) -> HttpResponse:
    """What the case is, its periods with their reasons, and what its owner has read."""
    return _page(request, _found(request, case_file_id))


@require_POST
def extend(request: HttpRequest, case_file_id: UUID) -> HttpResponse:
    """More time, by the owner, with another reason."""
    case_file, form = _found(request, case_file_id), ExtendForm(request.POST)
    if form.is_valid():
        try:
            period = actions.extend(
                case_file=case_file, **form.cleaned_data, by=request.user, at=timezone.now()
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            day = date_format(timezone.localtime(period.ends_at), "j M Y")
            messages.success(request, _("The case has time until %(day)s.") % {"day": day})
            return redirect("clinic:case_file", case_file.pk)
    return _page(request, case_file, extend_form=form)


@require_POST
def close(request: HttpRequest, case_file_id: UUID) -> HttpResponse:
    """The end of the case."""
    case_file, form = _found(request, case_file_id), CloseForm(request.POST)
    if form.is_valid():
        try:
            actions.close(case_file=case_file, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The case is closed; the record is not open to it any more."))
            return redirect("clinic:case_file", case_file.pk)
    return _page(request, case_file, close_form=form)


def _found(request: HttpRequest, case_file_id: UUID) -> CaseFile:
    rules.check_may_keep_case_files(request.user)
    rows = CaseFile.objects.visible_to(request.user).with_end()
    return get_object_or_404(rows, pk=case_file_id)


def _page(request: HttpRequest, case_file: CaseFile, **forms: Any) -> HttpResponse:
    at = timezone.now()
    readings = one_page(request, case_file.readings.select_related("user"), PAGE)
    context = {
        "case_file": case_file,
        "at": at,
        "periods": list(case_file.periods.all()),
        "readings": readings.rows,
        **readings.links(lambda number: f"?page={number}"),
        "links": readiness.pathway().case_links(case_file, user=request.user, at=at),
        "may_extend": rules.may_extend(request.user, case_file),
        "extend_form": ExtendForm(),
        "close_form": CloseForm(),
        **forms,
    }
    refused = any(form.errors for form in forms.values())
    return render(request, "clinic/case_file.html", context, status=422 if refused else 200)
