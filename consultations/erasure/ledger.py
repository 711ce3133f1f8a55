"""What was erased, noted outside the database: a backup that is older does not know, and brings it all back."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from clinic.models import ErasureDone
from consultations.erasure.tables import record_of


@dataclass(frozen=True, slots=True)
class Line:
    """One stage that was carried out. The keys of the records say nothing without the backup."""

    erasure: str
    patients: list[str]
    stage: int
    kind: str
    reason: str
    not_before: str
    decided_at: str
    decided_by: str
    done_at: str

    @classmethod
    def of(cls, done: ErasureDone) -> "Line":
        """Of what was done just now."""
        erasure = done.erasure
        return cls(
            erasure=str(erasure.pk),
            patients=[str(each.pk) for each in record_of(erasure.patient)],
            stage=int(done.stage),
            kind=erasure.kind,
            reason=erasure.reason,
            not_before=erasure.not_before.isoformat(),
            decided_at=erasure.decided_at.isoformat(),
            decided_by=erasure.decided_by.get_username(),
            done_at=done.done_at.isoformat(),
        )


def note(done: ErasureDone, file: Path) -> None:
    """Adds a line; on return it is on the disk. To be done before the transaction is over: a line too many does no harm."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(asdict(Line.of(done)), ensure_ascii=False) + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())


def lines(file: Path) -> Iterator[Line]:
    """In the order in which it was done. Raises ValueError, TypeError for a file that is none."""
    for text in file.read_text(encoding="utf-8").splitlines():
        if text.strip():
            yield Line(**json.loads(text))
