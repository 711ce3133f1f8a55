"""One drill for all: a clinic that works while its backup is taken, and an empty place that it is brought back to."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg2
import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from PIL import Image
from pytest_django.plugin import DjangoDbBlocker

from clinic.actions import history
from clinic.backup import keys, restoring, taking
from clinic.models import SignIn
from consultations import photographs
from consultations.actions import photos
from consultations.enums import PhotoMoment
from consultations.models import Photo, StandardView
from tests.backup.tables import Listing, listing
from tests.clinic.desk import Desk, make_desk, on
from tests.database_copies import Copies
from tests.factories import (
    PatientFactory,
    PhotoFactory,
    PhotographyConsentFactory,
    PractitionerFactory,
    SessionFactory,
    SessionTypingFactory,
    UserFactory,
    WaitlistEntryFactory,
)
from tests.factories.clock import CLINIC_NOW, ago
from tests.factories.photos import image_file

QUICK_COST = 10  # of scrypt: a guess costs 2^10 here, and 2^17 in a clinic
FIRST_DAY = date(2026, 3, 3)
WEB_ROLE = f"drill_web_{os.getpid()}"  # roles belong to the server, which other test processes use as well


@dataclass
class Drill:
    """What the drill left behind. `at_snapshot` are the tables as they were at the moment the backup is of."""

    folder: Path
    source: str
    target: str
    empty: str
    archive: Path
    key_file: Path
    at_snapshot: Listing = field(default_factory=dict)
    booked: list[UUID] = field(default_factory=list)
    booked_before: int = 0
    booked_at_snapshot: int = 0
    files_before: dict[str, bytes] = field(default_factory=dict)
    restored: restoring.Restored | None = None

    @property
    def secret(self) -> bytes:
        """The key."""
        return keys.secret(str(self.key_file))

    @property
    def came_back(self) -> Path:
        """The photographs of the restored clinic."""
        return self.folder / "came_back"


@contextmanager
def connected_to(name: str) -> Iterator[None]:
    """The database this thread works with meanwhile, and those of the threads it starts."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@pytest.fixture(scope="session")
def empty_databases(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Callable[[], str]]:
    """Makes databases without a table, and drops them in the end."""
    with django_db_blocker.unblock():
        source, server = connection.settings_dict["NAME"], connection.get_connection_params()
    names, numbers = [], count(1)

    def run(statement: str) -> None:
        connected = psycopg2.connect(**{**server, "dbname": "postgres"})
        connected.autocommit = True  # databases are made and dropped outside transactions
        with connected.cursor() as cursor:
            cursor.execute(statement)
        connected.close()

    def make() -> str:
        names.append(f"{source}_empty{next(numbers)}")
        run(f'DROP DATABASE IF EXISTS "{names[-1]}" WITH (FORCE)')
        # As a new server makes them: with the character types of the source, or names in other scripts sort otherwise.
        run(f'CREATE DATABASE "{names[-1]}" TEMPLATE template0')
        return names[-1]

    yield make
    for name in names:
        run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def drill(
    database_copies: Copies,
    empty_databases: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Drill]:
    """A clinic with everything in it, backed up while somebody books and photographs, and restored."""
    folder = tmp_path_factory.mktemp("backup")
    made = Drill(
        folder=folder,
        source=database_copies.take(),
        target=empty_databases(),
        empty=empty_databases(),
        archive=folder / "clinic.backup",
        key_file=folder / "key",
    )
    keys.make(made.key_file)
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        time_machine.travel(CLINIC_NOW, tick=False),
    ):
        patch.setattr(settings, "PHOTO_DIR", folder / "photos")
        patch.setattr(settings, "BACKUP_SCRYPT_COST", QUICK_COST)
        with connected_to(made.source):
            _back_up_under_load(made)
            _take_role_away()
        patch.setattr(settings, "PHOTO_DIR", made.came_back)
        with connected_to(made.target):
            made.restored = restoring.restore(made.archive, made.secret, tell=lambda _words: None)
    yield made
    with django_db_blocker.unblock(), connected_to(made.target):
        _take_role_away()
    database_copies.drop(made.source)


def _back_up_under_load(made: Drill) -> None:
    desk, patient = _clinic()
    history.seal(by=None, at=CLINIC_NOW)
    photograph(patient, noise=900)
    photograph(patient, noise=900)
    made.files_before = {path.name: path.read_bytes() for path in Path(settings.PHOTO_DIR).iterdir()}
    (Path(settings.PHOTO_DIR) / f"{photographs.new_name()}.part").write_bytes(b"an upload under way")

    def tell(_words: str) -> None:
        """Said first inside the snapshot: the tables are then listed in it, by other means than the backup's own."""
        if not made.at_snapshot:
            made.booked_at_snapshot = len(made.booked)
            made.at_snapshot = listing()

    with _load(made, desk, patient):
        made.booked_before = len(made.booked)
        taking.take(made.archive, made.secret, at=CLINIC_NOW, tell=tell)


def _clinic() -> tuple[Desk, Any]:
    """A clinic with people, a signed session, a draft, somebody who waits and somebody signed in; and a web role."""
    desk = make_desk(UserFactory(reception=True))
    for names in (("Müller", "Jörg"), ("فاطمة", "علي"), ("Παπαδόπουλος", "Γιώργος")):
        PatientFactory(family_name=names[0], given_names=names[1])
    SessionFactory(signed=True)
    SessionTypingFactory()
    WaitlistEntryFactory()
    PhotoFactory(with_file=True)
    SignIn.objects.create(session_key="k" * 32, session_data="signed in", expire_date=CLINIC_NOW)
    cache.set("tries", 3)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {WEB_ROLE}")
        cursor.execute(
            f"CREATE ROLE {WEB_ROLE} NOLOGIN; GRANT SELECT, INSERT ON clinic_appointment TO {WEB_ROLE}"
        )
    return desk, PhotographyConsentFactory().patient


def _take_role_away() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {WEB_ROLE}; DROP ROLE {WEB_ROLE}")


def photograph(patient: Any, *, noise: int = 0) -> Photo:
    """Added as a practitioner does; noise keeps its size, where a plain picture becomes a few hundred bytes."""
    sent = image_file()
    if noise:
        sent.truncate(0)
        Image.effect_noise((noise, noise), 100).save(sent, "JPEG", quality=95)
        sent.seek(0)
    picture = photographs.redrawn(sent, byte_count=len(sent.getvalue()))
    view = StandardView.objects.current().get(code="face_front")
    details = {"view": view, "moment": PhotoMoment.BEFORE, "taken_at": ago(hours=1), "note": ""}
    who = PractitionerFactory(user=UserFactory(practitioner=True)).user
    return photos.add(patient=patient, picture=picture, details=details, by=who, at=CLINIC_NOW)


@contextmanager
def _load(made: Drill, desk: Desk, patient: Any) -> Iterator[None]:
    """Somebody books and photographs, as fast as it goes, from a while before the block to its end."""
    stop, begun = threading.Event(), threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        try:
            for number in count():
                day, half_hour = FIRST_DAY + timedelta(days=number // 6), number % 6
                visit = desk.book(on(day, f"{9 + half_hour // 2:02}:{half_hour % 2 * 3}0"))
                made.booked.append(visit.pk)
                photograph(patient)
                if number == 3:
                    begun.set()
                if stop.is_set():
                    return
        except BaseException as error:
            failed.append(error)
        finally:
            begun.set()
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(timeout=60)
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=60)
    assert failed == []


@pytest.fixture
def in_source(
    drill: Drill, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Drill]:
    """Connected to the clinic that was backed up."""
    monkeypatch.setattr(settings, "PHOTO_DIR", drill.folder / "photos")
    monkeypatch.setattr(settings, "BACKUP_SCRYPT_COST", QUICK_COST)
    with django_db_blocker.unblock(), connected_to(drill.source):
        yield drill


@pytest.fixture
def in_target(
    drill: Drill, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Drill]:
    """Connected to the clinic that came back."""
    monkeypatch.setattr(settings, "PHOTO_DIR", drill.came_back)
    with django_db_blocker.unblock(), connected_to(drill.target):
        yield drill


@pytest.fixture
def in_nothing(
    drill: Drill, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Drill]:
    """Connected to an empty database, with a folder of photographs that does not exist."""
    nowhere = drill.folder / "nowhere"
    shutil.rmtree(nowhere, ignore_errors=True)
    monkeypatch.setattr(settings, "PHOTO_DIR", nowhere)
    with django_db_blocker.unblock(), connected_to(drill.empty):
        yield drill


def run(*arguments: str, **options: Any) -> str:
    """What a command says."""
    said = StringIO()
    call_command(*arguments, stdout=said, **options)
    return said.getvalue()
