"""The drill: what was backed up under load came back, all of it, as of one moment; and the clinic goes on from there."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection, transaction

from clinic.backup import BackupError, fingerprints, postgres, taking
from clinic.history_chain import verify
from clinic.models import Appointment, Patient
from consultations import photographs
from consultations.models import Photo, Session
from tests.backup.conftest import WEB_ROLE, Drill, connected_to, photograph, run
from tests.backup.tables import declared, differing, listing
from tests.factories import AppointmentFactory, PatientFactory
from tests.factories.clock import CLINIC_NOW
from tests.guards import refusal_of, sql

pytestmark = [pytest.mark.db, pytest.mark.race, pytest.mark.xdist_group("drill")]


def test_every_table_comes_back_as_it_was_at_one_moment(in_target: Drill) -> None:
    assert len(in_target.at_snapshot) > 150
    assert differing(in_target.at_snapshot, listing()) == sorted(postgres.NOT_KEPT)
    assert Session.objects.filter(signed_at__isnull=False).count() == 1


def test_the_comparison_sees_a_letter_a_missing_row_and_an_empty_table(in_target: Drill) -> None:
    """The negative control of the test above, and of the comparison that `restore` makes itself."""
    before = fingerprints.of_all_tables()
    for change, table in (
        (
            "UPDATE django_migrations SET name = name || 'x' WHERE id = (SELECT min(id) FROM django_migrations)",
            "django_migrations",
        ),
        (
            "DELETE FROM django_migrations WHERE id = (SELECT min(id) FROM django_migrations)",
            "django_migrations",
        ),
        (
            "ALTER TABLE clinic_room DISABLE TRIGGER ALL; UPDATE clinic_room SET name = 'Elsewhere' WHERE name = 'Room 1'",
            "clinic_room",
        ),
    ):
        with transaction.atomic():
            sql(change)()
            assert table in differing(in_target.at_snapshot, listing())
            assert [
                each.split()[0] for each in fingerprints.that_differ(before, fingerprints.of_all_tables())
            ] == [table]
            transaction.set_rollback(True)
    assert fingerprints.that_differ(before, fingerprints.of_all_tables()) == []


def test_the_sealed_history_stands_as_it_was_sealed(in_target: Drill) -> None:
    """A dump that was worked on before it came back would show."""
    verdict = verify()
    assert verdict.broken is None and verdict.entries > 100
    with transaction.atomic():
        sql("SET LOCAL session_replication_role = replica; UPDATE clinic_patientevent SET phone = '1'")()
        assert verify().broken.table == "clinic_patientevent"
        transaction.set_rollback(True)


def test_somebody_booked_before_during_and_after_and_no_visit_is_half_there(in_target: Drill) -> None:
    there = set(Appointment.objects.filter(pk__in=in_target.booked).values_list("pk", flat=True))
    assert 3 <= in_target.booked_before <= len(there) <= in_target.booked_at_snapshot + 1
    assert len(there) < len(in_target.booked), "nobody booked while the backup was taken"
    assert there == set(in_target.booked[: len(there)]), "one after the other, as they were booked"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM clinic_appointment a WHERE NOT EXISTS"
            " (SELECT FROM clinic_appointmentevent e WHERE e.pgh_obj_id = a.id)"
        )
        assert cursor.fetchone() == (0,)


def test_every_photograph_has_its_file_and_nobody_else_may_read_it(in_target: Drill) -> None:
    came = {path.name: path for path in in_target.came_back.iterdir()}
    assert {name: came[name].read_bytes() for name in in_target.files_before} == in_target.files_before
    assert sorted(path.suffix for path in came.values() if path.suffix not in ("", ".small")) == []
    assert {path.stat().st_mode & 0o777 for path in came.values()} == {0o600}
    assert in_target.came_back.stat().st_mode & 0o777 == 0o700
    assert Photo.objects.count() > 4
    assert f"{Photo.objects.count()} photographs, each with its file." in run("check_photos")


def test_a_file_that_is_not_the_one_recorded_is_seen(in_target: Drill) -> None:
    file = photographs.path_of(Photo.objects.latest("recorded_at").file_name)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        with pytest.raises(CommandError, match="1 of"):
            run("check_photos")
    finally:
        file.write_bytes(content)


def test_everything_that_is_declared_came_back(in_target: Drill) -> None:
    """But the grants: the drill took the role away from the source, so that the restore had to make it."""
    came = declared()
    with connected_to(in_target.source):
        source = declared()
    assert {each for each in came if each[0] != "grant"} == {each for each in source if each[0] != "grant"}
    assert {each[0] for each in came} == {
        "constraint", "trigger", "index", "function", "column", "sequence", "extension", "grant"
    }  # fmt: skip


def test_a_role_that_is_missing_is_made_without_sign_in_and_has_its_rights(in_target: Drill) -> None:
    assert in_target.restored is not None
    assert in_target.restored.roles_made == [WEB_ROLE]
    rights = {each for each in declared() if each[:3] == ("grant", "clinic_appointment", WEB_ROLE)}
    assert {each[3] for each in rights} == {"SELECT", "INSERT"}
    assert postgres.ask("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [WEB_ROLE]) == [(False,)]


def test_the_database_still_says_no(in_target: Drill) -> None:
    visit = Appointment.objects.filter(pk__in=in_target.booked).first()
    assert visit is not None
    columns = ", ".join(
        field.column
        for field in Appointment._meta.concrete_fields
        if field.column not in ("id", "request_id", "patient_id")
    )
    other = Patient.objects.exclude(pk=visit.patient_id).first()
    again = sql(
        f"INSERT INTO clinic_appointment (id, request_id, patient_id, {columns})"
        f" SELECT gen_random_uuid(), gen_random_uuid(), %s, {columns} FROM clinic_appointment WHERE id = %s",
        other.pk,
        visit.pk,
    )
    assert refusal_of(again) in {"appointment_practitioner_free", "appointment_room_free"}
    signed = Session.objects.get(signed_at__isnull=False)
    assert "signed" in refusal_of(sql("UPDATE consultations_session SET note = 'x' WHERE id = %s", signed.pk))


def test_the_clinic_goes_on_where_it_was(in_target: Drill) -> None:
    """Clinic numbers and the numbers of the history go on after the last one, and the history is written."""
    highest = max(Patient.objects.values_list("number", flat=True))
    newest = postgres.ask("SELECT max(pgh_id) FROM clinic_appointmentevent")[0][0]
    with transaction.atomic():
        assert PatientFactory().number > highest
        visit = AppointmentFactory()
        events = postgres.ask("SELECT pgh_id FROM clinic_appointmentevent WHERE pgh_obj_id = %s", [visit.pk])
        assert [number > newest for (number,) in events] == [True]
        transaction.set_rollback(True)


def test_nobody_is_still_signed_in(in_target: Drill) -> None:
    """Who was signed in at the time of a backup must not be let in by it, and no count of tries comes back."""
    assert [postgres.ask(f"SELECT count(*) FROM {table}")[0][0] for table in postgres.NOT_KEPT] == [0, 0]
    assert [in_target.at_snapshot[table][0] for table in postgres.NOT_KEPT] == [1, 1]


def test_the_command_says_what_is_in_it_and_changes_nothing(in_nothing: Drill) -> None:
    said = run("backup", verify=in_nothing.archive, key_file=str(in_nothing.key_file))
    rows = sum(
        rows for table, (rows, _sum) in in_nothing.at_snapshot.items() if table not in postgres.NOT_KEPT
    )
    assert f"Whole: made {CLINIC_NOW.isoformat()}" in said
    assert f"{rows:,} rows in {len(in_nothing.at_snapshot) - 2} tables" in said
    assert postgres.is_empty()


def test_the_file_is_its_owners_alone_and_says_nothing(drill: Drill) -> None:
    content = drill.archive.read_bytes()
    assert drill.archive.stat().st_mode & 0o777 == 0o600
    assert [
        word for word in (b"PGDMP", b"Moreau", b"clinic_patient", b"JFIF", b"ustar") if word in content
    ] == []
    assert list(drill.folder.glob("*.part")) == []


def test_a_photograph_without_its_file_is_said_and_the_backup_kept(in_source: Drill) -> None:
    lost = photograph(Photo.objects.exclude(consent=None).latest("recorded_at").patient)
    photographs.path_of(lost.file_name).unlink()
    with pytest.raises(CommandError, match=r"The backup was made\. But 1 photographs lack the file"):
        run("backup", str(in_source.folder / "lacking.backup"), key_file=str(in_source.key_file))
    said = run("backup", verify=in_source.folder / "lacking.backup", key_file=str(in_source.key_file))
    assert said.startswith("Whole: ")


def test_nothing_is_left_of_a_backup_that_fails(in_source: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = in_source.folder / "strange"
    folder.mkdir()
    (folder / "Moreau before.jpg").write_bytes(b"x")
    monkeypatch.setattr(settings, "PHOTO_DIR", folder)
    with pytest.raises(BackupError, match=r"'Moreau before\.jpg'"):
        taking.take(
            in_source.folder / "failed.backup", in_source.secret, at=CLINIC_NOW, tell=lambda _words: None
        )
    assert list(in_source.folder.glob("failed*")) == []


def test_a_backup_is_never_written_over(in_source: Drill) -> None:
    before = in_source.archive.read_bytes()
    with pytest.raises(CommandError, match="a backup is never written over"):
        run("backup", str(in_source.archive), key_file=str(in_source.key_file))
    assert in_source.archive.read_bytes() == before


def test_functions_of_stored_columns_are_found_with_an_empty_search_path(
    in_source: Drill, in_nothing: Drill
) -> None:
    """The negative control: as the functions were before, no dump of the clinic could be restored."""
    with connected_to(in_source.source):
        definition = postgres.ask("SELECT pg_get_functiondef('patient_folded_name'::regproc)")[0][0]
        assert "public.fold(" in definition
        sql(definition.replace("public.fold(", "fold("))()
        try:
            with postgres.snapshot() as name:
                dumped = list(postgres.dump(snapshot=name))
        finally:
            sql(definition)()
    with pytest.raises(BackupError, match=r"pg_restore failed: .*function fold\(text\) does not exist"):
        postgres.load(dumped)
    assert postgres.is_empty()
