"""Rows made past the triggers are as good as booked ones: nobody is in two places, nothing points nowhere."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from benchmarks import bulk, clinics
from clinic.models import Appointment, Patient

_OVERLAPS = """
SELECT count(*) FROM clinic_appointment a JOIN clinic_appointment b
    ON a.id < b.id AND a.{of} = b.{of} AND a.{since} < b.{until} AND b.{since} < a.{until}
"""
_INDEXES = (
    "SELECT indexname FROM pg_indexes WHERE tablename IN ('clinic_appointment', 'clinic_patient') UNION"
    " SELECT conname || condeferrable FROM pg_constraint WHERE conrelid = 'clinic_appointment'::regclass ORDER BY 1"
)
SIZE = clinics.grown(900, practitioners=3, rooms=3, devices=1, patients=60)


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@pytest.fixture
def in_the_copy(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow the loader to work in this test's own database."""
    monkeypatch.setattr(bulk, "PREFIX", committed_db)


def test_nobody_is_double_booked_and_nothing_is_missing(in_the_copy: None) -> None:
    indexes = rows(_INDEXES)
    clinics.build(SIZE)
    assert rows(_INDEXES) == indexes
    assert (Appointment.objects.count(), Patient.objects.count()) == (900, 60)
    for of, since, until in (
        ("practitioner_id", "practitioner_from", "practitioner_until"),
        ("room_id", "room_from", "room_until"),
        ("device_id", "room_from", "room_until"),
        ("patient_id", "starts_at", "ends_at"),
    ):
        assert rows(_OVERLAPS.format(of=of, since=since, until=until)) == [(0,)], of
    assert rows(
        "SELECT count(*) FROM clinic_appointment a LEFT JOIN clinic_patient p ON p.id = a.patient_id WHERE p IS NULL"
    ) == [(0,)]
    sessions = rows(
        "SELECT a.patient_id = p.patient_id, a.purpose = 'session:' || s.id FROM consultations_plannedsession s"
        " JOIN consultations_plan p ON p.id = s.plan_id JOIN clinic_appointment a ON a.id = s.appointment_id"
    )
    assert sessions
    assert set(sessions) == {(True, True)}


def test_an_overlap_is_refused_when_the_constraints_are_built_again(in_the_copy: None) -> None:
    clinics.build(SIZE)
    visit = Appointment.objects.filter(status="booked").first()
    assert visit is not None
    twice = {
        field.column: f'"{field.column}"'
        for field in Appointment._meta.concrete_fields
        if field.column not in ("id", "request_id")
    }
    with (
        pytest.raises(IntegrityError, match=r"appointment_.*_free"),
        connection.cursor() as cursor,
        bulk.past_the_guards(cursor),
    ):
        bulk.insert(cursor, Appointment, twice, f"clinic_appointment WHERE id = '{visit.pk}'")


@pytest.mark.django_db
def test_no_other_database_is_ever_written_past_its_triggers() -> None:
    with (
        pytest.raises(RuntimeError, match="own databases"),
        connection.cursor() as cursor,
        bulk.past_the_guards(cursor),
    ):
        pass
