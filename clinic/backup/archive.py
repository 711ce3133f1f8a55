"""What is in a backup, as a stream: `about.json`, the dump in parts, the photographs, and `contents.json` at its end.

Inside the encryption it is a plain tar file, so that a later program, or a person, needs nothing of ours to read it. The
dump comes in parts because a tar file names each length first, and the dump's is not known before its end.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO, RawIOBase
from typing import Any

from clinic.backup import BackupError

FORMAT = 1
_ABOUT, _CONTENTS = "about.json", "contents.json"
_PART = re.compile(r"database/\d{6}")
_FILE = re.compile(r"photos/([0-9a-z.]{1,100})")
_PART_BYTES = 8 << 20


@dataclass
class Contents:
    """What went in: digest and length of the dump, and the SHA-256 of each file by its name."""

    dump_sha256: str = ""
    dump_bytes: int = 0
    files: dict[str, str] = field(default_factory=dict)


class Writer:
    """Writes an archive, in the order of its methods."""

    def __init__(self, out: RawIOBase, about: dict[str, Any]) -> None:
        self.contents = Contents()
        self._tar = tarfile.TarFile.open(fileobj=out, mode="w|", format=tarfile.USTAR_FORMAT)
        self._add(_ABOUT, json.dumps({"format": FORMAT, **about}).encode())

    def add_dump(self, pieces: Iterable[bytes], *, told: Callable[[int], None]) -> None:
        """The database; `told` hears how many bytes there are so far."""
        digest, waiting, parts = hashlib.sha256(), bytearray(), 0
        for piece in pieces:
            digest.update(piece)
            self.contents.dump_bytes += len(piece)
            waiting += piece
            if len(waiting) >= _PART_BYTES:
                parts += 1
                self._add(f"database/{parts:06}", bytes(waiting))
                waiting.clear()
                told(self.contents.dump_bytes)
        self._add(f"database/{parts + 1:06}", bytes(waiting))
        self.contents.dump_sha256 = digest.hexdigest()

    def add_file(self, name: str, content: bytes) -> None:
        """One photograph.

        Raises:
            BackupError: a name that no photograph has.
        """
        if not _FILE.fullmatch(f"photos/{name}"):
            raise BackupError(
                f"What is the file {name!r} doing among the photographs? Take it away and try again."
            )
        self._add(f"photos/{name}", content)
        self.contents.files[name] = hashlib.sha256(content).hexdigest()

    def finish(self) -> None:
        """The list of contents, and the end."""
        self._add(_CONTENTS, json.dumps(vars(self.contents)).encode())
        self._tar.close()

    def _add(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, BytesIO(content))


class Reader:
    """Reads an archive once, from its beginning to its end.

    Raises:
        BackupError: made by a newer version.
    """

    def __init__(self, source: RawIOBase) -> None:
        self._source = source
        self._tar = tarfile.TarFile.open(fileobj=source, mode="r|")
        self._entries = iter(self._tar)
        self.about = json.loads(self._content(next(self._entries, None), _ABOUT))
        if self.about["format"] > FORMAT:
            raise BackupError(
                "This backup was made by a newer Mesoclinic. Install that version and try again."
            )

    def dump(self) -> Iterator[bytes]:
        """The database's part, and nothing after it."""
        for entry in self._entries:
            if not _PART.fullmatch(entry.name):
                return
            yield self._content(entry, entry.name)

    def everything(self, keep: Callable[[str, bytes], None]) -> Contents:
        """Read it all, give each file to `keep`, and hold it against the list of contents.

        Raises:
            BackupError: something is missing, or is not what went in.
        """
        found, digest = Contents(), hashlib.sha256()
        listed: dict[str, Any] | None = None
        for entry in self._entries:
            content = self._content(entry, entry.name)
            if named := _FILE.fullmatch(entry.name):
                keep(named.group(1), content)
                found.files[named.group(1)] = hashlib.sha256(content).hexdigest()
            elif _PART.fullmatch(entry.name):
                digest.update(content)
                found.dump_bytes += len(content)
            elif entry.name == _CONTENTS:
                listed = json.loads(content)
        found.dump_sha256 = digest.hexdigest()
        self._read_to_the_end()
        if listed != vars(found):
            raise BackupError(
                "This backup is not whole: what is in it is not what its list of contents says."
            )
        return found

    def _read_to_the_end(self) -> None:
        """A tar file ends before its padding does; only the end of the file proves that nothing was cut."""
        while self._source.read(_PART_BYTES):
            pass

    def _content(self, entry: tarfile.TarInfo | None, name: str) -> bytes:
        opened = self._tar.extractfile(entry) if entry is not None and entry.name == name else None
        if opened is None:
            raise BackupError(f"This backup is not whole: {name} is missing.")
        return opened.read()
