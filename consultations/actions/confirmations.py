"""A consultation that is older than the clinic allows, confirmed: everything asked again, nothing changed."""

from datetime import datetime

from clinic.actions.locking import explained
from clinic.models import User
from consultations.actions.visits import hold_still, resettle
from consultations.models import Consultation, ConsultationConfirmation
from consultations.rules import authorship, suitability


@explained
def confirm(
    *, consultation: Consultation, asked_again: bool, note: str, by: User, at: datetime
) -> ConsultationConfirmation:
    """The consultation holds for its months again, from `at`; the patient's visits are judged anew.

    Raises:
        NotAllowed: only practitioners.
        DomainError: not signed, found nobody suitable, entered in error, or not asked again.
    """
    authorship.check_may_record(by)
    hold_still(consultation.patient_id)
    row = Consultation.objects.select_related("entered_in_error").get(pk=consultation.pk)
    suitability.check_confirmable(row, asked_again=asked_again)
    confirmed = ConsultationConfirmation.objects.create(
        consultation=row, note=note, confirmed_at=at, confirmed_by=by
    )
    resettle(patient_id=row.patient_id, by=by, at=at)
    return confirmed
