"""The embedded PostgreSQL starts whatever happened before, and only where it was told to."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dj_database_url
import psycopg2
import pytest

from clinic import embedded, embedded_places

PROJECT = Path(embedded.__file__).parent.parent


def _reason_not_to_run() -> str:
    if not Path("/proc/self/stat").exists():
        return "the embedded PostgreSQL is looked after through /proc, which this system lacks"
    try:
        embedded_places.programs()
        embedded_places.server_account()
    except embedded.EmbeddedError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(_reason_not_to_run()), reason=_reason_not_to_run())


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "clinic.embedded", *arguments]


def _remove(data: Path) -> None:
    embedded.stop()
    for folder in {embedded.home_directory(), embedded_places.away_directory(data)}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A data folder of these tests' own, which the server's account may enter."""
    parent = Path(tempfile.mkdtemp(prefix="mesoclinic-test-"))
    parent.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESOCLINIC_DATA", str(parent / "data"))
        patch.delenv("DATABASE_NAME", raising=False)
        patch.delenv("MESOCLINIC_DATABASE", raising=False)
        yield parent / "data"
        _remove(parent / "data")
    shutil.rmtree(parent)


@pytest.fixture
def server(folder: Path) -> Path:
    """A running server."""
    embedded.start()
    return folder


def _server_process(folder: Path) -> int:
    return int((folder / "postgres" / "data" / "postmaster.pid").read_text().split("\n")[0])


def _ask(question: str) -> object:
    connection = psycopg2.connect(embedded.url())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchone()[0] if cursor.description else None
    finally:
        connection.close()


def test_settings_start_nothing_and_create_nothing(folder: Path) -> None:
    assert embedded.database_settings("clinic_a") == {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": str(folder / "postgres"),
        "PORT": "5432",
        "USER": "mesoclinic",
        "NAME": "clinic_a",
    }
    assert not folder.exists()
    assert embedded.is_running() is False


def test_url_and_settings_name_the_same_database(folder: Path) -> None:
    parsed = dj_database_url.parse(embedded.url())
    assert {key: str(parsed[key]) for key in embedded.database_settings()} == embedded.database_settings()


def test_start_again_changes_nothing(server: Path) -> None:
    before = _server_process(server)
    assert embedded.start() == embedded.url()
    assert _server_process(server) == before
    assert embedded.is_running() is True


def test_server_listens_on_no_network_address(server: Path) -> None:
    assert _ask("SHOW listen_addresses") == ""
    assert (server / "postgres").stat().st_mode & 0o777 == 0o700


def test_server_tells_utc_sorts_the_same_everywhere_and_takes_300_connections(server: Path) -> None:
    assert _ask("SHOW timezone") == "UTC"
    assert _ask("SELECT datcollate || datctype FROM pg_database WHERE datname = 'mesoclinic'") == "CC.UTF-8"
    assert _ask("SHOW max_connections") == "300"
    assert _ask("SHOW fsync") == "on"


def test_only_the_tests_own_server_does_not_wait_for_the_disk(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MESOCLINIC_DATABASE", "throwaway")
    assert embedded.home_directory() == server / "throwaway"
    embedded.start()
    assert _ask("SHOW fsync") == "off"
    embedded.stop()
    monkeypatch.delenv("MESOCLINIC_DATABASE")
    assert embedded.is_running() is True


def test_names_in_any_script_have_trigrams(server: Path) -> None:
    _ask("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    assert _ask("SELECT similarity('فاطمة', 'فاطمه') > 0.3") is True


def test_start_after_kill_9_keeps_what_was_committed(server: Path) -> None:
    _ask("CREATE TABLE kept AS SELECT 42 AS answer")
    os.kill(_server_process(server), signal.SIGKILL)
    embedded.start()
    assert _ask("SELECT answer FROM kept") == 42


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no syncfs")
def test_start_after_a_crash_asks_the_disk_once(server: Path) -> None:
    assert _ask("SHOW recovery_init_sync_method") == "syncfs"


def test_start_after_a_stale_pid_file_naming_a_live_stranger(server: Path) -> None:
    embedded.stop()
    pid_file = server / "postgres" / "data" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{pid_file.parent}\n")
    embedded.start()
    assert _server_process(server) != os.getpid()
    assert embedded.is_running() is True


def test_start_after_a_stale_pid_file_naming_a_zombie(server: Path) -> None:
    embedded.stop()
    zombie = subprocess.Popen(["/bin/true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # dead, and kept a zombie until asked for
    (server / "postgres" / "data" / "postmaster.pid").write_text(f"{zombie.pid}\n")
    embedded.start()
    assert embedded.is_running() is True
    zombie.wait()


def test_start_clears_away_a_creation_that_was_killed(server: Path) -> None:
    embedded.stop()
    data = server / "postgres" / "data"
    data.rename(data.with_name("unfinished-1"))
    embedded.start()
    assert sorted(path.name for path in data.parent.glob("unfinished-*")) == []
    assert _ask("SELECT count(*) FROM pg_database WHERE datname = 'mesoclinic'") == 1


def test_four_starts_at_once_start_one_server(server: Path) -> None:
    embedded.stop()
    starts = [subprocess.Popen(_command("start"), cwd=PROJECT) for _ in range(4)]
    assert [start.wait(timeout=60) for start in starts] == [0, 0, 0, 0]
    assert embedded.is_running() is True


def test_start_ignores_the_callers_postgresql_variables(
    server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.stop()
    for name, value in {
        "PGPORT": "1",
        "PGHOST": "example.org",
        "PGDATA": "/nowhere",
        "PGUSER": "eve",
    }.items():
        monkeypatch.setenv(name, value)
    embedded.start()
    assert embedded.is_running() is True


def test_start_creates_the_database_that_is_named(server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_NAME", 'The "second" clinic')
    embedded.start()
    monkeypatch.delenv("DATABASE_NAME")
    assert _ask("SELECT count(*) FROM pg_database WHERE datname = 'The \"second\" clinic'") == 1


def test_drop_empties_the_database(server: Path) -> None:
    _ask("CREATE TABLE gone (answer int)")
    embedded.drop()
    assert _ask("SELECT to_regclass('gone')") is None


def test_stop_tells_whether_there_was_a_server(server: Path) -> None:
    assert embedded.stop() is True
    assert embedded.stop() is False
    assert embedded.is_running() is False


def test_status_is_told_by_the_exit_code(server: Path) -> None:
    running = subprocess.run(_command("status"), cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (running.returncode, running.stdout) == (0, f"running: {embedded.url()}\n")
    embedded.stop()
    stopped = subprocess.run(_command("status"), cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (stopped.returncode, stopped.stdout) == (3, "not running\n")


def test_socket_path_stays_within_the_systems_limit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MESOCLINIC_DATA", str(folder / ("deep/" * 30)))
    assert len(str(embedded.socket_directory() / ".s.PGSQL.5432")) <= 107


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_root_keeps_data_elsewhere_when_the_servers_account_cannot_enter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("MESOCLINIC_DATA", str(tmp_path / "data"))
    try:
        embedded.start()
        assert embedded.home_directory().parent == Path("/var/tmp")
        assert (embedded.home_directory() / "postgres").stat().st_uid != 0
        assert embedded.is_running() is True
    finally:
        _remove(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_a_folder_that_somebody_else_made_in_var_tmp_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("MESOCLINIC_DATA", str(tmp_path / "data"))
    planted = embedded_places.away_directory(tmp_path / "data")
    planted.symlink_to(tmp_path)
    try:
        with pytest.raises(embedded.EmbeddedError, match="was made by somebody else"):
            embedded.start()
    finally:
        planted.unlink()
