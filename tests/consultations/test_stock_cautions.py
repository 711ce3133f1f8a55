"""What the desk is told while it books: from which day on a session would find no lot in date. Nothing is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from clinic import readiness
from clinic.availability import FreeStart
from clinic.chooser import Option, what_is
from clinic.models import Appointment
from clinic.readiness import Caution
from clinic.views.panel import cautioned
from consultations import purposes
from consultations.enums import RetestEffect, RetestTrigger
from consultations.models import Lot, Plan
from consultations.purposes import Kind
from consultations.queries import facts_of_one
from tests.clinic.desk import make_desk
from tests.consultations.policies import retest_decided
from tests.factories import (
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    SessionFactory,
    cleared_plan,
    consented_plan,
    received_as,
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
    received_as(Lot.objects.all(), expires_on=LAST)
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
    received_as(Lot.objects.filter(component=kept), expires_on=LAST)
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


def test_without_a_session_to_book_or_a_lot_to_test_no_lot_is_looked_for(plan: Plan) -> None:
    retest_decided(RetestTrigger.NEW_MAKER, effect=RetestEffect.WARN)
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


# Test injections ----------------------------------------------------------------------------------------------------


@pytest.fixture
def untested() -> Plan:
    """Waits for its test; its lots end in ten days."""
    plan = consented_plan(sessions=3)
    for part in plan.formula.parts.all():
        LotFactory(component=part.component, expires_on=LAST)
    return plan


def test_a_test_injection_says_it_of_its_own_day_and_its_reading_says_nothing(untested: Plan) -> None:
    found = of_offers(untested)
    assert found[Kind.TEST] == found[Kind.SESSION]
    assert found[Kind.TEST] and found[Kind.TEST].last_on == LAST
    courses = readiness.pathway().courses(untested.patient, at=CLINIC_NOW)
    steps = [
        (purposes.parse(step.purpose).kind, bool(step.caution)) for course in courses for step in course.steps
    ]
    assert {(Kind.TEST, True), (Kind.READING, False), (Kind.SESSION, True)} == set(steps)


# A visit that is moved, and the time that is chosen -----------------------------------------------------------------


def booked(plan: Plan, purpose: str, *, days: int = 8, **more: Any) -> Appointment:
    starts_at = CLINIC_NOW + timedelta(days=days)
    return AppointmentFactory(patient=plan.patient, purpose=purpose, starts_at=starts_at, **more)


def test_a_visit_that_is_moved_says_what_the_offer_would_have_said(plan: Plan, untested: Plan) -> None:
    session = booked(plan, purposes.session_of(plan.planned_sessions.first()))
    test = booked(untested, purposes.test_of(untested))
    reading = booked(untested, purposes.reading_of(untested), days=11)
    asked = readiness.pathway().consequences([session, test, reading], at=CLINIC_NOW)
    assert [each and each.last_on for each in map(asked.caution, (session, test, reading))] == [
        LAST,
        LAST,
        None,
    ]
    assert what_is(session, at=CLINIC_NOW, with_caution=True).caution == asked.caution(session)
    assert what_is(session, at=CLINIC_NOW).caution is None


def test_only_the_places_after_the_last_day_are_marked_and_none_where_every_day_is(plan: Plan) -> None:
    visit = booked(plan, purposes.session_of(plan.planned_sessions.first()))
    what = what_is(visit, at=CLINIC_NOW, with_caution=True)
    places = [
        Option(FreeStart(CLINIC_NOW + timedelta(days=days), visit.practitioner, visit.room, None))
        for days in (10, 11)
    ]
    assert cautioned(what, places) == {places[1].value}
    Lot.objects.update(used_up_on=TODAY)
    everywhere = what_is(visit, at=CLINIC_NOW, with_caution=True)
    assert (everywhere.caution_among(places) != "", cautioned(everywhere, places)) == (True, set())


def test_the_page_that_moves_it_says_it_above_the_times_and_beside_the_one_that_is_chosen(
    plan: Plan, reception_client: Client
) -> None:
    desk = make_desk()
    purpose = purposes.session_of(plan.planned_sessions.first())
    visit = booked(plan, purpose, type=desk.visit, practitioner=desk.silva, room=desk.room)
    with CaptureQueriesContext(connection) as asked:
        page = reception_client.get(
            reverse("clinic:appointment_move", args=[visit.pk]),
            {"practitioner": desk.silva.pk, "week": (LAST + timedelta(days=4)).isoformat()},
        )
    words, chooser = page.content.decode(), page.context["chooser"]
    assert "After 12 Mar 2026 not every lot it needs is in date" in words
    assert chooser["chosen"] in chooser["cautioned"]
    assert "; not every lot is in date then" in words
    assert sum('FROM "consultations_lot"' in each["sql"] for each in asked) == 1
