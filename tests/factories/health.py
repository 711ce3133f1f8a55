"""Answers since the consultation, and the stops that follow."""

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Answer, AnswerSource, Decision
from consultations.models import HealthAnswer, PlanStop
from tests.factories.clock import ago
from tests.factories.people import PatientFactory
from tests.factories.plans import PlanFactory
from tests.factories.reference import ContraindicationQuestionFactory
from tests.factories.users import UserFactory


class HealthAnswerFactory(DjangoModelFactory):
    """A yes on the phone, an hour ago."""

    class Meta:
        model = HealthAnswer

    patient = factory.SubFactory(PatientFactory)
    question = factory.SubFactory(ContraindicationQuestionFactory)
    answer = Answer.YES
    source = AnswerSource.PHONE
    recorded_at = factory.LazyFunction(lambda: ago(hours=1))
    recorded_by = factory.SubFactory(UserFactory, practitioner=True)


class PlanStopFactory(DjangoModelFactory):
    """Closes a plan; `lifted=True` lifts it again."""

    class Meta:
        model = PlanStop

    class Params:
        lifted = factory.Trait(
            lifted_at=factory.LazyFunction(lambda: ago(minutes=30)),
            lifted_by=factory.SubFactory(UserFactory, practitioner=True),
            lift_reason="It was a mistake.",
        )

    plan = factory.SubFactory(PlanFactory)
    answer = factory.SubFactory(HealthAnswerFactory, patient=factory.SelfAttribute("..plan.patient"))
    decision = Decision.BLOCK
