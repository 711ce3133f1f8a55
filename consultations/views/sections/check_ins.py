"""Answers from the check-in that somebody has to look at before the visit begins."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.templatetags.clinic_tags import when
from consultations.models import CheckIn
from consultations.views.sections.page import Row, Section, section


def to_review(request: HttpRequest, at: datetime) -> Section:
    """Yes, not known, left open, or handed back without an answer; the visit that begins first on top."""
    waiting = CheckIn.objects.visible_to(request.user).to_review().order_by("appointment__starts_at")
    return section(
        request,
        "check-ins",
        list(waiting.select_related("patient", "appointment")),
        _row,
        title=_("Check-in answers to look at"),
        icon="clipboard-check",
        empty=_("No answer from a check-in waits"),
        filled_by=_(
            "What a patient does not answer with a plain no appears here; the visit does not begin before."
        ),
    )


def _row(check_in: CheckIn) -> Row:
    url = reverse("consultations:check_in_review", args=[check_in.pk])
    what = _("Answered, and needs a look") if check_in.answered_at else _("Handed over and not answered")
    since = _("visit %(moment)s") % {"moment": when(check_in.appointment.starts_at)}
    return Row(check_in.patient, what, since, url, _("Look at it"))
