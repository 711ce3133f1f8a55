"""Whether a test read without reaction still counts on a treatment day: what changed since, and what it means.

Each change is a rule of the clinic's own (`RetestRule`). Without a rule in force a changed formula and an expired test ask
for a new one, and nothing else does. `test_counts()` and its kin say the same in SQL.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.gaps import months_later
from consultations.dates import in_words
from consultations.enums import GIVEN, Answer, RetestEffect, RetestTrigger, TestRequirement, TestResult
from consultations.models import PatchTest, TestReading
from consultations.queries import PlanFacts, confirmed_error
from consultations.read_with_plans import Retest
from consultations.rules import causes
from consultations.rules.reading_errors import still_closes, still_opens

_WITHOUT_RULE = {
    RetestTrigger.FORMULA_CHANGED: RetestEffect.REQUIRE,
    RetestTrigger.EXPIRED: RetestEffect.REQUIRE,
}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened since, and the rule that it falls under."""

    rule: Retest
    at: datetime

    @property
    def words(self) -> str:
        """What happened and when, for clinicians."""
        said = {"what": RetestTrigger(self.rule.trigger).label, "day": in_words(self.at)}
        return _("%(what)s on %(day)s") % said


def effect_of(facts: PlanFacts, trigger: RetestTrigger) -> str:
    """What the clinic has decided about a change that belongs to no question."""
    rule = _rule(facts, trigger)
    return rule.effect if rule else _WITHOUT_RULE.get(trigger, RetestEffect.OFF)


def changes(facts: PlanFacts) -> list[Change]:
    """What was answered or happened to the patient, under the rules in force: the latest answer to each question, and
    allergic events that reach the plan's components. The oldest first.
    """
    return sorted([*_answers(facts), *_events(facts)], key=lambda change: change.at)


def asks_since(facts: PlanFacts) -> Change | None:
    """The latest change that asks for a new test; a test given before it counts no more."""
    asking = [each for each in changes(facts) if each.rule.effect == RetestEffect.REQUIRE]
    return asking[-1] if asking else None


def waits_until(facts: PlanFacts) -> tuple[date, Change] | None:
    """The first day after every wait that a change asks for, and the change that makes it the last one."""
    waits = [
        (timezone.localdate(each.at) + timedelta(days=each.rule.wait_days), each)
        for each in changes(facts)
        if each.rule.wait_days
    ]
    return max(waits, key=lambda wait: wait[0], default=None)


def in_doubt(facts: PlanFacts, on: datetime) -> PatchTest | None:
    """The last unclear test of one of the plan's components that no later test has answered by the moment: no test before
    it clears until a later one of everything in doubt is read without reaction. One person who calls it an error ends no
    doubt; a second one who confirms that does (ADR 42).
    """
    unclear = [
        reading.patch_test
        for reading in facts.readings
        if reading.result == TestResult.EQUIVOCAL
        and still_closes(reading)
        and facts.component_codes & set(reading.patch_test.component_codes)
        and not _answered(facts, reading.patch_test, on)
    ]
    return max(unclear, key=lambda test: test.given_at, default=None)


def is_called_error(facts: PlanFacts, unclear: PatchTest) -> bool:
    """Whether somebody calls all that is unclear about the test an error: it waits for a second person."""
    readings = [
        each
        for each in facts.readings
        if each.patch_test_id == unclear.pk and each.result == TestResult.EQUIVOCAL and still_closes(each)
    ]
    return bool(readings) and not any(still_opens(each) for each in readings)


def requirement(facts: PlanFacts) -> str:
    """What the plan's policy asks for; a test of the formula in any case where a finding opened one of its components."""
    return TestRequirement.REQUIRED if causes.reopened_at(facts) else facts.plan.test_policy.requirement


def covers(facts: PlanFacts, tested: Collection[str]) -> bool:
    """Whether what was tested stands for the plan's formula."""
    strict = causes.reopened_at(facts) is not None
    if strict or effect_of(facts, RetestTrigger.FORMULA_CHANGED) == RetestEffect.REQUIRE:
        return facts.component_codes <= set(tested)
    return bool(facts.component_codes & set(tested))


def counts(facts: PlanFacts, reading: TestReading, on: datetime) -> bool:
    """Whether the reading has not expired, nothing has lapsed, and nothing since its test asks for a new one."""
    since, reopened = asks_since(facts), causes.reopened_at(facts)
    if since and reading.patch_test.given_at < since.at:
        return False
    if reopened and reading.patch_test.given_at < reopened:
        return False
    expires = effect_of(facts, RetestTrigger.EXPIRED) == RetestEffect.REQUIRE
    if expires and _expired(facts, reading, on):
        return False
    return not _lapsed(facts, reading, on, under=RetestEffect.REQUIRE)


def warnings(facts: PlanFacts, reading: TestReading, on: datetime) -> list[str]:
    """What the clinic wants to be told of beside the reading that clears, as sentences."""
    tested = reading.patch_test
    found = [
        _("Since the test: %(change)s.") % {"change": change.words}
        for change in changes(facts)
        if change.rule.effect == RetestEffect.WARN and tested.given_at < change.at
    ]
    untested = facts.component_codes - set(tested.component_codes)
    if untested and effect_of(facts, RetestTrigger.FORMULA_CHANGED) == RetestEffect.WARN:
        names = [part.component.name for part in facts.parts if part.component.code in untested]
        found.append(_("Not tested: %(components)s.") % {"components": ", ".join(sorted(names))})
    warns = effect_of(facts, RetestTrigger.EXPIRED) == RetestEffect.WARN
    if warns and reading.valid_until and _expired(facts, reading, on):
        found.append(_("The test expired on %(day)s.") % {"day": in_words(reading.valid_until)})
    if _lapsed(facts, reading, on, under=RetestEffect.WARN):
        found.append(_("Nothing was injected or read for a long time."))
    return found


def _answered(facts: PlanFacts, unclear: PatchTest, on: datetime) -> bool:
    doubted = facts.component_codes & set(unclear.component_codes)
    return any(
        doubted <= set(reading.patch_test.component_codes)
        and reading.patch_test.given_at > unclear.given_at
        and reading.valid_from is not None
        and reading.valid_from <= on
        and reading.signed_at <= on
        for reading in facts.negative_readings
    )


def _rule(facts: PlanFacts, trigger: RetestTrigger, question: str = "") -> Retest | None:
    mine = (each for each in facts.since_test.rules if each.trigger == trigger and each.question == question)
    return next(mine, None)


def _answers(facts: PlanFacts) -> Iterator[Change]:
    latest = {each.question: each for each in facts.since_test.health}
    for question, said in latest.items():
        rule = _rule(facts, RetestTrigger.HEALTH_CHANGE, question)
        if rule and said.answer != Answer.NO:
            yield Change(rule, said.at)


def _events(facts: PlanFacts) -> Iterator[Change]:
    """An event without suspected components reaches the plan it followed, or every plan where nobody knows which."""
    rule = _rule(facts, RetestTrigger.ALLERGIC_EVENT)
    if rule is None:
        return
    for event in facts.since_test.allergic:
        followed = event.plan in (None, str(facts.plan.pk))
        if facts.component_codes & set(event.components) if event.components else followed:
            yield Change(rule, event.onset_at)


def _expired(facts: PlanFacts, reading: TestReading, on: datetime) -> bool:
    """A session of the plan that a test had cleared begins the months anew, where the clinic wants it so: whole days."""
    if reading.valid_until is None or on < reading.valid_until:
        return False
    rule = _rule(facts, RetestTrigger.EXPIRED)
    if rule is None or not rule.session_extends:
        return True
    day, months = timezone.localdate(on), facts.plan.test_policy.validity_months
    return not any(
        day < months_later(timezone.localdate(session.started_at), months)
        for session in facts.given
        if session.deviation_id is None
        and reading.valid_from
        and reading.valid_from <= session.started_at < on
    )


def _lapsed(facts: PlanFacts, reading: TestReading, on: datetime, *, under: RetestEffect) -> bool:
    """Neither read, nor any of its components injected, for more than the months of a rule of that effect: whole days."""
    rule = _rule(facts, RetestTrigger.LAPSE)
    if rule is None or rule.lapse_months is None or rule.effect != under:
        return False
    injected = [
        session.started_at
        for session in facts.sessions
        if session.is_signed
        and session.outcome in GIVEN
        and session.started_at < on
        and not confirmed_error(session)
        and facts.component_codes & {dose.component.code for dose in session.doses.all()}
    ]
    last = timezone.localdate(max([reading.read_at, *injected]))
    return timezone.localdate(on) > months_later(last, rule.lapse_months)
