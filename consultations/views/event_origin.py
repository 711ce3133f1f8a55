"""What an adverse event is recorded from: a report from the desk, or a check after a session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse

from clinic.models import Patient
from clinic.views.posted import id_in
from consultations.models import ClinicalReport, FollowUp, Session


@dataclass(frozen=True, slots=True)
class Origin:
    """The report or the check, or neither; `after` is the session that the form is filled in with."""

    report: ClinicalReport | None = None
    follow_up: FollowUp | None = None
    after: str = ""

    @property
    def links(self) -> dict[str, Any]:
        """The event's own fields."""
        return {"report": self.report, "follow_up": self.follow_up}

    def initial(self, at: datetime) -> dict[str, Any]:
        """The words as they were told, and when they were: the event began by then."""
        told_at = self.report.reported_at if self.report else at
        told = self.report or self.follow_up
        return {"onset_at": told_at, "after": self.after, "words": told.words if told else ""}


def origin_of(request: HttpRequest, patient: Patient) -> Origin:
    """What the address names; a report or check of somebody else is unknown (404)."""
    after = request.GET.get("after", "")
    if "report" in request.GET:
        reports = ClinicalReport.objects.visible_to(request.user).filter(patient=patient)
        report = get_object_or_404(reports, pk=id_in(request.GET, "report"))
        return Origin(report=report, after=after or _last_session_before(request, report))
    if "follow_up" in request.GET:
        checks = FollowUp.objects.visible_to(request.user).filter(patient=patient)
        return Origin(follow_up=get_object_or_404(checks, pk=id_in(request.GET, "follow_up")), after=after)
    return Origin(after=after)


def _last_session_before(request: HttpRequest, report: ClinicalReport) -> str:
    given = Session.objects.visible_to(request.user).given()
    last = given.filter(patient_id=report.patient_id, started_at__lte=report.reported_at).first()
    return f"session-{last.pk}" if last else ""


def record_url(told: ClinicalReport | FollowUp) -> str:
    """Where an event is recorded from it."""
    if isinstance(told, ClinicalReport):
        query = {"report": told.pk}
    else:
        query = {"follow_up": told.pk, "after": f"session-{told.session_id}"}
    return f"{reverse('consultations:event_new', args=[told.patient_id])}?{urlencode(query)}"
