"""The list of all logs is whole (docs/logs.md)."""

import re
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
_LOGGER = re.compile(r"""getLogger\(\s*(?:["']([\w.]+)["']|(__name__)|\))""")


def loggers(folder: Path, logging: dict[str, Any]) -> set[str]:
    """By the names that the product's modules and the settings give them."""
    found = set(logging["loggers"])
    for path in (
        each for app in ("clinic", "consultations") for each in sorted((folder / app).rglob("*.py"))
    ):
        for name, of_the_module in _LOGGER.findall(path.read_text(encoding="utf-8")):
            module = ".".join(path.relative_to(folder).with_suffix("").parts)
            found.add(name or (module if of_the_module else "root"))
    return found


def logs_of_the_database() -> set[str]:
    """Tables about what somebody did or saw, not about a patient's health, that are only added to."""
    names = [each._meta.object_name for each in apps.get_models() if not hasattr(each, "pgh_tracked_model")]
    return {
        each
        for each in names
        if re.search(r"Opened|Opening$|Seal|Change$|Reset$|Period$|Erasure|Done$|LogEntry", each)
    }


def not_named(names: set[str]) -> set[str]:
    return {each for each in names if f"`{each}`" not in PAGE}


def test_every_logger_is_named() -> None:
    assert "clinic.refused" in loggers(ROOT, settings.LOGGING)
    assert not_named(loggers(ROOT, settings.LOGGING)) == set()


def test_one_that_is_not_named_would_be_found(tmp_path: Path) -> None:
    module = tmp_path / "clinic" / "told.py"
    module.parent.mkdir()
    module.write_text(
        "log = logging.getLogger(__name__)\nother = logging.getLogger('clinic.loud')\n", encoding="utf-8"
    )
    found = loggers(tmp_path, {"loggers": {"django.security": {}}})
    assert not_named(found) == {"clinic.told", "clinic.loud", "django.security"}


def test_every_table_that_is_a_log_is_named() -> None:
    not_logs = {"ExtraOpening", "PlanStatusChange"}  # open time; a part of the plan, in the patient's record
    found = logs_of_the_database() - not_logs
    assert {"RecordOpened", "HistorySeal", "AccountChange"} <= found and not_named(found) == set()
