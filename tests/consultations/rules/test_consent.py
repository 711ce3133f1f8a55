"""Who may sign a consent, and when one is in force."""

from datetime import date, timedelta
from typing import Any

import pytest

from clinic.errors import DomainError
from consultations.enums import PlanStatus, Signer
from consultations.queries import facts_of_one
from consultations.rules import consent as rules
from tests.factories import (
    ConsentFactory,
    ConsentWithdrawalFactory,
    EnteredInErrorFactory,
    PatientFactory,
    PlanFactory,
)
from tests.factories.clock import CLINIC_NOW, TODAY, ago

pytestmark = pytest.mark.django_db


def _refusal(
    *, born: date = date(1984, 3, 12), status: PlanStatus = PlanStatus.ACTIVE, **signature: Any
) -> Any:
    patient = PatientFactory(birth_date=born, representative_name="Clara Moreau")
    said = {
        "signer": Signer.PATIENT,
        "signer_name": "Jeanne Moreau",
        "relation": "",
        "identity_seen": "",
        "agreed": True,
        **signature,
    }
    plan = PlanFactory(patient=patient, status=status)
    try:
        rules.check_signer(patient=patient, plan=plan, at=CLINIC_NOW, **said)
    except DomainError as refusal:
        return refusal.code, refusal.field
    return None


MINOR = TODAY.replace(year=TODAY.year - 18) + timedelta(days=1)  # eighteen tomorrow
REPRESENTED = {
    "signer": Signer.REPRESENTATIVE,
    "signer_name": "Clara Moreau",
    "relation": "mother",
    "identity_seen": "passport",
}
ASSENT = {"assent_name": "Léa Moreau"}


@pytest.mark.parametrize(
    ("case", "refusal"),
    [
        ({}, None),
        ({"agreed": False}, ("agreed", "agreed")),
        ({"signer_name": "  "}, ("signer_name", "signer_name")),
        ({**REPRESENTED, "relation": "daughter"}, None),
        ({**REPRESENTED, "relation": " "}, ("signer_relation", "signer_relation")),
        ({"born": MINOR}, ("minor", "signer")),
        ({"born": MINOR - timedelta(days=1)}, None),
        ({"born": MINOR, **REPRESENTED, **ASSENT}, None),
        ({"born": MINOR, **REPRESENTED, "assent_missing": "declined"}, None),
        ({"born": MINOR, **REPRESENTED}, ("assent", "assent_name")),
        ({"born": MINOR, **REPRESENTED, "assent_name": " "}, ("assent", "assent_name")),
        (
            {"born": MINOR, **REPRESENTED, **ASSENT, "assent_missing": "too young"},
            ("assent_or_reason", "assent_missing"),
        ),
        ({"born": MINOR, **REPRESENTED, **ASSENT, "assent_drawn": True}, None),
        ({"born": MINOR, **REPRESENTED, "assent_drawn": True}, ("assent_drawn", "assent_name")),
        (
            {"born": MINOR, **REPRESENTED, "assent_missing": "declined", "assent_drawn": True},
            ("assent_drawn", "assent_name"),
        ),
        ({"born": MINOR - timedelta(days=1), **REPRESENTED, **ASSENT}, ("assent_of_age", "assent_name")),
        ({**REPRESENTED, "identity_seen": " "}, ("identity_seen", "identity_seen")),
        ({"status": PlanStatus.ON_HOLD}, None),
        ({"status": PlanStatus.PROPOSED}, ("plan_not_open", None)),
        ({"status": PlanStatus.STOPPED}, ("plan_not_open", None)),
        ({"status": PlanStatus.COMPLETED}, ("plan_not_open", None)),
    ],
)
def test_who_may_sign(case: dict[str, Any], refusal: tuple[str, str | None] | None) -> None:
    assert _refusal(**case) == refusal


def test_a_consent_is_in_force_from_its_signature_on() -> None:
    plan = PlanFactory()
    signed = ConsentFactory(plan=plan, signed_at=CLINIC_NOW)
    facts = facts_of_one(plan)
    moments = (CLINIC_NOW - timedelta(seconds=1), CLINIC_NOW, CLINIC_NOW + timedelta(days=364))
    assert [rules.in_force(facts, on=each) for each in moments] == [None, signed, signed]


def test_a_withdrawn_consent_is_not_in_force() -> None:
    plan = PlanFactory()
    ConsentWithdrawalFactory(consent__plan=plan)
    assert rules.in_force(facts_of_one(plan), on=CLINIC_NOW) is None


def test_a_consent_entered_in_error_is_not_in_force_even_before_it_is_confirmed() -> None:
    plan = PlanFactory()
    EnteredInErrorFactory(consent=ConsentFactory(plan=plan))
    assert rules.in_force(facts_of_one(plan), on=CLINIC_NOW) is None


def test_a_consent_of_another_plan_covers_nothing_here() -> None:
    plan = PlanFactory()
    ConsentFactory(plan=PlanFactory(patient=plan.patient, formula=plan.formula))
    assert rules.in_force(facts_of_one(plan), on=CLINIC_NOW) is None


def test_the_latest_of_several_signatures_counts() -> None:
    plan = PlanFactory()
    ConsentFactory(plan=plan, signed_at=ago(days=5))
    latest = ConsentFactory(plan=plan, signed_at=ago(days=1))
    assert rules.in_force(facts_of_one(plan), on=CLINIC_NOW) == latest
