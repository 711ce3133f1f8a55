"""One visit: the panel over the diary, its steps, moving and cancelling it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import readiness
from clinic.actions import booking, replanning
from clinic.actions.replanning import Cancellation, Rearranged
from clinic.availability import FreeStart
from clinic.chooser import resolve, what_is
from clinic.enums import AppointmentStatus, CancelledBy, Readiness
from clinic.errors import DomainError, Stale
from clinic.fitting import Fit, fits_at
from clinic.forms.appointments import CancelForm, VersionForm
from clinic.forms.booking import MoveForm, StateForm, TypedTimeForm
from clinic.forms.replanning import PicksForm
from clinic.models import Appointment, ClinicSettings, WaitlistEntry
from clinic.queries import contact_about
from clinic.replanning import outlook
from clinic.rules import access
from clinic.rules.booking import JUST_NOW, check_cancellable, check_reschedulable, is_late_cancellation
from clinic.views.book import chooser_page, load_panel
from clinic.views.changes import changes_since
from clinic.views.picks import rows_of
from clinic.views.posted import way_back
from clinic.views.privacy import called
from clinic.views.replanning import preview_url, shifts_picked, words_for
from clinic.views.steps import STEPS, may_be_cancelled, may_be_moved, next_steps
from clinic.views.undo import Was, offer_moving_back, offer_reversal, take_undo

_FELL_OUT = {AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW}  # the course goes on without it

_FITS = 5  # as many as one calls for one place


@require_safe
def show(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Who, what, when, what is in the way, and the next sensible steps."""
    return _panel(request, _visible(request, appointment_id))


@require_POST
def step(request: HttpRequest, appointment_id: UUID, step: str) -> HttpResponse:
    """Confirm, arrived, start, complete, did not come; or take one of them back."""
    visit = _visible(request, appointment_id)
    chosen = STEPS.get(step)
    if chosen is None:
        raise Http404
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _panel(request, visit, refusal=_unread())
    try:
        chosen.act(
            appointment=visit, version=form.cleaned_data["version"], by=request.user, at=timezone.now()
        )
    except DomainError as refusal:
        return _panel(
            request, _visible(request, appointment_id), refusal=refusal, seen=form.cleaned_data["version"]
        )
    messages.success(request, f"{called(request, visit.patient)}: {chosen.done}")
    return _after(request, appointment_id)


@require_http_methods(["GET", "POST"])
def cancel(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """By whom and why; the question says whether it is late and what follows."""
    access.check_may_book(request.user)
    visit = _visible(request, appointment_id)
    if refusal := _refused(check_cancellable, visit):
        return _panel(request, visit, refusal=refusal)
    partner = None if _pair(visit) else readiness.pathway().partner(visit, at=timezone.now())
    pair = _pair(visit) or partner
    seen = {"version": visit.version, "pair_version": pair.version if pair else None}
    form = CancelForm(request.POST or None, has_pair=pair is not None, partner=partner, initial=seen)
    picks = PicksForm(request.POST or None)
    if not (form.is_valid() and picks.is_valid()):
        return _cancel_page(request, visit, pair, form, picks, status=422 if form.is_bound else 200)
    try:
        done, before = _cancel(request, visit, pair, form, picks)
    except DomainError as refusal:
        visit, pair = _visible(request, appointment_id), pair and _visible(request, pair.pk)
        if isinstance(refusal, Stale) and not form.was_made_for(visit, pair):
            return _panel(request, visit, refusal=refusal, seen=form.cleaned_data["version"])
        form.add_domain_error(refusal)
        return _cancel_page(request, visit, pair, form, picks, status=refusal.status)
    offer_reversal(request, words_for(request, visit, done), done, before)
    return _after(request, appointment_id)


@require_http_methods(["GET", "POST"])
def move(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Another place for the visit; its own time counts as free. The second visit of a pair may come along."""
    access.check_may_book(request.user)
    visit, at = _visible(request, appointment_id), timezone.now()
    if refusal := _refused(check_reschedulable, visit):
        return _panel(request, visit, refusal=refusal)
    pair = _pair(visit)
    given = request.POST if request.method == "POST" else request.GET
    both = None if given.get("alone") == "yes" else pair
    held = [visit, both] if both else [visit]
    week = timezone.localdate(max(visit.starts_at, at))
    begin = {"practitioner": visit.practitioner_id, "week": week}
    typed, state_form, panel = load_panel(
        request,
        visit.patient,
        [what_is(visit, both, at=at, with_caution=True)],
        at,
        ignoring=held,
        begin_with=begin,
    )
    page = {"visit": visit, "pair": pair, "both": both, "panel": panel}
    if request.method == "GET":
        initial = {"version": visit.version, "pair_version": both.version if both else None}
        return _move_page(request, page, MoveForm(initial=initial), typed=typed, state_form=state_form)
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _move_page(request, page, form, status=422)
    before = [Was.of(each) for each in held]
    try:
        moves, told = _moves(held, form, panel.minutes), form.cleaned_data["told"]
        if outlook(visit, at=at, moved={each.appointment.pk: each.starts_at for each in moves}).is_disturbed:
            return redirect(preview_url(visit, moves, told=told))
        moved = booking.move_many(moves=moves, told=told, by=request.user, at=at)
    except DomainError as refusal:
        return _move_page(request, page, form, refusal=refusal, status=refusal.status)
    offer_moving_back(request, moved, before)
    return redirect(f"{reverse('clinic:diary')}?day={timezone.localdate(moved[0].starts_at)}")


def _visible(request: HttpRequest, appointment_id: UUID) -> Appointment:
    visible = Appointment.objects.visible_to(request.user).with_people()
    return get_object_or_404(
        visible.select_related("pair__type", "pair__practitioner", "pair_of__type"), pk=appointment_id
    )


def _pair(visit: Appointment) -> Appointment | None:
    """The visit that belongs to this one and is still to come."""
    pair: Appointment | None = getattr(visit, "pair", None)
    return pair if pair and pair.is_upcoming else None


def _refused(check: Callable[..., None], *subject: Any) -> DomainError | None:
    """The refusal of a rule, where the page should explain it before anything is filled in."""
    try:
        check(*subject)
    except DomainError as refusal:
        return refusal
    return None


def _unread() -> DomainError:
    return DomainError(_("This page was incomplete. Look at the visit again before you go on."), "bad_form")


def _panel(
    request: HttpRequest, visit: Appointment, *, refusal: DomainError | None = None, seen: int | None = None
) -> HttpResponse:
    """The panel alone for htmx, else its page; with a refusal also what is missing or what has changed."""
    at = timezone.now()
    pathway = readiness.pathway()
    badge = pathway.badges([visit], user=request.user, at=at).get(visit.pk, readiness.Badge())
    may_book = access.may_book(request.user)
    wait = WaitlistEntry.objects.visible_to(request.user).open().filter(visit=visit).first()
    context = {
        "visit": visit,
        "badge": badge,
        "pair": getattr(visit, "pair", None) or visit.pair_of,
        "warnings": pathway.warnings([visit.patient], user=request.user).get(visit.patient_id, []),
        "links": pathway.links(user=request.user, patient=visit.patient, appointment=visit),
        "steps": next_steps(visit, at=at) if may_book else [],
        "may_move": may_book and may_be_moved(visit),
        "wait": wait,
        "may_wait": may_book and visit.is_upcoming and visit.starts_at > at and wait is None,
        "may_cancel": may_book and may_be_cancelled(visit),
        "may_replan": may_book and bool(visit.purpose) and visit.status in _FELL_OUT,
        "may_release": may_book and visit.is_upcoming and badge.verdict.state == Readiness.REFUSED,
        "shows_readiness": bool(visit.purpose) and may_be_cancelled(visit),
        "refusal": refusal,
        "missing": getattr(refusal, "conditions", ()),
        "changes": changes_since(visit, seen) if isinstance(refusal, Stale) and seen else [],
        "contact": contact_about(visit),
        "may_contact": access.may_contact(request.user),
        "fits": _fits(request, visit, at) if may_book else [],
        "undo": None if request.htmx else take_undo(request),  # over the diary it stands in the diary
    }
    template = "clinic/_appointment.html" if request.htmx else "clinic/appointment.html"
    return render(request, template, context, status=refusal.status if refusal else 200)


def _fits(request: HttpRequest, visit: Appointment, at: datetime) -> list[Fit]:
    """Who on the waitlist could take the time of a visit that was called off, or of a hold that ran out."""
    has_run_out = visit.held_until is not None and visit.held_until <= at
    if (
        (visit.holds_time and not has_run_out)
        or visit.practitioner_from < at - JUST_NOW
        or not visit.practitioner.is_active
    ):
        return []
    return fits_at(visit.practitioner, visit.practitioner_from, user=request.user, at=at)[:_FITS]


def _after(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """Where a step leads: the panel as it is now (the diary behind it redraws itself), or back to the page."""
    if request.htmx:
        response = _panel(request, _visible(request, appointment_id))
        response["HX-Trigger"] = "diary-changed"
        return response
    url = way_back(request, request.POST)
    return redirect(url) if url else redirect("clinic:appointment", appointment_id)


def _cancel(
    request: HttpRequest, visit: Appointment, pair: Appointment | None, form: CancelForm, picks: PicksForm
) -> tuple[Rearranged, list[Was]]:
    """The visit, the one that belongs to it if that is wanted, and the ticked shifts of later ones: all or nothing."""
    who, reason = CancelledBy(form.cleaned_data["cancelled_by"]), form.cleaned_data["reason"]
    cancel = [Cancellation(visit, form.cleaned_data["version"], who, reason)]
    if pair and form.cleaned_data.get("both"):
        cancel.append(Cancellation(pair, form.cleaned_data["pair_version"], who, reason))
    moves, wishes, before = shifts_picked(picks, visit, user=request.user)
    done = replanning.rearrange(
        cancel=cancel,
        moves=moves,
        wishes=wishes,
        told=form.cleaned_data["told"],
        by=request.user,
        at=timezone.now(),
    )
    return done, before


def _cancel_page(
    request: HttpRequest,
    visit: Appointment,
    pair: Appointment | None,
    form: CancelForm,
    picks: PicksForm,
    *,
    status: int,
) -> HttpResponse:
    at, late_hours = timezone.now(), ClinicSettings.current().late_cancellation_hours
    gone = {each.pk: None for each in (visit, pair) if each}
    found = outlook(visit, at=at, moved=gone, again=pair is None)
    context = {
        "visit": visit,
        "pair": pair,
        "partner": pair if _pair(visit) is None else None,
        "form": form,
        "is_late": is_late_cancellation(visit, at=at, late_hours=late_hours),
        "late_hours": late_hours,
        "outlook": found,
        "rows": rows_of(found.shifts, picks),
    }
    template = "clinic/_appointment_cancel.html" if request.htmx else "clinic/appointment_cancel.html"
    return render(request, template, context, status=status)


def _moves(held: Sequence[Appointment], form: MoveForm, minutes: int | None) -> list[booking.Move]:
    """Each visit with the version the person looked at; `minutes` is the new length of the first.

    Raises:
        DomainError: the places do not fit the visits, or are unknown.
    """
    slots = form.cleaned_data["choice"]
    versions = [form.cleaned_data["version"], form.cleaned_data["pair_version"]]
    if len(slots) != len(held) or None in versions[: len(held)]:
        raise DomainError(_("Choose one of the times that are offered."), "unknown_choice", field="choice")
    places: list[FreeStart] = resolve(slots)
    return [
        booking.Move(
            appointment=each,
            version=version,
            practitioner=place.practitioner,
            room=place.room,
            starts_at=place.starts_at,
            device=place.device,
            minutes=minutes if each is held[0] else None,
        )
        for each, version, place in zip(held, versions, places, strict=False)
    ]


def _move_page(
    request: HttpRequest,
    page: dict[str, Any],
    form: MoveForm,
    *,
    typed: TypedTimeForm | None = None,
    state_form: StateForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
) -> HttpResponse:
    seen = form.cleaned_data.get("version") if isinstance(refusal, Stale) else None
    extra = {**page, "whats": [], "changes": changes_since(page["visit"], seen) if seen else []}
    return chooser_page(
        request,
        page["panel"],
        form,
        template="clinic/appointment_move.html",
        typed=typed,
        state_form=state_form,
        refusal=refusal,
        status=status,
        extra=extra,
    )
