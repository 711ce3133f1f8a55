"""What the desk is told of the shelf while it books or moves: from which day on a session or a test injection would find no
lot in date.

In time to order, refusing nothing. The desk does not learn which component is meant; the practitioner's pages say it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.models import Appointment
from clinic.readiness import Caution, CourseOffer, Offer
from consultations import purposes
from consultations.dates import in_words
from consultations.lot_queries import needed_of
from consultations.models import Component, Lot
from consultations.purposes import Kind
from consultations.queries import PlanFacts
from consultations.rules import stock
from consultations.rules.consequences import CourseConsequences

Cautions = dict[UUID, Caution]


def of_offers(offers: Sequence[Offer], all_facts: Iterable[PlanFacts], *, at: datetime) -> list[Offer]:
    """The offers, those of a session or a test with its caution. One query of lots for all plans, none without either."""
    cautions = _cautions(_asked(each.purpose for each in offers), all_facts, at=at)
    return [replace(each, caution=_of(each.purpose, cautions)) for each in offers]


def of_courses(
    courses: Sequence[CourseOffer], all_facts: Iterable[PlanFacts], *, at: datetime
) -> list[CourseOffer]:
    """The courses, each test and session that is still to be placed with its caution. As many queries as `of_offers`."""
    open_steps = (step.purpose for course in courses for step in course.steps if not step.fixed)
    cautions = _cautions(_asked(open_steps), all_facts, at=at)
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
        return _of(appointment.purpose, _cautions(_asked([appointment.purpose]), [facts], at=self.at))


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


def _cautions(asked: set[UUID], all_facts: Iterable[PlanFacts], *, at: datetime) -> Cautions:
    plans = [(facts, keys) for facts in all_facts if (keys := asked & _keys_of(facts))]
    if not plans:
        return {}
    tests = {facts.plan.pk: [part.component for part in facts.of_whole_plan.parts] for facts, _keys in plans}
    components, today = needed_of([facts for facts, _keys in plans]) | tests, timezone.localdate(at)
    lots = _on_shelf(components, asked, today)
    return {
        key: _caution(facts, components[key], lots, today)
        for facts, keys in plans
        for key in keys
        if components[key]
    }


def _keys_of(facts: PlanFacts) -> set[UUID]:
    return {facts.plan.pk, *(each.pk for each in facts.planned)}


def _on_shelf(components: dict[UUID, list[Component]], asked: set[UUID], today: date) -> list[Lot]:
    codes = {each.code for key in asked for each in components.get(key, ())}
    return list(Lot.objects.usable_on(today).of_components(sorted(codes)).select_related("component"))


def _caution(facts: PlanFacts, components: list[Component], lots: list[Lot], today: date) -> Caution:
    last = stock.last_day(components, lots, today=today)
    said = {"who": facts.plan.consultation.practitioner}
    if last is None:
        return Caution(_("Not every lot it needs is in date: tell %(who)s. Booking goes on.") % said)
    words = _("After %(day)s not every lot it needs is in date: tell %(who)s. Booking goes on.")
    return Caution(words % {**said, "day": in_words(last)}, last)
