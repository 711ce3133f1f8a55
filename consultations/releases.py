"""Visits on the books that cannot take place any more: after a positive test, an allergy to a component, or a plan that
was stopped. Their times wait to be released. A plan on hold may go on: its times may be released, and need not.

Read in a fixed number of queries, none but one where no such patient has a visit to come.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Value
from django.utils.translation import ngettext

from clinic import readiness
from clinic.enums import Readiness
from clinic.models import Appointment, Patient, User
from clinic.readiness import Verdict, Visit
from consultations import purposes
from consultations.dates import in_words
from consultations.enums import PlanStatus, TestResult
from consultations.models import Allergy, Component, Plan, TestReading
from consultations.queries import PlanFacts, facts_of
from consultations.rules import visits

MOST = 50  # patients: every diary page counts them
_URGENT, _PAUSED = 0, 1


@dataclass(frozen=True)
class ToRelease:
    """A patient with visits that the pathway refuses, the soonest first; at least one. `is_paused`: all of them for a
    plan on hold and nothing else."""

    patient: Patient
    visits: list[Appointment]
    is_paused: bool = False

    @property
    def words(self) -> str:
        """How many, and when the first would be."""
        count = len(self.visits)
        if self.is_paused:
            said = ngettext(
                "%(n)s visit on hold, on %(first)s", "%(n)s visits on hold, the first on %(first)s", count
            )
        else:
            said = ngettext(
                "%(n)s visit that cannot take place, on %(first)s",
                "%(n)s visits that cannot take place, the first on %(first)s",
                count,
            )
        return said % {"n": count, "first": in_words(self.visits[0].starts_at)}


def to_release(*, user: User, at: datetime) -> list[ToRelease]:
    """The patients to call, whose visit would be soonest first, those on hold last; at most MOST."""
    patients = _closed(user, at)
    if not patients:
        return []
    rows = _to_come(user, at).filter(patient__in=patients).with_people().order_by("starts_at", "pk")
    to_come = list(rows)
    badges = readiness.pathway().badges(to_come, user=user, at=at)
    verdicts = {key: badge.verdict for key, badge in badges.items()}
    found: dict[Patient, list[Appointment]] = {}
    for visit in to_come:
        if visit.pk in verdicts and verdicts[visit.pk].state == Readiness.REFUSED:
            found.setdefault(visit.patient, []).append(visit)
    told = [
        ToRelease(patient, theirs, all(verdicts[each.pk].is_paused for each in theirs))
        for patient, theirs in found.items()
    ]
    return sorted(told, key=lambda each: each.is_paused)


def refused_among(plans: Iterable[PlanFacts], *, at: datetime) -> ToRelease | None:
    """The same of some plans of one patient, from what is known of them already; None where nothing is refused."""
    refused = [
        (visit, verdict)
        for facts in plans
        for visit, verdict in _judged(facts, at)
        if verdict.state == Readiness.REFUSED
    ]
    if not refused:
        return None
    in_order = sorted((visit for visit, _verdict in refused), key=lambda each: each.starts_at)
    return ToRelease(
        in_order[0].patient, in_order, is_paused=all(verdict.is_paused for _visit, verdict in refused)
    )


def of_patient(patient: Patient, known: Iterable[PlanFacts], *, at: datetime) -> ToRelease | None:
    """The same of all the patient's visits; a plan that is not among the `known` ones, as one that was stopped, is read
    only where a visit to come is for it. One query where nothing is known, none where no such plan has a visit."""
    plans = list(known)
    coming = plans[0].visits if plans else _to_come_for(patient, at)
    meant = [purposes.parse(each.purpose) for each in coming if each.is_upcoming and each.ends_at > at]
    keys = {each.key for each in meant if each.key}
    keys -= {key for facts in plans for key in (facts.plan.pk, *(each.pk for each in facts.planned))}
    if keys:
        closed = Plan.objects.filter(
            Q(pk__in=keys) | Q(planned_sessions__in=keys), patient=patient
        ).distinct()
        plans += facts_of(list(closed)).values()
    return refused_among(plans, at=at)


def _to_come_for(patient: Patient, at: datetime) -> list[Appointment]:
    return list(Appointment.objects.upcoming(at).filter(patient=patient).exclude(purpose=""))


def _judged(facts: PlanFacts, at: datetime) -> Iterator[tuple[Appointment, Verdict]]:
    """The plan's own visits that are still to come, as they stand."""
    sessions = [purposes.session_of(each) for each in facts.planned]
    readings = (purposes.reading_of(facts.plan), purposes.late_reading_of(facts.plan))
    its_own = {purposes.test_of(facts.plan), *readings, *sessions}
    for each in facts.visits:
        if each.purpose in its_own and each.is_upcoming and each.ends_at > at:
            visit = Visit(each.patient, each.purpose, max(each.starts_at, at), each)
            purpose, alone = purposes.parse(each.purpose), visits.Together()
            yield each, visits.verdict(visit, purpose, facts, together=alone, starting=False)


def _closed(user: User, at: datetime) -> list[UUID]:
    """Patients with a visit to come and something that may close it, those with a mere pause last; it is judged later."""
    comes = Exists(_to_come(user, at).filter(patient=OuterRef("patient")))
    rows = _keys(TestReading.objects.filter(comes, result=TestResult.POSITIVE), _URGENT).union(
        _keys(Plan.objects.filter(comes, status=PlanStatus.STOPPED), _URGENT),
        _keys(_allergies_to_a_component().filter(comes), _URGENT),
        _keys(Plan.objects.filter(comes, status=PlanStatus.ON_HOLD), _PAUSED),
    )
    return list(dict.fromkeys(patient for patient, _urgency in rows.order_by("urgency")[:MOST]))


def _keys(rows: QuerySet, urgency: int) -> QuerySet:
    urgency_ = Value(urgency, output_field=IntegerField())
    return rows.order_by().annotate(whose=F("patient"), urgency=urgency_).values_list("whose", "urgency")


def _allergies_to_a_component() -> QuerySet[Allergy]:
    """In force, and to a group that some version of a component of a plan still under way is in."""
    in_the_group = Component.objects.filter(allergen_groups__contains=[OuterRef(OuterRef("group_code"))])
    plans = Plan.objects.filter(
        patient=OuterRef("patient"),
        status__in=[PlanStatus.ACTIVE, PlanStatus.ON_HOLD],
        formula__parts__component__code__in=in_the_group.values("code"),
    )
    return Allergy.objects.in_force().exclude(group_code="").filter(Exists(plans))


def _to_come(user: User, at: datetime) -> QuerySet:
    return Appointment.objects.visible_to(user).upcoming(at).exclude(purpose="")
