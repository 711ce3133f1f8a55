"""Several visits changed at once: called off, put back, moved and booked, all or nothing, under one set of locks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from clinic import readiness
from clinic.actions import booking, visits, waitlist
from clinic.actions.booking import Move, Wish
from clinic.actions.locking import explained, lock
from clinic.availability import Place
from clinic.enums import CancelledBy
from clinic.errors import DomainError
from clinic.models import Appointment, User
from clinic.rules import access
from clinic.rules import booking as rules


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A visit to be called off; `version` is that of the page the person looked at."""

    appointment: Appointment
    version: int
    cancelled_by: CancelledBy
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """A visit that was called off or missed, to be put back where it was."""

    appointment: Appointment
    version: int


@dataclass(frozen=True)
class Rearranged:
    """What was done, each list in the order in which it was asked for."""

    cancelled: list[Appointment] = field(default_factory=list)
    returned: list[Appointment] = field(default_factory=list)
    moved: list[Appointment] = field(default_factory=list)
    booked: list[Appointment] = field(default_factory=list)

    @property
    def every(self) -> list[Appointment]:
        """All visits that were touched."""
        return [*self.cancelled, *self.returned, *self.moved, *self.booked]


@explained
def rearrange(
    *,
    cancel: Sequence[Cancellation] = (),
    put_back: Sequence[Return] = (),
    moves: Sequence[Move] = (),
    wishes: Sequence[Wish] = (),
    told: bool = False,
    by: User,
    at: datetime,
) -> Rearranged:
    """Change all of the visits or none of them. What is called off or moved away leaves its time to the others.

    The pathway judges the visits as they will stand together. A clinical release that is taken back at once may be put
    back although the pathway refuses it (`rules.may_return_refused`): provisional, and unable to start, as it was.

    Raises:
        NotAllowed, SlotTaken, NotCleared, DomainError: as for booking, moving and cancelling.
        Stale: one of the visits was changed since the page was opened.
    """
    access.check_may_book(by)
    if not (cancel or put_back or moves or wishes):
        raise DomainError(_("Choose at least one visit."), "nothing_chosen")
    rows = _lock_everything(cancel, put_back, moves, wishes)
    cancelled = [_call_off(rows[each.appointment.pk], each, told=told, by=by, at=at) for each in cancel]
    booking.clear_run_out(by=by, at=at)
    moved = [rows[move.appointment.pk] for move in moves]
    returned = [rows[each.appointment.pk] for each in put_back]
    rules.check_not_to_be_erased(*(wish.patient for wish in wishes), *(row.patient_id for row in returned))
    places = _places(moves, moved, wishes, at=at)
    verdicts = _judged(moved, moves, wishes, returned, at=at)
    if moved:
        booking.place_all(
            rows=moved, places=places[: len(moved)], verdicts=verdicts.moved, told=told, by=by, at=at
        )
    booked = _book(wishes, verdicts.wished, by=by, at=at)
    for row, verdict in zip(returned, verdicts.returned, strict=True):
        visits.take_back(row=row, status=rules.status_of(verdict), by=by, at=at)
    return Rearranged(cancelled, returned, moved, booked)


def _lock_everything(
    cancel: Sequence[Cancellation], put_back: Sequence[Return], moves: Sequence[Move], wishes: Sequence[Wish]
) -> dict[UUID, Appointment]:
    """Where the visits are and where they go, in one go; each is as the page showed it."""
    asked: list[Cancellation | Return | Move] = [*cancel, *put_back, *moves]
    stay = [each.appointment for each in asked]
    places: list[Appointment | Move | Wish] = [*stay, *moves, *wishes]
    rows = lock(
        patients=[*(each.patient_id for each in stay), *(wish.patient.pk for wish in wishes)],
        practitioners=[place.practitioner.pk for place in places],
        rooms=[place.room.pk for place in places],
        devices=[place.device.pk for place in places if place.device],
        appointments=[each.pk for each in stay],
    )
    for each in asked:
        rules.check_version(rows[each.appointment.pk], each.version)
    return rows


def _call_off(row: Appointment, each: Cancellation, *, told: bool, by: User, at: datetime) -> Appointment:
    rules.check_cancellable(row)
    return visits.call_off(
        row=row, cancelled_by=each.cancelled_by, reason=each.reason, told=told, by=by, at=at
    )


def _places(
    moves: Sequence[Move], moved: Sequence[Appointment], wishes: Sequence[Wish], *, at: datetime
) -> list[Place]:
    """Where everything goes that takes new time, the moves first; all of it is open and free."""
    places = [
        *booking.destinations(moves=moves, rows=moved, at=at),
        *booking.places_of(wishes=wishes, at=at),
    ]
    if places:
        rules.check_free(places, at=at, ignoring=moved)
    return places


def _book(
    wishes: Sequence[Wish], verdicts: Sequence[readiness.Verdict], *, by: User, at: datetime
) -> list[Appointment]:
    if not wishes:
        return []
    booked = booking.insert(wishes=wishes, verdicts=verdicts, request_id=uuid4(), by=by, at=at)
    readiness.pathway().booked(booked, by=by, at=at)
    waitlist.booked(appointments=booked, by=by, at=at)
    return booked


class _Verdicts(NamedTuple):
    moved: Sequence[readiness.Verdict]
    wished: Sequence[readiness.Verdict]
    returned: Sequence[readiness.Verdict]


def _judged(
    moved: Sequence[Appointment],
    moves: Sequence[Move],
    wishes: Sequence[Wish],
    returned: Sequence[Appointment],
    *,
    at: datetime,
) -> _Verdicts:
    """One verdict for each, as they will stand together."""
    for row in returned:
        rules.check_called_off(row)
    asked = [
        *(
            readiness.Visit(row.patient, row.purpose, move.starts_at, row)
            for row, move in zip(moved, moves, strict=True)
        ),
        *(wish.visit for wish in wishes),
        *(readiness.Visit(row.patient, row.purpose, row.starts_at, row) for row in returned),
    ]
    verdicts = readiness.pathway().judge(asked, at=at)
    as_it_was = [row for row in returned if rules.may_return_refused(row, at=at)]
    rules.check_none_refused(
        verdict
        for visit, verdict in zip(asked, verdicts, strict=True)
        if visit.appointment is None or visit.appointment not in as_it_was
    )
    first, last = len(moves), len(moves) + len(wishes)
    return _Verdicts(verdicts[:first], verdicts[first:last], verdicts[last:])
