"""The form of a session: what it offers before anybody has typed."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from consultations.forms.sessions import SessionForm
from consultations.lot_queries import every_lot
from consultations.models import Session, TechniqueRule
from consultations.queries import facts_of_one
from tests.factories import LotFactory, SessionFactory, cleared_plan, received_as
from tests.factories.clock import CLINIC_NOW

pytestmark = pytest.mark.django_db


def offered(session: Session) -> tuple[list[str], list[str]]:
    """Numbers of the lots offered for the formula's first component, and of those preselected."""
    facts = facts_of_one(session.plan)
    form = SessionForm(
        session=session,
        facts=facts,
        rule=TechniqueRule.objects.of(session.technique),
        scale=None,
        lots=every_lot(facts),
        reactions=[],
    )
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
