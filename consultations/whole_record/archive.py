"""The ZIP: record.html, record.json, the photographs, and the SHA-256 of each, made while it is sent.

Nothing of it is written to a disk, and of the photographs one piece at a time is in memory.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from clinic.models import Patient
from consultations import photographs
from consultations.models import Photo
from consultations.whole_record import as_data, as_page
from consultations.whole_record.rows import Record
from consultations.whole_record.tables import HISTORY, LEFT_OUT, TABLES

_PIECE = 1 << 16  # bytes
Member = tuple[str, Iterable[bytes]]


class _Pipe:
    """What a ZIP is written to when it cannot be gone back in; hands out what has come."""

    def __init__(self) -> None:
        self._come: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._come.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def taken(self) -> bytes:
        come, self._come = self._come, []
        return b"".join(come)


def name_of(patient: Patient, at: datetime) -> str:
    """The clinic number and the day; no name stands in a list of downloads."""
    return f"record-{patient.number}-{timezone.localdate(at).isoformat()}.zip"


def sent(record: Record, *, why: str) -> Iterator[bytes]:
    """The file, piece by piece, in the clinic's language. `why` says for whom and what for."""
    with translation.override(settings.LANGUAGE_CODE):
        yield from _zipped(_members(record, why), record.read_at)


def absent(record: Record) -> list[str]:
    """What the file does not say, in sentences."""
    missing = [row.file for row in record.photos() if not _path(row.model).exists()]  # type: ignore[arg-type]
    left_out = {str(words) for table in TABLES for words in as_data.columns_left_out(table).values()}
    sentences = [
        _(
            "Of the clinic's staff: names of practitioners stand beside what they did; of others only the role."
        ),
        *(f"{capfirst(str(words))}." for words in (*sorted(left_out), *LEFT_OUT.values(), HISTORY)),
        _("Photographs that were called an error: they may show somebody else."),
        _("Letters and papers that were never entered."),
    ]
    if missing:
        sentences.append(
            _("Files that are missing from the store: %(names)s") % {"names": ", ".join(missing)}
        )
    return sentences


def _members(record: Record, why: str) -> Iterator[Member]:
    said = {"why": why, "absent": absent(record)}
    yield "record.html", (piece.encode() for piece in as_page.pieces(record, **said))
    yield "record.json", (piece.encode() for piece in as_data.pieces(record, **said))
    for row in record.photos():
        assert isinstance(row.model, Photo)
        if _path(row.model).exists():
            yield row.file, _read(row.model)


def _zipped(members: Iterable[Member], at: datetime) -> Iterator[bytes]:
    pipe, sums = _Pipe(), ""
    with ZipFile(pipe, "w") as archive:
        for name, content in members:
            digest = hashlib.sha256()
            with archive.open(_info(name, at), "w") as file:
                for piece in content:
                    digest.update(piece)
                    file.write(piece)
                    if come := pipe.taken():
                        yield come
            sums += f"{digest.hexdigest()}  {name}\n"
        archive.writestr(_info("checksums.txt", at), sums)
    yield pipe.taken()


def _info(name: str, at: datetime) -> ZipInfo:
    info = ZipInfo(name, timezone.localtime(at).timetuple()[:6])
    info.compress_type = ZIP_STORED if name.endswith(".jpg") else ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _path(photo: Photo) -> Path:
    return photographs.path_of(photo.file_name)


def _read(photo: Photo) -> Iterator[bytes]:
    with _path(photo).open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
