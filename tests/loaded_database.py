"""The migrated database with the reference data, made once for all workers, and for as many runs as nothing changes.

A database as every clinic has it takes a quarter of a minute of processor time, a copy of it a fraction of a second.
It is named after what it was made from: another migration, model or reference file makes another one.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg2
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from psycopg2.extensions import cursor as Cursor

from clinic.models import ClinicSettings

_LOCK = 7_305_211  # any number that nobody else locks in this server
_APPS = ("clinic", "consultations")
# What stands here shows and reads; no migration and no loader asks it.
_NEVER_ASKED = {"views", "forms", "static", "locale", "templatetags"}


def make() -> None:
    """Make what will be copied, where nobody has yet. Processes that come at the same time wait for the first."""
    with server_cursor(connection.get_connection_params()) as cursor:
        _made(cursor)


def copy_to(name: str) -> None:
    """Make a database of this name, in place of any that has it, with what every clinic starts with.

    Django's connection is closed and points to it afterwards.
    """
    parameters = connection.get_connection_params()
    with server_cursor(parameters) as cursor:
        source = _made(cursor)
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}" STRATEGY FILE_COPY')
    _point_to(name)


def drop(name: str) -> None:
    """Drop a copy, whoever is still connected to it."""
    connection.close()
    with server_cursor(connection.get_connection_params()) as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def server_cursor(parameters: dict[str, Any]) -> Iterator[Cursor]:
    """Outside every transaction: databases are made and dropped there, however long that takes.

    At its end the lock is let go.
    """
    patient = f"{parameters.get('options', '')} -c lock_timeout=0 -c statement_timeout=0"
    connected = psycopg2.connect(**{**parameters, "dbname": "postgres", "options": patient})
    connected.autocommit = True
    with closing(connected), connected.cursor() as cursor:
        yield cursor


def _made(cursor: Cursor) -> str:
    """The name of what is copied; locked until the cursor is closed, so that nobody copies what is being made."""
    cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    source = f"test_mesoclinic_{_digest()}"
    if not _exists(cursor, source):
        _drop_those_of_yesterday(cursor)
        _make(cursor, source)
    return source


def _make(cursor: Cursor, source: str) -> None:
    """Under a name of its own until it is whole: a run that is ended half-way leaves nothing that looks finished."""
    unfinished = f"{source}_unfinished"
    before = connection.settings_dict["TEST"]["NAME"]
    connection.settings_dict["TEST"]["NAME"] = unfinished
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        call_command("load_reference", verbosity=0)
        ClinicSettings.objects.get_or_create(pk=1, defaults={"time_zone": settings.TIME_ZONE})
    finally:
        connection.settings_dict["TEST"]["NAME"] = before
        connection.close()
    cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{source}"')


def _drop_those_of_yesterday(cursor: Cursor) -> None:
    cursor.execute(
        r"SELECT datname FROM pg_database WHERE datname ~ '^test_mesoclinic_[0-9a-f]{12}(_unfinished)?$'"
    )
    for (name,) in cursor.fetchall():
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def _exists(cursor: Cursor, name: str) -> bool:
    cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
    return cursor.fetchone() is not None


def _point_to(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def _digest() -> str:
    """Twelve digits for whatever the database is made from: our code, reference data, other people's migrations."""
    project = Path(settings.BASE_DIR)
    found = [
        path
        for app in _APPS
        for path in sorted((project / app).rglob("*"))
        if path.suffix in (".py", ".json") and not _NEVER_ASKED & set(path.relative_to(project).parts)
    ]
    made = sha256(repr((settings.TIME_ZONE, connection.settings_dict["OPTIONS"])).encode())
    for path in (project / "requirements.lock", Path(__file__), *found):
        made.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes())
    return made.hexdigest()[:12]
