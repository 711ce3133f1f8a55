"""Where each plan of a patient stands: its steps, what comes next, who does it and from when. Read only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus
from clinic.models import Appointment, Patient
from clinic.readiness import Condition
from consultations import purposes
from consultations.dates import in_words
from consultations.enums import PlanStatus, TestRequirement, TestResult
from consultations.models import Consultation, PatchTest, Plan, TestReading
from consultations.queries import PlanFacts, facts_of, followed, in_error
from consultations.rules import clearance, consent, plans, retest, validity, visits
from consultations.rules.patch_test import reading_window

DONE, CURRENT, TODO, BLOCKED = "done", "current", "todo", "blocked"


@dataclass(frozen=True, slots=True)
class Step:
    """One step as components/stepper.html draws it; `state` is done, current, todo or blocked."""

    label: str
    state: str
    detail: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """What the desk may know of a plan: "course: 6, done 3, next 12 Jan"."""

    total: int
    done: int
    next_at: datetime | None
    ask: str


def open_facts(patient: Patient) -> list[PlanFacts]:
    """The facts of the patient's open plans, and of closed ones that wait for a review or a cause to be found, oldest
    first, in a fixed number of queries."""
    found = facts_of(list(followed(patient)))
    return sorted(found.values(), key=lambda facts: facts.plan.created_at)


def closed_plans(patient: Patient) -> list[Plan]:
    """Completed and stopped plans that wait for nothing, newest first."""
    closed = Plan.objects.filter(patient=patient, status__in=[PlanStatus.COMPLETED, PlanStatus.STOPPED])
    closed = closed.exclude(pk__in=followed(patient).values("pk"))
    return list(closed.select_related("indication", "formula").order_by("-created_at"))


def courses(all_facts: Sequence[PlanFacts], *, at: datetime) -> list[Course]:
    """Each plan that goes on in the desk's words, without anything clinical."""
    found = []
    for facts in all_facts:
        if facts.plan.status == PlanStatus.STOPPED:
            continue
        upcoming = [
            visit.starts_at
            for planned in facts.planned
            for visit in facts.visits_for(purposes.session_of(planned))
            if visit.is_upcoming and visit.ends_at > at
        ]
        done = len({session.planned_id for session in facts.given})
        ask = str(facts.plan.consultation.practitioner)
        found.append(Course(len(facts.planned), done, min(upcoming, default=None), ask))
    return found


def whom_to_ask(patient: Patient) -> str:
    """The practitioner of the patient's last consultation; empty when there was none."""
    last = (
        Consultation.objects.filter(patient=patient)
        .select_related("practitioner")
        .order_by("-created_at")
        .first()
    )
    return str(last.practitioner) if last else ""


def steps_of(facts: PlanFacts, *, at: datetime) -> list[Step]:
    """Consultation, consent, test, reading, plan, sessions, review. The first that is not done is the current one."""
    steps = [
        _consultation(facts, at),
        _consent(facts, at),
        *_test_and_reading(facts, at),
        _plan(facts),
        _sessions(facts),
        _review(facts),
    ]
    for index, step in enumerate(steps):
        if step.state in (TODO, BLOCKED):
            state = CURRENT if step.state == TODO else BLOCKED
            steps[index] = Step(step.label, state, step.detail, step.url)
            break
    return steps


def _consultation(facts: PlanFacts, at: datetime) -> Step:
    row = facts.plan.consultation
    url = reverse("consultations:consultation", args=[row.pk])
    if in_error(row):
        return Step(_("Consultation"), BLOCKED, _("entered in error"), url)
    ends = validity.consultation_ends(facts, on=at)
    if ends and validity.consultation_to_confirm(facts, on=at):
        detail = _("valid until %(day)s") % {"day": _day(ends)}
        return Step(
            _("Consultation"), TODO, detail, reverse("consultations:consultation_confirm", args=[row.pk])
        )
    return Step(_("Consultation"), DONE, _day(row.signed_at), url)


def _consent(facts: PlanFacts, at: datetime) -> Step:
    if found := consent.in_force(facts, on=at):
        detail = _("v%(version)s, %(day)s") % {"version": found.text.version, "day": _day(found.signed_at)}
        return Step(_("Consent"), DONE, detail, reverse("consultations:consent", args=[found.pk]))
    detail = _("withdrawn") if facts.consents else _("to sign")
    if ended := consent.run_out(facts, on=at):
        detail = _("valid until %(day)s") % {"day": _day(validity.consent_ends(ended, facts))}
        if consent.asked_again(ended, facts):
            detail = _("sign again: a new text")
        if plans.next_to_give(facts) is None:
            return Step(
                _("Consent"), DONE, _day(ended.signed_at), reverse("consultations:consent", args=[ended.pk])
            )
    return Step(_("Consent"), TODO, detail, reverse("consultations:consent_sign", args=[facts.plan.pk]))


def latest_test(facts: PlanFacts) -> PatchTest | None:
    """The plan's own last test injection that was not entered in error."""
    mine = [
        test
        for test in facts.tests
        if test.plan_id == facts.plan.pk and test.search_id is None and not in_error(test)
    ]
    return mine[-1] if mine else None


def last_reading(facts: PlanFacts, test: PatchTest) -> TestReading | None:
    """What decided the test: its last reading that is neither superseded nor entered in error."""
    found = [
        each
        for each in facts.readings
        if each.patch_test_id == test.pk
        and each.result not in (TestResult.AWAITING, TestResult.UNCHANGED)
        and getattr(each, "superseded_by", None) is None
        and not in_error(each)
    ]
    return found[-1] if found else None


def _test_and_reading(facts: PlanFacts, at: datetime) -> list[Step]:
    test = latest_test(facts)
    if test is None:
        return _untested(facts, at)
    url = reverse("consultations:patch_test", args=[test.pk])
    given = Step(_("Test"), DONE, _day(test.given_at), url)
    unclear = retest.in_doubt(facts, at)
    if unclear and retest.is_called_error(facts, unclear) and not clearance.test_settled(facts, at):
        where = reverse("consultations:patch_test", args=[unclear.pk])
        detail = _("unclear; called an error, not yet confirmed by a second person")
        return [given, Step(_("Reading"), TODO, detail, where)]
    reading = last_reading(facts, test)
    if reading is None:
        window = reading_window(test.given_at, test.policy)
        overdue = at >= window.closes_at
        words = _("overdue since %(day)s") if overdue else _("due %(day)s")
        detail = words % {"day": _moment(window.closes_at if overdue else window.due_at)}
        return [
            given,
            Step(_("Reading"), TODO, detail, reverse("consultations:patch_test_read", args=[test.pk])),
        ]
    if clearance.test_settled(facts, at) or (reading.valid_from and reading.valid_from > at):
        until = _("valid to %(day)s") % {"day": _day(reading.valid_until)} if reading.valid_until else ""
        return [given, Step(_("Reading"), DONE, until or reading.get_result_display(), url)]
    if reading.result == TestResult.NEGATIVE:
        return [
            Step(_("Test"), TODO, _("to repeat"), url),
            Step(_("Reading"), TODO, _("no longer valid"), url),
        ]
    state = BLOCKED if reading.result == TestResult.POSITIVE else TODO
    return [given, Step(_("Reading"), state, reading.get_result_display(), url)]


def _untested(facts: PlanFacts, at: datetime) -> list[Step]:
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        return [Step(_("Test"), DONE, _("not required")), Step(_("Reading"), DONE, _("not required"))]
    if clearance.test_settled(facts, at):
        return [Step(_("Test"), DONE, _("tested before")), Step(_("Reading"), DONE, _("valid"))]
    return [
        Step(_("Test"), TODO, _booked(facts, purposes.test_of(facts.plan), at)),
        Step(_("Reading"), TODO, _booked(facts, purposes.reading_of(facts.plan), at)),
    ]


def _plan(facts: PlanFacts) -> Step:
    url = reverse("consultations:plan", args=[facts.plan.pk])
    state = DONE if facts.plan.status in (PlanStatus.ACTIVE, PlanStatus.COMPLETED) else BLOCKED
    return Step(_("Plan"), state, facts.plan.get_status_display(), url)


def _sessions(facts: PlanFacts) -> Step:
    done, total = len({each.planned_id for each in facts.given}), len(facts.planned)
    url = reverse("consultations:plan", args=[facts.plan.pk])
    return Step(_("Sessions"), DONE if done >= total else TODO, f"{done}/{total}", url)


def _review(facts: PlanFacts) -> Step:
    url = reverse("consultations:reviews_of", args=[facts.plan.pk])
    held = [each.signed_at for each in facts.held_reviews if each.error_at is None]
    last = max((session.started_at for session in facts.given), default=None)
    if held and last and held[-1] >= last and len(facts.given) >= len(facts.planned):
        return Step(_("Review"), DONE, _day(held[-1]), url)
    coming = [
        visit.starts_at
        for visit in facts.visits_for(purposes.review_of(facts.plan))
        if visit.status != AppointmentStatus.COMPLETED
    ]
    detail = _moment(coming[0]) if coming else _("last %(day)s") % {"day": _day(held[-1])} if held else ""
    return Step(_("Review"), TODO, detail, url)


def _booked(facts: PlanFacts, purpose: str, at: datetime) -> str:
    visit = pending_visit(facts, purpose, at)
    return _("booked %(when)s") % {"when": _moment(visit.starts_at)} if visit else ""


def pending_visit(facts: PlanFacts, purpose: str, at: datetime) -> Appointment | None:
    """The next visit on the books for the purpose that has not been completed."""
    found = [visit for visit in facts.visits_for(purpose) if visit.status != AppointmentStatus.COMPLETED]
    return next((visit for visit in found if visit.ends_at > at or not visit.is_upcoming), None)


def standing(facts: PlanFacts, *, at: datetime) -> list[Condition]:
    """What stands in the way of the next session now, but for what the steps themselves show."""
    waiting = plans.next_to_give(facts)
    found = clearance.judge(facts, gate=clearance.Gate.SESSION, on=at, planned=waiting).conditions
    return [
        each
        for each in found
        if each.code not in {"consent", "test", "too_soon", f"plan_{facts.plan.status}"}
    ]


def awaited_test(facts: PlanFacts) -> PatchTest | None:
    """The test that waits for its reading."""
    return visits.open_test(facts)


def _day(moment: date | datetime | None) -> str:
    return in_words(moment) if moment else ""


def _moment(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{in_words(moment)}, {local:%H:%M}"
