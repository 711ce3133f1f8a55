"""Erasing again what an older backup has brought back, as the ledger tells it."""

from datetime import datetime

from django.db.models import Q

from clinic.enums import ErasureStage
from clinic.errors import DomainError
from clinic.models import Erasure, ErasureDone, Patient, User
from consultations.actions import erasing
from consultations.erasure.ledger import Line


def carry_out(*, line: Line, answers: User | None, by: None, at: datetime) -> ErasureDone | None:
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
