"""Test injections: to be read, and read lately."""

from datetime import datetime, timedelta

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.models import Appointment
from clinic.templatetags.clinic_tags import when
from consultations.dates import in_words
from consultations.models import PatchTest, TestReading
from consultations.queries import tests_read_since
from consultations.rules import late_readings
from consultations.views.sections.page import Row, Section, section
from consultations.worklists import readings

_READ_LATELY = timedelta(days=7)


def due(request: HttpRequest, at: datetime) -> Section:
    """Tests to read, with the visit booked for it."""
    waiting = readings.to_read(user=request.user, at=at)
    visits = readings.visits_of(waiting, user=request.user, at=at)
    return section(
        request,
        "readings",
        waiting,
        lambda row: _reading_row(row, visits.get(row.test.plan_id), at=at),
        title=_("Readings due"),
        icon="eye",
        empty=_("No test waits for its reading"),
        filled_by=_("A test injection appears here until its delayed reading is recorded."),
    )


def _reading_row(row: readings.ReadingDue, visit: Appointment | None, *, at: datetime) -> Row:
    test, window = row.test, row.window
    span = {"first": when(window.opens_at), "last": when(window.closes_at)}
    url, action = reverse("consultations:patch_test", args=[test.pk]), _("Open test")
    chip, tone = _("opens later"), "quiet"
    if row.is_overdue:
        chip, tone = _("overdue"), "bad"
    elif row.is_open:
        chip, tone = (_("due"), "warn") if at >= window.due_at else (_("can be read"), "info")
        url, action = reverse("consultations:patch_test_read", args=[test.pk]), _("Read")
    elif visit is None:
        url, action = reverse("clinic:book_for", args=[test.patient_id]), _("Book the reading")
    booked = _("no visit booked")
    if visit:
        booked = _("booked %(moment)s, %(who)s") % {
            "moment": when(visit.starts_at),
            "who": visit.practitioner,
        }
    since = _("to be read %(first)s to %(last)s") % span
    return Row(test.patient, test.subject, since, url, action, note=booked, chip=chip, tone=tone)


def to_look_at_again(request: HttpRequest, at: datetime) -> Section:
    """Tests that may be read late. Never overdue: who does not come misses nothing."""
    return section(
        request,
        "late-readings",
        readings.to_look_at_again(user=request.user, at=at),
        _late_row,
        title=_("Late readings, optional"),
        icon="eye",
        empty=_("No test can be read late today"),
        filled_by=_("A test read without reaction stays here for the days of its late reading."),
    )


def _late_row(test: PatchTest) -> Row:
    window = late_readings.window_of(test)
    last = in_words(window.last_moment) if window else ""
    since = _("given %(moment)s, until %(last)s") % {"moment": when(test.given_at), "last": last}
    url = reverse("consultations:patch_test_read_late", args=[test.pk])
    return Row(test.patient, test.subject, since, url, _("Read late"), chip=_("optional"), tone="quiet")


def read_lately(request: HttpRequest, at: datetime) -> Section:
    """What was read in the last days."""
    return section(
        request,
        "read",
        tests_read_since(at - _READ_LATELY, user=request.user),
        _read_row,
        title=_("Recently read"),
        icon="eye-check",
        empty=_("Nothing was read in the last 7 days"),
        filled_by=_("Readings stay here for a week."),
    )


def _read_row(reading: TestReading) -> Row:
    url = reverse("consultations:patch_test", args=[reading.patch_test_id])
    since = _("read %(moment)s by %(who)s") % {"moment": when(reading.read_at), "who": reading.signed_by}
    tone = {"positive": "bad", "negative": "ok", "unchanged": "quiet"}.get(reading.result, "warn")
    formula, result = reading.patch_test.subject, reading.get_result_display()
    return Row(reading.patient, formula, since, url, _("Open test"), chip=result, tone=tone)
