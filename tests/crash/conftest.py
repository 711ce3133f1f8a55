"""A clinic on a database server of its own, with web servers as `./run serve` starts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer
from pytest_django.plugin import DjangoDbBlocker

from benchmarks.bench import sessions_of
from benchmarks.servers import serving
from clinic import embedded_places
from clinic.backup import postgres
from clinic.chooser import Slot
from clinic.models import AppointmentType, Patient, WaitlistEntry
from tests.clinic.desk import Desk, make_desk, on
from tests.crash.desks import DESKS, Place
from tests.crash.processes import Database, database_of_our_own
from tests.factories import PatientFactory, UserFactory, WaitlistEntryFactory

PROJECT = Path(__file__).parents[2]
PLACES = 600
HALF_HOURS = [time(hour, minute) for hour in (9, 10, 11, 13, 14, 15, 16) for minute in (0, 30)]


@dataclass
class CrashClinic:
    """Where the drills happen. `port` is of a web server as in a clinic."""

    database: Database
    port: int
    sessions: list[str]
    places: Iterator[Place]


@pytest.fixture(scope="session")
def crash_clinic(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CrashClinic]:
    """Made once. The tables come from the tests' database, because migrating once more would take longer than the drills."""
    if not Path("/proc/self/stat").exists():
        pytest.skip("processes are looked after through /proc, which this system lacks")
    try:
        embedded_places.programs()
        embedded_places.server_account()
    except embedded_places.EmbeddedError as error:
        pytest.skip(str(error))
    with django_db_blocker.unblock(), ExitStack() as stack:
        with postgres.snapshot() as name:
            tables = list(postgres.dump(snapshot=name))
        database = stack.enter_context(database_of_our_own())
        with _working_in(database):
            postgres.load(tables)
            sessions, places = _clinic()
        # The tables have been there for a while: what was written with them is on the disk.
        database.ask("CHECKPOINT")
        server = serving(
            "the clinic",
            "clinic.wsgi",
            environment={**database.environment(), "DJANGO_SETTINGS_MODULE": "tests.crash.settings"},
            folder=PROJECT,
            log=tmp_path_factory.mktemp("server") / "log",
        )
        yield CrashClinic(database, stack.enter_context(server), sessions, places)


@contextmanager
def _working_in(database: Database, **changes: Any) -> Iterator[None]:
    """The connections of this process lead to that server meanwhile."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(database.settings, PASSWORD="", **changes)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


@pytest.fixture
def unguarded_port(clinic: CrashClinic, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """A web server beside it for negative controls: it does not ask whether its connections live, and waits for a lock
    without end."""
    options = connection.settings_dict["OPTIONS"]
    endless = {**options, "options": options["options"].replace("lock_timeout=4s", "lock_timeout=0")}
    assert endless != options
    with (
        django_db_blocker.unblock(),
        _working_in(clinic.database, OPTIONS=endless, CONN_HEALTH_CHECKS=False),
    ):
        server = LiveServer("127.0.0.1")
        yield int(server.thread.port)
        server.stop()


def _clinic() -> tuple[list[str], Iterator[Place]]:
    """Everybody waits for a visit of half an hour, and there is one for each from the day after tomorrow."""
    desk = make_desk(UserFactory(reception=True))
    by = desk.user
    patients = Patient.objects.bulk_create(PatientFactory.build_batch(PLACES, created_by=by))
    entries = [WaitlistEntryFactory.build(patient=each, type=desk.visit, asked_by=by) for each in patients]
    WaitlistEntry.objects.bulk_create(entries)
    return sessions_of(by, DESKS), _places(desk, desk.visit, patients)


def _places(desk: Desk, kind: AppointmentType, patients: list[Patient]) -> Iterator[Place]:
    waiting, day = iter(patients), timezone.localdate() + timedelta(days=2)
    while True:
        for clock in HALF_HOURS:
            for who, room in ((desk.silva, desk.room), (desk.amari, desk.room2)):
                slot = Slot(on(day, clock.isoformat()), who.pk, room.pk, None)
                patient = next(waiting).pk
                path = reverse("clinic:book_for", args=[patient])
                yield Place(str(patient), path, str(slot), f"{kind.code}:")
        day += timedelta(days=1)


@pytest.fixture
def clinic(crash_clinic: CrashClinic) -> Iterator[Any]:
    """The same for every test, and running again after it."""
    yield crash_clinic
    crash_clinic.database.start()
