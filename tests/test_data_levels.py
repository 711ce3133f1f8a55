"""Every table has its level, and none that tells of a patient stands too low (docs/data-levels.md)."""

import re
from collections import Counter
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import Model

from consultations.whole_record.tables import of_patients

PAGE = (Path(settings.BASE_DIR) / "docs" / "data-levels.md").read_text(encoding="utf-8")
KEYS, HEALTH, PERSONS, OWN = 4, 3, 2, 1


def levels(page: str) -> dict[int, list[str]]:
    """What stands in each row of the last table."""
    rows = re.findall(r"^\| (\d) \| (`.*`) \|$", page, re.MULTILINE)
    return {int(level): re.findall(r"`([^`]+)`", named) for level, named in rows}


def name(model: type[Model]) -> str:
    """Other people's tables with their app in front."""
    meta = model._meta
    return (
        meta.object_name
        if meta.app_label in ("clinic", "consultations")
        else f"{meta.app_label}.{meta.object_name}"
    )


def tables() -> dict[str, type[Model]]:
    """All of them but the history's, whose level is that of what they are the history of."""
    found = apps.get_models(include_auto_created=True)
    return {name(each): each for each in found if not hasattr(each, "pgh_tracked_model")}


def too_low(page: str) -> set[str]:
    """Tables of a patient that the page takes for something less."""
    known = {each: level for level, named in levels(page).items() for each in named}
    least = {
        name(each): HEALTH if each._meta.app_label == "consultations" else PERSONS for each in of_patients()
    }
    return {each for each, level in least.items() if known.get(each, 0) < level}


def test_every_table_has_one_level() -> None:
    named = [each for row in levels(PAGE).values() for each in row]
    columns = [each for each in named if re.fullmatch(r"[A-Z]\w+\.[a-z_]+", each)]
    assert (set(named) - set(columns)) ^ set(tables()) == set()
    assert [each for each, times in Counter(named).items() if times > 1] == []
    assert set(levels(PAGE)) == {KEYS, HEALTH, PERSONS, OWN}
    for table, _dot, column in (each.partition(".") for each in columns):
        assert tables()[table]._meta.get_field(column)


def test_what_tells_of_a_patient_is_health_or_a_person() -> None:
    assert len(of_patients()) > 50 and too_low(PAGE) == set()
    moved = PAGE.replace("`Allergy` ", "").replace("| 1 | ", "| 1 | `Allergy` ")
    assert too_low(moved) == {"Allergy"}


def test_the_administration_opens_no_keys_and_nothing_of_health() -> None:
    closed = {*levels(PAGE)[KEYS], *levels(PAGE)[HEALTH]}
    assert {name(each) for each in admin.site._registry} & closed == set()
    assert {name(each) for each in admin.site._registry} & set(levels(PAGE)[PERSONS])  # it does open some


def test_whatever_is_health_leaves_a_trace_or_never_changes() -> None:
    """Its history by triggers, or triggers that refuse a change; which, tests/consultations/test_triggers.py shows."""
    health = [tables()[each] for each in levels(PAGE)[HEALTH] if "." not in each]
    unguarded = [
        each
        for each in health
        if not hasattr(each, "pgh_event_model") and not getattr(each._meta, "triggers", ())
    ]
    assert unguarded == [] and len(health) > 40
