"""Makes a backup: the database as of one moment while everybody works on, then the photographs.

In this order every photograph the dump knows has its file: files are written before their rows, and never changed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from clinic import readiness
from clinic.backup import BackupError, archive, fingerprints, postgres, sealed

Tell = Callable[[str], None]
# Uploads under way; whole files have no such name.
_UNFINISHED = ".part"
_EVERY_FILES = 500


@dataclass(frozen=True)
class Taken:
    """A backup that was made. `lacking` are photographs on record whose file is missing or is not the one recorded."""

    path: Path
    byte_count: int
    sha256: str
    files: int
    rows: int
    lacking: list[str]


def take(target: Path, secret: bytes, *, at: datetime, tell: Tell) -> Taken:
    """Write the backup to `target`, a file or a folder; under its name stands a whole backup or none.

    Raises:
        BackupError: nothing was kept.
    """
    path = target / f"mesoclinic-{at:%Y%m%dT%H%M%SZ}.backup" if target.is_dir() else target
    with _whole_or_none(path) as out:
        sealing = sealed.SealingWriter(out, secret, cost=settings.BACKUP_SCRYPT_COST)
        with postgres.snapshot() as name:
            tell("Database: counting…")
            tables = fingerprints.of_all_tables()
            named = dict(readiness.pathway().files())
            writer = archive.Writer(sealing, _about(tables, at=at))
            writer.add_dump(
                postgres.dump(snapshot=name), told=lambda count: tell(f"Database: {count >> 20} MB…")
            )
        tell(f"Database: {writer.contents.dump_bytes:,} bytes of dump.")
        _add_files(writer, tell)
        writer.finish()
        sealing.finish()
    files = writer.contents.files
    return Taken(
        path=path,
        byte_count=path.stat().st_size,
        sha256=_digest(path),
        files=len(files),
        rows=sum(int(rows) for rows, _sum in tables.values()),
        lacking=sorted(file for file, digest in named.items() if files.get(file) != digest),
    )


def settle(folder: Path) -> None:
    """A name is on the disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def secret_key_check(salt: str) -> str:
    """Tells after a restore whether SECRET_KEY is still the one of then, without saying what it is."""
    return hmac.new(salt.encode(), settings.SECRET_KEY.encode(), hashlib.sha256).hexdigest()


def _about(tables: fingerprints.Fingerprints, *, at: datetime) -> dict[str, Any]:
    salt = secrets.token_hex(16)
    return {
        "made_at": at.isoformat(),
        "postgresql": postgres.server_version(),
        "migrations": postgres.ask("SELECT app, name FROM django_migrations ORDER BY app, name"),
        "roles": postgres.roles(),
        "tables": tables,
        "secret_key": [salt, secret_key_check(salt)],
    }


def _add_files(writer: archive.Writer, tell: Tell) -> None:
    folder = Path(settings.PHOTO_DIR)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for number, path in enumerate(paths, 1):
        if path.suffix == _UNFINISHED or not path.is_file():
            continue
        try:
            writer.add_file(path.name, path.read_bytes())
        except FileNotFoundError:
            continue  # an upload that was refused, after the dump: no row of it names this file
        if not number % _EVERY_FILES:
            tell(f"Photographs: {number:,} of {len(paths):,} files…")
    tell(f"Photographs: {len(writer.contents.files):,} files.")


@contextmanager
def _whole_or_none(path: Path) -> Iterator[IO[bytes]]:
    """A file for its owner only, which gets its name once all of it is on the disk.

    Raises:
        BackupError: it cannot be written; nothing is left of it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise BackupError(f"{path} exists already; a backup is never written over.")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"The backup cannot be written to {part}: {error.strerror}.") from error
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.rename(path)
        settle(path.parent)
    except OSError as error:
        raise BackupError(f"The backup cannot be written to {part}: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
