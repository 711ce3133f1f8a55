"""The benchmark's own databases: one is migrated, the others are copies of it; all are dropped at the end.

Every name begins with `bench_mesoclinic`; nothing here touches any other database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.management import call_command
from django.db import connection, connections
from django.db.utils import load_backend

PREFIX = "bench_mesoclinic"
TEMPLATE, DESK, SMALL, LARGE, PEER = (
    PREFIX,
    f"{PREFIX}_desk",
    f"{PREFIX}_small",
    f"{PREFIX}_large",
    f"{PREFIX}_peer",
)


class Busy(Exception):
    """Another benchmark runs on this server."""


@contextmanager
def server() -> Iterator[None]:
    """Claim the server for one run; before and after it, none of the benchmark's databases is left.

    Raises:
        Busy: somebody else measures here at this moment; both would measure each other.
    """
    with connection._nodb_cursor() as claim:
        claim.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [PREFIX])
        if claim.fetchone() != (True,):
            raise Busy("another ./run bench is running on this database server")
        # The claim is a session's: its connection stays open, and idle, for the whole run.
        try:
            drop_all()
            yield
        finally:
            drop_all()


def drop_all() -> None:
    """Every database of the benchmark, whoever is connected to it."""
    connections.close_all()
    with connection._nodb_cursor() as cursor:
        for name in (TEMPLATE, DESK, SMALL, LARGE, PEER):
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def create(name: str, *, template: str = "template0") -> None:
    """A new database; nobody may be connected to the template meanwhile."""
    connections.close_all()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def migrate() -> None:
    """The template: every table, trigger and constraint, and the reference data."""
    create(TEMPLATE)
    use(TEMPLATE)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("load_reference", verbosity=0)
    connections.close_all()


def use(name: str) -> None:
    """Every new connection of this process, in whatever thread, goes to this database."""
    connections.close_all()
    connections.settings["default"]["NAME"] = name
    connections["default"] = open_connection(name)


def open_connection(name: str) -> Any:
    """One more connection, which `swapped_in` can make the current one for a while."""
    settings = {**connections.settings["default"], "NAME": name}
    backend: Any = load_backend(settings["ENGINE"])
    return backend.DatabaseWrapper(settings, "default")


@contextmanager
def swapped_in(wrapper: Any) -> Iterator[None]:
    """This thread works on that connection; afterwards on the one before."""
    before = connections["default"]
    connections["default"] = wrapper
    try:
        yield
    finally:
        connections["default"] = before


def environment(name: str) -> dict[str, str]:
    """For a process of its own that is to work in this database."""
    given = dict(os.environ)
    if url := given.get("DATABASE_URL"):
        given["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    return {**given, "DATABASE_NAME": name}
