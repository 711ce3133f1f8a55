"""What the desk is told of the shelf while it books: from which day on a session would find no lot in date.

In time to order, refusing nothing. The desk does not learn which component is meant; the practitioner's pages say it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.readiness import Caution, CourseOffer, Offer
from consultations import purposes
from consultations.dates import in_words
from consultations.lot_queries import needed_of
from consultations.models import Component, Lot
from consultations.purposes import Kind
from consultations.queries import PlanFacts
from consultations.rules import stock

Cautions = dict[UUID, Caution]


def of_offers(offers: Sequence[Offer], all_facts: Iterable[PlanFacts], *, at: datetime) -> list[Offer]:
    """The offers, those of a session with its caution. One query of lots for all plans, none without a session."""
    cautions = _cautions(_asked(each.purpose for each in offers), all_facts, at=at)
    return [replace(each, caution=_of(each.purpose, cautions)) for each in offers]


def of_courses(
    courses: Sequence[CourseOffer], all_facts: Iterable[PlanFacts], *, at: datetime
) -> list[CourseOffer]:
    """The courses, each session that is still to be placed with its caution. As many queries as `of_offers`."""
    open_steps = (step.purpose for course in courses for step in course.steps if not step.fixed)
    cautions = _cautions(_asked(open_steps), all_facts, at=at)
    return [
        replace(
            course, steps=tuple(replace(step, caution=_of(step.purpose, cautions)) for step in course.steps)
        )
        for course in courses
    ]


def _asked(purposes_: Iterable[str]) -> set[UUID]:
    """The planned sessions that are meant."""
    meant = (purposes.parse(each) for each in purposes_)
    return {each.key for each in meant if each.kind == Kind.SESSION and each.key}


def _of(purpose: str, cautions: Cautions) -> Caution | None:
    key = purposes.parse(purpose).key
    return cautions.get(key) if key else None


def _cautions(asked: set[UUID], all_facts: Iterable[PlanFacts], *, at: datetime) -> Cautions:
    plans = [facts for facts in all_facts if asked & {each.pk for each in facts.planned}]
    if not plans:
        return {}
    components, today = needed_of(plans), timezone.localdate(at)
    lots = _on_shelf(components, asked, today)
    return {
        each.pk: _caution(facts, components[each.pk], lots, today)
        for facts in plans
        for each in facts.planned
        if each.pk in asked and components[each.pk]
    }


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
