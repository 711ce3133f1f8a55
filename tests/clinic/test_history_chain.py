"""The sealed history: what was changed, taken away, put in or cut off behind the triggers' back is found and named."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import StringIO
from pathlib import Path
from threading import Timer
from typing import Any

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from clinic import web_role
from clinic.actions import history
from clinic.errors import DomainError
from clinic.history_chain import Head, sealed_tables, verify
from clinic.models import Appointment, HistorySeal, RecordOpened, User
from tests.factories import AppointmentFactory, HistorySealFactory, PatientFactory
from tests.factories.clock import CLINIC_NOW, ago
from tests.guards import events, sql
from tests.web_role import acting_as, made_by_the_shipped_text

pytestmark = pytest.mark.django_db
EVENTS = "clinic_appointmentevent"


@contextmanager
def triggers_off() -> Iterator[None]:
    """What a superuser could do, and nobody else: no trigger sees what happens."""
    sql("SET LOCAL session_replication_role = replica")()
    yield
    sql("SET LOCAL session_replication_role = origin")()


def behind_the_back(statement: str, *values: object) -> None:
    with triggers_off():
        sql(statement, *values)()


def sealed(at: datetime = CLINIC_NOW) -> history.Sealed:
    return history.seal(by=None, at=at)


def rows(query: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def entries_of(visit: Appointment) -> list[int]:
    return [
        entry for (entry,) in rows(f"SELECT pgh_id FROM {EVENTS} WHERE pgh_obj_id = %s ORDER BY 1", visit.pk)
    ]


@pytest.fixture
def visit() -> Appointment:
    """A visit with three entries in the history, sealed, and another one after it."""
    visit = AppointmentFactory(note="as told")
    for note in ("first", "second"):
        Appointment.objects.filter(pk=visit.pk).update(note=note)
    sealed()
    AppointmentFactory()
    return visit


def test_all_that_was_written_is_sealed_once_and_stands(visit: Appointment) -> None:
    first = verify()
    assert (first.broken, first.waiting > 0) == (None, True)
    again = sealed()
    second = verify([first.head, again.head])
    assert (second.broken, second.waiting, second.head) == (None, 0, again.head)
    assert second.entries == first.entries + again.entries
    assert sealed() == (0, again.head)


def test_every_table_of_the_history_is_under_the_chain() -> None:
    kept = set(sealed_tables())
    assert {model._meta.db_table for app in ("clinic", "consultations") for model in events(app)} <= kept
    assert "clinic_recordopened" in kept


def test_what_is_still_being_written_is_waited_for() -> None:
    """Its entries have lower numbers than the newest one; sealed over, they would look as if put between later."""
    writer = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    PatientFactory()
    try:
        with writer.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        for role in ("", made_by_the_shipped_text()):  # whoever seals need not be a superuser to see it
            if role:
                acting_as(role)
            with pytest.raises(DomainError, match="nothing was sealed"):
                history.seal(by=None, at=CLINIC_NOW, patience=0)
        acting_as("none")
        assert not HistorySeal.objects.exists()
    finally:
        writer.close()
    assert sealed().entries


def test_sealing_goes_on_once_it_is_written(tmp_path: Path) -> None:
    writer = psycopg2.connect(**{**connection.get_connection_params(), "cursor_factory": None})
    PatientFactory()
    with writer.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    with pytest.raises(CommandError, match="nothing was sealed"):
        call_command("seal_history", heads=tmp_path / "heads", patience=0)
    assert not (tmp_path / "heads").exists()
    end = Timer(0.2, writer.close)
    end.start()
    assert sealed().entries
    end.join()


class TestTheDrill:
    """Each was done by raw SQL, as who may switch triggers off."""

    def broken(self, *heads: Head) -> Any:
        found = verify(heads).broken
        assert found is not None
        return found

    def test_an_entry_that_was_changed(self, visit: Appointment) -> None:
        entry = entries_of(visit)[1]
        behind_the_back(f"UPDATE {EVENTS} SET note = 'never said' WHERE pgh_id = %s", entry)
        found = self.broken()
        (written,) = rows(f"SELECT pgh_created_at FROM {EVENTS} WHERE pgh_id = %s", entry)[0]
        assert (found.what, found.table, found.entry) == ("the entry was changed", EVENTS, entry)
        assert (found.row, found.at) == (str(visit.pk), written)

    def test_an_entry_that_was_taken_away(self, visit: Appointment) -> None:
        entry = entries_of(visit)[2]
        behind_the_back(f"DELETE FROM {EVENTS} WHERE pgh_id = %s", entry)
        found = self.broken()
        assert (found.what, found.table, found.entry) == ("the entry is gone", EVENTS, entry)
        assert found.at == CLINIC_NOW  # when it was sealed: when it was written is gone with it

    def test_an_entry_that_was_put_between(self, visit: Appointment) -> None:
        first, second, _third = entries_of(visit)
        behind_the_back(f"DELETE FROM {EVENTS} WHERE pgh_id = %s", second)
        behind_the_back("DELETE FROM clinic_historyseal")
        sealed()  # the second is a gap in what is sealed now, as after a transaction that was rolled back
        columns = [
            name
            for (name,) in rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", EVENTS
            )
        ]
        copied = ", ".join(f'"{name}"' for name in columns if name != "pgh_id")
        behind_the_back(
            f"INSERT INTO {EVENTS} (pgh_id, {copied}) SELECT %s, {copied} FROM {EVENTS} WHERE pgh_id = %s",
            second,
            first,
        )
        found = self.broken()
        assert (found.what, found.table, found.entry, found.row) == (
            "the entry was put between",
            EVENTS,
            second,
            str(visit.pk),
        )

    def test_an_entry_in_front_of_the_first(self, visit: Appointment) -> None:
        """Numbered by hand below one, where no seal begins. The web role cannot (tests/test_web_role.py); its owner can."""
        columns = ", ".join(f'"{name}"' for name in web_role.columns_added(EVENTS))
        behind_the_back(
            f"INSERT INTO {EVENTS} (pgh_id, {columns}) SELECT -5, {columns} FROM {EVENTS} LIMIT 1"
        )
        found = self.broken()
        assert (found.what, found.table, found.entry) == ("the entry was put between", EVENTS, -5)

    def test_the_newest_seals_cut_off(self, visit: Appointment) -> None:
        head = sealed().head
        behind_the_back("DELETE FROM clinic_historyseal WHERE number = %s", head.number)
        assert verify().broken is None  # nothing in the database knows
        found = self.broken(head)
        assert found.what == f"seal {head} was noted elsewhere, and the chain ends before it"
        sealed(ago(minutes=-1))
        assert (
            self.broken(head).what == f"seal {head} was noted elsewhere, and another seal stands in its place"
        )

    def test_a_seal_in_the_middle(self, visit: Appointment) -> None:
        behind_the_back("DELETE FROM clinic_historyseal WHERE number = 2")
        assert (self.broken().what, self.broken().number) == ("seal 2 is missing", 2)

    def test_an_entry_and_its_digest(self, visit: Appointment) -> None:
        """Who forges both meets the links after it."""
        number = HistorySeal.objects.get(table=EVENTS).number
        behind_the_back(f"UPDATE {EVENTS} SET note = 'never said' WHERE pgh_id = %s", entries_of(visit)[1])
        behind_the_back("UPDATE clinic_historyseal SET digests[2] = 'forged' WHERE number = %s", number)
        assert (self.broken().what, self.broken().number) == ("the seal itself was changed", number)

    def test_who_did_it(self, visit: Appointment, reception_client: Client) -> None:
        other = AppointmentFactory()
        reception_client.post(f"/appointments/{other.pk}/confirm/", {"version": other.version})
        sealed()
        assert verify().broken is None
        behind_the_back('UPDATE pghistory_context SET metadata = metadata || \'{"user": "somebody else"}\'')
        assert self.broken().row == str(other.pk)

    def test_the_log_of_opened_records(self, visit: Appointment, admin: User) -> None:
        opened = RecordOpened.objects.create(user=admin, patient=visit.patient, page="x", at=ago(hours=1))
        sealed()
        behind_the_back("UPDATE clinic_recordopened SET page = 'y'")
        assert (self.broken().table, self.broken().entry) == ("clinic_recordopened", opened.pk)

    def test_a_table_that_is_not_kept_any_more(self) -> None:
        seal = HistorySealFactory.build(number=1, table="clinic_gone")
        seal.link = seal.linked_to("")
        seal.save(force_insert=True)
        assert self.broken().what == "the table is not kept any more"

    def test_without_the_seals_each_would_go_unseen(self, visit: Appointment) -> None:
        behind_the_back("DELETE FROM clinic_historyseal")
        behind_the_back(f"UPDATE {EVENTS} SET note = 'never said' WHERE pgh_id = %s", entries_of(visit)[1])
        assert verify().broken is None


class TestWhatIsNoTampering:
    def test_a_column_that_a_new_version_adds(self, visit: Appointment) -> None:
        connection.check_constraints()
        sql(f"ALTER TABLE {EVENTS} ADD COLUMN colour text DEFAULT 'blue'")()
        assert verify().broken is None
        sql(f"ALTER TABLE {EVENTS} DROP COLUMN note")()
        assert verify().broken.what == "column note is gone, so that its entries cannot be read as they were"

    def test_another_time_zone_or_way_of_writing(self, visit: Appointment) -> None:
        sql("SET LOCAL TimeZone = 'Asia/Tokyo'; SET LOCAL DateStyle = 'SQL, DMY'")()
        assert verify().broken is None
        sealed()
        sql("SET LOCAL TimeZone = 'Europe/Paris'; SET LOCAL DateStyle = 'German'")()
        assert (verify().broken, verify().waiting) == (None, 0)

    def test_a_name_taken_out_and_sealed_anew_with_its_reason(self, admin: User) -> None:
        patient = PatientFactory(family_name="Moreau")
        other = PatientFactory()
        sealed()
        table = "clinic_patientevent"
        (entry,) = rows(f"SELECT pgh_id FROM {table} WHERE pgh_obj_id = %s", patient.pk)[0]
        behind_the_back(f"UPDATE {table} SET family_name = 'Patient 17' WHERE pgh_id = %s", entry)
        assert verify().broken.entry == entry
        history.seal_anew(
            table=table, entries=[entry], reason="asked to be forgotten", by=admin, at=CLINIC_NOW
        )
        verdict = verify()
        assert (verdict.broken, [str(seal.sealed_by) for seal in verdict.replaced]) == (None, [str(admin)])
        older = HistorySeal.objects.get(table=table, reason="")
        assert [salt is None for salt in older.salts] == [each == entry for each in older.entries]
        # what was sealed anew is held to what it says now, and its neighbours to what they said
        with transaction.atomic():
            behind_the_back(f"UPDATE {table} SET family_name = 'Moreau' WHERE pgh_id = %s", entry)
            assert verify().broken.entry == entry
            transaction.set_rollback(True)
        behind_the_back(f"UPDATE {table} SET family_name = 'x' WHERE pgh_obj_id = %s", other.pk)
        assert verify().broken.row == str(other.pk)

    def test_what_was_never_sealed_is_not_sealed_anew(self, admin: User) -> None:
        PatientFactory()
        (entry,) = rows("SELECT max(pgh_id) FROM clinic_patientevent")[0]
        for some in ([entry], [entry + 1000], []):
            with pytest.raises(DomainError, match="Only what was sealed before"):
                history.seal_anew(
                    table="clinic_patientevent", entries=some, reason="x", by=admin, at=CLINIC_NOW
                )


class TestWhoMayDoWhat:
    def test_the_web_role_reads_seals_and_makes_none(self, visit: Appointment) -> None:
        acting_as(made_by_the_shipped_text())
        assert verify().broken is None
        for statement in ("DELETE FROM clinic_historyseal", "UPDATE clinic_historyseal SET salts = '{}'"):
            with pytest.raises(Exception, match="permission denied"), transaction.atomic():
                sql(statement)()
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            sealed()

    def test_who_acted_stays_in_the_history_also_after_signing_out(self, admin: User) -> None:
        """pghistory writes the context anew with what the request knows later; by then it may know nobody."""
        insert = "INSERT INTO pghistory_context VALUES (gen_random_uuid(), now(), now(), %s) RETURNING id"
        ((key,),) = rows(insert, f'{{"user": "{admin.pk}", "url": "/a/"}}')
        later = 'UPDATE pghistory_context SET metadata = \'{"user": null, "url": "/b/"}\' WHERE id = %s RETURNING metadata'
        said = f"{later}->>'user', metadata->>'url'"
        assert rows(said, key) == [(str(admin.pk), "/b/")]
        with pytest.raises(Exception, match="Who changed what is part of the history"), transaction.atomic():
            sql("DELETE FROM pghistory_context")()
        with pytest.raises(Exception, match="Who changed what is part of the history"), transaction.atomic():
            sql("TRUNCATE pghistory_context CASCADE")()
        behind_the_back(
            "UPDATE pghistory_context SET metadata = '{}' WHERE id = %s", key
        )  # without the trigger
        assert rows("SELECT metadata->>'user' FROM pghistory_context WHERE id = %s", key) == [(None,)]


class TestTheCommands:
    @pytest.fixture
    def heads(self, tmp_path: Path) -> Path:
        return tmp_path / "noted" / "history.heads"

    def run(self, command: str, **options: Any) -> str:
        out = StringIO()
        call_command(command, stdout=out, stderr=out, **options)
        return out.getvalue()

    def test_sealing_notes_the_newest_link_and_verifying_holds_against_all_noted(
        self, visit: Appointment, heads: Path
    ) -> None:
        assert "No newest link was noted elsewhere" in self.run("verify_history", heads=heads)
        said = self.run("seal_history", heads=heads)
        assert re.fullmatch(r"\d+ entries sealed\. Newest link: (\d+:[0-9a-f]{64})\n", said)
        assert "0 entries sealed" in self.run("seal_history", heads=heads)
        assert heads.read_text().count("\n") == 1 and heads.read_text().split()[1] in said
        assert "0 wait to be sealed" in self.run("verify_history", heads=heads)
        behind_the_back("DELETE FROM clinic_historyseal WHERE number > 1")
        with pytest.raises(CommandError, match="was noted elsewhere, and the chain ends before it"):
            self.run("verify_history", heads=heads)

    def test_the_first_that_is_broken_is_named_with_table_row_and_time(
        self, visit: Appointment, heads: Path
    ) -> None:
        entry = entries_of(visit)[0]
        behind_the_back(f"UPDATE {EVENTS} SET note = 'never said' WHERE pgh_id = %s", entry)
        named = rf"BROKEN at seal \d+ in {EVENTS}, entry {entry} of row {visit.pk}, \d{{4}}-.*: the entry was changed\."
        with pytest.raises(CommandError, match=named):
            self.run("verify_history", heads=heads)

    def test_a_link_by_hand(self, visit: Appointment, heads: Path) -> None:
        newest = str(HistorySeal.objects.in_order().last())
        assert "Held against 1 noted before" in self.run("verify_history", heads=heads, head=[newest])
        with pytest.raises(CommandError, match="another seal stands in its place"):
            self.run("verify_history", heads=heads, head=["1:" + "0" * 64])
        with pytest.raises(CommandError, match="is no newest link"):
            self.run("verify_history", heads=heads, head=["newest"])

    def test_what_was_sealed_anew_is_told_every_time(
        self, visit: Appointment, admin: User, heads: Path
    ) -> None:
        entry = entries_of(visit)[0]
        history.seal_anew(
            table=EVENTS, entries=[entry], reason="asked to be forgotten", by=admin, at=CLINIC_NOW
        )
        assert f"{EVENTS} {entry}: asked to be forgotten" in self.run("verify_history", heads=heads)
