"""As the role a production web server should have: it reads and writes rows, and owns no table.

What the owner could still do (switch triggers off, empty tables), this role cannot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from tests.consultations.test_gate_writes import by_raw_sql
from tests.factories import AppointmentFactory, SessionFactory, consented_plan
from tests.guards import refusal_of, sql

pytestmark = pytest.mark.django_db


@pytest.fixture
def web_role() -> Iterator[str]:
    """From here on the connection acts as the web role; the transaction takes the role away again."""
    name = f"mesoclinic_web_{os.getpid()}"
    sql(f"CREATE ROLE {name} NOLOGIN")()
    sql(f"GRANT USAGE ON SCHEMA public TO {name}")()
    sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")()
    sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")()
    yield name


def _as(name: str) -> None:
    sql(f"SET LOCAL ROLE {name}")()


def test_it_owns_nothing_and_is_refused_like_everybody_else(web_role: str) -> None:
    plan = consented_plan()  # consented, but never tested
    session = SessionFactory.build(
        patient=plan.patient,
        plan=plan,
        planned=plan.planned_sessions.first(),
        practitioner=plan.consultation.practitioner,
        technique=plan.technique,
    )
    _as(web_role)
    assert refusal_of(lambda: by_raw_sql(session)) == "session_cleared"
    sql("SELECT set_config('pgtrigger.ignore', '{session_cleared}', true)")()
    assert refusal_of(lambda: by_raw_sql(session)) == "session_cleared"


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE consultations_session DISABLE TRIGGER ALL",
        "ALTER TABLE clinic_appointment DROP CONSTRAINT appointment_room_free",
        "TRUNCATE clinic_appointment CASCADE",
        "TRUNCATE clinic_appointmentevent",
        "SET session_replication_role = replica",
        "DROP FUNCTION pathway_refusal",
        "CREATE OR REPLACE FUNCTION pathway_refusal(uuid, uuid, timestamptz, text, uuid, timestamptz)"
        " RETURNS text LANGUAGE sql AS 'SELECT NULL'",
    ],
)
def test_it_cannot_take_a_guard_away(web_role: str, statement: str) -> None:
    _as(web_role)
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic():
        sql(statement)()


def test_it_does_the_days_work(web_role: str) -> None:
    visit = AppointmentFactory()
    _as(web_role)
    sql("UPDATE clinic_appointment SET note = 'by the web role' WHERE id = %s", visit.pk)()
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM clinic_appointment WHERE id = %s", [visit.pk])
        assert cursor.fetchone() == ("by the web role",)
