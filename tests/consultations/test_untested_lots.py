"""Lots that were not in the test, on the pages: said beside the choice, refused where the clinic asks for a new test, signed
as a deviation when it was injected; and the way to that test."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from consultations import purposes
from consultations.models import Deviation, Lot, Plan, Session
from consultations.offers import for_patient
from tests.consultations.test_session_pages import filled, first, get, post
from tests.factories import LotFactory, PatchTestFactory, cleared_plan
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db

NORTH, SOUTH = "Laboratoire Nord", "Laboratoire Sud"
ASKS = "Before it is used, a new test with it has to be read without reaction. Take another lot until then."


@pytest.fixture
def plan(clinic_now: datetime) -> Plan:
    """Cleared for its first session; every lot of its test is by Laboratoire Nord."""
    return cleared_plan(sessions=3)


@pytest.fixture
def draft(plan: Plan, practitioner_client: Client) -> Session:
    """Begun on the page a moment ago."""
    post(practitioner_client, "session_begin", first(plan).pk)
    return Session.objects.get()


def another_lot(plan: Plan, maker: str, **lot: Any) -> Lot:
    """Of the formula's first component; the first of them to expire."""
    soon = {"number": "X-9", "expires_on": TODAY + timedelta(days=3)}
    return LotFactory(component=plan.formula.parts.first().component, maker=maker, **soon | lot)


def lot_in_test(lot: Lot) -> Lot:
    return lot.component.lots.exclude(pk=lot.pk).get()


def ticked(client: Client, draft: Session, lot: Lot) -> list[str]:
    """The lots of the same component that the page ticks by itself."""
    return list(get(client, "session", draft.pk).context["form"][f"lot_{lot.component.code}"].value())


def signing(draft: Session, lot: Lot, **more: Any) -> dict[str, Any]:
    return filled(draft, (10, "0.1"), sign=1, **more) | {f"lot_{lot.component.code}": [str(lot.pk)]}


def way_to_the_test(plan: Plan, lot: Lot) -> str:
    return f'href="{reverse("consultations:patch_test_give", args=[plan.pk])}?lot={lot.pk}"'


def refusal_words(answer: HttpResponse) -> list[str]:
    return [str(each.message) for each in answer.context["outside"]]


def test_a_new_lot_of_the_same_maker_is_said_ticked_and_signed(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    lot = another_lot(plan, NORTH)
    page = get(practitioner_client, "session", draft.pk).content.decode()
    assert page.count("Watch for a reaction.") == 1
    assert way_to_the_test(plan, lot) not in page
    assert ticked(practitioner_client, draft, lot) == [str(lot.pk)]
    assert post(practitioner_client, "session", draft.pk, signing(draft, lot)).status_code == 302
    draft.refresh_from_db()
    assert (draft.is_signed, draft.deviation) == (True, None)


def test_another_makers_lot_is_not_ticked_and_the_page_names_the_way_to_its_test(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    lot = another_lot(plan, SOUTH)
    page = get(practitioner_client, "session", draft.pk).content.decode()
    assert (page.count(ASKS), page.count(way_to_the_test(plan, lot))) == (1, 1)
    assert ticked(practitioner_client, draft, lot) == [str(lot_in_test(lot).pk)]


def test_another_makers_lot_is_refused_at_the_signature_and_signed_only_with_its_reason(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    lot = another_lot(plan, SOUTH)
    refused = post(practitioner_client, "session", draft.pk, signing(draft, lot))
    sentence = (
        f"Lot X-9 is made by Laboratoire Sud; the test that clears this plan was made with Laboratoire Nord"
        f" (lot {lot_in_test(lot).number}). {ASKS}"
    )
    assert (refused.status_code, refusal_words(refused)) == (422, [sentence])
    assert refused.context["form"].errors[f"lot_{lot.component.code}"] == [sentence]
    assert refused.context["zone_errors"] == ()
    draft.refresh_from_db()
    assert (draft.is_signed, Deviation.objects.count()) == (False, 0)
    data = signing(draft, lot, deviation_reason="taken from the wrong shelf")
    answer = post(practitioner_client, "session", draft.pk, data)
    assert answer.status_code == 302
    draft.refresh_from_db()
    assert draft.is_signed and draft.deviation
    assert (draft.deviation.codes, draft.deviation.findings) == (["lot_not_tested"], sentence)
    record = practitioner_client.get(answer["Location"]).content.decode()
    assert "taken from the wrong shelf Outside the rules: a lot that asks for a new test first." in record


def test_a_lot_and_a_cap_share_one_reason_and_each_says_its_own(
    practitioner_client: Client, plan: Plan, draft: Session
) -> None:
    lot = another_lot(plan, SOUTH)
    data = signing(draft, lot, **{"zone0-points": "900", "zone0-area_cm2": "900"})
    refused = post(practitioner_client, "session", draft.pk, data)
    over = [each.code for each in refused.context["outside"]]
    assert (refused.status_code, over[-1]) == (422, "lot_not_tested")
    assert len(refused.context["zone_errors"]) == len(over) - 1


def test_a_test_with_the_lot_is_on_the_way_that_the_page_names(
    practitioner_client: Client, plan: Plan
) -> None:
    lot = another_lot(plan, SOUTH, expires_on=TODAY + timedelta(days=900))
    url = reverse("consultations:patch_test_give", args=[plan.pk])
    by_default, named = practitioner_client.get(url), practitioner_client.get(f"{url}?lot={lot.pk}")
    name = f"lot_{lot.component.code}"
    assert by_default.context["form"][name].value() != str(lot.pk)
    assert named.context["form"][name].value() == str(lot.pk)
    sentence = "asks for no further test here"
    assert [sentence in page.content.decode() for page in (by_default, named)] == [True, False]


def test_before_the_session_only_what_has_no_tested_lot_on_the_shelf_is_said(
    practitioner_client: Client, plan: Plan
) -> None:
    lot = another_lot(plan, SOUTH)
    page = get(practitioner_client, "session_of", first(plan).pk).content.decode()
    assert ASKS not in page
    Lot.objects.filter(pk=lot_in_test(lot).pk).update(used_up_on=TODAY - timedelta(days=1))
    page = get(practitioner_client, "session_of", first(plan).pk).content.decode()
    assert (page.count(ASKS), page.count(way_to_the_test(plan, lot))) == (1, 1)


@pytest.mark.parametrize(
    ("given", "offered"), [(ago(hours=1), True), (ago(days=5), False)], ids=["in time", "overdue"]
)
def test_the_reading_of_another_lots_test_can_be_booked_while_the_earlier_one_still_clears(
    plan: Plan, given: datetime, offered: bool
) -> None:
    """Nobody has to read what nobody needs any more: overdue, nothing is asked for."""
    PatchTestFactory(plan=plan, given_at=given)
    wanted = [each.purpose for each in for_patient(plan.patient, at=CLINIC_NOW)]
    assert (purposes.reading_of(plan) in wanted) is offered
    assert purposes.test_of(plan) not in wanted
