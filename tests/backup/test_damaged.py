"""A backup that was cut, altered, put in another order or that another key opens: said loudly, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError

from clinic.backup import BackupError, archive, keys, postgres, restoring, sealed
from tests.backup.conftest import QUICK_COST, Drill, connected_to, run

pytestmark = [pytest.mark.db, pytest.mark.race, pytest.mark.xdist_group("drill")]

SEALED = sealed.PIECE + sealed.TAG


def flipped(content: bytes, at: int) -> bytes:
    """One bit of one byte is another."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def piece(number: int) -> slice:
    return slice(sealed.HEAD + number * SEALED, sealed.HEAD + (number + 1) * SEALED)


def swapped(content: bytes) -> bytes:
    return content[: sealed.HEAD] + content[piece(1)] + content[piece(0)] + content[piece(1).stop :]


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut by a byte": (lambda content: content[:-1], "altered, or the end is missing"),
    "cut between two pieces": (lambda content: content[: piece(0).stop], "altered, or the end is missing"),
    "cut after the head": (lambda content: content[: sealed.HEAD], "altered, or the end is missing"),
    "cut in the head": (lambda content: content[: sealed.HEAD - 1], "not a backup"),
    "empty": (lambda content: b"", "not a backup"),
    "something else": (lambda content: b"PGDMP" + content, "not a backup"),
    "one bit in the middle": (lambda content: flipped(content, len(content) // 2), "altered, or the end"),
    "one bit at the end": (lambda content: flipped(content, -1), "altered, or the end is missing"),
    "one bit of the salt": (lambda content: flipped(content, 20), "key does not open this backup"),
    "one bit of the cost": (lambda content: flipped(content, 16), "key does not open this backup"),
    "a cost that takes all memory": (lambda content: content[:16] + b"\x40" + content[17:], "beginning"),
    "pieces in another order": (swapped, "begins at byte 65 was altered"),
    "a piece left out": (lambda content: content[: sealed.HEAD] + content[piece(1).start :], "altered"),
    "a piece twice": (lambda content: content[: piece(0).stop] + content[piece(0).start :], "altered"),
    "something behind it": (lambda content: content + b"\0", "altered, or the end is missing"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_said_and_nothing_is_changed(in_nothing: Drill, tmp_path: Path, name: str) -> None:
    damage, sentence = DAMAGE[name]
    content = in_nothing.archive.read_bytes()
    assert len(content) > piece(1).stop, "a backup of three pieces at least"
    damaged = tmp_path / "damaged"
    damaged.write_bytes(damage(content))
    with pytest.raises(CommandError, match=sentence):
        run("restore", str(damaged), key_file=str(in_nothing.key_file))
    _nothing_is_there()


def test_another_key_is_said_and_nothing_is_changed(in_nothing: Drill, tmp_path: Path) -> None:
    keys.make(tmp_path / "other")
    with pytest.raises(CommandError, match="This key does not open this backup"):
        run("restore", str(in_nothing.archive), key_file=str(tmp_path / "other"))
    _nothing_is_there()


def _nothing_is_there() -> None:
    assert postgres.is_empty()
    assert not Path(settings.PHOTO_DIR).exists()


def test_without_the_order_in_the_nonce_swapped_pieces_would_pass(
    drill: Drill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: each piece is whole by itself; only its number and the mark of the last hold the order."""
    monkeypatch.setattr(sealed, "_nonce", lambda _number, *, is_last: bytes(12))
    path = tmp_path / "unordered"
    plain = b"a" * sealed.PIECE + b"b" * sealed.PIECE + b"c"
    with path.open("wb") as out:
        writer = sealed.SealingWriter(out, drill.secret, cost=QUICK_COST)
        writer.write(plain)
        writer.finish()
    content = path.read_bytes()
    path.write_bytes(swapped(content)[: piece(1).stop])
    with path.open("rb") as source:
        read = sealed.OpeningReader(source, drill.secret).readall()
    assert read == b"b" * sealed.PIECE + b"a" * sealed.PIECE


@pytest.mark.parametrize("length", [0, 1, sealed.PIECE - 1, sealed.PIECE, sealed.PIECE + 1, 2 * sealed.PIECE])
def test_any_length_is_read_as_it_was_written(tmp_path: Path, length: int) -> None:
    plain = bytes(length)
    with (tmp_path / "file").open("wb") as out:
        writer = sealed.SealingWriter(out, b"secret", cost=4)
        writer.write(plain[: length // 3])
        writer.write(plain[length // 3 :])
        writer.finish()
    with (tmp_path / "file").open("rb") as source:
        assert sealed.OpeningReader(source, b"secret").readall() == plain


def test_a_load_that_breaks_off_leaves_no_table(in_nothing: Drill) -> None:
    """The program is killed before it can take the end of its input for the end of the dump."""

    def half() -> Any:
        with connected_to(in_nothing.source), postgres.snapshot() as name:
            dumped = b"".join(postgres.dump(snapshot=name))
        yield dumped[: len(dumped) // 2]
        raise BackupError("altered meanwhile")

    with pytest.raises(BackupError, match="altered meanwhile"):
        postgres.load(half())
    assert postgres.is_empty()


def _made(path: Path, drill: Drill, about: dict[str, Any], *, contents: bytes | None = None) -> Path:
    """A backup of nothing, that says this of itself."""
    with path.open("wb") as out:
        sealing = sealed.SealingWriter(out, drill.secret, cost=QUICK_COST)
        writer = archive.Writer(
            sealing, {"migrations": [], "roles": [], "tables": {}, "secret_key": ["", ""], **about}
        )
        writer.add_dump([b"PGDMP"], told=lambda _bytes: None)
        writer.add_file("0" * 32, b"a picture")
        if contents is not None:
            writer.contents = archive.Contents(**json.loads(contents))
        writer.finish()
        sealing.finish()
    return path


def test_a_newer_versions_backup_is_refused_and_nothing_is_changed(in_nothing: Drill, tmp_path: Path) -> None:
    path = _made(tmp_path / "newer", in_nothing, {"migrations": [["clinic", "9999_to_come"]]})
    with pytest.raises(CommandError, match=r"newer Mesoclinic \(it knows clinic\.9999_to_come\)"):
        run("restore", str(path), key_file=str(in_nothing.key_file))
    _nothing_is_there()


def test_what_is_not_a_dump_leaves_no_role_table_or_file(in_nothing: Drill, tmp_path: Path) -> None:
    """Whole as a file, so that only pg_restore finds out: what was made before it goes again."""
    path = _made(tmp_path / "no-dump", in_nothing, {"roles": ["drill_nobody"]})
    with pytest.raises(CommandError, match="pg_restore failed"):
        run("restore", str(path), key_file=str(in_nothing.key_file))
    _nothing_is_there()
    assert postgres.ask("SELECT count(*) FROM pg_roles WHERE rolname = 'drill_nobody'") == [(0,)]


@pytest.mark.parametrize("lists", [{"files": {}}, {"dump_sha256": "0" * 64}, {"dump_bytes": 4}])
def test_what_is_not_what_its_list_says_is_refused(
    in_nothing: Drill, tmp_path: Path, lists: dict[str, Any]
) -> None:
    path = _made(tmp_path / "other", in_nothing, {}, contents=json.dumps(lists).encode())
    with pytest.raises(CommandError, match="is not what its list of contents says"):
        run("restore", str(path), key_file=str(in_nothing.key_file))
    _nothing_is_there()


def test_a_database_with_a_table_is_never_restored_over(in_target: Drill) -> None:
    before = sorted(path.name for path in in_target.came_back.iterdir())
    with pytest.raises(CommandError, match=f"The database {in_target.target} is not empty"):
        run("restore", str(in_target.archive), key_file=str(in_target.key_file))
    assert sorted(path.name for path in in_target.came_back.iterdir()) == before


def test_a_folder_with_a_photograph_is_never_restored_over(in_nothing: Drill) -> None:
    folder = Path(settings.PHOTO_DIR)
    folder.mkdir()
    (folder / "somebody").write_bytes(b"a picture")
    with pytest.raises(CommandError, match="There are files in"):
        run("restore", str(in_nothing.archive), key_file=str(in_nothing.key_file))
    assert [path.name for path in folder.iterdir()] == ["somebody"]
    assert postgres.is_empty()


def test_a_missing_file_is_said(in_nothing: Drill) -> None:
    with pytest.raises(BackupError, match="cannot be read: No such file"):
        restoring.verify(in_nothing.folder / "not there", in_nothing.secret)
