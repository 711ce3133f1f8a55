"""Visits on the books that cannot take place any more, after a positive test or a plan that was stopped: whose times
wait to be released. Read in a fixed number of queries, none but one where no such patient has a visit to come.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import ngettext

from clinic import readiness
from clinic.enums import Readiness
from clinic.models import Appointment, Patient, User
from consultations.dates import in_words
from consultations.enums import PlanStatus, TestResult
from consultations.models import Plan, TestReading

MOST = 50  # patients: every diary page counts them


@dataclass(frozen=True)
class ToRelease:
    """A patient with visits that the pathway refuses, the soonest first; at least one."""

    patient: Patient
    visits: list[Appointment]

    @property
    def words(self) -> str:
        """How many, and when the first would be."""
        count = len(self.visits)
        said = ngettext(
            "%(n)s visit that cannot take place, on %(first)s",
            "%(n)s visits that cannot take place, the first on %(first)s",
            count,
        )
        return said % {"n": count, "first": in_words(self.visits[0].starts_at)}


def to_release(*, user: User, at: datetime) -> list[ToRelease]:
    """The patients to call, whose visit would be soonest first; at most MOST."""
    patients = _closed(user, at)
    if not patients:
        return []
    rows = _to_come(user, at).filter(patient__in=patients).with_people().order_by("starts_at", "pk")
    visits = list(rows)
    badges = readiness.pathway().badges(visits, user=user, at=at)
    found: dict[Patient, list[Appointment]] = {}
    for visit in visits:
        if visit.pk in badges and badges[visit.pk].verdict.state == Readiness.REFUSED:
            found.setdefault(visit.patient, []).append(visit)
    return [ToRelease(patient, theirs) for patient, theirs in found.items()]


def _closed(user: User, at: datetime) -> list[UUID]:
    """Patients with a positive reading or a stopped plan who have a visit to come; whether it is refused is judged."""
    comes = Exists(_to_come(user, at).filter(patient=OuterRef("patient")))
    positive = TestReading.objects.filter(comes, result=TestResult.POSITIVE)
    stopped = Plan.objects.filter(comes, status=PlanStatus.STOPPED)
    rows = positive.values_list("patient", flat=True).union(stopped.values_list("patient", flat=True))
    return list(rows[:MOST])


def _to_come(user: User, at: datetime) -> QuerySet:
    return Appointment.objects.visible_to(user).upcoming(at).exclude(purpose="")
