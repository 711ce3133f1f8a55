"""Two restores into one database at the same time: the second is refused before it has changed anything."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from clinic.backup import BackupError, postgres, restoring
from tests.backup.conftest import WEB_ROLE, Drill, connected_to


@pytest.fixture
def somewhere_new(
    drill: Drill,
    empty_databases: Callable[[], str],
    django_db_blocker: DjangoDbBlocker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """Connected to an empty database of this test's own."""
    monkeypatch.setattr(settings, "PHOTO_DIR", tmp_path / "photos")
    name = empty_databases()
    with django_db_blocker.unblock(), connected_to(name):
        yield name
        postgres.ask(f"DROP OWNED BY {WEB_ROLE}")  # or it cannot be dropped in the end


def with_a_second(drill: Drill, path: Path) -> tuple[object, object]:
    """What the first restore comes to, and one that begins while it reads the backup."""
    seconds: list[object] = []

    def second() -> object:
        try:
            return restoring.restore(path, drill.secret, tell=lambda _words: None)
        except (BackupError, OSError) as error:
            return error
        finally:
            connection.close()

    def tell(_words: str) -> None:
        if not seconds:
            with ThreadPoolExecutor(1) as pool:
                seconds.append(pool.submit(second).result(timeout=120))

    try:
        first: object = restoring.restore(path, drill.secret, tell=tell)
    except (BackupError, OSError) as error:
        first = error
    return first, seconds[0]


def test_the_second_is_refused_and_the_first_goes_on(drill: Drill, somewhere_new: str) -> None:
    first, second = with_a_second(drill, drill.archive)
    assert isinstance(first, restoring.Restored)
    assert str(second) == (
        f"Another restore into the database {somewhere_new} is under way. Wait until it has ended; nothing was changed by"
        " this one."
    )


def test_once_it_has_ended_the_next_is_not_held_up(in_nothing: Drill) -> None:
    for _ in range(2):
        with pytest.raises(BackupError, match="cannot be read: No such file"):
            restoring.restore(in_nothing.folder / "not there", in_nothing.secret, tell=lambda _words: None)
    # of this database alone: other databases of the server have tests of their own at work
    assert postgres.ask(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE datname = current_database() AND locktype = 'advisory'"
    ) == [(0,)]


def test_without_the_lock_the_second_takes_the_first_ones_files_away(
    drill: Drill, somewhere_new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(postgres, "restoring_alone", nullcontext)
    first, second = with_a_second(drill, drill.archive)
    assert isinstance(first, FileNotFoundError)
    assert isinstance(second, restoring.Restored)
