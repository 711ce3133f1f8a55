"""What was erased, noted outside the database: a backup that is older does not know, and brings it all back."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.db.models import Q

from clinic.enums import ErasureStage
from clinic.errors import DomainError
from clinic.models import Erasure, ErasureDone, Patient, User
from consultations.actions import erasing
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


def again(line: Line, *, answers: User | None, by: None, at: datetime) -> ErasureDone | None:
    """Carries out again what the line says; None where nothing of it came back. By nobody: the timer does it.

    `answers` is who stands for the decision where whoever made it has no account in this database.

    Raises:
        DomainError: nobody_decided, where there is neither.
    """
    patients = list(Patient.objects.filter(pk__in=line.patients, erased_at=None).order_by("number"))
    erasure = Erasure.objects.in_force().filter(Q(pk=line.erasure) | Q(patient__in=line.patients)).first()
    if not patients or (erasure and erasure.done.filter(stage=line.stage).exists()):
        return None
    if erasure is None:
        erasure = _decided_again(line, patients, answers)
    return erasing.carry_out(
        erasure=erasure, stage=ErasureStage(line.stage), also=patients, anew=True, by=None, at=at
    )


def _decided_again(line: Line, patients: list[Patient], answers: User | None) -> Erasure:
    by = User.objects.filter(username=line.decided_by).first() or answers
    if by is None:
        raise DomainError(
            f"{line.decided_by} has no account here; name somebody who answers for it with --by",
            "nobody_decided",
        )
    whole = {str(each.pk): each for each in patients}
    return Erasure.objects.create(
        pk=line.erasure,
        patient=whole.get(line.patients[0], patients[0]),
        kind=line.kind,
        reason=line.reason,
        not_before=line.not_before,
        decided_at=line.decided_at,
        decided_by=by,
    )
