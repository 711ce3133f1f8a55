"""The form of a session: what it offers before anybody has typed."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.test import override_settings
from django.utils import timezone

from consultations.forms.session_lots import LotsField
from consultations.forms.sessions import SessionForm
from consultations.lot_queries import every_lot
from consultations.models import Session, TechniqueRule
from consultations.queries import facts_of_one
from consultations.rules.lots import DraftChoice
from tests.factories import LotFactory, SessionFactory, cleared_plan, received_as
from tests.factories.clock import CLINIC_NOW

pytestmark = pytest.mark.django_db


def form_of(session: Session, rule: TechniqueRule | None = None) -> SessionForm:
    facts = facts_of_one(session.plan)
    return SessionForm(
        session=session,
        facts=facts,
        rule=rule or TechniqueRule.objects.of(session.technique),
        scale=None,
        lots=every_lot(facts),
        reactions=[],
    )


def offered(session: Session) -> tuple[list[str], list[str]]:
    """Numbers of the lots offered for the formula's first component, and of those preselected."""
    form = form_of(session)
    facts = form.facts
    field = form.fields[f"lot_{facts.parts[0].component.code}"]
    chosen = [lot.number for lot in field.choice.usable if str(lot.pk) in field.initial]
    return [lot.number for lot in field.choice.usable], chosen


@pytest.mark.parametrize(
    ("zone", "usable"),
    [("Europe/Paris", ["old", "new"]), ("Pacific/Auckland", ["new"]), ("Pacific/Honolulu", ["old", "new"])],
)
def test_lots_are_in_date_on_the_clinics_own_day(zone: str, usable: list[str]) -> None:
    """At 20:00 UTC it is the next day in Auckland already: what expired on the day before is not offered there."""
    begun = CLINIC_NOW.replace(hour=21)
    plan = cleared_plan()
    component = plan.formula.parts.first().component
    received_as(component.lots.all(), expires_on=begun.date() - timedelta(days=1))
    LotFactory(component=component, number="old", expires_on=begun.date())
    LotFactory(component=component, number="new", expires_on=begun.date() + timedelta(days=90))
    session = SessionFactory(plan=plan)
    session.started_at = begun
    with override_settings(TIME_ZONE=zone), timezone.override(zone):
        assert offered(session) == (usable, usable[:1])


@pytest.mark.parametrize(
    ("low", "high", "words", "filled"),
    [
        (None, None, "", None),
        (Decimal(3), Decimal(3), "Usual is 3 mm.", Decimal(3)),
        (Decimal(3), Decimal(5), "Usual are 3 to 5 mm.", None),
    ],
)
def test_the_spacing_says_what_is_usual_where_a_rule_knows_it(
    low: Decimal | None, high: Decimal | None, words: str, filled: Decimal | None
) -> None:
    rule = TechniqueRule(asks=["spacing_mm"], spacing_min_mm=low, spacing_max_mm=high)
    field = form_of(SessionFactory(), rule)["spacing_mm"]
    assert (field.help_text, field.initial) == (words, filled)


def test_a_lot_that_cannot_be_named_is_refused_by_its_own_reason_and_stands_in_no_others_way() -> None:
    usable, old, wrong = LotFactory.create_batch(3)
    choice = DraftChoice([usable], {}, [], {old: "It is too old.", wrong: "It is too strong."}, [])
    field = LotsField(choice=choice, untested=[], preselects=False)
    assert field.lots(field.clean([str(usable.pk)])) == [usable]
    with pytest.raises(ValidationError, match=r"^\['It is too strong\.'\]$"):
        field.clean([str(usable.pk), str(wrong.pk)])
