"""Consent: read and signed on screen, kept as it was signed, withdrawn with immediate effect."""

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from clinic.errors import DomainError
from clinic.models import Appointment, User
from consultations import purposes
from consultations.actions import consents as actions
from consultations.enums import Signer
from consultations.forms.consents import ConsentForm, WithdrawForm
from consultations.models import Consent, ConsentText, Plan
from consultations.queries import facts_of_one
from consultations.rules import authorship, consent_texts
from consultations.rules import consent as rules
from consultations.rules.gates.consent import missing
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def sign(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The text with this plan's formula; signed by the patient or who represents them, witnessed by the practitioner."""
    plans = Plan.objects.visible_to(request.user)
    plan = get_object_or_404(
        plans.select_related("patient", "formula", "technique", "indication"), pk=plan_id
    )
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, plan.patient, at=at)
    text = consent_texts.text_for(plan)
    words = consent_texts.wording(plan, text) if text else ""
    posted = request.POST if request.method == "POST" else None
    read = consent_texts.seal_of(words)
    form = ConsentForm(posted, patient=plan.patient, text=text, words_read=read, at=at)
    if request.method == "GET":
        return _sign_page(request, plan, form, (text, words), at=at)
    if not form.is_valid():
        if {"text", "words_read"} & set(form.errors):
            form.show_anew(text)
        return _sign_page(request, plan, form, (text, words), at=at, status=422)
    try:
        consent = _signed(request, plan, form, at=at)
    except DomainError as refusal:
        if refusal.code == "words_changed":
            form.show_anew(text)
        form.add_domain_error(refusal)
        return _sign_page(request, plan, form, (text, words), at=at, status=refusal.status)
    messages.success(request, _("The consent is signed."))
    return redirect("consultations:consent", consent.pk)


@require_GET
def show(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """The consent as it was signed."""
    consent = _consent(request, consent_id)
    at = timezone.now()
    chart.opened(request, consent.patient, at=at)
    error, withdrawal = getattr(consent, "entered_in_error", None), getattr(consent, "withdrawal", None)
    counts = error is None and withdrawal is None
    context = {
        "consent": consent,
        "withdrawal": withdrawal,
        "error": error,
        "may_write": authorship.may_record(request.user),
        "next": chart.next_step(consent.plan, at=at) if counts else None,
        **chart.header(request, consent.patient),
    }
    return render(request, "consultations/consent.html", context)


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, consent_id: UUID) -> HttpResponse:
    """The patient has changed their mind: asked with the consequence, effective at once."""
    consent = _consent(request, consent_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, consent.patient, at=at)
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.withdraw(consent=consent, reason=form.cleaned_data["reason"], by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(
                request, _("The consent is withdrawn. Nothing may be injected under it any more.")
            )
            return redirect("consultations:consent", consent.pk)
    context = {
        "consent": consent,
        "form": form,
        "consequence": _consequence(consent, user=request.user, at=at),
        "back_url": reverse("consultations:consent", args=[consent.pk]),
        **chart.header(request, consent.patient),
    }
    return render(request, "consultations/consent_withdraw.html", context, status=422 if form.errors else 200)


def _consent(request: HttpRequest, consent_id: UUID) -> Consent:
    parts = ("patient", "plan", "text", "formula", "signed_by", "withdrawal__recorded_by", "entered_in_error")
    return get_object_or_404(Consent.objects.visible_to(request.user).select_related(*parts), pk=consent_id)


def _signed(request: HttpRequest, plan: Plan, form: ConsentForm, *, at: datetime) -> Consent:
    data = form.cleaned_data
    signer = Signer(data["signer"])
    represented = signer == Signer.REPRESENTATIVE
    return actions.sign(
        plan=plan,
        text=data["text"],
        signer=signer,
        signer_name=data["signer_name"],
        signer_relation=data["signer_relation"] if represented else "",
        beside=actions.Beside(
            strokes=data["strokes"],
            identity_seen=data["identity_seen"] if represented else "",
            interpreter_name=data["interpreter_name"],
            assent_name=data.get("assent_name", ""),
            assent_missing=data.get("assent_missing", ""),
            assent_strokes=data.get("assent_strokes", []),
        ),
        agreed=data["agreed"],
        words_read=data["words_read"],
        by=request.user,
        at=at,
    )


def _sign_page(
    request: HttpRequest,
    plan: Plan,
    form: ConsentForm,
    shown: tuple[ConsentText | None, str],
    *,
    at: datetime,
    status: int = 200,
) -> HttpResponse:
    text, words = shown
    facts = facts_of_one(plan)
    in_force = rules.in_force(facts, on=at)
    context = {
        "plan": plan,
        "text": text,
        "words": words,
        "parts": list(plan.formula.parts.select_related("component")),
        "form": form,
        "in_force": in_force,
        "again": missing(facts, at)[0] if rules.run_out(facts, on=at) else None,
        **chart.header(request, plan.patient),
    }
    return render(request, "consultations/consent_sign.html", context, status=status)


def _consequence(consent: Consent, *, user: User, at: datetime) -> str:
    """What stops at once, and which visits that touches."""
    facts = facts_of_one(consent.plan)
    wanted = [purposes.test_of(consent.plan), *(purposes.session_of(each) for each in facts.planned)]
    visits_to_come = Appointment.objects.visible_to(user).upcoming(at)
    upcoming = visits_to_come.filter(patient=consent.patient_id, purpose__in=wanted).count()
    stops = _("From this moment nothing may be injected under this plan. The signature stays on record.")
    if not upcoming:
        return stops
    visits = ngettext(
        "%(count)s visit on the books keeps its time but cannot be started; tell the desk.",
        "%(count)s visits on the books keep their times but cannot be started; tell the desk.",
        upcoming,
    )
    return f"{stops} {visits % {'count': upcoming}}"
