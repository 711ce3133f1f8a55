"""One time offered to many: everybody accepts at the same moment on the real database, and one gets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection

from clinic.actions import booking, offers
from clinic.availability import FreeStart
from clinic.enums import OfferAnswer
from clinic.models import Appointment, ContactEntry, WaitlistEntry, WaitlistOffer
from tests.clinic.desk import Desk, on
from tests.clinic.test_races import race, winners
from tests.factories import WaitlistEntryFactory
from tests.factories.clock import CLINIC_NOW

pytestmark = pytest.mark.race
CROWD = 16
NINE = on(date(2026, 3, 3), "09:00")


@pytest.fixture
def offered(committed_db: str, desk: Desk) -> list[WaitlistOffer]:
    """One time, offered to everybody who waits."""
    place = FreeStart(NINE, desk.silva, desk.room, None)
    entries = [WaitlistEntryFactory(type=desk.visit, purpose="") for _ in range(CROWD)]
    return [offers.offer(entry=entry, place=place, by=desk.user, at=CLINIC_NOW) for entry in entries]


def accepter(desk: Desk, offer: WaitlistOffer) -> Callable[[], object]:
    return lambda: offers.accept(offer=offer, by=desk.user, at=CLINIC_NOW)


def test_one_of_16_who_accept_at_once_wins_and_the_others_go_on_waiting(
    desk: Desk, offered: list[WaitlistOffer]
) -> None:
    outcomes = race([accepter(desk, offer) for offer in offered])
    (visit,) = winners(outcomes)
    assert {str(each) for each in outcomes if isinstance(each, Exception)} == {
        "This time has just been taken."
    }
    assert Appointment.objects.get() == visit
    assert WaitlistEntry.objects.exclude(closed_at=None).get().patient_id == visit.patient_id
    assert WaitlistEntry.objects.open().count() == CROWD - 1
    answers = sorted(WaitlistOffer.objects.values_list("answer", flat=True))
    assert answers == [OfferAnswer.ACCEPTED, *[OfferAnswer.GONE] * (CROWD - 1)]
    assert not ContactEntry.objects.open().exists()


def test_without_locks_and_rules_the_constraint_lets_one_in_and_without_it_everybody(
    desk: Desk, offered: list[WaitlistOffer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: what decides in the end is the database."""
    for module in (booking, offers):
        monkeypatch.setattr(module, "lock", lambda **rows: {})
    monkeypatch.setattr(booking, "_check_wishes", lambda wishes, at: None)
    monkeypatch.setattr(offers, "_end_those_of_others", lambda offer, by, at: None)
    half = CROWD // 2
    outcomes = race([accepter(desk, offer) for offer in offered[:half]])
    assert len([each for each in outcomes if not isinstance(each, Exception)]) == 1
    with connection.cursor() as cursor:
        for each in ("practitioner", "room"):
            cursor.execute(f"ALTER TABLE clinic_appointment DROP CONSTRAINT appointment_{each}_free")
    outcomes = race([accepter(desk, offer) for offer in offered[half:]])
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert Appointment.objects.count() == 1 + half
