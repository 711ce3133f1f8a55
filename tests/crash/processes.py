"""A database server of the drills' own, and how its processes and those of web servers are found and killed."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psycopg2
import pytest

from clinic import embedded, embedded_places
from clinic.settings import DATA_DIR

DATABASE = "drill"


class Database:
    """An embedded PostgreSQL with its own folder; no other test's server is anywhere near it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with self._environment():
            self.settings = embedded.database_settings()

    @contextmanager
    def _environment(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MESOCLINIC_DATA", str(self.folder))
            patch.setenv("DATABASE_NAME", DATABASE)
            # The tests' own server does not wait for the disk; this one must.
            patch.delenv("MESOCLINIC_DATABASE", raising=False)
            yield

    def start(self) -> None:
        """As whatever looks after the server does when it died."""
        with self._environment():
            embedded.start()

    def stop(self) -> None:
        """Orderly."""
        with self._environment():
            embedded.stop()

    def kill(self) -> float:
        """`kill -9` of the process that all others hang on; returns when."""
        with self._environment():
            pid = embedded_places.live_server(embedded.home_directory())
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return monotonic()

    def log(self) -> str:
        """What the server said last."""
        return "\n".join((self.folder / "postgres" / "server.log").read_text().splitlines()[-30:])

    def environment(self) -> dict[str, str]:
        """For web servers that work with it."""
        with self._environment():
            return {**os.environ, "DATABASE_URL": embedded.url(), "MESOCLINIC_DATA": str(DATA_DIR)}

    @contextmanager
    def connected(self, *, autocommit: bool = True) -> Iterator[Any]:
        """A cursor of somebody beside the web server."""
        names = {"HOST": "host", "PORT": "port", "USER": "user", "NAME": "dbname"}
        connected = psycopg2.connect(**{ours: self.settings[theirs] for theirs, ours in names.items()})
        try:
            connected.autocommit = autocommit
            with connected.cursor() as cursor:
                yield cursor
        finally:
            connected.close()

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a question; none of a statement."""
        with self.connected() as cursor:
            cursor.execute(question, values or None)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def database_of_our_own() -> Iterator[Database]:
    """Running; stopped and taken away in the end."""
    parent = Path(tempfile.mkdtemp(prefix="mesoclinic-crash-"))
    parent.chmod(0o755)  # the server's account has to pass
    made = Database(parent / "data")
    try:
        made.start()
        yield made
    finally:
        made.stop()
        with made._environment():
            homes = {embedded.home_directory(), embedded_places.away_directory(made.folder), parent}
        for folder in homes:
            shutil.rmtree(folder, ignore_errors=True)


def workers_of(port: int) -> list[int]:
    """The processes that answer on this port: children of the server that this process started."""
    bind = f"127.0.0.1:{port}".encode()
    [server] = [pid for pid in _children(os.getpid()) if bind in _command(pid)]
    return _children(server)


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if embedded_places.is_alive(child)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def wait_until(what: Any, *, seconds: float) -> float:
    """Until it is true; returns how long it took."""
    began = monotonic()
    while not what():
        assert monotonic() - began < seconds, "it never came"
        sleep(0.02)
    return monotonic() - began
