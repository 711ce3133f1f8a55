"""The check-in of a visit: the desk hands the screen over, the patient answers, a practitioner reviews."""

from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import handed_over
from clinic.errors import DomainError
from clinic.models import Appointment
from clinic.rules import access
from consultations.actions import check_ins as actions
from consultations.enums import Answer
from consultations.forms.check_ins import CheckInForm, CheckInReviewForm
from consultations.models import CheckIn, CheckInQuestion
from consultations.queries import policy_in_force
from consultations.rules import authorship, check_ins
from consultations.views import chart


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Whether the questions are answered, never what was answered; posted, the screen goes to the patient."""
    visit = _visit(request, appointment_id)
    at = timezone.now()
    if request.method == "POST":
        return _hand_over(request, visit)
    check_in = getattr(visit, "check_in", None)
    asked = check_ins.questions_for(visit, CheckInQuestion.objects.current())
    context = {
        "visit": visit,
        "check_in": check_in,
        "waits": check_in is not None and check_in.waits,
        "asked": asked,
        "may_ask": check_ins.may_ask(visit, asked, check_in, at=at),
        "may_review": authorship.may_record(request.user),
        "is_required": check_ins.is_required(visit, policy_in_force(at)),
        **chart.header(request, visit.patient),
    }
    return render(request, "consultations/check_in.html", context)


def _hand_over(request: HttpRequest, visit: Appointment) -> HttpResponse:
    at = timezone.now()
    actions.ask(appointment=visit, by=request.user, at=at)
    page = reverse("consultations:check_in_answer", args=[visit.pk])
    back = reverse("consultations:check_in", args=[visit.pk])
    name = visit.patient.name
    handed_over.begin(request, prefix=page, page=page, back=back, name=name, at=at)
    return redirect(page)


@require_http_methods(["GET", "POST"])
def answer(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The questions, in the patient's hands; answered, only the staff goes on from here."""
    visit = _visit(request, appointment_id)
    handed = handed_over.state(request)
    check_in = getattr(visit, "check_in", None)
    if handed is None or check_in is None:
        return redirect("consultations:check_in", visit.pk)
    asked = check_ins.questions_for(visit, CheckInQuestion.objects.current())
    form = CheckInForm(request.POST if request.method == "POST" else None, asked=asked)
    if request.method == "POST" and form.is_valid():
        try:
            actions.answer(check_in=check_in, said=form.said, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            handed_over.ended(request)
            return redirect("clinic:take_back")
    context = {"form": form, "handed": handed, "idle_minutes": settings.HAND_OVER_IDLE_MINUTES}
    status = 422 if form.errors else 200
    return render(request, "consultations/check_in_answer.html", context, status=status)


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, check_in_id: UUID) -> HttpResponse:
    """What the patient answered, what that stopped, and what came of it."""
    rows = CheckIn.objects.visible_to(request.user)
    parts = ("patient", "appointment__practitioner", "asked_by", "reviewed_by")
    check_in = get_object_or_404(rows.select_related(*parts), pk=check_in_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, check_in.patient, at=at)
    form = CheckInReviewForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.review(check_in=check_in, note=form.cleaned_data["note"], by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("You have looked at the answers."))
            return redirect("consultations:check_in_review", check_in.pk)
    status = 422 if form.errors else 200
    context = {"form": form, **_reviewed(check_in), **chart.header(request, check_in.patient)}
    return render(request, "consultations/check_in_review.html", context, status=status)


def _reviewed(check_in: CheckIn) -> dict[str, Any]:
    """The answers in words, those that need eyes first, each yes with what it stopped."""
    recorded = check_in.answers.select_related("question").prefetch_related(
        "stops__plan__indication", "stops__plan__formula"
    )
    stopped = {each.question.code: each for each in recorded}
    rows = [
        {
            "words": each["words"],
            "answer": Answer(each["answer"]).label if each["answer"] else _("left open"),
            "event_on": date.fromisoformat(each["event_on"]) if each["event_on"] else None,
            "is_open": each["answer"] != Answer.NO,
            "recorded": stopped.get(each["question"]),
        }
        for each in check_in.said
    ]
    rows.sort(key=lambda row: not row["is_open"])
    return {"check_in": check_in, "rows": rows, "waits": check_in.waits}


def _visit(request: HttpRequest, appointment_id: UUID) -> Appointment:
    visits = Appointment.objects.visible_to(request.user).select_related(
        "patient", "practitioner", "type", "check_in"
    )
    visit = get_object_or_404(visits, pk=appointment_id)
    access.check_may_book(request.user)
    return visit
