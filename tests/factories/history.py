"""The history: seals of it, and when it was written."""

from datetime import datetime

import factory
from django.db import connection
from factory.django import DjangoModelFactory

from clinic.changes.found import kept_tables
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


def written(at: datetime) -> None:
    """All that has been written in this test, and not been given a moment yet, was written at this one."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for event in kept_tables().values():
            table = event._meta.db_table
            cursor.execute(f"UPDATE {table} SET pgh_created_at = %s WHERE pgh_created_at = now()", [at])
        cursor.execute("SET LOCAL session_replication_role = origin")
