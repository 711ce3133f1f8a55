"""What the shelf says of what is booked or moved: from which day on a session or a test injection would find no lot in date,
and that a test with another maker's lot should come first.

In time to order, refusing nothing. The desk does not learn which component is meant; the practitioner's pages say it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
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

Cautions = dict[UUID, Caution]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """Read once: which components each planned session and each plan's test need, the lots on the shelf, and by the tests
    that count for the plans the lots they were made with, on the shelf or not."""

    components: Mapping[UUID, list[Component]]
    lots: Sequence[Lot]
    tested: Mapping[UUID, Sequence[Lot]]
    today: date


def of_offers(
    found: Sequence[Offer], all_facts: Iterable[PlanFacts], types: list[AppointmentType], *, at: datetime
) -> list[Offer]:
    """The offers, those of a session or a test with its caution, and behind a session the test with another maker's lot
    where it should come first. One query of lots for all plans, none without a session or a test."""
    facts, asked = list(all_facts), _asked(each.purpose for each in found)
    shelf = _read(asked, facts, at=at)
    if shelf is None:
        return list(found)
    plan_of = {planned.pk: each for each in facts for planned in each.planned}
    every: list[Offer] = []
    for offer in found:
        every.append(offer)
        meant = purposes.parse(offer.purpose)
        if meant.kind == Kind.SESSION and meant.key in plan_of:
            every += _of_other_maker(plan_of[meant.key], shelf, types, at=at)
    cautions = _cautions(_asked(each.purpose for each in every), facts, shelf)
    return [replace(each, caution=_of(each.purpose, cautions)) for each in every]


def of_courses(
    courses: Sequence[CourseOffer], all_facts: Iterable[PlanFacts], *, at: datetime
) -> list[CourseOffer]:
    """The courses, each test and session that is still to be placed with its caution. As many queries as `of_offers`."""
    open_steps = (step.purpose for course in courses for step in course.steps if not step.fixed)
    asked, facts = _asked(open_steps), list(all_facts)
    shelf = _read(asked, facts, at=at)
    cautions = _cautions(asked, facts, shelf) if shelf else {}
    return [
        replace(
            course, steps=tuple(replace(step, caution=_of(step.purpose, cautions)) for step in course.steps)
        )
        for course in courses
    ]


class Cautioned(CourseConsequences):
    """What moving a visit does, and what the shelf says of the days it may be moved to; asked of one visit in as many
    queries as `of_offers` asks of lots."""

    def caution(self, appointment: Appointment) -> Caution | None:
        """See clinic.readiness."""
        facts = self.facts.get(appointment.purpose)
        if facts is None:
            return None
        asked = _asked([appointment.purpose])
        shelf = _read(asked, [facts], at=self.at)
        return _of(appointment.purpose, _cautions(asked, [facts], shelf)) if shelf else None


def _asked(purposes_: Iterable[str]) -> set[UUID]:
    """The planned sessions that are meant, and the plans whose test is."""
    return {key for each in purposes_ if (key := _injected_at(each))}


def _of(purpose: str, cautions: Cautions) -> Caution | None:
    key = _injected_at(purpose)
    return cautions.get(key) if key else None


def _injected_at(purpose: str) -> UUID | None:
    """The planned session, or the plan of a test injection; nothing is injected at any other visit."""
    meant = purposes.parse(purpose)
    return meant.key if meant.kind in (Kind.SESSION, Kind.TEST) else None


def _keys_of(facts: PlanFacts) -> set[UUID]:
    return {facts.plan.pk, *(each.pk for each in facts.planned)}


def _read(asked: set[UUID], all_facts: Sequence[PlanFacts], *, at: datetime) -> _Shelf | None:
    mine = [facts for facts in all_facts if asked & _keys_of(facts)]
    if not mine:
        return None
    whole = {facts.plan.pk: [part.component for part in facts.of_whole_plan.parts] for facts in mine}
    components, today = needed_of(mine) | whole, timezone.localdate(at)
    codes = {each.code for key in asked & components.keys() for each in components[key]}
    codes |= {each.code for listed in whole.values() for each in listed}
    tests = {test for facts in mine for test in tested_lots.tests_compared_with(facts.of_whole_plan, at)}
    rows = list(_rows(codes, tests, today))
    tested = {test: [lot for lot in rows if tests and test in lot.in_tests] for test in tests}
    return _Shelf(components, [lot for lot in rows if lot.used_up_on is None], tested, today)


def _rows(codes: set[str], tests: set[UUID], today: date) -> Iterable[Lot]:
    """The lots on the shelf, and with them those that the tests were made with; one query either way."""
    found = Lot.objects.usable_on(today)
    if tests:
        used = PatchTestLot.objects.filter(patch_test__in=tests)
        found = (found | Lot.objects.filter(pk__in=used.values("lot"))).annotate(
            in_tests=ArraySubquery(used.filter(lot=OuterRef("pk")).values("patch_test"))
        )
    return found.of_components(sorted(codes)).select_related("component")


def _of_other_maker(
    facts: PlanFacts, shelf: _Shelf, types: list[AppointmentType], *, at: datetime
) -> list[Offer]:
    """The test with another maker's lot, where on the day of a session to come every lot in date of some component asks
    for one. The test that clears now goes on clearing until that one is read."""
    whole = facts.of_whole_plan
    tests = tested_lots.tests_compared_with(whole, at)
    if not tests or not offers.may_test_another_lot(facts, at=at):
        return []
    tested = tested_lots.by_component(lot for test in tests for lot in shelf.tested.get(test, ()))
    asked = lots_rules.asked_without_recipe(whole.allergies)
    mine = [lot for lot in shelf.lots if not lots_rules.closed_by_allergy(lot, asked)]
    windows = [each for each in plans.windows(facts, on=shelf.today) if not each.is_done]
    for day in {max(_day_of(each), shelf.today) for each in windows}:
        if tested_lots.none_tested(whole, [lot for lot in mine if lot.is_usable_on(day)], tested):
            return offers.other_lot_offers(facts, types, at=at)
    return []


def _day_of(window: plans.Window) -> date:
    return timezone.localdate(window.visit.starts_at) if window.visit else window.ideal


def _cautions(asked: set[UUID], all_facts: Iterable[PlanFacts], shelf: _Shelf) -> Cautions:
    return {
        key: _caution(facts, shelf.components[key], shelf.lots, shelf.today)
        for facts in all_facts
        for key in asked & _keys_of(facts)
        if shelf.components.get(key)
    }


def _caution(facts: PlanFacts, components: list[Component], lots: Sequence[Lot], today: date) -> Caution:
    last = stock.last_day(components, lots, today=today)
    said = {"who": facts.plan.consultation.practitioner}
    if last is None:
        return Caution(_("Not every lot it needs is in date: tell %(who)s. Booking goes on.") % said)
    words = _("After %(day)s not every lot it needs is in date: tell %(who)s. Booking goes on.")
    return Caution(words % {**said, "day": in_words(last)}, last)
