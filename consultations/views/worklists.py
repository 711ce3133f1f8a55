"""What waits for a practitioner, each with its one next action."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clinic.enums import Role
from clinic.models import Appointment, ClinicSettings, Patient, User
from clinic.templatetags.clinic_tags import when
from consultations import worklists
from consultations.models import Allergy, ClinicalReport, Consultation, Session, TestReading
from consultations.offers import session_label
from consultations.queries import tests_read_since, unsigned
from consultations.releases import ToRelease, to_release
from consultations.views import incidents as _incidents
from consultations.views.paging import Pages, pages

PAGE = 20
_READ_LATELY = timedelta(days=7)

incidents = _incidents.show


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to do: about whom, what, since when, and the action; `posts` where that is done at once."""

    patient: Patient
    what: str
    since: str
    url: str
    action: str
    note: str = ""
    chip: str = ""
    tone: str = "warn"
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the page. `count` is None where counting would cost a query."""

    key: str
    title: str
    icon: str
    rows: list[Row]
    pages: Pages
    empty: str
    filled_by: str
    count: int | None = None


@require_safe
def show(request: HttpRequest) -> HttpResponse:
    """Reports, readings, unsigned records, allergies, late sessions, times to release. Practitioners only."""
    if not request.user.has_role(Role.PRACTITIONER):
        raise Http404
    at = timezone.now()
    sections = [
        _reports(request),
        _readings(request, at),
        _read(request, at),
        _unsigned(request, at),
        _allergies(request),
        _sessions(request, at),
        _refused(request, at),
    ]
    return render(request, "consultations/worklists.html", {"sections": sections})


def _section(
    request: HttpRequest, key: str, found: Sequence[Any], row_of: Callable[[Any], Row], **words: Any
) -> Section:
    """A page of what was found; only the rows shown are worded."""
    shown = pages(request, found, name=key, size=PAGE)
    count = len(found) if isinstance(found, list) else None
    return Section(key, rows=[row_of(each) for each in shown.rows], pages=shown, count=count, **words)


def _reports(request: HttpRequest) -> Section:
    waiting = ClinicalReport.objects.visible_to(request.user).untriaged()
    found = list(waiting.select_related("patient", "reported_by"))
    return _section(
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


def _readings(request: HttpRequest, at: datetime) -> Section:
    due = worklists.readings(user=request.user, at=at)
    visits = worklists.reading_visits(due, user=request.user, at=at)
    return _section(
        request,
        "readings",
        due,
        lambda row: _reading_row(row, visits.get(row.test.plan_id), at=at),
        title=_("Readings due"),
        icon="eye",
        empty=_("No test waits for its reading"),
        filled_by=_("A test injection appears here until its delayed reading is recorded."),
    )


def _reading_row(row: worklists.ReadingDue, visit: Appointment | None, *, at: datetime) -> Row:
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
    return Row(test.patient, str(test.formula), since, url, action, note=booked, chip=chip, tone=tone)


def _read(request: HttpRequest, at: datetime) -> Section:
    return _section(
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
    tone = {"positive": "bad", "negative": "ok"}.get(reading.result, "warn")
    formula, result = str(reading.patch_test.formula), reading.get_result_display()
    return Row(reading.patient, formula, since, url, _("Open test"), chip=result, tone=tone)


def _unsigned(request: HttpRequest, at: datetime) -> Section:
    hours = ClinicSettings.current().unsigned_after_hours
    return _section(
        request,
        "unsigned",
        unsigned(request.user, before=at - timedelta(hours=hours)),
        lambda draft: _draft_row(draft, request.user),
        title=_("Unsigned for more than %(hours)s hours") % {"hours": hours},
        icon="signature",
        empty=_("Every record is signed"),
        filled_by=_("Drafts appear here when they are left unsigned, your own and your colleagues'."),
    )


def _draft_row(draft: Consultation | Session, user: User) -> Row:
    kind = "session" if isinstance(draft, Session) else "consultation"
    what = _("Consultation")
    if isinstance(draft, Session):
        what = _("Session %(ordinal)s · %(plan)s") % {
            "ordinal": draft.planned.ordinal,
            "plan": draft.plan.indication,
        }
    since = _("begun %(moment)s") % {"moment": when(draft.created_at)}
    author = {"who": draft.practitioner}
    if draft.practitioner.user_id == user.pk:
        url = reverse(f"consultations:{kind}", args=[draft.pk])
        return Row(draft.patient, what, since, url, _("Finish and sign"), chip=_("yours"), tone="info")
    url = reverse("consultations:take_over", args=[kind, draft.pk])
    action = _("Take over from %(who)s") % author
    return Row(draft.patient, what, since, url, action, note=_("written by %(who)s") % author, posts=True)


def _allergies(request: HttpRequest) -> Section:
    return _section(
        request,
        "allergies",
        worklists.allergies_to_assess(request.user),
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


def _sessions(request: HttpRequest, at: datetime) -> Section:
    return _section(
        request,
        "sessions",
        worklists.sessions_late(at=at),
        _session_row,
        title=_("Sessions overdue"),
        icon="hourglass",
        empty=_("No course is behind"),
        filled_by=_("The next session of a plan appears here when it is late and nobody has booked it."),
    )


def _session_row(row: worklists.SessionLate) -> Row:
    plan = row.planned.plan
    what = f"{session_label(row.planned.ordinal, row.total)} · {plan.indication}"
    since = _("nothing since %(moment)s") % {"moment": when(row.since)}
    return Row(plan.patient, what, since, reverse("clinic:book_for", args=[plan.patient_id]), _("Book"))


def _refused(request: HttpRequest, at: datetime) -> Section:
    return _section(
        request,
        "release",
        to_release(user=request.user, at=at),
        _release_row,
        title=_("Visits to release"),
        icon="calendar-cancel",
        empty=_("No time is kept for nothing"),
        filled_by=_("Visits that cannot take place, after a positive test or a stopped plan, appear here."),
    )


def _release_row(row: ToRelease) -> Row:
    url = reverse("clinic:release", args=[row.patient.pk])
    return Row(row.patient, row.words, str(row.visits[0].practitioner), url, _("Call and release"))
