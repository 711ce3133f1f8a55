"""Where the secret comes from that opens backups: a file, the environment, or systemd. Never the command line, which others see."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from clinic import credentials
from clinic.backup import BackupError

KEY_FILE, PASSPHRASE = "MESOCLINIC_BACKUP_KEY_FILE", "MESOCLINIC_BACKUP_PASSPHRASE"
SHORTEST = 20  # characters: what a key of 120 bits takes, or a passphrase of five words


def secret(key_file: str | None) -> bytes:
    """The secret in the file that is named, in the one the environment names, or the passphrase (clinic.credentials).

    Raises:
        BackupError: there is none, two, a short one, or one that others may read.
    """
    from_file = key_file or os.environ.get(KEY_FILE)
    try:
        passphrase = credentials.secret(PASSPHRASE)
    except credentials.CredentialError as error:
        raise BackupError(str(error)) from error
    if passphrase and from_file and not key_file:
        raise BackupError(f"{KEY_FILE} and {PASSPHRASE} are both set; unset one of them.")
    if from_file:
        found = _read(Path(from_file))
    elif passphrase:
        found = passphrase.strip().encode()
    else:
        raise BackupError(
            f"Backups are encrypted: name a key file with --key-file or {KEY_FILE}, or set {PASSPHRASE}."
        )
    if len(found) < SHORTEST:
        raise BackupError(
            f"The key is shorter than {SHORTEST} characters. Make one with: manage backup --new-key FILE"
        )
    return found


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise BackupError(f"Others may read the key file {path}. First: chmod 600 {path}")
        return path.read_bytes().strip()
    except OSError as error:
        raise BackupError(f"The key file {path} cannot be read: {error.strerror}.") from error


def make(path: Path) -> None:
    """A new key of 256 random bits in a file of its own, which only its owner may read.

    Raises:
        BackupError: there is such a file already (a key that is written over opens no backup any more).
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BackupError(f"No key was made: {path}: {error.strerror}.") from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
