"""The patient page, as much of it as each role may see; allergies and alerts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import readiness
from clinic.enums import Role
from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from clinic.forms.patients import facts as identity
from clinic.models import Appointment, CaseFile, EmergencyOpening, Erasure, Patient, User
from clinic.queries import similar_on_record
from clinic.rules import access, booking, emergencies
from clinic.views import reading
from clinic.views.posted import page_number
from consultations import offers, releases, steppers, timeline
from consultations.actions import allergies
from consultations.forms.patients import AlertForm, AllergyForm, AssessForm
from consultations.models import Alert, Allergy, Plan
from consultations.next_steps import course_link, next_of
from consultations.outcomes import scores
from consultations.outcomes.lines import lines_of
from consultations.outcomes.words import Shown, shown
from consultations.rules import authorship
from consultations.rules.alerts import AssessedMeanwhile
from consultations.worklists import follow_ups

PAGE = 15
_VISITS = 8
_SHOWN = 5  # open cases, and emergency openings; the admins' lists have all
_SCORED = 3  # finished plans whose scores the page still shows; all are a click away


@require_GET
def show(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Who this is, what is next, what is in the way: for practitioners with the records, for others without."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    if patient.erased_at:
        return _erased(request, patient)
    if patient.merged_into_id:
        return redirect("clinic:patient_merged", patient.pk)
    at = timezone.now()
    context = header(patient, request.user) | _openings(request, patient, at)
    context |= {"at": at, "may_edit": access.may_edit_patients(request.user)}
    if request.user.has_role(Role.PRACTITIONER):
        reading.opened(request, patient, "consultations:patient", at=at, only_new=bool(request.htmx))
        context |= _clinical(request, patient, at)
    elif request.user.has_role(Role.RECEPTION):
        context |= _for_the_desk(patient, at)
    else:
        return render(request, "consultations/patient_identity.html", context | _whom_to_ask(patient))
    context |= _beside(request, patient, at)
    return render(request, "consultations/patient.html", context)


def _erased(request: HttpRequest, patient: Patient) -> HttpResponse:
    """That it was, and for admins how. What stands in its tables is read in lists that need it, never as a record."""
    whole = [patient.pk, patient.merged_into_id]
    erasure = Erasure.objects.visible_to(request.user).in_force().of(*whole).first()
    context = {"patient": patient, "erasure": erasure}
    return render(request, "consultations/patient_erased.html", context)


def header(patient: Patient, user: User) -> dict[str, Any]:
    """What components/patient_header.html needs, on every page about the patient."""
    return {
        "patient": patient,
        "warnings": readiness.pathway().warnings([patient], user=user).get(patient.pk, []),
        "similar": similar_on_record(patient),
    }


def _openings(request: HttpRequest, patient: Patient, at: datetime) -> dict[str, Any]:
    """Who may read this record though they treat nobody: open cases for everybody, emergencies for those who treat; and
    whether it is to be erased, for admins with how it stands."""
    cases = CaseFile.objects.visible_to(request.user).open().filter(patient=patient)
    treats, decides = request.user.has_role(Role.PRACTITIONER), request.user.has_role(Role.ADMIN)
    erasures = Erasure.objects.visible_to(request.user)
    seen = EmergencyOpening.objects.visible_to(request.user).shown(at).filter(patient=patient)
    refusal = booking.why_to_be_erased(patient)
    return {
        "takes_no_visit": refusal is not None,
        "case_files": list(cases.with_end()[:_SHOWN]),
        "openings": list(seen.select_related("opened_by")[:_SHOWN]) if treats else [],
        "erasure": erasures.in_force().of(patient).select_related("decided_by").first(),
        "to_be_erased": None if decides else refusal,
        "may_open_emergency": emergencies.may_open(request.user),
    }


def _whom_to_ask(patient: Patient) -> dict[str, Any]:
    return {"identity": identity(patient), "ask": steppers.whom_to_ask(patient)}


def _clinical(request: HttpRequest, patient: Patient, at: datetime) -> dict[str, Any]:
    """Plans with their steppers, and the timeline."""
    kind = _kind(request)
    page = page_number(request)
    rows = timeline.entries(
        patient, user=request.user, kind=kind, at=at, offset=(page - 1) * PAGE, limit=PAGE + 1
    )
    all_facts, closed = steppers.open_facts(patient), steppers.closed_plans(patient)
    plans = [
        {"plan": facts.plan, "steps": steppers.steps_of(facts, at=at), "next": next_of(facts, at=at)}
        for facts in all_facts
    ]
    return {
        "is_clinical": True,
        "release": releases.of_patient(patient, all_facts, at=at),
        "plans": plans,
        "closed": closed,
        "outcomes": _outcomes([*(facts.plan for facts in all_facts), *closed[:_SCORED]]),
        "entries": rows[:PAGE],
        "tabs": _tabs(patient, kind),
        "newer_url": _page(patient, kind, page - 1) if page > 1 else "",
        "older_url": _page(patient, kind, page + 1) if len(rows) > PAGE else "",
    }


def _outcomes(plans: Sequence[Plan]) -> list[Shown]:
    """The lines of the plans on which something was scored, those of open plans first."""
    if not plans:
        return []
    taken = scores.taken(plans)
    return [shown(line) for plan in plans for line in lines_of(plan, taken) if line.measured]


def _kind(request: HttpRequest) -> timeline.Kind | None:
    wanted = request.GET.get("kind", "")
    return timeline.Kind(wanted) if wanted in timeline.Kind.__members__.values() else None


def _page(patient: Patient, kind: timeline.Kind | None, page: int) -> str:
    url = reverse("consultations:patient", args=[patient.pk])
    return f"{url}?kind={kind or ''}&page={page}"


def _tabs(patient: Patient, kind: timeline.Kind | None) -> list[dict[str, Any]]:
    url = reverse("consultations:patient", args=[patient.pk])
    everything = {"label": _("Everything"), "url": url, "current": kind is None}
    return [everything] + [
        {"label": label, "url": f"{url}?kind={each}", "current": each == kind}
        for each, label in timeline.kinds().items()
    ]


def _for_the_desk(patient: Patient, at: datetime) -> dict[str, Any]:
    """Courses in the desk's words, what can be booked, and whom to ask."""
    all_facts = steppers.open_facts(patient)
    return _whom_to_ask(patient) | {
        "is_clinical": False,
        "release": releases.of_patient(patient, all_facts, at=at),
        "courses": steppers.courses(all_facts, at=at),
        "offers": offers.for_facts(all_facts, at=at),
        "in_one_go": [link for facts in all_facts if (link := course_link(facts, at=at))],
    }


def _beside(request: HttpRequest, patient: Patient, at: datetime) -> dict[str, Any]:
    """Allergies, alerts, checks and appointments, for both."""
    visits = Appointment.objects.visible_to(request.user).filter(patient=patient).with_people()
    upcoming = list(visits.expected(at).order_by("starts_at")[:_VISITS])
    number = request.GET.get("past", "")[:3]
    page = max(int(number), 1) if number.isascii() and number.isdigit() else 1
    offset = (page - 1) * _VISITS
    rest = visits.in_force(at).exclude(pk__in=[each.pk for each in upcoming]).filter(starts_at__lte=at)
    past = list(rest.order_by("-starts_at")[offset : offset + _VISITS + 1])
    url = reverse("consultations:patient", args=[patient.pk])
    return {
        "allergies": list(Allergy.objects.visible_to(request.user).filter(patient=patient)),
        "alerts": list(Alert.objects.visible_to(request.user).in_force().filter(patient=patient)),
        "checks": follow_ups.of_patient(patient, at=at),
        "upcoming": upcoming,
        "past": past[:_VISITS],
        "past_newer": f"{url}?past={page - 1}" if page > 1 else "",
        "past_older": f"{url}?past={page + 1}" if len(past) > _VISITS else "",
    }


@require_http_methods(["GET", "POST"])
def report_allergy(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What the patient says, written down by whoever hears it."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_report(request.user)
    form = AllergyForm(request.POST or None)
    title = _("Report an allergy")
    if request.method == "POST" and form.is_valid():
        try:
            allergies.report(patient=patient, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            return _back(request, patient, _("The allergy is on record."))
    return _form_page(request, patient, form, title=title, yes=_("Save"))


@require_http_methods(["GET", "POST"])
def assess_allergy(request: HttpRequest, allergy_id: UUID) -> HttpResponse:
    """A practitioner confirms or refutes it."""
    allergy = get_object_or_404(
        Allergy.objects.visible_to(request.user).select_related("patient"), pk=allergy_id
    )
    authorship.check_may_record(request.user)
    form, status = AssessForm(request.POST or None, allergy=allergy), 422
    if request.method == "POST" and form.is_valid():
        try:
            allergies.assess(allergy=allergy, **form.cleaned_data, by=request.user, at=timezone.now())
        except AssessedMeanwhile as refusal:
            form.build_on(refusal.allergy)
            form.add_domain_error(refusal)
            status = refusal.status
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            return _back(request, allergy.patient, _("The assessment is on record."))
    title = _("Assess the allergy: %(words)s") % {"words": allergy.words}
    words = {"title": title, "lead": allergy.reaction, "yes": _("Save assessment")}
    return _form_page(request, allergy.patient, form, **words, status=status)


@require_http_methods(["GET", "POST"])
def raise_alert(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A sentence for every header."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_record(request.user)
    form = AlertForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            allergies.raise_alert(patient=patient, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            return _back(request, patient, _("The alert shows in every header now."))
    return _form_page(request, patient, form, title=_("Raise an alert"), yes=_("Raise alert"))


@require_http_methods(["GET", "POST"])
def lift_alert(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Asks first: the sentence leaves every header and stays on record."""
    alert = get_object_or_404(Alert.objects.visible_to(request.user).select_related("patient"), pk=alert_id)
    authorship.check_may_record(request.user)
    if request.method == "POST":
        try:
            allergies.lift_alert(alert=alert, by=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
            return redirect("consultations:patient", alert.patient_id)
        return _back(request, alert.patient, _("The alert is lifted."))
    return render(
        request, "consultations/patient_lift.html", header(alert.patient, request.user) | {"alert": alert}
    )


def _back(request: HttpRequest, patient: Patient, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return redirect("consultations:patient", patient.pk)


def _form_page(
    request: HttpRequest,
    patient: Patient,
    form: BaseForm,
    *,
    title: str,
    yes: str,
    lead: str = "",
    status: int = 422,
) -> HttpResponse:
    context = header(patient, request.user) | {"form": form, "title": title, "lead": lead, "yes": yes}
    return render(request, "consultations/patient_form.html", context, status=status if form.errors else 200)
