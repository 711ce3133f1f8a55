"""The aftercare sheet, kept as it was handed out."""

from datetime import datetime

from clinic.models import ClinicSettings, User
from consultations.models import AftercareSheet, Session
from consultations.rules import aftercare


def hand_out(*, session: Session, by: User, at: datetime) -> AftercareSheet:
    """Keep what the patient was told, word for word; part of signing a session that was given.

    Later versions of the rules change nothing of it.
    """
    views = {row.zone.view for row in session.zones.select_related("zone")}
    sheet = aftercare.sheet_of(session, views=views, ended_at=session.ended_at or at)
    return AftercareSheet.objects.create(
        session=session,
        advice=[[each.what, each.until.isoformat()] for each in sheet.advice],
        call_if=list(sheet.call_if),
        emergencies=list(sheet.emergencies),
        emergency_number=ClinicSettings.current().emergency_number,
        handed_at=at,
        handed_by=by,
    )
