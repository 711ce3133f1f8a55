"""Consent to photography: read and signed on screen, withdrawn with immediate effect."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic.errors import DomainError
from clinic.models import Patient
from consultations.actions import photos as actions
from consultations.enums import Signer
from consultations.forms.consents import SignerForm, WithdrawForm
from consultations.models import PhotographyConsent, PhotographyText
from consultations.rules import authorship
from consultations.rules import photos as rules
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The text, and who signs under it; witnessed by the practitioner."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, patient, at=at)
    text = PhotographyText.objects.current().order_by("code").first()
    form = SignerForm(request.POST if request.method == "POST" else None, patient=patient, text=text, at=at)
    if request.method == "POST" and form.is_valid():
        try:
            _signed(request, patient, form, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The consent to photography is signed."))
            return redirect("consultations:photos", patient.pk)
    if "text" in form.errors:
        form.show_anew(text)
    context = chart.header(request, patient) | {
        "text": text,
        "form": form,
        "in_force": rules.consent_in_force(patient, on=at),
    }
    return render(request, "consultations/photo_consent.html", context, status=422 if form.errors else 200)


def _signed(request: HttpRequest, patient: Patient, form: SignerForm, *, at: datetime) -> None:
    data = form.cleaned_data
    signer = Signer(data["signer"])
    actions.sign_consent(
        patient=patient,
        text=data["text"],
        signer=signer,
        signer_name=data["signer_name"],
        signer_relation=data["signer_relation"] if signer == Signer.REPRESENTATIVE else "",
        agreed=data["agreed"],
        by=request.user,
        at=at,
    )


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """Asks first: no photograph is added from then on."""
    consents = PhotographyConsent.objects.visible_to(request.user).select_related("patient", "text")
    consent = get_object_or_404(consents, pk=consent_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, consent.patient, at=at)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.withdraw_consent(
                consent=consent, reason=form.cleaned_data["reason"], by=request.user, at=at
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The consent to photography is withdrawn."))
            return redirect("consultations:photos", consent.patient_id)
    context = chart.header(request, consent.patient) | {
        "title": _("Withdraw the consent to photography"),
        "question": _("Withdraw the consent to photography?"),
        "consequence": _(
            "No photograph is added from now on; those on record stay. Treatment goes on as before."
        ),
        "action": reverse("consultations:photo_consent_withdraw", args=[consent.pk]),
        "back_url": reverse("consultations:photos", args=[consent.patient_id]),
        "yes": _("Withdraw at once"),
        "form": form,
    }
    return render(request, "consultations/photo_confirm.html", context, status=422 if form.errors else 200)
