"""What the desk is told while it books: from which day on a session would find no lot in date. Nothing is refused."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from clinic import readiness
from clinic.readiness import Caution
from consultations import purposes
from consultations.models import Lot, Plan
from consultations.purposes import Kind
from consultations.queries import facts_of_one
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    SessionFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

TODAY = timezone.localdate(CLINIC_NOW)
LAST = TODAY + timedelta(days=10)
OFFERS_QUERIES = 15
COURSES_QUERIES = 15


@pytest.fixture
def plan() -> Plan:
    """Three sessions of one component, the first to be booked; its lots end in ten days."""
    plan = cleared_plan(sessions=3)
    Lot.objects.update(expires_on=LAST)
    return plan


def of_offers(plan: Plan) -> dict[str, Caution | None]:
    found = readiness.pathway().offers(plan.patient, at=CLINIC_NOW)
    return {purposes.parse(each.purpose).kind: each.caution for each in found}


def of_steps(plan: Plan) -> list[Caution | None]:
    (offer,) = readiness.pathway().courses(plan.patient, at=CLINIC_NOW)
    return [step.caution for step in offer.steps]


def test_the_next_session_says_from_which_day_on_whom_to_tell_and_no_component(plan: Plan) -> None:
    caution = of_offers(plan)[Kind.SESSION]
    assert caution is not None
    who = plan.consultation.practitioner
    assert caution.words == (
        f"After 12 Mar 2026 not every lot it needs is in date: tell {who}. Booking goes on."
    )
    assert [bool(caution.on(LAST + timedelta(days=n))) for n in (0, 1)] == [False, True]
    assert str(facts_of_one(plan).parts[0].component) not in caution.words


def test_nothing_is_in_its_way_for_that(plan: Plan) -> None:
    Lot.objects.update(used_up_on=TODAY)
    (session,) = (each for each in readiness.pathway().offers(plan.patient, at=CLINIC_NOW) if each.caution)
    assert session.conditions == ()
    visit = readiness.Visit(plan.patient, session.purpose, CLINIC_NOW + timedelta(days=20))
    (verdict,) = readiness.pathway().judge([visit], at=CLINIC_NOW)
    assert (verdict.state, verdict.conditions) == ("clear", ())


def test_an_empty_shelf_concerns_every_day(plan: Plan) -> None:
    Lot.objects.update(used_up_on=TODAY)
    caution = of_offers(plan)[Kind.SESSION]
    who = plan.consultation.practitioner
    assert caution == Caution(f"Not every lot it needs is in date: tell {who}. Booking goes on.")
    assert caution.on(TODAY) == caution.words


def test_of_two_components_the_one_that_ends_first_counts_and_of_its_lots_the_last() -> None:
    formula = FormulaFactory(parts=[(ComponentFactory(), 10), (ComponentFactory(), 5)])
    plan = cleared_plan(sessions=2, formula=formula)
    Lot.objects.update(used_up_on=TODAY)
    short, long = (part.component for part in formula.parts.order_by("pk"))
    LotFactory(component=long, expires_on=TODAY + timedelta(days=300))
    for days in (3, 20):
        LotFactory(component=short, expires_on=TODAY + timedelta(days=days))
    caution = of_offers(plan)[Kind.SESSION]
    assert caution is not None
    assert caution.last_on == TODAY + timedelta(days=20)


def test_each_visit_of_a_course_says_it_that_is_still_to_be_placed(plan: Plan) -> None:
    first = plan.planned_sessions.first()
    SessionFactory(plan=plan, planned=first, signed=True, started_at=CLINIC_NOW - timedelta(days=7))
    assert [each and each.last_on for each in of_steps(plan)] == [None, LAST, LAST]


def test_a_session_with_a_smaller_formula_of_its_own_needs_only_what_is_in_it() -> None:
    kept, left_out = ComponentFactory(), ComponentFactory()
    whole, own = FormulaFactory(parts=[(kept, 10), (left_out, 5)]), FormulaFactory(parts=[(kept, 5)])
    plan = cleared_plan(sessions=2, formula=whole, own_formula=own)
    Lot.objects.filter(component=left_out).update(used_up_on=TODAY)
    Lot.objects.filter(component=kept).update(expires_on=LAST)
    assert [each and each.last_on for each in of_steps(plan)] == [LAST, LAST]


def test_what_needs_no_lot_says_nothing(plan: Plan) -> None:
    assert Kind.CONSULTATION in of_offers(plan)
    assert of_offers(plan)[Kind.CONSULTATION] is None


@pytest.mark.parametrize("count", [1, 3])
def test_all_plans_take_one_query_of_lots(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _n in range(count - 1):
        cleared_plan(sessions=3, patient=plan.patient)
    pathway = readiness.pathway()
    with django_assert_num_queries(OFFERS_QUERIES):
        sessions = [each for each in pathway.offers(plan.patient, at=CLINIC_NOW) if each.caution]
    with django_assert_num_queries(COURSES_QUERIES):
        courses = pathway.courses(plan.patient, at=CLINIC_NOW)
    assert (len(sessions), len(courses)) == (count, count)
    with CaptureQueriesContext(connection) as asked:
        pathway.offers(plan.patient, at=CLINIC_NOW)
    assert sum('FROM "consultations_lot"' in each["sql"] for each in asked) == 1


def test_without_a_session_to_book_no_lot_is_looked_for(plan: Plan) -> None:
    for planned in plan.planned_sessions.all():
        planned.appointment = AppointmentFactory(
            patient=plan.patient,
            purpose=purposes.session_of(planned),
            starts_at=CLINIC_NOW + timedelta(days=7 * planned.ordinal),
        )
        planned.save()
    with CaptureQueriesContext(connection) as asked:
        found = readiness.pathway().offers(plan.patient, at=CLINIC_NOW)
    assert found
    assert not any('FROM "consultations_lot"' in each["sql"] for each in asked)
