"""What happens to a booked visit, step by step: who may, from which state, what is recorded, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from clinic.actions import visits
from clinic.enums import TRANSITIONS, AppointmentStatus, CancelledBy
from clinic.errors import DomainError, NotAllowed, NotCleared, SlotTaken, Stale
from clinic.models import Appointment
from clinic.rules.booking import may_move
from tests.clinic.desk import Desk, ToldPathway, on
from tests.factories.booking import AppointmentFactory
from tests.factories.clock import CLINIC_NOW
from tests.factories.people import PatientFactory
from tests.factories.users import UserFactory

_S = AppointmentStatus
TUESDAY = date(2026, 3, 3)
STEPS: list[Callable[..., Appointment]] = [
    visits.confirm,
    visits.arrive,
    visits.undo_arrival,
    visits.start,
    visits.complete,
    visits.reopen,
    visits.no_show,
    visits.reinstate,
]


def in_state(
    desk: Desk, status: AppointmentStatus, starts_at: datetime = CLINIC_NOW, **changes
) -> Appointment:
    """A visit that has come to this state."""
    rows = {"type": desk.visit, "practitioner": desk.silva, "room": desk.room, "patient": desk.patient}
    return AppointmentFactory(status=status, starts_at=starts_at, **{**rows, **changes})


def do(step: Callable[..., Appointment], desk: Desk, visit: Appointment, at: datetime = CLINIC_NOW, **more):
    return step(appointment=visit, by=desk.user, at=at, **more)


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        (visits.confirm, _S.BOOKED, _S.CONFIRMED),
        (visits.arrive, _S.PROVISIONAL, _S.ARRIVED),
        (visits.arrive, _S.BOOKED, _S.ARRIVED),
        (visits.arrive, _S.CONFIRMED, _S.ARRIVED),
        (visits.arrive, _S.NO_SHOW, _S.ARRIVED),
        (visits.undo_arrival, _S.ARRIVED, _S.BOOKED),
        (visits.start, _S.ARRIVED, _S.IN_PROGRESS),
        (visits.complete, _S.IN_PROGRESS, _S.COMPLETED),
        (visits.reopen, _S.COMPLETED, _S.IN_PROGRESS),
        (visits.no_show, _S.BOOKED, _S.NO_SHOW),
        (visits.no_show, _S.ARRIVED, _S.NO_SHOW),
        (visits.reinstate, _S.CANCELLED, _S.BOOKED),
        (visits.reinstate, _S.NO_SHOW, _S.BOOKED),
    ],
)
def test_each_step_leads_where_it_should(desk: Desk, step: Callable, before: str, after: str) -> None:
    visit = in_state(desk, before)
    stepped = do(step, desk, visit)
    assert (stepped.status, stepped.version) == (after, visit.version + 1)


@pytest.mark.parametrize(
    ("step", "before"),
    [
        (visits.confirm, _S.ARRIVED),
        (visits.arrive, _S.CANCELLED),
        (visits.undo_arrival, _S.IN_PROGRESS),
        (visits.undo_arrival, _S.NO_SHOW),
        (visits.start, _S.BOOKED),
        (visits.start, _S.COMPLETED),
        (visits.complete, _S.ARRIVED),
        (visits.reopen, _S.IN_PROGRESS),
        (visits.no_show, _S.COMPLETED),
        (visits.reinstate, _S.BOOKED),
    ],
)
def test_a_step_from_the_wrong_state_changes_nothing(desk: Desk, step: Callable, before: str) -> None:
    visit = in_state(desk, before)
    with pytest.raises(DomainError) as refusal:
        do(step, desk, visit)
    visit.refresh_from_db()
    assert (refusal.value.code, visit.status) == ("wrong_state", before)


@pytest.mark.parametrize("before", list(_S))
@pytest.mark.parametrize("after", list(_S))
def test_the_rule_reads_the_one_table_of_transitions(before: str, after: str) -> None:
    assert may_move(Appointment(status=before), _S(after)) == (after in TRANSITIONS[_S(before)])


@pytest.mark.parametrize("status", list(_S))
def test_which_states_are_upcoming_which_hold_time_and_none_moves_to_itself(status: _S) -> None:
    visit = Appointment(status=status)
    assert visit.is_upcoming == (status in (_S.PROVISIONAL, _S.BOOKED, _S.CONFIRMED))
    assert visit.holds_time == (status not in (_S.CANCELLED, _S.NO_SHOW))
    assert not may_move(visit, status)


@pytest.mark.parametrize("step", STEPS)
def test_an_admin_takes_no_step(desk: Desk, step: Callable) -> None:
    visit = in_state(desk, _S.BOOKED)
    with pytest.raises(NotAllowed):
        step(appointment=visit, by=UserFactory(admin=True), at=CLINIC_NOW)


@pytest.mark.parametrize("step", [visits.confirm, visits.arrive, visits.no_show])
def test_a_step_from_a_stale_page_changes_nothing(desk: Desk, step: Callable) -> None:
    visit = in_state(desk, _S.BOOKED)
    with pytest.raises(Stale):
        do(step, desk, visit, version=visit.version + 1)
    visit.refresh_from_db()
    assert visit.status == _S.BOOKED


def test_actual_times_stand_beside_the_planned_ones(desk: Desk) -> None:
    visit = in_state(desk, _S.BOOKED)
    moments = [CLINIC_NOW + timedelta(minutes=each) for each in (3, 11, 40)]
    for step, moment in zip((visits.arrive, visits.start, visits.complete), moments, strict=True):
        do(step, desk, visit, at=moment)
    visit.refresh_from_db()
    assert [visit.arrived_at, visit.started_at, visit.ended_at] == moments
    assert (visit.starts_at, visit.ends_at) == (CLINIC_NOW, CLINIC_NOW + timedelta(minutes=30))


def test_a_second_arrival_keeps_no_older_start(desk: Desk) -> None:
    visit = in_state(desk, _S.ARRIVED)
    again = do(visits.undo_arrival, desk, visit)
    assert again.arrived_at is None


def test_arrival_is_recorded_whatever_the_pathway_says(desk: Desk, pathway: ToldPathway) -> None:
    pathway.refuses = {"session"}
    visit = in_state(desk, _S.BOOKED, purpose="session")
    assert do(visits.arrive, desk, visit).status == _S.ARRIVED


@pytest.mark.parametrize("verdict", ["refuses", "provisional"])
def test_only_a_clear_verdict_lets_a_visit_start(desk: Desk, pathway: ToldPathway, verdict: str) -> None:
    setattr(pathway, verdict, {"session"})
    visit = in_state(desk, _S.ARRIVED, purpose="session")
    with pytest.raises(NotCleared) as refusal:
        do(visits.start, desk, visit)
    visit.refresh_from_db()
    assert (refusal.value.conditions[0].who, visit.status) == ("Dr Silva", _S.ARRIVED)


# --- cancelling ----------------------------------------------------------------------------------------------------


def test_a_cancellation_says_when_by_whom_and_why(desk: Desk) -> None:
    visit = in_state(desk, _S.BOOKED, on(TUESDAY, "09:00"))
    gone = do(visits.cancel, desk, visit, cancelled_by=CancelledBy.CLINIC, reason="flood")
    assert (gone.status, gone.cancelled_at) == (_S.CANCELLED, CLINIC_NOW)
    assert (gone.cancelled_by, gone.cancel_reason) == (CancelledBy.CLINIC, "flood")


@pytest.mark.parametrize(("hours", "late"), [(24, False), (23.99, True), (-1, True)])
def test_a_cancellation_is_late_within_the_clinics_hours(desk: Desk, hours: float, late: bool) -> None:
    visit = in_state(desk, _S.BOOKED, on(TUESDAY, "09:00"))
    at = visit.starts_at - timedelta(hours=hours)
    assert do(visits.cancel, desk, visit, at=at, cancelled_by=CancelledBy.PATIENT).cancelled_late == late


def test_a_patient_who_leaves_before_being_seen_can_be_cancelled(desk: Desk) -> None:
    visit = in_state(desk, _S.ARRIVED)
    assert do(visits.cancel, desk, visit, cancelled_by=CancelledBy.PATIENT).arrived_at is None


@pytest.mark.parametrize("status", [_S.IN_PROGRESS, _S.COMPLETED, _S.CANCELLED])
def test_what_has_begun_or_is_called_off_is_not_cancelled(desk: Desk, status: str) -> None:
    with pytest.raises(DomainError) as refusal:
        do(visits.cancel, desk, in_state(desk, status), cancelled_by=CancelledBy.PATIENT)
    assert refusal.value.code == "wrong_state"


def test_the_pathway_is_told_of_released_time(desk: Desk, pathway: ToldPathway) -> None:
    visit = in_state(desk, _S.BOOKED)
    do(visits.cancel, desk, visit, cancelled_by=CancelledBy.PATIENT)
    do(visits.reinstate, desk, visit)
    do(visits.no_show, desk, visit)
    do(visits.arrive, desk, visit)
    assert [what for what, _ in pathway.told] == ["released", "booked", "released", "booked"]


def test_a_check_in_taken_back_is_provisional_while_something_is_awaited(
    desk: Desk, pathway: ToldPathway
) -> None:
    pathway.provisional = {"session"}
    visit = desk.book(on(TUESDAY, "09:00"), purpose="session")
    arrived = visits.arrive(appointment=visit, by=desk.user, at=CLINIC_NOW)
    back = visits.undo_arrival(appointment=arrived, by=desk.user, at=CLINIC_NOW)
    assert back.status == _S.PROVISIONAL


def test_did_not_come_waits_until_the_start_has_passed(desk: Desk) -> None:
    visit = in_state(desk, _S.BOOKED, CLINIC_NOW + timedelta(minutes=1))
    with pytest.raises(DomainError) as refusal:
        do(visits.no_show, desk, visit)
    assert refusal.value.code == "not_yet"


# --- taking back ---------------------------------------------------------------------------------------------------


def test_reinstating_takes_every_trace_of_the_cancellation_off_the_visit(desk: Desk) -> None:
    visit = in_state(desk, _S.CANCELLED)
    back = do(visits.reinstate, desk, visit)
    assert (back.cancelled_at, back.cancelled_by, back.cancelled_late, back.cancel_reason) == (
        None,
        "",
        False,
        "",
    )


def test_reinstating_is_refused_when_the_time_has_been_given_away(desk: Desk) -> None:
    visit = in_state(desk, _S.CANCELLED, on(TUESDAY, "09:00"))
    desk.book(on(TUESDAY, "09:00"), patient=PatientFactory())
    with pytest.raises(SlotTaken) as refusal:
        do(visits.reinstate, desk, visit)
    visit.refresh_from_db()
    assert (refusal.value.code, visit.status) == ("practitioner_taken", _S.CANCELLED)


def test_reinstating_is_judged_by_the_pathway(desk: Desk, pathway: ToldPathway) -> None:
    pathway.refuses = {"session"}
    with pytest.raises(NotCleared):
        do(visits.reinstate, desk, in_state(desk, _S.CANCELLED, purpose="session"))


def test_a_visit_that_waits_for_something_comes_back_provisional(desk: Desk, pathway: ToldPathway) -> None:
    pathway.provisional = {"session"}
    visit = in_state(desk, _S.CANCELLED, purpose="session")
    assert do(visits.reinstate, desk, visit).status == _S.PROVISIONAL


def test_a_late_arrival_after_a_no_show_is_refused_when_the_time_is_gone(desk: Desk) -> None:
    visit = in_state(desk, _S.NO_SHOW)
    desk.book(CLINIC_NOW, patient=PatientFactory())
    with pytest.raises(SlotTaken):
        do(visits.arrive, desk, visit)


# --- settled by the pathway -------------------------------------------------------------------------------------------


def test_settling_turns_provisional_visits_into_booked_ones(desk: Desk) -> None:
    visit = in_state(desk, _S.PROVISIONAL)
    (settled,) = visits.settle(appointments=[visit], status=_S.BOOKED, by=desk.user, at=CLINIC_NOW)
    assert settled.status == _S.BOOKED


def test_settling_leaves_visits_alone_that_have_begun(desk: Desk) -> None:
    visit = in_state(desk, _S.ARRIVED)
    assert visits.settle(appointments=[visit], status=_S.PROVISIONAL, by=desk.user, at=CLINIC_NOW) == []
