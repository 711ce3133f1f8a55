"""An allergy to a group closes every component of the group, reported or confirmed."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clinic.errors import DomainError, NotAllowed, Stale
from clinic.models import Practitioner, User
from consultations.actions import allergies
from consultations.enums import AllergyStatus
from consultations.models import Allergy, Formula
from consultations.queries import facts_of_one
from consultations.rules import allergens, clearance
from tests.factories import (
    AlertFactory,
    AllergenGroupFactory,
    AllergyFactory,
    ComponentFactory,
    FormulaFactory,
    PatientFactory,
    PractitionerFactory,
    UserFactory,
    cleared_plan,
)
from tests.factories.clock import ago

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic_now")]


@pytest.fixture
def formula() -> Formula:
    """Soy and fish in one component, nothing in the other."""
    AllergenGroupFactory(code="soybean")
    risky = ComponentFactory(name="Lecithin", allergen_groups=["soybean", "fishes"])
    return FormulaFactory(parts=[(risky, Decimal(50)), (ComponentFactory(), Decimal(1))])


def parts(formula: Formula):
    """What is in it, with the groups its components have in force."""
    return formula.parts.with_groups_in_force().select_related("component")


class TestConflicts:
    @pytest.mark.parametrize(
        ("group", "status", "closes"),
        [
            ("soybean", "reported", True),
            ("soybean", "confirmed", True),
            ("soybean", "refuted", False),
            ("fishes", "reported", True),
            ("eggs", "confirmed", False),
            ("", "reported", False),
        ],
    )
    def test_an_allergy_in_force_meets_a_component_of_its_group(
        self, formula: Formula, group: str, status: str, closes: bool
    ) -> None:
        allergy = AllergyFactory.build(patient=None, reported_by=None, group_code=group, status=status)
        found = allergens.conflicts(parts(formula), [allergy])
        assert [(each, component.name) for each, component in found] == [(allergy, "Lecithin")] * closes

    def test_every_pair_is_named(self, formula: Formula) -> None:
        found = [AllergyFactory(group_code="soybean"), AllergyFactory(group_code="fishes")]
        assert [allergy for allergy, _component in allergens.conflicts(parts(formula), found)] == found

    def test_parts_may_be_an_iterator(self, formula: Formula) -> None:
        found = [AllergyFactory(group_code="soybean"), AllergyFactory(group_code="fishes")]
        assert len(allergens.conflicts(iter(parts(formula)), found)) == 2


@pytest.mark.parametrize(
    ("group", "status", "waits"),
    [
        ("", "reported", True),
        ("", "confirmed", False),
        ("", "refuted", False),
        ("soybean", "reported", False),
    ],
)
def test_only_words_without_a_group_have_to_be_assessed(group: str, status: str, waits: bool) -> None:
    allergy = AllergyFactory.build(patient=None, reported_by=None, group_code=group, status=status)
    assert allergens.unassessed([allergy]) == [allergy] * waits


class TestReporting:
    def test_a_named_group_closes_its_components_at_once(
        self, formula: Formula, reception: User, clinic_now: datetime
    ) -> None:
        plan = cleared_plan(formula=formula)
        self.report(plan.patient, reception, clinic_now, group_code="soybean")
        assert _missing(plan, clinic_now) == ["allergy"]

    def test_words_without_a_group_wait_for_a_practitioner(
        self, formula: Formula, reception: User, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        plan = cleared_plan(formula=formula)
        allergy = self.report(plan.patient, reception, clinic_now)
        assert _missing(plan, clinic_now) == ["allergy_unassessed"]
        _assess(allergy, doctor, clinic_now, status=AllergyStatus.REFUTED)
        assert _missing(plan, clinic_now) == []

    def test_a_confirmed_group_keeps_the_formula_closed(
        self, formula: Formula, reception: User, doctor: Practitioner, clinic_now: datetime
    ) -> None:
        plan = cleared_plan(formula=formula)
        allergy = self.report(plan.patient, reception, clinic_now)
        _assess(allergy, doctor, clinic_now, group_code="soybean")
        assert _missing(plan, clinic_now) == ["allergy"]

    def test_an_admin_may_not(self, admin: User, clinic_now: datetime) -> None:
        with pytest.raises(NotAllowed) as refusal:
            self.report(PatientFactory(), admin, clinic_now)
        assert refusal.value.code == "allergy_not_allowed"

    @pytest.mark.parametrize(
        ("details", "code", "field"),
        [
            ({"words": " "}, "words_missing", "words"),
            ({"group_code": "no-such"}, "unknown_group", "group_code"),
        ],
    )
    def test_it_needs_words_and_a_known_group(
        self, reception: User, clinic_now: datetime, details: dict[str, str], code: str, field: str
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            self.report(PatientFactory(), reception, clinic_now, **details)
        assert (refusal.value.code, refusal.value.field) == (code, field)
        assert not Allergy.objects.exists()

    def report(self, patient, by: User, at: datetime, **details) -> Allergy:
        return allergies.report(patient=patient, **{"words": "tofu", **details}, by=by, at=at)


class TestAssessing:
    def test_it_says_who_when_and_on_what_grounds(self, doctor: Practitioner, clinic_now: datetime) -> None:
        row = _assess(AllergyFactory(), doctor, clinic_now, group_code="soy", assessment="prick test 2019")
        assert (row.status, row.group_code, row.assessment, row.assessed_by, row.assessed_at) == (
            AllergyStatus.CONFIRMED,
            "soy",
            "prick test 2019",
            doctor.user,
            clinic_now,
        )

    @pytest.mark.parametrize(
        ("details", "code", "field"),
        [
            ({"status": AllergyStatus.REPORTED}, "not_decided", "status"),
            ({"assessment": "  "}, "assessment_missing", "assessment"),
        ],
    )
    def test_it_needs_a_decision_and_its_grounds(
        self, doctor: Practitioner, clinic_now: datetime, details: dict[str, str], code: str, field: str
    ) -> None:
        allergy = AllergyFactory()
        with pytest.raises(DomainError) as refusal:
            _assess(allergy, doctor, clinic_now, **details)
        assert (refusal.value.code, refusal.value.field) == (code, field)
        allergy.refresh_from_db()
        assert allergy.status == AllergyStatus.REPORTED

    def test_what_a_colleague_said_meanwhile_is_seen_before_it_is_written_over(
        self, doctor: Practitioner, practitioner_client: Client, clinic_now: datetime
    ) -> None:
        allergy = AllergyFactory()
        url = reverse("consultations:allergy_assess", args=[allergy.pk])
        mine = {"status": AllergyStatus.REFUTED, "group_code": "", "assessment": "eats it daily", "seen": ""}
        other = PractitionerFactory(user=UserFactory(practitioner=True))
        _assess(allergy, other, clinic_now)
        refused = practitioner_client.post(url, mine)
        allergy.refresh_from_db()
        assert (refused.status_code, allergy.status) == (409, AllergyStatus.CONFIRMED)
        assert "has assessed it meanwhile, on 2 Mar 2026: confirmed, “letter of 2021”." in refused.text
        form = refused.context["form"]
        assert form["assessment"].value() == "eats it daily"
        assert practitioner_client.post(url, mine | {"seen": form["seen"].value()}).status_code == 302
        allergy.refresh_from_db()
        assert (allergy.status, allergy.assessed_by) == (AllergyStatus.REFUTED, doctor.user)

    def test_the_form_answers_to_the_assessment_that_its_sentence_tells_of(
        self,
        doctor: Practitioner,
        practitioner_client: Client,
        clinic_now: datetime,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Not to a third one, made between the refusal and its page."""
        allergy = AllergyFactory()
        other = PractitionerFactory(user=UserFactory(practitioner=True))
        second = _assess(allergy, other, clinic_now)
        assess = allergies.assess

        def refused_then_assessed_again(**said: Any) -> None:
            try:
                assess(**said)
            except Stale:
                third = {"assessment": "letter of 2022", "seen": second.assessed_at}
                later = clinic_now + timedelta(minutes=1)
                assess(**said | third | {"by": other.user, "at": later})
                raise

        monkeypatch.setattr(allergies, "assess", refused_then_assessed_again)
        said = {"status": AllergyStatus.REFUTED, "group_code": "", "assessment": "eats it daily", "seen": ""}
        url = reverse("consultations:allergy_assess", args=[allergy.pk])
        form = practitioner_client.post(url, said).context["form"]
        again = practitioner_client.post(url, said | {"seen": form["seen"].value()})
        assert again.status_code == 409

    def test_without_the_look_the_later_one_writes_over_the_first_unseen(
        self, doctor: Practitioner, clinic_now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("consultations.rules.alerts.check_assessment_seen", lambda *_said: None)
        allergy = AllergyFactory(confirmed=True)
        assert _assess(allergy, doctor, clinic_now, status=AllergyStatus.REFUTED).pk

    def test_the_page_says_what_it_was_opened_on(self, practitioner_client: Client) -> None:
        moment = ago(days=2) + timedelta(microseconds=5)
        allergy = AllergyFactory(confirmed=True, assessed_at=moment)
        url = reverse("consultations:allergy_assess", args=[allergy.pk])
        form = practitioner_client.get(url).context["form"]
        said = {"status": AllergyStatus.REFUTED, "group_code": "", "assessment": "x"}
        assert practitioner_client.post(url, said | {"seen": form["seen"].value()}).status_code == 302

    def test_reception_may_not(self, reception: User, clinic_now: datetime) -> None:
        with pytest.raises(NotAllowed):
            allergies.assess(
                allergy=AllergyFactory(),
                status=AllergyStatus.REFUTED,
                group_code="",
                assessment="x",
                by=reception,
                at=clinic_now,
            )


class TestAlerts:
    def test_raised_and_lifted_by_name(self, doctor: Practitioner, clinic_now: datetime) -> None:
        alert = allergies.raise_alert(
            patient=PatientFactory(), text="takes an anticoagulant", by=doctor.user, at=clinic_now
        )
        assert (alert.raised_by, alert.raised_at, alert.lifted_at) == (doctor.user, clinic_now, None)
        lifted = allergies.lift_alert(alert=alert, by=doctor.user, at=clinic_now)
        assert (lifted.lifted_by, lifted.lifted_at) == (doctor.user, clinic_now)

    def test_lifting_twice_is_refused(self, doctor: Practitioner, clinic_now: datetime) -> None:
        alert = AlertFactory()
        allergies.lift_alert(alert=alert, by=doctor.user, at=clinic_now)
        with pytest.raises(DomainError) as refusal:
            allergies.lift_alert(alert=alert, by=doctor.user, at=clinic_now)
        assert refusal.value.code == "lifted_already"

    def test_an_alert_needs_words_and_a_practitioner(
        self, doctor: Practitioner, reception: User, clinic_now: datetime
    ) -> None:
        with pytest.raises(DomainError) as refusal:
            allergies.raise_alert(patient=PatientFactory(), text=" ", by=doctor.user, at=clinic_now)
        assert refusal.value.code == "text_missing"
        with pytest.raises(NotAllowed):
            allergies.raise_alert(patient=PatientFactory(), text="x", by=reception, at=clinic_now)


def _assess(allergy: Allergy, doctor: Practitioner, at: datetime, **details) -> Allergy:
    wanted = {"status": AllergyStatus.CONFIRMED, "group_code": "", "assessment": "letter of 2021", **details}
    return allergies.assess(allergy=allergy, **wanted, by=doctor.user, at=at)


def _missing(plan, at: datetime) -> list[str]:
    judged = clearance.judge(facts_of_one(plan), gate=clearance.Gate.SESSION, on=at)
    return [each.code for each in judged.conditions]
