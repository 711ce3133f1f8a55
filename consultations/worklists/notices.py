"""The counts behind "Needs someone", each with its list."""

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.enums import Role
from clinic.models import ClinicSettings, EmergencyOpening, User
from clinic.readiness import Notice
from clinic.rules.access import may_book
from consultations.models import CheckIn, ClinicalReport, Deviation, EnteredInError, PhotoRemoval
from consultations.queries import awaiting_reading, unsigned
from consultations.releases import ToRelease, to_release
from consultations.worklists import check_ins, follow_ups, readings, sessions
from consultations.worklists.reports import allergies_to_assess


def notices(*, user: User, at: datetime) -> list[Notice]:
    """Counts with the lists behind them; only what this person can do something about."""
    found: list[Notice] = []
    if user.has_role(Role.PRACTITIONER):
        found += _for_practitioners(user, at)
    elif user.has_role(Role.RECEPTION, Role.ADMIN):
        found += _for_the_desk(user, at)
    if user.has_role(Role.ADMIN):
        month_ago = at - timedelta(days=30)
        incidents = Deviation.objects.visible_to(user).told_once().filter(recorded_at__gte=month_ago).count()
        waiting = EnteredInError.objects.waiting().count() + PhotoRemoval.objects.waiting().count()
        url = reverse("consultations:incidents")
        words = ngettext("Deviation in the last 30 days", "Deviations in the last 30 days", incidents)
        found.append(Notice(words, incidents, url, "alert-triangle", incidents > 0))
        words = ngettext("Error to confirm", "Errors to confirm", waiting)
        found.append(Notice(words, waiting, url, "clipboard-check", waiting > 0))
        found.append(_emergencies_notice(user))
    return found


def _emergencies_notice(user: User) -> Notice:
    """One's own too: they show that another admin is missing."""
    openings = EmergencyOpening.objects.visible_to(user).to_review().count()
    words = ngettext("Emergency opening to review", "Emergency openings to review", openings)
    return Notice(words, openings, reverse("clinic:emergencies"), "urgent", openings > 0)


def _reading_notices(due: list[readings.ReadingDue], url: str) -> list[Notice]:
    now, overdue = sum(row.is_open for row in due), sum(row.is_overdue for row in due)
    words = ngettext("Reading overdue", "Readings overdue", overdue)
    return [
        Notice(ngettext("Reading due", "Readings due", now), now, url, "eye"),
        Notice(words, overdue, url, "alert-circle", overdue > 0),
    ]


def _for_the_desk(user: User, at: datetime) -> list[Notice]:
    url, due = reverse("consultations:late"), readings.due(awaiting_reading(), at)
    return [
        *_reading_notices(due, url),
        _sessions_notice(url, at),
        _settling_notice(f"{url}#check-ins", at),
        _calls_notice(f"{url}#checks", at),
        *_release_notice(url, user, at),
    ]


def _for_practitioners(user: User, at: datetime) -> list[Notice]:
    due = readings.to_read(user=user, at=at)
    reports = ClinicalReport.objects.visible_to(user).untriaged()
    red = any(report.red_flag for report in reports)
    limit = at - timedelta(hours=ClinicSettings.current().unsigned_after_hours)
    drafts, unknown = len(unsigned(user, before=limit)), len(allergies_to_assess(user))
    report_words = ngettext("Report to look at", "Reports to look at", len(reports))
    draft_words = ngettext("Record unsigned for too long", "Records unsigned for too long", drafts)
    allergy_words = ngettext("Allergy to assess", "Allergies to assess", unknown)
    return [
        Notice(report_words, len(reports), _list("reports"), "message-report", red),
        *_reading_notices(due, _list("readings")),
        Notice(draft_words, drafts, _list("unsigned"), "signature"),
        Notice(allergy_words, unknown, _list("allergies"), "alert-triangle"),
        _answers_notice(user),
        _checks_notice(user, at),
        _sessions_notice(_list("sessions"), at),
        *_release_notice(_list("release"), user, at),
    ]


def _release_notice(url: str, user: User, at: datetime) -> list[Notice]:
    """Whose times keep others out although nothing can happen in them; straight to the page where there is one patient.
    Nobody is urged to release what is only on hold."""
    found = to_release(user=user, at=at)
    urgent, paused = (
        [each for each in found if not each.is_paused],
        [each for each in found if each.is_paused],
    )

    def address(rows: list[ToRelease]) -> str:
        one = len(rows) == 1 and may_book(user)
        return reverse("clinic:release", args=[rows[0].patient.pk]) if one else url

    told = []
    if urgent:
        words = ngettext("Patient with visits to release", "Patients with visits to release", len(urgent))
        told.append(Notice(words, len(urgent), address(urgent), "calendar-cancel", serious=True))
    if paused:
        words = ngettext("Patient whose visits are on hold", "Patients whose visits are on hold", len(paused))
        told.append(Notice(words, len(paused), address(paused), "player-pause"))
    return told


def _settling_notice(url: str, at: datetime) -> Notice:
    waiting = check_ins.to_settle(at=at).count()
    words = ngettext("Check-in to settle", "Check-ins to settle", waiting)
    return Notice(words, waiting, url, "clipboard-check", waiting > 0)


def _calls_notice(url: str, at: datetime) -> Notice:
    """Those whom nobody calls yet."""
    calls = follow_ups.due(at=at).not_called().count()
    words = ngettext("Patient to call after a session", "Patients to call after a session", calls)
    return Notice(words, calls, url, "phone-call")


def _answers_notice(user: User) -> Notice:
    answers = CheckIn.objects.visible_to(user).to_review().count()
    words = ngettext("Check-in answer to look at", "Check-in answers to look at", answers)
    return Notice(words, answers, _list("check-ins"), "clipboard-check", answers > 0)


def _checks_notice(user: User, at: datetime) -> Notice:
    checks = follow_ups.due(at=at).visible_to(user).count()
    words = ngettext("Check after a session due", "Checks after a session due", checks)
    return Notice(words, checks, _list("checks"), "phone-call")


def _list(anchor: str) -> str:
    return f"{reverse('consultations:worklists')}#{anchor}"


def _sessions_notice(url: str, at: datetime) -> Notice:
    late = len(sessions.overdue(at))
    words = ngettext("Session overdue", "Sessions overdue", late)
    if late == sessions.MOST:
        words = _("Sessions overdue, or more")
    return Notice(words, late, url, "hourglass")
