"""A test with another maker's lot, booked while the plan is still cleared by the earlier one: offered where the tested maker's
lots do not last, and closing nothing until it is read."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic import readiness
from clinic.actions import booking
from clinic.models import Appointment, AppointmentType
from clinic.readiness import Offer
from consultations import purposes
from consultations.enums import RetestEffect, RetestTrigger
from consultations.models import Lot, Plan
from consultations.purposes import Kind
from consultations.queries import facts_of_one
from consultations.rules import clearance
from tests.clinic.desk import make_desk
from tests.consultations.policies import retest_decided
from tests.consultations.test_stock_cautions import OFFERS_QUERIES
from tests.factories import (
    AllergyFactory,
    AppointmentFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    TestReadingFactory,
    cleared_plan,
    received_as,
    recipe_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]

SOON, LONG = TODAY + timedelta(days=3), TODAY + timedelta(days=900)


@pytest.fixture
def plan() -> Plan:
    """Three sessions a week apart, of one component; the one lot of its test ends in three days."""
    made: Plan = cleared_plan(
        sessions=3, formula=FormulaFactory(parts=[(ComponentFactory(name="Lidocaine"), 10)])
    )
    received_as(Lot.objects.all(), expires_on=SOON)
    return made


def lot_of(plan: Plan, maker: str, **lot: Any) -> Lot:
    return LotFactory(
        component=plan.formula.parts.get().component, maker=maker, **{"expires_on": LONG, **lot}
    )


def offered(plan: Plan) -> list[Offer]:
    """The tests that may be booked for it."""
    found = readiness.pathway().offers(plan.patient, at=CLINIC_NOW)
    return [each for each in found if each.purpose == purposes.test_of(plan)]


def is_cleared(plan: Plan) -> bool:
    first = plan.planned_sessions.first()
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=CLINIC_NOW, planned=first)
    return not judged.conditions


def test_where_the_tested_makers_lots_end_before_a_session_the_desk_is_offered_the_test(plan: Plan) -> None:
    lot = lot_of(plan, "Laboratoire Sud")
    (offer,) = offered(plan)
    assert offer.label == f"Test + reading with another maker's lot · {plan.indication}"
    assert offer.pair and offer.pair.purpose == purposes.reading_of(plan)
    assert (offer.conditions, offer.caution and offer.caution.last_on) == ((), LONG)
    assert "Lidocaine" in str(lot.component) and "Lidocaine" not in offer.label
    assert is_cleared(plan)


@pytest.mark.parametrize(
    ("maker", "lot"),
    [
        pytest.param("Laboratoire Nord", {}, id="more of the tested maker's"),
        pytest.param("Laboratoire Sud", {"expires_on": SOON}, id="nothing that lasts longer"),
        pytest.param("Laboratoire Sud", {"used_up_on": TODAY}, id="used up"),
    ],
)
def test_where_the_shelf_asks_for_none_there_is_none(plan: Plan, maker: str, lot: dict[str, Any]) -> None:
    lot_of(plan, maker, **lot)
    assert not offered(plan)


def test_as_long_as_the_tested_makers_last_there_is_none_and_when_they_are_used_up_there_is(
    plan: Plan,
) -> None:
    lot_of(plan, "Laboratoire Sud")
    tested = Lot.objects.filter(maker="Laboratoire Nord")
    received_as(tested, expires_on=LONG)
    assert not offered(plan)
    tested.update(used_up_on=TODAY)
    assert offered(plan)


@pytest.mark.parametrize("refuted", [True, False])
def test_a_lot_that_an_allergy_closes_is_not_worth_a_test(plan: Plan, refuted: bool) -> None:
    lot_of(plan, "Laboratoire Sud", allergen_groups=["sulfite"])
    AllergyFactory(patient=plan.patient, group_code="sulfite", refuted=refuted, confirmed=not refuted)
    assert bool(offered(plan)) is refuted


def test_a_session_on_the_books_counts_by_its_own_day(plan: Plan) -> None:
    lot_of(plan, "Laboratoire Sud")
    received_as(Lot.objects.filter(maker="Laboratoire Nord"), expires_on=TODAY + timedelta(days=40))
    assert not offered(plan)
    last = plan.planned_sessions.last()
    last.appointment = AppointmentFactory(
        patient=plan.patient, purpose=purposes.session_of(last), starts_at=ahead(days=60)
    )
    last.save()
    assert offered(plan)


@pytest.mark.parametrize(
    ("too_strong", "is_offered"),
    [
        pytest.param("Laboratoire Sud", False, id="the other maker's could not be injected anyway"),
        pytest.param("Laboratoire Nord", True, id="the tested maker's could not: what lasts is no use"),
    ],
)
def test_only_lots_of_the_strength_that_is_mixed_count(plan: Plan, too_strong: str, is_offered: bool) -> None:
    recipe_of(plan.formula)
    for maker in ("Laboratoire Sud", "Laboratoire Nord"):
        lot_of(plan, maker, label_amount=10, label_ml=1)
    assert not offered(plan)  # the control: the tested maker's last
    Lot.objects.filter(maker=too_strong).update(label_amount=250, label_ml=1)
    if not is_offered:
        Lot.objects.filter(maker="Laboratoire Nord").update(used_up_on=TODAY)
    assert bool(offered(plan)) is is_offered


def test_once_every_session_is_booked_it_is_offered_before_what_is_always_possible(plan: Plan) -> None:
    lot_of(plan, "Laboratoire Sud")
    for planned in plan.planned_sessions.all():
        planned.appointment = AppointmentFactory(
            patient=plan.patient,
            purpose=purposes.session_of(planned),
            starts_at=ahead(days=7 * planned.ordinal),
        )
        planned.save()
    found = readiness.pathway().offers(plan.patient, at=CLINIC_NOW)
    assert [each.purpose for each in found] == [purposes.test_of(plan), Kind.CONSULTATION]


def test_where_the_clinic_only_warns_there_is_none(plan: Plan) -> None:
    lot_of(plan, "Laboratoire Sud")
    retest_decided(RetestTrigger.NEW_MAKER, effect=RetestEffect.WARN)
    assert not offered(plan)


def booked_pair(plan: Plan) -> list[Appointment]:
    """The test and its reading on the books, through the action."""
    desk = make_desk()
    test = desk.wish(ahead(days=1), patient=plan.patient, purpose=purposes.test_of(plan))
    reading = desk.wish(ahead(days=4), patient=plan.patient, purpose=purposes.reading_of(plan), pair_of=0)
    return booking.book_many(wishes=[test, reading], by=desk.user, at=CLINIC_NOW, request_id=uuid4())


def test_it_is_booked_and_the_plan_stays_cleared(plan: Plan) -> None:
    lot_of(plan, "Laboratoire Sud")
    assert offered(plan)
    pair = booked_pair(plan)
    AppointmentType.objects.update(is_active=True)  # the reference data's again, by which it was offered
    verdicts = readiness.pathway().badges(pair, user=plan.created_by, at=CLINIC_NOW)
    assert {each.verdict.state for each in verdicts.values()} == {"clear"}
    assert (is_cleared(plan), offered(plan)) == (True, [])


def test_it_is_given_and_read_and_the_plan_stays_cleared_until_something_shows(plan: Plan) -> None:
    lot = lot_of(plan, "Laboratoire Sud")
    assert offered(plan)
    given = PatchTestFactory(plan=plan, given_at=ago(days=3), lots=[lot])
    assert (is_cleared(plan), offered(plan)) == (True, [])
    reading = TestReadingFactory(patch_test=given)
    assert (is_cleared(plan), offered(plan)) == (True, [])
    TestReadingFactory(patch_test=given, positive=True, supersedes=reading, read_at=ago(hours=1))
    assert not is_cleared(plan)


def test_its_page_chooses_the_lot_that_the_visit_was_booked_for(
    plan: Plan, practitioner_client: Client
) -> None:
    lot = lot_of(plan, "Laboratoire Sud")
    url = reverse("consultations:patch_test_give", args=[plan.pk])
    name, sentence = f"lot_{lot.component.code}", "asks for no further test here"
    before = practitioner_client.get(url)
    assert before.context["form"][name].value() != str(lot.pk)
    AppointmentFactory(patient=plan.patient, purpose=purposes.test_of(plan), starts_at=CLINIC_NOW)
    then = practitioner_client.get(url)
    assert then.context["form"][name].value() == str(lot.pk)
    assert [sentence in each.content.decode() for each in (before, then)] == [True, False]


def test_the_offer_costs_no_query_but_that_of_the_recipe(
    plan: Plan, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lot_of(plan, "Laboratoire Sud")
    with django_assert_num_queries(OFFERS_QUERIES + 1):
        assert offered(plan)
    with CaptureQueriesContext(connection) as asked:
        offered(plan)
    assert sum('FROM "consultations_lot"' in each["sql"] for each in asked) == 1


def test_reception_sees_it_on_the_booking_page(plan: Plan, reception_client: Client) -> None:
    lot_of(plan, "Laboratoire Sud")
    url = reverse("clinic:book_for", args=[plan.patient_id])
    kind = AppointmentType.objects.active().get(purpose=Kind.TEST)
    page = reception_client.get(url, {"what": f"{kind.code}:{purposes.test_of(plan)}"})
    assert "Test + reading with another maker&#x27;s lot" in page.content.decode()
    assert page.context["chooser"]["what"].purpose == purposes.test_of(plan)
