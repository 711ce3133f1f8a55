"""Lots that were not in the test that clears a plan, and lots of another maker: what the clinic wants to be told of, and
what asks for a new test first.

The rules are the clinic's own (`RetestRule`, triggers `new_lot` and `new_maker`); without one in force nothing is said. The
test still clears the plan: another lot of the same component may be used. `lot_asks_for_test()` says the same in SQL.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.errors import DomainError
from consultations.enums import RetestEffect, RetestTrigger, TestRequirement
from consultations.lot_queries import lots_of_tests
from consultations.models import Lot, Session
from consultations.queries import PlanFacts
from consultations.rules import retest
from consultations.rules.gates.test import clearing_readings
from consultations.rules.knowledge import as_known

Tested = Mapping[str, list[Lot]]
_SPOKEN_OF = (RetestEffect.WARN, RetestEffect.REQUIRE)


@dataclass(frozen=True, slots=True)
class Untested:
    """A lot that differs from those of its component that were tested: in its maker too, or in its number alone."""

    lot: Lot
    tested: tuple[Lot, ...]
    of_maker: bool
    asks_for_test: bool

    @property
    def words(self) -> str:
        """What differs and what to do."""
        return sentences([self])[0]


def tested_lots(facts: PlanFacts, on: datetime) -> Tested:
    """By component, the lots of every test that counts for the plan at the moment, in one query; none where the plan needs
    no test, or the clinic wants to be told of neither lots nor makers."""
    if not _speaks(facts, _SPOKEN_OF):
        return {}
    return by_component(lots_of_tests(each.patch_test_id for each in clearing_readings(facts, on)))


def tests_compared_with(facts: PlanFacts, on: datetime) -> set[UUID]:
    """The tests whose lots decide which lot asks for a new test; none where none can ask."""
    if not _speaks(facts, (RetestEffect.REQUIRE,)):
        return set()
    return {each.patch_test_id for each in clearing_readings(facts, on)}


def by_component(lots: Iterable[Lot]) -> Tested:
    """The lots of tests as they are compared with."""
    found: dict[str, list[Lot]] = defaultdict(list)
    for lot in lots:
        found[lot.component.code].append(lot)
    return found


def _speaks(facts: PlanFacts, effects: Collection[str]) -> bool:
    triggers = (RetestTrigger.NEW_LOT, RetestTrigger.NEW_MAKER)
    if not any(retest.effect_of(facts, each) in effects for each in triggers):
        return False
    return retest.requirement(facts) != TestRequirement.NOT_REQUIRED


def untested(facts: PlanFacts, lot: Lot, tested: Tested) -> Untested | None:
    """What differs; None where nothing does that the clinic wants to hear of, or no lot of the component is on record to
    compare with. Of the two rules the stricter one speaks: another maker's lot is a new lot as well."""
    known = tested.get(lot.component.code)
    if not known or lot.pk in {each.pk for each in known}:
        return None
    effects = {RetestTrigger.NEW_LOT: retest.effect_of(facts, RetestTrigger.NEW_LOT)}
    if _maker(lot) not in {_maker(each) for each in known}:
        effects[RetestTrigger.NEW_MAKER] = retest.effect_of(facts, RetestTrigger.NEW_MAKER)
    asks = RetestEffect.REQUIRE in effects.values()
    if not asks and RetestEffect.WARN not in effects.values():
        return None
    return Untested(lot, tuple(known), effects.get(RetestTrigger.NEW_MAKER) in _SPOKEN_OF, asks)


def sentences(found: Iterable[Untested]) -> list[str]:
    """What differs and what to do, lots of one component and maker in one sentence; what asks for a new test first."""
    alike: dict[tuple[bool, bool, str, str], list[Untested]] = defaultdict(list)
    for each in found:
        alike[(not each.asks_for_test, not each.of_maker, each.lot.component.code, _maker(each.lot))].append(
            each
        )
    return [f"{_difference(mine)} {_what_to_do(mine[0])}" for _kind, mine in sorted(alike.items())]


def refusals(facts: PlanFacts, session: Session) -> list[DomainError]:
    """A refusal at the component's field for every lot of the session that asks for a new test, by what was known when it
    began: signed only with a reason."""
    known = as_known(facts.of_whole_plan, session.started_at)
    tested = tested_lots(known, session.started_at)
    used = [each.lot for each in session.used_lots.select_related("lot__component").order_by("lot__number")]
    found = [each for each in (untested(known, lot, tested) for lot in used) if each and each.asks_for_test]
    return [
        DomainError(each.words, "lot_not_tested", field=f"lot_{each.lot.component.code}") for each in found
    ]


def any_asks(facts: PlanFacts, lots: Iterable[Lot], tested: Tested) -> bool:
    """Whether one of the lots asks for a new test."""
    found = (untested(facts, lot, tested) for lot in lots)
    return any(each and each.asks_for_test for each in found)


def none_tested(facts: PlanFacts, lots: Iterable[Lot], tested: Tested) -> list[Untested]:
    """Of each component of which every lot in `lots` asks for a new test, the first one: what to test before the session."""
    by_code: dict[str, list[Untested | None]] = defaultdict(list)
    for lot in lots:
        by_code[lot.component.code].append(untested(facts, lot, tested))
    return [
        mine[0] for mine in by_code.values() if mine[0] and all(each and each.asks_for_test for each in mine)
    ]


def _difference(alike: list[Untested]) -> str:
    first, number = alike[0], len(alike)
    said = {
        "lots": _listed(each.lot.number for each in alike),
        "maker": first.lot.maker,
        "tested": _listed(each.number for each in first.tested),
        "makers": _listed(each.maker for each in first.tested),
    }
    if first.of_maker:
        words = ngettext(
            "Lot %(lots)s is made by %(maker)s; the test that clears this plan was made with %(makers)s"
            " (lot %(tested)s).",
            "Lots %(lots)s are made by %(maker)s; the test that clears this plan was made with %(makers)s"
            " (lot %(tested)s).",
            number,
        )
        return words % said
    words = ngettext(
        "Lot %(lots)s of %(maker)s was not in the test that clears this plan (lot %(tested)s).",
        "Lots %(lots)s of %(maker)s were not in the test that clears this plan (lot %(tested)s).",
        number,
    )
    return words % said


def _what_to_do(each: Untested) -> str:
    if each.asks_for_test:
        return _(
            "Before it is used, a new test with it has to be read without reaction. Take another lot until then."
        )
    return _("Consider a new test with it first.") if each.of_maker else _("Watch for a reaction.")


def _maker(lot: Lot) -> str:
    """As it is compared: labels are typed by hand."""
    return " ".join(lot.maker.split()).lower()


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words)))
