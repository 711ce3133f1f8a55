"""Two desks apply batches at the same moment: one wins whole, the others hear why, nothing is ever half done."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from clinic.actions import booking, replanning
from clinic.actions.booking import Move
from clinic.actions.replanning import Cancellation
from clinic.enums import AppointmentStatus, CancelledBy
from clinic.errors import SlotTaken, Stale
from clinic.models import Appointment
from tests.clinic.desk import Desk, on
from tests.clinic.test_races import race
from tests.factories.clock import CLINIC_NOW
from tests.factories.people import PatientFactory

pytestmark = pytest.mark.race

DESKS = 8
TUESDAY = date(2026, 3, 3)


def day(number: int, clock: str = "09:00") -> datetime:
    return on(TUESDAY + timedelta(days=number), clock)


@pytest.fixture
def visits(committed_db: str, desk: Desk) -> list[Appointment]:
    """Five patients on five days."""
    return [desk.book(day(number), patient=PatientFactory()) for number in range(5)]


def moves(desk: Desk, visits: list[Appointment], *, clock: str) -> list[Move]:
    return [
        Move(each, each.version, desk.amari, desk.room2, day(number, clock))
        for number, each in enumerate(visits)
    ]


def test_the_same_batch_applied_by_many_is_applied_once_and_whole(
    desk: Desk, visits: list[Appointment]
) -> None:
    batch = moves(desk, visits, clock="14:00")
    orders = [batch, batch[::-1]] * (DESKS // 2)
    outcomes = race(
        [lambda each=each: replanning.rearrange(moves=each, by=desk.user, at=CLINIC_NOW) for each in orders]
    )
    lost = [each for each in outcomes if isinstance(each, Exception)]
    assert len(lost) == DESKS - 1
    assert {type(each) for each in lost} == {Stale}
    rows = Appointment.objects.order_by("starts_at")
    assert [(row.starts_at, row.version) for row in rows] == [(day(n, "14:00"), 2) for n in range(5)]


def test_a_batch_that_loses_one_place_leaves_everything_where_it_was(
    desk: Desk, visits: list[Appointment]
) -> None:
    other = PatientFactory()
    wish = desk.wish(day(4, "14:00"), patient=other, practitioner=desk.amari, room=desk.room2)
    cancel = [Cancellation(visits[0], 1, CancelledBy.CLINIC)]

    def batch() -> object:
        return replanning.rearrange(
            cancel=cancel, moves=moves(desk, visits, clock="14:00")[1:], by=desk.user, at=CLINIC_NOW
        )

    def book() -> object:
        return booking.book(wish=wish, by=desk.user, at=CLINIC_NOW)

    outcomes = race([batch, book])
    lost = [each for each in outcomes if isinstance(each, Exception)]
    assert [type(each) for each in lost] == [SlotTaken]
    assert {each.code for each in lost} <= {"practitioner_taken", "room_taken"}
    changed = Appointment.objects.filter(pk__in=[each.pk for each in visits], version__gt=1)
    assert changed.count() in (0, len(visits))
    assert Appointment.objects.filter(patient=other).count() == (changed.count() == 0)


def test_without_the_version_a_stale_batch_undoes_what_somebody_else_has_done(
    desk: Desk, visits: list[Appointment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard taken away: the second desk, whose page is old, moves the visits once more."""
    replanning.rearrange(moves=moves(desk, visits, clock="14:00"), by=desk.user, at=CLINIC_NOW)
    stale = moves(desk, visits, clock="15:00")
    with pytest.raises(Stale):
        replanning.rearrange(moves=stale, by=desk.user, at=CLINIC_NOW)
    assert Appointment.objects.filter(version=3).count() == 0
    monkeypatch.setattr("clinic.rules.booking.check_version", lambda appointment, version: None)
    replanning.rearrange(moves=stale, by=desk.user, at=CLINIC_NOW)
    assert Appointment.objects.filter(version=3).count() == 5


def test_called_off_and_moved_into_the_time_that_becomes_free(desk: Desk, visits: list[Appointment]) -> None:
    """What is called off leaves its time to the others of the same batch."""
    first, second = visits[:2]
    replanning.rearrange(
        cancel=[Cancellation(first, 1, CancelledBy.CLINIC)],
        moves=[Move(second, 1, desk.silva, desk.room, first.starts_at)],
        by=desk.user,
        at=CLINIC_NOW,
    )
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.starts_at) == (AppointmentStatus.CANCELLED, first.starts_at)
