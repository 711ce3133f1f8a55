"""As the role a production web server signs in with, made by the SQL that ships: it reads and writes rows, and owns nothing.

What the owner could still do (switch triggers off, empty tables), this role cannot. The journeys (tests/journeys) and the
walk through all routes below act as this role, so that what it lacks is found before a clinic finds it.
"""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from clinic import web_role
from clinic.models import Patient
from tests.consultations.test_gate_writes import by_raw_sql
from tests.factories import AppointmentFactory, SessionFactory, UserFactory, consented_plan
from tests.guards import events, refusal_of, sql
from tests.web_role import acting_as, made_by_the_shipped_text

pytestmark = pytest.mark.django_db
OWNER_MIGHT = r"permission denied|must be owner"


@pytest.fixture
def web() -> str:
    """The role's name. The transaction takes the role away again."""
    return made_by_the_shipped_text()


def found() -> set[str]:
    """What the check of a production start says about the role in use."""
    return {each.id for each in web_role.check_role(databases=["default"])}


def value(query: str, *values: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]


def test_it_owns_nothing_and_is_refused_like_everybody_else(web: str) -> None:
    plan = consented_plan()  # consented, but never tested
    session = SessionFactory.build(
        patient=plan.patient,
        plan=plan,
        planned=plan.planned_sessions.first(),
        practitioner=plan.consultation.practitioner,
        technique=plan.technique,
    )
    acting_as(web)
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
        "UPDATE clinic_appointmentevent SET note = 'never said'",
        "DELETE FROM clinic_appointmentevent",
        "UPDATE clinic_recordopened SET at = now()",
        "DELETE FROM clinic_recordopened",
        "DELETE FROM pghistory_context",
        "UPDATE pghistory_context SET id = gen_random_uuid()",
        "UPDATE django_migrations SET name = name",
        "SELECT setval(pg_get_serial_sequence('clinic_appointmentevent', 'pgh_id'), 1)",
        "SET session_replication_role = replica",
        "DROP TABLE clinic_appointmentevent",
        "DROP FUNCTION pathway_refusal",
        "CREATE OR REPLACE FUNCTION pathway_refusal(uuid, uuid, timestamptz, text, uuid, timestamptz)"
        " RETURNS text LANGUAGE sql AS 'SELECT NULL'",
        "CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name NAME)"
        " RETURNS BOOLEAN LANGUAGE sql AS 'SELECT true'",
        "CREATE TABLE consultations_consent_of_mine (id int)",
        "CREATE TEMPORARY TABLE consultations_consent (LIKE public.consultations_consent)",
        "CREATE SCHEMA mine",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        # Below what is sealed first, and so high that whatever comes after it would look as if put between.
        "INSERT INTO clinic_recordopened (id) VALUES (-1)",
        "INSERT INTO clinic_appointmentevent (pgh_id) VALUES (2000000000)",
    ],
)
def test_it_cannot_take_a_guard_or_what_is_written_away(web: str, statement: str) -> None:
    acting_as(web)
    with pytest.raises(DatabaseError, match=OWNER_MIGHT), transaction.atomic():
        sql(statement)()


def test_a_temporary_table_would_stand_before_the_real_one(web: str) -> None:
    """The harm, were it allowed: the gate would read consents that nobody gave."""
    AppointmentFactory()
    sql(f"GRANT TEMPORARY ON DATABASE {connection.settings_dict['NAME']} TO {web}")()
    acting_as(web)
    sql("CREATE TEMPORARY TABLE clinic_appointment (LIKE public.clinic_appointment)")()
    assert value("SELECT count(*) FROM clinic_appointment") == 0
    assert "clinic.E104" in found()


def test_it_may_add_to_the_history_and_nothing_else(web: str) -> None:
    acting_as(web)
    privileges = (
        "SELECT string_agg(p, ' ') FROM unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS p"
    )
    # Column by column, so that the number of an entry is the database's own.
    by_column = "p = 'INSERT' AND has_any_column_privilege(%s, p)"
    may = {
        table: value(f"{privileges} WHERE has_table_privilege(%s, p) OR {by_column}", table, table)
        for table in web_role.additions_only()
    }
    assert {model._meta.db_table for app in ("clinic", "consultations") for model in events(app)} <= set(may)
    assert may.pop("clinic_erasuredone") == "SELECT"  # whoever erases owns the tables
    assert set(may.values()) == {"SELECT INSERT"}


def test_it_does_the_days_work_and_the_history_says_so(web: str) -> None:
    visit = AppointmentFactory()
    acting_as(web)
    sql("UPDATE clinic_appointment SET note = 'by the web role' WHERE id = %s", visit.pk)()
    last = "SELECT note FROM clinic_appointmentevent WHERE pgh_obj_id = %s ORDER BY pgh_id DESC LIMIT 1"
    assert value(last, visit.pk) == "by the web role"


class TestTheCheckOfAProductionStart:
    def test_it_has_nothing_to_say_about_the_role_that_ships(self, web: str) -> None:
        acting_as(web)
        assert found() == set()

    def test_it_refuses_the_owner(self) -> None:
        assert {"clinic.E102", "clinic.E103", "clinic.E104"} <= found()
        with pytest.raises(CommandError, match="it can empty them and switch their triggers off"):
            call_command("check", deploy=True, databases=["default"], stderr=StringIO())

    @pytest.mark.parametrize(
        ("too_much", "fault"),
        [
            ("ALTER TABLE clinic_closedday OWNER TO {web}", "clinic.E102"),
            ("GRANT UPDATE ON clinic_appointmentevent TO {web}", "clinic.E103"),
            ("GRANT DELETE ON clinic_recordopened TO PUBLIC", "clinic.E103"),
            ("GRANT CREATE ON SCHEMA public TO {web}", "clinic.E104"),
            ("ALTER ROLE {web} CREATEROLE", "clinic.E101"),
        ],
    )
    def test_it_finds_one_thing_too_much(self, web: str, too_much: str, fault: str) -> None:
        sql(too_much.format(web=web))()
        acting_as(web)
        assert found() == {fault}

    def test_it_finds_pgtriggers_switch_open(self, web: str) -> None:
        """As `pgtrigger install` leaves it; the next migrate closes it."""
        sql(
            "CREATE OR REPLACE FUNCTION _pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN LANGUAGE sql"
            " AS 'SELECT current_setting(''pgtrigger.ignore'', true) LIKE ''%%'' || trigger_name || ''%%'''"
        )()
        acting_as(web)
        assert found() == {"clinic.E105"}

    def test_what_was_too_much_is_taken_away_by_the_next_run(self, web: str) -> None:
        sql(f"GRANT UPDATE, DELETE, TRUNCATE ON clinic_appointmentevent TO {web}")()
        sql("GRANT TRUNCATE ON clinic_recordopened TO PUBLIC")()
        out = StringIO()
        call_command("web_role_sql", role=web, apply=True, stdout=out)
        assert f"The role {web} reads and writes" in out.getvalue()
        acting_as(web)
        assert found() == set()

    def test_a_database_that_does_not_answer_is_no_all_clear(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(web_role._QUESTIONS, "clinic.E101", ("SELECT no_such_function()", ""))
        with transaction.atomic():
            assert found() == {"clinic.E100"}
            transaction.set_rollback(True)


def test_a_name_with_quotes_in_it_stays_a_name() -> None:
    name = f"""o'clock "web" {os.getpid()}"""
    made_by_the_shipped_text(name)
    acting_as(name)
    assert value("SELECT current_user") == name
    assert found() == set()


def test_without_the_grants_nothing_can_be_read() -> None:
    """The negative control of the walks as this role: a role without the shipped grants gets nowhere."""
    UserFactory()
    name = f"mesoclinic_nobody_{os.getpid()}"
    sql(f"CREATE ROLE {name} NOLOGIN")()
    acting_as(name)
    with pytest.raises(DatabaseError, match=OWNER_MIGHT), transaction.atomic():
        Patient.objects.count()
