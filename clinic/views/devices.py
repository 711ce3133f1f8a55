"""Devices: how each stands, and its care log."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import readiness
from clinic.actions import device_care as actions
from clinic.enums import CareKind
from clinic.errors import DomainError
from clinic.forms.devices import CareErrorForm, CareForm
from clinic.models import Device, DeviceCare
from clinic.models.device_care import with_use
from clinic.rules import device_care as rules
from clinic.views.posted import one_page

PAGE = 20


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every device in use by the clinic, with what keeps it from being used."""
    page = one_page(request, _devices(request).filter(is_active=True).select_related("location"), PAGE)
    context = {
        "rows": [{"device": each, "state": rules.state_of(each, timezone.localdate())} for each in page.rows],
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "clinic/devices.html", context)


@require_safe
def show(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """One device: serial number, service, care log, and the way to its trace."""
    device = get_object_or_404(_devices(request), pk=device_id)
    return _page(request, device, CareForm(initial={"happened_at": timezone.now()}))


@require_POST
def care(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """Write down what was done."""
    device = get_object_or_404(_devices(request), pk=device_id)
    rules.check_may_care(request.user)
    form = CareForm(request.POST)
    if not form.is_valid():
        return _page(request, device, form, status=422)
    typed = form.cleaned_data | {"kind": CareKind(form.cleaned_data["kind"])}
    try:
        actions.record(device=device, **typed, by=request.user, at=timezone.now())
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, device, form, status=refusal.status)
    messages.success(request, _("Written into the care log of %(device)s.") % {"device": device})
    return redirect("clinic:device", device.pk)


@require_http_methods(["GET", "POST"])
def error(request: HttpRequest, care_id: UUID) -> HttpResponse:
    """An entry was made in error; asks why."""
    entries = DeviceCare.objects.visible_to(request.user).select_related("device", "error")
    entry = get_object_or_404(entries, pk=care_id)
    form = CareErrorForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.take_back(care=entry, **form.cleaned_data, by=request.user, at=timezone.now())
        except DomainError as refusal:
            form.add_domain_error(refusal)
            status = refusal.status
        else:
            messages.success(request, _("Taken back. The entry stays visible and counts no more."))
            return redirect("clinic:device", entry.device_id)
    elif form.errors:
        status = 422
    return render(request, "clinic/device_care_error.html", {"entry": entry, "form": form}, status=status)


def _devices(request: HttpRequest) -> QuerySet[Device]:
    return with_use(Device.objects.visible_to(request.user), timezone.now())


def _page(request: HttpRequest, device: Device, form: CareForm, status: int = 200) -> HttpResponse:
    log = DeviceCare.objects.visible_to(request.user).filter(device=device)
    page = one_page(request, log.select_related("recorded_by", "error__recorded_by"), PAGE)
    context: dict[str, Any] = {
        "device": device,
        "kind": capfirst(device.get_kind_display()),
        "state": rules.state_of(device, timezone.localdate()),
        "form": form,
        "entries": [{"care": each, "error": getattr(each, "error", None)} for each in page.rows],
        "links": readiness.pathway().links(user=request.user, device=device),
        **page.links(lambda number: f"?page={number}"),
    }
    return render(request, "clinic/device.html", context, status=status)
