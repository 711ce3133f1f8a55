"""Booking: the patient, then what, who and when on one panel. Search words are posted, never part of an address."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clinic import pace, readiness
from clinic.actions import booking, walk_ins
from clinic.chooser import Option, Slot, What, resolve, whats
from clinic.enums import Pace
from clinic.errors import DomainError, SlotTaken
from clinic.finding import find_patients
from clinic.fitting import Fit, fits_at
from clinic.forms.booking import BookForm, FindPatientForm, MoveForm, StateForm, TypedTimeForm
from clinic.models import Appointment, AppointmentType, Patient, Practitioner, User, WalkIn
from clinic.rules import access
from clinic.rules import booking as rules
from clinic.views.announced import announcing
from clinic.views.panel import Panel
from clinic.views.panel_wishes import recorded

_FOUND = 12
_FITS = 5  # as many as one calls for one place
_TEMPLATE = "clinic/book.html"


@pace.counts_as(Pace.PAGES)
@require_http_methods(["GET", "POST"])
def choose_patient(request: HttpRequest) -> HttpResponse:
    """For whom? A practitioner and a time that were clicked in the diary are kept."""
    access.check_may_book(request.user)
    form = FindPatientForm(request.POST or None)
    state = StateForm(request.GET).state
    text = form.cleaned_data["q"].strip() if form.is_valid() else ""
    found = find_patients(text, user=request.user, count=_FOUND + 1) if text else []
    warnings = readiness.pathway().warnings(found, user=request.user) if found else {}
    context = {
        "form": form,
        "text": text,
        "patients": [{"patient": each, "warnings": warnings.get(each.pk, [])} for each in found[:_FOUND]],
        "has_more": len(found) > _FOUND,
        "kept": request.GET.urlencode(),
        "starts_at": state["starts_at"],
        "fits": [] if request.htmx else _fits(request, state, timezone.now()),
    }
    template = "clinic/_book_patients.html" if request.htmx else "clinic/book_patient.html"
    return render(request, template, context, status=422 if form.errors else 200)


def _fits(request: HttpRequest, state: dict[str, Any], at: datetime) -> list[Fit]:
    """Who on the waitlist could take the free place that was clicked."""
    if not state["practitioner"] or not state["starts_at"]:
        return []
    practitioner = Practitioner.objects.active().filter(pk=state["practitioner"]).first()
    if practitioner is None:
        return []
    return fits_at(practitioner, state["starts_at"], user=request.user, at=at)[:_FITS]


@require_http_methods(["GET", "POST"])
def book(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """What, who and when for this patient; books the chosen place, or both places of a pair."""
    access.check_may_book(request.user)
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    at = timezone.now()
    refused = rules.why_to_be_erased(patient) if request.method == "GET" else None
    choices = [] if refused else whats(patient, at=at, wanted=request.POST.get("what", ""))
    typed, state_form, panel = load_panel(request, patient, choices, at)
    if request.method == "GET":
        form = BookForm(initial={"request_id": uuid4(), "held_until": _calls_back_by(at)})
        return chooser_page(
            request, panel, form, template=_TEMPLATE, typed=typed, state_form=state_form, refusal=refused
        )
    form, walk_in = BookForm(request.POST), _walk_in(request, panel)
    if not form.is_valid():
        return chooser_page(request, _among_all(panel), form, template=_TEMPLATE, status=422)
    try:
        booked = _book(request.user, panel, form, at)
    except DomainError as refusal:
        again = _among_all(panel)
        return chooser_page(request, again, form, template=_TEMPLATE, refusal=refusal, status=refusal.status)
    if walk_in and walk_in.appointment_id != booked[0].pk:
        _place(request, walk_in, booked[0], at)
    url = _safe_next(request, panel) or f"{reverse('clinic:diary')}?day={_local_day(booked[0])}"
    return redirect(_told(request, form, booked, url))


def _among_all(panel: Panel) -> Panel:
    """The same choice among everything that may be booked: to book, only what was chosen was looked up."""
    every = whats(panel.patient, at=panel.at)
    chosen = next((each for each in every if panel.what and each.key == panel.what.key), panel.what)
    return replace(panel, whats=every, what=chosen)


def load_panel(
    request: HttpRequest,
    patient: Patient,
    choices: Sequence[What],
    at: datetime,
    *,
    ignoring: Sequence[Appointment] = (),
    begin_with: dict[str, Any] | None = None,
) -> tuple[TypedTimeForm | None, StateForm, Panel]:
    """The panel with the choices of this request: from the address, or from the form that was posted. Without a form
    for a typed time where none was typed.

    `begin_with` are the choices of a page that is opened before anything was chosen.
    """
    given = request.POST if request.method == "POST" else request.GET
    state_form = StateForm(given)
    typed = TypedTimeForm(given) if "moment_0" in given else None
    state = state_form.state
    if typed and typed.is_valid():
        state |= {"starts_at": typed.cleaned_data["moment"], "week": None}
    if not set(given) - {"alone"}:
        state |= begin_with or {}
    if request.method == "GET" and not state["seen"]:
        state |= recorded(patient, state)
    panel = Panel.load(
        patient=patient,
        user=request.user,
        at=at,
        url=request.path,
        state=state,
        whats=choices,
        ignoring=ignoring,
    )
    return typed, state_form, panel


def _book(user: User, panel: Panel, form: BookForm, at: datetime) -> list[Appointment]:
    """One visit, or the pair, in one transaction; what this very page has booked before is returned again.

    Raises:
        DomainError: the visit is not among what this patient may book, the place is unknown, or as `book_many`.
    """
    slots, request_id = form.cleaned_data["choice"], form.cleaned_data["request_id"]
    try:
        kinds = _kinds(panel, slots)
    except DomainError:
        # The answer to this form may have been lost: what it booked is to be booked no longer.
        if earlier := booking.booked_before(request_id=request_id, by=user, at=at):
            return earlier
        raise
    wishes = [
        booking.Wish(
            patient=panel.patient,
            type=kind,
            practitioner=place.practitioner,
            room=place.room,
            device=place.device,
            starts_at=place.starts_at,
            purpose=purpose,
            note=form.cleaned_data["note"],
            pair_of=0 if number else None,
            minutes=None if number else panel.minutes,
        )
        for number, ((kind, purpose), place) in enumerate(zip(kinds, resolve(slots), strict=True))
    ]
    if until := form.cleaned_data["held_until"]:
        return booking.hold_many(wishes=wishes, until=until, by=user, at=at, request_id=request_id)
    return booking.book_many(wishes=wishes, by=user, at=at, request_id=request_id)


def _kinds(panel: Panel, slots: Sequence[Slot]) -> list[tuple[AppointmentType, str]]:
    """Type and purpose of the visit, and of the one that belongs to it; a place was chosen for each.

    Raises:
        DomainError: not_offered or unknown_choice.
    """
    what = panel.what
    if what is None or not panel.is_offered:
        raise DomainError(_("This visit cannot be booked for this patient now. Choose again."), "not_offered")
    kinds = [(what.type, what.purpose), *([(what.pair.type, what.pair.purpose)] if what.pair else [])]
    if len(slots) != len(kinds):
        raise DomainError(_("Choose one of the times that are offered."), "unknown_choice", field="choice")
    return kinds


def chooser_page(
    request: HttpRequest,
    panel: Panel,
    form: BookForm | MoveForm,
    *,
    template: str,
    typed: TypedTimeForm | None = None,
    state_form: StateForm | None = None,
    refusal: DomainError | None = None,
    status: int = 200,
    extra: dict[str, Any] | None = None,
) -> HttpResponse:
    """The whole page; or for htmx only the part that changes when a chip is clicked."""
    problems = [error for errors in state_form.errors.values() for error in errors] if state_form else []
    if problems or (typed and typed.errors):
        status = 422
    alternatives = _alternatives(panel, form, refusal)
    context = {
        "patient": panel.patient,
        "warnings": readiness.pathway()
        .warnings([panel.patient], user=request.user)
        .get(panel.patient.pk, []),
        "form": form,
        "typed": typed or TypedTimeForm(),
        "problems": problems,
        "refusal": refusal,
        "conditions": getattr(refusal, "conditions", ()),
        "alternatives": alternatives,
        **panel.context(above=alternatives),
        **(extra or {}),
    }
    return render(request, "clinic/_chooser.html" if request.htmx else template, context, status=status)


def _alternatives(panel: Panel, form: BookForm | MoveForm, refusal: DomainError | None) -> list[Option]:
    """The next best places after a lost race; none for any other refusal."""
    if not isinstance(refusal, SlotTaken) or panel.what is None:
        return []
    return panel.search.alternatives(form.cleaned_data["choice"][0].starts_at)


def _walk_in(request: HttpRequest, panel: Panel) -> WalkIn | None:
    """The patient's walk-in that this booking is for, if it is for one; a 404 for any other."""
    if not panel.state["walk_in"]:
        return None
    return get_object_or_404(
        WalkIn.objects.visible_to(request.user).filter(patient=panel.patient), pk=panel.state["walk_in"]
    )


def _place(request: HttpRequest, walk_in: WalkIn, visit: Appointment, at: datetime) -> None:
    """A walk-in with a time today has arrived; one with a time on another day goes home until then."""
    try:
        if _local_day(visit) == timezone.localdate(at):
            walk_ins.place(walk_in=walk_in, appointment=visit, by=request.user, at=at)
        else:
            walk_ins.leave(walk_in=walk_in, by=request.user, at=at)
    except DomainError as refusal:
        messages.warning(request, str(refusal))


def _told(request: HttpRequest, form: BookForm, booked: list[Appointment], url: str) -> str:
    """Where to go on, and say there what was booked; a page that had booked before says so instead of pretending to
    have done it again."""
    first, slots = booked[0], [Slot.of(each) for each in booked]
    is_the_same = request.POST.get("what") == f"{first.type.code}:{first.purpose}"
    if not is_the_same or slots != form.cleaned_data["choice"]:
        words = _("This page had booked a visit already. Open booking again for another one.")
    elif first.is_held and not form.cleaned_data["held_until"]:
        words = _(
            "This page had held this time already, and it is still only held. Take the hold to book it."
        )
    else:
        return announcing(url, first)
    messages.warning(request, words)
    return url


def _safe_next(request: HttpRequest, panel: Panel) -> str:
    url = panel.state["next"] or ""
    return url if url_has_allowed_host_and_scheme(url, allowed_hosts=None) and url.startswith("/") else ""


def _calls_back_by(at: datetime) -> datetime:
    """What is proposed for a hold: the full hour after three hours."""
    return (at + timedelta(hours=4)).replace(minute=0, second=0, microsecond=0)


def _local_day(visit: Appointment) -> date:
    return timezone.localdate(visit.starts_at)
