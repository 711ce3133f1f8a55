"""What the diary knows of some days and some lanes: visits, opening time and shades, as instants. Read only.

The number of queries depends neither on the visits nor on the days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import or_
from uuid import UUID

from django.utils import timezone

from clinic import timetable
from clinic.diary.cards import CALLED_OFF, Card, cards_of
from clinic.diary.lanes import Lane, LaneKind, lane_at, lanes_of
from clinic.intervals import Interval, Minutes, local_day
from clinic.models import Absence, Appointment, ClosedDay, Device, OutOfService, Practitioner, Room, User
from clinic.timetable import Timetable

LONGEST = 7  # days; whatever asks for more gets an error, not a slow page
_THINGS = (LaneKind.ROOM, LaneKind.DEVICE)


@dataclass(frozen=True, slots=True)
class Shade:
    """Time that cannot be booked: outside the hours ("off"), a closed day ("closed"), away or out of service ("away"),
    or room and patient busy before and after the practitioner is ("buffer")."""

    span: Interval
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Some days of some lanes. `opened` and `shades` go by the lane's key."""

    days: list[date]
    lanes: list[Lane]
    cards: list[Card]
    called_off: list[Card]
    opened: dict[str, Minutes]
    shades: dict[str, list[Shade]]
    table: Timetable
    closed: list[ClosedDay]
    out_of_service: list[OutOfService]

    @property
    def by_day(self) -> list[tuple[date, list[Card]]]:
        """The cards of each day, for lists."""
        return by_day(self.days, self.cards)

    def cards_in(self, lane: Lane) -> list[Card]:
        """The cards of one lane."""
        return [card for card in self.cards if lane.has(card.visit)]


def by_day(days: Iterable[date], cards: Iterable[Card]) -> list[tuple[date, list[Card]]]:
    """The cards of each day."""
    found: dict[date, list[Card]] = {day: [] for day in days}
    for card in cards:
        found[timezone.localdate(card.visit.starts_at)].append(card)
    return list(found.items())


def week_around(day: date) -> list[date]:
    """Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return [monday + timedelta(days=n) for n in range(LONGEST)]


def span_of(days: Sequence[date]) -> Interval:
    """From the first midnight to the last, on the clinic's clock."""
    zone = timezone.get_default_timezone()
    return Interval(local_day(days[0], zone).starts_at, local_day(days[-1], zone).ends_at)


def read_sheet(
    days: Sequence[date],
    *,
    user: User,
    at: datetime,
    things: bool = False,
    lane: Lane | None = None,
    hides_names: bool = False,
) -> Sheet:
    """The days as this person may see them: one lane, or all practitioners, or all rooms and devices (`things`).

    ValueError for more than a week.
    """
    if not 1 <= len(days) <= LONGEST:
        raise ValueError(f"{len(days)} days at once; at most {LONGEST}.")
    window = span_of(days)
    visits = Appointment.objects.visible_to(user).in_force(at).starting_in(window)
    visits = visits.with_people().order_by("starts_at")
    cards = cards_of(list(lane.narrow(visits) if lane else visits), user=user, at=at, hides_names=hides_names)
    held = [card for card in cards if card.visit.status not in CALLED_OFF]
    people = _people(cards, lane)
    lanes = [lane] if lane else _lanes(people, held, things)
    table = _table(window, people, lanes, at)
    opened = {each.key: _opened(each, table, people) for each in lanes}
    if not (lane or things):
        lanes = [each for each in lanes if opened[each.key] or any(each.has(card.visit) for card in held)]
    closed, outages = list(ClosedDay.objects.filter(day__range=(days[0], days[-1]))), _outages(window)
    return Sheet(
        days=list(days),
        lanes=lanes,
        cards=held,
        called_off=[card for card in cards if card.visit.status in CALLED_OFF],
        opened=opened,
        shades=_Shades(window, held, opened, closed, _away(window, lanes, outages)).of(lanes),
        table=table,
        closed=closed,
        out_of_service=outages,
    )


def _people(cards: Iterable[Card], lane: Lane | None) -> dict[UUID, Practitioner]:
    """Whose hours count: the one of the lane, else all who take patients or have visits."""
    if lane and isinstance(lane.thing, Practitioner):
        return {lane.thing.pk: lane.thing}
    people = {each.pk: each for each in Practitioner.objects.active()}
    return people | {card.visit.practitioner_id: card.visit.practitioner for card in cards}


def _table(window: Interval, people: Iterable[UUID], lanes: Iterable[Lane], at: datetime) -> Timetable:
    things = {
        kind: [lane.thing.pk for lane in lanes if lane.kind == kind]
        for kind in (LaneKind.ROOM, LaneKind.DEVICE)
    }
    return timetable.read(
        window,
        at=at,
        practitioners=list(people),
        rooms=things[LaneKind.ROOM],
        devices=things[LaneKind.DEVICE],
    )


def _lanes(people: dict[UUID, Practitioner], held: Iterable[Card], things: bool) -> list[Lane]:
    """Those in use, and those that are not but have visits; in the order of the diary."""
    if not things:
        shown = sorted(people.values(), key=lambda each: (each.position, each.name))
        return [Lane(LaneKind.PRACTITIONER, each) for each in shown]
    in_use = {each.key: each for each in lanes_of(*_THINGS)}
    used = [lane_at(kind, card.visit) for kind in _THINGS for card in held]
    return list((in_use | {each.key: each for each in used if each}).values())


def _opened(lane: Lane, table: Timetable, people: dict[UUID, Practitioner]) -> Minutes:
    """When it can be booked at all: a room or a device when anybody works where it stands."""
    if isinstance(lane.thing, Room | Device):
        place = lane.thing.location_id
        return reduce(or_, (table.open(who, place) for who in people), table.nothing)
    who = lane.thing.pk
    return reduce(or_, (table.open(who, place) for place in table.locations(who)), table.nothing)


def _outages(window: Interval) -> list[OutOfService]:
    rows = OutOfService.objects.overlapping(window.starts_at, window.ends_at)
    return list(rows.select_related("room", "device"))


def _away(
    window: Interval, lanes: Iterable[Lane], outages: Iterable[OutOfService]
) -> dict[UUID, list[Shade]]:
    """Absences of people, and rooms and devices out of service, each with its reason."""
    found: dict[UUID, list[Shade]] = defaultdict(list)
    for outage in outages:
        span = Interval(outage.starts_at, outage.ends_at)
        for key in filter(None, (outage.room_id, outage.device_id)):
            found[key].append(Shade(span, "away", outage.reason))
    people = [lane.thing.pk for lane in lanes if lane.is_person]
    absences = (
        Absence.objects.overlapping(window.starts_at, window.ends_at) if people else Absence.objects.none()
    )
    for absence in absences.filter(practitioner__in=people):
        span = Interval(absence.starts_at, absence.ends_at)
        found[absence.practitioner_id].append(Shade(span, "away", _reason(absence)))
    return found


def _reason(absence: Absence) -> str:
    kind = absence.get_kind_display()
    return f"{kind}: {absence.note}" if absence.note else kind


@dataclass(frozen=True, slots=True)
class _Shades:
    """What the shades of all lanes are made from."""

    window: Interval
    held: list[Card]
    opened: dict[str, Minutes]
    closed: list[ClosedDay]
    away: dict[UUID, list[Shade]]

    def of(self, lanes: Iterable[Lane]) -> dict[str, list[Shade]]:
        """By the lane's key: outside the hours first, then what has a name, then the buffers."""
        return {
            lane.key: [*self._off(lane), *self.away.get(lane.thing.pk, []), *self._buffers(lane)]
            for lane in lanes
        }

    def _off(self, lane: Lane) -> list[Shade]:
        """Closed days with their name; the rest outside the hours without."""
        zone = timezone.get_default_timezone()
        off, shades = ~self.opened[lane.key], []
        for each in self.closed:
            whole = Minutes.from_intervals(self.window, [local_day(each.day, zone)], outward=False)
            shades += [Shade(span, "closed", each.name) for span in (off & whole).intervals()]
            off = off - whole
        return [Shade(span, "off") for span in off.intervals()] + shades

    def _buffers(self, lane: Lane) -> list[Shade]:
        """Room and patient are busy before and after the practitioner is: preparation, observation, cleaning."""
        spans = []
        for visit in (card.visit for card in self.held if lane.has(card.visit)):
            before = min(visit.starts_at, visit.room_from), visit.practitioner_from
            after = visit.practitioner_until, max(visit.ends_at, visit.room_until)
            spans += [(*pair, str(visit.room)) for pair in (before, after) if pair[0] < pair[1]]
        return [Shade(Interval(first, last), "buffer", room) for first, last, room in spans]
