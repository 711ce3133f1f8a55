"""A record that is being signed, and a part of it that is being changed at the same moment: one waits for the other."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
import pytest
from django.db import OperationalError, connection, transaction

from consultations.models import Session, SessionZone
from tests.factories import SessionZoneFactory
from tests.guards import sql

pytestmark = pytest.mark.race


@pytest.fixture
def zone(committed_db: str) -> SessionZone:
    """Of a draft."""
    made: SessionZone = SessionZoneFactory()
    return made


@contextmanager
def being_changed(zone: SessionZone) -> Iterator[None]:
    """By somebody else, who has not committed yet and took no lock beside that of the row."""
    parameters = {**connection.get_connection_params(), "cursor_factory": None}
    with closing(psycopg2.connect(**parameters)) as other, other.cursor() as cursor:
        cursor.execute("UPDATE consultations_sessionzone SET points = points + 1 WHERE id = %s", [zone.pk])
        yield
        other.commit()


def written_meanwhile(zone: SessionZone) -> None:
    """The row of the session is written, as by a signature."""
    with transaction.atomic():
        sql("SET LOCAL lock_timeout = '300ms'")()
        Session.objects.filter(pk=zone.session_id).update(note="signed")


def test_a_signature_waits_for_a_part_that_is_being_changed(zone: SessionZone) -> None:
    """Else the part would change behind the seal, and no trigger would see it."""
    with being_changed(zone), pytest.raises(OperationalError, match="lock timeout"):
        written_meanwhile(zone)


def test_without_the_lock_it_goes_past(zone: SessionZone) -> None:
    (guard,) = (each for each in SessionZone._meta.triggers if each.name == "session_zone_parent_signed")
    sql(f"ALTER TABLE consultations_sessionzone DISABLE TRIGGER {guard.get_pgid(SessionZone)}")()
    before = zone.points
    with being_changed(zone):
        written_meanwhile(zone)
    after = SessionZone.objects.select_related("session").get(pk=zone.pk)
    assert (after.session.note, after.points) == ("signed", before + 1)
