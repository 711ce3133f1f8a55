"""What was known at a moment: an injection is signed by what was known when it was given, whatever came out since."""

from collections import defaultdict
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from consultations.enums import PlanStatus
from consultations.models import (
    Consent,
    DoseCap,
    FormulaPart,
    KnownCheckIn,
    Plan,
    PlanStatusChange,
    TestReading,
)
from consultations.queries import PlanFacts, policy_in_force
from consultations.read_with_plans import Confirmed, HeldReview, NewerText, Retest, SinceTest, Validity

Row = TypeVar("Row", bound=models.Model)
Decided = TypeVar("Decided", DoseCap, Retest)
Held = TypeVar("Held", HeldReview, Confirmed)


def as_known(facts: PlanFacts, moment: datetime) -> PlanFacts:
    """The facts without what was withdrawn, reported, read or called an error only after the moment.

    The consultation's answers are taken as they are. The SQL gate's `known_by` says the same (migration 0002).
    """
    formulas = {part.formula_id for part in facts.parts}
    parts = FormulaPart.objects.filter(formula__in=formulas).with_groups_in_force(at=moment)
    return replace(
        facts,
        is_of_now=False,
        plan=_plan(facts.plan, moment),
        parts=list(parts.select_related("component")),
        validity=_validity(moment),
        confirmations=[_held(each, moment) for each in facts.confirmations if each.at <= moment],
        stops=[
            replace(each, lifted_at=each.lifted_at if each.lifted_at and each.lifted_at <= moment else None)
            for each in facts.stops
            if each.since <= moment
        ],
        check_ins=[_asked(each, moment) for each in facts.check_ins if each.asked_at <= moment],
        consents=[_consent(each, moment) for each in facts.consents],
        sessions=[_error(each, moment) for each in facts.sessions],
        tests=[_error(each, moment) for each in facts.tests],
        readings=[_reading(each, moment) for each in facts.readings if each.signed_at <= moment],
        allergies=[each for each in facts.allergies if each.reported_at <= moment],
        reports=[each for each in facts.reports if each.reported_at <= moment],
        asked_reviews=[each for each in facts.asked_reviews if each.since <= moment],
        held_reviews=[_held(each, moment) for each in facts.held_reviews if each.signed_at <= moment],
        caps=_versions(facts.cap_versions, moment),
        since_test=_since_test(facts.since_test, moment),
        causes=[each for each in facts.causes if each.signed_at <= moment],
    )


def _asked(row: KnownCheckIn, moment: datetime) -> KnownCheckIn:
    answered = row.answered_at is not None and row.answered_at <= moment
    reviewed = row.reviewed_at is not None and row.reviewed_at <= moment
    return replace(
        row,
        answered_at=row.answered_at if answered else None,
        reviewed_at=row.reviewed_at if reviewed else None,
    )


def _versions(published: list[Decided], moment: datetime) -> list[Decided]:
    """What the clinic had decided then; of what was decided only later its first version, as `caps_known()` has it."""
    by_code: dict[str, list[Decided]] = defaultdict(list)
    for entry in published:
        by_code[entry.code].append(entry)
    found = []
    for each in by_code.values():
        known = [entry for entry in each if entry.published_at and entry.published_at <= moment] or each[:1]
        found += [entry for entry in known if entry.retired_at is None or entry.retired_at > moment]
    return found


def _since_test(known: SinceTest, moment: datetime) -> SinceTest:
    return replace(
        known,
        rules=_versions(known.rule_versions, moment),
        health=[each for each in known.health if each.at <= moment],
        allergic=[
            each
            for each in known.allergic_versions
            if each.signed_at <= moment and (each.superseded_at is None or each.superseded_at > moment)
        ],
    )


def _validity(moment: datetime) -> Validity:
    """Whether answers are required is asked as a session begins, never of what was known when it did."""
    policy = policy_in_force(moment)
    return Validity(policy.consultation_valid_months, policy.consent_valid_months)


def _plan(plan: Plan, moment: datetime) -> Plan:
    earlier = _with(plan, consultation=_error(plan.consultation, moment))
    earlier.status = _status(plan, moment)
    return earlier


def _status(plan: Plan, moment: datetime) -> str:
    """A plan is agreed without an entry; every later change has one."""
    changes = list(PlanStatusChange.objects.filter(plan=plan).order_by("changed_at", "pk"))
    if not changes:
        return plan.status
    earlier = [change.status for change in changes if change.changed_at <= moment]
    return earlier[-1] if earlier else PlanStatus.ACTIVE


def _consent(consent: Consent, moment: datetime) -> Consent:
    withdrawal = getattr(consent, "withdrawal", None)
    if withdrawal is not None and withdrawal.withdrawn_at > moment:
        consent = _with(consent, withdrawal=None)
    earlier: Any = copy(_error(consent, moment))
    earlier.newer_texts = [row for row in earlier.newer_texts if NewerText.of(row).since <= moment]
    return earlier


def _reading(reading: TestReading, moment: datetime) -> TestReading:
    later = getattr(reading, "superseded_by", None)
    if later is not None and later.signed_at > moment:
        reading = _with(reading, superseded_by=None)
    return _error(_with(reading, patch_test=_error(reading.patch_test, moment)), moment)


def _held(row: Held, moment: datetime) -> Held:
    later = row.error_at is not None and row.error_at > moment
    return replace(row, error_at=None) if later else row


def _error(row: Row, moment: datetime) -> Row:
    """The row with what had been said of it by then: called an error, and confirmed, or neither."""
    entry = getattr(row, "entered_in_error", None)
    if entry is None:
        return row
    if entry.requested_at > moment:
        return _with(row, entered_in_error=None)
    if entry.confirmed_at is not None and entry.confirmed_at > moment:
        entry = copy(entry)
        entry.confirmed_at = entry.confirmed_by_id = None
    return _with(row, entered_in_error=entry)


def _with(row: Row, **related: Any) -> Row:
    """A copy of the row, in memory only, with other rows beside it."""
    earlier = copy(row)
    for name, value in related.items():
        relation: Any = row._meta.get_field(name)
        relation.set_cached_value(earlier, value)
    return earlier
