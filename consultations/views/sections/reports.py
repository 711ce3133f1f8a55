"""What was reported: calls, and allergies in words."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from clinic.templatetags.clinic_tags import when
from consultations.models import Allergy, ClinicalReport
from consultations.views.sections.page import Row, Section, section
from consultations.worklists.reports import allergies_to_assess


def to_look_at(request: HttpRequest, at: datetime) -> Section:
    """Reports from the desk, red flags first."""
    waiting = ClinicalReport.objects.visible_to(request.user).untriaged()
    found = list(waiting.select_related("patient", "reported_by"))
    return section(
        request,
        "reports",
        found,
        _report_row,
        title=_("Reports to look at"),
        icon="message-report",
        empty=_("No report waits"),
        filled_by=_("What reception takes down on the phone appears here, red flags first."),
    )


def _report_row(entry: ClinicalReport) -> Row:
    url = reverse("consultations:report_triage", args=[entry.pk])
    words = Truncator(entry.words).chars(160)
    since = _("since %(moment)s, taken by %(who)s") % {
        "moment": when(entry.reported_at),
        "who": entry.reported_by,
    }
    chip = _("red flag") if entry.red_flag else ""
    return Row(entry.patient, words, since, url, _("Look at it"), chip=chip, tone="bad")


def allergies(request: HttpRequest, at: datetime) -> Section:
    """Allergies reported in words, to be assessed."""
    return section(
        request,
        "allergies",
        allergies_to_assess(request.user),
        _allergy_row,
        title=_("Allergies to assess"),
        icon="alert-triangle",
        empty=_("Every reported allergy has been assessed"),
        filled_by=_(
            "What a patient reports in words that name no group waits here; nothing is injected before."
        ),
    )


def _allergy_row(allergy: Allergy) -> Row:
    url = reverse("consultations:allergy_assess", args=[allergy.pk])
    since = _("reported %(moment)s") % {"moment": when(allergy.reported_at)}
    return Row(allergy.patient, allergy.words, since, url, _("Assess"), note=allergy.reaction)
