"""PostgreSQL's own programs, and what is asked of the database beside them: a snapshot, its roles, whether it is empty."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg2.extensions import make_dsn

from clinic import embedded_places
from clinic.backup import BackupError
from clinic.models import SignIn

# Whoever was signed in must not be so again after a restore, nor counted tries: their rows stay out, the tables are kept.
NOT_KEPT = (SignIn._meta.db_table, settings.CACHES["default"]["LOCATION"])
_READ = 1 << 20
_RESTORING = "hashtext('clinic_restore')"
_ROLES = """
WITH grants AS (
    SELECT aclexplode(relacl) AS a FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT aclexplode(attacl) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT aclexplode(proacl) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT aclexplode(nspacl) FROM pg_namespace WHERE nspname = 'public'
    UNION ALL SELECT aclexplode(defaclacl) FROM pg_default_acl
)
SELECT DISTINCT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND (
    oid IN (SELECT (a).grantee FROM grants) OR oid IN (SELECT (a).grantor FROM grants)
    OR oid IN (SELECT defaclrole FROM pg_default_acl)
) ORDER BY rolname
"""
_RELATIONS = """
SELECT count(*) FROM pg_class
WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
"""


@contextmanager
def snapshot() -> Iterator[str]:
    """Inside, everything that is asked and everything that `dump` reads is as it was at one moment; others go on working.

    Yields the snapshot's name.
    """
    with transaction.atomic():
        ask("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        ask("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
        yield ask("SELECT pg_export_snapshot()")[0][0]


def dump(*, snapshot: str) -> Iterator[bytes]:
    """What pg_dump writes in its custom format, as it writes it.

    Raises:
        BackupError: it failed, with its last words.
    """
    command = [_program("pg_dump"), "--format=custom", "--compress=1", f"--snapshot={snapshot}"]
    command += [f"--exclude-table-data=public.{table}" for table in NOT_KEPT]
    command += [f"--dbname={_address()}"]
    with _running(command, writes=True) as pipe:
        yield from iter(lambda: pipe.read(_READ), b"")


def load(pieces: Iterable[bytes]) -> None:
    """Fill the empty database with what `dump` gave: in one transaction, all or nothing.

    Raises:
        BackupError: pg_restore failed, with its last words. Whatever `pieces` raises: then nothing was loaded either.
    """
    command = [_program("pg_restore"), "--single-transaction", "--exit-on-error", "--no-owner"]
    command += [f"--dbname={_address()}"]
    with (
        _running(command, writes=False) as pipe,
        suppress(BrokenPipeError),
    ):  # it gave up; how it ended says why
        for piece in pieces:
            pipe.write(piece)
        pipe.flush()


@contextmanager
def _running(command: list[str], *, writes: bool) -> Iterator[IO[bytes]]:
    """The pipe from (if it `writes`) or to the program. If the block fails the program is killed, before it could take
    the end of what it is given for the whole.

    Raises:
        BackupError: it ended with an error.
    """
    password = connection.get_connection_params().get("password")
    environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
    ours, theirs = subprocess.PIPE, subprocess.DEVNULL
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            command,
            stdin=theirs if writes else ours,
            stdout=ours if writes else theirs,
            stderr=complaints,
            env=environment,
        )
        pipe = process.stdout if writes else process.stdin
        assert pipe is not None
        try:
            yield pipe
        except BaseException:
            process.kill()
            raise
        finally:
            with suppress(BrokenPipeError):
                pipe.close()
            process.wait()
        if process.returncode:
            complaints.seek(0)
            raise BackupError(f"{Path(command[0]).name} failed: {_first_complaint(complaints)}")


def _first_complaint(complaints: IO[bytes]) -> str:
    lines = [line for line in complaints.read().decode(errors="replace").splitlines() if line.strip()]
    return next((line for line in lines if "error" in line.lower()), "no reason was given")


def _address() -> str:
    """How the programs reach the database; the password goes another way, past the list of processes."""
    known: dict[str, Any] = connection.get_connection_params()
    ours = {"password", "cursor_factory", "options", "client_encoding"}
    return make_dsn(**{name: value for name, value in known.items() if name not in ours and value})


def _program(name: str) -> str:
    """PostgreSQL's program in the server's own version, else in the next newer one that is installed.

    An older pg_dump refuses a newer server; what a newer pg_restore sets, an older server does not know.

    Raises:
        BackupError: there is none.
    """
    server = server_version()
    fitting = {
        version: path for path in _places(name) if (version := _version(path)) >= server
    }  # of one version any will do
    if not fitting:
        raise BackupError(f"{name} of PostgreSQL {server} or newer is needed (Debian: postgresql-client).")
    return fitting[min(fitting)]


def _places(name: str) -> Iterator[str]:
    with suppress(embedded_places.EmbeddedError):  # not installed, where the clinic has a server of its own
        yield str(embedded_places.programs() / name)
    yield from (str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if found := shutil.which(name):
        yield found


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    return int(found.group(1)) if found else 0


def server_version() -> int:
    """PostgreSQL's major version."""
    return int(ask("SHOW server_version_num")[0][0]) // 10000


@contextmanager
def restoring_alone() -> Iterator[None]:
    """Inside, nobody else restores into this database. The lock is the connection's: it goes with a process that is killed.

    Raises:
        BackupError: somebody else is at it.
    """
    if not ask(f"SELECT pg_try_advisory_lock({_RESTORING})")[0][0]:
        name = connection.settings_dict["NAME"]
        raise BackupError(
            f"Another restore into the database {name} is under way. Wait until it has ended; nothing was changed by this one."
        )
    try:
        yield
    finally:
        with suppress(DatabaseError):  # a connection that broke has let it go
            ask(f"SELECT pg_advisory_unlock({_RESTORING})")


def is_empty() -> bool:
    """Whether the database holds nothing but what extensions brought."""
    return ask(_RELATIONS)[0][0] == 0


def roles() -> list[str]:
    """Roles of the server that something is granted to; they belong to the server, so no dump brings them along."""
    return [name for (name,) in ask(_ROLES)]


def make_roles(names: Iterable[str]) -> list[str]:
    """Make those that are missing, without password and sign-in; returns which.

    Raises:
        BackupError: this server's role may not make roles.
    """
    there = {name for (name,) in ask("SELECT rolname FROM pg_roles")}
    missing = [name for name in names if name not in there]
    if (
        missing
        and not ask("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")[0][0]
    ):
        listed = ", ".join(missing)
        raise BackupError(
            f"The backup grants rights to roles this server lacks, and yours may not make any. Make them first: {listed}"
        )
    with transaction.atomic():
        for name in missing:
            ask(f"CREATE ROLE {connection.ops.quote_name(name)} NOLOGIN")
    return missing


def drop_roles(names: Iterable[str]) -> None:
    """Take back what `make_roles` made."""
    for name in names:
        ask(f"DROP ROLE {connection.ops.quote_name(name)}")


def analyze() -> None:
    """Tell the planner what is in the tables; a restore brings no statistics along."""
    with transaction.atomic():
        ask("SET LOCAL statement_timeout = 0")
        ask("ANALYZE")


def ask(question: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """The rows of a question; none of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return cursor.fetchall() if cursor.description else []
