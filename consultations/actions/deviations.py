"""What happened although it should not have: recorded by name, on the incident list, clearing nothing."""

from collections.abc import Collection
from datetime import datetime

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from clinic.models import User
from consultations.models import Deviation, Plan


def record_deviation(
    *,
    plan: Plan,
    codes: Collection[str],
    reason: str,
    happened_at: datetime,
    findings: str = "",
    field: str = "deviation_reason",
    by: User,
    at: datetime,
) -> Deviation:
    """Write the deviation down; called inside the action that records what happened. `findings` is what was seen of it,
    for those who may read records; `field` is where the page asks for the reason.

    Raises:
        DomainError: no reason, or it has not happened yet.
    """
    if not reason.strip():
        raise DomainError(_("Say why it happened."), "reason_missing", field=field)
    if happened_at > at:
        raise DomainError(
            _("A deviation records what has happened; this lies in the future."),
            "future",
            field="started_at",
        )
    return Deviation.objects.create(
        patient_id=plan.patient_id,
        plan=plan,
        codes=sorted(set(codes)),
        reason=reason,
        findings=findings,
        happened_at=happened_at,
        recorded_at=at,
        recorded_by=by,
    )
