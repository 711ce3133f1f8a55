"""A patient's photographs: listed view by view, shown, added, compared, taken out of sight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clinic import pace
from clinic.enums import Pace
from clinic.errors import DomainError
from clinic.models import Patient
from clinic.uploads import takes_file
from clinic.views.privacy import hides_names
from consultations import page_rows, photo_page, photographs
from consultations.actions import photos as actions
from consultations.forms.photos import CompareForm, PhotoForm, RemoveForm
from consultations.models import Photo, PhotoRemoval
from consultations.rules import authorship
from consultations.rules import photos as rules
from consultations.views import chart
from consultations.views.paging import pages

_PAGE = 12
_TO_COMPARE = 100


@require_safe
def of_patient(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """All photographs, a page at a time, with the consent and what reviews still ask for."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_read(request.user)
    at = timezone.now()
    chart.opened(request, patient, at=at)
    page = pages(request, photo_page.shown(patient, request.user), name="photos", size=_PAGE)
    context = chart.header(request, patient) | {
        "views": photo_page.grouped(page.rows),
        "page": page,
        "consent": rules.consent_in_force(patient, on=at),
        "wanted": photo_page.wanted(patient, on=timezone.localdate(at)),
        "hidden": hides_names(request),
        "may_write": authorship.may_record(request.user),
    }
    return render(request, "consultations/photos.html", context)


@require_safe
def show(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """One photograph with what is known of it."""
    photo = _photo_or_404(request, photo_id)
    chart.opened(request, photo.patient, at=timezone.now())
    context = chart.header(request, photo.patient) | {
        "photo": photo,
        "hidden": hides_names(request),
        "may_write": authorship.may_record(request.user),
    }
    return render(request, "consultations/photo.html", context)


@pace.counts_as(Pace.BY_ITSELF)
@require_safe
def file(request: HttpRequest, photo_id: UUID) -> FileResponse:
    """The picture itself; whoever is sent it is written down. Nobody keeps it on the way."""
    return _sent(request, photo_id, photographs.path_of)


@pace.counts_as(Pace.BY_ITSELF)
@require_safe
def thumbnail(request: HttpRequest, photo_id: UUID) -> FileResponse:
    """The same picture small, for lists: as much a picture of the patient, and checked and written down alike."""
    return _sent(request, photo_id, photographs.small_of)


def _sent(request: HttpRequest, photo_id: UUID, path_of: Callable[[str], Path]) -> FileResponse:
    photo = _photo_or_404(request, photo_id)
    chart.opened(request, photo.patient, at=timezone.now())
    try:
        picture = path_of(photo.file_name).open("rb")
    except (FileNotFoundError, DomainError) as error:
        raise Http404(_("The file of this photograph is missing.")) from error
    response = FileResponse(picture, content_type=photographs.MEDIA_TYPE, filename="photograph.jpg")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


@takes_file
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """A photograph of this patient, whose id stands in the address; without a consent it is asked for first."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user).current(), pk=patient_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, patient, at=at)
    is_sent = request.method == "POST"
    form = PhotoForm(
        request.POST if is_sent else None,
        request.FILES if is_sent else None,
        patient=patient,
        initial={"taken_at": at, "about": request.GET.get("about", "")},
    )
    if is_sent and form.is_valid():
        drawn = form.cleaned_data["drawn"]
        try:
            photo = actions.add(patient=patient, picture=drawn, details=form.details, by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(request, _("The photograph is on record."))
            return redirect("consultations:photo", photo.pk)
    context = chart.header(request, patient) | {
        "form": form,
        "consent": rules.consent_in_force(patient, on=at),
        "again": bool(form.errors and request.FILES),
    }
    return render(request, "consultations/photo_new.html", context, status=422 if form.errors else 200)


@require_safe
def compare(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """Two photographs of this patient; what else the address may name is not looked at."""
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    authorship.check_may_read(request.user)
    chart.opened(request, patient, at=timezone.now())
    photos = list(photo_page.shown(patient, request.user)[:_TO_COMPARE])
    pair = photo_page.pair_of(photos, request.GET.get("first", ""), request.GET.get("second", ""))
    first, second = pair or (None, None)
    chosen = {"first": first and str(first.pk), "second": second and str(second.pk)}
    context = chart.header(request, patient) | {
        "first": first,
        "pair": pair,
        "is_one_view": bool(first and second and first.view.code == second.view.code),
        "form": CompareForm(photos=photos, initial=chosen),
        "hidden": hides_names(request),
    }
    return render(request, "consultations/photo_compare.html", context)


@require_http_methods(["GET", "POST"])
def remove(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """Asks why; a second person confirms."""
    photo = _photo_or_404(request, photo_id)
    authorship.check_may_record(request.user)
    at = timezone.now()
    chart.opened(request, photo.patient, at=at)
    form = RemoveForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.remove(photo=photo, reason=form.cleaned_data["reason"], by=request.user, at=at)
        except DomainError as refusal:
            form.add_domain_error(refusal)
        else:
            messages.success(
                request,
                _("A second person has to confirm, on the incident list; until then it stays in sight."),
            )
            return redirect("consultations:photo", photo.pk)
    context: dict[str, Any] = chart.header(request, photo.patient) | {
        "title": _("Recorded in error"),
        "question": _("Take this photograph out of sight? %(photo)s") % {"photo": photo},
        "consequence": _(
            "Once a second person confirms nobody is shown it any more, and it cannot be put back. The file is kept."
        ),
        "action": reverse("consultations:photo_remove", args=[photo.pk]),
        "back_url": reverse("consultations:photo", args=[photo.pk]),
        "yes": _("Call it an error"),
        "form": form,
    }
    return render(request, "consultations/photo_confirm.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def confirm_removal(request: HttpRequest, photo_id: UUID) -> HttpResponse:
    """The second person. Admins confirm by date, who and reason; a practitioner opens the picture from here."""
    removals = PhotoRemoval.objects.visible_to(request.user).waiting()
    parts = ("photo__patient", "photo__view", "removed_by")
    removal = get_object_or_404(removals.select_related(*parts), photo=photo_id)
    incidents = f"{reverse('consultations:incidents')}#photos"
    if request.method == "POST":
        try:
            actions.confirm_removal(removal=removal, by=request.user, at=timezone.now())
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("Confirmed: the photograph is not shown any more."))
        return redirect(incidents)
    context = chart.header(request, removal.photo.patient) | {
        "removal": removal,
        "is_own": removal.removed_by_id == request.user.pk,
        "sees_photo": authorship.may_record(request.user),
        "back_url": incidents,
    }
    return render(request, "consultations/photo_removal.html", context)


def _photo_or_404(request: HttpRequest, photo_id: UUID) -> Photo:
    return chart.row_or_404(request, page_rows.PHOTOS, photo_id)
