"""A lot's own strength: noted as its label says, compared with the recipe, in Python, on the pages and in the database."""

from datetime import datetime, timedelta
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.actions import lots
from consultations.enums import Unit
from consultations.models import Component, Lot, PatchTest, PatchTestLot, Plan, Recipe, Session, SessionLot
from consultations.rules import lots as rules
from tests.factories import (
    ComponentFactory,
    DeviationFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    SessionFactory,
    cleared_plan,
    consented_plan,
    lots_of,
    recipe_of,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.guards import Case, Cases, refusal_of, tried_with_and_without

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
cases = Cases()


def of_50() -> Component:
    return ComponentFactory(code="pc-50", name="Phosphatidylcholine")


def plan_of(component: Component, *, make=cleared_plan) -> Plan:
    """Its formula is one component, 50 per ml, mixed from a product of 50 per ml."""
    plan = make(formula=FormulaFactory(parts=[(component, 50)]))
    recipe_of(plan.formula)
    return plan


def labelled(component: Component, amount: int | str | None, ml: int | str = 1, **details) -> Lot:
    return LotFactory(
        component=component, label_amount=amount and D(amount), label_ml=D(ml) if amount else None, **details
    )


LABELS = pytest.mark.parametrize(
    ("amount", "ml", "is_usable"),
    [
        pytest.param(50, 1, True, id="the same"),
        pytest.param(250, 5, True, id="the same in a bigger vial"),
        pytest.param("16.6667", "0.333334", True, id="exactly, not rounded"),
        pytest.param(250, 1, False, id="five times as strong"),
        pytest.param(25, 1, False, id="half as strong"),
        pytest.param("50.0001", 1, False, id="a trace stronger"),
        pytest.param(None, 1, False, id="not noted"),
    ],
)


@LABELS
def test_python_and_sql_agree_on_what_may_be_injected(amount, ml, is_usable: bool) -> None:
    component = of_50()
    session = SessionFactory(plan=plan_of(component), lots=[])
    lot = labelled(component, amount, ml) if ml != "0.333334" else labelled(component, "16.65", "0.333")
    asked = rules.asked_for(session.formula, at=session.started_at)
    assert (rules.refusal(lot, asked, on=TODAY) == "") == is_usable
    used = SessionLot(session=session, lot=lot)
    if is_usable:
        used.save()
    else:
        assert refusal_of(used.save) == "session_lot_usable"


def test_a_lot_whose_label_nobody_noted_is_of_no_strength() -> None:
    lot = LotFactory.build(component=None, label_amount=None, label_ml=None)
    assert lot.strength is None and not lot.is_of_strength(D(10))
    lot.label_amount, lot.label_ml = D(20), D(2)
    assert lot.is_of_strength(D(10)) and not lot.is_of_strength(D(11))


def test_what_is_counted_in_ml_has_no_strength_and_another_unit_is_another_product() -> None:
    component = ComponentFactory(code="gel", unit=Unit.ML)
    session = SessionFactory(plan=plan_of(component), lots=[])
    asked = rules.asked_for(session.formula, at=session.started_at)
    assert rules.refusal(labelled(component, None), asked, on=TODAY) == ""
    SessionLot.objects.create(session=session, lot=labelled(component, None))
    in_mg = ComponentFactory(code="gel", version=2, published_at=None)
    other = labelled(in_mg, 50)
    assert "the label says 50 mg/ml, the recipe needs" in rules.refusal(other, asked, on=TODAY)
    assert refusal_of(SessionLot(session=session, lot=other).save) == "session_lot_usable"


def test_a_lot_counted_in_ml_is_none_of_a_component_counted_in_mg() -> None:
    component = of_50()
    plan = plan_of(component)
    other = labelled(ComponentFactory(code=component.code, version=2, published_at=None, unit=Unit.ML), None)
    asked = rules.asked_for(plan.formula, at=CLINIC_NOW)
    assert f"Lot {other.number}: the label says ml, the recipe needs 50 mg/ml." in rules.refusal(
        other, asked, on=TODAY
    )
    used = SessionLot(session=SessionFactory(plan=plan, lots=[]), lot=other)
    assert refusal_of(used.save) == "session_lot_usable"


def test_a_formula_without_a_recipe_compares_nothing() -> None:
    component = of_50()
    plan = cleared_plan(formula=FormulaFactory(parts=[(component, 50)]))
    session = SessionFactory(plan=plan, lots=[])
    lot = labelled(component, 250)
    assert rules.refusal(lot, rules.asked_for(plan.formula, at=CLINIC_NOW), on=TODAY) == ""
    SessionLot.objects.create(session=session, lot=lot)


def test_a_session_that_began_before_the_recipe_is_signed_by_what_was_known_then() -> None:
    component = of_50()
    plan = cleared_plan(formula=FormulaFactory(parts=[(component, 50)]))
    session = SessionFactory(plan=plan, signed=False, lots=[labelled(component, None)])
    recipe_of(plan.formula, published_at=CLINIC_NOW)
    Session.objects.filter(pk=session.pk).update(started_at=ago(minutes=50))
    asked = rules.asked_for(plan.formula, at=session.started_at)
    assert rules.refusal(session.used_lots.first().lot, asked, on=TODAY) == ""


def test_the_sentence_says_what_the_label_says_what_is_expected_and_what_to_do() -> None:
    component = of_50()
    plan = plan_of(component)
    asked = rules.asked_for(plan.formula, at=CLINIC_NOW)
    assert rules.refusal(labelled(component, 1250, 5, number="L9"), asked, on=TODAY) == (
        "Lot L9: the label says 1250 mg in 5 ml (250 mg/ml), the recipe needs 50 mg/ml. Do not use it: take a lot of"
        " 50 mg/ml, or ask an admin for a formula that is mixed from this one."
    )
    assert rules.refusal(labelled(component, None, number="L8"), asked, on=TODAY) == (
        "Lot L8: nobody has noted its strength. Read the label; the recipe needs 50 mg/ml."
    )


class TestNoting:
    def received(self, doctor: Practitioner, component: Component, **label) -> Lot:
        return lots.receive(
            component=component,
            maker="Nord",
            number="N1",
            expires_on=TODAY + timedelta(days=90),
            by=doctor.user,
            at=CLINIC_NOW,
            **label,
        )

    def test_a_lot_is_received_with_its_strength(self, doctor: Practitioner) -> None:
        lot = self.received(doctor, of_50(), label_amount=D(250), label_ml=D(5))
        assert (lot.strength, rules.label_words(lot)) == (50, "250 mg in 5 ml (50 mg/ml)")
        single = lots.note_label(lot=lot, label_amount=D(50), label_ml=None, by=doctor.user, at=CLINIC_NOW)
        assert (single.label_ml, rules.label_words(single)) == (1, "50 mg/ml")
        history = Lot.pgh_event_model.objects.filter(pgh_obj=lot).order_by("pgh_id")
        assert [each.label_amount for each in history] == [250, 50]

    def test_without_it_nothing_is_received(self, doctor: Practitioner) -> None:
        with pytest.raises(DomainError, match="how many mg of Phosphatidylcholine the label says") as refusal:
            self.received(doctor, of_50())
        assert (refusal.value.code, refusal.value.field) == ("strength_missing", "label_amount")
        assert not Lot.objects.exists()

    def test_what_is_counted_in_ml_takes_none(self, doctor: Practitioner) -> None:
        gel = ComponentFactory(unit=Unit.ML)
        assert self.received(doctor, gel).strength is None
        with pytest.raises(DomainError, match="counted in ml") as refusal:
            lots.note_label(
                lot=Lot.objects.get(), label_amount=D(3), label_ml=None, by=doctor.user, at=CLINIC_NOW
            )
        assert refusal.value.field == "label_amount"

    def test_the_page_notes_it_and_keeps_what_was_typed(self, practitioner_client: Client) -> None:
        lot = labelled(of_50(), None)
        address = reverse("consultations:lot_label", args=[lot.pk])
        page = practitioner_client.post(address, {"label_amount": "-1", "label_ml": "5"})
        assert (page.status_code, page.context["form"]["label_ml"].value()) == (422, "5")
        lot.refresh_from_db()
        assert lot.label_amount is None
        answer = practitioner_client.post(address, {"label_amount": "1,5", "label_ml": "5"}, follow=True)
        assert f"Lot {lot.number}: 1.5 mg in 5 ml (0.3 mg/ml)." in answer.content.decode()
        lot.refresh_from_db()
        assert (lot.label_amount, lot.label_ml) == (D("1.5"), 5)

    def test_an_admin_reads_it_and_changes_nothing(self, admin_client: Client) -> None:
        lot = labelled(of_50(), 50)
        page = admin_client.get("/lots/", {"lot": lot.pk}).content.decode()
        address = reverse("consultations:lot_label", args=[lot.pk])
        assert ("50 mg/ml" in page, address in page) == (True, False)
        assert admin_client.post(address, {"label_amount": "9"}).status_code == 403

    def test_a_lot_from_before_says_that_it_is_asked(self, practitioner_client: Client) -> None:
        lot = labelled(of_50(), None)
        page = practitioner_client.get("/lots/", {"lot": lot.pk}).content.decode()
        assert "not noted: it is asked before the lot is used" in page


class TestSession:
    @pytest.fixture
    def component(self) -> Component:
        return of_50()

    @pytest.fixture
    def draft(self, component: Component, doctor: Practitioner) -> Session:
        return SessionFactory(plan=plan_of(component), practitioner=doctor, lots=[])

    def test_only_what_fits_is_offered_and_the_page_says_why(
        self, practitioner_client: Client, draft: Session, component: Component
    ) -> None:
        Lot.objects.update(used_up_on=ago(days=1).date())  # what the test before it used
        strong, unknown = labelled(component, 250), labelled(component, None)
        fit = labelled(component, 50)
        page = practitioner_client.get(reverse("consultations:session", args=[draft.pk]))
        field = page.context["form"].fields["lot_pc-50"]
        assert field.choice.usable == [fit]
        assert [each.lot for each in field.choice.set_aside] == [strong, unknown]
        text = page.content.decode()
        assert f"Lot {strong.number}: the label says 250 mg/ml, the recipe needs 50 mg/ml." in text
        assert f"Lot {unknown.number}: nobody has noted its strength." in text
        assert f"/lots/?lot={unknown.pk}" in text

    def test_one_that_was_noted_wrongly_is_not_signed(self, draft: Session, component: Component) -> None:
        lot = labelled(component, 50)
        SessionLot.objects.create(session=draft, lot=lot)
        lot.label_amount = D(250)
        lot.save()
        asked = rules.asked_for(draft.formula, at=draft.started_at)
        with pytest.raises(DomainError) as refusal:
            rules.check_usable([lot], asked, on=timezone.localdate(draft.started_at))
        assert (refusal.value.code, refusal.value.field) == ("lot_unusable", "lot_pc-50")
        assert str(refusal.value).startswith(f"Lot {lot.number}: the label says 250 mg/ml")
        assert refusal_of(lambda: Session.objects.filter(pk=draft.pk).update(started_at=ago(minutes=59))) == (
            "session_cleared"
        )


@pytest.mark.parametrize("is_deviation", [False, True])
def test_a_draft_may_hold_what_fits_and_what_is_past_use_and_under_a_deviation_all(
    is_deviation: bool,
) -> None:
    component, yesterday = of_50(), TODAY - timedelta(days=1)
    plan = plan_of(component)
    session = SessionFactory(plan=plan, deviation=DeviationFactory(plan=plan) if is_deviation else None)
    fit, strong = labelled(component, 50), labelled(component, 250)
    expired = labelled(component, 50, expires_on=yesterday)
    used_up = labelled(component, 50, used_up_on=yesterday)
    every = [fit, strong, expired, used_up]

    def sorted_out(*named: Lot) -> rules.DraftChoice:
        used = [SessionLot(session=session, lot=lot) for lot in named]
        asked = rules.asked_for(plan.formula, at=session.started_at)
        return rules.for_draft(every, asked, session=session, used=used)

    found = sorted_out()
    assert (list(found.past_use), found.named) == ([expired], [])
    assert found.usable == ([fit, strong, used_up] if is_deviation else [fit])
    assert [each.lot for each in found.set_aside] == ([] if is_deviation else [strong])
    assert list(found.refused) == ([] if is_deviation else [strong, used_up])
    # What the draft has named stays.
    assert strong in sorted_out(strong).usable
    assert sorted_out(strong).named == [strong]


def test_a_test_injection_is_offered_what_fits_and_says_why_not(
    practitioner_client: Client, clinic_now: datetime
) -> None:
    component = of_50()
    plan = plan_of(component, make=consented_plan)
    strong, fit = labelled(component, 250), labelled(component, 50)
    page = practitioner_client.get(reverse("consultations:patch_test_give", args=[plan.pk]))
    keys = [key for key, _words in page.context["form"].fields["lot_pc-50"].choices]
    assert (str(fit.pk) in keys, str(strong.pk) in keys) == (True, False)
    assert f"Lot {strong.number}: the label says 250 mg/ml" in page.content.decode()


# The database ---------------------------------------------------------------------------------------------------------


@cases.refused_by("session_lot_usable")
def _a_lot_five_times_as_strong() -> None:
    component = of_50()
    SessionLot.objects.create(
        session=SessionFactory(plan=plan_of(component), lots=[]), lot=labelled(component, 250)
    )


@cases.refused_by("patch_test_lot_usable")
def _a_test_from_a_lot_five_times_as_strong() -> None:
    component = of_50()
    test = PatchTestFactory(plan=plan_of(component, make=consented_plan), draft=True, lots=[])
    PatchTestLot.objects.create(patch_test=test, lot=labelled(component, 250))


@cases.refused_by("session_cleared")
def _a_session_whose_lot_turned_out_stronger() -> None:
    component = of_50()
    plan = plan_of(component)
    lot = labelled(component, 50)
    session = SessionFactory(plan=plan, lots=[lot])
    Lot.objects.filter(pk=lot.pk).update(label_amount=250)
    Session.objects.filter(pk=session.pk).update(started_at=ago(minutes=59))


@cases.refused_by("patch_test_cleared")
def _a_test_whose_lot_turned_out_stronger() -> None:
    component = of_50()
    lot = labelled(component, 50)
    test = PatchTestFactory(plan=plan_of(component, make=consented_plan), draft=True, lots=[lot])
    Lot.objects.filter(pk=lot.pk).update(label_amount=250)
    earlier = test.given_at - timedelta(minutes=1)
    PatchTest.objects.filter(pk=test.pk).update(given_at=earlier)


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_gate_refuses_by_name(case: Case) -> None:
    """And lets it through once it is away: that is the harm."""
    assert tried_with_and_without(case) == case.guard


def test_shipped_recipes_are_asked_for_from_their_publication_on() -> None:
    formula = FormulaFactory()
    recipe = recipe_of(formula, published_at=CLINIC_NOW)
    assert Recipe.objects.of(formula, at=CLINIC_NOW) == recipe
    assert not rules.asked_for(formula, at=ago(minutes=1)).lines
    assert lots_of(formula)
