"""Recalls: everybody a trace names comes on the contact list, and the recall keeps which call is whose."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions.locking import explained, lock
from clinic.enums import ContactReason
from clinic.errors import DomainError
from clinic.models import User
from consultations.actions import calls
from consultations.models import Recall, RecallCall
from consultations.rules import recalls as rules
from consultations.tracing import Trace


@explained
def begin(*, trace: Trace, by: User, at: datetime) -> Recall:
    """Put everybody it was used for on the contact list. Begun again, it leaves out whom it has reached.

    Raises:
        NotAllowed: only practitioners recall.
        DomainError: not_quarantined, period_missing, or nobody to call.
    """
    practitioner = rules.check_may_begin(trace, by)
    patients = list(trace.to_call())
    if not patients:
        raise DomainError(
            _("There is nobody to call: nobody was injected with it, or all have been reached."),
            "nobody_to_call",
        )
    lock(patients=sorted(each.pk for each in patients))
    recall = Recall.objects.create(
        **{trace.kind: trace.thing},
        first_on=trace.first_on,
        last_on=trace.last_on,
        begun_at=at,
        begun_by=by,
    )
    for patient in patients:
        entry = calls.ask(patient=patient, reason=ContactReason.RECALL, who=practitioner, by=by, at=at)
        RecallCall.objects.create(recall=recall, entry=entry)
    return recall
