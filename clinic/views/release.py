"""Visits that the pathway does not allow any more: who is to be called, and the release of their times in one go."""

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clinic import readiness
from clinic.actions import replanning
from clinic.actions.replanning import Cancellation
from clinic.enums import CancelledBy, Readiness
from clinic.errors import DomainError
from clinic.forms.replanning import ReleaseForm, Version
from clinic.models import Appointment, Patient
from clinic.readiness import Badge
from clinic.rules import access
from clinic.views.privacy import called
from clinic.views.undo import offer_reversal

_MOST = 50  # visits of one patient on one page


@require_http_methods(["GET", "POST"])
def release(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The patient's upcoming visits that are not cleared, each with a tick; one button cancels them all."""
    access.check_may_book(request.user)
    patient = get_object_or_404(Patient.objects.visible_to(request.user), pk=patient_id)
    form, at = ReleaseForm(request.POST or None), timezone.now()
    found = _not_cleared(request, patient, at)
    if not form.is_valid():
        return _page(request, patient, form, found, status=422 if form.is_bound else 200)
    try:
        done = replanning.rearrange(cancel=_wanted(found, form), by=request.user, at=at)
    except DomainError as refusal:
        form.add_domain_error(refusal)
        return _page(request, patient, form, found, status=refusal.status)
    words = ngettext(
        "%(patient)s: %(n)s visit released.", "%(patient)s: %(n)s visits released.", len(done.cancelled)
    )
    offer_reversal(request, words % {"patient": called(request, patient), "n": len(done.cancelled)}, done, [])
    return redirect("clinic:diary")


def _not_cleared(request: HttpRequest, patient: Patient, at: datetime) -> list[tuple[Appointment, Badge]]:
    """What the pathway refuses now, soonest first, with as much of the reason as this person may know."""
    rows = Appointment.objects.visible_to(request.user).upcoming(at).filter(patient=patient)
    visits = list(rows.exclude(purpose="").with_people().order_by("starts_at")[:_MOST])
    badges = readiness.pathway().badges(visits, user=request.user, at=at) if visits else {}
    pairs = [(visit, badges.get(visit.pk, Badge())) for visit in visits]
    return [(visit, badge) for visit, badge in pairs if badge.verdict.state == Readiness.REFUSED]


def _wanted(found: list[tuple[Appointment, Badge]], form: ReleaseForm) -> list[Cancellation]:
    """The ticked visits, with the versions the person saw.

    Raises:
        DomainError: one of them is not, or no longer, among those that are not cleared.
    """
    rows = {visit.pk: visit for visit, _badge in found}
    sent: list[Version] = form.cleaned_data["release"]
    if any(each.visit not in rows for each in sent):
        raise DomainError(
            _("One of these visits is cleared again or called off already. Look at the list again."),
            "not_refused",
        )
    return [
        Cancellation(rows[each.visit], each.version, CancelledBy.CLINICAL, form.cleaned_data["reason"])
        for each in sent
    ]


def _is_ticked(form: ReleaseForm, visit: Appointment, badge: Badge) -> bool:
    """As it was sent; at first all but what is only on hold, which somebody has to choose."""
    return visit.pk in form.ticked if form.is_bound else not badge.verdict.is_paused


def _page(
    request: HttpRequest,
    patient: Patient,
    form: ReleaseForm,
    found: list[tuple[Appointment, Badge]],
    *,
    status: int,
) -> HttpResponse:
    warnings = readiness.pathway().warnings([patient], user=request.user)
    context = {
        "patient": patient,
        "warnings": warnings.get(patient.pk, []),
        "form": form,
        "visits": [
            {
                "visit": visit,
                "badge": badge,
                "key": str(Version(visit.pk, visit.version)),
                "ticked": _is_ticked(form, visit, badge),
            }
            for visit, badge in found
        ],
        "all_paused": all(badge.verdict.is_paused for _visit, badge in found),
    }
    return render(request, "clinic/release.html", context, status=status)
