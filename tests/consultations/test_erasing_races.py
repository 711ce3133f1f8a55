"""An erasure against the clinic's day: it gives way, and leaves every guard as it was."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from time import sleep

import pytest
from django.db import OperationalError, connection, transaction

from clinic.enums import ErasureStage
from clinic.models import Appointment, Erasure
from consultations.actions import erasing
from tests.factories import AppointmentFactory, ErasureFactory
from tests.factories.clock import CLINIC_NOW, ago

pytestmark = [pytest.mark.race, pytest.mark.usefixtures("committed_db", "clinic_now")]


def erased(erasure: Erasure) -> object:
    try:
        return erasing.carry_out(erasure=erasure, stage=ErasureStage.DESK, anew=True, by=None, at=CLINIC_NOW)
    except OperationalError as error:
        return error
    finally:
        connection.close()


def until_it_waits(future: Future) -> None:
    """For a lock, in the database; or it is over."""
    with connection.cursor() as cursor:
        for _try in range(1000):
            cursor.execute(
                "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE datname = current_database() AND NOT granted)"
            )
            if cursor.fetchone()[0] or future.done():
                return
            sleep(0.01)


@contextmanager
def somebody_writes(visit: Appointment, *others: Callable[[], object]) -> Iterator[list[Future]]:
    """The others begin one after the other while a visit is being written; what is written is thrown away at the end."""
    with ThreadPoolExecutor(len(others)) as pool, transaction.atomic():
        Appointment.objects.filter(pk=visit.pk).update(note="being written")
        futures = []
        for each in others:
            futures.append(pool.submit(each))
            until_it_waits(futures[-1])
        yield futures
        transaction.set_rollback(True)


def booked(visit: Appointment) -> None:
    """Another visit's row is written: it queues behind whoever waits for the table."""
    try:
        Appointment.objects.filter(pk=visit.pk).update(note="rings")
    finally:
        connection.close()


@pytest.fixture
def visits(committed_db: str) -> list[Appointment]:
    return [
        AppointmentFactory(note="mine", starts_at=ago(days=9)),
        *(AppointmentFactory() for _each in range(2)),
    ]


def test_it_gives_way_to_a_booking_and_changes_nothing(visits: list[Appointment]) -> None:
    own, other, third = visits
    erasure = ErasureFactory(patient=own.patient)
    with somebody_writes(other, lambda: erased(erasure), lambda: booked(third)) as (outcome, booking):
        wait([booking], timeout=3)
        assert booking.done() and isinstance(outcome.result(timeout=3), OperationalError)
    own.refresh_from_db()
    assert own.note == "mine"
    assert not isinstance(erased(erasure), Exception)
    own.refresh_from_db()
    assert own.note == "erased"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O' AND NOT tgisinternal")
        assert cursor.fetchone() == (0,)


def test_one_that_waited_for_longer_would_have_the_booking_wait(
    visits: list[Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(erasing, "_PATIENCE", "3s")
    own, other, third = visits
    erasure = ErasureFactory(patient=own.patient)
    with somebody_writes(other, lambda: erased(erasure), lambda: booked(third)) as (_outcome, booking):
        wait([booking], timeout=1)
        assert not booking.done()
