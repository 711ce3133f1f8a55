"""Closing and opening time: absences, rooms and devices out of service, extra opening, closed days.

Nothing here touches an appointment. Whoever closes time is shown what stands in it, with the ways to move it.
"""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import queries
from clinic.actions import opening
from clinic.errors import DomainError, NotAllowed
from clinic.forms.opening import may_change, prefilled
from clinic.models import Appointment, ExtraOpening, User
from clinic.rules import access
from clinic.views.opening_kinds import (
    AHEAD,
    KINDS,
    Entry,
    Kind,
    coming,
    described,
    weekly_hours,
)
from clinic.views.posted import page_number, way_back

PAGE = 20
_MOST_AFFECTED = 50


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """What opens and closes in the next 90 days, and the weekly hours."""
    kinds = [KINDS[request.GET["kind"]]] if request.GET.get("kind") in KINDS else list(KINDS.values())
    page = page_number(request)
    now = timezone.now()
    offset = (page - 1) * PAGE
    entries = coming(kinds, user=request.user, at=now, upto=offset + PAGE + 1)[offset:]
    context = {
        "entries": entries[:PAGE],
        "addable": [kind for kind in KINDS.values() if _may_add(kind, request.user)],
        "tabs": _tabs(kinds),
        "kind": kinds[0] if len(kinds) == 1 else None,
        "newer": page - 1,
        "older": page + 1 if len(entries) > PAGE else 0,
        "may_change_all": access.may_change_opening(request.user, None),
        "due_for_service": list(queries.due_for_service(before=timezone.localdate(now) + AHEAD)),
        **weekly_hours(user=request.user, today=timezone.localdate(now)),
    }
    return render(request, "clinic/opening.html", context)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, kind: str) -> HttpResponse:
    """Close or open time; then the page that lists what it affects (or where the person came from)."""
    chosen = kind_or_404(kind)
    _check_may_add(chosen, request.user)
    now = timezone.now()
    if request.method == "GET":
        form = chosen.form(initial=prefilled(request.GET), user=request.user, at=now)
        return _add_page(request, chosen, form, back=way_back(request, request.GET))
    form = chosen.form(request.POST, user=request.user, at=now)
    back = way_back(request, request.POST)
    if not form.is_valid():
        return _add_page(request, chosen, form, back=back, status=422)
    try:
        entry = chosen.save(form.cleaned_data, request.user, now)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _add_page(request, chosen, form, back=back, status=refusal.status)
    messages.success(request, chosen.saved)
    return redirect(back) if back else redirect("clinic:opening_entry", chosen.slug, entry.pk)


@require_safe
def show(request: HttpRequest, kind: str, entry_id: str) -> HttpResponse:
    """One entry, and the appointments that stand in the time it closes."""
    chosen = kind_or_404(kind)
    entry = entry_or_404(chosen, entry_id, request.user)
    affected = _affected(entry, at=timezone.now())
    context = {
        "kind": chosen,
        "entry": described(chosen, entry),
        "closes": not isinstance(entry, ExtraOpening),
        "affected": affected[:_MOST_AFFECTED],
        "has_more": len(affected) > _MOST_AFFECTED,
        "may_remove": _may_remove(entry, request.user),
        "may_book": access.may_book(request.user),
    }
    return render(request, "clinic/opening_entry.html", context)


@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, kind: str, entry_id: str) -> HttpResponse:
    """Take an entry back, after asking."""
    chosen = kind_or_404(kind)
    entry = entry_or_404(chosen, entry_id, request.user)
    access.check_may_change_opening(request.user, getattr(entry, "practitioner", None))
    context = {"kind": chosen, "entry": described(chosen, entry), "refusal": None}
    if request.method == "GET":
        return render(request, "clinic/opening_remove.html", context)
    try:
        opening.remove(entry=entry, by=request.user, at=timezone.now())
    except DomainError as refusal:
        context["refusal"] = refusal
        return render(request, "clinic/opening_remove.html", context, status=refusal.status)
    messages.success(request, _("Removed. Its history is kept."))
    return redirect("clinic:opening")


def _add_page(request: HttpRequest, kind: Kind, form: Any, *, back: str, status: int = 200) -> HttpResponse:
    return render(
        request, "clinic/opening_add.html", {"kind": kind, "form": form, "next": back}, status=status
    )


def kind_or_404(slug: str) -> Kind:
    """The kind of entry that an address names."""
    if slug not in KINDS:
        raise Http404
    return KINDS[slug]


def entry_or_404(kind: Kind, entry_id: str, user: User) -> Entry:
    """The entry, for those who may see it."""
    try:
        key = kind.model._meta.pk.to_python(entry_id)
    except ValidationError as error:
        raise Http404 from error
    return get_object_or_404(kind.rows(user), pk=key)


def _affected(entry: Entry, *, at: datetime) -> list[Appointment]:
    if isinstance(entry, ExtraOpening):
        return []
    return list(queries.affected_by(entry, at=at)[: _MOST_AFFECTED + 1])


def _may_remove(entry: Entry, user: User) -> bool:
    return access.may_change_opening(user, getattr(entry, "practitioner", None))


def _may_add(kind: Kind, user: User) -> bool:
    return access.may_change_opening(user, None) or (kind.of_people and may_change(user).exists())


def _check_may_add(kind: Kind, user: User) -> None:
    if not _may_add(kind, user):
        raise NotAllowed(
            _("You can change your own time only. Ask reception for anything else."), "opening_not_allowed"
        )


def _tabs(kinds: list[Kind]) -> list[dict[str, Any]]:
    every = {"label": _("All"), "url": "?", "current": len(kinds) > 1, "icon": "", "count": None}
    return [every] + [
        {
            "label": kind.label,
            "url": f"?kind={kind.slug}",
            "current": kinds[0] is kind and len(kinds) == 1,
            "icon": kind.icon,
            "count": None,
        }
        for kind in KINDS.values()
    ]
