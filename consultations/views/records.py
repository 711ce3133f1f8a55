"""What can still happen to records: an addendum, a colleague taking over, an error called and confirmed."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic.enums import Role
from clinic.errors import DomainError
from clinic.forms.base import BaseForm
from consultations import page_rows
from consultations.actions import records as actions
from consultations.forms.records import AddendumForm, ErrorForm
from consultations.models import (
    AdverseEvent,
    Consent,
    Consultation,
    ConsultationConfirmation,
    LeafletHandout,
    PatchTest,
    Review,
    Session,
    TestReading,
)
from consultations.rules import reading_errors
from consultations.rules.event_errors import Undone, undone_by
from consultations.rules.session_errors import gone_with
from consultations.views import chart

_DRAFTS: dict[str, type[Model]] = {"consultation": Consultation, "session": Session, "review": Review}
_ADDED_TO: dict[str, type[Model]] = {**_DRAFTS, "patch-test": PatchTest, "event": AdverseEvent}
_REMOVABLE: dict[str, type[Model]] = {
    **_ADDED_TO,
    "consent": Consent,
    "reading": TestReading,
    "leaflet": LeafletHandout,
}


def page_of(record: Any) -> str:
    """Where a record is read; a reading stands on the page of its test, a confirmation on that of its consultation, a
    leaflet on those of its plan or, where there is none, on the patient's timeline."""
    if isinstance(record, TestReading):
        return reverse("consultations:patch_test", args=[record.patch_test_id])
    if isinstance(record, ConsultationConfirmation):
        return reverse("consultations:consultation", args=[record.consultation_id])
    if isinstance(record, LeafletHandout):
        if record.plan_id:
            return f"{reverse('consultations:leaflets_of', args=[record.plan_id])}#handed"
        return f"{reverse('consultations:patient', args=[record.patient_id])}?kind=leaflet"
    routes = {
        Consultation: "consultation",
        Consent: "consent",
        PatchTest: "patch_test",
        Session: "session",
        Review: "review",
        AdverseEvent: "event",
    }
    return reverse(f"consultations:{routes[type(record)]}", args=[record.pk])


def _found(request: HttpRequest, kinds: dict[str, type[Model]], kind: str, record_id: UUID) -> Any:
    """The record as far as this person may see it; a kind that cannot be asked for is unknown (404)."""
    if kind not in kinds:
        raise Http404
    return get_object_or_404(
        kinds[kind].objects.visible_to(request.user).select_related("patient"), pk=record_id
    )


@require_POST
def add(request: HttpRequest, kind: str, record_id: UUID) -> HttpResponse:
    """Add a word to a signed record."""
    record = _found(request, _ADDED_TO, kind, record_id)
    form = AddendumForm(request.POST)
    if not form.is_valid():
        return _again(request, record, form, title=_("Add to this record"), yes=_("Add"))
    try:
        actions.add(record=record, **form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        return _refused(request, record, refusal)
    messages.success(request, _("Added. It stands below the record, with your name."))
    return redirect(page_of(record))


@require_POST
def take_over(request: HttpRequest, kind: str, record_id: UUID) -> HttpResponse:
    """Go on writing a colleague's draft, in one's own name."""
    record = _found(request, _DRAFTS, kind, record_id)
    before = record.practitioner
    try:
        actions.take_over(record=record, by=request.user, at=timezone.now())
    except DomainError as refusal:
        return _refused(request, record, refusal)
    messages.success(request, _("You write this record now; %(who)s began it.") % {"who": before})
    return redirect(page_of(record))


@require_POST
def error(request: HttpRequest, kind: str, record_id: UUID) -> HttpResponse:
    """Say that a signed record should not exist."""
    return _call_error(request, _found(request, _REMOVABLE, kind, record_id))


@require_POST
def confirmation_error(request: HttpRequest, confirmation: int) -> HttpResponse:
    """Say that a consultation should not have been confirmed."""
    rows = ConsultationConfirmation.objects.visible_to(request.user).select_related("consultation__patient")
    return _call_error(request, get_object_or_404(rows, pk=confirmation))


def _call_error(request: HttpRequest, record: Any) -> HttpResponse:
    form = ErrorForm(request.POST)
    if not form.is_valid():
        return _again(request, record, form, title=_("This was entered in error"), yes=_("Call it an error"))
    try:
        actions.call_error(record=record, **form.cleaned_data, by=request.user, at=timezone.now())
    except DomainError as refusal:
        return _refused(request, record, refusal)
    words = _(
        "It clears nothing any more. What it closed stays closed until a second person confirms, on the incident list."
    )
    if isinstance(record, LeafletHandout):
        words = _("It counts as not handed out. A second person confirms, on the incident list.")
    messages.success(request, words)
    return redirect(page_of(record))


@require_http_methods(["GET", "POST"])
def confirm_error(request: HttpRequest, error_id: UUID) -> HttpResponse:
    """The second person. Admins confirm by kind, date, who and reason; they see nothing of the record itself."""
    entry = chart.row_or_404(request, page_rows.ERRORS, error_id)
    record = actions.record_of(entry)
    if request.method == "POST":
        try:
            actions.confirm_error(entry=entry, by=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("Confirmed: the record counts for nothing any more."))
        return redirect(f"{reverse('consultations:incidents')}#errors")
    context = {
        "entry": entry,
        "kind": record._meta.verbose_name,
        "signed_at": record.signed_at,
        "is_own": entry.requested_by_id == request.user.pk,
        "undone": _undone(record),
        "gone": gone_with(record) if isinstance(record, Session) else None,
        "record_url": page_of(record) if request.user.has_role(Role.PRACTITIONER) else "",
        **chart.header(request, record.patient),
    }
    return render(request, "consultations/error_confirm.html", context)


def _undone(record: Any) -> Undone | None:
    """What the confirmation takes back; None where the record closes nothing that could open."""
    if isinstance(record, AdverseEvent):
        return undone_by(record)
    if isinstance(record, TestReading | PatchTest):
        undone = reading_errors.undone_by(record)
        return undone if undone.allergies or undone.alerts or undone.stopped else None
    return None


def _refused(request: HttpRequest, record: Any, refusal: DomainError) -> HttpResponse:
    """Back to the record with the sentence."""
    messages.error(request, refusal.message)
    return redirect(page_of(record))


def _again(request: HttpRequest, record: Any, form: BaseForm, *, title: str, yes: str) -> HttpResponse:
    """The same question once more, with what was typed and what is wrong with it."""
    context = {
        "form": form,
        "title": title,
        "yes": yes,
        "back": page_of(record),
        **chart.header(request, record.patient),
    }
    return render(request, "consultations/record_again.html", context, status=422)
