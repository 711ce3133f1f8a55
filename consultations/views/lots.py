"""Lots: what is on the shelf, first to expire first; received, put aside, and where each was used."""

from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic.enums import Role
from clinic.errors import DomainError
from clinic.models import User
from clinic.views.posted import id_in
from consultations.actions import lots as actions
from consultations.forms.lots import QuarantineForm, ReceiveForm
from consultations.models import AllergenGroup, Lot
from consultations.rules import authorship
from consultations.rules.lots import counts_by_strength, label_words
from consultations.tracing import Trace
from consultations.views.paging import pages
from consultations.views.traces import uses_shown
from consultations.worklists.lot_history import history
from consultations.worklists.lots import judged

PAGE = 50
SOON = timedelta(days=60)


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """All lots by component, or one with what it was used for. Practitioners keep them, admins read."""
    _check_may_see(request.user)
    if "lot" in request.GET:
        lot = get_object_or_404(_lots(request.user), pk=id_in(request.GET, "lot"))
        return _one(request, lot)
    today = timezone.localdate()
    states = _states(today)
    state = request.GET.get("state", "")
    state = state if state in states else "shelf"
    rows = _lots(request.user).filter(states[state][1])
    shown = pages(
        request, rows.order_by("component__name", "expires_on", "number", "pk"), name="page", size=PAGE
    )
    groups = groupby(shown.rows, key=lambda lot: lot.component.name)
    context = {
        "groups": [{"name": name, "lots": [_row(lot, today) for lot in lots]} for name, lots in groups],
        "pages": shown,
        "state": state,
        "empty": states[state][2],
        "tabs": [
            {"label": label, "url": f"?state={key}", "current": key == state}
            for key, (label, _which, _empty) in states.items()
        ],
        "may_write": authorship.may_record(request.user),
    }
    return render(request, "consultations/lots.html", context)


@require_http_methods(["GET", "POST"])
def receive(request: HttpRequest) -> HttpResponse:
    """Put a delivered lot on record."""
    _check_may_see(request.user)
    authorship.check_may_record(request.user)
    form = ReceiveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            lot = actions.receive(**form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("%(lot)s is on the shelf.") % {"lot": lot})
            return redirect("consultations:lots")
    return render(
        request, "consultations/lot_receive.html", {"form": form}, status=422 if form.errors else 200
    )


@require_http_methods(["GET", "POST"])
def quarantine(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """Put a lot aside; asks first, and shows whom it was used for."""
    lot = get_object_or_404(_lots(request.user), pk=lot_id)
    authorship.check_may_record(request.user)
    form = QuarantineForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.quarantine(lot=lot, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(
                request, _("The lot is in quarantine. Nothing can be injected from it any more.")
            )
            return redirect(_address(lot))
    context = {"form": form, "back": _address(lot), **_use(request, lot)}
    return render(request, "consultations/lot_quarantine.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def use_up(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """The last of it is used; asks first."""
    lot = get_object_or_404(_lots(request.user), pk=lot_id)
    authorship.check_may_record(request.user)
    if request.method == "GET":
        return render(request, "consultations/lot_use_up.html", {"back": _address(lot), **_use(request, lot)})
    try:
        actions.use_up(lot=lot, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(lot)s is used up.") % {"lot": lot})
    return redirect(_address(lot))


@require_POST
def put_back(request: HttpRequest, lot_id: UUID) -> HttpResponse:
    """It was not empty after all."""
    lot = get_object_or_404(_lots(request.user), pk=lot_id)
    authorship.check_may_record(request.user)
    try:
        actions.put_back(lot=lot, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(lot)s is on the shelf.") % {"lot": lot})
    return redirect(_address(lot))


def _check_may_see(user: User) -> None:
    if not user.has_role(Role.PRACTITIONER, Role.ADMIN):
        raise Http404


def _lots(user: User) -> QuerySet[Lot]:
    return Lot.objects.visible_to(user).select_related(
        "component", "quarantined_by", "released_by", "recalled_by"
    )


def _address(lot: Lot) -> str:
    return f"{reverse('consultations:lots')}?lot={lot.pk}"


def _states(today: date) -> dict[str, tuple[str, Q, str]]:
    """What the list can be narrowed to: its name, which lots, and what an empty one says."""
    kept = Q(used_up_on=None, quarantined_at=None)
    in_date = kept & Q(expires_on__gte=today) & (Q(opened_until=None) | Q(opened_until__gte=today))
    return {
        "shelf": (_("On the shelf"), Q(used_up_on=None), _("No lot is on record yet")),
        "usable": (_("In date"), in_date, _("No lot is in date")),
        "soon": (
            _("Expiring within 60 days"),
            in_date & Q(expires_on__lte=today + SOON),
            _("No lot expires within 60 days"),
        ),
        "expired": (
            _("Expired"),
            kept & (Q(expires_on__lt=today) | Q(opened_until__lt=today)),
            _("No expired lot is on the shelf"),
        ),
        "quarantine": (_("Quarantined"), Q(quarantined_at__isnull=False), _("No lot is in quarantine")),
        "used": (_("Used up"), Q(used_up_on__isnull=False), _("No lot has been used up")),
    }


def _row(lot: Lot, today: date) -> dict[str, Any]:
    """A lot with its state: a tone, an icon and words, never colour alone."""
    days = (lot.last_day - today).days
    tone, icon, words = "ok", "circle-check", _("in date")
    if lot.recalled_at:
        tone, icon, words = "bad", "ban", _("recalled by the maker")
    elif lot.quarantined_at:
        tone, icon, words = "bad", "ban", _("quarantined")
    elif lot.used_up_on:
        tone, icon, words = "quiet", "archive", _("used up")
    elif days < 0:
        tone, icon, words = "bad", "alert-octagon", _("expired")
    elif days == 0:
        tone, icon, words = "warn", "hourglass", _("last day today")
    elif days <= SOON.days:
        tone, icon, words = (
            "warn",
            "hourglass",
            ngettext("%(days)s day left", "%(days)s days left", days) % {"days": days},
        )
    strength = label_words(lot)
    if not strength and counts_by_strength(lot.component):
        strength = _("not noted: it is asked before the lot is used")
    return {
        "lot": lot,
        "tone": tone,
        "icon": icon,
        "words": words,
        "strength": strength,
        "url": _address(lot),
    }


def _one(request: HttpRequest, lot: Lot) -> HttpResponse:
    may_write = authorship.may_record(request.user)
    context = {
        "may_put_aside": may_write and not lot.quarantined_at,
        "may_release": may_write and bool(lot.quarantined_at) and not lot.recalled_at,
        "may_note_recall": may_write and not lot.recalled_at,
        "may_note_label": may_write,
        "groups": ", ".join(
            AllergenGroup.objects.current()
            .filter(code__in=lot.allergen_groups)
            .values_list("name", flat=True)
        ),
        "may_use_up": may_write and not lot.used_up_on,
        "may_put_back": may_write and bool(lot.used_up_on),
        "history": history(lot),
        **_coming(request, lot),
        **_use(request, lot),
    }
    return render(request, "consultations/lot.html", context)


def _coming(request: HttpRequest, lot: Lot) -> dict[str, Any]:
    """The sessions to come, for practitioners; admins see no records."""
    if not request.user.has_role(Role.PRACTITIONER):
        return {"coming": [], "coming_pages": None}
    rows = Trace(lot).to_come(user=request.user, at=timezone.now())
    shown = pages(request, rows, name="coming", size=PAGE)
    return {"coming": judged(lot, shown.rows), "coming_pages": shown}


def _use(request: HttpRequest, lot: Lot) -> dict[str, Any]:
    """What its trace says it was used in; the trace itself has its patients and the calls."""
    return {"lot": _row(lot, timezone.localdate()), **uses_shown(request, Trace(lot))}
