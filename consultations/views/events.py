"""Adverse events: recorded with what they do to plans said first, shown, and followed up."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from clinic.models import Patient
from consultations import page_rows
from consultations.actions import events
from consultations.forms.events import EventForm, FollowForm
from consultations.models import AdverseEvent, Component
from consultations.queries import confirmed_error
from consultations.rules import adverse_events as rules
from consultations.rules import authorship
from consultations.rules.event_errors import undone_by
from consultations.views import chart
from consultations.views.event_origin import Origin, origin_of

_NOT_TYPED = {"csrfmiddlewaretoken", "sure", "again"}


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A new event. Where plans change or components close, it asks once more, saying which."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, patient, at=at)
    origin = origin_of(request, patient)
    form = EventForm(request.POST or None, patient=patient, initial=origin.initial(at))
    title = _("Adverse event")
    if request.method == "GET" or not form.is_valid() or "again" in request.POST:
        return _page(request, patient, form, title=title)
    try:
        judged = rules.judge(AdverseEvent(patient=patient, **form.details), at=at)
        if _asks(judged) and "sure" not in request.POST:
            return _question(request, patient, judged)
        details = form.details | origin.links
        event = events.record(patient=patient, details=details, lots=form.lots, by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, patient, form, title=title)
    return _recorded(request, event, origin)


def _recorded(request: HttpRequest, event: AdverseEvent, origin: Origin) -> HttpResponse:
    """On to the event; where it came from a report nobody has looked at, back to what comes of that."""
    if origin.report and not origin.report.triaged_at:
        messages.success(request, _("The event is on record. Now say what comes of the report."))
        return redirect("consultations:report_triage", origin.report.pk)
    messages.success(request, _("The event is on record."))
    return redirect("consultations:event", event.pk)


@require_http_methods(["GET", "POST"])
def follow(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """How it went on; judged anew, and asked once more where plans change."""
    event = _event_or_404(request, event_id)
    at = timezone.now()
    chart.opened(request, event.patient, at=at)
    form = FollowForm(request.POST or None, event=event)
    title = _("How it went on: %(event)s") % {"event": event.reaction}
    if request.method == "GET" or not form.is_valid() or "again" in request.POST:
        return _page(request, event.patient, form, title=title)
    try:
        judged = rules.judge(events.followed(event, form.details), at=at)
        if _asks(judged) and "sure" not in request.POST:
            return _question(request, event.patient, judged)
        later = events.follow(event=event, details=form.details, by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, event.patient, form, title=title)
    messages.success(request, _("The event is on record."))
    return redirect("consultations:event", later.pk)


@require_safe
def show(request: HttpRequest, event_id: UUID) -> HttpResponse:
    """One event with its trace, what it did, and what was known of it before."""
    event = _event_or_404(request, event_id)
    chart.opened(request, event.patient, at=timezone.now())
    later = AdverseEvent.objects.visible_to(request.user).filter(supersedes=event).first()
    names = dict(Component.objects.current().values_list("code", "name"))
    context = chart.header(request, event.patient) | {
        "event": event,
        "facts": _facts(event),
        "suspected": [names.get(code, code) for code in event.component_codes],
        "lots": [used.lot for used in event.used_lots.select_related("lot__component")],
        "changes": event.plan_changes.select_related("plan__indication", "plan__formula"),
        "later": later,
        "may_write": authorship.may_record(request.user),
        "error": getattr(event, "entered_in_error", None),
        "undone": undone_by(event) if later is None and not confirmed_error(event) else None,
        "addenda": event.addenda.select_related("written_by"),
    }
    return render(request, "consultations/event.html", context)


def _event_or_404(request: HttpRequest, event_id: UUID) -> AdverseEvent:
    return chart.row_or_404(request, page_rows.EVENTS, event_id)


def _facts(event: AdverseEvent) -> list[dict[str, Any]]:
    facts = [
        (_("Grade"), event.grade),
        (_("Caused by the injection"), event.get_causality_display()),
        (_("Seriousness"), event.get_seriousness_display()),
        (_("How it is now"), event.get_outcome_display()),
        (_("Zone"), event.zone),
        (_("Device"), event.device),
        (_("Who injected"), event.practitioner),
        (_("Room"), event.room),
        (_("What was done"), event.action),
    ]
    return [{"label": label, "value": value} for label, value in facts]


def _asks(judged: rules.Judged) -> bool:
    """Whether something changes beyond the record."""
    return bool(judged.plans) or judged.effect.closes_components


def _page(request: HttpRequest, patient: Patient, form: BaseForm, *, title: str) -> HttpResponse:
    context = chart.header(request, patient) | {
        "form": form,
        "title": title,
        "lead": _("Signed when it is saved. What it does to plans is shown first."),
        "yes": _("Record and sign"),
    }
    return render(request, "consultations/patient_form.html", context, status=422 if form.errors else 200)


def _question(request: HttpRequest, patient: Patient, judged: rules.Judged) -> HttpResponse:
    """What will happen, before it happens; everything typed goes along."""
    typed = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [{"name": name, "value": value} for name, value in typed if name not in _NOT_TYPED]
    context = chart.header(request, patient) | {
        "effect": judged.effect,
        "plans": judged.plans,
        "stops": judged.effect.plan_effect == "stop",
        "typed": fields,
        "fields": [*fields, {"name": "sure", "value": "yes"}],
    }
    return render(request, "consultations/event_confirm.html", context)
