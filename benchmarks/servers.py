"""Real servers on loopback: the same gunicorn with the same settings for the product, the floor and the peer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep

HOST = "127.0.0.1"
WORKERS, THREADS = 2, 4  # as `./run serve` starts it
_PATIENCE = 60


@contextmanager
def serving(
    name: str,
    wsgi: str,
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    python: str = sys.executable,
) -> Iterator[int]:
    """A running server; yields its port. It ends with the block, whatever happens in it.

    Raises:
        RuntimeError: it does not answer; the last line of its log says why.
    """
    port = _free_port()
    command = [python, "-m", "gunicorn", wsgi, "--preload", "--no-control-socket", "--bind", f"{HOST}:{port}"]
    command += ["--worker-class", "gthread"]
    command += [
        "--workers",
        str(WORKERS),
        "--threads",
        str(THREADS),
        "--keep-alive",
        "30",
        "--log-level",
        "warning",
    ]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environment), stdout=out, stderr=out, start_new_session=True
        )
        try:
            _wait(process, port, name, log)
            yield port
        finally:
            _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, name: str, log: Path) -> None:
    deadline = monotonic() + _PATIENCE
    while True:
        try:
            with closing(HTTPConnection(HOST, port, timeout=10)) as connection:
                connection.request("GET", "/")
                connection.getresponse().read()
            return
        except OSError as error:
            if process.poll() is not None or monotonic() > deadline:
                lines = log.read_text(errors="replace").strip().splitlines()
                raise RuntimeError(
                    f"the server “{name}” does not answer: {lines[-1:] or error} ({log})"
                ) from error
            sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """The workers too: they are of the process' own group."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wanted)
            process.wait(timeout=10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
        else:
            return
