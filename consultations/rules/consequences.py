"""What moving or releasing a visit does to the later visits of its plan: judged by the rules of booking.

Test, reading and sessions follow each other; a later one may come too soon, too late, outside its window, before a test
clears it or after the test has expired.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import Readiness
from clinic.intervals import clock_time
from clinic.models import Appointment
from clinic.readiness import Changes, Condition, Consequence, Consequences, Span, Verdict, Visit
from consultations import purposes
from consultations.dates import in_words, start_of_day
from consultations.enums import TestRequirement
from consultations.models import PlannedSession
from consultations.purposes import Kind, Purpose
from consultations.queries import PlanFacts
from consultations.rules import clearance, late_readings, plans, retest, visits
from consultations.rules.codes import MAY_STILL_COME
from consultations.rules.patch_test import Window, repeat_from

_FIRST = {Kind.TEST: -2, Kind.READING: -1}  # before session 1
_NO_CHANGE: Changes = {}


@dataclass(frozen=True)
class CourseConsequences(Consequences):
    """For the visits asked about: the facts of their plans by purpose, and what each of the visits is for."""

    facts: Mapping[str, PlanFacts]
    asked: Mapping[UUID, str]
    at: datetime

    @classmethod
    def read(
        cls, plans_: Iterable[PlanFacts], asked: Iterable[Appointment], *, at: datetime
    ) -> CourseConsequences:
        """Over the facts of the plans that the visits belong to."""
        facts: dict[str, PlanFacts] = {}
        for each in plans_:
            sessions = [purposes.session_of(planned) for planned in each.planned]
            looks = [purposes.reading_of(each.plan), purposes.late_reading_of(each.plan)]
            facts |= dict.fromkeys([purposes.test_of(each.plan), *looks, *sessions], each)
        return cls(facts, {visit.pk: visit.purpose for visit in asked}, at)

    def label(self, appointment: Appointment) -> str:
        """See clinic.readiness."""
        facts, planned = self._facts(appointment), self._planned(appointment)
        if facts is None or planned is None:
            return ""
        return _("Session %(ordinal)s of %(total)s") % {
            "ordinal": planned.ordinal,
            "total": len(facts.planned),
        }

    def followers(self, appointment: Appointment) -> list[Appointment]:
        """See clinic.readiness. A visit that begins the plan anew (its consultation, its review) has none."""
        facts, rank = self._facts(appointment), self._rank(appointment)
        if facts is None or rank is None:
            return []
        later = [
            (place, each)
            for each in facts.visits
            if each.is_upcoming and each.ends_at > self.at
            for place in [_rank_in(facts, purposes.parse(each.purpose))]
            if place is not None and place > rank
        ]
        return [each for _place, each in sorted(later, key=lambda row: (row[0], row[1].starts_at))]

    def of(self, appointment: Appointment, changes: Changes) -> Consequence:
        """See clinic.readiness. What was wrong before the changes is not their doing."""
        facts = self._facts(appointment)
        if facts is None:
            return Consequence(appointment)
        before = {each.code for each in self._missing(appointment, appointment.starts_at, _NO_CHANGE)}
        missing = self._missing(appointment, appointment.starts_at, changes)
        refused = tuple(each for each in missing if each.code not in before)
        span = self.span(appointment, changes)
        said = refused or tuple(self._worth_knowing(appointment, facts, changes))
        return Consequence(appointment, self.label(appointment), said, bool(refused), span)

    def awaited(
        self, appointment: Appointment, starts_at: datetime, changes: Changes
    ) -> tuple[Condition, ...]:
        """See clinic.readiness: a test that has expired by then, for one."""
        now = {each.code for each in self._judged(appointment, appointment.starts_at, _NO_CHANGE).conditions}
        then = self._judged(appointment, starts_at, changes).conditions
        return tuple(each for each in then if each.code in MAY_STILL_COME and each.code not in now)

    def refusal(self, appointment: Appointment, starts_at: datetime, changes: Changes) -> Condition | None:
        """See clinic.readiness."""
        return next(iter(self._missing(appointment, starts_at, changes)), None)

    def span(self, appointment: Appointment, changes: Changes, *, keeps_later: bool = False) -> Span | None:
        """See clinic.readiness."""
        facts, kind = self._facts(appointment), purposes.parse(appointment.purpose).kind
        if facts is None:
            return None
        together = self._together(facts, changes)
        if kind == Kind.READING:
            return _reading_span(visits.window_for_reading(facts, together, at=appointment.starts_at))
        if kind == Kind.LATE_READING:
            return _reading_span(late_readings.window_at(facts, at=appointment.starts_at))
        if kind == Kind.TEST:
            return self._test_span(appointment, facts, together)
        planned = self._planned(appointment)
        if planned is None or planned.pk in {session.planned_id for session in facts.given}:
            return None
        span = self._session_span(appointment, facts, planned, changes)
        return self._before_next(span, facts, planned, changes) if span and keeps_later else span

    def urgency(self, appointment: Appointment) -> tuple[int, datetime]:
        """Readings first; then what needs a test, by how soon that expires; then by time."""
        facts, planned = self._facts(appointment), self._planned(appointment)
        if purposes.parse(appointment.purpose).kind == Kind.READING:
            return (0, appointment.starts_at)
        if facts and planned and (until := _expires(facts, appointment.starts_at)):
            return (1, until)
        return (2, appointment.starts_at)

    def _missing(self, appointment: Appointment, starts_at: datetime, changes: Changes) -> list[Condition]:
        """What would refuse the visit then."""
        judged = self._judged(appointment, starts_at, changes)
        if judged.state != Readiness.REFUSED:
            return []
        return [each for each in judged.conditions if each.code not in MAY_STILL_COME]

    def _judged(self, appointment: Appointment, starts_at: datetime, changes: Changes) -> Verdict:
        purpose, facts = purposes.parse(appointment.purpose), self._facts(appointment)
        if facts is None:
            return visits.CLEAR
        together = self._together(facts, {**changes, appointment.pk: starts_at})
        visit = Visit(facts.plan.patient, appointment.purpose, starts_at, appointment)
        return visits.verdict(visit, purpose, facts, together=together, starting=False)

    def _worth_knowing(
        self, appointment: Appointment, facts: PlanFacts, changes: Changes
    ) -> Iterator[Condition]:
        """A gap that has become longer than the plan allows for, or an earlier session that is no longer booked."""
        before, after = self.span(appointment, _NO_CHANGE), self.span(appointment, changes)
        if (
            after
            and appointment.starts_at >= after.latest
            and before
            and appointment.starts_at < before.latest
        ):
            day = in_words(after.latest - timedelta(minutes=1))
            sentence = _("The gap to the session before becomes longer than planned: best by %(day)s.")
            yield Condition("too_late", sentence % {"day": day})
        open_before, open_now = (
            self._earlier_open(appointment, facts, _NO_CHANGE),
            self._earlier_open(appointment, facts, changes),
        )
        if lost := [each for each in open_now if each not in open_before]:
            sentence = _("Session %(ordinal)s comes first: book it again before this one.")
            yield Condition("earlier_session", sentence % {"ordinal": lost[0].ordinal})

    def _earlier_open(
        self, appointment: Appointment, facts: PlanFacts, changes: Changes
    ) -> list[PlannedSession]:
        """The sessions before this one that are neither given nor on the books."""
        planned, together = self._planned(appointment), self._together(facts, changes)
        given = {session.planned_id for session in facts.given}
        return [
            each
            for each in facts.planned
            if planned
            and each.ordinal < planned.ordinal
            and each.pk not in given
            and not together.times(purposes.session_of(each), facts)
        ]

    def _test_span(self, appointment: Appointment, facts: PlanFacts, together: visits.Together) -> Span:
        """Where its reading, if it stays, is inside the window."""
        earliest, policy = max(self.at, repeat_from(facts) or self.at), facts.plan.test_policy
        readings = together.times(purposes.reading_of(facts.plan), facts)
        if not readings:
            return Span(earliest, max(earliest, appointment.starts_at), appointment.starts_at)
        read_at = max(readings)
        earliest = max(earliest, read_at - timedelta(hours=policy.reading_until_hours) + timedelta(minutes=1))
        until = read_at - timedelta(hours=policy.reading_from_hours) + timedelta(minutes=1)
        words = _("No time is right for it before its reading on %(day)s. Move the reading first.")
        return Span(
            earliest, max(earliest, appointment.starts_at), until, until, words % {"day": in_words(read_at)}
        )

    def _session_span(
        self, appointment: Appointment, facts: PlanFacts, planned: PlannedSession, changes: Changes
    ) -> Span | None:
        instead = {
            each.pk: changes[visit]
            for visit, purpose in self._purposes(facts, changes).items()
            for each in facts.planned
            if purpose == purposes.session_of(each) and each.pk != planned.pk
        }
        rows = plans.windows(facts, on=timezone.localdate(self.at), instead=instead)
        window = next(each for each in rows if each.planned.pk == planned.pk)
        zone = timezone.get_default_timezone()
        clock = timezone.localtime(appointment.starts_at, zone).time()
        ideal = max(clock_time(window.ideal, clock, zone), self.at)
        cleared = self._cleared_from(facts, start_of_day(window.earliest), changes)
        if cleared is None and "test_first" in {
            each.code for each in self._missing(appointment, ideal, changes)
        }:
            return None
        earliest = max(start_of_day(window.earliest), cleared or self.at, self.at)
        ideal = max(ideal, earliest)
        latest = max(start_of_day(window.latest + timedelta(days=1)), ideal)
        until = _expires(facts, earliest)
        too_late = _("No time is right for it: what clears it expires before. Book a new test first.")
        return Span(earliest, ideal, min(latest, until) if until else latest, until, too_late)

    def _cleared_from(self, facts: PlanFacts, on: datetime, changes: Changes) -> datetime | None:
        """From when the test that is read, or awaited, clears a session; None when none does."""
        needed = retest.requirement(facts) != TestRequirement.NOT_REQUIRED
        moment = max(on, self.at)
        if not needed or clearance.test_settled(facts, moment):
            return moment
        if settles_from := clearance.settled_from(facts, moment):
            return settles_from
        return visits.test_clears_from(facts, together=self._together(facts, changes))

    def _before_next(
        self, span: Span, facts: PlanFacts, planned: PlannedSession, changes: Changes
    ) -> Span | None:
        """The part of the span that leaves the next session on the books its gap."""
        together = self._together(facts, changes)
        for before, after in pairwise(facts.planned):
            if before.pk != planned.pk:
                continue
            for moment in together.times(purposes.session_of(after), facts):
                last_day = plans.local_day(moment) - timedelta(days=max(after.min_gap_days, 1))
                until = start_of_day(last_day + timedelta(days=1))
                words = _(
                    "No time is right for it before session %(ordinal)s on %(day)s. Move that one first."
                )
                too_late = words % {"ordinal": after.ordinal, "day": in_words(moment)}
                if span.until and span.until <= until:
                    until, too_late = span.until, span.too_late
                return Span(span.earliest, min(span.ideal, until), min(span.latest, until), until, too_late)
        return span

    def _together(self, facts: PlanFacts, changes: Changes) -> visits.Together:
        wished = {purpose: changes[key] for key, purpose in self._purposes(facts, changes).items()}
        return visits.Together(wished)

    def _purposes(self, facts: PlanFacts, changes: Changes) -> dict[UUID, str]:
        """What the changed visits of the plan are for, those called off among them."""
        known = {**self.asked, **{each.pk: each.purpose for each in facts.visits}}
        return {key: known[key] for key in changes if key in known and self.facts.get(known[key]) is facts}

    def _facts(self, appointment: Appointment) -> PlanFacts | None:
        return self.facts.get(appointment.purpose)

    def _planned(self, appointment: Appointment) -> PlannedSession | None:
        purpose, facts = purposes.parse(appointment.purpose), self._facts(appointment)
        if facts is None:
            return None
        return next((each for each in facts.planned if each.pk == purpose.key), None)

    def _rank(self, appointment: Appointment) -> int | None:
        facts = self._facts(appointment)
        return _rank_in(facts, purposes.parse(appointment.purpose)) if facts else None


def _rank_in(facts: PlanFacts, purpose: Purpose) -> int | None:
    """Where the visit stands in the plan: test, reading, then the sessions by number; None for any other."""
    if purpose.kind in _FIRST:
        return _FIRST[purpose.kind] if purpose.key == facts.plan.pk else None
    if purpose.kind != Kind.SESSION:
        return None
    return next((each.ordinal for each in facts.planned if each.pk == purpose.key), None)


def _reading_span(window: Window | None) -> Span | None:
    if window is None:
        return None
    words = _("No other day is right for it: the test is read until %(day)s at the latest.")
    too_late = words % {"day": in_words(window.last_moment)}
    return Span(window.opens_at, window.due_at, window.closes_at, window.closes_at, too_late)


def _expires(facts: PlanFacts, on: datetime) -> datetime | None:
    """Until when the test that clears a session on that day is valid; None where no test is needed or none clears."""
    if retest.requirement(facts) == TestRequirement.NOT_REQUIRED:
        return None
    reading = clearance.clearing_reading(facts, on)
    return reading.valid_until if reading else None
