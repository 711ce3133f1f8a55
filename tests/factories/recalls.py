"""Recalls and their calls."""

import factory
from factory.django import DjangoModelFactory

from clinic.enums import ContactReason
from consultations.models import Recall, RecallCall
from tests.factories.booking import ContactEntryFactory
from tests.factories.clock import ago
from tests.factories.formulas import LotFactory
from tests.factories.users import UserFactory


class RecallFactory(DjangoModelFactory):
    """Of a lot, an hour ago."""

    class Meta:
        model = Recall

    lot = factory.SubFactory(LotFactory)
    begun_at = factory.LazyFunction(lambda: ago(hours=1))
    begun_by = factory.SubFactory(UserFactory, practitioner=True)


class RecallCallFactory(DjangoModelFactory):
    """Of one patient, who is still to be called."""

    class Meta:
        model = RecallCall

    recall = factory.SubFactory(RecallFactory)
    entry = factory.SubFactory(ContactEntryFactory, reason=ContactReason.RECALL)
