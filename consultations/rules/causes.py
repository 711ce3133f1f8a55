"""Which component it was: what tests of single components may do after a positive test, and what their result opens.

A positive test of a mixture closes every component (clinical reference on test injections). Testing them one by one finds
the cause; what was tested alone without reaction may be injected again, after a new test of the formula that holds it.

A reading that was an error neither closes a search nor keeps one open, and opens nothing (ADR 42): what opens rests on
readings that nobody calls an error, what closes on readings that two people have not taken back. `opened_codes()`,
`component_test_refusal()` and the triggers of the search and its finding say the same in SQL.
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
from consultations.rules.reading_errors import still_closes, still_opens


@dataclass(frozen=True, slots=True)
class Tested:
    """What is known of one component of a search: its last test, and its result; None where nobody has tested it. The
    result `is_questioned` where somebody calls an error what nobody else has confirmed yet."""

    code: str
    test: PatchTest | None
    result: TestResult | None
    is_questioned: bool = False


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the tests of single components say: the cause, what opens again, and what nobody has tested to an end."""

    causes: list[str]
    opened: list[str]
    open_ended: list[str]


def opened(facts: PlanFacts, test_id: UUID, *, since: datetime) -> frozenset[str]:
    """What the last finding about the positive test has opened, if it was made since: only while a reaction that was found
    as the cause still stands, and the component's own test without reaction."""
    said = [each for each in facts.causes if each.test == str(test_id)]
    if not said or said[-1].signed_at < since:
        return frozenset()
    last = said[-1]
    if not any(still_opens(reading) for reading in _reacted(facts, last)):
        return frozenset()
    return frozenset(code for code in last.opened if _stands(facts, last, code))


def opened_now(facts: PlanFacts, test_id: UUID) -> frozenset[str]:
    """What the last finding opens of all that reactions to the positive test close; all of it where none of them stands."""
    reacted = [each for each in facts.readings if each.patch_test_id == test_id and still_closes(each)]
    times = [each.signed_at for each in reacted if each.result == TestResult.POSITIVE]
    if times:
        return opened(facts, test_id, since=max(times))
    return frozenset(code for each in facts.causes if each.test == str(test_id) for code in each.opened)


def _reacted(facts: PlanFacts, found: FoundCause) -> list[TestReading]:
    """The reactions that the finding calls the cause."""
    return [
        reading
        for reading in facts.readings
        if str(reading.patch_test.search_id) == found.search
        and reading.result == TestResult.POSITIVE
        and reading.signed_at <= found.signed_at
        and not set(found.causes).isdisjoint(reading.patch_test.component_codes)
    ]


def is_found(facts: PlanFacts, test_id: UUID) -> bool:
    """Whether the search for the cause of the positive test is over: its last finding found none, or a reaction that two
    people have not taken back."""
    said = [each for each in facts.causes if each.test == str(test_id)]
    if not said:
        return False
    return not said[-1].causes or any(still_closes(reading) for reading in _reacted(facts, said[-1]))


def _stands(facts: PlanFacts, found: FoundCause, code: str) -> bool:
    return any(
        str(reading.patch_test.search_id) == found.search
        and code in reading.patch_test.component_codes
        and reading.result == TestResult.NEGATIVE
        and reading.signed_at <= found.signed_at
        and getattr(reading, "superseded_by", None) is None
        and still_opens(reading)
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
    """When a finding last opened a component of the plan: its formula needs a test given since. Where two people have called
    the positive test an error, nothing was ever closed that a finding could open."""
    latest = {each.search: each for each in facts.causes if _is_positive(facts, each.test)}
    times = [each.signed_at for each in latest.values() if facts.component_codes & set(each.opened)]
    return max(times, default=None)


def _is_positive(facts: PlanFacts, test: str) -> bool:
    """Whether a reaction to the searched test stands; a test of which no reaction is known here is taken as it was."""
    reacted = [
        each
        for each in facts.readings
        if str(each.patch_test_id) == test and each.result == TestResult.POSITIVE
    ]
    return not reacted or any(still_closes(each) for each in reacted)


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
    """After a positive test of several components, unless it was strong: that one an allergist looks into. What two people
    have called an error was neither, so a search that a strong reading had closed opens again with its error.

    Raises:
        DomainError: not_positive, one_component, strong_reaction.
    """
    standing = [] if confirmed_error(test) else [each for each in readings if not confirmed_error(each)]
    if not any(each.result == TestResult.POSITIVE for each in standing):
        raise DomainError(
            _("The components are tested one by one only after a positive test."), "not_positive"
        )
    if test.search_id is not None or len(test.component_codes) < 2:
        raise DomainError(_("This test was of one component: it is the cause."), "one_component")
    if any(each.systemic_sign or each.grade == Grade.EXTREME for each in standing):
        sentence = _("After a strong reaction, or a sign beyond the test site, refer to an allergist.")
        raise DomainError(sentence, "strong_reaction")


def check_still_searched(facts: PlanFacts, search: CauseSearch) -> None:
    """Likewise of a search that was decided: by what is known of its positive test.

    Raises:
        DomainError: as `check_may_search`.
    """
    (test,) = [each for each in facts.tests if each.pk == search.patch_test_id]
    check_may_search(test, [each for each in facts.readings if each.patch_test_id == test.pk])


def may_search(test: PatchTest, readings: Collection[TestReading]) -> bool:
    """Whether `check_may_search` lets it pass."""
    return not why_closed(test, readings)


def why_closed(test: PatchTest, readings: Collection[TestReading]) -> str:
    """Why the cause of this test is not looked for, or no longer; empty where it may be."""
    try:
        check_may_search(test, readings)
    except DomainError as refusal:
        return refusal.message
    return ""


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
    standing = [each for each in tests if not in_error(each) or results[each.pk] == TestResult.EQUIVOCAL]
    last = (reacted or standing)[-1:]
    if not last:
        return Tested(code, None, None)
    result = results[last[0].pk]
    return Tested(code, last[0], result, _is_questioned(facts, last[0], result))


def _result_of(facts: PlanFacts, test: PatchTest) -> TestResult:
    """A reaction counts until two people call it an error, and so does a doubt that nothing has superseded; anything else
    until one does, or it is superseded."""
    found = [each for each in facts.readings if each.patch_test_id == test.pk]
    if any(each.result == TestResult.POSITIVE and not confirmed_error(each) for each in found):
        return TestResult.POSITIVE
    latest = [each for each in found if getattr(each, "superseded_by", None) is None]
    if any(each.result == TestResult.EQUIVOCAL and not confirmed_error(each) for each in latest):
        return TestResult.EQUIVOCAL
    open_ = (TestResult.AWAITING, TestResult.UNCHANGED)
    decided = [each for each in latest if not in_error(each) and each.result not in open_]
    return TestResult(decided[-1].result) if decided else TestResult.AWAITING


def _is_questioned(facts: PlanFacts, test: PatchTest, result: TestResult) -> bool:
    """Whether a reaction or a doubt counts only because no second person has confirmed its error yet."""
    mine = [each for each in facts.readings if each.patch_test_id == test.pk and each.result == result]
    closing = (TestResult.POSITIVE, TestResult.EQUIVOCAL)
    return result in closing and not any(still_opens(each) for each in mine)


def conclusion(facts: PlanFacts, search: CauseSearch) -> Conclusion:
    """What the tests say, computed: a component that reacted alone is a cause; with a cause, what did not react opens. A cause
    that somebody calls an error opens nothing."""
    known = tested(facts, search)
    causes = [each.code for each in known if each.result == TestResult.POSITIVE]
    clear = [each.code for each in known if each.result == TestResult.NEGATIVE]
    rest = [each.code for each in known if each.code not in (*causes, *clear)]
    opens = any(each.result == TestResult.POSITIVE and not each.is_questioned for each in known)
    return Conclusion(causes, clear if opens else [], rest)


def check_may_conclude(known: Collection[Tested]) -> None:
    """Something was tested alone, and no test still waits for its reading, or a reading for the second person.

    Raises:
        DomainError: nothing_tested, reading_open, error_open.
    """
    if not any(each.test for each in known):
        raise DomainError(_("Test a component alone first."), "nothing_tested")
    if any(each.result == TestResult.AWAITING for each in known):
        raise DomainError(_("Read every test that was given first."), "reading_open")
    if any(each.is_questioned for each in known):
        sentence = _(
            "A reading is called an error, not yet confirmed by a second person: have that confirmed first."
        )
        raise DomainError(sentence, "error_open")
