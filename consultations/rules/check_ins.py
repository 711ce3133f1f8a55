"""Who is asked again on the day of a visit, what for, and which answers a practitioner has to look at first.

The issue's own words and the source document: antibiotics, vaccines, aspirin, laser, retinoids and pregnancy come and
go between two visits, so they are asked before every injection. Which questions, and before what, is reference data.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.enums import AppointmentStatus
from clinic.errors import DomainError
from clinic.models import Appointment
from clinic.readiness import Condition
from consultations import purposes
from consultations.enums import Answer
from consultations.models import CheckIn, CheckInQuestion, PathwayPolicy, PlannedSession
from consultations.purposes import Kind
from consultations.queries import PlanFacts

_NOT_BEGUN = {
    AppointmentStatus.PROVISIONAL,
    AppointmentStatus.BOOKED,
    AppointmentStatus.CONFIRMED,
    AppointmentStatus.ARRIVED,
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the patient answered to one question; without an answer it was left open."""

    asked: CheckInQuestion
    answer: Answer | None
    event_on: date | None = None

    def as_kept(self) -> dict[str, str]:
        """As the record keeps it, with the words that were read."""
        return {
            "question": self.asked.question_code,
            "words": self.asked.words,
            "answer": self.answer or "",
            "event_on": self.event_on.isoformat() if self.event_on else "",
        }


def is_asked(visit: Appointment) -> bool:
    """Whether the visit is for an injection: a session or a test."""
    return purposes.parse(visit.purpose).kind in (Kind.SESSION, Kind.TEST)


def questions_for(visit: Appointment, questions: Iterable[CheckInQuestion]) -> list[CheckInQuestion]:
    """Those that are asked before a visit of this kind."""
    kind = purposes.parse(visit.purpose).kind
    if kind == Kind.SESSION:
        return [each for each in questions if each.before_sessions]
    return [each for each in questions if each.before_tests] if kind == Kind.TEST else []


def check_may_ask(
    visit: Appointment, asked: Iterable[CheckInQuestion], earlier: CheckIn | None, *, at: datetime
) -> None:
    """On the day of a visit for an injection, before it begins, and until it is answered or reviewed.

    Raises:
        DomainError: what stands in the way.
    """
    if not list(asked):
        raise DomainError(_("Before this visit nothing is asked at check-in."), "nothing_asked")
    if earlier is not None:
        check_open(earlier)
    if visit.status not in _NOT_BEGUN or timezone.localdate(visit.starts_at) != timezone.localdate(at):
        raise DomainError(
            _("The questions are asked on the day of the visit, before it begins."), "not_the_day"
        )


def may_ask(
    visit: Appointment, asked: Iterable[CheckInQuestion], earlier: CheckIn | None, *, at: datetime
) -> bool:
    """See check_may_ask."""
    try:
        check_may_ask(visit, asked, earlier, at=at)
    except DomainError:
        return False
    return True


def check_open(check_in: CheckIn) -> None:
    """A check-in is answered once.

    Raises:
        DomainError: answered_already.
    """
    if check_in.answered_at is not None or check_in.reviewed_at is not None:
        raise DomainError(_("The questions of this visit have been answered already."), "answered_already")


def is_required(visit: Appointment, policy: PathwayPolicy) -> bool:
    """Whether the policy has this visit wait for its answers: a session's, never a test's."""
    return policy.check_in_required and purposes.parse(visit.purpose).kind == Kind.SESSION


def unanswered(facts: PlanFacts, planned: PlannedSession, *, on: datetime) -> list[Condition]:
    """`answers_missing`, where the clinic's policy has sessions wait for the answers of their visit of that day.

    Asked when a session begins, never when it is booked. A session without a visit of its own has nobody to hand the
    screen over at the desk: it waits for nothing. The trigger `session_check_in` says the same.
    """
    if not facts.validity.answers_required:
        return []
    day = timezone.localdate(on)
    visits = facts.visits_for(purposes.session_of(planned))
    today = {visit.pk for visit in visits if timezone.localdate(visit.starts_at) == day}
    if not today or any(each.is_settled and each.appointment in today for each in facts.check_ins):
        return []
    sentence = _("The patient has to answer the check-in questions before the session begins.")
    return [Condition("answers_missing", sentence, who=_("the desk"))]


def needs_review(said: Iterable[Said], *, on: date) -> bool:
    """Whether anything but a plain no was answered, or something was left open, for a visit on that day."""
    return any(_needs_eyes(each, on) for each in said)


def _needs_eyes(said: Said, on: date) -> bool:
    """A yes is quiet once its day lies as many days back as the question says (aspirin: days, not weeks, of bruises)."""
    if said.answer == Answer.YES and said.event_on and said.asked.quiet_after_days is not None:
        return said.event_on + timedelta(days=said.asked.quiet_after_days) > on
    return said.answer != Answer.NO


def check_reviewable(check_in: CheckIn, *, note: str) -> None:
    """Only what waits is reviewed, once, and with what came of it.

    Raises:
        DomainError: what stands in the way.
    """
    if check_in.reviewed_at is not None:
        raise DomainError(_("Somebody has looked at these answers already."), "reviewed_already")
    if check_in.answered_at is not None and not check_in.needs_review:
        raise DomainError(
            _("Every question was answered with no: there is nothing to review."), "nothing_open"
        )
    if not note.strip():
        raise DomainError(_("Say what came of it."), "note_missing", field="note")
