"""Adverse events and what the clinic does about them."""

from typing import Any

import factory
from factory.django import DjangoModelFactory

from consultations.enums import Causality, EventOutcome, PlanEffect, Seriousness
from consultations.models import AdverseEvent, AdverseEventLot, ReactionRule
from tests.factories.clock import ago
from tests.factories.consultations import CONTENT_HASH
from tests.factories.people import PatientFactory
from tests.factories.reference import ReactionTypeFactory, VersionedFactory
from tests.factories.users import UserFactory


class AdverseEventFactory(DjangoModelFactory):
    """A slight reaction since two hours, just written down; `lots` are its lots."""

    class Meta:
        model = AdverseEvent

    patient = factory.SubFactory(PatientFactory)
    reaction = factory.SubFactory(ReactionTypeFactory)
    grade = 1
    onset_at = factory.LazyFunction(lambda: ago(hours=2))
    words = "red and warm"
    causality = Causality.POSSIBLE
    seriousness = Seriousness.NOT_SERIOUS
    outcome = EventOutcome.ONGOING
    plan_effect = PlanEffect.NONE
    signed_at = factory.LazyFunction(lambda: ago(hours=1))
    signed_by = factory.SubFactory(UserFactory, practitioner=True)
    content_hash = CONTENT_HASH
    lots: tuple = ()

    @classmethod
    def _create(cls, model_class: type[AdverseEvent], *args: Any, **kwargs: Any) -> AdverseEvent:
        lots = kwargs.pop("lots")
        event = model_class(*args, **kwargs)
        AdverseEventLot.objects.bulk_create(AdverseEventLot(event=event, lot=lot) for lot in lots)
        event.save(force_insert=True)
        return event


class ReactionRuleFactory(VersionedFactory):
    """Any reaction of grade 3 or higher stops plans."""

    class Meta:
        model = ReactionRule

    grade_from = 3
    grade_to = 5
    plan_effect = PlanEffect.STOP
