"""The search for a cause on screen: the decision, tests of single components in one visit, and what was found."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from clinic.models import Practitioner
from consultations.actions import patch_tests
from consultations.enums import Grade
from consultations.enums import TestResult as Result
from consultations.models import CauseFinding, CauseSearch, PatchTest, Plan
from tests.consultations.test_patch_test_pages import moment
from tests.factories import (
    CauseFindingFactory,
    CauseSearchFactory,
    ConsentWithdrawalFactory,
    PatchTestFactory,
    TestReadingFactory,
    cause_found,
    component_tested,
    consented_plan,
    lots_of,
    stopped_by_test,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now", "doctor")]
NOT_CLEARING = {"valid_from": None, "valid_until": None}


@pytest.fixture
def search(doctor: Practitioner) -> CauseSearch:
    made: CauseSearch = CauseSearchFactory()
    lots_of(made.patch_test.formula)
    return made


def cause_url(plan: Plan) -> str:
    return reverse("consultations:cause", args=[plan.patch_tests.get(search=None).pk])


def give_url(search: CauseSearch) -> str:
    return reverse("consultations:component_test", args=[search.pk])


def text(response: HttpResponse) -> str:
    return unescape(response.content.decode())


def typed(search: CauseSearch, *codes: str, **changes: Any) -> dict[str, Any]:
    """Injections of half an hour ago of these components, as the page posts them."""
    given = ago(minutes=30)
    lots = {lot.component.code: str(lot.pk) for lot in lots_of(search.patch_test.formula)}
    fields = {
        **moment("given_at", given),
        **moment("observed_until", given + timedelta(minutes=20)),
        "method": "intradermal",
        "volume_ml": "0,05",
        "saline_control": "on",
    }
    for number, code in enumerate(codes):
        fields |= {
            f"test_{code}": "on",
            f"lot_{code}": lots[code],
            f"arm_{code}": "left",
            f"site_{code}": f"forearm, place {number}",
            f"wheal_start_mm_{code}": "5",
            f"wheal_end_mm_{code}": "5.5",
        }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def test_a_positive_test_offers_the_search_and_one_without_reaction_or_a_strong_one_does_not(
    practitioner_client: Client,
) -> None:
    positive = stopped_by_test().patch_tests.get()
    strong = PatchTestFactory(plan=consented_plan())
    TestReadingFactory(patch_test=strong, positive=True, grade="pos3")
    quiet = TestReadingFactory().patch_test
    offered = [
        reverse("consultations:cause", args=[test.pk])
        in text(practitioner_client.get(reverse("consultations:patch_test", args=[test.pk])))
        for test in (positive, strong, quiet)
    ]
    assert offered == [True, False, False]
    refused = practitioner_client.get(reverse("consultations:cause", args=[strong.pk]))
    assert (refused.status_code, "refer to an allergist" in text(refused)) == (422, True)


def test_the_decision_is_signed_with_its_reason(practitioner_client: Client) -> None:
    plan = stopped_by_test()
    assert practitioner_client.post(cause_url(plan), {"reason": ""}).status_code == 422
    response = practitioner_client.post(cause_url(plan), {"reason": "Vitamins are wanted."}, follow=True)
    assert CauseSearch.objects.get().reason == "Vitamins are wanted."
    assert text(response).count("not tested alone") == 3


def test_two_components_in_one_visit_are_two_tests(practitioner_client: Client, search: CauseSearch) -> None:
    first, second = search.patch_test.component_codes[:2]
    response = practitioner_client.post(give_url(search), typed(search, first, second), follow=True)
    made = PatchTest.objects.filter(search=search)
    assert sorted((test.component_codes, test.site) for test in made) == [
        ([first], "forearm, place 0"),
        ([second], "forearm, place 1"),
    ]
    assert "Each waits for its own reading" in text(response)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site_{1}": "forearm, place 0"}, "Two components at one place"),
        ({"lot_{0}": ""}, "Fill this in for a component that was tested."),
        ({"wheal_end_mm_{0}": ""}, "Enter the wheal in millimetres"),
        ({"test_{0}": None, "test_{1}": None}, "Tick the components that were tested."),
        ({"volume_ml": "0,5"}, "The volume is 0.02 to 0.1 ml."),
    ],
)
def test_bad_input_says_what_to_do_keeps_what_was_typed_and_saves_nothing(
    practitioner_client: Client, search: CauseSearch, changes: dict[str, Any], said: str
) -> None:
    first, second = search.patch_test.component_codes[:2]
    named = {name.format(first, second): value for name, value in changes.items()}
    response = practitioner_client.post(give_url(search), typed(search, first, second, note="calm", **named))
    assert (response.status_code in (409, 422), said in text(response)) == (True, True)
    assert response.context["form"]["note"].value() == "calm"
    assert not PatchTest.objects.filter(search=search).exists()


def test_what_stands_in_the_way_is_said_and_there_is_no_form(
    practitioner_client: Client, search: CauseSearch
) -> None:
    ConsentWithdrawalFactory(consent=search.patch_test.plan.consents.get())
    page = text(practitioner_client.get(give_url(search)))
    assert ("Not cleared for a test" in page, "Sign the tests" in page) == (True, False)


def test_a_search_that_a_strong_reaction_ended_says_so_and_has_no_form(
    practitioner_client: Client, search: CauseSearch, doctor: Practitioner
) -> None:
    strong = {"read_at": ago(hours=1), "grade": Grade.EXTREME, "systemic_sign": True}
    patch_tests.report_reaction(test=search.patch_test, details=strong, by=doctor.user, at=ago(hours=1))
    page = text(practitioner_client.get(give_url(search)))
    assert "After a strong reaction, or a sign beyond the test site, refer to an allergist." in page
    assert "Sign the tests" not in page


def test_a_component_that_was_read_is_not_offered_again(
    practitioner_client: Client, search: CauseSearch
) -> None:
    first, second, third = search.patch_test.component_codes
    component_tested(search, first)
    component_tested(search, second, reacts=True)
    form = practitioner_client.get(give_url(search)).context["form"]
    assert [name for name in form.fields if name.startswith("test_")] == [f"test_{third}"]


def test_the_finding_says_what_it_closes_and_opens_before_it_is_signed(
    practitioner_client: Client, search: CauseSearch
) -> None:
    first, second, third = search.patch_test.component_codes
    component_tested(search, first, reacts=True)
    component_tested(search, second)
    names = {
        part.component.code: part.component.name
        for part in search.patch_test.formula.parts.select_related("component")
    }
    url = reverse("consultations:cause_finding", args=[search.pk])
    page = text(practitioner_client.get(url))
    assert f"The cause: {names[first]}. Every formula that holds it stays closed." in page
    assert f"after a new test of the formula that is wanted: {names[second]}." in page
    assert f"no test of it alone was read without reaction: {names[third]}." in page
    assert practitioner_client.post(url, {"words": ""}).status_code == 422
    shown = text(practitioner_client.post(url, {"words": "It was that."}, follow=True))
    assert CauseFinding.objects.get().opened_codes == [second]
    assert ("Cause found" in shown, "It was that." in shown) == (True, True)


def test_nothing_is_signed_while_a_test_waits_for_its_reading(
    practitioner_client: Client, search: CauseSearch
) -> None:
    component_tested(search, search.patch_test.component_codes[0], reacts=None)
    url = reverse("consultations:cause_finding", args=[search.pk])
    response = practitioner_client.post(url, {"words": "x"})
    assert "Read every test that was given first." in text(response)
    assert not CauseFinding.objects.exists()


def test_a_component_tested_alone_is_said_to_clear_nothing(
    practitioner_client: Client, search: CauseSearch
) -> None:
    test = component_tested(search, search.patch_test.component_codes[0])
    page = text(practitioner_client.get(reverse("consultations:patch_test", args=[test.pk])))
    assert ("Tested alone it clears nothing" in page, "Clears " in page) == (True, False)
    assert ("Book sessions" in page, "To the search for the cause" in page) == (False, True)


def test_the_record_of_the_patient_tells_of_it(practitioner_client: Client) -> None:
    plan = cause_found()
    page = text(practitioner_client.get(reverse("consultations:patient", args=[plan.patient_id])))
    assert "Cause found after a positive test" in page


@pytest.mark.parametrize("components", [2, 4])
def test_the_page_costs_the_same_however_many_components(
    practitioner_client: Client, django_assert_num_queries: DjangoAssertNumQueries, components: int
) -> None:
    plan = stopped_by_test(components=components)
    search = CauseSearchFactory(patch_test=plan.patch_tests.get())
    for code in plan.formula.component_codes[1:]:
        component_tested(search, code)
    practitioner_client.get(cause_url(plan))
    with django_assert_num_queries(25):
        assert practitioner_client.get(cause_url(plan)).status_code == 200


ALL_STAY_CLOSED = "Which component it was, the test does not say: all of them stay closed."
HELD = "Sessions that need a test and share a component wait until the repeat is read without reaction."


@pytest.mark.parametrize(
    ("read", "title", "may_still_read"),
    [
        ({"positive": True, "grade": Grade.WEAK}, "Positive", False),
        ({**NOT_CLEARING, "result": Result.EQUIVOCAL, "grade": Grade.DOUBTFUL}, "Unclear: repeat", False),
        ({**NOT_CLEARING, "result": Result.INVALID, "grade": ""}, "Invalid: test again", True),
    ],
    ids=["positive", "unclear", "invalid"],
)
def test_what_a_component_tested_alone_showed_is_said_of_it_alone(
    practitioner_client: Client, search: CauseSearch, read: dict[str, Any], title: str, may_still_read: bool
) -> None:
    test = component_tested(search, search.patch_test.component_codes[0], reacts=None)
    TestReadingFactory(patch_test=test, **read)
    page = practitioner_client.get(reverse("consultations:patch_test", args=[test.pk]))
    outcome = page.context["outcome"]
    assert (outcome.title, outcome.may_still_read, outcome.booking_url) == (title, may_still_read, "")
    assert ("It reacted alone: nothing that holds it may be injected." in text(page)) is (title == "Positive")
    assert not {ALL_STAY_CLOSED, HELD} & {*outcome.lines}
    whole = practitioner_client.get(reverse("consultations:patch_test", args=[search.patch_test_id]))
    assert ALL_STAY_CLOSED in text(whole)  # the control


def test_where_every_component_was_tested_none_stays_closed_for_want_of_a_test(
    practitioner_client: Client,
) -> None:
    untested = "Stays closed, because no test of it alone was read without reaction"
    assert untested in text(practitioner_client.get(cause_url(cause_found())))
    plan = stopped_by_test(components=2)
    cause, harmless = plan.formula.component_codes
    search = CauseSearchFactory(patch_test=plan.patch_tests.get())
    component_tested(search, cause, reacts=True)
    component_tested(search, harmless)
    CauseFindingFactory(search=search, cause_codes=[cause], opened_codes=[harmless])
    shown = text(practitioner_client.get(cause_url(plan)))
    assert ("May be injected again" in shown, untested in shown) == (True, False)
