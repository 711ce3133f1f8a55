"""New places for the visits that stand in closed time: proposals with a tick each, applied as one batch."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic import queries
from clinic.actions import replanning
from clinic.errors import DomainError
from clinic.forms.replanning import PicksForm
from clinic.models import ExtraOpening
from clinic.replanning import by_urgency, substitutes
from clinic.rules import access
from clinic.views.opening import entry_or_404, kind_or_404
from clinic.views.opening_kinds import Entry, Kind, described
from clinic.views.picks import moves_of, rows_of
from clinic.views.posted import page_number
from clinic.views.undo import Was, offer_reversal, take_undo

BATCH = 25  # visits on one page
_MOST = 500  # visits that are put in order


@require_http_methods(["GET", "POST"])
def new_places(request: HttpRequest, kind: str, entry_id: str) -> HttpResponse:
    """The affected visits, each with the best new place; all that are ticked are moved together, or none."""
    chosen = kind_or_404(kind)
    entry = entry_or_404(chosen, entry_id, request.user)
    access.check_may_book(request.user)
    at = timezone.now()
    if request.method == "GET":
        return _page(request, chosen, entry, at=at)
    form = PicksForm(request.POST)
    try:
        if not form.is_valid():
            raise DomainError(_("This page was incomplete. Open it again before you go on."), "bad_form")
        _apply(request, form, at=at)
    except DomainError as refusal:
        return _page(request, chosen, entry, at=at, form=form, refusal=refusal)
    return redirect("clinic:new_places", chosen.slug, entry.pk)


def _apply(request: HttpRequest, form: PicksForm, *, at: datetime) -> None:
    moves = moves_of(form.picked, user=request.user)
    before = [Was.of(move.appointment) for move in moves]
    done = replanning.rearrange(moves=moves, by=request.user, at=at)
    words = ngettext("%(n)s visit moved.", "%(n)s visits moved.", len(done.moved)) % {"n": len(done.moved)}
    offer_reversal(request, words, done, before)


def _page(
    request: HttpRequest,
    kind: Kind,
    entry: Entry,
    *,
    at: datetime,
    form: PicksForm | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    """One batch of rows, those with a place ticked; after a lost race as they were ticked, and what was lost."""
    affected = [] if isinstance(entry, ExtraOpening) else list(queries.affected_by(entry, at=at)[:_MOST])
    page, here = page_number(request), reverse("clinic:new_places", args=[kind.slug, entry.pk])
    ordered = by_urgency(affected, at=at)
    shown = ordered[(page - 1) * BATCH : page * BATCH]
    rows = rows_of(substitutes(shown, at=at), form, ticked=True)
    context: dict[str, Any] = {
        "kind": kind,
        "entry": described(kind, entry),
        "rows": rows,
        "found": sum(bool(row.choices) for row in rows),
        "total": len(affected),
        "newer_url": f"{here}?page={page - 1}" if page > 1 else "",
        "older_url": f"{here}?page={page + 1}" if len(ordered) > page * BATCH else "",
        "here": f"{here}?page={page}",
        "undo": take_undo(request),
        "refusal": refusal,
        "missing": getattr(refusal, "conditions", ()),
        "changes": [],
    }
    return render(request, "clinic/new_places.html", context, status=refusal.status if refusal else 200)
