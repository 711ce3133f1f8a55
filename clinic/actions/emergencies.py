"""Opening a patient's emergency summary, and looking at that afterwards."""

from datetime import datetime, timedelta

from clinic.actions.locking import explained
from clinic.models import ClinicSettings, EmergencyOpening, Patient, User
from clinic.rules import emergencies as rules


@explained
def open_summary(*, patient: Patient, reason: str, by: User, at: datetime) -> EmergencyOpening:
    """For the clinic's minutes, to the one who asks. Nobody is asked first: in an emergency there is no time for that.

    Raises:
        NotAllowed: by a practitioner, who reads the record itself.
        DomainError: reason_too_short.
    """
    rules.check_may_open(by)
    rules.check_reason(reason)
    minutes = ClinicSettings.current().emergency_minutes
    return EmergencyOpening.objects.create(
        patient=patient,
        reason=reason,
        opened_by=by,
        opened_at=at,
        ends_at=at + timedelta(minutes=minutes),
    )


@explained
def review(*, opening: EmergencyOpening, note: str, by: User, at: datetime) -> EmergencyOpening:
    """Another admin has looked at why it was opened, and says what was found.

    Raises:
        NotAllowed: no admin.
        DomainError: their own, reviewed before, or no note.
    """
    rows = EmergencyOpening.objects.select_related("reviewed_by")
    row = rows.select_for_update(no_key=True, of=("self",)).get(pk=opening.pk)
    rules.check_may_review(by, row)
    rules.check_note(note)
    row.review_note, row.reviewed_by, row.reviewed_at = note, by, at
    row.save(update_fields=["review_note", "reviewed_by", "reviewed_at"])
    return row
