"""Leaflets: handed out to read, on record with the version."""

from datetime import datetime

from clinic.actions.locking import explained
from clinic.models import Patient, User
from consultations.enums import HandoutWay
from consultations.models import Consultation, Leaflet, LeafletHandout, Plan
from consultations.rules import authorship
from consultations.rules.leaflets import check_handed


@explained
def hand_out(
    *,
    leaflet: Leaflet,
    patient: Patient,
    plan: Plan | None = None,
    consultation: Consultation | None = None,
    way: HandoutWay,
    handed_to: str,
    by: User,
    at: datetime,
) -> LeafletHandout:
    """Record that this very version was given to somebody to read; handed out twice is recorded twice.

    Raises:
        NotAllowed: only practitioners.
        DomainError: a version that is not in force, or nobody named.
    """
    authorship.check_may_record(by)
    current = Leaflet.objects.get(pk=leaflet.pk)
    check_handed(current, handed_to)
    return LeafletHandout.objects.create(
        leaflet=current,
        patient=patient,
        plan=plan,
        consultation=consultation,
        way=way,
        handed_to=handed_to.strip(),
        handed_at=at,
        handed_by=by,
    )
