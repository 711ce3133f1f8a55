"""Adverse events that somebody has to look at again."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.templatetags.clinic_tags import when
from consultations.models import AdverseEvent
from consultations.views.sections.page import Row, Section, section


def to_review(request: HttpRequest, at: datetime) -> Section:
    """Open events with a time by which they are reviewed, the most urgent first; how it went on takes them off."""
    waiting = AdverseEvent.objects.visible_to(request.user).to_review()
    return section(
        request,
        "events",
        waiting.select_related("patient", "reaction"),
        lambda event: _row(event, at),
        title=_("Adverse events to review"),
        icon="report-medical",
        empty=_("No event waits for its review"),
        filled_by=_("Infections and red flags appear here until it is recorded how they went on."),
    )


def _row(event: AdverseEvent, at: datetime) -> Row:
    what = _("%(reaction)s, grade %(grade)s") % {"reaction": event.reaction, "grade": event.grade}
    assert event.review_by is not None
    since = _("review by %(moment)s") % {"moment": when(event.review_by)}
    chip, tone = ("", "warn")
    if event.review_by < at:
        chip, tone = _("overdue"), "bad"
    elif event.is_red_flag:
        chip, tone = _("red flag"), "bad"
    url = reverse("consultations:event", args=[event.pk])
    return Row(event.patient, what, since, url, _("Review"), note=event.words[:160], chip=chip, tone=tone)
