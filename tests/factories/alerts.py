"""Allergies, alerts, reports from the desk, deviations."""

import factory
from factory.django import DjangoModelFactory

from consultations.enums import AllergyStatus, TriageOutcome
from consultations.models import Alert, Allergy, ClinicalReport, Deviation
from tests.factories.clock import ago
from tests.factories.people import PatientFactory
from tests.factories.plans import PlanFactory
from tests.factories.users import UserFactory


class AllergyFactory(DjangoModelFactory):
    """Reported in the patient's words; `confirmed=True` or `refuted=True` after a practitioner has looked."""

    class Meta:
        model = Allergy

    class Params:
        looked_at = factory.Trait(
            assessed_at=factory.LazyFunction(lambda: ago(days=2)),
            assessed_by=factory.SubFactory(UserFactory, practitioner=True),
        )
        confirmed = factory.Trait(status=AllergyStatus.CONFIRMED, looked_at=True)
        refuted = factory.Trait(status=AllergyStatus.REFUTED, looked_at=True)

    patient = factory.SubFactory(PatientFactory)
    words = "soy"
    reported_at = factory.LazyFunction(lambda: ago(days=3))
    reported_by = factory.SubFactory(UserFactory, reception=True)


class AlertFactory(DjangoModelFactory):
    """Everybody must know."""

    class Meta:
        model = Alert

    patient = factory.SubFactory(PatientFactory)
    text = "takes an anticoagulant"
    raised_at = factory.LazyFunction(lambda: ago(days=3))
    raised_by = factory.SubFactory(UserFactory, practitioner=True)


class ClinicalReportFactory(DjangoModelFactory):
    """A caller's words nobody has looked at; `triaged=True` when somebody has."""

    class Meta:
        model = ClinicalReport

    class Params:
        triaged = factory.Trait(
            triaged_at=factory.LazyFunction(lambda: ago(hours=1)),
            triaged_by=factory.SubFactory(UserFactory, practitioner=True),
            outcome=TriageOutcome.NO_ACTION,
        )

    patient = factory.SubFactory(PatientFactory)
    words = "red and warm since yesterday"
    reported_at = factory.LazyFunction(lambda: ago(hours=2))
    reported_by = factory.SubFactory(UserFactory, reception=True)


class DeviationFactory(DjangoModelFactory):
    """What was done although the pathway said no."""

    class Meta:
        model = Deviation

    plan = factory.SubFactory(PlanFactory)
    patient = factory.SelfAttribute("plan.patient")
    codes = factory.LazyFunction(lambda: ["test"])
    reason = "given before the reading"
    happened_at = factory.LazyFunction(lambda: ago(days=1))
    recorded_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, practitioner=True)
