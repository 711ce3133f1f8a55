"""The only socket between the desk and the clinical pathway: what the desk may ask and must tell.

The desk knows visits with an opaque `purpose`. The pathway implements `Pathway` and is connected in its
AppConfig.ready(); until then a pathway without an opinion answers, so that the desk works alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Model
from django.urls import reverse

from clinic.enums import Readiness
from clinic.gaps import DayGap, HourGap
from clinic.models import (
    Appointment,
    AppointmentType,
    CaseFile,
    Device,
    Patient,
    PatientMerge,
    Practitioner,
    User,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is missing: what (a sentence anybody at the desk may read), who can fix it, and the earliest
    moment it can be a yes. `detail` says what was found, and is there only for those who may know.
    """

    code: str
    what: str
    who: str = ""
    earliest: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the pathway says of a visit. Booking accepts clear and provisional; starting accepts only clear.

    `is_paused`: refused for nothing but a pause that may end, so that there may be reason to keep the time.
    """

    state: Readiness = Readiness.CLEAR
    conditions: tuple[Condition, ...] = ()
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to be judged: wished for, or (with `appointment`) on the books."""

    patient: Patient
    purpose: str
    starts_at: datetime
    appointment: Appointment | None = None


@dataclass(frozen=True, slots=True)
class PairOffer:
    """The visit that is booked together with an offered one, so long after its start."""

    type: AppointmentType
    label: str
    purpose: str
    shortest: timedelta
    ideal: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Caution:
    """What the desk should tell somebody while it books all the same: a sentence anybody may read, and the last clinic
    day that it does not concern; without one it concerns every day. Nothing is refused for it.
    """

    words: str
    last_on: date | None = None

    def on(self, day: date) -> str:
        """The sentence, where it concerns a visit on this clinic's day; else empty."""
        return self.words if self.last_on is None or day > self.last_on else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something this patient may book next. `conditions` say why it cannot be booked yet, if so."""

    type: AppointmentType
    label: str
    purpose: str = ""
    earliest: datetime | None = None
    ideal: datetime | None = None
    latest: datetime | None = None
    pair: PairOffer | None = None
    conditions: tuple[Condition, ...] = ()
    caution: Caution | None = None


@dataclass(frozen=True, slots=True)
class FixedVisit:
    """A visit of a course that is not to be planned any more: given, or (with `appointment`) on the books."""

    starts_at: datetime
    practitioner: Practitioner
    appointment: Appointment | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One visit of a course. `gap` is counted from the step before; `earliest` and `latest` are hard, `ideal` is
    aimed at (the later of it and the gap's ideal day). `pairs` says that it belongs to the step before.
    """

    type: AppointmentType
    label: str
    purpose: str = ""
    gap: DayGap | HourGap | None = None
    earliest: datetime | None = None
    ideal: datetime | None = None
    latest: datetime | None = None
    fixed: FixedVisit | None = None
    pairs: bool = False
    caution: Caution | None = None


@dataclass(frozen=True, slots=True)
class CourseOffer:
    """Several visits that can be booked in one go. `conditions` say why they cannot be booked yet, if so."""

    key: str
    label: str
    steps: tuple[Step, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Badge:
    """What a diary card shows: "Session 2 of 6", ready or not, and what is missing (as far as the viewer may know)."""

    label: str = ""
    verdict: Verdict = field(default_factory=Verdict)


@dataclass(frozen=True, slots=True)
class Warning:
    """An alert in the patient's header; `serious` ones are red."""

    text: str
    serious: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A way into a clinical page."""

    label: str
    url: str
    icon: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that needs someone: a count, its words, and the list behind it."""

    label: str
    count: int
    url: str
    icon: str = ""
    serious: bool = False


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Clinical work that somebody leaves behind: how much of what, since when, and what to do with it.

    Without a word of what it is about: admins read it. `url` leads those who may go on with it to their list.
    """

    label: str
    count: int
    since: datetime
    advice: str
    url: str = ""


Changes = Mapping[UUID, datetime | None]  # by visit: where it would be instead, or None where it would not be


@dataclass(frozen=True, slots=True)
class Span:
    """When a visit would be right: not before `earliest`, best at `ideal`, after `latest` late, from `until` on wrong.

    `too_late` says why it is wrong from then on, to whoever finds no time before.
    """

    earliest: datetime
    ideal: datetime
    latest: datetime
    until: datetime | None = None
    too_late: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Consequence:
    """What changes of other visits do to this one. `conditions` is what would newly be wrong with it where it is; it is
    refused, or (a gap that is longer than planned) only worth knowing. Without a `span` no other time puts it right.
    """

    appointment: Appointment
    label: str = ""
    conditions: tuple[Condition, ...] = ()
    is_refused: bool = False
    span: Span | None = None


class Consequences:
    """What changes of some visits would do to the other visits of their pathways: read once, asked as often as a plan
    of shifts needs. Without a pathway no visit depends on another.
    """

    def label(self, appointment: Appointment) -> str:
        """What the pathway calls the visit; empty when the type's own name says it."""
        return ""

    def followers(self, appointment: Appointment) -> list[Appointment]:
        """The later visits of the same pathway that are still to come, in their order."""
        return []

    def of(self, appointment: Appointment, changes: Changes) -> Consequence:
        """What the changes do to this visit."""
        return Consequence(appointment)

    def span(self, appointment: Appointment, changes: Changes, *, keeps_later: bool = False) -> Span | None:
        """When the visit would be right. `keeps_later`: without disturbing the later ones that stay where they are.

        None where any time is as good as another.
        """
        return None

    def awaited(
        self, appointment: Appointment, starts_at: datetime, changes: Changes
    ) -> tuple[Condition, ...]:
        """What would have to come first if the visit were at that time, and need not where it is now."""
        return ()

    def refusal(self, appointment: Appointment, starts_at: datetime, changes: Changes) -> Condition | None:
        """Why the pathway would refuse the visit at that time; None where it would not."""
        return None

    def caution(self, appointment: Appointment) -> Caution | None:
        """What to tell somebody where the visit is moved all the same, as of an offer."""
        return None

    def urgency(self, appointment: Appointment) -> tuple[int, datetime]:
        """The order in which visits that lost their place need another: smallest first."""
        return (2, appointment.starts_at)


class Pathway:
    """A pathway without an opinion. The clinical app overrides every call; all of them are bulk."""

    def judge(self, visits: Sequence[Visit], *, at: datetime, starting: bool = False) -> list[Verdict]:
        """One verdict per visit, the visits taken together (a reading beside its test). Asked under the locks."""
        return [Verdict() for _ in visits]

    def booked(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """These were booked or reinstated, in this transaction."""

    def moved(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """These were moved, in this transaction."""

    def released(self, appointments: Sequence[Appointment], *, by: User, at: datetime) -> None:
        """These no longer hold their time, in this transaction."""

    def offers(self, patient: Patient, *, at: datetime) -> list[Offer]:
        """What this patient may book next, the most sensible first."""
        return []

    def courses(self, patient: Patient, *, at: datetime) -> list[CourseOffer]:
        """The courses this patient may book in one go, the most sensible first."""
        return []

    def consequences(self, appointments: Sequence[Appointment], *, at: datetime) -> Consequences:
        """What moving or releasing these visits would do to the later ones."""
        return Consequences()

    def partner(self, appointment: Appointment, *, at: datetime) -> Appointment | None:
        """The visit on the books that means nothing without this one, where the two were not booked as a pair."""
        return None

    def badges(self, appointments: Sequence[Appointment], *, user: User, at: datetime) -> dict[UUID, Badge]:
        """What each card shows this person."""
        return {appointment.pk: Badge() for appointment in appointments}

    def journals(self) -> Sequence[type[Model]]:
        """Append-only tables, numbered by their keys, that get a row when a badge or a count of the diary may change
        although no visit does: open screens watch the newest of each."""
        return ()

    def files(self) -> Iterator[tuple[str, str]]:
        """Every file outside the database that a row names, with its SHA-256: what a backup has to bring along."""
        return iter(())

    def moving(self) -> tuple[type[Model], ...]:
        """Tables with a patient whose rows go along when the patient's record is merged into another."""
        return ()

    def keeping(self, patients: Collection[UUID]) -> set[UUID]:
        """Which of these patients carry records that are never moved: such a record is not merged into another."""
        return set()

    def relied_on(self, visits: Collection[UUID]) -> set[UUID]:
        """Which of these visits records of the pathway point to."""
        return set()

    def merged(self, merge: PatientMerge, *, by: User, at: datetime) -> None:
        """The rows of one record went to the other, in this transaction and under its locks."""

    def taken_apart(self, merge: PatientMerge, *, by: User, at: datetime) -> None:
        """They went back, in this transaction and under its locks."""

    def warnings(self, patients: Sequence[Patient], *, user: User) -> dict[UUID, list[Warning]]:
        """What everybody who meets the patients must know."""
        return {}

    def links(
        self,
        *,
        user: User,
        patient: Patient | None = None,
        appointment: Appointment | None = None,
        device: Device | None = None,
    ) -> list[Link]:
        """Ways into clinical pages, those only that this person may open."""
        return []

    def case_links(self, case_file: CaseFile, *, user: User, at: datetime) -> list[Link]:
        """Ways into the record that a case file opens, for its owner while it opens one."""
        return []

    def review_links(self, *, user: User) -> list[Link]:
        """Ways from the schedule review to lists of the pathway, those only that this person may open."""
        return []

    def notices(self, *, user: User, at: datetime) -> list[Notice]:
        """What needs someone."""
        return []

    def unfinished(self, practitioner: Practitioner, *, user: User) -> list[Unfinished]:
        """What this practitioner has begun and only a colleague can finish, as this person may know it."""
        return []

    def page_in_words(self, page: str) -> str:
        """What people call a page of the record that was written down as opened."""
        return page

    def patient_url(self, patient: Patient) -> str:
        """The patient's page."""
        return reverse("clinic:patient_edit", args=[patient.pk])


_pathway = Pathway()


def connect(pathway: Pathway) -> Pathway:
    """Plug a pathway in; returns the one that was connected before."""
    global _pathway
    before, _pathway = _pathway, pathway
    return before


def pathway() -> Pathway:
    """The connected pathway."""
    return _pathway
