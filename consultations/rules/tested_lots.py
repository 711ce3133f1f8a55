"""Lots that were not in the test that clears a plan, and lots of another maker: what the clinic wants to be told of.

The rules are the clinic's own (`RetestRule`, triggers `new_lot` and `new_maker`); without one in force nothing is said. They
warn and refuse nothing: the test clears the component, whoever made it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from consultations.enums import RetestEffect, RetestTrigger, TestRequirement
from consultations.lot_queries import lots_of_tests
from consultations.models import Lot
from consultations.queries import PlanFacts
from consultations.rules import retest
from consultations.rules.gates.test import clearing_readings

Tested = Mapping[str, list[Lot]]


def tested_lots(facts: PlanFacts, on: datetime) -> Tested:
    """By component, the lots of every test that counts for the plan at the moment, in one query; none where the plan needs
    no test, or the clinic wants to be told of neither lots nor makers."""
    asked = any(_warns(facts, each) for each in (RetestTrigger.NEW_LOT, RetestTrigger.NEW_MAKER))
    if not asked or retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        return {}
    found: dict[str, list[Lot]] = defaultdict(list)
    for lot in lots_of_tests(each.patch_test_id for each in clearing_readings(facts, on)):
        found[lot.component.code].append(lot)
    return found


def warning(facts: PlanFacts, lot: Lot, tested: Tested) -> str:
    """What differs from the lots of its component that were tested, as a sentence; empty where nothing does, or no lot of
    it is on record to compare with."""
    known = tested.get(lot.component.code, [])
    if not known or lot.pk in {each.pk for each in known}:
        return ""
    said = {"lot": lot.number, "maker": lot.maker, "tested": _listed(each.number for each in known)}
    if _warns(facts, RetestTrigger.NEW_MAKER) and _maker(lot) not in {_maker(each) for each in known}:
        said["makers"] = _listed(each.maker for each in known)
        return (
            _(
                "Lot %(lot)s is made by %(maker)s; the test that clears this plan was made with %(makers)s"
                " (lot %(tested)s). Consider a new test with it first."
            )
            % said
        )
    if _warns(facts, RetestTrigger.NEW_LOT):
        return (
            _(
                "Lot %(lot)s of %(maker)s was not in the test that clears this plan (lot %(tested)s);"
                " watch for a reaction."
            )
            % said
        )
    return ""


def _warns(facts: PlanFacts, trigger: RetestTrigger) -> bool:
    return retest.effect_of(facts, trigger) == RetestEffect.WARN


def _maker(lot: Lot) -> str:
    """As it is compared: labels are typed by hand."""
    return " ".join(lot.maker.split()).casefold()


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words)))
