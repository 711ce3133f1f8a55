"""What is late, as everybody who plans the days may know it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext_lazy

from clinic.models import Patient, User
from consultations.offers import session_label
from consultations.queries import awaiting_reading
from consultations.releases import to_release
from consultations.worklists import readings, sessions

_READING = gettext_lazy("Reading of the test injection")


@dataclass(frozen=True)
class Late:
    """A visit that should be on the books or over: whose, what, since when, and who knows the patient. `test` is the one
    to be read, where a reading is overdue; `is_refused` where visits on the books cannot take place, `is_paused` where
    they may again."""

    patient: Patient
    what: str
    since: datetime | None
    who: str
    test: UUID | None = None
    is_refused: bool = False
    is_paused: bool = False


def refused(*, user: User, at: datetime) -> list[Late]:
    """Patients whose visits cannot take place and wait to be released, without a word of why."""
    return [
        Late(
            each.patient,
            each.words,
            None,
            str(each.visits[0].practitioner),
            is_refused=True,
            is_paused=each.is_paused,
        )
        for each in to_release(user=user, at=at)
    ]


def everything(*, at: datetime) -> list[Late]:
    """Readings due or overdue and sessions overdue, as everybody who plans the days may know them: no findings."""
    found = [
        Late(
            row.test.patient,
            str(_READING),
            row.window.opens_at,
            str(row.test.practitioner),
            row.test.pk if row.is_overdue else None,
        )
        for row in readings.due(awaiting_reading(), at)
        if row.is_overdue or row.is_open
    ]
    for row in sessions.late(at=at):
        plan = row.planned.plan
        what = session_label(row.planned.ordinal, row.total)
        found.append(Late(plan.patient, what, row.since, str(plan.consultation.practitioner)))
    return found
