"""Checks after sessions that are due: derived from the sessions, paged by the database."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    CharField,
    DateTimeField,
    DurationField,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models import ExpressionWrapper as Worked
from django.utils import timezone

from clinic.enums import ContactReason
from clinic.intervals import local_day
from clinic.models import ContactEntry, ContactTry, Patient, User
from consultations.enums import EventOutcome
from consultations.models import AdverseEvent, FollowUp, FollowUpRule, Session
from consultations.models.session import SessionQuerySet
from consultations.rules.follow_ups import Span, due_on, next_after, spans


class Due:
    """The sessions whose check is due, the longest first. It is sliced like a query set and counted like one; a slice is
    one query, which looks up patient, plan and calls of its own rows only: behind it are the sessions of three months."""

    def __init__(self, sessions: SessionQuerySet, found: list[Span]) -> None:
        self._sessions, self._found = sessions, found

    def __getitem__(self, part: slice) -> QuerySet[Session]:
        """Those of the part, each with `rule_code`, `due_at` (the session's moment, the rule's days later), `is_called`
        (somebody calls already) and the last try of the desk."""
        chosen = self._sessions.annotate(due_at=_due_at(self._found)).order_by("due_at", "pk")[part]
        return self._worded(Session.objects.filter(pk__in=chosen.values("pk")))

    def where(self, **which: Any) -> QuerySet[Session]:
        """The same of one session or patient."""
        return self._worded(self._sessions.filter(**which))

    def _worded(self, rows: QuerySet[Session]) -> QuerySet[Session]:
        found = self._found
        codes = Case(
            *(When(_within(span), then=Value(span.rule.code)) for span in found), output_field=CharField()
        )
        return (
            rows.annotate(rule_code=codes, due_at=_due_at(found), is_called=Exists(_calling()), **_last_try())
            .select_related("patient", "practitioner", "plan__indication", "planned")
            .order_by("due_at", "pk")
        )

    def visible_to(self, user: User) -> "Due":
        """Those that the person may see."""
        return Due(self._sessions.visible_to(user), self._found)

    def not_called(self) -> "Due":
        """Those whom nobody calls yet."""
        return Due(self._sessions.filter(~Exists(_calling())), self._found)

    def count(self) -> int:
        """How many; one query."""
        return self._sessions.count()


def due(*, at: datetime) -> Due:
    """The last session given of each plan whose check is due and was not made. Patients who died of an event are never
    called. One query for the rules."""
    found = spans(FollowUpRule.objects.current(), on=timezone.localdate(at))
    wanted = Q() if found else Q(pk__in=[])
    for span in found:
        wanted |= _within(span) & ~Exists(_made(span.rule))
    return Due(_last_given().filter(wanted), found)


def _due_at(found: list[Span]) -> Worked:
    return Worked(F("started_at") + _days(found), output_field=DateTimeField())


def _last_given() -> SessionQuerySet:
    """Sessions given after which no other of the plan was."""
    later = Session.objects.given().filter(plan=OuterRef("plan"))
    later = later.filter(
        Q(started_at__gt=OuterRef("started_at")) | Q(started_at=OuterRef("started_at"), pk__gt=OuterRef("pk"))
    )
    died = AdverseEvent.objects.in_force().filter(patient=OuterRef("patient"), outcome=EventOutcome.FATAL)
    return Session.objects.given().filter(~Exists(later), ~Exists(died))


def _within(span: Span) -> Q:
    zone = timezone.get_default_timezone()
    return Q(
        started_at__gte=local_day(span.first, zone).starts_at,
        started_at__lt=local_day(span.last, zone).ends_at,
    )


def _made(rule: FollowUpRule) -> QuerySet[FollowUp]:
    """The check by any version of its rule."""
    return FollowUp.objects.filter(session=OuterRef("pk"), rule__code=rule.code)


def _days(found: list[Span]) -> Case:
    cases = [When(_within(span), then=Value(timedelta(days=span.rule.days))) for span in found]
    return Case(*cases, output_field=DurationField())


def _calling() -> QuerySet[ContactEntry]:
    """Somebody calls about a check already, of this session or of another: a patient is on the list once."""
    return ContactEntry.objects.open().filter(patient=OuterRef("patient"), reason=ContactReason.FOLLOW_UP)


def _last_try() -> dict[str, Any]:
    tries = ContactTry.objects.filter(
        entry__patient=OuterRef("patient"),
        entry__reason=ContactReason.FOLLOW_UP,
        tried_at__gte=OuterRef("started_at"),
    ).order_by("-tried_at", "-pk")
    return {
        "tried_at": Subquery(tries.values("tried_at")[:1]),
        "tried_outcome": Subquery(tries.values("outcome")[:1], output_field=CharField()),
    }


@dataclass(frozen=True, slots=True)
class Check:
    """A check of one session: due, or the next to come."""

    session: Session
    rule: FollowUpRule
    due_on: date
    is_due: bool
    is_called: bool = False


def of_patient(patient: Patient, *, at: datetime) -> list[Check]:
    """For each plan's last session the check that is due, else the next to come; three queries, two where none was given
    lately."""
    rules = list(FollowUpRule.objects.current())
    today = timezone.localdate(at)
    longest = max((rule.days + rule.open_days for rule in rules), default=0)
    recent = _last_given().filter(patient=patient, started_at__gte=at - timedelta(days=longest + 1))
    recent = recent.annotate(is_called=Exists(_calling()))
    sessions = list(recent.select_related("practitioner", "plan__indication", "planned"))
    if not sessions:
        return []
    made = set(FollowUp.objects.filter(session__in=sessions).values_list("session", "rule__code"))
    return [check for each in sessions if (check := _check(each, rules, made, today))]


def _check(session: Session, rules: list[FollowUpRule], made: set, today: date) -> Check | None:
    day = timezone.localdate(session.started_at)
    for span in spans(rules, on=today):
        if span.first <= day <= span.last and (session.pk, span.rule.code) not in made:
            return Check(session, span.rule, due_on(day, span.rule), True, session.is_called)
    coming = next_after(rules, session_day=day, on=today)
    return Check(session, coming, due_on(day, coming), False) if coming else None
