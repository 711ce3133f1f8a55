"""What the tables of bad writes stand on: a case whose write is not refused, or not by its guard alone, fails."""

from functools import partial

import pytest
from django.db import IntegrityError

from clinic.models import Appointment
from tests.factories import AppointmentFactory
from tests.factories.clock import ahead
from tests.guards import BadWrite, Case, NotRefused, refusal_of, tried_with_and_without

pytestmark = pytest.mark.django_db
TEN = ahead(days=1, hours=1)


def visit_without_an_end_of_its_hold(**fields: object) -> None:
    AppointmentFactory(status="held", held_until=None, **fields)


def case(guard: str, write: BadWrite, *aside: str) -> Case:
    return Case(guard, write, aside, "")


def twice(*shared: str) -> None:
    """Two visits at once that share these."""
    first = AppointmentFactory(starts_at=TEN)
    AppointmentFactory(starts_at=TEN, **{name: getattr(first, name) for name in shared})


@pytest.mark.parametrize(
    ("guard", "write"),
    [
        ("appointment_held_until", visit_without_an_end_of_its_hold),
        ("appointment_room_free", partial(twice, "room")),
    ],
    ids=["by the statement", "by a check that waits for the end"],
)
def test_a_write_is_refused_goes_through_and_leaves_everything_as_it_was(guard: str, write: BadWrite) -> None:
    assert tried_with_and_without(case(guard, write)) == guard
    assert not Appointment.objects.exists()
    assert refusal_of(write) == guard


@pytest.mark.parametrize("guard", ["appointment_held_until", "appointment_room_free"])
def test_a_write_that_nothing_refuses_fails(guard: str) -> None:
    with pytest.raises(NotRefused):
        tried_with_and_without(case(guard, AppointmentFactory))


def test_a_write_that_another_guard_refuses_fails() -> None:
    with pytest.raises(IntegrityError, match="appointment_held_until"):
        tried_with_and_without(case("appointment_room_free", visit_without_an_end_of_its_hold))


def test_a_write_that_another_guard_refuses_as_well_fails_unless_that_is_aside() -> None:
    both = partial(twice, "room", "practitioner")
    with pytest.raises(IntegrityError, match="appointment_practitioner_free"):
        tried_with_and_without(case("appointment_room_free", both))
    aside = case("appointment_room_free", both, "appointment_practitioner_free")
    assert tried_with_and_without(aside) == "appointment_room_free"


def test_what_is_refused_before_the_last_statement_still_has_to_go_through_to_its_end() -> None:
    def write() -> None:
        visit_without_an_end_of_its_hold(starts_at=TEN)
        twice("room")

    with pytest.raises(IntegrityError, match="appointment_room_free"):
        tried_with_and_without(case("appointment_held_until", write))
