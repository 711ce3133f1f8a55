"""The chooser that booking and moving share: chips for what, who and when, and the free starts by day."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.availability import Obstacle
from clinic.chooser import Option, Part, Search, What, in_part, known_to, monday, practitioners_for, week_of
from clinic.intervals import MINUTE, local_day
from clinic.models import Appointment, Patient, Practitioner, User
from clinic.rules import access

# What "open this time once" can put right.
_OPENABLE = {Obstacle.OUTSIDE_HOURS, Obstacle.CLOSED_DAY}
_SHOWN = 6  # starts a day before "more"
_PARTS = {
    Part.ANY: gettext_lazy("Any time"),
    Part.MORNING: gettext_lazy("Mornings"),
    Part.AFTERNOON: gettext_lazy("Afternoons"),
    Part.EVENING: gettext_lazy("After 17:00"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One choice that is a link: it keeps the other choices and changes its own."""

    label: str | Promise
    url: str
    current: bool
    note: str = ""
    conditions: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class DayOfStarts:
    """The free starts of one day; `more` are folded away. `is_late` is past the planned window."""

    day: date
    shown: list[Option]
    more: list[Option]
    is_late: bool
    why_url: str = ""
    reasons: list[tuple[Practitioner, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Panel:
    """Everything the chooser needs to know; `context()` is what its template shows."""

    patient: Patient
    user: User
    at: datetime
    url: str
    state: dict[str, Any]
    what: What | None
    practitioner: Practitioner | None
    whats: Sequence[What] = ()
    ignoring: Collection[Appointment] = ()
    is_offered: bool = True

    @classmethod
    def load(
        cls,
        *,
        patient: Patient,
        user: User,
        at: datetime,
        url: str,
        state: dict[str, Any],
        whats: Sequence[What],
        ignoring: Collection[Appointment] = (),
    ) -> "Panel":
        """With the objects behind the state. An unknown person is a 404.

        A visit this patient may not book falls back to the first one they may; `is_offered` tells.
        """
        wanted = {what.key: what for what in whats if not what.conditions}
        is_offered = state["what"] in wanted
        what = wanted[state["what"]] if is_offered else next(iter(wanted.values()), None)
        who = None
        if state["practitioner"]:
            who = get_object_or_404(Practitioner.objects.active(), pk=state["practitioner"])
        if what and who and who not in practitioners_for(what.type):
            who = None
        state = {**state, "what": what.key if what else None, "practitioner": who.pk if who else None}
        return cls(patient, user, at, url, state, what, who, whats, ignoring, is_offered)

    def context(self) -> dict[str, Any]:
        """For templates/clinic/_chooser.html; `chooser` may be None where nothing can be booked."""
        if self.what is None:
            return {"chooser": None, "whats": self._what_chips()}
        search = self.search
        first_day = self._first_day(search)
        window = week_of(first_day)
        options = in_part(search.options(window), Part(self.state["part"] or ""))
        wanted = self._wanted(search)
        first = next(iter([*wanted["options"], *options]), None)
        return {
            "whats": self._what_chips(),
            "chooser": {
                "what": self.what,
                "whos": self._who_chips(search.known),
                "parts": self._part_chips(),
                "days": self._days(search, options, first_day),
                "first_day": first_day,
                "last_day": first_day + timedelta(days=6),
                "week_before": self._week_before(first_day),
                "week_after": self.link(week=first_day + timedelta(days=7), why=None, starts_at=None),
                "wait_url": self._wait_url(),
                "lacks_second": not options and search.lacks_second(window),
                "wanted": wanted,
                "chosen": first.value if first else "",
                "state": [
                    (name, _written(value)) for name, value in self.state.items() if value and name != "why"
                ],
            },
        }

    @property
    def search(self) -> Search:
        """The search these choices stand for. Only with a `what`."""
        assert self.what is not None
        return Search(
            what=self.what,
            patient=self.patient,
            at=self.at,
            practitioner=self.practitioner,
            ignoring=self.ignoring,
            known=known_to(self.patient),
        )

    def link(self, **changes: Any) -> str:
        """The address of the panel with these choices changed."""
        state = {**self.state, **changes}
        return f"{self.url}?{urlencode({name: _written(value) for name, value in state.items() if value})}"

    def _wait_url(self) -> str:
        """The waitlist, with the choices made so far; empty where a visit on the books is being moved."""
        if self.ignoring:
            return ""
        kept = {name: self.state[name] for name in ("what", "practitioner", "part") if self.state[name]}
        return f"{reverse('clinic:waitlist_add', args=[self.patient.pk])}?{urlencode(kept)}"

    def _first_day(self, search: Search) -> date:
        """The Monday of the week that was asked for; else of the wanted time; else of the first free place."""
        if self.state["week"]:
            return monday(self.state["week"])
        if self.state["starts_at"]:
            return monday(timezone.localdate(self.state["starts_at"]))
        return search.first_week() or monday(timezone.localdate(self.at))

    def _week_before(self, first_day: date) -> str:
        """Empty in the week that has begun: there is nothing to book in the past."""
        if first_day <= timezone.localdate(self.at):
            return ""
        return self.link(week=first_day - timedelta(days=7), why=None, starts_at=None)

    def _what_chips(self) -> list[Chip]:
        return [
            Chip(
                label=what.label,
                url=self.link(what=what.key, week=None, why=None),
                current=what is self.what,
                conditions=what.conditions,
            )
            for what in self.whats
        ]

    def _who_chips(self, known: Collection[UUID]) -> list[Chip]:
        anyone = Chip(_("Any"), self.link(practitioner=None, week=None, why=None), self.practitioner is None)
        assert self.what is not None
        return [anyone] + [
            Chip(
                label=who.name,
                url=self.link(practitioner=who.pk, week=None, why=None),
                current=who == self.practitioner,
                note=_("knows the patient") if who.pk in known else "",
            )
            for who in practitioners_for(self.what.type)
        ]

    def _part_chips(self) -> list[Chip]:
        chosen = self.state["part"] or ""
        return [
            Chip(label, self.link(part=part.value, why=None), part.value == chosen)
            for part, label in _PARTS.items()
        ]

    def _days(self, search: Search, options: list[Option], first_day: date) -> list[DayOfStarts]:
        """Today and later; a day without a start offers to say why."""
        found = {
            day: list(group)
            for day, group in groupby(options, key=lambda option: timezone.localdate(option.first.starts_at))
        }
        today = timezone.localdate(self.at)
        days = [first_day + timedelta(days=n) for n in range(7)]
        return [self._day(search, day, found.get(day, [])) for day in days if day >= today]

    def _day(self, search: Search, day: date, options: list[Option]) -> DayOfStarts:
        latest = search.what.latest
        late = latest is not None and day > timezone.localdate(latest)
        if options:
            return DayOfStarts(day, options[:_SHOWN], options[_SHOWN:], late)
        reasons = (
            search.reasons(local_day(day, timezone.get_default_timezone()))
            if self.state["why"] == day
            else []
        )
        return DayOfStarts(day, [], [], late, self.link(why=day), reasons)

    def _wanted(self, search: Search) -> dict[str, Any]:
        """The time that was clicked or typed: its place, or why there is none and what could be done."""
        starts_at = self.state["starts_at"]
        if not starts_at:
            return {"starts_at": None, "options": [], "reasons": [], "open_url": ""}
        options = search.exact(starts_at)[:1]
        if options or starts_at < self.at:
            words = [] if options else [_("This time has passed. Choose a later one.")]
            return {"starts_at": starts_at, "options": options, "reasons": words, "open_url": ""}
        people = [self.practitioner] if self.practitioner else practitioners_for(search.what.type)
        obstacles = [(who, search.obstacles_at(who, starts_at)) for who in people]
        words = [each for who, found in obstacles for each in search.words(who, found)]
        only_hours = all(set(found) <= _OPENABLE for _, found in obstacles)
        return {
            "starts_at": starts_at,
            "options": [],
            "reasons": list(dict.fromkeys(words)),
            "open_url": self._open_url(search.what, starts_at) if only_hours else "",
        }

    def _open_url(self, what: What, starts_at: datetime) -> str:
        """ "Open this time once": the extra opening form, filled in; empty for who may not open this time."""
        if not access.may_change_opening(self.user, self.practitioner):
            return ""
        query = {
            **({"practitioner": self.practitioner.pk} if self.practitioner else {}),
            "starts_at": _written(starts_at + what.type.practitioner_from * MINUTE),
            "ends_at": _written(starts_at + what.type.practitioner_until * MINUTE),
            "next": self.link(),
        }
        return f"{reverse('clinic:opening_add', args=['extra'])}?{urlencode(query)}"


def _written(value: Any) -> str:
    """A choice as it stands in an address."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    return value.isoformat() if isinstance(value, date) else str(value)
