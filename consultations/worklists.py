"""What waits for somebody: the counts behind "Needs someone", and the rows of the worklists page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.enums import Role
from clinic.models import Appointment, ClinicSettings, Patient, User
from clinic.readiness import Notice
from clinic.rules.access import may_book
from consultations import purposes
from consultations.models import (
    Allergy,
    ClinicalReport,
    Deviation,
    EnteredInError,
    Lot,
    PatchTest,
    PlannedSession,
    Session,
)
from consultations.offers import session_label
from consultations.queries import (
    PlanFacts,
    awaiting_reading,
    facts_of,
    quiet_plans,
    tests_to_read,
    unbooked,
    unsigned,
)
from consultations.releases import to_release
from consultations.rules import clearance
from consultations.rules.allergens import unassessed
from consultations.rules.codes import MAY_STILL_COME
from consultations.rules.patch_test import Window, reading_window

# How long past its hard gap, and at the least, before an unbooked session is called overdue.
_GRACE, _PATIENCE = timedelta(days=7), timedelta(days=14)
MOST_LATE = 50
_READING = gettext_lazy("Reading of the test injection")


@dataclass(frozen=True)
class ReadingDue:
    """A test that waits for its reading."""

    test: PatchTest
    window: Window
    is_overdue: bool
    is_open: bool


def readings(*, user: User, at: datetime) -> list[ReadingDue]:
    """Tests to read, the longest due first; overdue ones are past their window."""
    return _due(tests_to_read(user), at)


def _due(tests: Iterable[PatchTest], at: datetime) -> list[ReadingDue]:
    rows = []
    for test in tests:
        window = reading_window(test.given_at, test.policy)
        rows.append(ReadingDue(test, window, at >= window.closes_at, window.contains(at)))
    return sorted(rows, key=lambda row: row.window.due_at)


@dataclass(frozen=True)
class Late:
    """A visit that should be on the books or over: whose, what, since when, and who knows the patient. `test` is the one
    to be read, where a reading is overdue; `is_refused` where visits on the books cannot take place."""

    patient: Patient
    what: str
    since: datetime | None
    who: str
    test: UUID | None = None
    is_refused: bool = False


def refused(*, user: User, at: datetime) -> list[Late]:
    """Patients whose visits cannot take place and wait to be released, without a word of why."""
    return [
        Late(each.patient, each.words, None, str(each.visits[0].practitioner), is_refused=True)
        for each in to_release(user=user, at=at)
    ]


def late(*, at: datetime) -> list[Late]:
    """Readings due or overdue and sessions overdue, as everybody who plans the days may know them: no findings."""
    found = [
        Late(
            row.test.patient,
            str(_READING),
            row.window.opens_at,
            str(row.test.practitioner),
            row.test.pk if row.is_overdue else None,
        )
        for row in _due(awaiting_reading(), at)
        if row.is_overdue or row.is_open
    ]
    for row in sessions_late(at=at):
        plan = row.planned.plan
        what = session_label(row.planned.ordinal, row.total)
        found.append(Late(plan.patient, what, row.since, str(plan.consultation.practitioner)))
    return found


def notices(*, user: User, at: datetime) -> list[Notice]:
    """Counts with the lists behind them; only what this person can do something about."""
    found: list[Notice] = []
    if user.has_role(Role.PRACTITIONER):
        found += _for_practitioners(user, at)
    elif user.has_role(Role.RECEPTION, Role.ADMIN):
        found += _for_the_desk(user, at)
    if user.has_role(Role.ADMIN):
        month_ago = at - timedelta(days=30)
        incidents = Deviation.objects.visible_to(user).filter(recorded_at__gte=month_ago).count()
        waiting = EnteredInError.objects.filter(confirmed_at=None).count()
        url = reverse("consultations:incidents")
        found.append(
            Notice(_("Deviations in the last 30 days"), incidents, url, "alert-triangle", incidents > 0)
        )
        found.append(Notice(_("Errors to confirm"), waiting, url, "clipboard-check", waiting > 0))
    return found


def _for_the_desk(user: User, at: datetime) -> list[Notice]:
    url, due = reverse("consultations:late"), _due(awaiting_reading(), at)
    overdue = sum(row.is_overdue for row in due)
    return [
        Notice(_("Readings due"), sum(row.is_open for row in due), url, "eye"),
        Notice(_("Readings overdue"), overdue, url, "alert-circle", overdue > 0),
        _sessions_notice(url, at),
        *_release_notice(url, user, at),
    ]


def _for_practitioners(user: User, at: datetime) -> list[Notice]:
    due = readings(user=user, at=at)
    overdue = sum(row.is_overdue for row in due)
    reports = ClinicalReport.objects.visible_to(user).untriaged()
    red = any(report.red_flag for report in reports)
    limit = at - timedelta(hours=ClinicSettings.current().unsigned_after_hours)
    late_drafts = len(unsigned(user, before=limit))
    return [
        Notice(_("Reports to look at"), len(reports), _list("reports"), "message-report", red),
        Notice(_("Readings due"), sum(row.is_open for row in due), _list("readings"), "eye"),
        Notice(_("Readings overdue"), overdue, _list("readings"), "alert-circle", overdue > 0),
        Notice(_("Records unsigned for too long"), late_drafts, _list("unsigned"), "signature"),
        Notice(
            _("Allergies to assess"), len(allergies_to_assess(user)), _list("allergies"), "alert-triangle"
        ),
        _sessions_notice(_list("sessions"), at),
        *_release_notice(_list("release"), user, at),
    ]


def _release_notice(url: str, user: User, at: datetime) -> list[Notice]:
    """Whose times keep others out although nothing can happen in them; straight to the page where there is one patient."""
    found = to_release(user=user, at=at)
    if len(found) == 1 and may_book(user):
        url = reverse("clinic:release", args=[found[0].patient.pk])
    words = ngettext("Patient with visits to release", "Patients with visits to release", len(found))
    return [Notice(words, len(found), url, "calendar-cancel", serious=True)] if found else []


def _list(anchor: str) -> str:
    return f"{reverse('consultations:worklists')}#{anchor}"


def allergies_to_assess(user: User) -> list[Allergy]:
    """Reported in words that name no group, oldest first."""
    reported = Allergy.objects.visible_to(user).in_force().select_related("patient").order_by("reported_at")
    return unassessed(reported)


def report_waiting_since(patient: Patient) -> datetime | None:
    """When the oldest report nobody has looked at was taken; all that the desk may know of earlier reports."""
    waiting = ClinicalReport.objects.filter(patient=patient, triaged_at=None)
    return waiting.order_by("reported_at").values_list("reported_at", flat=True).first()


def reading_visits(rows: list[ReadingDue], *, user: User, at: datetime) -> dict[UUID, Appointment]:
    """The visit on the books for each test's reading, by the test's plan."""
    wanted = [purposes.reading_of(row.test.plan) for row in rows]
    visits = Appointment.objects.visible_to(user).upcoming(at).filter(purpose__in=wanted).with_people()
    found = {purposes.parse(visit.purpose).key: visit for visit in visits.order_by("-starts_at")}
    return {key: visit for key, visit in found.items() if key}


def sessions_overdue(at: datetime) -> list[PlannedSession]:
    """The next session of each active plan that could be given and is neither booked nor given although a week late.

    A plan that is closed (a positive test, an allergy) waits for a decision, not for a booking. At most MOST_LATE, of
    the latest plans: every diary page counts them, and what a plan is judged by takes a dozen queries to read.
    """
    late: list[PlannedSession] = []
    quiet = quiet_plans(since=at - _PATIENCE)
    for start in count(step=MOST_LATE):
        plans = list(quiet[start : start + MOST_LATE])
        late += [planned for facts in facts_of(plans).values() if (planned := _overdue(facts, at))]
        if len(late) >= MOST_LATE or len(plans) < MOST_LATE:
            break
    return late[:MOST_LATE]


def _overdue(facts: PlanFacts, at: datetime) -> PlannedSession | None:
    """The plan's next session, if it is late and the plan is not closed."""
    planned = next(iter(unbooked(facts)), None)
    if planned is None:
        return None
    last = facts.given[-1].started_at if facts.given else facts.plan.consultation.signed_at
    wait = max(timedelta(days=planned.min_gap_days) + _GRACE, _PATIENCE)
    if not last or at - last <= wait:
        return None
    judged = clearance.judge(facts, gate=clearance.Gate.TEST, on=at)
    closed = any(each.code not in MAY_STILL_COME for each in judged.conditions)
    return None if closed else planned


def _sessions_notice(url: str, at: datetime) -> Notice:
    late = len(sessions_overdue(at))
    words = _("Sessions overdue, or more") if late == MOST_LATE else _("Sessions overdue")
    return Notice(words, late, url, "hourglass")


@dataclass(frozen=True)
class SessionLate:
    """The next session of a plan, neither given nor booked although late; `since` is when something last happened."""

    planned: PlannedSession
    total: int
    since: datetime | None


def sessions_late(*, at: datetime) -> list[SessionLate]:
    """Sessions to book, the longest forgotten first."""
    late = sessions_overdue(at)
    given = Session.objects.given().filter(plan__in=[each.plan_id for each in late])
    last = dict(given.values_list("plan").annotate(last=Max("started_at")))
    rows = [
        SessionLate(
            each,
            len(each.plan.planned_sessions.all()),
            last.get(each.plan_id) or each.plan.consultation.signed_at,
        )
        for each in late
    ]
    return sorted(rows, key=lambda row: row.since or at)


def lot_use_counts(lot: Lot) -> tuple[int, int]:
    """How many tests and sessions used the lot."""
    return PatchTest.objects.filter(used_lots__lot=lot).count(), Session.objects.filter(
        used_lots__lot=lot
    ).count()


def lot_uses(lot: Lot, *, user: User) -> list[PatchTest | Session]:
    """The tests and sessions that used the lot, newest first, as far as the person may see them."""
    tests = PatchTest.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    sessions = Session.objects.visible_to(user).filter(used_lots__lot=lot).select_related("patient")
    return sorted([*tests, *sessions], key=used_at, reverse=True)


def used_at(record: PatchTest | Session) -> datetime:
    """When something was injected."""
    return record.given_at if isinstance(record, PatchTest) else record.started_at
