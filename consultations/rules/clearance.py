"""May this be injected then? The one place that composes the rules; the SQL gate says the same in codes.

Two gates: `test` (suitable, consent, no allergy, no stop) and `session` (all that, the test where the policy asks for
it, intervals, caps decided). Every refusal says what, who can fix it, and from when.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, time
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Condition
from consultations.dates import in_words
from consultations.enums import SUITABLE, PlanStatus, TestRequirement, TestResult
from consultations.models import PlannedSession, TestReading
from consultations.queries import PlanFacts, confirmed_error, in_error
from consultations.rules import allergens, consent, course_caps, doses, plans
from consultations.rules.knowledge import as_known


class Gate(StrEnum):
    """What is about to be injected."""

    TEST = "test"
    SESSION = "session"


# Can still become a yes before a booked visit: such a visit may be booked, provisionally.
MAY_STILL_COME = frozenset(
    {"consent", "test", "test_again", "report_open", "allergy_unassessed", "cap_undecided"}
)


@dataclass(frozen=True)
class Clearance:
    """What clears a session, for the banner of the session page."""

    conditions: list[Condition]
    reading: TestReading | None = None

    @property
    def is_clear(self) -> bool:
        """Nothing is missing."""
        return not self.conditions


def judge(
    facts: PlanFacts,
    *,
    gate: Gate,
    on: datetime,
    planned: PlannedSession | None = None,
    known_by: datetime | None = None,
) -> Clearance:
    """Everything that is missing at the moment `on`, in the order in which a clinic would settle it.

    By everything known now; `known_by` leaves out what came to be known only later, for signing what was given.
    """
    if known_by is not None:
        facts = as_known(facts, known_by)
    missing = [
        *_suitable(facts, on),
        *_plan_open(facts),
        *_stops(facts),
        *_allergies(facts),
        *_consent(facts, on),
        *_positive_test(facts),
    ]
    reading = None
    if gate == Gate.SESSION:
        reading = clearing_reading(facts, on)
        missing += [
            *_test(facts, on, reading),
            *_intervals(facts, on, planned),
            *_caps(facts, planned),
        ]
    who = str(facts.plan.consultation.practitioner)
    return Clearance([each if each.who else replace(each, who=who) for each in missing], reading)


def _ask(facts: PlanFacts) -> str:
    return _("Not cleared: ask %(who)s.") % {"who": facts.plan.consultation.practitioner}


def _suitable(facts: PlanFacts, on: datetime) -> list[Condition]:
    consultation = facts.plan.consultation
    signed = (
        consultation.signed_at is not None and consultation.signed_at <= on and not in_error(consultation)
    )
    if not signed or consultation.outcome not in SUITABLE:
        detail = _("There is no signed consultation that found the patient suitable.")
        return [Condition("consultation", _("A consultation is needed first."), detail=detail)]
    day = timezone.localdate(on)
    waits = [answer for answer in facts.answers if answer.defer_until and answer.defer_until > day]
    if not waits:
        return []
    last = max(waits, key=lambda answer: answer.defer_until or day)
    assert last.defer_until is not None  # filtered above
    return [
        Condition(
            "deferred",
            _ask(facts),
            earliest=timezone.make_aware(datetime.combine(last.defer_until, time())),
            detail=_("%(question)s: not before %(day)s.")
            % {"question": last.question.name, "day": in_words(last.defer_until)},
        )
    ]


def _plan_open(facts: PlanFacts) -> list[Condition]:
    status = PlanStatus(facts.plan.status)
    if status == PlanStatus.ACTIVE:
        return []
    return [
        Condition(
            f"plan_{status}",
            _ask(facts),
            detail=_("The plan is %(status)s.") % {"status": facts.plan.get_status_display()},
        )
    ]


def _stops(facts: PlanFacts) -> list[Condition]:
    if not facts.reports:
        return []
    return [
        Condition(
            "report_open",
            _("A practitioner has to look at a report from the desk first."),
            who=_("any practitioner"),
            detail=_("A report from the desk waits on the worklist."),
        )
    ]


def _allergies(facts: PlanFacts) -> list[Condition]:
    found = [
        Condition(
            "allergy",
            _ask(facts),
            detail=_("%(allergy)s (%(status)s): the formula contains %(component)s.")
            % {
                "allergy": allergy.words,
                "status": allergy.get_status_display(),
                "component": component,
            },
        )
        for allergy, component in allergens.conflicts(facts.parts, facts.allergies)
    ]
    found += [
        Condition(
            "allergy_unassessed",
            _("A practitioner has to assess a reported allergy first."),
            who=_("any practitioner"),
            detail=_("Reported: %(words)s.") % {"words": allergy.words},
        )
        for allergy in allergens.unassessed(facts.allergies)
    ]
    return found


def _consent(facts: PlanFacts, on: datetime) -> list[Condition]:
    if consent.in_force(facts, on=on):
        return []
    return [
        Condition(
            "consent",
            _("Consent to sign."),
            detail=_("No consent in force names this formula."),
        )
    ]


def _positive_test(facts: PlanFacts) -> list[Condition]:
    codes = facts.component_codes
    for reading in facts.readings:
        test = reading.patch_test
        closes = reading.result == TestResult.POSITIVE and codes & set(test.component_codes)
        if closes and not confirmed_error(reading) and not confirmed_error(test):
            day = in_words(reading.read_at)
            shared = ", ".join(
                part.component.name for part in facts.parts if part.component.code in test.component_codes
            )
            return [
                Condition(
                    "test_positive",
                    _ask(facts),
                    detail=_("The test read on %(day)s was positive; shared components: %(shared)s.")
                    % {"day": day, "shared": shared},
                )
            ]
    return []


def clearing_readings(facts: PlanFacts, on: datetime) -> list[TestReading]:
    """Readings without reaction that clear at the moment: neither superseded, in error, too early nor expired."""
    return [
        reading
        for reading in facts.readings
        if reading.result == TestResult.NEGATIVE
        and getattr(reading, "superseded_by", None) is None
        and not in_error(reading)
        and not in_error(reading.patch_test)
        and reading.valid_from is not None
        and reading.valid_until is not None
        and reading.signed_at <= on
        and reading.valid_from <= on < reading.valid_until
    ]


def clearing_reading(facts: PlanFacts, on: datetime) -> TestReading | None:
    """The reading that clears the plan's formula by itself, the longest valid first."""
    covering = [
        reading
        for reading in clearing_readings(facts, on)
        if facts.component_codes <= set(reading.patch_test.component_codes)
    ]
    return max(covering, key=lambda reading: reading.valid_until or on, default=None)


def test_settled(facts: PlanFacts, on: datetime) -> bool:
    """Whether the policy's demand for a test is met at the moment (CLINICAL 1.5, 1.6)."""
    requirement = facts.plan.test_policy.requirement
    if requirement == TestRequirement.NOT_REQUIRED:
        return True
    if requirement == TestRequirement.NOT_AGAIN:
        tested: Collection[str] = {
            code for reading in clearing_readings(facts, on) for code in reading.patch_test.component_codes
        }
        return facts.component_codes <= set(tested)
    return clearing_reading(facts, on) is not None


def _test(facts: PlanFacts, on: datetime, reading: TestReading | None) -> list[Condition]:
    if reading or test_settled(facts, on):
        return []
    starts = [
        each.valid_from
        for each in facts.readings
        if each.result == TestResult.NEGATIVE
        and each.valid_from
        and each.valid_from > on
        and not in_error(each)
    ]
    return [
        Condition(
            "test",
            _("The test injection is not read, or no longer valid."),
            earliest=min(starts, default=None),
            detail=_("The formula's components need a test read without reaction that is valid on the day."),
        )
    ]


def _intervals(facts: PlanFacts, on: datetime, planned: PlannedSession | None) -> list[Condition]:
    day = timezone.localdate(on)
    first = plans.too_close(planned, facts, on) if planned else None
    capped = course_caps.interval_cap(facts, on=day)
    if capped and (first is None or capped[0] > first):
        first = capped[0]
    if first is None:
        return []
    return [
        Condition(
            "too_soon",
            _("Too soon after the last session: %(day)s at the earliest.") % {"day": in_words(first)},
            earliest=timezone.make_aware(datetime.combine(first, time())),
        )
    ]


def _caps(facts: PlanFacts, planned: PlannedSession | None) -> list[Condition]:
    found = [
        Condition(
            "cap_undecided",
            _("The clinic has not decided a dose limit yet."),
            who=_("an admin"),
            detail=_("%(name)s: to be decided in the reference data.") % {"name": cap.name},
        )
        for cap in doses.undecided(facts)[:1]
    ]
    course = course_caps.course_cap(facts)
    if course and planned and len(facts.given) >= course.sessions:
        detail = _("%(component)s allows %(limit)s sessions in a plan.") % {
            "component": course.component,
            "limit": course.sessions,
        }
        found.append(Condition("course_full", _ask(facts), detail=detail))
    return found
