"""Consents and their withdrawal."""

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Signer
from consultations.models import Consent, ConsentWithdrawal
from tests.factories.clock import ago
from tests.factories.consultations import CONTENT_HASH
from tests.factories.plans import PlanFactory
from tests.factories.reference import ConsentTextFactory
from tests.factories.users import UserFactory


class ConsentFactory(DjangoModelFactory):
    """Signed by the patient, for the plan's formula."""

    class Meta:
        model = Consent

    plan = factory.SubFactory(PlanFactory)
    patient = factory.SelfAttribute("plan.patient")
    formula = factory.SelfAttribute("plan.formula")
    text = factory.SubFactory(ConsentTextFactory)
    words = "I agree."
    signer = Signer.PATIENT
    signer_name = "Jeanne Moreau"
    identity_seen = factory.LazyAttribute(
        lambda consent: "passport" if consent.signer == Signer.REPRESENTATIVE else ""
    )
    signed_at = factory.LazyFunction(lambda: ago(days=20))
    signed_by = factory.SelfAttribute("plan.created_by")
    content_hash = CONTENT_HASH


class ConsentWithdrawalFactory(DjangoModelFactory):
    """The patient has changed their mind."""

    class Meta:
        model = ConsentWithdrawal

    consent = factory.SubFactory(ConsentFactory)
    withdrawn_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, practitioner=True)
