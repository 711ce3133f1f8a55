"""The trace of a lot, a device, a practitioner or a room: whose injections it was part of, and who has been called."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clinic.actions import readings
from clinic.enums import Role
from clinic.errors import DomainError
from clinic.review import sheets
from consultations.actions import recalls as actions
from consultations.forms.records import PeriodForm
from consultations.models import PatchTest, Session
from consultations.rules import authorship
from consultations.rules import recalls as rules
from consultations.tracing import KINDS, Thing, Trace, calls_of, records, things, used_at
from consultations.views.paging import pages
from consultations.views.records import page_of
from consultations.worklists.traces import sheet as rows_of

PAGE = 25
_LISTED = ("device", "practitioner", "room")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """What can be traced: devices, practitioners, rooms, of the past too; lots have a list of their own."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in _LISTED else "device"
    if not request.user.has_role(Role.PRACTITIONER, Role.ADMIN):
        raise Http404
    shown = pages(request, things(kind, request.user), name="page", size=PAGE)
    context = {
        "kind": kind,
        "things": shown.rows,
        "pages": shown,
        "tabs": [
            {
                "label": capfirst(KINDS[each]._meta.verbose_name_plural),
                "url": f"?kind={each}",
                "current": each == kind,
            }
            for each in _LISTED
        ],
    }
    return render(request, "consultations/traces.html", context)


@require_safe
def show(request: HttpRequest, kind: str, thing_id: UUID) -> HttpResponse:
    """Patients, injections and what is planned, for practitioners; how many injections, for admins."""
    trace, form = _traced(request, kind, thing_id)
    context = {
        "trace": trace,
        "form": form,
        "of": _words(trace.thing),
        "query": _query(trace),
        "may_call": rules.may_begin(trace, request.user),
        "here": address(trace),
        **uses_shown(request, trace),
        **_patients(request, trace),
        **_coming(request, trace),
    }
    return render(request, "consultations/trace.html", context, status=422 if form.errors else 200)


@require_safe
def sheet(request: HttpRequest, kind: str, thing_id: UUID) -> StreamingHttpResponse:
    """The same as CSV, for the calls."""
    trace, _form = _traced(request, kind, thing_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    rows = rows_of(trace, user=request.user, at=at)
    readings.note_exported(
        patients=trace.patients(), page="consultations:trace_sheet", by=request.user, at=at
    )
    response = StreamingHttpResponse(sheets.lines(rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{kind}-{thing_id}.csv"'
    return response


@require_http_methods(["GET", "POST"])
def call(request: HttpRequest, kind: str, thing_id: UUID) -> HttpResponse:
    """Put its patients on the contact list; asks first, and says how many they are."""
    trace, _form = _traced(request, kind, thing_id)
    authorship.check_may_record(request.user)
    try:
        rules.check_may_begin(trace, request.user)
        if request.method == "GET":
            context = {
                "trace": trace,
                "of": _words(trace.thing),
                "query": _query(trace),
                "count": trace.to_call().count(),
            }
            return render(request, "consultations/trace_call.html", context | {"back": address(trace)})
        recall = actions.begin(trace=trace, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
        return redirect(address(trace))
    count = recall.calls.count()
    words = ngettext(
        "%(count)s patient is on the list of those to call.",
        "%(count)s patients are on the list of those to call.",
        count,
    )
    messages.success(request, words % {"count": count})
    return redirect("clinic:contacts")


def address(trace: Trace) -> str:
    """Where a trace stands, with its days."""
    query = _query(trace)
    where = reverse("consultations:trace", args=[trace.kind, trace.thing.pk])
    return f"{where}?{query}" if query else where


def uses_shown(request: HttpRequest, trace: Trace) -> dict[str, Any]:
    """The tests and sessions it was part of, newest first; how many, for admins, who see no records."""
    context = {"test_count": trace.tests().count(), "session_count": trace.sessions().count()}
    if not request.user.has_role(Role.PRACTITIONER):
        return context | {"uses": [], "pages": None, "sees_records": False}
    shown = pages(request, trace.uses(request.user), name="page", size=PAGE)
    uses = [_use(each) for each in records(shown.rows)]
    return context | {"uses": uses, "pages": shown, "sees_records": True}


def _use(record: PatchTest | Session) -> dict[str, Any]:
    error = getattr(record, "entered_in_error", None)
    return {
        "at": used_at(record),
        "patient": record.patient,
        "kind": record._meta.verbose_name,
        "url": page_of(record),
        "practitioner": record.practitioner,
        "room": record.appointment.room if record.appointment else None,
        "note": _("not signed") if not record.is_signed else _("entered in error") if error else "",
    }


def _patients(request: HttpRequest, trace: Trace) -> dict[str, Any]:
    if not request.user.has_role(Role.PRACTITIONER):
        return {"patients": [], "patient_pages": None}
    shown = pages(request, trace.patients(), name="patients", size=PAGE)
    calls = calls_of(trace, shown.rows)
    rows = [{"patient": each, "call": rules.state_of(calls.get(each.pk))} for each in shown.rows]
    return {"patients": rows, "patient_pages": shown}


def _coming(request: HttpRequest, trace: Trace) -> dict[str, Any]:
    if not request.user.has_role(Role.PRACTITIONER):
        return {"coming": [], "coming_pages": None}
    found = trace.to_come(user=request.user, at=timezone.now())
    shown = pages(request, found, name="coming", size=PAGE)
    return {"coming": shown.rows, "coming_pages": shown}


def _traced(request: HttpRequest, kind: str, thing_id: UUID) -> tuple[Trace, PeriodForm]:
    """What the address names, over the days it names; none of a period that cannot be read."""
    if kind not in KINDS:
        raise Http404
    thing = get_object_or_404(things(kind, request.user), pk=thing_id)
    form = PeriodForm(request.GET if {"first", "last"} & request.GET.keys() else None)
    return Trace(thing, *form.days), form


def _query(trace: Trace) -> str:
    days = {"first": trace.first_on, "last": trace.last_on}
    return urlencode({name: day.isoformat() for name, day in days.items() if day})


def _words(thing: Thing) -> str:
    """What it is, above its name."""
    return capfirst(str(thing._meta.verbose_name))
