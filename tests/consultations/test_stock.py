"""Whether what is on the shelf lasts until a planned day: said in time to order, refusing nothing."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consultations import plan_page, purposes
from consultations.dates import in_words
from consultations.enums import PlanStatus
from consultations.models import Lot, Plan, PlannedSession
from consultations.queries import facts_of_one
from consultations.rules.stock import last_day, shortage
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    PlanFactory,
    PlannedSessionFactory,
    SessionFactory,
    cleared_plan,
    received_as,
)
from tests.factories.clock import CLINIC_NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

TODAY = timezone.localdate(CLINIC_NOW)


@pytest.fixture
def plan() -> Plan:
    """Three sessions a week apart of one component, the first to be given; its lots end in ten days."""
    plan = cleared_plan(sessions=3)
    received_as(Lot.objects.all(), expires_on=TODAY + timedelta(days=10))
    return plan


def told(plan: Plan) -> list[bool]:
    return [bool(row.shortage) for row in plan_page.rows(facts_of_one(plan), at=CLINIC_NOW)]


def test_a_session_that_is_best_after_the_last_day_of_use_is_said_on_the_plan(
    practitioner_client: Client, plan: Plan
) -> None:
    late = plan_page.rows(facts_of_one(plan), at=CLINIC_NOW)[-1]
    assert late.ideal > TODAY + timedelta(days=10)
    assert told(plan) == [False, False, True]
    component = facts_of_one(plan).parts[0].component
    sentence = (
        f"No lot of {component} on the shelf is in date on {in_words(late.ideal)};"
        f" the last one ends on {in_words(TODAY + timedelta(days=10))}."
    )
    assert late.shortage == sentence
    assert sentence in practitioner_client.get(reverse("consultations:plan", args=[plan.pk])).content.decode()


def test_a_fresh_lot_ends_the_warning(plan: Plan) -> None:
    for part in facts_of_one(plan).parts:
        assert any(told(plan))
        LotFactory(component=part.component, expires_on=TODAY + timedelta(days=200))
    assert told(plan) == [False, False, False]


def test_an_empty_shelf_is_said_on_the_session_that_waits_and_it_may_be_booked_all_the_same(
    practitioner_client: Client, plan: Plan
) -> None:
    Lot.objects.update(used_up_on=TODAY - timedelta(days=1))
    first = plan.planned_sessions.first()
    page = practitioner_client.get(reverse("consultations:session_of", args=[first.pk])).content.decode()
    assert f"No lot of {facts_of_one(plan).parts[0].component} is on the shelf." in page
    assert told(plan) == [True, True, True]


def test_a_session_with_a_formula_of_its_own_needs_only_what_is_in_it(
    practitioner_client: Client,
) -> None:
    whole = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
    kept, left_out = (part.component for part in whole.parts.order_by("pk"))
    plan = PlanFactory(formula=whole, sessions=0, status=PlanStatus.PROPOSED)
    small = FormulaFactory(parts=[(kept, 10)])
    first = PlannedSessionFactory(plan=plan, ordinal=1, formula=small)
    second = PlannedSessionFactory(plan=plan, ordinal=2)
    LotFactory(component=kept, expires_on=TODAY + timedelta(days=900))
    assert told(plan) == [False, True]

    def page(planned: PlannedSession) -> str:
        return practitioner_client.get(
            reverse("consultations:session_of", args=[planned.pk])
        ).content.decode()

    sentence = f"No lot of {left_out} is on the shelf."
    assert [sentence in page(each) for each in (first, second)] == [False, True]


def test_the_waiting_session_is_judged_on_the_day_it_is_booked_for(
    practitioner_client: Client, plan: Plan
) -> None:
    first = plan.planned_sessions.first()
    first.appointment = AppointmentFactory(
        patient=plan.patient,
        purpose=purposes.session_of(first),
        starts_at=CLINIC_NOW + timedelta(days=11),
    )
    first.save()
    page = practitioner_client.get(reverse("consultations:session_of", args=[first.pk])).content.decode()
    component = facts_of_one(plan).parts[0].component
    day = in_words(TODAY + timedelta(days=11))
    assert f"No lot of {component} on the shelf is in date on {day}" in page


def test_a_stopped_plan_needs_no_stock(plan: Plan) -> None:
    Plan.objects.filter(pk=plan.pk).update(status=PlanStatus.STOPPED)
    assert told(plan) == [False, False, False]


@pytest.mark.parametrize(("days", "short"), [(10, False), (11, True)])
def test_the_last_day_is_still_a_day_of_use(plan: Plan, days: int, short: bool) -> None:
    facts = facts_of_one(plan)
    lots = Lot.objects.select_related("component")
    on = TODAY + timedelta(days=days)
    assert bool(shortage([facts.parts[0].component], lots, today=TODAY, on=on)) is short


def test_what_was_given_needs_nothing_any_more(plan: Plan) -> None:
    SessionFactory(plan=plan, signed=True, started_at=CLINIC_NOW - timedelta(days=1))
    Lot.objects.update(used_up_on=TODAY - timedelta(days=1))
    assert told(plan) == [False, True, True]


def test_nothing_is_needed_of_a_shelf_where_nothing_is_injected() -> None:
    lots = Lot.objects.select_related("component")
    assert (last_day([], lots, today=TODAY), shortage([], lots, today=TODAY, on=TODAY)) == (None, "")
