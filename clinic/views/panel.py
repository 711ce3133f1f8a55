"""The chooser that booking and moving share: chips for what, who and when, and the free starts by day."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.availability import Obstacle
from clinic.chooser import Option, Search, What, known_to, monday, practitioners_for
from clinic.intervals import MINUTE, Interval, local_day, to_address
from clinic.models import Appointment, Patient, Practitioner, User
from clinic.rules import access
from clinic.rules.booking import may_last
from clinic.views.panel_wishes import (
    NOTHING,
    Chip,
    day_chips,
    does_not_suit,
    length_chips,
    part_chips,
    recorded_in_words,
    suits_day,
    suits_of,
)

# What "open this time once" can put right.
_OPENABLE = {Obstacle.OUTSIDE_HOURS, Obstacle.CLOSED_DAY}
_SHOWN = 6  # starts a day before "more"
_TEN = 10
_WEEKEND = 4  # from this many days after Monday on (Friday) the next week is shown as well


# What somebody who waits keeps of the choices.
_WISHES = ("what", "practitioner", "days", "part", "since", "until", "minutes")


@dataclass(frozen=True, slots=True)
class DayOfStarts:
    """The free starts of one day; `more` are folded away. `is_late` is past the planned window.

    `suits`: the day is among the weekdays that are wanted.
    """

    day: date
    shown: list[Option]
    more: list[Option]
    is_late: bool
    suits: bool = True
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
        minutes, who = state["minutes"], None
        if not (what and minutes and may_last(what.type, minutes)):
            minutes = None
        if state["practitioner"]:
            who = get_object_or_404(Practitioner.objects.active(), pk=state["practitioner"])
        if what and who and who not in practitioners_for(what.type):
            who = None
        chosen = {"what": what.key if what else None, "practitioner": who.pk if who else None}
        starts_at = state["starts_at"] and state["starts_at"].replace(second=0, microsecond=0)
        state = {**state, **chosen, "starts_at": starts_at, "minutes": minutes}
        return cls(patient, user, at, url, state, what, who, whats, ignoring, is_offered)

    @property
    def minutes(self) -> int | None:
        """How long the visit (of a pair, the first) is to be; None: as long as its kind."""
        minutes: int | None = self.state["minutes"]
        return minutes

    def context(self, *, above: Collection[Option] = ()) -> dict[str, Any]:
        """For templates/clinic/_chooser.html; `chooser` may be None where nothing can be booked.

        What the page offers `above` the chooser stands there alone, and the first of it is what is chosen.
        """
        shared = {"whats": self._what_chips(), "course_url": self._course_url}
        if self.what is None:
            return {"chooser": None, **shared}
        search = self.search
        wanted = self._wanted(search)
        listed = {option.value for option in (*above, *wanted["options"])}
        shown = self._next_ten(search, listed) if self.state["view"] else self._week(search, listed)
        offered = [*above, *wanted["options"], *shown.pop("options")]
        first = next(iter(offered), None)
        return {
            **shared,
            "chooser": {
                "what": self.what,
                "whos": self._who_chips(search.known),
                "wait_url": self._wait_url(),
                **self._wish_chips(),
                "wanted": wanted,
                "chosen": first.value if first else "",
                "caution": self.what.caution_among(offered),
                "cautioned": cautioned(self.what, offered),
                "state": [
                    (name, _written(value)) for name, value in self.state.items() if value and name != "why"
                ],
                **shown,
            },
        }

    def _wish_chips(self) -> dict[str, Any]:
        """When it suits and how long it is, and which of that stands on the patient's record."""
        assert self.what is not None
        return {
            "weekdays": list(day_chips(self.state, self._link_of_wish)),
            "parts": list(part_chips(self.state, self.patient, self._link_of_wish)),
            "lengths": list(length_chips(self.what.type, self.minutes, self._link_of_wish)),
            "is_own_length": self.minutes is not None,
            "recorded": recorded_in_words(self.patient, self.state, self.practitioner),
            "recorded_url": reverse("clinic:patient_edit", args=[self.patient.pk]),
            "anything_url": self._link_of_wish(**NOTHING, practitioner=None),
            "week_url": self.link(view=None, after=None, why=None),
            "next_url": self.link(view="next", after=None, why=None),
        }

    def _week(self, search: Search, listed: Collection[str]) -> dict[str, Any]:
        """A week by day, without what is listed already: one place is one radio button."""
        first_day, last_day = self._span(search)
        zone = timezone.get_default_timezone()
        window = Interval(local_day(first_day, zone).starts_at, local_day(last_day, zone).ends_at)
        options = [each for each in search.options(window) if each.value not in listed]
        return {
            "options": options,
            "days": self._days(search, options, first_day, last_day),
            "first_day": first_day,
            "last_day": last_day,
            "week_before": self._week_before(first_day),
            "week_after": self.link(week=last_day + timedelta(days=1), why=None, starts_at=None),
            "lacks_second": not options and search.lacks_second(window),
            "suits_no_day": not options and search.suits is not None,
        }

    def _next_ten(self, search: Search, listed: Collection[str]) -> dict[str, Any]:
        """The next ten places, over as many weeks as it takes; and the way to those after them."""
        found = search.following(self.state["after"] or self.at, limit=_TEN)
        later = found[-1].first.starts_at + MINUTE if len(found) == _TEN else None
        options = [each for each in found if each.value not in listed]
        return {
            "options": options,
            "next_ten": options,
            "later_url": self.link(after=later, why=None) if later else "",
            "sooner_url": self.link(after=None, why=None) if self.state["after"] else "",
        }

    @property
    def search(self) -> Search:
        """The search these choices stand for. Only with a `what`."""
        assert self.what is not None
        return Search(
            what=replace(self.what, type=self.what.type.lasting(self.minutes)),
            patient=self.patient,
            at=self.at,
            practitioner=self.practitioner,
            ignoring=self.ignoring,
            known=known_to(self.patient),
            suits=suits_of(self.state),
        )

    def _link_of_wish(self, **changes: Any) -> str:
        """Another wish: the search begins at its first place again."""
        return self.link(**changes, week=None, after=None, why=None)

    def link(self, **changes: Any) -> str:
        """The address of the panel with these choices changed."""
        state = {**self.state, **changes}
        return f"{self.url}?{urlencode({name: _written(value) for name, value in state.items() if value})}"

    def _wait_url(self) -> str:
        """The waitlist, with the choices made so far; where a visit on the books is being moved, to have it earlier."""
        kept = {name: _written(self.state[name]) for name in _WISHES if self.state[name]}
        if self.ignoring:
            kept = {name: value for name, value in kept.items() if name not in ("what", "minutes")}
            kept |= {"visit": str(next(iter(self.ignoring)).pk)}
        return f"{reverse('clinic:waitlist_add', args=[self.patient.pk])}?{urlencode(kept)}"

    def _span(self, search: Search) -> tuple[date, date]:
        """The first and the last day that are shown: the week that was asked for; else that of the wanted time; else that
        of the first free place, and the next one with it where no more than a week-end of it is left."""
        if self.state["week"]:
            first = monday(self.state["week"])
        elif self.state["starts_at"]:
            first = monday(timezone.localdate(self.state["starts_at"]))
        else:
            today = timezone.localdate(self.at)
            first = search.first_week() or monday(today)
            if first + timedelta(days=_WEEKEND) <= today:
                return today, first + timedelta(days=13)
        return first, first + timedelta(days=6)

    def _week_before(self, first_day: date) -> str:
        """Empty in the week that has begun: there is nothing to book in the past."""
        if first_day <= timezone.localdate(self.at):
            return ""
        return self.link(week=first_day - timedelta(days=7), why=None, starts_at=None)

    @property
    def _course_url(self) -> str:
        """Where several visits are booked in one go; empty for who has nothing but a free choice."""
        if any(":" in what.purpose and what.key != "this" for what in self.whats):
            return reverse("clinic:course_for", args=[self.patient.pk])
        return ""

    def _what_chips(self) -> list[Chip]:
        return [
            Chip(
                label=what.label,
                url=self._link_of_wish(what=what.key, minutes=None),
                current=what is self.what,
                conditions=what.conditions,
            )
            for what in self.whats
        ]

    def _who_chips(self, known: Collection[UUID]) -> list[Chip]:
        """Anybody, then those whom the patient knows, then the others in the order of the diary."""
        anyone = Chip(_("Any"), self._link_of_wish(practitioner=None), self.practitioner is None)
        assert self.what is not None
        people = sorted(practitioners_for(self.what.type), key=lambda who: who.pk not in known)
        return [anyone] + [
            Chip(
                label=who.name,
                url=self._link_of_wish(practitioner=who.pk),
                current=who == self.practitioner,
                note=_("knows the patient") if who.pk in known else "",
            )
            for who in people
        ]

    def _days(
        self, search: Search, options: list[Option], first_day: date, last_day: date
    ) -> list[DayOfStarts]:
        """Today and later; a day without a start offers to say why."""
        found = {
            day: list(group)
            for day, group in groupby(options, key=lambda option: timezone.localdate(option.first.starts_at))
        }
        today = timezone.localdate(self.at)
        days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
        # Days that do not suit are left out, unless the whole week has nothing: then each can say why.
        shown = [day for day in days if day >= today and (not options or suits_day(search.suits, day))]
        return [self._day(search, day, found.get(day, [])) for day in shown]

    def _day(self, search: Search, day: date, options: list[Option]) -> DayOfStarts:
        latest, suits = search.what.latest, suits_day(search.suits, day)
        late = latest is not None and day > timezone.localdate(latest)
        if options:
            return DayOfStarts(day, options[:_SHOWN], options[_SHOWN:], late)
        reasons = (
            search.reasons(local_day(day, timezone.get_default_timezone()))
            if self.state["why"] == day
            else []
        )
        return DayOfStarts(day, [], [], late, suits, self.link(why=day), reasons)

    def _wanted(self, search: Search) -> dict[str, Any]:
        """The time that was clicked or typed: its place, or why there is none and what could be done."""
        starts_at = self.state["starts_at"]
        if not starts_at:
            return {"starts_at": None, "options": [], "reasons": [], "open_url": "", "does_not_suit": False}
        does_not = {"does_not_suit": does_not_suit(self.patient, starts_at)}
        options = search.exact(starts_at)[:1]
        if options or starts_at < self.at:
            words = [] if options else [_("This time has passed. Choose a later one.")]
            return {"starts_at": starts_at, "options": options, "reasons": words, "open_url": "", **does_not}
        people = [self.practitioner] if self.practitioner else practitioners_for(search.what.type)
        obstacles = [(who, search.obstacles_at(who, starts_at)) for who in people]
        words = [each for who, found in obstacles for each in search.words(who, found)]
        only_hours = all(set(found) <= _OPENABLE for _, found in obstacles)
        return {
            "starts_at": starts_at,
            "options": [],
            "reasons": list(dict.fromkeys(words)),
            "open_url": self._open_url(search.what, starts_at) if only_hours else "",
            **does_not,
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


def cautioned(what: What, options: Iterable[Option]) -> set[str]:
    """The values of the places that the caution concerns, where there are days that it does not."""
    some_days = what.caution is not None and what.caution.last_on is not None
    return {each.value for each in options if some_days and what.caution_among([each])}


def _written(value: Any) -> str:
    """A choice as it stands in an address."""
    if isinstance(value, datetime):
        return to_address(value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)
