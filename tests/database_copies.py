"""Copies of the loaded database for tests that commit. The next one is made while a test works with this one."""

from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

from tests.loaded_database import server_cursor


class Copies:
    """Databases named after the source, one to each test, all made from a template that nobody ever connects to.

    Nobody may be connected to the source while the template is made. `close` drops whatever is left.
    """

    def __init__(self, source: str, parameters: dict[str, Any]) -> None:
        self._source = source
        self._server = parameters
        self._template = f"{source}_template"
        self._numbers = count(1)
        self._worker = ThreadPoolExecutor(
            max_workers=1
        )  # one after the other: a test waits for its own at most
        self._run(f'DROP DATABASE IF EXISTS "{self._template}" WITH (FORCE)')
        self._run(f'CREATE DATABASE "{self._template}" TEMPLATE "{source}" STRATEGY FILE_COPY')
        self._next: Future[str] = self._worker.submit(self._make)

    def take(self) -> str:
        """The name of a fresh copy. The one after it is begun."""
        name = self._next.result()
        self._next = self._worker.submit(self._make)
        return name

    def drop(self, name: str) -> None:
        """Drop a copy, whoever is still connected to it, as soon as there is time for it."""
        self._worker.submit(self._run, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        """Drop the copy that nobody took, and the template."""
        self.drop(self._next.result())
        self._worker.shutdown()
        self._run(f'DROP DATABASE IF EXISTS "{self._template}" WITH (FORCE)')

    def _make(self) -> str:
        name = f"{self._source}_copy{next(self._numbers)}"
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY FILE_COPY')
        return name

    def _run(self, sql: str) -> None:
        with server_cursor(self._server) as cursor:
            cursor.execute(sql)
