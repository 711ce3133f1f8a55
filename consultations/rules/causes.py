"""Which component it was: what tests of single components may do after a positive test, and what their result opens.

A positive test of a mixture closes every component (clinical reference on test injections). Testing them one by one finds
the cause; what was tested alone without reaction may be injected again, after a new test of the formula that holds it.
`opened_codes()` and `component_test_refusal()` say the same in SQL.
"""

from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import AllergyStatus, Grade, PlanStatus, TestResult
from consultations.models import Allergy, CauseSearch, PatchTest, TestReading
from consultations.queries import PlanFacts, confirmed_error, in_error
from consultations.read_with_plans import FoundCause


@dataclass(frozen=True, slots=True)
class Tested:
    """What is known of one component of a search: its last test, and its result; None where nobody has tested it."""

    code: str
    test: PatchTest | None
    result: TestResult | None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the tests of single components say: the cause, what opens again, and what nobody has tested to an end."""

    causes: list[str]
    opened: list[str]
    open_ended: list[str]


def opened(facts: PlanFacts, test_id: UUID, *, since: datetime) -> frozenset[str]:
    """What the last finding about the positive test has opened, if it was made since: only while the component's own test
    without reaction still stands."""
    said = [each for each in facts.causes if each.test == str(test_id)]
    if not said or said[-1].signed_at < since:
        return frozenset()
    last = said[-1]
    return frozenset(code for code in last.opened if _stands(facts, last, code))


def _stands(facts: PlanFacts, found: FoundCause, code: str) -> bool:
    return any(
        str(reading.patch_test.search_id) == found.search
        and code in reading.patch_test.component_codes
        and reading.result == TestResult.NEGATIVE
        and reading.signed_at <= found.signed_at
        and getattr(reading, "superseded_by", None) is None
        and not in_error(reading)
        and not in_error(reading.patch_test)
        for reading in facts.readings
    )


def still_closed(facts: PlanFacts, reading: TestReading) -> frozenset[str]:
    """The components that a positive reading still closes."""
    test = reading.patch_test
    return frozenset(test.component_codes) - opened(facts, test.pk, since=reading.signed_at)


def still_suspected(facts: PlanFacts, allergy: Allergy) -> Allergy:
    """The allergy with the components it still closes: reported of a test whose cause was found since, those that the
    finding left closed. One that a practitioner has confirmed names what it names."""
    if allergy.status != AllergyStatus.REPORTED or allergy.test_reading is None:
        return allergy
    free = opened(facts, allergy.test_reading.patch_test_id, since=allergy.reported_at)
    if not free:
        return allergy
    narrowed = copy(allergy)
    narrowed.component_codes = [code for code in allergy.component_codes if code not in free]
    return narrowed


def reopened_at(facts: PlanFacts) -> datetime | None:
    """When a finding last opened a component of the plan: its formula needs a test given since."""
    latest = {each.search: each for each in facts.causes}
    times = [each.signed_at for each in latest.values() if facts.component_codes & set(each.opened)]
    return max(times, default=None)


def for_component(facts: PlanFacts, search: CauseSearch, code: str) -> PlanFacts:
    """The facts that a test of the one component is judged by: all of them, but for the positive test that is searched,
    the allergy reported of it, and the end of the plan that it brought."""
    searched: Any = search.patch_test_id
    plan = facts.plan
    if plan.status == PlanStatus.STOPPED and getattr(plan, "ended_by_test", None) == searched:
        plan = copy(plan)
        plan.status = PlanStatus.ACTIVE
    return replace(
        facts.of_whole_plan,
        plan=plan,
        parts=[part for part in facts.parts if part.component.code == code],
        readings=[each for each in facts.readings if each.patch_test_id != searched],
        allergies=[each for each in facts.allergies if not _reported_of(each, searched)],
    )


def _reported_of(allergy: Allergy, test_id: UUID) -> bool:
    reading = allergy.test_reading
    return (
        allergy.status == AllergyStatus.REPORTED and reading is not None and reading.patch_test_id == test_id
    )


def check_may_search(test: PatchTest, readings: Collection[TestReading]) -> None:
    """After a positive test of several components, unless it was strong: that one an allergist looks into.

    Raises:
        DomainError: not_positive, one_component, strong_reaction.
    """
    positive = [each for each in readings if each.result == TestResult.POSITIVE and not confirmed_error(each)]
    if not positive or confirmed_error(test):
        raise DomainError(
            _("The components are tested one by one only after a positive test."), "not_positive"
        )
    if test.search_id is not None or len(test.component_codes) < 2:
        raise DomainError(_("This test was of one component: it is the cause."), "one_component")
    if any(each.systemic_sign or each.grade == Grade.EXTREME for each in readings):
        sentence = _("After a strong reaction, or a sign beyond the test site, refer to an allergist.")
        raise DomainError(sentence, "strong_reaction")


def may_search(test: PatchTest, readings: Collection[TestReading]) -> bool:
    """Whether `check_may_search` lets it pass."""
    try:
        check_may_search(test, readings)
    except DomainError:
        return False
    return True


def check_sites(places: Collection[tuple[str, str]]) -> None:
    """Each component has a place of its own: arm and site together.

    Raises:
        DomainError: no_component, same_site.
    """
    if not places:
        raise DomainError(_("Tick the components that were tested."), "no_component")
    written = [(arm, " ".join(site.casefold().split())) for arm, site in places]
    if len(set(written)) < len(written):
        raise DomainError(
            _("Two components at one place: write for each its own, so that the reading knows which it was."),
            "same_site",
        )


def tested(facts: PlanFacts, search: CauseSearch) -> list[Tested]:
    """Each component of the positive test with its last test alone, in the order of their codes."""
    return [_tested(facts, search, code) for code in sorted(search.patch_test.component_codes)]


def _tested(facts: PlanFacts, search: CauseSearch, code: str) -> Tested:
    tests = [
        each
        for each in facts.tests
        if each.search_id == search.pk and code in each.component_codes and not confirmed_error(each)
    ]
    results = {each.pk: _result_of(facts, each) for each in tests}
    reacted = [each for each in tests if results[each.pk] == TestResult.POSITIVE]
    standing = [each for each in tests if not in_error(each)]
    last = (reacted or standing)[-1:]
    return Tested(code, last[0], results[last[0].pk]) if last else Tested(code, None, None)


def _result_of(facts: PlanFacts, test: PatchTest) -> TestResult:
    """A reaction counts until two people call it an error; anything else until one does, or it is superseded."""
    found = [each for each in facts.readings if each.patch_test_id == test.pk]
    if any(each.result == TestResult.POSITIVE and not confirmed_error(each) for each in found):
        return TestResult.POSITIVE
    standing = [each for each in found if not in_error(each) and getattr(each, "superseded_by", None) is None]
    open_ = (TestResult.AWAITING, TestResult.UNCHANGED)
    decided = [each for each in standing if each.result not in open_]
    return TestResult(decided[-1].result) if decided else TestResult.AWAITING


def conclusion(facts: PlanFacts, search: CauseSearch) -> Conclusion:
    """What the tests say, computed: a component that reacted alone is a cause; with a cause, what did not react opens."""
    known = tested(facts, search)
    causes = [each.code for each in known if each.result == TestResult.POSITIVE]
    clear = [each.code for each in known if each.result == TestResult.NEGATIVE]
    rest = [each.code for each in known if each.code not in (*causes, *clear)]
    return Conclusion(causes, clear if causes else [], rest)


def check_may_conclude(known: Collection[Tested]) -> None:
    """Something was tested alone, and no test still waits for its reading.

    Raises:
        DomainError: nothing_tested, reading_open.
    """
    if not any(each.test for each in known):
        raise DomainError(_("Test a component alone first."), "nothing_tested")
    if any(each.result == TestResult.AWAITING for each in known):
        raise DomainError(_("Read every test that was given first."), "reading_open")
