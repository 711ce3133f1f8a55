"""Whoever books waits for whoever switches somebody off, and then books with nobody who has just left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clinic import availability
from clinic.actions import accounts, booking, catalogue, holds, offers, replanning
from clinic.actions.booking import Move
from clinic.availability import FreeStart
from clinic.models import Appointment, Practitioner
from tests.clinic.desk import Desk, on
from tests.clinic.test_races import meanwhile
from tests.factories import AppointmentTypeFactory, WaitlistEntryFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.users import UserFactory

pytestmark = pytest.mark.race
NINE = on(date(2026, 3, 3), "09:00")
SOON = CLINIC_NOW + timedelta(hours=2)
Act = Callable[[], object]


@pytest.fixture
def clinic(committed_db: str, desk: Desk) -> Desk:
    """Dr Silva has an account."""
    Practitioner.objects.filter(pk=desk.silva.pk).update(user=UserFactory(practitioner=True))
    desk.silva.refresh_from_db()
    return desk


def books(desk: Desk) -> Act:
    return lambda: desk.book(NINE)


def holds_a_time(desk: Desk) -> Act:
    return lambda: booking.hold_many(wishes=[desk.wish(NINE)], until=SOON, by=desk.user, at=CLINIC_NOW)


def moves_there(desk: Desk) -> Act:
    visit = desk.book(NINE, practitioner=desk.amari, room=desk.room2)
    to = Move(visit, visit.version, desk.silva, desk.room, NINE)
    return lambda: booking.move(to=to, by=desk.user, at=CLINIC_NOW)


def rearranges(desk: Desk) -> Act:
    return lambda: replanning.rearrange(wishes=[desk.wish(NINE)], by=desk.user, at=CLINIC_NOW)


def takes_a_hold(desk: Desk) -> Act:
    (held,) = booking.hold_many(wishes=[desk.wish(NINE)], until=SOON, by=desk.user, at=CLINIC_NOW)
    # As the page has read it, with everybody in it.
    held = Appointment.objects.with_people().get(pk=held.pk)
    return lambda: holds.take(appointment=held, by=desk.user, at=CLINIC_NOW)


def accepts(desk: Desk) -> Act:
    entry = WaitlistEntryFactory(type=desk.visit, purpose="")
    place = FreeStart(NINE, desk.silva, desk.room, None)
    offer = offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW)
    return lambda: offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)


WAYS = pytest.mark.parametrize("way", [books, holds_a_time, moves_there, rearranges, takes_a_hold, accepts])


@WAYS
def test_nothing_is_booked_with_whom_was_switched_off_meanwhile(
    clinic: Desk, way: Callable[[Desk], Act]
) -> None:
    act, before = way(clinic), on_the_books()
    outcome = meanwhile(leaves(clinic), act)
    assert str(outcome) == "Dr Silva does not do this kind of visit."
    assert on_the_books() == before


@pytest.mark.parametrize(
    ("thing", "code"), [("room", "room_taken"), ("gun", "device_taken")], ids=["room", "device"]
)
def test_nothing_is_booked_in_what_was_taken_out_of_use_meanwhile(
    clinic: Desk, thing: str, code: str
) -> None:
    entry, admin = getattr(clinic, thing), UserFactory(admin=True)
    kind = AppointmentTypeFactory(device_kind=clinic.gun.kind)
    gone = type(entry).objects.get(pk=entry.pk)
    gone.is_active = False
    outcome = meanwhile(
        lambda: catalogue.keep(entry=gone, by=admin, at=CLINIC_NOW),
        lambda: clinic.book(NINE, type=kind, device=clinic.gun),
    )
    assert (getattr(outcome, "code", outcome), Appointment.objects.count()) == (code, 0)


@pytest.mark.parametrize("way", [books, holds_a_time, moves_there, rearranges])
def test_without_reading_anew_who_takes_patients_it_goes_through(
    clinic: Desk, monkeypatch: pytest.MonkeyPatch, way: Callable[[Desk], Act]
) -> None:
    """The control: by what the page had read before it waited. A hold and an offer are read after the wait."""
    read = availability._table_of

    def by_what_was_read(*args: Any, **kwargs: Any) -> Any:
        return replace(read(*args, **kwargs), retired=set())

    monkeypatch.setattr(availability, "_table_of", by_what_was_read)
    meanwhile(leaves(clinic), way(clinic))
    assert Appointment.objects.get().practitioner == clinic.silva
    assert not Practitioner.objects.get(pk=clinic.silva.pk).is_active


def leaves(desk: Desk) -> Act:
    admin = UserFactory(admin=True)
    return lambda: accounts.switch_off(user=desk.silva.user, reason="has left", by=admin, at=CLINIC_NOW)


def on_the_books() -> list[Any]:
    return list(Appointment.objects.order_by("pk").values())
