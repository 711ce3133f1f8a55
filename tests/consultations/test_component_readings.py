"""Reading what was tested alone: its visit can be booked although the plan is stopped, and the patient page leads there."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.enums import Readiness
from clinic.errors import NotCleared
from clinic.models import Appointment, Patient, Practitioner
from clinic.readiness import Offer, Visit
from consultations import purposes
from consultations.models import CauseSearch, PatchTest, Plan
from consultations.next_steps import next_of
from consultations.pathway import ClinicalPathway
from consultations.queries import facts_of_one, followed
from consultations.views import chart
from consultations.worklists import readings
from tests.clinic.desk import make_desk
from tests.factories import (
    AppointmentFactory,
    CauseFindingFactory,
    CauseSearchFactory,
    EnteredInErrorFactory,
    PatchTestFactory,
    TestReadingFactory,
    component_tested,
    consented_plan,
    stopped_by_test,
)
from tests.factories.clock import CLINIC_NOW, ago, ahead

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
YESTERDAY = ago(days=1)
CLINICAL_QUERIES, DESK_QUERIES = 54, 31


@pytest.fixture
def search() -> CauseSearch:
    made: CauseSearch = CauseSearchFactory()
    return made


def alone(search: CauseSearch, place: int = 0, *, given_at: datetime = YESTERDAY) -> PatchTest:
    """A test of one component of the search that nobody has read."""
    return component_tested(search, search.patch_test.component_codes[place], reacts=None, given_at=given_at)


def plan_of(search: CauseSearch) -> Plan:
    return search.patch_test.plan


def judged(plan: Plan, moment: datetime, *, starting: bool = False) -> tuple[Readiness, list[str]]:
    visit = Visit(plan.patient, purposes.reading_of(plan), moment)
    (verdict,) = ClinicalPathway().judge([visit], at=CLINIC_NOW, starting=starting)
    return verdict.state, [each.code for each in verdict.conditions]


def offered(plan: Plan, *, at: datetime = CLINIC_NOW) -> list[Offer]:
    """All but the consultation that everybody may book."""
    found = ClinicalPathway().offers(plan.patient, at=at)
    return [each for each in found if each.purpose != purposes.Kind.CONSULTATION]


def booked(plan: Plan, moment: datetime) -> Appointment:
    made: Appointment = AppointmentFactory(
        patient=plan.patient, purpose=purposes.reading_of(plan), starts_at=moment
    )
    return made


# --- Whether a reading can be booked and begun -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (24, (Readiness.CLEAR, [])),
        (72, (Readiness.CLEAR, [])),
        (23, (Readiness.REFUSED, ["reading_window"])),
        (96, (Readiness.REFUSED, ["reading_window"])),
    ],
)
def test_a_component_tested_alone_is_read_inside_its_window_although_the_plan_is_stopped(
    search: CauseSearch, hours: int, said: tuple[Readiness, list[str]]
) -> None:
    test = alone(search)
    assert judged(plan_of(search), test.given_at + timedelta(hours=hours)) == said
    assert judged(plan_of(search), CLINIC_NOW, starting=True) == (Readiness.CLEAR, [])


def test_where_no_component_waits_nothing_is_read(search: CauseSearch) -> None:
    """Read, entered in error, or of a search of somebody else: the control of the case above."""
    plan, first = plan_of(search), search.patch_test.component_codes[0]
    component_tested(search, first, given_at=YESTERDAY - timedelta(days=2))
    EnteredInErrorFactory(patch_test=alone(search, 1))
    alone(CauseSearchFactory())
    assert judged(plan, ahead(days=1)) == (Readiness.REFUSED, ["no_test"])
    assert judged(plan, CLINIC_NOW, starting=True) == (Readiness.REFUSED, ["no_test"])
    assert offered(plan) == []


def test_of_components_tested_on_two_days_each_window_counts_and_the_gap_between_them_does_not(
    search: CauseSearch,
) -> None:
    first, second = alone(search, given_at=ago(days=4)), alone(search, 1, given_at=ago(hours=1))
    moments = [first.given_at + timedelta(hours=95), second.given_at + timedelta(hours=25)]
    between = second.given_at + timedelta(hours=23)
    assert between > first.given_at + timedelta(hours=96)
    states = [judged(plan_of(search), moment)[0] for moment in [*moments, between]]
    assert states == [Readiness.CLEAR, Readiness.CLEAR, Readiness.REFUSED]


def test_the_desk_books_it_and_still_nothing_else_of_the_stopped_plan(search: CauseSearch) -> None:
    plan, desk = plan_of(search), make_desk()
    alone(search)
    visit = desk.book(ahead(days=2), patient=plan.patient, purpose=purposes.reading_of(plan))
    badge = ClinicalPathway().badges([visit], user=desk.user, at=CLINIC_NOW)[visit.pk]
    assert badge.verdict.state == Readiness.CLEAR
    closed = [purposes.test_of(plan), purposes.session_of(plan.planned_sessions.get(ordinal=1))]
    for purpose in closed:
        with pytest.raises(NotCleared):
            desk.book(ahead(days=3), patient=plan.patient, purpose=purpose)
    assert Appointment.objects.get(patient=plan.patient) == visit


# --- What is offered -------------------------------------------------------------------------------------------------


def test_its_reading_is_offered_for_its_window_until_a_visit_is_on_the_books(search: CauseSearch) -> None:
    test, plan = alone(search), plan_of(search)
    (offer,) = offered(plan)
    assert (offer.purpose, offer.conditions) == (purposes.reading_of(plan), ())
    assert [offer.earliest, offer.ideal, offer.latest] == [
        test.given_at + timedelta(hours=hours) for hours in (24, 48, 96)
    ]
    assert f"reading:{plan.pk}" in chart.booking_url(
        plan.patient, purposes.reading_of(plan), at=CLINIC_NOW
    ).replace("%3A", ":")
    booked(plan, ahead(days=2))
    assert offered(plan) == []


def test_a_component_tested_later_is_offered_a_visit_of_its_own(search: CauseSearch) -> None:
    alone(search, given_at=ago(days=3))
    booked(plan_of(search), ahead(hours=1))
    assert offered(plan_of(search)) == []
    second = alone(search, 1, given_at=ago(hours=1))
    (offer,) = offered(plan_of(search))
    assert offer.earliest == second.given_at + timedelta(hours=24)


def test_past_its_window_no_reading_is_offered(search: CauseSearch) -> None:
    test = alone(search)
    closes_at = test.given_at + timedelta(hours=96)
    counts = [
        len(offered(plan_of(search), at=moment)) for moment in (closes_at - timedelta(minutes=1), closes_at)
    ]
    assert counts == [1, 0]


def test_the_list_of_tests_to_read_knows_its_visit(search: CauseSearch, doctor: Practitioner) -> None:
    test, visit = alone(search), booked(plan_of(search), ahead(days=2))
    rows = readings.to_read(user=doctor.user, at=CLINIC_NOW)
    found = readings.visits_of(rows, user=doctor.user, at=CLINIC_NOW)
    assert ([row.test for row in rows], found) == ([test], {plan_of(search).pk: visit})


def test_the_diarys_way_in_leads_to_the_search(practitioner_client: Client, search: CauseSearch) -> None:
    alone(search)
    alone(search, 1)
    way_in = reverse("consultations:reading_of_plan", args=[plan_of(search).pk])
    wanted = reverse("consultations:cause", args=[search.patch_test_id])
    assert practitioner_client.get(way_in).headers["Location"] == wanted


# --- The patient page ------------------------------------------------------------------------------------------------


def page(client: Client, patient: Patient) -> Any:
    return client.get(reverse("consultations:patient", args=[patient.pk])).context


def step(client: Client, search: CauseSearch) -> tuple[str, str, str]:
    """What comes next, its way, and the other one."""
    (row,) = page(client, search.patient)["plans"]
    found = row["next"]
    return found.what, found.primary.url, found.secondary.label if found.secondary else ""


def test_the_patient_page_leads_to_the_components_until_something_is_found(
    practitioner_client: Client, search: CauseSearch
) -> None:
    way, plan = reverse("consultations:cause", args=[search.patch_test_id]), plan_of(search)
    to_test = ("Test the components one by one, or write down what was found.", way, "")
    assert step(practitioner_client, search) == to_test
    test = alone(search)
    to_read = "Read the components that were tested alone."
    assert step(practitioner_client, search) == (to_read, way, "Book the reading")
    booked(plan, ahead(days=2))
    assert step(practitioner_client, search) == (to_read, way, "Move")
    TestReadingFactory(patch_test=test, read_at=CLINIC_NOW, positive=True, grade="pos1")
    assert step(practitioner_client, search) == to_test
    CauseFindingFactory(search=search, cause_codes=test.component_codes, signed_at=CLINIC_NOW)
    shown = page(practitioner_client, search.patient)
    assert (shown["plans"], shown["closed"]) == ([], [plan])


def test_a_component_tested_after_the_finding_is_followed_until_it_is_read(search: CauseSearch) -> None:
    CauseFindingFactory(search=search)
    assert list(followed(search.patient)) == []
    test = alone(search, given_at=ago(minutes=30))
    assert list(followed(search.patient)) == [plan_of(search)]
    TestReadingFactory(patch_test=test, read_at=ahead(days=2))
    assert list(followed(search.patient)) == []


def test_nobody_is_led_to_a_search_that_was_not_decided(practitioner_client: Client) -> None:
    plan = stopped_by_test()
    shown = page(practitioner_client, plan.patient)
    assert (shown["plans"], shown["closed"]) == ([], [plan])


def test_a_reading_that_nobody_made_in_time_says_so(search: CauseSearch) -> None:
    alone(search, given_at=ago(days=5))
    found = next_of(facts_of_one(plan_of(search)), at=CLINIC_NOW)
    assert (found.what, found.secondary) == ("The reading is overdue: see the patient.", None)


def test_the_desk_may_book_the_reading_and_reads_of_no_course(
    reception_client: Client, search: CauseSearch
) -> None:
    alone(search)
    shown = page(reception_client, search.patient)
    assert [each.purpose for each in shown["offers"]][:1] == [purposes.reading_of(plan_of(search))]
    assert (shown["courses"], shown["in_one_go"]) == ([], [])


def test_a_plan_that_goes_on_asks_for_its_own_reading(search: CauseSearch) -> None:
    """The control: a search of one plan changes nothing about another one of the patient."""
    other = consented_plan(patient=search.patient)
    own = PatchTestFactory(plan=other, given_at=YESTERDAY)
    alone(search)
    found = {each.purpose for each in offered(other)}
    assert {purposes.reading_of(other), purposes.reading_of(plan_of(search))} <= found
    assert str(own.pk) in next_of(facts_of_one(other), at=CLINIC_NOW).primary.url


@pytest.mark.parametrize("components", [1, 3])
def test_the_pages_take_a_fixed_number_of_queries(
    practitioner_client: Client,
    reception_client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    search: CauseSearch,
    components: int,
) -> None:
    for place in range(components):
        alone(search, place)
    url = reverse("consultations:patient", args=[search.patient_id])
    with django_assert_num_queries(CLINICAL_QUERIES):
        practitioner_client.get(url)
    with django_assert_num_queries(DESK_QUERIES):
        reception_client.get(url)
