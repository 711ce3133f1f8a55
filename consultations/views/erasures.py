"""Erasures: decided and withdrawn by admins; what was and will be erased, what stays, until when and why."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.enums import ErasureStage
from clinic.errors import DomainError
from clinic.models import ClinicSettings, Erasure, Patient
from clinic.views.posted import one_page
from consultations.actions import erasures as actions
from consultations.erasure import summary
from consultations.erasure.keeping import kept_until
from consultations.erasure.obstacles import obstacles
from consultations.forms.erasures import ErasureForm, WithdrawForm
from consultations.rules import erasures as rules

PAGE = 25


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """All erasures, the newest first."""
    rules.check_may_decide(request.user)
    page = one_page(request, Erasure.objects.visible_to(request.user).with_people(), PAGE)
    links = page.links(lambda number: f"?page={number}")
    return render(request, "consultations/erasures.html", {"erasures": page.rows, **links})


@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What erasing this record would take and leave, what is to be settled before, and the decision."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    rules.check_may_decide(request.user)
    if known := Erasure.objects.visible_to(request.user).in_force().of(patient).first():
        return redirect("consultations:erasure", known.pk)
    at, form = timezone.now(), ErasureForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            erasure = actions.decide(patient=patient, **form.cleaned_data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("It is decided. Until it is carried out, it can be withdrawn."))
            return redirect("consultations:erasure", erasure.pk)
    context = {
        "patient": patient,
        "form": form,
        "obstacles": obstacles(patient, at=at),
        "until": kept_until(patient),
        "at": at,
        "rule": ClinicSettings.current(),
        "groups": summary.preview(patient),
    }
    return render(request, "consultations/erase.html", context, status=422 if form.errors else 200)


@require_safe
def show(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """Who decided what, and what was done: to be printed, without anybody's identity once that is gone."""
    return _page(request, _found(request, erasure_id), WithdrawForm())


@require_POST
def withdraw(request: HttpRequest, erasure_id: UUID) -> HttpResponse:
    """It is not carried out."""
    erasure, form = _found(request, erasure_id), WithdrawForm(request.POST)
    if form.is_valid():
        try:
            actions.withdraw(erasure=erasure, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("It is withdrawn. The record stays as it is."))
            return redirect("consultations:erasure", erasure.pk)
    return _page(request, erasure, form)


def _found(request: HttpRequest, erasure_id: UUID) -> Erasure:
    rules.check_may_decide(request.user)
    return get_object_or_404(Erasure.objects.visible_to(request.user).with_people(), pk=erasure_id)


def _page(request: HttpRequest, erasure: Erasure, form: WithdrawForm) -> HttpResponse:
    done, at = erasure.stages_done, timezone.now()
    context: dict[str, Any] = {
        "erasure": erasure,
        "patient": erasure.patient,
        "form": form,
        "desk": done.get(ErasureStage.DESK),
        "record": done.get(ErasureStage.RECORD),
        "rule": ClinicSettings.current(),
        "at": at,
        "until": kept_until(erasure.patient),
        "may_withdraw": rules.may_withdraw(erasure),
        "obstacles": [],
        "groups": [],
        "entries": 0,
    }
    if ErasureStage.RECORD in done:
        context |= {"groups": summary.carried_out(erasure), "entries": summary.history_entries(erasure)}
    elif not erasure.withdrawn_at:
        context |= {
            "groups": summary.preview(erasure.patient),
            "obstacles": obstacles(erasure.patient, at=at),
        }
    return render(request, "consultations/erasure.html", context, status=422 if form.errors else 200)
