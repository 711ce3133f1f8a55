"""Sessions: judged on the day, begun, written while they are given, signed; not given; given outside the rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from clinic import pace
from clinic.enums import Pace
from clinic.errors import DomainError, NotCleared, Stale
from clinic.models import Appointment, User
from clinic.readiness import Condition
from consultations import page_rows, plan_page, purposes
from consultations.actions import session_typing
from consultations.actions import sessions as actions
from consultations.enums import SessionOutcome
from consultations.forms.session_grid import points_from_grid
from consultations.forms.session_repeat import repeat
from consultations.forms.session_sides import DeviationForm, NotGivenForm
from consultations.forms.session_typing import window_of
from consultations.models import Plan, PlannedSession, Session
from consultations.queries import (
    PlanFacts,
    confirmed_error,
    facts_of_one,
    facts_of_session,
    visit_in_progress,
)
from consultations.rules import authorship, late_readings, recipes
from consultations.session_page import banner, beside_drafts
from consultations.views import chart
from consultations.views.session_record import Recording, draft_page, outside_now, record_page, totals


@require_http_methods(["GET"])
def of_plan(request: HttpRequest, planned_id: UUID) -> HttpResponse:
    """A session that is still to be given: may it begin now, and if not, what is missing. One on record opens."""
    planned = _planned(request, planned_id)
    if there := _on_record(planned, request.user):
        return redirect("consultations:session", there.pk)
    return _waiting_page(request, planned)


@require_POST
def begin(request: HttpRequest, planned_id: UUID) -> HttpResponse:
    """Begin it if everything clears it; a draft that was begun already opens."""
    planned = _planned(request, planned_id)
    if there := _on_record(planned, request.user):
        return redirect("consultations:session", there.pk)
    visit = visit_in_progress(planned.plan.patient)
    try:
        session = actions.begin(planned=planned, appointment=visit, by=request.user, at=timezone.now())
    except NotCleared as refusal:
        return _waiting_page(request, planned, refusal=refusal)
    return redirect("consultations:session", session.pk)


@require_http_methods(["GET", "POST"])
def not_given(request: HttpRequest, planned_id: UUID) -> HttpResponse:
    """The patient was here and it was not given: with its reason, and it stays to be given."""
    planned = _planned(request, planned_id)
    authorship.check_may_record(request.user)
    form = NotGivenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        visit = visit_in_progress(planned.plan.patient)
        reason = form.cleaned_data["reason"]
        try:
            actions.not_given(
                planned=planned, appointment=visit, reason=reason, by=request.user, at=timezone.now()
            )
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("On record: not given. The session stays to be given."))
            return _after_not_given(planned, visit)
    return _side_page(request, planned, form, "consultations/session_not_given.html")


@require_http_methods(["GET", "POST"])
def deviation(request: HttpRequest, planned_id: UUID) -> HttpResponse:
    """A session that was given although something was missing: the truth, by name, on the incident list."""
    planned = _planned(request, planned_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    form = DeviationForm(request.POST or None, at=at)
    missing: tuple[Condition, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            session = actions.record_deviating(planned=planned, **form.cleaned_data, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.warning(request, _("The deviation is on the incident list. Record what was given."))
            return redirect("consultations:session", session.pk)
    missing = banner(facts_of_one(planned.plan), planned, on=at).conditions
    return _side_page(request, planned, form, "consultations/session_deviation.html", conditions=missing)


@require_http_methods(["GET", "POST"])
def show(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """One's own draft as a form; anything else as it is on record."""
    row = _session(request, session_id)
    at = timezone.now()
    chart.opened(request, row.patient, at=at)
    if request.method == "POST":
        return _save(request, row, at=at)
    if not authorship.may_edit(row, request.user):
        return record_page(request, row, at=at)
    return draft_page(request, Recording.as_left(row, facts_of_session(row)), at=at)


@pace.counts_as(Pace.PAGES)
@require_POST
def doses(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """The running totals for what is typed; nothing is saved."""
    row = _session(request, session_id)
    authorship.check_may_edit(row, request.user)
    recording = Recording.of(row, facts_of_session(row), request.POST)
    recording.form.is_valid()
    asked = outside_now(recording) if "deviation_reason" in request.POST else {}
    return render(request, "consultations/_session_totals.html", totals(recording) | asked)


def _after_not_given(planned: PlannedSession, visit: Appointment | None) -> HttpResponse:
    """The later visits of the course, where the session had one; else the patient."""
    if visit and visit.purpose == purposes.session_of(planned):
        return redirect("clinic:appointment_later", visit.pk)
    return redirect("consultations:patient", planned.plan.patient_id)


def _planned(request: HttpRequest, planned_id: UUID) -> PlannedSession:
    """The planned session, for those who may see its plan."""
    mine = PlannedSession.objects.filter(plan__in=Plan.objects.visible_to(request.user))
    related = (
        "plan__patient",
        "plan__indication",
        "plan__technique",
        "plan__formula",
        "formula",
        "appointment",
    )
    return get_object_or_404(mine.select_related(*related), pk=planned_id)


def _session(request: HttpRequest, session_id: UUID) -> Session:
    return chart.row_or_404(request, page_rows.SESSIONS, session_id)


def _on_record(planned: PlannedSession, user: User) -> Session | None:
    """The draft, or what was given; attempts that came to nothing and errors leave the place free."""
    rows = Session.objects.visible_to(user).filter(planned=planned).select_related("entered_in_error")
    kept = [
        row
        for row in rows
        if not confirmed_error(row) and not (row.is_signed and row.outcome == SessionOutcome.NOT_GIVEN)
    ]
    return kept[0] if kept else None


def _save(request: HttpRequest, row: Session, *, at: datetime) -> HttpResponse:
    """Save, and sign if asked to. A signature that is refused leaves the draft saved and the page as it was typed."""
    if "forget" in request.POST:
        session_typing.forget(session=row, by=request.user, at=at)
        messages.success(request, _("The draft is as it was last saved."))
        return redirect("consultations:session", row.pk)
    facts = facts_of_session(row)
    if "repeat" in request.POST:
        return draft_page(request, _as_last_time(request, row, facts), at=at)
    if "grid" in request.POST:
        return draft_page(request, _by_grid(request, row, facts), at=at)
    recording = Recording.of(row, facts, request.POST, add="add_zone" in request.POST)
    if "add_zone" in request.POST:
        recording.is_judged = False
        recording.form.is_valid()
        return draft_page(request, recording, at=at)
    if not recording.is_valid():
        return draft_page(request, recording, at=at, status=422)
    before = row.version
    try:
        _act(request, row, recording, at=at)
    except DomainError as refusal:
        row.refresh_from_db(fields=["version"])
        saved = row.version != before and not isinstance(refusal, Stale)
        recording.refuse(refusal, saved=saved)
        return draft_page(request, recording, at=at, status=refusal.status)
    _say_what_was_done(request, recording)
    return redirect("consultations:session", row.pk)


def _say_what_was_done(request: HttpRequest, recording: Recording) -> None:
    """Saved or signed; and what a signature leaves to be seen to."""
    if "sign" not in request.POST:
        messages.success(request, _("Draft saved."))
        return
    messages.success(request, _("Signed."))
    if recording.form.cleaned_data["deviation_reason"]:
        messages.warning(request, _("What was outside the rules is on the incident list."))
    zones, session = recording.rows.doses, recording.session
    for words in beside_drafts(
        recording.facts, zones, weight_kg=recording.typed("weight_kg"), session=session
    ):
        messages.warning(request, words)


def _as_last_time(request: HttpRequest, row: Session, facts: PlanFacts) -> Recording:
    """The page filled in from the plan's last session that was given; nothing is saved.

    Raises:
        DomainError: there is none.
    """
    authorship.check_may_edit(row, request.user)
    if not facts.given:
        raise DomainError(_("No session of this plan has been given before."), "nothing_to_repeat")
    seen = Session.objects.visible_to(request.user).select_related("planned", "device")
    last = seen.prefetch_related("zones__zone", "used_lots__lot__component").get(pk=facts.given[-1].pk)
    typed = Recording.of(row, facts, request.POST)
    repeated = repeat(last, request.POST, form=typed.form, zones=typed.rows.zones)
    recording = Recording.of(row, facts, repeated.data)
    recording.form.is_valid()
    recording.is_judged, recording.repeated = False, repeated
    return recording


def _by_grid(request: HttpRequest, row: Session, facts: PlanFacts) -> Recording:
    """The page with the points counted from area and spacing; nothing is saved."""
    authorship.check_may_edit(row, request.user)
    typed = Recording.of(row, facts, request.POST)
    typed.form.is_valid()
    counted = points_from_grid(request.POST, typed.rows, typed.typed("spacing_mm"))
    recording = Recording.of(row, facts, counted or request.POST)
    recording.form.is_valid()
    recording.is_judged = False
    if counted is None:
        recording.zone_errors = (_("Enter the spacing and the area of a zone: the points follow from both."),)
    return recording


def _act(request: HttpRequest, row: Session, recording: Recording, *, at: datetime) -> None:
    version = recording.form.cleaned_data["version"]
    saved = actions.save(
        session=row,
        details=recording.form.details,
        contents=recording.contents,
        version=version,
        window=window_of(request.POST),
        by=request.user,
        at=at,
    )
    if "sign" in request.POST:
        reason = recording.form.cleaned_data["deviation_reason"]
        actions.sign(session=saved, version=saved.version, deviation_reason=reason, by=request.user, at=at)


def _waiting_page(
    request: HttpRequest, planned: PlannedSession, *, refusal: NotCleared | None = None
) -> HttpResponse:
    at = timezone.now()
    chart.opened(request, planned.plan.patient, at=at)
    facts = facts_of_one(planned.plan)
    context = _context(request, planned, facts) | {
        "banner": banner(facts, planned, on=at),
        "refusal": refusal,
        "recipe": recipes.words_of(planned.formula or planned.plan.formula, at=at),
        "shortage": plan_page.shortage(facts, planned, at=at),
        "late": [each for each in late_readings.looks(facts, at=at) if each.is_open],
        "to_test": plan_page.to_test(facts, at=at),
        "attempts": [each for each in facts.sessions if each.planned_id == planned.pk],
    }
    return render(
        request, "consultations/session_waiting.html", context, status=refusal.status if refusal else 200
    )


def _side_page(
    request: HttpRequest, planned: PlannedSession, form: Any, template: str, **more: Any
) -> HttpResponse:
    chart.opened(request, planned.plan.patient, at=timezone.now())
    context = _context(request, planned, None) | {"form": form, **more}
    return render(request, template, context, status=422 if form.errors else 200)


def _context(request: HttpRequest, planned: PlannedSession, facts: PlanFacts | None) -> dict[str, Any]:
    plan = planned.plan
    total = len(facts.planned) if facts else plan.planned_sessions.count()
    may_record = authorship.may_record(request.user)
    return chart.header(request, plan.patient) | {
        "planned": planned,
        "plan": plan,
        "total": total,
        "may_record": may_record,
    }
