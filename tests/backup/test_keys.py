"""Where the key comes from, and what is refused for one."""

from pathlib import Path

import pytest
from django.core.management import CommandError

from clinic import settings
from clinic.backup import BackupError, keys
from tests.backup.conftest import run

LONG = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (keys.KEY_FILE, keys.PASSPHRASE):
        monkeypatch.delenv(name, raising=False)


def key_file(path: Path, text: str = LONG, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_key_that_is_made_is_long_random_and_its_owners_alone(tmp_path: Path) -> None:
    run("backup", new_key=tmp_path / "one")
    run("backup", new_key=tmp_path / "two")
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o600
    one, two = (keys.secret(str(tmp_path / name)) for name in ("one", "two"))
    assert one != two
    assert len(one) == 43


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="File exists"):
        run("backup", new_key=key_file(tmp_path / "key"))
    assert (tmp_path / "key").read_text() == LONG


def test_it_comes_from_the_option_else_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(keys.PASSPHRASE, f"  {LONG}\n")
    assert keys.secret(None) == LONG.encode()
    assert (
        keys.secret(str(key_file(tmp_path / "key", "another key, of the option")))
        == b"another key, of the option"
    )
    monkeypatch.delenv(keys.PASSPHRASE)
    monkeypatch.setenv(keys.KEY_FILE, str(tmp_path / "key"))
    assert keys.secret(None) == b"another key, of the option"


def test_none_two_a_short_one_and_one_that_others_may_read_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackupError, match="Backups are encrypted: name a key file"):
        keys.secret(None)
    with pytest.raises(BackupError, match="shorter than 20"):
        keys.secret(str(key_file(tmp_path / "short", "x" * 19)))
    with pytest.raises(BackupError, match="Others may read the key file"):
        keys.secret(str(key_file(tmp_path / "open", mode=0o640)))
    with pytest.raises(BackupError, match="cannot be read: No such file"):
        keys.secret(str(tmp_path / "none"))
    monkeypatch.setenv(keys.PASSPHRASE, LONG)
    monkeypatch.setenv(keys.KEY_FILE, str(key_file(tmp_path / "key")))
    with pytest.raises(BackupError, match="are both set"):
        keys.secret(None)


def test_a_guess_costs_a_clinic_what_it_should() -> None:
    assert settings.BACKUP_SCRYPT_COST >= 17
