"""What every clinical page about a patient shares: the header, the note of who opened it, what comes next."""

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model
from django.http import Http404, HttpRequest
from django.urls import reverse

from clinic.models import Patient
from clinic.prepared import RowsFor
from clinic.views import reading
from consultations import offers
from consultations.models import Plan
from consultations.next_steps import Next, next_of
from consultations.queries import facts_of_one
from consultations.views import patients

AnyRecord = TypeVar("AnyRecord", bound=Model)


def row_or_404(request: HttpRequest, rows: RowsFor[AnyRecord], key: UUID) -> AnyRecord:
    """The record that a page is about (`page_rows`), as far as this person may read it."""
    row = rows.visible_to(request.user, key)
    if row is None:
        raise Http404
    return row


def header(request: HttpRequest, patient: Patient) -> dict[str, Any]:
    """The patient's header, for the context of a page."""
    return patients.header(patient, request.user)


def opened(request: HttpRequest, patient: Patient, *, at: datetime) -> None:
    """Write down that this person looks at this page of the patient's record.

    Whoever saves has looked before; a form that is sent to a record nobody has opened, and comes back with the page, is looking.
    """
    if request.method in {"GET", "POST"} and request.resolver_match:
        is_sent = request.method == "POST"
        reading.opened(request, patient, request.resolver_match.view_name, at=at, only_new=is_sent)


def booking_url(patient: Patient, *purposes: str, at: datetime) -> str:
    """Where a visit for one of the purposes is booked; empty while the pathway does not offer one."""
    for offer in offers.for_patient(patient, at=at):
        if offer.purpose in purposes and not offer.conditions:
            what = urlencode({"what": f"{offer.type.code}:{offer.purpose}"})
            return f"{reverse('clinic:book_for', args=[patient.pk])}?{what}"
    return ""


def next_step(plan: Plan, *, at: datetime) -> Next:
    """What comes next for the plan, as the patient page says it."""
    return next_of(facts_of_one(plan), at=at)
