"""What happened to a patient, newest first, from every clinical table and the diary. Read only."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus, Role
from clinic.models import Appointment, Patient, User
from consultations.enums import Answer, FollowUpAnswer, ReadingKind, SessionOutcome, TestResult
from consultations.models import (
    AdverseEvent,
    CauseFinding,
    CheckIn,
    ClinicalReport,
    Consent,
    ConsentWithdrawal,
    Consultation,
    ConsultationConfirmation,
    FollowUp,
    HealthAnswer,
    LeafletHandout,
    PatchTest,
    Photo,
    PlanStatusChange,
    Review,
    Session,
    TestReading,
)
from consultations.queries import in_error


class Kind(StrEnum):
    """What the timeline can be filtered by."""

    CONSULTATION = "consultation"
    LEAFLET = "leaflet"
    CONSENT = "consent"
    TEST = "test"
    SESSION = "session"
    REVIEW = "review"
    PLAN = "plan"
    REPORT = "report"
    EVENT = "event"
    PHOTO = "photo"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as components/timeline.html shows it."""

    at: datetime
    title: str
    icon: str
    text: str = ""
    by: str = ""
    url: str = ""
    tone: str = ""


Source = Callable[[Patient, datetime, int], Iterable[Entry]]


def kinds() -> dict[Kind, str]:
    """The filters with their words, in the order of the way."""
    return {
        Kind.CONSULTATION: _("Consultations"),
        Kind.LEAFLET: _("Leaflets"),
        Kind.CONSENT: _("Consents"),
        Kind.TEST: _("Tests"),
        Kind.SESSION: _("Sessions"),
        Kind.REVIEW: _("Reviews"),
        Kind.PLAN: _("Plans"),
        Kind.REPORT: _("Reports"),
        Kind.EVENT: _("Adverse events"),
        Kind.PHOTO: _("Photographs"),
        Kind.VISIT: _("Visits"),
    }


def entries(
    patient: Patient, *, user: User, kind: Kind | None, at: datetime, offset: int, limit: int
) -> list[Entry]:
    """`limit` entries from `offset` on, newest first; one query per table. Practitioners only: else nothing.

    Ask for one more than is shown to learn whether there is an older page.
    """
    if not user.has_role(Role.PRACTITIONER):
        return []
    most = offset + limit
    sources = [source for of, found in _SOURCES.items() if kind in (None, of) for source in found]
    everything = [entry for source in sources for entry in source(patient, at, most)]
    return sorted(everything, key=lambda entry: entry.at, reverse=True)[offset:most]


def _error(record: object) -> str:
    return _("Entered in error. ") if in_error(record) else ""


def _consultations(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = Consultation.objects.filter(patient=patient).order_by("-created_at")
    for row in rows.select_related("practitioner", "indication", "entered_in_error")[:most]:
        outcome = row.get_outcome_display() if row.is_signed else _("draft, not signed")
        yield Entry(
            row.created_at,
            _("Consultation: %(indication)s") % {"indication": row.indication}
            if row.indication
            else _("Consultation"),
            "notes",
            _error(row) + outcome,
            str(row.practitioner),
            reverse("consultations:consultation", args=[row.pk]),
            "bad" if in_error(row) else "" if row.is_signed else "warn",
        )


def _confirmations(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = ConsultationConfirmation.objects.filter(consultation__patient=patient).order_by("-confirmed_at")
    for row in rows.select_related("confirmed_by", "entered_in_error")[:most]:
        url = reverse("consultations:consultation", args=[row.consultation_id])
        title = _("Consultation confirmed: nothing has changed")
        tone, note = "bad" if in_error(row) else "ok", _error(row) + row.note
        yield Entry(row.confirmed_at, title, "clipboard-check", note, str(row.confirmed_by), url, tone)


def _answers(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = HealthAnswer.objects.filter(patient=patient).order_by("-recorded_at")
    for row in rows.select_related("question", "recorded_by")[:most]:
        title = _("Answered since: %(question)s, %(answer)s") % {
            "question": row.question.name,
            "answer": row.get_answer_display(),
        }
        url = reverse("consultations:health_answer", args=[row.pk])
        tone = "" if row.answer == Answer.NO else "warn"
        yield Entry(row.recorded_at, title, "list-check", row.note, str(row.recorded_by), url, tone)


def _check_ins(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = CheckIn.objects.filter(patient=patient).order_by("-asked_at")
    for row in rows.select_related("asked_by")[:most]:
        url = reverse("consultations:check_in_review", args=[row.pk])
        if row.answered_at is None:
            title, tone = _("Check-in: not answered"), "warn"
        elif row.needs_review:
            title, tone = _("Check-in: an answer needs a look"), "warn"
        else:
            title, tone = _("Check-in: every question answered with no"), ""
        yield Entry(
            row.asked_at, title, "clipboard-check", row.review_note or "", str(row.asked_by), url, tone
        )


def _leaflets(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = LeafletHandout.objects.filter(patient=patient).order_by("-handed_at")
    for row in rows.select_related("leaflet", "handed_by", "entered_in_error")[:most]:
        text = _("version %(version)s, %(way)s, to %(reader)s") % {
            "version": row.leaflet.version,
            "way": row.get_way_display(),
            "reader": row.handed_to,
        }
        title = _("Leaflet handed out: %(leaflet)s") % {"leaflet": row.leaflet}
        url = reverse("consultations:leaflet", args=[row.leaflet_id])
        tone = "bad" if in_error(row) else ""
        yield Entry(row.handed_at, title, "file-text", _error(row) + text, str(row.handed_by), url, tone)


def _consents(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = Consent.objects.filter(patient=patient).order_by("-signed_at")
    for row in rows.select_related("text", "formula", "entered_in_error")[:most]:
        yield Entry(
            row.signed_at,
            _("Consent signed: %(formula)s") % {"formula": row.formula},
            "writing-sign",
            _error(row) + _("version %(version)s") % {"version": row.text.version},
            row.signer_name,
            reverse("consultations:consent", args=[row.pk]),
            "bad" if in_error(row) else "ok",
        )


def _withdrawals(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = ConsentWithdrawal.objects.filter(consent__patient=patient).order_by("-withdrawn_at")
    for row in rows.select_related("recorded_by")[:most]:
        url = reverse("consultations:consent", args=[row.consent_id])
        yield Entry(
            row.withdrawn_at, _("Consent withdrawn"), "ban", row.reason, str(row.recorded_by), url, "bad"
        )


def _tests(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = PatchTest.objects.filter(patient=patient).order_by("-given_at")
    for row in rows.select_related("formula", "practitioner", "entered_in_error")[:most]:
        yield Entry(
            row.given_at,
            _("Test injection: %(formula)s") % {"formula": row.subject},
            "test-pipe",
            _error(row) + row.site,
            str(row.practitioner),
            reverse("consultations:patch_test", args=[row.pk]),
            "bad" if in_error(row) else "warn" if row.deviation_id else "",
        )


_TONES = {
    TestResult.NEGATIVE: "ok",
    TestResult.POSITIVE: "bad",
    TestResult.AWAITING: "",
    TestResult.UNCHANGED: "",
}


def _readings(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = TestReading.objects.filter(patient=patient).exclude(
        kind=ReadingKind.IMMEDIATE, result=TestResult.AWAITING
    )
    for row in rows.select_related("signed_by", "entered_in_error").order_by("-read_at")[:most]:
        yield Entry(
            row.read_at,
            _("Reading: %(result)s") % {"result": row.get_result_display()},
            "eye",
            _error(row) + row.get_kind_display(),
            str(row.signed_by),
            reverse("consultations:patch_test", args=[row.patch_test_id]),
            "bad" if in_error(row) else _TONES.get(TestResult(row.result), "warn"),
        )


def _sessions(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = Session.objects.filter(patient=patient).order_by("-started_at")
    for row in rows.select_related("planned", "plan__indication", "practitioner", "entered_in_error")[:most]:
        title = _("Session %(number)s: %(indication)s") % {
            "number": row.planned.ordinal,
            "indication": row.plan.indication,
        }
        outcome = row.get_outcome_display() if row.is_signed else _("draft, not signed")
        deviation = _("Deviation. ") if row.deviation_id else ""
        complete = row.is_signed and row.outcome == SessionOutcome.COMPLETE and not row.deviation_id
        yield Entry(
            row.started_at,
            title,
            "droplet",
            _error(row) + deviation + outcome,
            str(row.practitioner),
            reverse("consultations:session", args=[row.pk]),
            "bad" if in_error(row) else "ok" if complete else "warn",
        )


def _checks(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = FollowUp.objects.filter(patient=patient).order_by("-done_at")
    for row in rows.select_related("rule", "done_by")[:most]:
        title = _("Check after a session: %(check)s, %(answer)s") % {
            "check": row.rule,
            "answer": row.get_answer_display(),
        }
        url = reverse("consultations:follow_up", args=[row.session_id, row.rule.code])
        tone = "ok" if row.answer == FollowUpAnswer.NOTHING else "warn"
        yield Entry(row.done_at, title, "phone-call", row.words, str(row.done_by), url, tone)


def _reviews(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = Review.objects.filter(patient=patient).order_by("-created_at")
    for row in rows.select_related("rule", "plan__indication", "practitioner", "entered_in_error")[:most]:
        yield Entry(
            row.created_at,
            _("Review: %(indication)s") % {"indication": row.plan.indication},
            "chart-line",
            _error(row)
            + (f"{row.rule}: " if row.rule else "")
            + (row.get_decision_display() if row.is_signed else _("draft, not signed")),
            str(row.practitioner),
            reverse("consultations:review", args=[row.pk]),
            "bad" if in_error(row) else "ok" if row.is_signed else "warn",
        )


def _plan_changes(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = PlanStatusChange.objects.filter(plan__patient=patient).order_by("-changed_at")
    for row in rows.select_related("plan__indication", "changed_by")[:most]:
        title = _("Plan for %(indication)s: %(status)s") % {
            "indication": row.plan.indication,
            "status": row.get_status_display(),
        }
        url = reverse("consultations:plan", args=[row.plan_id])
        yield Entry(row.changed_at, title, "route", row.reason, str(row.changed_by), url)


def _reports(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = ClinicalReport.objects.filter(patient=patient).order_by("-reported_at")
    for row in rows.select_related("reported_by")[:most]:
        tone = "" if row.triaged_at else "bad" if row.red_flag else "warn"
        title = _("Report: %(outcome)s") % {
            "outcome": row.get_outcome_display() or _("nobody has looked yet")
        }
        url = reverse("consultations:report_triage", args=[row.pk])
        yield Entry(row.reported_at, title, "message-report", row.words, str(row.reported_by), url, tone)


def _events(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = AdverseEvent.objects.filter(patient=patient).order_by("-signed_at")
    for row in rows.select_related("reaction", "signed_by", "entered_in_error")[:most]:
        title = _("Adverse event: %(reaction)s, grade %(grade)s") % {
            "reaction": row.reaction,
            "grade": row.grade,
        }
        url = reverse("consultations:event", args=[row.pk])
        tone = "bad" if in_error(row) else "warn"
        yield Entry(
            row.signed_at, title, "alert-triangle", _error(row) + row.words, str(row.signed_by), url, tone
        )


def _photos(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    """By name alone: the picture is on its own page. What two people called an error is not told."""
    rows = Photo.objects.shown().filter(patient=patient).order_by("-taken_at", "pk")
    for row in rows.select_related("view", "recorded_by", "removal")[:most]:
        title = _("Photograph: %(view)s, %(moment)s") % {"view": row.view, "moment": row.get_moment_display()}
        url = reverse("consultations:photo", args=[row.pk])
        error = _("Called an error. ") if row.is_called_an_error else ""
        tone = "bad" if row.is_called_an_error else ""
        yield Entry(row.taken_at, title, "camera", error + row.note, str(row.recorded_by), url, tone)


def _visits(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    over = Q(starts_at__lte=at) | Q(status=AppointmentStatus.CANCELLED)
    rows = Appointment.objects.in_force(at).filter(over, patient=patient).order_by("-starts_at")
    for row in rows.select_related("type", "practitioner")[:most]:
        tone = "warn" if row.status == AppointmentStatus.NO_SHOW else ""
        url = reverse("clinic:appointment", args=[row.pk])
        yield Entry(
            row.starts_at,
            row.type.name,
            "calendar",
            row.get_status_display(),
            str(row.practitioner),
            url,
            tone,
        )


def _causes(patient: Patient, at: datetime, most: int) -> Iterable[Entry]:
    rows = CauseFinding.objects.filter(patient=patient).order_by("-signed_at")
    for row in rows.select_related("search", "signed_by")[:most]:
        title = _("Cause found after a positive test") if row.cause_codes else _("No cause found")
        url = reverse("consultations:cause", args=[row.search.patch_test_id])
        yield Entry(row.signed_at, title, "clipboard-check", row.words, str(row.signed_by), url, "warn")


_SOURCES: dict[Kind, list[Source]] = {
    Kind.CONSULTATION: [_consultations, _confirmations, _answers, _check_ins],
    Kind.LEAFLET: [_leaflets],
    Kind.CONSENT: [_consents, _withdrawals],
    Kind.TEST: [_tests, _readings, _causes],
    Kind.SESSION: [_sessions, _checks],
    Kind.REVIEW: [_reviews],
    Kind.PLAN: [_plan_changes],
    Kind.REPORT: [_reports],
    Kind.EVENT: [_events],
    Kind.PHOTO: [_photos],
    Kind.VISIT: [_visits],
}
