"""When it suits the patient, and how long the visit is: the rows of the chooser that narrow a search.

What is recorded about a patient is chosen to begin with, says that it is recorded, and goes with one click.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from clinic.chooser import PARTS, Part, hours_of
from clinic.intervals import Suits
from clinic.models import AppointmentType, Patient, Practitioner
from clinic.rules.booking import may_last

_ALL_WEEK = "1234567"
_LONGER = (-15, 0, 15, 30, 60)  # minutes by which a visit is offered shorter or longer than its kind
NOTHING = {"days": None, "since": None, "until": None, "part": None}
Link = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Chip:
    """One choice that is a link: it keeps the other choices and changes its own."""

    label: str | Promise
    url: str
    current: bool
    note: str = ""
    conditions: Sequence[Any] = ()


def recorded(patient: Patient, state: dict[str, Any]) -> dict[str, Any]:
    """What a panel that has just been opened begins with: days, hours and practitioner on the patient's record.

    Nothing of it where somebody has asked for one very time; a practitioner who was asked for goes before the usual.
    """
    begin = {"seen": "yes"}
    if state["starts_at"]:
        return begin
    if suits := patient.suits:
        days = "".join(str(day) for day in sorted(suits.weekdays))
        begin |= {"days": None if days == _ALL_WEEK else days}
        begin |= {"since": patient.suits_since, "until": patient.suits_until}
    usual = Practitioner.objects.active().filter(pk=patient.usual_practitioner_id)
    if patient.usual_practitioner_id and not state["practitioner"] and usual.exists():
        begin |= {"practitioner": patient.usual_practitioner_id}
    return begin


def suits_of(state: dict[str, Any]) -> Suits | None:
    """The weekdays and hours that are chosen; None where nothing is."""
    since, until = _hours(state)
    if not state["days"] and since is None and until is None:
        return None
    return Suits(frozenset(map(int, state["days"] or _ALL_WEEK)), since or time.min, until)


def day_chips(state: dict[str, Any], link: Link) -> Iterator[Chip]:
    """Any day, then each weekday to switch on and off."""
    chosen = set(state["days"] or "")
    yield Chip(_("Any day"), link(days=None), not chosen)
    for day in _ALL_WEEK:
        days = "".join(sorted(chosen ^ {day}))
        wanted = None if days == _ALL_WEEK else days
        yield Chip(WEEKDAYS_ABBR[int(day) - 1], link(days=wanted), day in chosen)


def part_chips(state: dict[str, Any], patient: Patient, link: Link) -> Iterator[Chip]:
    """The parts of the day; and the patient's own hours where some are recorded."""
    own = (state["since"], state["until"])
    has_own = not state["part"] and any(own)
    for part, label in PARTS.items():
        is_current = part.value == (state["part"] or "") and not has_own
        yield Chip(label, link(part=part.value, since=None, until=None), is_current)
    hours = own if has_own else (patient.suits_since, patient.suits_until)
    if any(hours):
        yield Chip(hours_in_words(*hours), link(part=None, since=hours[0], until=hours[1]), has_own)


def length_chips(type: AppointmentType, minutes: int | None, link: Link) -> Iterator[Chip]:
    """As long as usual, and shorter or longer as far as this kind of visit allows."""
    usual = type.patient_minutes
    for length in sorted({usual + more for more in _LONGER} | {minutes or usual}):
        if length == usual or may_last(type, length):
            note = _("as usual") if length == usual else ""
            wanted = None if length == usual else length
            yield Chip(
                _("%(n)d min") % {"n": length}, link(minutes=wanted), length == (minutes or usual), note
            )


def recorded_in_words(patient: Patient, state: dict[str, Any], practitioner: Practitioner | None) -> str:
    """Which of the choices stand on the patient's record, for the line above them; empty where none does."""
    known = patient.suits
    words = []
    if known and state["days"] and frozenset(map(int, state["days"])) == known.weekdays:
        words.append(", ".join(str(WEEKDAYS_ABBR[day - 1]) for day in sorted(known.weekdays)))
    own = (patient.suits_since, patient.suits_until)
    if any(own) and not state["part"] and own == (state["since"], state["until"]):
        words.append(hours_in_words(*own))
    if practitioner and practitioner.pk == patient.usual_practitioner_id:
        words.append(practitioner.name)
    return " · ".join(words)


def does_not_suit(patient: Patient, moment: Any) -> bool:
    """Whether the patient's record says that this time does not suit."""
    suits = patient.suits
    return suits is not None and not suits.contains(moment, timezone.get_default_timezone())


def suits_day(suits: Suits | None, day: date) -> bool:
    """Whether the day is among those that are chosen."""
    return suits is None or day.isoweekday() in suits.weekdays


def hours_in_words(since: time | None, until: time | None) -> str:
    """From when until when, as a chip says it."""
    if since and until:
        return f"{since:%H:%M}–{until:%H:%M}"
    return (
        _("From %(time)s") % {"time": f"{since:%H:%M}"}
        if since
        else _("Until %(time)s") % {"time": f"{until:%H:%M}"}
    )


def _hours(state: dict[str, Any]) -> tuple[time | None, time | None]:
    if state["part"]:
        return hours_of(Part(state["part"]))
    return state["since"], state["until"]
