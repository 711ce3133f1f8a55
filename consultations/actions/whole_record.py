"""Handing out a patient's whole record."""

from datetime import datetime

from django.utils.translation import gettext as _

from clinic.actions import readings
from clinic.models import Patient, User
from consultations.rules import authorship
from consultations.whole_record.rows import Record, read
from consultations.whole_record.wanted import RecordWanted

PAGE = "consultations:whole_record"


def hand_out(
    *, patient: Patient, wanted: RecordWanted, whom: str, by: User, at: datetime
) -> tuple[Record, str]:
    """The record as it stands, and for whom and why in words; written down as exported before anything is read.

    Raises:
        NotAllowed: for anybody but practitioners, who alone read clinical records.
        TooMuch: one record too many (clinic.actions.readings).
    """
    authorship.check_may_read(by)
    why = _("%(why)s, for %(whom)s") % {"why": RecordWanted(wanted).label, "whom": whom}
    readings.note_handed_out(patient=patient, page=PAGE, by=by, at=at, reason=why)
    return read(patient, at=at), why
