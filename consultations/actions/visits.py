"""What a change of the pathway does to the visits on the books."""

from datetime import datetime
from uuid import UUID

from clinic import readiness
from clinic.actions import visits
from clinic.actions.locking import lock
from clinic.enums import AppointmentStatus, Readiness
from clinic.models import Appointment, User


def hold_still(patient_id: UUID) -> None:
    """Lock the patient before anything is decided: every booking and every gate takes the same lock."""
    lock(patients=[patient_id])


def resettle(*, patient_id: UUID, by: User, at: datetime) -> list[Appointment]:
    """Judge the patient's upcoming visits anew: what is clear becomes booked, what is open becomes provisional.

    A refused visit keeps its time until a person releases it; it cannot be started meanwhile. Returns what changed.
    """
    upcoming = list(
        Appointment.objects.upcoming(at)
        .filter(
            patient_id=patient_id,
            status__in=[AppointmentStatus.PROVISIONAL, AppointmentStatus.BOOKED],
        )
        .exclude(purpose="")
        .select_related("patient")
    )
    judged = readiness.pathway().judge(
        [readiness.Visit(each.patient, each.purpose, each.starts_at, each) for each in upcoming],
        at=at,
    )
    clear = [each for each, verdict in zip(upcoming, judged, strict=True) if verdict.state == Readiness.CLEAR]
    unclear = [each for each in upcoming if each not in clear]
    changed = visits.settle(appointments=clear, status=AppointmentStatus.BOOKED, by=by, at=at)
    return changed + visits.settle(appointments=unclear, status=AppointmentStatus.PROVISIONAL, by=by, at=at)
