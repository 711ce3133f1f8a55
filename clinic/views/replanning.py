"""What a change of one visit does to the later ones: looked at first, applied as far as it is ticked, taken back whole."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from clinic import readiness
from clinic.actions import replanning
from clinic.actions.booking import Move, Wish
from clinic.actions.replanning import Cancellation, Rearranged, Return
from clinic.chooser import Slot, resolve
from clinic.enums import CancelledBy
from clinic.errors import DomainError, Stale
from clinic.forms.replanning import ChangeForm, Pick, PicksForm, UndoForm, Version
from clinic.intervals import to_address
from clinic.models import Appointment
from clinic.replanning import outlook
from clinic.rules import access
from clinic.rules import booking as rules
from clinic.views.changes import changes_since
from clinic.views.picks import moves_of, rows_of
from clinic.views.posted import way_back
from clinic.views.privacy import called
from clinic.views.undo import Was, offer_reversal


@require_http_methods(["GET", "POST"])
def later(request: HttpRequest, appointment_id: UUID) -> HttpResponse:
    """The later visits of the same course: after a move that is only looked at yet, or after the visit fell out."""
    access.check_may_book(request.user)
    visible = Appointment.objects.visible_to(request.user).with_people().select_related("pair__type")
    visit, at = get_object_or_404(visible, pk=appointment_id), timezone.now()
    form = ChangeForm(request.POST if request.method == "POST" else request.GET)
    if not form.is_valid():
        return _page(request, visit, form, [], at=at, refusal=_unread())
    try:
        moves = _moves(visit, form)
    except DomainError as refusal:
        return _page(request, visit, form, [], at=at, refusal=refusal)
    if visit.is_upcoming and not moves:
        return redirect("clinic:appointment", visit.pk)
    if request.method == "GET":
        return _page(request, visit, form, moves, at=at)
    try:
        return _apply(request, visit, form, moves, at=at)
    except DomainError as refusal:
        return _page(request, visit, form, moves, at=at, refusal=refusal)


@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """A whole batch the other way round, as an action of its own; refused whole where a part of it is gone."""
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _undo_refused(request, _unread())
    try:
        done = _reverse(request, form.cleaned_data)
    except DomainError as refusal:
        return _undo_refused(request, refusal)
    messages.success(request, _("Taken back."))
    first = [*done.returned, *done.moved, *done.cancelled][0]
    return redirect(way_back(request, request.POST) or _diary_of(first))


def preview_url(visit: Appointment, moves: Sequence[Move], *, told: bool) -> str:
    """Where a move is looked at before it is made."""
    places = "+".join(str(_slot_of(move)) for move in moves)
    pair_version = moves[1].version if len(moves) > 1 else ""
    query = {"choice": places, "version": moves[0].version, "pair_version": pair_version}
    query |= {"told": "on"} if told else {}
    query |= {"minutes": moves[0].minutes} if moves[0].minutes else {}
    return f"{reverse('clinic:appointment_later', args=[visit.pk])}?{urlencode(query)}"


class Look(NamedTuple):
    """Why a move is looked at before it is made, and where."""

    words: str
    url: str


def look_first(visit: Appointment, to: Move, *, at: datetime, told: bool = False) -> Look | None:
    """Where the move concerns other visits: a test is not moved away from its reading, nor a session out of its course,
    behind anybody's back. The page for moving says what follows. `visit` comes with its pair.

    Raises:
        Stale: somebody changed the visit meanwhile.
        DomainError: it is not to come any more.
    """
    if to.starts_at == visit.starts_at:
        return None
    pair = getattr(visit, "pair", None)
    if pair and pair.is_upcoming:
        query = {"starts_at": to_address(to.starts_at), "practitioner": to.practitioner.pk}
        url = f"{reverse('clinic:appointment_move', args=[visit.pk])}?{urlencode(query)}"
        words = _("“%(type)s” belongs to this visit: choose how both are moved.") % {"type": pair.type}
        return Look(words, url)
    rules.check_version(visit, to.version)
    rules.check_reschedulable(visit)
    if not outlook(visit, at=at, moved={visit.pk: to.starts_at}).is_disturbed:
        return None
    words = _("This move changes something for later visits: look at them first.")
    return Look(words, preview_url(visit, [to], told=told))


def shifts_picked(
    picks: PicksForm, visit: Appointment, *, user: Any
) -> tuple[list[Move], list[Wish], list[Was]]:
    """What was ticked: moves of later visits, the visit itself anew, and where the moved ones were before."""
    moved = [pick for pick in picks.picked if pick.visit != visit.pk]
    again = [pick for pick in picks.picked if pick.visit == visit.pk]
    moves = moves_of(moved, user=user)
    return moves, _wishes(visit, again), [Was.of(move.appointment) for move in moves]


def _apply(
    request: HttpRequest, visit: Appointment, form: ChangeForm, moves: list[Move], *, at: datetime
) -> HttpResponse:
    more, wishes, before = shifts_picked(form, visit, user=request.user)
    before = [*(Was.of(move.appointment) for move in moves), *before]
    told = form.cleaned_data["told"]
    done = replanning.rearrange(moves=[*moves, *more], wishes=wishes, told=told, by=request.user, at=at)
    offer_reversal(request, words_for(request, visit, done), done, before)
    return redirect(_diary_of(done.every[0]))


def words_for(request: HttpRequest, visit: Appointment, done: Rearranged) -> str:
    """What was done, in one line."""
    parts = [_("%(patient)s, %(type)s") % {"patient": called(request, visit.patient), "type": visit.type}]
    for count, words in (
        (
            len(done.cancelled),
            ngettext("%(n)s visit cancelled", "%(n)s visits cancelled", len(done.cancelled)),
        ),
        (len(done.moved), ngettext("%(n)s visit moved", "%(n)s visits moved", len(done.moved))),
        (len(done.booked), ngettext("%(n)s visit booked", "%(n)s visits booked", len(done.booked))),
    ):
        if count:
            parts.append(words % {"n": count})
    return f"{parts[0]}: {', '.join(parts[1:])}."


def _wishes(visit: Appointment, again: Sequence[Pick]) -> list[Wish]:
    return [
        Wish(
            patient=visit.patient,
            type=visit.type,
            practitioner=place.practitioner,
            room=place.room,
            device=place.device,
            starts_at=place.starts_at,
            purpose=visit.purpose,
            note=visit.note,
            minutes=visit.minutes,
        )
        for place in resolve([pick.slot for pick in again])
    ]


def _moves(visit: Appointment, form: ChangeForm) -> list[Move]:
    """The move that is looked at; none where the visit has fallen out already."""
    slots, pair = form.cleaned_data["choice"], getattr(visit, "pair", None)
    held = [visit, *([pair] if pair and len(slots) > 1 else [])][: len(slots)]
    versions = [form.cleaned_data["version"], form.cleaned_data["pair_version"]][: len(slots)]
    if len(held) != len(slots) or None in versions:
        raise _unread()
    minutes = form.cleaned_data["minutes"] or None
    return [
        Move(
            each,
            version,
            place.practitioner,
            place.room,
            place.starts_at,
            place.device,
            minutes if each is visit else None,
        )
        for each, version, place in zip(held, versions, resolve(slots), strict=True)
    ]


def _page(
    request: HttpRequest,
    visit: Appointment,
    form: ChangeForm,
    moves: list[Move],
    *,
    at: datetime,
    refusal: DomainError | None = None,
) -> HttpResponse:
    moved = {move.appointment.pk: move.starts_at for move in moves}
    found = outlook(visit, at=at, moved=moved or None, again=not moves)
    warnings = readiness.pathway().warnings([visit.patient], user=request.user)
    context = {
        "visit": visit,
        "patient": visit.patient,
        "warnings": warnings.get(visit.patient_id, []),
        "moves": moves,
        "outlook": found,
        "rows": rows_of(found.shifts, form),
        "form": form,
        "refusal": refusal,
        "missing": getattr(refusal, "conditions", ()),
        "changes": _changes(moves, refusal),
    }
    return render(
        request, "clinic/appointment_later.html", context, status=refusal.status if refusal else 200
    )


def _changes(moves: Sequence[Move], refusal: DomainError | None) -> list[Any]:
    """What somebody else did to the visits on the page since it was opened."""
    if not isinstance(refusal, Stale):
        return []
    return [
        change
        for move in moves
        if move.appointment.version != move.version
        for change in changes_since(move.appointment, move.version)
    ]


def _reverse(request: HttpRequest, sent: dict[str, Any]) -> Rearranged:
    moves = moves_of(sent["moves"], user=request.user)
    keys = [each.visit for each in (*sent["cancel"], *sent["put_back"])]
    rows = Appointment.objects.visible_to(request.user).with_people().in_bulk(keys)
    if len(rows) != len(set(keys)):
        raise _unread()

    def row(each: Version) -> Appointment:
        return rows[each.visit]

    reason = _("Taken back")
    return replanning.rearrange(
        cancel=[Cancellation(row(each), each.version, CancelledBy.CLINIC, reason) for each in sent["cancel"]],
        put_back=[Return(row(each), each.version) for each in sent["put_back"]],
        moves=moves,
        by=request.user,
        at=timezone.now(),
    )


def _undo_refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    context = {"refusal": refusal, "missing": getattr(refusal, "conditions", ()), "changes": []}
    return render(request, "clinic/undo_refused.html", context, status=refusal.status)


def _slot_of(move: Move) -> Slot:
    device = move.device.pk if move.device else None
    return Slot(move.starts_at, move.practitioner.pk, move.room.pk, device)


def _diary_of(visit: Appointment) -> str:
    return f"{reverse('clinic:diary')}?day={timezone.localdate(visit.starts_at)}"


def _unread() -> DomainError:
    return DomainError(_("This page was incomplete. Open it again before you go on."), "bad_form")
