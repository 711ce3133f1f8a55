"""The list of all cryptography is whole (docs/cryptography.md)."""

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "cryptography.md").read_text(encoding="utf-8")
# How a module comes by any: an import, or PostgreSQL's own functions in SQL.
_MODULES = "cryptography|hashlib|hmac|secrets|ssl|fido2|random|" + "|".join(
    re.escape(f"django.{each}")
    for each in ("core.signing", "utils.crypto", "contrib.auth.hashers", "contrib.auth.tokens")
)
_USES = re.compile(
    rf"^\s*(?:from|import) (?:{_MODULES})\b|^from django\.core import signing|\bsha(?:224|256|384|512)\(|\bmd5\(|\bpgp_",
    re.MULTILINE,
)


def users(folder: Path) -> set[str]:
    """The modules of the product that use any, migrations apart: what they did is done."""
    sources = (path for app in ("clinic", "consultations") for path in sorted((folder / app).rglob("*.py")))
    return {
        str(path.relative_to(folder))
        for path in sources
        if "migrations" not in path.parts and _USES.search(path.read_text(encoding="utf-8"))
    }


def named(page: str) -> set[str]:
    """Files and folders of the product that the page names."""
    return set(re.findall(r"`((?:clinic|consultations)/[\w/]+(?:\.py|/))`", page))


def missing(found: set[str], page: str) -> set[str]:
    """Modules that use some and stand neither in the page nor in a folder that does."""
    known = named(page)
    folders = tuple(each for each in known if each.endswith("/"))
    return {each for each in found - known if not folders or not each.startswith(folders)}


def test_every_module_that_uses_any_is_named() -> None:
    assert missing(users(ROOT), PAGE) == set()


def test_every_module_that_is_named_uses_some() -> None:
    tls = {"clinic/on_the_way.py"}  # it says that others do
    modules = {each for each in named(PAGE) if each.endswith(".py")}
    assert modules - tls - users(ROOT) == set()


def test_one_that_is_not_named_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "clinic" / "secret.py"
    module.parent.mkdir()
    for line in ("import hashlib", "from cryptography.fernet import Fernet", 'ASK = "SELECT sha256(note)"'):
        module.write_text(line, encoding="utf-8")
        assert missing(users(tmp_path), PAGE) == {"clinic/secret.py"}
