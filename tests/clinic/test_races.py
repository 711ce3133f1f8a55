"""Many desks at once on the real database: one wins, the others get a sentence, nobody waits for ever.

Each test commits, on a copy of the loaded database. The last ones take a guard away and show the harm it prevents.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from threading import Barrier
from time import perf_counter

import pytest
from django.db import connection, transaction

from clinic.actions import booking, catalogue, people
from clinic.actions.booking import Move, Wish
from clinic.errors import DomainError, SlotTaken
from clinic.intervals import Interval
from clinic.models import Appointment, Patient, WorkingHours
from clinic.outside import visits_outside
from tests.clinic.desk import Desk, on
from tests.factories.booking import AppointmentTypeFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory

pytestmark = pytest.mark.race

CROWD = 32
ROUNDS = 3
FIRST_DAY = date(2026, 3, 3)
_FREE = ("practitioner", "room", "device", "patient")


@pytest.fixture
def crowd(committed_db: str, desk: Desk) -> list[Patient]:
    """A patient for every client."""
    return [PatientFactory() for _ in range(CROWD)]


def slot(round_: int, clock: str = "09:00") -> datetime:
    """A fresh day for each round."""
    return on(FIRST_DAY + timedelta(days=round_), clock)


def race(attempts: Sequence[Callable[[], object]]) -> list[object]:
    """Everybody at the same moment, each on a connection of their own; what each got, or was refused with."""
    barrier = Barrier(len(attempts))

    def run(attempt: Callable[[], object]) -> object:
        connection.ensure_connection()
        barrier.wait(timeout=60)
        try:
            return attempt()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(run, attempts))


def meanwhile(change: Callable[[], object], act: Callable[[], object], *, waits: bool = True) -> object:
    """Somebody acts while the change is made and not yet committed; what they got, or were refused with.

    `waits`: whether they have to wait for the change; without a lock between the two they need not.
    """

    def run() -> object:
        try:
            return act()
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            change()
            outcome = pool.submit(run)
            wait([outcome], timeout=1)
            assert not (waits and outcome.done()), "nobody waited"
        return outcome.result(timeout=30)


def booker(desk: Desk, wish: Wish) -> Callable[[], object]:
    return lambda: booking.book(wish=wish, by=desk.user, at=CLINIC_NOW)


def winners(outcomes: Sequence[object]) -> list[object]:
    """Who got what they wanted; everybody else must have been told that it is taken, and nothing else."""
    strange = [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, SlotTaken)]
    assert strange == []
    # "busy" is what a deadlock or a lock that was not had in time becomes: sorted locks leave none of either.
    assert [each for each in outcomes if isinstance(each, SlotTaken) and each.code == "busy"] == []
    return [each for each in outcomes if not isinstance(each, Exception)]


def test_one_slot_goes_to_one_of_32_clients_and_the_others_hear_why(desk: Desk, crowd: list[Patient]) -> None:
    """Nobody hangs: the budget of a second is for an idle machine, so the test allows what a lock may take."""
    waits: list[float] = []
    for round_ in range(ROUNDS):
        attempts = [booker(desk, desk.wish(slot(round_), patient=patient)) for patient in crowd]
        outcomes = race([timed(attempt, waits) for attempt in attempts])
        assert len(winners(outcomes)) == 1
        # With the locks, what decides is the rule; the constraint behind it is never reached.
        assert _sentences(outcomes) == {"Dr Silva is booked at this time."}
    assert Appointment.objects.count() == ROUNDS
    assert max(waits) < 4


def timed(attempt: Callable[[], object], waits: list[float]) -> Callable[[], object]:
    """The attempt, with how long its answer took."""

    def run() -> object:
        began = perf_counter()
        try:
            return attempt()
        finally:
            waits.append(perf_counter() - began)

    return run


def test_visits_of_unequal_length_never_overlap(desk: Desk, crowd: list[Patient]) -> None:
    kinds = [
        AppointmentTypeFactory(patient_minutes=minutes, practitioner_until=minutes, room_until=minutes)
        for minutes in (10, 25, 40, 65)
    ]
    dice = random.Random(7)
    for round_ in range(ROUNDS):
        wishes = [
            desk.wish(
                slot(round_) + timedelta(minutes=dice.randrange(0, 60)),
                type=dice.choice(kinds),
                patient=patient,
            )
            for patient in crowd
        ]
        assert winners(race([booker(desk, wish) for wish in wishes]))
    spans = [each.interval for each in Appointment.objects.order_by("starts_at")]
    assert [pair for pair in pairwise(spans) if Interval.overlaps(*pair)] == []


def test_whatever_two_clients_share_goes_to_one_of_them(desk: Desk, crowd: list[Patient]) -> None:
    """One room wanted by two practitioners, and one patient wanted by two desks."""
    people, rooms = (desk.silva, desk.amari), (desk.room, desk.room2)
    for round_ in range(ROUNDS):
        one_room = [
            desk.wish(slot(round_), patient=patient, practitioner=people[n % 2])
            for n, patient in enumerate(crowd)
        ]
        one_patient = [
            desk.wish(slot(round_, "14:00"), practitioner=people[n % 2], room=rooms[n % 2])
            for n in range(CROWD)
        ]
        assert len(winners(race([booker(desk, wish) for wish in one_room]))) == 1
        assert len(winners(race([booker(desk, wish) for wish in one_patient]))) == 1


def test_one_of_many_moves_into_one_slot_wins(desk: Desk, crowd: list[Patient]) -> None:
    visits = [desk.book(slot(20 + n, "14:00"), patient=patient) for n, patient in enumerate(crowd[:16])]
    for round_ in range(ROUNDS):
        fresh = list(Appointment.objects.filter(pk__in=[each.pk for each in visits]).with_people())
        target = slot(round_)
        moves = [Move(each, each.version, desk.silva, desk.room, target) for each in fresh]
        outcomes = race([lambda to=to: booking.move(to=to, by=desk.user, at=CLINIC_NOW) for to in moves])
        assert len(winners(outcomes)) == 1
    assert Appointment.objects.count() == len(visits)
    _swap_both_ways(desk, crowd[0])


def _swap_both_ways(desk: Desk, other: Patient) -> None:
    """Opposite lock orders would deadlock here; each client names the two visits the other way round."""
    first, second = desk.book(slot(10)), desk.book(slot(11), patient=other)
    there = Move(first, 1, desk.silva, desk.room, second.starts_at)
    back = Move(second, 1, desk.silva, desk.room, first.starts_at)
    orders = [[there, back], [back, there]] * 4
    outcomes = race(
        [lambda moves=moves: booking.move_many(moves=moves, by=desk.user, at=CLINIC_NOW) for moves in orders]
    )
    assert len([each for each in outcomes if not isinstance(each, Exception)]) == 1
    assert {getattr(each, "code", "won") for each in outcomes} == {"won", "stale_appointment"}


def test_one_of_16_courses_of_ten_wins_whole(desk: Desk, crowd: list[Patient]) -> None:
    dice = random.Random(11)
    for round_ in range(2):
        days = [slot(round_ * 20 + n) for n in range(10)]
        courses = [
            [desk.wish(starts_at, patient=patient) for starts_at in dice.sample(days, len(days))]
            for patient in crowd[:16]
        ]
        outcomes = race([lambda wishes=wishes: _book_all(desk, wishes) for wishes in courses])
        assert len(winners(outcomes)) == 1
        booked = Appointment.objects.filter(starts_at__in=days)
        assert (booked.count(), booked.values("patient").distinct().count()) == (10, 1)


def test_who_clicks_twice_registers_one_patient(committed_db: str, desk: Desk) -> None:
    """A record that is not there yet cannot be locked: registering waits for registering."""
    outcomes = race([registering(desk)] * 4)
    assert Patient.objects.filter(family_name=TWICE["family_name"]).count() == 1
    assert [each.code for each in outcomes if isinstance(each, DomainError)] == ["likely_duplicate"] * 3


TWICE = {"family_name": "Quillfeather", "given_names": "Ada", "birth_date": date(1980, 5, 1)}


def registering(desk: Desk) -> Callable[[], object]:
    return lambda: people.register(details=TWICE, by=desk.user, at=CLINIC_NOW)


# --- negative controls: the guard taken away, the harm happens ---------------------------------------------------------


def test_without_the_rules_the_constraint_lets_one_in_and_without_it_everybody(
    desk: Desk, crowd: list[Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(booking, "_check_wishes", lambda wishes, at: None)
    outcomes = race([booker(desk, desk.wish(slot(0), patient=patient)) for patient in crowd])
    assert len(winners(outcomes)) == 1
    assert _sentences(outcomes) == {"The practitioner has just been booked for this time."}
    with connection.cursor() as cursor:
        for each in _FREE:
            cursor.execute(f"ALTER TABLE clinic_appointment DROP CONSTRAINT appointment_{each}_free")
    outcomes = race([booker(desk, desk.wish(slot(1), patient=patient)) for patient in crowd[:8]])
    assert len(winners(outcomes)) == 8


def test_without_waiting_for_each_other_two_records_of_one_patient_are_made(
    committed_db: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_looked, look = Barrier(2), people.likely_duplicates

    def looked(patient: Patient) -> list[Patient]:
        found = look(patient)
        both_have_looked.wait(timeout=20)
        return found

    monkeypatch.setattr(people, "one_registration_at_a_time", lambda: None)
    monkeypatch.setattr(people, "likely_duplicates", looked)
    race([registering(desk)] * 2)
    assert Patient.objects.filter(family_name=TWICE["family_name"]).count() == 2


def test_without_locks_courses_deadlock(
    desk: Desk, crowd: list[Patient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both checks pass, because nothing is committed; then each course inserts what the other one waits for."""
    monkeypatch.setattr(booking, "lock", lambda **rows: {})
    with connection.cursor() as cursor:  # so that both have a first row before either has a second
        cursor.execute(
            "CREATE FUNCTION take_your_time() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN PERFORM pg_sleep(1); RETURN NEW; END'"
        )
        cursor.execute(
            "CREATE TRIGGER slow BEFORE INSERT ON clinic_appointment"
            " FOR EACH ROW EXECUTE FUNCTION take_your_time()"
        )
    days = [slot(n) for n in range(2)]
    courses = [
        [desk.wish(starts_at, patient=patient) for starts_at in order]
        for order, patient in zip([days, days[::-1]], crowd, strict=False)
    ]
    outcomes = race([lambda wishes=wishes: _book_all(desk, wishes) for wishes in courses])
    assert [each.code for each in outcomes if isinstance(each, SlotTaken)] == ["busy"]
    assert Appointment.objects.count() == 2  # the other course, whole


def test_hours_that_are_being_changed_are_waited_for(desk: Desk, crowd: list[Patient]) -> None:
    """The booking is judged by the hours as they are when the admin has saved, so that nothing is left outside them."""
    admin = UserFactory(admin=True)
    outcome = _book_meanwhile(desk, lambda row: catalogue.keep(entry=row, by=admin, at=CLINIC_NOW))
    assert getattr(outcome, "code", outcome) == "outside_hours"
    assert visits_outside(at=CLINIC_NOW, offset=0, limit=1) == ([], False)


def test_without_their_locks_a_visit_is_left_outside_the_hours(desk: Desk, crowd: list[Patient]) -> None:
    """The control: saved past the action, the hours change under a booking that nobody is told of."""
    outcome = _book_meanwhile(desk, lambda row: row.save())
    (left,), _ = visits_outside(at=CLINIC_NOW, offset=0, limit=1)
    assert left.visit == outcome


def _book_meanwhile(desk: Desk, save: Callable[[WorkingHours], object]) -> object:
    """Somebody books ten o'clock while the morning's hours are cut to half past nine, saved but not yet committed."""
    row = WorkingHours.objects.get(practitioner=desk.silva, weekday=FIRST_DAY.isoweekday(), starts=time(9))
    row.ends = time(9, 30)
    return meanwhile(lambda: save(row), lambda: desk.book(slot(0, "10:00")), waits=False)


def _book_all(desk: Desk, wishes: list[Wish]) -> list[Appointment]:
    return booking.book_many(wishes=wishes, by=desk.user, at=CLINIC_NOW)


def _sentences(outcomes: Sequence[object]) -> set[str]:
    return {str(each) for each in outcomes if isinstance(each, SlotTaken)}
