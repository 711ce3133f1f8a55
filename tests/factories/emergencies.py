"""Emergency openings."""

from datetime import timedelta

import factory
from factory.django import DjangoModelFactory

from clinic.models import EmergencyOpening
from tests.factories.clock import ago
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory


class EmergencyOpeningFactory(DjangoModelFactory):
    """Opened ten minutes ago by reception, for an hour; nobody has reviewed it."""

    class Meta:
        model = EmergencyOpening

    patient = factory.SubFactory(PatientFactory)
    reason = "Fainted in the waiting room"
    opened_by = factory.SubFactory(UserFactory, reception=True)
    opened_at = factory.LazyFunction(lambda: ago(minutes=10))
    ends_at = factory.LazyAttribute(lambda opening: opening.opened_at + timedelta(minutes=60))
