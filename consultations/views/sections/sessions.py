"""Sessions nobody has booked, and visits that cannot take place."""

from datetime import datetime

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.templatetags.clinic_tags import when
from consultations.offers import session_label
from consultations.releases import ToRelease, to_release
from consultations.views.sections.page import Row, Section, section
from consultations.worklists import sessions


def late(request: HttpRequest, at: datetime) -> Section:
    """Sessions overdue, the longest forgotten first."""
    return section(
        request,
        "sessions",
        sessions.late(at=at),
        _session_row,
        title=_("Sessions overdue"),
        icon="hourglass",
        empty=_("No course is behind"),
        filled_by=_("The next session of a plan appears here when it is late and nobody has booked it."),
    )


def _session_row(row: sessions.SessionLate) -> Row:
    plan = row.planned.plan
    what = f"{session_label(row.planned.ordinal, row.total)} · {plan.indication}"
    since = _("nothing since %(moment)s") % {"moment": when(row.since)}
    return Row(plan.patient, what, since, reverse("clinic:book_for", args=[plan.patient_id]), _("Book"))


def to_release_now(request: HttpRequest, at: datetime) -> Section:
    """Patients whose visits cannot take place and keep others out."""
    return section(
        request,
        "release",
        to_release(user=request.user, at=at),
        _release_row,
        title=_("Visits to release"),
        icon="calendar-cancel",
        empty=_("No time is kept for nothing"),
        filled_by=_(
            "Visits that cannot take place, after a positive test, an allergy or a stopped plan, appear here; those"
            " of a plan on hold, too."
        ),
    )


def _release_row(row: ToRelease) -> Row:
    url = reverse("clinic:release", args=[row.patient.pk])
    who = str(row.visits[0].practitioner)
    if row.is_paused:
        return Row(row.patient, row.words, who, url, _("Release or keep"), chip=_("on hold"), tone="info")
    return Row(row.patient, row.words, who, url, _("Call and release"))
