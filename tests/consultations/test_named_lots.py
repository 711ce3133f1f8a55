"""What a signed record names does not change afterwards: a lot's number, maker, last day, strength and excipients.

The bad writes themselves: `cases/reference.py` (`lot_named_stays`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.models import Lot, Session
from consultations.rules.lots import check_label_stays
from tests.factories import (
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    SessionFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY
from tests.guards import refusal_of, sql

SENTENCE = "Signed records name this lot: its strength stays as it was noted"


def used(*, signed: bool, **label: Any) -> Lot:
    """A lot of 25 mg/ml that a session names; there is latex in its stopper."""
    component = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(component, 10)]))
    known = {"label_amount": 50, "label_ml": 2, "allergen_groups": ["latex"], **label}
    lot: Lot = LotFactory(component=component, **known)
    SessionFactory(plan=plan, signed=signed, lots=[lot])
    return lot


@pytest.mark.django_db
class TestPuttingRight:
    def noted(self, client: Client, lot: Lot, *groups: str, amount: str = "50", ml: str = "2") -> Any:
        sent = {"label_amount": amount, "label_ml": ml, "allergen_groups": groups}
        answer = client.post(reverse("consultations:lot_label", args=[lot.pk]), sent)
        lot.refresh_from_db()
        return answer

    def test_as_long_as_only_drafts_name_it_everything_is_put_right(
        self, practitioner_client: Client, doctor: Practitioner
    ) -> None:
        lot = used(signed=False)
        Lot.objects.filter(pk=lot.pk).update(number="RIGHT", maker="Right", expires_on=TODAY)
        assert SENTENCE not in practitioner_client.get(reverse("consultations:lot_label", args=[lot.pk])).text
        assert self.noted(practitioner_client, lot, amount="250").status_code == 302
        assert (lot.label_amount, lot.allergen_groups, lot.number) == (250, [], "RIGHT")

    def test_the_page_says_why_it_stays_and_what_to_do(self, practitioner_client: Client) -> None:
        lot = used(signed=True)
        before = practitioner_client.get(reverse("consultations:lot_label", args=[lot.pk]))
        assert SENTENCE in before.text
        for field, refused in {
            "label_amount": self.noted(practitioner_client, lot, "latex", amount="250"),
            "allergen_groups": self.noted(practitioner_client, lot, "sulfite"),
        }.items():
            assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
            assert (
                "put the lot in quarantine and say so in an addendum"
                in refused.context["form"].errors[field][0]
            )
        assert (lot.label_amount, lot.allergen_groups) == (50, ["latex"])

    @pytest.mark.parametrize(
        ("change", "field"),
        [({"label_ml": Decimal(5)}, "label_amount"), ({"allergen_groups": []}, "allergen_groups")],
        ids=["volume", "excipient"],
    )
    def test_the_refusal_names_itself_and_the_field(self, change: dict[str, Any], field: str) -> None:
        label = {"label_amount": Decimal(50), "label_ml": Decimal(2), "allergen_groups": ["latex"]}
        with pytest.raises(DomainError) as refusal:
            check_label_stays(used(signed=True), **{**label, **change})
        assert (refusal.value.code, refusal.value.field) == ("lot_named", field)

    def test_the_same_label_is_noted_once_more(self, practitioner_client: Client) -> None:
        assert self.noted(practitioner_client, used(signed=True), "latex").status_code == 302

    def test_what_only_closes_is_noted_all_the_same(self, practitioner_client: Client) -> None:
        lot = used(signed=True, label_amount=None, label_ml=None, allergen_groups=["of-before"])
        assert self.noted(practitioner_client, lot, "of-before", "sulfite").status_code == 302
        assert (lot.label_amount, lot.allergen_groups) == (50, ["of-before", "sulfite"])

    def test_what_became_of_it_is_noted_as_before(self) -> None:
        lot = used(signed=True)
        Lot.objects.filter(pk=lot.pk).update(
            opened_on=TODAY, opened_until=TODAY + timedelta(days=7), used_up_on=TODAY
        )
        assert Lot.objects.get(pk=lot.pk).used_up_on == TODAY


# At the same moment ---------------------------------------------------------------------------------------------------


@pytest.fixture
def draft(committed_db: str) -> Session:
    """With everything that its signature asks for."""
    component = ComponentFactory()
    plan = cleared_plan(formula=FormulaFactory(parts=[(component, 10)]))
    lots = [LotFactory(component=component, number="TYPO")]
    made: Session = SessionFactory(
        plan=plan, outcome="complete", zones=[{}], lots=lots, doses=list(plan.formula.parts.all())
    )
    return made


@contextmanager
def being_put_right(draft: Session) -> Iterator[None]:
    """By somebody else, who commits only afterwards."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    other = psycopg2.connect(**parameters)
    with other.cursor() as cursor:
        cursor.execute(
            "UPDATE consultations_lot SET number = 'RIGHT' WHERE id = %s", [draft.used_lots.get().lot_id]
        )
        yield
        other.commit()
    other.close()


def sign(draft: Session) -> None:
    seal = {"signed_at": CLINIC_NOW, "signed_by": UserFactory(), "content_hash": "0" * 64}
    with transaction.atomic():
        sql("SET LOCAL lock_timeout = '300ms'")()
        Session.objects.filter(pk=draft.pk).update(**seal)


@pytest.mark.race
def test_a_signature_waits_for_a_label_that_is_being_put_right(draft: Session) -> None:
    """Else the record would be judged by one label and name another."""
    with being_put_right(draft), pytest.raises(OperationalError, match="lock timeout"):
        sign(draft)
    sign(draft)
    assert refusal_of(lambda: Lot.objects.update(number="TYPO")) == "lot_named_stays"


@pytest.mark.race
def test_without_the_lock_it_goes_past(draft: Session) -> None:
    (gate,) = (each for each in Session._meta.triggers if each.name == "session_cleared")
    sql(f"ALTER TABLE consultations_session DISABLE TRIGGER {gate.get_pgid(Session)}")()
    with being_put_right(draft):
        sign(draft)
    after = Session.objects.get(pk=draft.pk)
    assert (after.is_signed, after.used_lots.get().lot.number) == (True, "RIGHT")
