"""Secrets come from the environment, from a file, or from systemd; never from two of them, never from nowhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from clinic.backup import BackupError, keys
from clinic.credentials import CredentialError, secret
from tests.clinic.test_deployment import GOOD, in_mode

NAME = "CLINIC_TEST_SECRET"
Given = Callable[[str], None]


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """Gives the secret in one of the three ways."""

    def give(way: str) -> None:
        kept = tmp_path / way
        if way == "variable":
            return monkeypatch.setenv(NAME, "by variable")
        if way == "file":
            kept.write_text("by file\n", encoding="utf-8")
            return monkeypatch.setenv(f"{NAME}_FILE", str(kept))
        kept.mkdir()
        (kept / NAME).write_text("by systemd", encoding="utf-8")
        return monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(kept))

    return give


@pytest.mark.parametrize("way", ["variable", "file", "systemd"])
def test_each_way_gives_it(given: Given, way: str) -> None:
    given(way)
    assert (secret(NAME), secret("CLINIC_OTHER_SECRET", "none")) == (f"by {way}", "none")


@pytest.mark.parametrize(
    "ways", [("variable", "file"), ("variable", "systemd"), ("file", "systemd")], ids=" and ".join
)
def test_two_are_refused_and_neither_is_told(given: Given, ways: tuple[str, str]) -> None:
    for way in ways:
        given(way)
    with pytest.raises(CredentialError, match="given more than once") as refusal:
        secret(NAME)
    assert "by " not in str(refusal.value)


def test_a_file_that_is_not_there_or_says_nothing_is_no_empty_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    monkeypatch.setenv(f"{NAME}_FILE", str(kept))
    for text, said in ((None, "FileNotFoundError"), (" \n", "is empty")):
        if text:
            kept.write_text(text, encoding="utf-8")
        with pytest.raises(CredentialError, match=said):
            secret(NAME)


def test_the_key_of_backups_comes_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / keys.PASSPHRASE).write_text("a passphrase of five long words\n", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv(keys.KEY_FILE, raising=False)
    monkeypatch.delenv(keys.PASSPHRASE, raising=False)
    assert keys.secret(None) == b"a passphrase of five long words"
    monkeypatch.setenv(keys.PASSPHRASE, "another passphrase of five words")
    with pytest.raises(BackupError, match="more than once"):
        keys.secret(None)


class TestTheServer:
    """Its settings, read by a process of its own."""

    URL = "postgresql://u@localhost/n"

    def test_reads_them(self, tmp_path: Path) -> None:
        (tmp_path / "SECRET_KEY").write_text(GOOD["SECRET_KEY"] + "\n", encoding="utf-8")
        (tmp_path / "url").write_text(self.URL, encoding="utf-8")
        from_files = {"CREDENTIALS_DIRECTORY": str(tmp_path), "DATABASE_URL_FILE": str(tmp_path / "url")}
        assert in_mode("production", "", SECRET_KEY="", **from_files) == "read"
        assert "Set SECRET_KEY" in in_mode("production", "", SECRET_KEY="")

    def test_is_not_started_with_two(self, tmp_path: Path) -> None:
        (tmp_path / "SECRET_KEY").write_text("another", encoding="utf-8")
        refusal = in_mode("production", self.URL, CREDENTIALS_DIRECTORY=str(tmp_path))
        assert "SECRET_KEY is given more than once" in refusal and GOOD["SECRET_KEY"] not in refusal

    def test_a_database_elsewhere_is_looked_at_here_too(self, tmp_path: Path) -> None:
        (tmp_path / "OWNER_DATABASE_URL").write_text("postgresql://u@db.example.org/n", encoding="utf-8")
        owner = {"CREDENTIALS_DIRECTORY": str(tmp_path), "MESOCLINIC_AS_OWNER": "yes"}
        assert "does not say sslmode=verify-full" in in_mode("production", self.URL, **owner)
        owner["MESOCLINIC_AS_OWNER"] = "no"
        assert in_mode("production", self.URL, **owner) == "read"


@pytest.mark.skipif(not shutil.which("systemd-creds"), reason="needs systemd's own program")
def test_what_systemd_has_encrypted_is_read_by_nobody_without_its_key(tmp_path: Path) -> None:
    """As the shipped unit has it; decrypted here by hand, because no systemd starts units where tests run."""
    clear, sealed, opened = tmp_path / "clear", tmp_path / "SECRET_KEY.cred", tmp_path / "SECRET_KEY"
    clear.write_text(GOOD["SECRET_KEY"], encoding="utf-8")
    host_key = {**os.environ, "SYSTEMD_CREDENTIAL_SECRET": str(tmp_path / "host")}

    def creds(*arguments: str) -> int:
        done = subprocess.run(["systemd-creds", *arguments], env=host_key, capture_output=True, check=False)
        return done.returncode

    with_name = ("--name=SECRET_KEY", "--with-key=host")
    if creds("encrypt", *with_name, str(clear), str(sealed)):
        pytest.skip("systemd-creds makes no key on this machine")
    assert GOOD["SECRET_KEY"] not in sealed.read_text(encoding="utf-8")
    assert creds("decrypt", "--name=SECRETS_KEYS", str(sealed), str(opened)) != 0  # under another name
    assert creds("decrypt", "--name=SECRET_KEY", str(sealed), str(opened)) == 0
    from_file = {"CREDENTIALS_DIRECTORY": str(tmp_path), "SECRET_KEY": ""}
    assert in_mode("production", "postgresql://u@localhost/n", **from_file) == "read"


@pytest.mark.parametrize(
    ("unit", "loaded"),
    [
        ("mesoclinic", {"SECRET_KEY": "SECRET_KEY", "SECRETS_KEYS": "SECRETS_KEYS"}),
        (
            "mesoclinic-backup",
            {
                "SECRET_KEY": "SECRET_KEY",
                "SECRETS_KEYS": "SECRETS_KEYS",
                "DATABASE_URL": "OWNER_DATABASE_URL",
                "MESOCLINIC_BACKUP_PASSPHRASE": "BACKUP_PASSPHRASE",
            },
        ),
    ],
)
def test_the_shipped_units_load_what_they_need_and_the_server_not_the_owners_address(
    unit: str, loaded: dict[str, str]
) -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "deploy" / f"{unit}.service").read_text(encoding="utf-8")
    found = re.findall(r"^LoadCredentialEncrypted=(\w+):/etc/mesoclinic/(\w+)\.cred$", text, re.MULTILINE)
    assert dict(found) == loaded and len(found) == text.count("LoadCredentialEncrypted=")
