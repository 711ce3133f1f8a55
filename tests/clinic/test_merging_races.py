"""Merging against somebody else at the same moment: one wins, and no visit is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connection, transaction

from clinic import merging
from clinic.actions import merging as actions
from clinic.actions.booking import put
from clinic.errors import DomainError, Stale
from clinic.models import Appointment, Patient, PatientMerge
from tests.clinic.desk import Desk, on
from tests.clinic.test_races import FIRST_DAY, meanwhile, race
from tests.factories.clock import CLINIC_NOW
from tests.factories.people import PatientFactory
from tests.guards import sql

pytestmark = pytest.mark.race


@pytest.fixture
def pair(committed_db: str, desk: Desk) -> list[Patient]:
    """Two records of one person."""
    return [PatientFactory(), PatientFactory()]


def merge(desk: Desk, pair: list[Patient]) -> Callable[[], PatientMerge]:
    """As previewed now."""
    digest = merging.preview(*pair, at=CLINIC_NOW).digest
    one, other = pair
    return lambda: actions.merge(
        patient=one, other=other, digest=digest, reason="card", by=desk.user, at=CLINIC_NOW
    )


def test_of_two_merges_of_one_pair_one_wins(desk: Desk, pair: list[Patient]) -> None:
    outcomes = race([merge(desk, pair), merge(desk, pair[::-1])])
    assert sorted(type(each) for each in outcomes if isinstance(each, Exception)) == [Stale]
    assert PatientMerge.objects.count() == 1


def _booked_meanwhile(desk: Desk, pair: list[Patient]) -> object:
    """Somebody books for the record that is being merged away, in a merge that is not committed yet."""

    def book() -> object:
        try:
            return desk.book(on(FIRST_DAY, "10:00"), patient=pair[1])
        except DomainError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            merge(desk, pair)()
            outcome = pool.submit(book)
            wait([outcome], timeout=1)
        return outcome.result(timeout=30)


def test_a_booking_that_waited_for_the_merge_is_told_where_to_book(desk: Desk, pair: list[Patient]) -> None:
    refusal = _booked_meanwhile(desk, pair)
    assert str(refusal) == "This record was merged into another. Open that one."
    assert Appointment.objects.count() == 0


def test_without_the_trigger_that_visit_stands_at_a_record_nobody_opens(
    desk: Desk, pair: list[Patient]
) -> None:
    """The control."""
    (trigger,) = [each for each in Appointment._meta.triggers if each.name == "appointment_on_a_kept_record"]
    sql(f'ALTER TABLE clinic_appointment DISABLE TRIGGER "{trigger.get_pgid(Appointment)}"')()
    visit = _booked_meanwhile(desk, pair)
    assert Patient.objects.get(pk=visit.patient_id).merged_into == pair[0]


def test_a_row_written_without_a_lock_is_waited_for_and_seen(desk: Desk, pair: list[Patient]) -> None:
    """The merge is refused as stale, for the row that was not there when it was previewed."""
    late = merge(desk, pair)

    def write() -> None:
        wish = desk.wish(on(FIRST_DAY, "10:00"), patient=pair[1])
        row = Appointment(
            patient=pair[1],
            type=wish.type,
            practitioner=wish.practitioner,
            room=wish.room,
            created_by=desk.user,
            created_at=CLINIC_NOW,
        )
        put(row, on(FIRST_DAY, "10:00"))
        row.save(force_insert=True)

    assert isinstance(meanwhile(write, late), Stale)
    assert Appointment.objects.get().patient == Patient.objects.get(pk=pair[1].pk, merged_into=None)
