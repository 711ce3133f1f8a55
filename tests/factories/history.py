"""Seals of the history."""

import factory
from factory.django import DjangoModelFactory

from clinic.models import HistorySeal
from tests.factories.clock import CLINIC_NOW


class HistorySealFactory(DjangoModelFactory):
    """A seal of one entry, linked to the one before it."""

    class Meta:
        model = HistorySeal

    number = factory.Sequence(lambda number: number + 1)
    sealed_at = CLINIC_NOW
    table = "clinic_patientevent"
    columns = factory.LazyFunction(lambda: ["pgh_id"])
    after, last = 0, 1
    entries = factory.LazyFunction(lambda: [1])
    salts = factory.LazyFunction(lambda: ["7b2b8f5e-5d0c-4d1f-9d8b-0a3c0f6f4a11"])
    digests = factory.LazyFunction(lambda: [b"digest"])
    link = factory.Sequence(lambda number: f"{number:064x}")
