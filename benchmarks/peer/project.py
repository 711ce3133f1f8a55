"""The peer as the product's side sees it: installed on demand, filled with the same data, asked in turn with ours."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from benchmarks import databases, servers
from benchmarks.clients import Answer, Browser

_HERE = Path(__file__).resolve().parent
_REQUIREMENTS = _HERE / "requirements.txt"


class Unavailable(Exception):
    """The peer could not be installed or started; the message says why."""


@dataclass
class Peer:
    """A running peer: a process that searches and times itself, and a server."""

    worker: subprocess.Popen[str]
    port: int
    service: int
    staff: list[int]
    sessions: list[str]

    def search(self, day: date) -> tuple[float, list[str]]:
        """Seconds and local starts of one search in process: the first member of staff, one day."""
        found = _asked(self.worker, day.isoformat())
        return found["seconds"], found["starts"]

    def starts_over_http(self, browser: Browser, day: date) -> Answer:
        """The same question as its booking page asks it."""
        query = f"selected_date={day}&staff_member={self.staff[0]}&service_id={self.service}"
        return browser.get(f"/ajax/available_slots/?{query}", X_Requested_With="XMLHttpRequest")

    def book(self, browser: Browser, who: int, day: date, start: str, end: str) -> list[Answer]:
        """A signed-in client's booking from the chosen time on, as a browser makes it: the time is sent, the page for
        the contact details comes, and these are sent. What follows the last redirect is left out, as it is with ours."""
        chosen = {"date": str(day), "start_time": start, "end_time": end}
        first = browser.post(
            "/request-submit/", {**chosen, "service": str(self.service), "staff_member": str(self.staff[who])}
        )
        details = {
            "name": "Client",
            "phone_0": "FR",
            "phone_1": "0612345678",
            "address": "-",
            "payment_type": "full",
        }
        if first.status != 302:
            return [first]
        return [first, browser.get(first.location), browser.post(first.location, details)]


def install() -> Path:
    """The peer's Python, in .data/bench/peer; made once.

    Raises:
        Unavailable: no network, or the registry does not have it.
    """
    home = settings.DATA_DIR / "bench" / "peer"
    python, stamp = home / "bin" / "python", home / ".installed"
    wanted = _REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    venv.create(home, clear=True, with_pip=True)
    quick = [sys.executable, "-m", "uv", "pip", "install", "--python", str(python), "-r", str(_REQUIREMENTS)]
    usual = [str(python), "-m", "pip", "install", "-q", "-r", str(_REQUIREMENTS)]
    for command in (quick, usual):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode == 0:
            stamp.write_text(wanted)
            return python
    raise Unavailable((done.stderr.strip().splitlines() or ["no reason was given"])[-1])


@contextmanager
def running(bookings: Sequence[tuple[int, str]], *, staff: int, clients: int, logs: Path) -> Iterator[Peer]:
    """The peer with these bookings (number of the member of staff, local start); ends with the block.

    Raises:
        Unavailable: it could not be installed, or its own process gave up.
    """
    python = install()
    databases.create(databases.PEER)
    environment = _environment()
    with (logs / "peer_worker.log").open("w") as log:
        worker = subprocess.Popen(
            [str(python), str(_HERE / "worker.py")],
            cwd=_HERE,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            wanted = {"staff": staff, "clients": clients, "bookings": list(bookings)}
            built = _asked(worker, json.dumps(wanted))
            _vacuum()
            with servers.serving(
                "django-appointment",
                "project_wsgi:application",
                environment=environment,
                folder=_HERE,
                log=logs / "peer.log",
                python=str(python),
            ) as port:
                yield Peer(worker, port, **built)
        finally:
            worker.kill()
            worker.wait()


def _asked(worker: subprocess.Popen[str], line: str) -> Any:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(f"{line}\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())
    except (BrokenPipeError, json.JSONDecodeError) as error:
        raise Unavailable("its process ended; see peer_worker.log") from error


def _vacuum() -> None:
    wrapper = databases.open_connection(databases.PEER)
    with wrapper.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    wrapper.close()


def _environment() -> dict[str, str]:
    given = connections.settings["default"]
    wanted = {key: str(given.get(key) or "") for key in ("HOST", "PORT", "USER", "PASSWORD")}
    return {
        **databases.environment(databases.PEER),
        "DJANGO_SETTINGS_MODULE": "settings",
        "PYTHONPATH": "",
        "PEER_NAME": databases.PEER,
        "PEER_TIME_ZONE": settings.TIME_ZONE,
        **{f"PEER_{key}": value for key, value in wanted.items()},
    }
