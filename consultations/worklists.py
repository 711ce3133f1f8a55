"""What waits for somebody: the counts behind "Needs someone", and the rows of the worklists page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.enums import Role
from clinic.models import ClinicSettings, User
from clinic.readiness import Notice
from consultations.models import (
    Allergy,
    ClinicalReport,
    Deviation,
    EnteredInError,
    PatchTest,
)
from consultations.queries import sessions_overdue, tests_to_read, unsigned
from consultations.rules.allergens import unassessed
from consultations.rules.patch_test import Window, reading_window


@dataclass(frozen=True)
class ReadingDue:
    """A test that waits for its reading."""

    test: PatchTest
    window: Window
    is_overdue: bool
    is_open: bool


def readings(*, user: User, at: datetime) -> list[ReadingDue]:
    """Tests to read, the longest due first; overdue ones are past their window."""
    rows = []
    for test in tests_to_read(user):
        window = reading_window(test.given_at, test.policy)
        rows.append(
            ReadingDue(test, window, at >= window.closes_at, window.contains(at))
        )
    return sorted(rows, key=lambda row: row.window.due_at)


def notices(*, user: User, at: datetime) -> list[Notice]:
    """Counts with the lists behind them; only what this person can do something about."""
    found: list[Notice] = []
    if user.has_role(Role.PRACTITIONER):
        found += _for_practitioners(user, at)
    if user.has_role(Role.ADMIN):
        month_ago = at - timedelta(days=30)
        incidents = (
            Deviation.objects.visible_to(user)
            .filter(recorded_at__gte=month_ago)
            .count()
        )
        waiting = EnteredInError.objects.filter(confirmed_at=None).count()
        url = reverse("consultations:incidents")
        found.append(
            Notice(
                _("Deviations in the last 30 days"),
                incidents,
                url,
                "alert-triangle",
                incidents > 0,
            )
        )
        found.append(
            Notice(_("Errors to confirm"), waiting, url, "clipboard-check", waiting > 0)
        )
    return found


def _for_practitioners(user: User, at: datetime) -> list[Notice]:
    worklists = reverse("consultations:worklists")
    due = readings(user=user, at=at)
    overdue = sum(row.is_overdue for row in due)
    open_now = sum(row.is_open for row in due)
    reports = ClinicalReport.objects.visible_to(user).untriaged()
    red = sum(report.red_flag for report in reports)
    limit = at - timedelta(hours=ClinicSettings.current().unsigned_after_hours)
    return [
        Notice(
            _("Reports to look at"),
            len(reports),
            f"{worklists}#reports",
            "message-report",
            red > 0,
        ),
        Notice(_("Readings due"), open_now, f"{worklists}#readings", "eye"),
        Notice(
            _("Readings overdue"),
            overdue,
            f"{worklists}#readings",
            "alert-circle",
            overdue > 0,
        ),
        Notice(
            _("Records unsigned for too long"),
            len(unsigned(user, before=limit)),
            f"{worklists}#unsigned",
            "signature",
        ),
        Notice(
            _("Allergies to assess"),
            len(allergies_to_assess(user)),
            f"{worklists}#allergies",
            "alert-triangle",
        ),
        Notice(
            _("Sessions overdue"),
            len(sessions_overdue(at)),
            f"{worklists}#sessions",
            "hourglass",
        ),
    ]


def allergies_to_assess(user: User) -> list[Allergy]:
    """Reported in words that name no group, oldest first."""
    reported = (
        Allergy.objects.visible_to(user)
        .in_force()
        .select_related("patient")
        .order_by("reported_at")
    )
    return unassessed(reported)
