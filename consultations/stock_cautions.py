"""What the shelf says of what is booked or moved: from which day on a session or a test injection would find no lot in date,
and that a test with another maker's lot should come first.

In time to order, refusing nothing. The desk does not learn which component is meant; the practitioner's pages say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Appointment, AppointmentType
from clinic.readiness import Caution, CourseOffer, Offer
from consultations import offers, purposes
from consultations.dates import in_words
from consultations.lot_queries import needed_of
from consultations.models import Component, Lot, PatchTestLot
from consultations.purposes import Kind
from consultations.queries import PlanFacts
from consultations.rules import lots as lots_rules
from consultations.rules import plans, stock, tested_lots
from consultations.rules.consequences import CourseConsequences


def of_offers(
    found: Sequence[Offer], all_facts: Iterable[PlanFacts], types: list[AppointmentType], *, at: datetime
) -> list[Offer]:
    """The offers with the tests of another maker's lot that should come first, those of a session or a test with its
    caution. One query of lots for all plans, none where no lot is needed."""
    facts = list(all_facts)
    may_test = [each for each in facts if _may_test_another_lot(each, at=at)]
    asked = [each.purpose for each in found] + [purposes.test_of(each.plan) for each in may_test]
    shelf = _Shelf.read(facts, asked, at=at)
    tests = [
        (each, offers.other_lot_offers(each, types, at=at)) for each in may_test if shelf.lacks_tested(each)
    ]
    return [replace(each, caution=shelf.caution(each.purpose)) for each in _in_order(found, tests)]


def of_courses(
    courses: Sequence[CourseOffer], all_facts: Iterable[PlanFacts], *, at: datetime
) -> list[CourseOffer]:
    """The courses, each test and session that is still to be placed with its caution. As many queries as `of_offers`."""
    open_steps = [step.purpose for course in courses for step in course.steps if not step.fixed]
    shelf = _Shelf.read(list(all_facts), open_steps, at=at)
    return [
        replace(
            course,
            steps=tuple(
                step if step.fixed else replace(step, caution=shelf.caution(step.purpose))
                for step in course.steps
            ),
        )
        for course in courses
    ]


class Cautioned(CourseConsequences):
    """What moving a visit does, and what the shelf says of the days it and those behind it may be moved to."""

    def caution(self, appointment: Appointment) -> Caution | None:
        """See clinic.readiness. The shelf is read once, when it is first asked."""
        return self._shelf.caution(appointment.purpose)

    @cached_property
    def _shelf(self) -> _Shelf:
        facts = {each.plan.pk: each for each in self.facts.values()}
        return _Shelf.read(list(facts.values()), self.facts, at=self.at)


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Read once: whose plan a session or a test belongs to and which components it needs, the lots on the shelf, and by the
    tests that count for the plans the lots they were made with, on the shelf or not.

    Sessions are known by the key of the planned one, tests by that of their plan.
    """

    plans: Mapping[UUID, PlanFacts]
    components: Mapping[UUID, list[Component]]
    lots: Sequence[Lot]
    tested: Mapping[UUID, Sequence[Lot]]
    at: datetime

    @classmethod
    def read(cls, all_facts: Sequence[PlanFacts], asked: Iterable[str], *, at: datetime) -> _Shelf:
        """For the purposes that are asked about; empty, and in no query, where nothing is injected at any of them."""
        wanted = {_injected_at(each) for each in asked}
        mine = [facts for facts in all_facts if wanted & _keys_of(facts)]
        if not mine:
            return cls({}, {}, (), {}, at)
        whole = {facts.plan.pk: [part.component for part in facts.of_whole_plan.parts] for facts in mine}
        components = needed_of(mine) | whole
        codes = {each.code for listed in components.values() for each in listed}
        tests = {test for facts in mine for test in tested_lots.tests_compared_with(facts.of_whole_plan, at)}
        rows = list(_lots(codes, tests, today=timezone.localdate(at)))
        return cls(
            plans={key: facts for facts in mine for key in _keys_of(facts)},
            components=components,
            lots=[lot for lot in rows if lot.used_up_on is None],
            tested={test: [lot for lot in rows if test in lot.in_tests] for test in tests},
            at=at,
        )

    @property
    def today(self) -> date:
        """The clinic's day."""
        return timezone.localdate(self.at)

    def caution(self, purpose: str) -> Caution | None:
        """From which day on the visit would find no lot in date; None where it needs none."""
        key = _injected_at(purpose)
        if key is None or not self.components.get(key):
            return None
        last = stock.last_day(self.components[key], self.lots, today=self.today)
        said = {"who": self.plans[key].plan.consultation.practitioner}
        if last is None:
            return Caution(_("Not every lot it needs is in date: tell %(who)s. Booking goes on.") % said)
        words = _("After %(day)s not every lot it needs is in date: tell %(who)s. Booking goes on.")
        return Caution(words % {**said, "day": in_words(last)}, last)

    def lacks_tested(self, facts: PlanFacts) -> bool:
        """Whether on the day of a session to come, of some component, there is nothing but lots that ask for a new test."""
        whole = facts.of_whole_plan
        tests = tested_lots.tests_compared_with(whole, self.at)
        tested = tested_lots.by_component(lot for test in tests for lot in self.tested[test])
        if not tested_lots.any_asks(whole, self.lots, tested):
            return False  # and nobody has to know how it is mixed
        asked = lots_rules.asked_for(whole.plan.formula, at=self.at, allergies=whole.allergies)
        return any(
            tested_lots.none_tested(whole, lots_rules.sorted_out(self.lots, asked, on=day)[0], tested)
            for day in _days_to_come(facts, today=self.today)
        )


def _may_test_another_lot(facts: PlanFacts, *, at: datetime) -> bool:
    """Whether the plan could be told of another maker's lot. The test that clears now goes on clearing until that one is
    read."""
    if not tested_lots.tests_compared_with(facts.of_whole_plan, at):
        return False
    return offers.may_test_another_lot(facts, at=at) and plans.next_to_give(facts) is not None


def _in_order(found: Sequence[Offer], tests: Iterable[tuple[PlanFacts, list[Offer]]]) -> list[Offer]:
    """Each test behind the next session of its plan; where all are on the books, before what is always possible."""
    every = list(found)
    for facts, more in tests:
        sessions = {purposes.session_of(planned) for planned in facts.planned}
        behind = [place + 1 for place, each in enumerate(every) if each.purpose in sessions]
        always = [place for place, each in enumerate(every) if each.purpose == Kind.CONSULTATION]
        place = [*behind, *always, len(every)][0]
        every[place:place] = more
    return every


def _days_to_come(facts: PlanFacts, *, today: date) -> set[date]:
    """On which the plan's sessions are booked, or else best given."""
    windows = [each for each in plans.windows(facts, on=today) if not each.is_done]
    days = (timezone.localdate(each.visit.starts_at) if each.visit else each.ideal for each in windows)
    return {max(day, today) for day in days}


def _injected_at(purpose: str) -> UUID | None:
    """The planned session, or the plan of a test injection; nothing is injected at any other visit."""
    meant = purposes.parse(purpose)
    return meant.key if meant.kind in (Kind.SESSION, Kind.TEST) else None


def _keys_of(facts: PlanFacts) -> set[UUID]:
    return {facts.plan.pk, *(each.pk for each in facts.planned)}


def _lots(codes: set[str], tests: set[UUID], *, today: date) -> Iterable[Lot]:
    """The lots on the shelf, and with them those that the tests were made with; one query either way."""
    found = Lot.objects.usable_on(today)
    if tests:
        used = PatchTestLot.objects.filter(patch_test__in=tests)
        found = (found | Lot.objects.filter(pk__in=used.values("lot"))).annotate(
            in_tests=ArraySubquery(used.filter(lot=OuterRef("pk")).values("patch_test"))
        )
    return found.of_components(sorted(codes)).select_related("component")
