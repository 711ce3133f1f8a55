"""A visit as the diary shows it, and who waits at the counter. Read only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinic import readiness
from clinic.enums import UPCOMING, AppointmentStatus
from clinic.intervals import MINUTE
from clinic.models import Appointment, Patient, User, WalkIn
from clinic.queries import told_by_visit

CALLED_OFF = frozenset({AppointmentStatus.CANCELLED, AppointmentStatus.NO_SHOW})
TO_COME = UPCOMING | {AppointmentStatus.ARRIVED}
_ON_THE_BOOKS = UPCOMING | {AppointmentStatus.HELD}
# Numbers of the eight colours in diary.css. Never the only sign: a card says its status in a word, with an icon.
STATUS_COLOURS = {
    AppointmentStatus.HELD: 5,
    AppointmentStatus.PROVISIONAL: 6,
    AppointmentStatus.BOOKED: 2,
    AppointmentStatus.CONFIRMED: 1,
    AppointmentStatus.ARRIVED: 4,
    AppointmentStatus.IN_PROGRESS: 3,
    AppointmentStatus.COMPLETED: 8,
    AppointmentStatus.CANCELLED: 8,
    AppointmentStatus.NO_SHOW: 8,
}
_SHORT = 5  # rows; below this a card has one line


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a column: its first row, counted from 1, and how many it takes."""

    row: int
    span: int


@dataclass(frozen=True, slots=True)
class Card:
    """A visit as the diary shows it. `name` is as short as tells the day's patients apart; `told` is whether the patient
    knows of a change, and None where there is nothing to tell."""

    visit: Appointment
    name: str
    badge: readiness.Badge
    place: Place | None = None
    told: bool | None = None

    @property
    def label(self) -> str:
        """What is done: the pathway's words ("Session 2 of 6"), else the type's name."""
        return self.badge.label or str(self.visit.type)

    @property
    def shows_readiness(self) -> bool:
        """Whether ready or not is still a question, and the pathway has an opinion of this visit."""
        return bool(self.visit.purpose) and self.visit.status in TO_COME

    @property
    def missing(self) -> str:
        """The first thing that is missing, in words; empty when nothing is."""
        conditions = self.badge.verdict.conditions
        return conditions[0].what if conditions else ""

    @property
    def status_words(self) -> str:
        """The state in words; a hold with the time until which it holds."""
        words = str(AppointmentStatus(self.visit.status).label)
        if not self.visit.held_until:
            return words
        until = timezone.localtime(self.visit.held_until)
        same_day = until.date() == timezone.localdate(self.visit.starts_at)
        moment = date_format(until, "H:i" if same_day else pgettext("date and time format", "D j M, H:i"))
        return _("%(held)s until %(moment)s") % {"held": words, "moment": moment}

    @property
    def status_colour(self) -> int:
        """The number of the status's colour; the type has its own."""
        return STATUS_COLOURS[AppointmentStatus(self.visit.status)]

    @property
    def is_short(self) -> bool:
        """Whether there is room for one line only."""
        return self.place is not None and self.place.span < _SHORT

    @property
    def has_to_move(self) -> bool:
        """Whether it is still to come although its practitioner takes no patients any more."""
        return self.visit.status in _ON_THE_BOOKS and not self.visit.practitioner.is_active

    @property
    def is_over(self) -> bool:
        """Done or called off."""
        return self.visit.status in CALLED_OFF | {AppointmentStatus.COMPLETED}


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody at the counter: checked in, or a walk-in that holds no time yet. `minutes` is how long so far."""

    name: str
    minutes: int
    card: Card | None = None
    walk_in: WalkIn | None = None


def cards_of(
    visits: Sequence[Appointment], *, user: User, at: datetime, hides_names: bool = False
) -> list[Card]:
    """The visits as cards, in their order; `visits` come with their people. `hides_names` shows clinic numbers."""
    names = names_of([each.patient for each in visits], hides_names=hides_names)
    badges = readiness.pathway().badges(visits, user=user, at=at) if visits else {}
    told = told_by_visit(visits) if visits else {}
    nothing = readiness.Badge()
    return [
        Card(each, names[each.patient_id], badges.get(each.pk, nothing), told=told.get(each.pk))
        for each in visits
    ]


def waiting_now(*, user: User, at: datetime, hides_names: bool = False) -> list[Waiting]:
    """Who is at the counter today and not yet seen, longest wait first."""
    today = timezone.localdate(at)
    visits = list(Appointment.objects.visible_to(user).on_day(today).waiting().with_people())
    walk_ins = list(WalkIn.objects.visible_to(user).waiting().select_related("patient"))
    people = [*(each.patient for each in visits), *(each.patient for each in walk_ins)]
    names = names_of(people, hides_names=hides_names)
    found = [
        Waiting(names[card.visit.patient_id], _minutes(card.visit.arrived_at, at), card=card)
        for card in cards_of(visits, user=user, at=at)
    ]
    found += [Waiting(names[each.patient_id], _minutes(each.came_at, at), walk_in=each) for each in walk_ins]
    return sorted(found, key=lambda each: -each.minutes)


def names_of(patients: Collection[Patient], *, hides_names: bool) -> dict[UUID, str]:
    """What each patient is called on the screen: a short name, or only the clinic number."""
    if hides_names:
        return {each.pk: numbered(each) for each in patients}
    return short_names(patients)


def numbered(patient: Patient) -> str:
    """The patient without the name, for a screen that others can see."""
    return f"№ {patient.number}"


def short_names(patients: Collection[Patient]) -> dict[UUID, str]:
    """For each patient as much of the name as it takes to tell the patients of this collection apart.

    Family name and initial; else the whole name; else the whole name with the clinic number (twins, namesakes).
    """
    people = {each.pk: each for each in patients}
    short = Counter(each.short_name for each in people.values())
    full = Counter(each.name for each in people.values())

    def name(patient: Patient) -> str:
        if short[patient.short_name] == 1:
            return patient.short_name
        return patient.name if full[patient.name] == 1 else f"{patient.name} № {patient.number}"

    return {key: name(patient) for key, patient in people.items()}


def _minutes(since: datetime | None, at: datetime) -> int:
    return max(0, (at - since) // MINUTE) if since else 0
