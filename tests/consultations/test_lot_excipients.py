"""Excipients of a lot: a patient's allergy to one of their groups closes the lot, not the formula."""

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError
from clinic.models import Practitioner
from consultations.actions import lots
from consultations.enums import AllergyStatus
from consultations.models import Component, Lot, PatchTest, PatchTestLot, Plan, Session, SessionLot
from consultations.queries import facts_of_one
from consultations.rules import clearance
from consultations.rules import lots as rules
from tests.factories import (
    AllergyFactory,
    ComponentFactory,
    FormulaFactory,
    LotFactory,
    PatchTestFactory,
    SessionFactory,
    cleared_plan,
    consented_plan,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago
from tests.guards import Case, Cases, refusal_of, tried_with_and_without

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]
cases = Cases()


def plan_of(component: Component, *, make=cleared_plan) -> Plan:
    return make(formula=FormulaFactory(parts=[(component, 10)]))


def allergic(plan: Plan, group: str = "sulfite", **details) -> None:
    AllergyFactory(
        patient=plan.patient, words="sulphites in wine", group_code=group, reported_at=ago(days=1), **details
    )


def holding(component: Component, *groups: str, **details) -> Lot:
    return LotFactory(component=component, allergen_groups=list(groups), **details)


@pytest.mark.parametrize(
    ("groups", "allergy", "is_usable"),
    [
        pytest.param(["sulfite"], {}, False, id="reported"),
        pytest.param(["latex", "sulfite"], {"status": AllergyStatus.CONFIRMED}, False, id="confirmed"),
        pytest.param(["sulfite"], {"status": AllergyStatus.REFUTED}, True, id="refuted"),
        pytest.param(["latex"], {}, True, id="to another group"),
        pytest.param([], {}, True, id="nothing noted"),
    ],
)
def test_python_and_sql_agree_on_what_closes_a_lot(groups: list[str], allergy: dict, is_usable: bool) -> None:
    component = ComponentFactory()
    plan = plan_of(component)
    if "status" in allergy:
        allergy |= {"assessed_at": ago(hours=3), "assessed_by": plan.created_by}
    session = SessionFactory(plan=plan, lots=[])
    allergic(plan, **allergy)
    lot = holding(component, *groups)
    facts = facts_of_one(plan)
    asked = rules.asked_for(plan.formula, at=CLINIC_NOW, allergies=facts.allergies)
    assert (rules.refusal(lot, asked, on=TODAY) == "") == is_usable
    used = SessionLot(session=session, lot=lot)
    if is_usable:
        used.save()
    else:
        assert refusal_of(used.save) == "session_lot_usable"


def test_the_formula_stays_open_and_the_page_proposes_the_next_lot(
    practitioner_client: Client, doctor: Practitioner
) -> None:
    component = ComponentFactory(code="diclo", name="Diclofenac")
    plan = plan_of(component)
    Lot.objects.update(used_up_on=ago(days=1).date())  # what the test before it used
    allergic(plan)
    session = SessionFactory(plan=plan, practitioner=doctor, lots=[])
    closed = holding(component, "sulfite", number="S1", expires_on=TODAY + timedelta(days=9))
    fit = holding(component, "latex", number="S2", expires_on=TODAY + timedelta(days=90))
    facts = facts_of_one(plan)
    assert clearance.judge(facts, gate=clearance.Gate.TEST, on=CLINIC_NOW).conditions == []
    page = practitioner_client.get(reverse("consultations:session", args=[session.pk]))
    field = page.context["form"]["lot_diclo"]
    assert (field.field.choice.usable, field.initial) == ([fit], [str(fit.pk)])
    assert (
        "Lot S1 holds what this patient is allergic to: sulphites in wine (reported). Do not use it. Next in date: lot S2."
        in page.content.decode()
    )
    assert [each.lot for each in field.field.choice.set_aside] == [closed]


def test_a_test_injection_proposes_the_next_lot_too(practitioner_client: Client) -> None:
    component = ComponentFactory(code="diclo")
    plan = plan_of(component, make=consented_plan)
    allergic(plan)
    holding(component, "sulfite", number="S1", expires_on=TODAY)
    fit = holding(component, number="S2", expires_on=TODAY + timedelta(days=90))
    page = practitioner_client.get(reverse("consultations:patch_test_give", args=[plan.pk]))
    assert [key for key, _words in page.context["form"].fields["lot_diclo"].choices] == ["", str(fit.pk)]
    assert "Next in date: lot S2." in page.content.decode()


def test_what_was_reported_after_the_injection_does_not_stop_its_signature() -> None:
    component = ComponentFactory()
    plan = plan_of(component)
    session = SessionFactory(plan=plan, lots=[holding(component, "sulfite")])
    AllergyFactory(patient=plan.patient, group_code="sulfite", reported_at=CLINIC_NOW)
    Session.objects.filter(pk=session.pk).update(started_at=ago(minutes=59))
    known = rules.known_at(facts_of_one(plan).allergies, ago(minutes=59))
    asked = rules.asked_for(plan.formula, at=session.started_at, allergies=known)
    rules.check_usable([each.lot for each in session.used_lots.all()], asked, on=TODAY)


def test_what_was_reported_in_the_moment_of_the_injection_stops_it() -> None:
    component = ComponentFactory()
    plan = plan_of(component)
    session = SessionFactory(plan=plan, lots=[holding(component, "sulfite")])
    began = ago(minutes=59)
    AllergyFactory(patient=plan.patient, group_code="sulfite", reported_at=began)
    known = rules.known_at(facts_of_one(plan).allergies, began)
    asked = rules.asked_for(plan.formula, at=began, allergies=known)
    with pytest.raises(DomainError) as refusal:
        rules.check_usable([each.lot for each in session.used_lots.all()], asked, on=TODAY)
    assert refusal.value.code == "lot_unusable"
    assert (
        refusal_of(lambda: Session.objects.filter(pk=session.pk).update(started_at=began))
        == "session_cleared"
    )


class TestNoting:
    def test_the_page_notes_groups_from_the_list(self, practitioner_client: Client) -> None:
        lot = holding(ComponentFactory(), "paraben", label_amount=5, label_ml=1)
        address = reverse("consultations:lot_label", args=[lot.pk])
        page = practitioner_client.get(address)
        assert page.context["form"]["allergen_groups"].value() == ["paraben"]
        sent = {"label_amount": "5", "allergen_groups": ["sulfite", "latex"]}
        answer = practitioner_client.post(address, sent, follow=True)
        lot.refresh_from_db()
        assert lot.allergen_groups == ["latex", "sulfite"]
        assert "Latex (vial stopper, gloves), Sulfites" in answer.content.decode()
        history = Lot.pgh_event_model.objects.filter(pgh_obj=lot).order_by("pgh_id")
        assert [each.allergen_groups for each in history] == [["paraben"], ["latex", "sulfite"]]

    def test_a_group_that_does_not_exist_is_refused(
        self, doctor: Practitioner, practitioner_client: Client, clinic_now: datetime
    ) -> None:
        lot = holding(ComponentFactory(), label_amount=5, label_ml=1)
        sent = {"label_amount": "5", "allergen_groups": ["sulfid"]}
        page = practitioner_client.post(reverse("consultations:lot_label", args=[lot.pk]), sent)
        assert (page.status_code, list(page.context["form"].errors)) == (422, ["allergen_groups"])
        with pytest.raises(DomainError) as refusal:
            lots.note_label(
                lot=lot,
                label_amount=lot.label_amount,
                label_ml=None,
                allergen_groups=["sulfid"],
                by=doctor.user,
                at=clinic_now,
            )
        assert refusal.value.code == "group_unknown"
        lot.refresh_from_db()
        assert lot.allergen_groups == []


# The database ---------------------------------------------------------------------------------------------------------


@cases.refused_by("session_lot_usable")
def _a_lot_with_what_the_patient_is_allergic_to() -> None:
    component = ComponentFactory()
    plan = plan_of(component)
    session = SessionFactory(plan=plan, lots=[])
    allergic(plan)
    SessionLot.objects.create(session=session, lot=holding(component, "sulfite"))


@cases.refused_by("patch_test_lot_usable")
def _a_test_from_such_a_lot() -> None:
    component = ComponentFactory()
    plan = plan_of(component, make=consented_plan)
    test = PatchTestFactory(plan=plan, draft=True, lots=[])
    allergic(plan)
    PatchTestLot.objects.create(patch_test=test, lot=holding(component, "sulfite"))


@cases.refused_by("session_cleared")
def _a_session_whose_lot_turned_out_to_hold_it() -> None:
    component = ComponentFactory()
    plan = plan_of(component)
    lot = holding(component)
    session = SessionFactory(plan=plan, lots=[lot])
    allergic(plan)
    Lot.objects.filter(pk=lot.pk).update(allergen_groups=["sulfite"])
    Session.objects.filter(pk=session.pk).update(started_at=ago(minutes=59))


@cases.refused_by("patch_test_cleared")
def _a_test_whose_lot_turned_out_to_hold_it() -> None:
    component = ComponentFactory()
    plan = plan_of(component, make=consented_plan)
    lot = holding(component)
    test = PatchTestFactory(plan=plan, draft=True, lots=[lot])
    AllergyFactory(patient=plan.patient, group_code="sulfite", reported_at=ago(days=30))
    Lot.objects.filter(pk=lot.pk).update(allergen_groups=["sulfite"])
    PatchTest.objects.filter(pk=test.pk).update(given_at=test.given_at - timedelta(minutes=1))


@pytest.mark.parametrize("case", cases, ids=str)
def test_the_gate_refuses_by_name(case: Case) -> None:
    """And lets it through once it is away: that is the harm."""
    assert tried_with_and_without(case) == case.guard
