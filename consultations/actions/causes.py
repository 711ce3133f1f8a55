"""After a positive test: its components tested one by one, and the cause written down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, Practitioner, User
from consultations.actions.patch_tests import put_on_record
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.models import CauseFinding, CauseSearch, Lot, PatchTest
from consultations.queries import PlanFacts, facts_of_one
from consultations.rules import authorship, causes, clearance
from consultations.rules import lots as lots_rules
from consultations.rules import patch_test as rules
from consultations.rules.knowledge import as_known


@dataclass(frozen=True)
class Place:
    """One component at its own place: the lot, where, and what was seen after observation (TestReading's own fields)."""

    code: str
    lot: Lot
    arm: str
    site: str
    immediate: Mapping[str, Any]


@explained
def decide(*, test: PatchTest, reason: str, by: User, at: datetime) -> CauseSearch:
    """Sign the decision to test the components of a positive test one by one.

    Raises:
        DomainError: not after this test; decided already; no reason.
    """
    authorship.check_may_record(by)
    hold_still(test.patient_id)
    test = PatchTest.objects.select_related("plan").get(pk=test.pk)
    facts = facts_of_one(test.plan)
    causes.check_may_search(test, [each for each in facts.readings if each.patch_test_id == test.pk])
    if CauseSearch.objects.filter(patch_test=test).exists():
        raise DomainError(_("The cause of this test is looked for already."), "search_exists")
    if not reason.strip():
        raise DomainError(_("Say why the components are tested."), "reason_missing", field="reason")
    search = CauseSearch(
        patient_id=test.patient_id, patch_test=test, reason=reason.strip(), signed_at=at, signed_by=by
    )
    search.content_hash = content_hash(search)
    search.save(force_insert=True)
    return search


@explained
def give(
    *,
    search: CauseSearch,
    appointment: Appointment | None,
    details: Mapping[str, Any],
    places: Collection[Place],
    by: User,
    at: datetime,
) -> list[PatchTest]:
    """Record and sign a test of one or several components in one visit, each with its immediate reading. `details` are
    PatchTest's own fields that all of them share.

    Raises:
        NotCleared: the pathway does not allow one of them now.
        DomainError: the search is over, or a field is wrong; nothing is saved.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(search.patient_id)
    search = CauseSearch.objects.select_related("patch_test__plan").get(pk=search.pk)
    facts = facts_of_one(search.patch_test.plan)
    causes.check_still_searched(facts, search)
    causes.check_sites([(place.arm, place.site) for place in places])
    tests = []
    for place in places:
        test = _written(
            facts, search, place, details, practitioner=practitioner, appointment=appointment, at=at
        )
        _check(test, place, facts, search, at=at)
        tests.append(test)
    for test, place in zip(tests, places, strict=True):
        _put_on_record(test, place, facts, by=by, at=at)
    resettle(patient_id=search.patient_id, by=by, at=at)
    return tests


def _written(
    facts: PlanFacts,
    search: CauseSearch,
    place: Place,
    details: Mapping[str, Any],
    *,
    practitioner: Practitioner,
    appointment: Appointment | None,
    at: datetime,
) -> PatchTest:
    """The test of the one component under the policy of the plan that was stopped, not saved yet."""
    return PatchTest(
        patient_id=search.patient_id,
        practitioner=practitioner,
        appointment=appointment,
        plan=facts.plan,
        formula=facts.plan.formula,
        policy=facts.plan.test_policy,
        component_codes=[place.code],
        search=search,
        created_at=at,
        arm=place.arm,
        site=place.site,
        **details,
    )


def _put_on_record(test: PatchTest, place: Place, facts: PlanFacts, *, by: User, at: datetime) -> None:
    """A refusal says which component it was about."""
    try:
        put_on_record(test=test, lots=[place.lot], immediate=place.immediate, facts=facts, by=by, at=at)
    except DomainError as refusal:
        sentence = f"{place.lot.component}: {refusal.message}"
        raise DomainError(sentence, refusal.code, field=f"{refusal.field}_{place.code}") from refusal


def _check(test: PatchTest, place: Place, facts: PlanFacts, search: CauseSearch, *, at: datetime) -> None:
    rules.check_given_once(test)
    rules.check_test(test, at=at, unclear=rules.last_unclear(facts, before=test))
    if test.given_at < search.signed_at:
        sentence = _("The injection lies before the decision to look for the cause.")
        raise DomainError(sentence, "before_decision", field="given_at")
    causes.check_still_searched(as_known(facts, test.given_at), search)
    alone = causes.for_component(facts, search, place.code)
    missing = clearance.judge(alone, gate=clearance.Gate.TEST, on=test.given_at).conditions
    if missing:
        raise NotCleared(missing[0].detail or missing[0].what, missing[0].code, conditions=missing)
    if place.lot.component.code != place.code:
        sentence = _("Lot %(lot)s holds another component.") % {"lot": place.lot.number}
        raise DomainError(sentence, "lot_unusable", field=f"lot_{place.code}")
    asked = lots_rules.asked_for(test.formula, at=test.given_at, allergies=facts.allergies)
    lots_rules.check_usable([place.lot], asked, on=timezone.localdate(test.given_at))


@explained
def find(*, search: CauseSearch, words: str, by: User, at: datetime) -> CauseFinding:
    """Sign what the tests of single components found. It is computed from them; `words` are the practitioner's.

    What it opens may be injected again after a new test of the formula; without a cause nothing opens. It replaces an
    earlier finding of the same search.

    Raises:
        DomainError: nothing tested alone, a reading still to come, or no words.
    """
    authorship.check_may_record(by)
    hold_still(search.patient_id)
    search = CauseSearch.objects.select_related("patch_test__plan").get(pk=search.pk)
    facts = facts_of_one(search.patch_test.plan)
    causes.check_may_conclude(causes.tested(facts, search))
    if not words.strip():
        raise DomainError(_("Say what you conclude."), "words_missing", field="words")
    said = causes.conclusion(facts, search)
    finding = CauseFinding(
        patient_id=search.patient_id,
        search=search,
        cause_codes=said.causes,
        opened_codes=said.opened,
        words=words.strip(),
        signed_at=at,
        signed_by=by,
    )
    finding.content_hash = content_hash(finding)
    finding.save(force_insert=True)
    resettle(patient_id=search.patient_id, by=by, at=at)
    return finding
