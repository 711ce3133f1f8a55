"""Brings a backup back into an empty database and an empty folder of photographs, or changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from clinic import readiness
from clinic.backup import BackupError, archive, fingerprints, postgres, sealed
from clinic.backup.taking import Tell, secret_key_check, settle

_STAGING = ".restoring"


@dataclass(frozen=True)
class Seen:
    """A backup that was read from its beginning to its proven end."""

    about: dict[str, Any]
    contents: archive.Contents

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(int(rows) for rows, _sum in self.about["tables"].values())


@dataclass(frozen=True)
class Restored:
    """What came back, and what the person has to see to."""

    seen: Seen
    roles_made: list[str]
    is_older: bool
    is_other_secret_key: bool


def verify(path: Path, secret: bytes) -> Seen:
    """Read all of the backup and change nothing.

    Raises:
        BackupError: it is cut, altered, or another key's.
    """
    return _read(path, secret, lambda _name, _content: None)


def restore(path: Path, secret: bytes, *, tell: Tell) -> Restored:
    """Prove the whole backup, then bring it back; before the first is done nothing is changed.

    Raises:
        BackupError: cut, altered, another key's, a newer version's; there are tables or photographs already, or another
            restore is under way; a role is missing; or what came back differs from what went in, and only then is
            something left.
    """
    with postgres.restoring_alone():
        return _restore(path, secret, tell=tell)


def _restore(path: Path, secret: bytes, *, tell: Tell) -> Restored:
    _check_empty()
    folder = Path(settings.PHOTO_DIR)
    with _staging(folder) as staging:
        tell("Reading the whole backup…")
        seen = _read(path, secret, lambda name, content: _keep(staging / name, content))
        known = set(MigrationLoader(None).disk_migrations)
        applied = {(app, name) for app, name in seen.about["migrations"]}
        if newer := sorted(".".join(each) for each in applied - known):
            raise BackupError(
                f"This backup was made by a newer Mesoclinic (it knows {newer[-1]}). Install that version and try again."
            )
        tell(
            f"It is whole: {seen.rows:,} rows, {len(seen.contents.files):,} files. Bringing back the database…"
        )
        made = _bring_back(path, secret, seen)
        _into_place(staging, folder)
    tell("Comparing every table and file…")
    _check_same(seen)
    postgres.analyze()
    salt, check = seen.about["secret_key"]
    return Restored(seen, made, bool(known - applied), check != secret_key_check(salt))


def _read(path: Path, secret: bytes, keep: Callable[[str, bytes], None]) -> Seen:
    with _opened(path, secret) as reader:
        return Seen(reader.about, reader.everything(keep))


@contextmanager
def _opened(path: Path, secret: bytes) -> Iterator[archive.Reader]:
    try:
        with path.open("rb") as source:
            yield archive.Reader(sealed.OpeningReader(source, secret))
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror}.") from error


def _check_empty() -> None:
    if not postgres.is_empty():
        name = connection.settings_dict["NAME"]
        raise BackupError(
            f"The database {name} is not empty; a backup is never restored over anything. Name an empty one (docs/operations.md)."
        )
    folder = Path(settings.PHOTO_DIR)
    if folder.exists() and any(each.name != _STAGING for each in folder.iterdir()):
        raise BackupError(f"There are files in {folder}; a backup is never restored over anything.")


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder for its owner only, inside the photographs' own, which may be a disk of its own; gone afterwards."""
    is_new = not folder.exists()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = folder / _STAGING
    if staging.exists():
        shutil.rmtree(staging)  # of a restore that was killed: all of it is in the backup
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        shutil.rmtree(staging)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def _keep(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _bring_back(path: Path, secret: bytes, seen: Seen) -> list[str]:
    """The database; returns the roles that were made for it."""
    made = postgres.make_roles(seen.about["roles"])
    try:
        with _opened(path, secret) as reader:
            postgres.load(reader.dump())
    except BaseException:
        postgres.drop_roles(made)
        raise
    return made


def _into_place(staging: Path, folder: Path) -> None:
    for file in staging.iterdir():
        file.rename(folder / file.name)
    settle(folder)


def _check_same(seen: Seen) -> None:
    """What is in the database and the folder now is what went into the backup."""
    if differing := fingerprints.that_differ(seen.about["tables"], fingerprints.of_all_tables()):
        raise BackupError(
            "Restored, but not the same. Do not work with it. Different: " + "; ".join(differing)
        )
    files = seen.contents.files
    if lacking := [name for name, digest in readiness.pathway().files() if files.get(name) != digest]:
        raise BackupError(
            f"Restored as it was backed up: {len(lacking)} photographs lacked their file then already; check_photos names them."
        )
