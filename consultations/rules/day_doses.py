"""What else goes into the patient on the same clinic day, whatever the plan: signed, drafted or tested.

A draft counts from the moment its zones are saved: whoever stands there with gloves on must see it before injecting.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from django.utils import timezone
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from consultations.enums import SessionOutcome
from consultations.models import Component, FormulaPart, PatchTest, Session
from consultations.queries import PlanFacts, confirmed_error

# Strengths are kept to four places (a third of 20 mg is 6.6667), so doses are counted to three: 3 ml of it are 20 mg.
COUNTED_TO = Decimal("0.001")


class Origin(StrEnum):
    """Where an amount comes from."""

    SIGNED = "signed"
    DRAFT = "draft"
    TEST = "test"


@dataclass(frozen=True)
class Portion:
    """What one other record puts into the patient that day of one component, in the component's unit.

    `formula_codes` are those whose caps bind a signed session, its own and its plan's; empty for a draft or a test.
    """

    component: Component
    amount: Decimal
    origin: Origin
    at: datetime
    who: str = ""
    formula_codes: frozenset[str] = frozenset()

    @property
    def words(self) -> str:
        """Where it comes from, and of a session whose it is."""
        said = {"who": self.who, "time": time_format(timezone.localtime(self.at), "H:i")}
        if self.origin == Origin.DRAFT:
            return _("in the draft of %(who)s, begun %(time)s") % said
        if self.origin == Origin.TEST:
            return _("in the test injection at %(time)s") % said
        return _("given by %(who)s at %(time)s") % said


def portions_on(facts: PlanFacts, day: date, *, ignoring: Session | None) -> list[Portion]:
    """Every other amount of the clinic day `day`, oldest first; a confirmed error was never injected.

    Costs no query unless something was drafted or tested that day.
    """
    sessions = [each for each in facts.sessions if _counts(each, day) and each != ignoring]
    tests = [
        each for each in facts.tests if timezone.localdate(each.given_at) == day and not confirmed_error(each)
    ]
    formulas = {_formula_of(each) for each in sessions if not each.is_signed}
    parts = _strengths_of(formulas | {each.formula_id for each in tests})
    found = [portion for test in tests for portion in _of_test(test, parts[test.formula_id])]
    for session in sessions:
        found += _signed(session) if session.is_signed else _drafted(session, parts[_formula_of(session)])
    return sorted(found, key=lambda each: each.at)


def _strengths_of(formulas: Collection[int]) -> dict[int, list[FormulaPart]]:
    """The parts of each formula with their components, by the formula's key; no query for none."""
    found: dict[int, list[FormulaPart]] = {key: [] for key in formulas}
    if found:
        for part in FormulaPart.objects.filter(formula__in=found).select_related("component"):
            found[part.formula_id].append(part)
    return found


def _formula_of(session: Session) -> int:
    """Key of the formula that the session is given with (`Session.formula`, without reading it)."""
    return session.planned.formula_id or session.plan.formula_id


def _counts(session: Session, day: date) -> bool:
    was_injected = session.outcome != SessionOutcome.NOT_GIVEN and not confirmed_error(session)
    return was_injected and timezone.localdate(session.started_at) == day


def _signed(session: Session) -> Iterator[Portion]:
    who, formulas = str(session.practitioner), frozenset({session.plan.formula.code, session.formula.code})
    for dose in session.doses.all():
        yield Portion(dose.component, dose.amount, Origin.SIGNED, session.started_at, who, formulas)


def _drafted(session: Session, parts: Iterable[FormulaPart]) -> Iterator[Portion]:
    volume = sum((zone.volume_ml for zone in session.zones.all()), Decimal(0))
    for part in parts if volume else ():
        amount = (volume * part.strength).quantize(COUNTED_TO)
        yield Portion(part.component, amount, Origin.DRAFT, session.started_at, str(session.practitioner))


def _of_test(test: PatchTest, parts: Iterable[FormulaPart]) -> Iterator[Portion]:
    for part in parts:
        if part.component.code in test.component_codes:
            amount = (test.volume_ml * part.strength).quantize(COUNTED_TO)
            yield Portion(part.component, amount, Origin.TEST, test.given_at)
