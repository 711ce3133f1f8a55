"""`kill -9` of the database and of the web servers while four desks book: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from time import monotonic, sleep

import pytest

from benchmarks.clients import Browser
from tests.crash.conftest import CrashClinic
from tests.crash.desks import DESKS, Load, booked_twice, busy, half_saved, lost, statuses
from tests.crash.processes import Database, wait_until, workers_of

# One worker for all of them: they share the servers that they kill.
pytestmark = [pytest.mark.crash, pytest.mark.xdist_group("crash")]

BACK_WITHIN = 10  # seconds
AFTERWARDS = 1.0  # for so long the desks go on


def _nothing_is_missing(clinic: CrashClinic, load: Load) -> None:
    assert len(load.done) > 2 * DESKS
    assert lost(clinic.database, load) == set()
    assert booked_twice(clinic.database) == 0
    with clinic.database.connected() as cursor:
        assert half_saved(cursor) == []


def test_the_database_is_killed_under_load(clinic: CrashClinic, unguarded_port: int) -> None:
    """The server beside it, which does not ask whether its connections live, shows what the desks are spared."""
    with closing(Browser(unguarded_port, clinic.sessions[0])) as unguarded:
        assert unguarded.get("/patients/").status == 200
        with busy(clinic.port, clinic.sessions, clinic.places) as load:
            before = set(load.done)
            killed_at = clinic.database.kill()
            clinic.database.start()
            wait_until(lambda: set(load.done) - before, seconds=20)
            sleep(AFTERWARDS)
        assert load.seconds_until_back(killed_at) < BACK_WITHIN, clinic.database.log()
        assert load.refused[503] > 0, "the desks noticed nothing: they were not booking when it was killed"
        assert load.refused[0] == 0, "the web server itself answered throughout"
        _nothing_is_missing(clinic, load)
        assert statuses(clinic.port, clinic.sessions[0], 32) == {200}
        assert unguarded.get("/patients/").status == 503


def test_the_web_servers_are_killed_under_load(clinic: CrashClinic) -> None:
    with busy(clinic.port, clinic.sessions, clinic.places) as load:
        old = workers_of(clinic.port)
        assert len(old) == 2
        for worker in old:
            os.kill(worker, signal.SIGKILL)
        killed_at = monotonic()
        before = set(load.done)
        wait_until(lambda: len(set(load.done) - before) > DESKS, seconds=20)
        sleep(AFTERWARDS)
    assert load.seconds_until_back(killed_at) < BACK_WITHIN
    assert load.refused[0] > 0, "the desks noticed nothing: they were not booking when it was killed"
    assert load.refused[503] == 0
    assert set(workers_of(clinic.port)) & set(old) == set()
    _nothing_is_missing(clinic, load)


def test_what_is_half_saved_is_seen(clinic: CrashClinic) -> None:
    """The negative control of the comparison: a visit without its history, one whose patient still waits."""
    with busy(clinic.port, clinic.sessions, clinic.places):
        pass
    visit, other = (key for (key,) in clinic.database.ask("SELECT id::text FROM clinic_appointment LIMIT 2"))
    with clinic.database.connected(autocommit=False) as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM clinic_appointmentevent WHERE pgh_obj_id = %s", [visit])
        cursor.execute(
            "UPDATE clinic_waitlistentry SET closed_at = NULL, closed_by_id = NULL, outcome = '', appointment_id = NULL"
            " WHERE appointment_id = %s",
            [other],
        )
        assert set(half_saved(cursor)) == {visit, other}
        cursor.connection.rollback()


def test_commits_that_do_not_wait_for_the_disk_would_be_lost(clinic: CrashClinic) -> None:
    """The negative control of both: the same kill, the same comparison, with `synchronous_commit` off."""
    database = clinic.database
    database.ask("ALTER DATABASE drill SET synchronous_commit = off")
    database.ask("ALTER SYSTEM SET wal_writer_delay = '10s'")
    _begin_anew(database)
    try:
        with busy(clinic.port, clinic.sessions, clinic.places) as load:
            database.kill()
            database.start()
        assert lost(database, load) != set()
    finally:
        database.ask("ALTER DATABASE drill RESET synchronous_commit")
        database.ask("ALTER SYSTEM RESET wal_writer_delay")
        _begin_anew(database)


def _begin_anew(database: Database) -> None:
    """The settings are read, and every connection is a new one."""
    database.ask("SELECT pg_reload_conf()")
    database.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
