"""Answers since the consultation: recorded, shown with what they closed, and their stops lifted."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from clinic import readiness
from clinic.enums import Readiness
from clinic.errors import DomainError
from clinic.models import Appointment, Patient
from consultations.actions import health as actions
from consultations.enums import Answer, AnswerSource
from consultations.forms.health import HealthAnswerForm, LiftForm
from consultations.models import HealthAnswer, PlanStop
from consultations.rules import authorship
from consultations.rules.later_answers import waits_that_stay
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A question answered anew; then the page of the answer says what it closed."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, patient, at=at)
    form = HealthAnswerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data | {
            "said": Answer(form.cleaned_data["said"]),
            "source": AnswerSource(form.cleaned_data["source"]),
        }
        try:
            row = actions.answer(patient=patient, **data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The answer is recorded."))
            return redirect("consultations:health_answer", row.pk)
    context = {"form": form, **chart.header(request, patient)}
    status = 422 if form.errors else 200
    return render(request, "consultations/health_answer_new.html", context, status=status)


@require_GET
def show(request: HttpRequest, answer_id: UUID) -> HttpResponse:
    """The answer, the plans it stops and since when, and the visits on the books that are not cleared now."""
    parts = ("patient", "question", "recorded_by")
    row = get_object_or_404(
        HealthAnswer.objects.visible_to(request.user).select_related(*parts), pk=answer_id
    )
    at = timezone.now()
    chart.opened(request, row.patient, at=at)
    visits = list(
        Appointment.objects.visible_to(request.user)
        .upcoming(at)
        .filter(patient=row.patient_id)
        .exclude(purpose="")
        .with_people()
        .order_by("starts_at")
    )
    judged = readiness.pathway().judge(
        [readiness.Visit(each.patient, each.purpose, each.starts_at, each) for each in visits], at=at
    )
    context = {
        "answer": row,
        "stops": list(row.stops.select_related("plan__indication", "plan__formula", "lifted_by")),
        "closed": [
            {"visit": visit, "conditions": verdict.conditions}
            for visit, verdict in zip(visits, judged, strict=True)
            if verdict.state != Readiness.CLEAR
        ],
        "stays": list(waits_that_stay(row, on=timezone.localdate(at))),
        "may_write": authorship.may_record(request.user),
        **chart.header(request, row.patient),
    }
    return render(request, "consultations/health_answer.html", context)


@require_http_methods(["GET", "POST"])
def lift(request: HttpRequest, stop_id: UUID) -> HttpResponse:
    """Asks for the reason first: the plan goes on by name."""
    rows = PlanStop.objects.visible_to(request.user)
    parts = ("plan__patient", "plan__indication", "answer__question")
    stop = get_object_or_404(rows.select_related(*parts), pk=stop_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, stop.plan.patient, at=at)
    form = LiftForm(request.POST if request.method == "POST" else None)
    back = reverse("consultations:health_answer", args=[stop.answer_id])
    if request.method == "POST" and form.is_valid():
        try:
            actions.lift(stop=stop, reason=form.cleaned_data["reason"], by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The stop is lifted."))
            return redirect(back)
    context = {
        "stop": stop,
        "form": form,
        "back_url": back,
        **chart.header(request, stop.plan.patient),
    }
    status = 422 if form.errors else 200
    return render(request, "consultations/plan_stop_lift.html", context, status=status)
