"""What was known at a moment: an injection is signed by what was known when it was given, whatever came out since."""

from collections import defaultdict
from copy import copy
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import models

from consultations.enums import PlanStatus
from consultations.models import Consent, DoseCap, FormulaPart, Plan, PlanStatusChange, TestReading
from consultations.queries import PlanFacts, policy_in_force
from consultations.read_with_plans import HeldReview, Validity

Row = TypeVar("Row", bound=models.Model)


def as_known(facts: PlanFacts, moment: datetime) -> PlanFacts:
    """The facts without what was withdrawn, reported, read or called an error only after the moment.

    The consultation's answers are taken as they are. The SQL gate's `known_by` says the same (migration 0002).
    """
    parts = FormulaPart.objects.filter(formula=facts.plan.formula_id).with_groups_in_force(at=moment)
    return replace(
        facts,
        plan=_plan(facts.plan, moment),
        parts=list(parts.select_related("component")),
        validity=_validity(moment),
        confirmed=[each for each in facts.confirmed if each <= moment],
        stops=[
            replace(each, lifted_at=each.lifted_at if each.lifted_at and each.lifted_at <= moment else None)
            for each in facts.stops
            if each.since <= moment
        ],
        consents=[_consent(each, moment) for each in facts.consents],
        sessions=[_error(each, moment) for each in facts.sessions],
        tests=[_error(each, moment) for each in facts.tests],
        readings=[_reading(each, moment) for each in facts.readings if each.signed_at <= moment],
        allergies=[each for each in facts.allergies if each.reported_at <= moment],
        reports=[each for each in facts.reports if each.reported_at <= moment],
        asked_reviews=[each for each in facts.asked_reviews if each.since <= moment],
        held_reviews=[_held(each, moment) for each in facts.held_reviews if each.signed_at <= moment],
        caps=_caps(facts.cap_versions, moment),
    )


def _caps(published: list[DoseCap], moment: datetime) -> list[DoseCap]:
    """The clinic's caps as they stood then; of one decided only later its first version, as `caps_known()` has it."""
    versions: dict[str, list[DoseCap]] = defaultdict(list)
    for cap in published:
        versions[cap.code].append(cap)
    found = []
    for each in versions.values():
        known = [cap for cap in each if cap.published_at and cap.published_at <= moment] or each[:1]
        found += [cap for cap in known if cap.retired_at is None or cap.retired_at > moment]
    return found


def _validity(moment: datetime) -> Validity:
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
    return _error(consent, moment)


def _reading(reading: TestReading, moment: datetime) -> TestReading:
    later = getattr(reading, "superseded_by", None)
    if later is not None and later.signed_at > moment:
        reading = _with(reading, superseded_by=None)
    return _error(_with(reading, patch_test=_error(reading.patch_test, moment)), moment)


def _held(review: HeldReview, moment: datetime) -> HeldReview:
    later = review.error_at is not None and review.error_at > moment
    return replace(review, error_at=None) if later else review


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
