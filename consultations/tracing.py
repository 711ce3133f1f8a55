"""From a lot, a device, a practitioner or a room: the injections it was part of, their patients, and what is planned with it.

No rows are counted or held in memory here: every list is a query that a page takes its part of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from clinic.enums import Role
from clinic.intervals import local_day
from clinic.models import Appointment, Device, Patient, Practitioner, Room, User
from consultations.enums import SessionOutcome
from consultations.models import Lot, PatchTest, Plan, PlannedSession, Recall, RecallCall, Session

Thing = Lot | Device | Practitioner | Room
KINDS: dict[str, type[Model]] = {"lot": Lot, "device": Device, "practitioner": Practitioner, "room": Room}


def things(kind: str, user: User) -> QuerySet[Any]:
    """What of this kind the person may trace: practitioners and admins all of it, nobody else any (as lots are seen).

    Raises:
        KeyError: nothing of this kind can be traced.
    """
    rows = KINDS[kind]._default_manager.all()
    if kind == "lot":
        rows = rows.select_related("component", "quarantined_by")
    return rows if user.has_role(Role.PRACTITIONER, Role.ADMIN) else rows.none()


@dataclass(frozen=True, slots=True)
class Trace:
    """What is traced, over which clinic days, both included; None is from the beginning, or without end."""

    thing: Thing
    first_on: date | None = None
    last_on: date | None = None

    @property
    def kind(self) -> str:
        """The name under which it is asked for."""
        return next(kind for kind, model in KINDS.items() if isinstance(self.thing, model))

    def tests(self) -> QuerySet[PatchTest]:
        """Test injections it was part of. Drafts and errors too: what was written down may have been injected.

        A device is the one that the visit held, because a test names none.
        """
        of = {
            "lot": Q(used_lots__lot=self.thing),
            "device": Q(appointment__device=self.thing),
            "practitioner": Q(practitioner=self.thing),
            "room": Q(appointment__room=self.thing),
        }
        return self._within(PatchTest.objects.filter(of[self.kind]), "given_at")

    def sessions(self) -> QuerySet[Session]:
        """Sessions it was part of, as `tests`; one that was not given used nothing.

        Where the record names no device, it is the one that the visit held.
        """
        of = {
            "lot": Q(used_lots__lot=self.thing),
            "device": Q(device=self.thing) | Q(device=None, appointment__device=self.thing),
            "practitioner": Q(practitioner=self.thing),
            "room": Q(appointment__room=self.thing),
        }
        used = Session.objects.exclude(outcome=SessionOutcome.NOT_GIVEN).filter(of[self.kind])
        return self._within(used, "started_at")

    def uses(self, user: User) -> QuerySet[Any]:
        """(key, moment, "test" or "session") of each of them that the person may read, the newest first."""
        tests = self.tests().visible_to(user).order_by().annotate(kind=Value("test"))
        sessions = self.sessions().visible_to(user).order_by().annotate(kind=Value("session"))
        both = tests.values_list("pk", "given_at", "kind").union(
            sessions.values_list("pk", "started_at", "kind"), all=True
        )
        return both.order_by("-given_at", "pk")

    def patients(self) -> QuerySet[Patient]:
        """Whom they were given to, by name; of a record that was merged the one that is kept."""
        kept = Coalesce("patient__merged_into", "patient")
        tested, treated = (
            rows.order_by().annotate(kept=kept).values("kept") for rows in (self.tests(), self.sessions())
        )
        return Patient.objects.filter(Q(pk__in=tested) | Q(pk__in=treated)).by_name()

    def to_come(self, *, user: User, at: datetime) -> QuerySet[PlannedSession]:
        """Sessions on the books that are planned with it, the next first.

        Lots are not reserved: any lot of a component may be used, so that each session whose formula holds it counts.
        """
        rows = PlannedSession.objects.filter(self._planned_with(), plan__in=Plan.objects.visible_to(user))
        return (
            rows.filter(appointment__in=Appointment.objects.upcoming(at))
            .select_related("appointment__patient", "plan__indication")
            .distinct()
            .order_by("appointment__starts_at", "pk")
        )

    def to_call(self) -> QuerySet[Patient]:
        """Its patients but those that a recall of the same thing and days has reached; for a lot the days do not matter."""
        days = {} if self.kind == "lot" else {"first_on": self.first_on, "last_on": self.last_on}
        recalls = Recall.objects.filter(**{self.kind: self.thing}, **days)
        reached = RecallCall.objects.filter(recall__in=recalls, entry__told=True)
        return self.patients().exclude(pk__in=reached.values("entry__patient"))

    def _planned_with(self) -> Q:
        if not isinstance(self.thing, Lot):
            return Q(**{f"appointment__{self.kind}": self.thing})
        code = self.thing.component.code
        return Q(formula__parts__component__code=code) | Q(
            formula=None, plan__formula__parts__component__code=code
        )

    def _within(self, rows: QuerySet[Any], column: str) -> QuerySet[Any]:
        zone = timezone.get_default_timezone()
        if self.first_on:
            rows = rows.filter(**{f"{column}__gte": local_day(self.first_on, zone).starts_at})
        if self.last_on:
            rows = rows.filter(**{f"{column}__lt": local_day(self.last_on, zone).ends_at})
        return rows


def records(rows: Iterable[tuple[UUID, datetime, str]]) -> list[PatchTest | Session]:
    """The records behind rows of `Trace.uses`, in their order; two queries for all of them."""
    rows = list(rows)
    beside = ("patient", "practitioner", "appointment__room")
    found: dict[UUID, PatchTest | Session] = {
        **PatchTest.objects.select_related(*beside, "entered_in_error").in_bulk(
            [key for key, _moment, kind in rows if kind == "test"]
        ),
        **Session.objects.select_related(*beside, "entered_in_error", "device").in_bulk(
            [key for key, _moment, kind in rows if kind == "session"]
        ),
    }
    return [found[key] for key, _moment, _kind in rows if key in found]


def used_at(record: PatchTest | Session) -> datetime:
    """When something was injected."""
    return record.given_at if isinstance(record, PatchTest) else record.started_at


def calls_of(trace: Trace, patients: Iterable[Patient]) -> dict[UUID, RecallCall]:
    """The latest call of each of the patients for what is traced, whatever days the recall was of; two queries."""
    calls = (
        RecallCall.objects.filter(**{f"recall__{trace.kind}": trace.thing}, entry__patient__in=list(patients))
        .select_related("entry__closed_by")
        .prefetch_related("entry__tries")
        .order_by("recall__begun_at", "pk")
    )
    return {each.entry.patient_id: each for each in calls}
