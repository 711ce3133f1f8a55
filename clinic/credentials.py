"""Where secrets come from: the environment, a file that it names, or what systemd has decrypted for this unit alone.

For a secret called NAME: the variable NAME, else the file that NAME_FILE names, else the file NAME in the folder that
CREDENTIALS_DIRECTORY names (`LoadCredentialEncrypted=` in a unit). Plain Python, no Django: the settings ask it. `./run` only asks whether one was given.
"""

import os
from collections.abc import Iterator
from pathlib import Path


class CredentialError(Exception):
    """Nobody can say which secret is meant: there are two, or the file is not there, or empty."""


def secret(name: str, default: str = "") -> str:
    """The secret of this name, or the default where nobody has given one.

    Raises:
        CredentialError: it was given twice, or its file cannot be read or holds nothing.
    """
    variable, *files = os.environ.get(name, ""), *_files(name)
    if len(files) + bool(variable) > 1:
        raise CredentialError(
            f"{name} is given more than once (as a variable, as {name}_FILE, or among systemd's credentials): take one away."
        )
    if not files:
        return variable or default
    try:
        found = files[0].read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CredentialError(f"{name} cannot be read from {files[0]}: {type(error).__name__}.") from error
    if not found:
        raise CredentialError(f"{name}: the file {files[0]} is empty.")
    return found


def _files(name: str) -> Iterator[Path]:
    if named := os.environ.get(f"{name}_FILE"):
        yield Path(named)
    if folder := os.environ.get("CREDENTIALS_DIRECTORY"):
        kept = Path(folder) / name
        if kept.exists():
            yield kept
