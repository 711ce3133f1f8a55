"""The waitlist: who waits for a time, who fits a free one; putting somebody on it and taking them off."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from clinic import readiness
from clinic.actions import waitlist
from clinic.chooser import What, practitioners_for, what_is, whats
from clinic.errors import DomainError
from clinic.fitting import FreedTime, fits_at_each, fits_today, gone
from clinic.forms.booking import StateForm
from clinic.forms.waitlist import FreedForm, ListForm, OfVisitForm, WaitForm, first_wishes
from clinic.models import Appointment, Patient, Practitioner, WaitlistEntry, WaitlistOffer
from clinic.rules import access, booking
from clinic.views.panel_wishes import suits_of
from clinic.views.posted import one_page, way_back
from clinic.views.privacy import called

PAGE = 20


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Everybody who waits, or those a practitioner could see, the longest wait first; or who fits today."""
    chosen, part = ListForm(request.GET).chosen
    at, today = timezone.now(), part == "today"
    page = one_page(request, [] if today else _entries(request, chosen), PAGE)
    offers = [offer for entry in page.rows for offer in entry.offers.all()]
    context = {
        "entries": page.rows,
        "gone": gone(offers, at=at),
        "is_today": today,
        "fits": fits_today(user=request.user, at=at) if today else [],
        "tabs": _tabs(chosen, today=today),
        "may_book": access.may_book(request.user),
        **page.links(lambda number: _url(chosen, number)),
    }
    return render(request, "clinic/waitlist.html", context)


@require_safe
def fits(request: HttpRequest) -> HttpResponse:
    """Who fits each free time: of one practitioner, or of all that a batch has left behind."""
    access.check_may_book(request.user)
    asked = FreedForm(request.GET).times
    people = Practitioner.objects.active().in_bulk([each.practitioner for each in asked])
    times = [
        FreedTime(people[each.practitioner], each.begins_at) for each in asked if each.practitioner in people
    ]
    if not times:
        raise Http404
    found = fits_at_each(times, user=request.user, at=timezone.now())
    context = {
        "times": [{"time": time, "fits": fits} for time, fits in zip(times, found, strict=True)],
        "fits": [fit for fits in found for fit in fits],
        "day": timezone.localdate(times[0].begins_at),
    }
    return render(request, "clinic/waitlist_fits.html", context)


@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Put the patient on the list; what was chosen while booking is kept. For a visit on the books: to have it earlier."""
    access.check_may_book(request.user)
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    at = timezone.now()
    visit = _to_be_earlier(request, patient, at)
    choices = (
        [what_is(visit, at=at)] if visit else [each for each in whats(patient, at=at) if not each.conditions]
    )
    about = {"whats": choices, "people": list(Practitioner.objects.active()), "visit": visit}
    if request.method == "GET":
        booking.check_not_to_be_erased(patient)
        initial = _begin(request, patient, choices, visit, at)
        return _add_page(request, patient, WaitForm(initial=initial, **about))
    form = WaitForm(request.POST, **about)
    if not form.is_valid():
        return _add_page(request, patient, form, status=422)
    try:
        wait = waitlist.Wait(**form.cleaned_data)
        waitlist.add(patient=patient, wait=wait, by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _add_page(request, patient, form, status=refusal.status)
    messages.success(request, _("%(name)s is on the waitlist.") % {"name": called(request, patient)})
    return redirect(way_back(request, request.POST) or "clinic:waitlist")


@require_POST
def withdraw(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """The patient waits no more."""
    access.check_may_book(request.user)
    entries = WaitlistEntry.objects.visible_to(request.user).select_related("patient")
    entry = get_object_or_404(entries, pk=entry_id)
    try:
        waitlist.withdraw(entry=entry, by=request.user, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(
            request, _("%(name)s is off the waitlist.") % {"name": called(request, entry.patient)}
        )
    return redirect(way_back(request, request.POST) or "clinic:waitlist")


def _to_be_earlier(request: HttpRequest, patient: Patient, at: datetime) -> Appointment | None:
    """The visit on the books that the patient wants earlier; 404 where it is not theirs, or not to come any more."""
    key = OfVisitForm(request.POST if request.method == "POST" else request.GET).key
    if key is None:
        return None
    visits = Appointment.objects.visible_to(request.user).upcoming(at).with_people()
    return get_object_or_404(visits, pk=key, patient=patient)


def _begin(
    request: HttpRequest, patient: Patient, choices: list[What], visit: Appointment | None, at: datetime
) -> dict[str, Any]:
    """The choices of the booking panel, where that is where the person comes from."""
    state = StateForm(request.GET).state
    what = next((each for each in choices if each.key == state["what"]), choices[0] if choices else None)
    who = state["practitioner"]
    if what and who not in {each.pk for each in practitioners_for(what.type)}:
        who = None
    return {
        **first_wishes(
            patient,
            what,
            suits=suits_of(state),
            today=timezone.localdate(at),
            before=timezone.localdate(visit.starts_at) if visit else None,
        ),
        "practitioners": [str(who)] if who else [],
        "minutes": state["minutes"],
    }


def _add_page(request: HttpRequest, patient: Patient, form: WaitForm, *, status: int = 200) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    context = {
        "patient": patient,
        "warnings": readiness.pathway().warnings([patient], user=request.user).get(patient.pk, []),
        "form": form,
        "visit": form.visit,
        "next": way_back(request, given),
        "waiting": WaitlistEntry.objects.visible_to(request.user).open().filter(patient=patient),
    }
    return render(request, "clinic/waitlist_add.html", context, status=status)


def _entries(request: HttpRequest, chosen: UUID | None) -> QuerySet[WaitlistEntry]:
    offers = WaitlistOffer.objects.visible_to(request.user).unanswered().with_people().order_by("starts_at")
    entries = WaitlistEntry.objects.visible_to(request.user).open().with_wishes()
    if chosen:
        entries = entries.filter(Q(practitioners=chosen) | Q(practitioners=None)).distinct()
    return entries.prefetch_related(Prefetch("offers", offers))


def _tabs(chosen: UUID | None, *, today: bool) -> list[dict[str, Any]]:
    """Everybody, who fits today, and whom each practitioner could see."""
    url = reverse("clinic:waitlist")
    everybody = not chosen and not today
    return [
        {"label": _("Everybody"), "url": url, "current": everybody, "count": None},
        {"label": _("Fit today"), "url": f"{url}?show=today", "current": today, "count": None},
        *(
            {"label": who.name, "url": _url(who.pk, 1), "current": who.pk == chosen, "count": None}
            for who in Practitioner.objects.active()
        ),
    ]


def _url(chosen: UUID | None, number: int) -> str:
    wanted = {**({"practitioner": chosen} if chosen else {}), **({"page": number} if number > 1 else {})}
    return f"{reverse('clinic:waitlist')}{'?' if wanted else ''}{urlencode(wanted)}"
