"""Keyboard shortcuts: one table behind the help and the keys."""

import re
from collections import Counter
from pathlib import Path

from django.conf import settings
from django.test import Client

from clinic.shortcuts import SHORTCUTS, key_of
from tests.clinic.desk import Desk

_MARK = re.compile(r'data-shortcut="([^"]*)"')


def test_no_key_does_two_things() -> None:
    keys = Counter(key for each in SHORTCUTS for key in each.keys)
    assert [key for key, count in keys.items() if count > 1] == []


def test_what_the_templates_mark_stands_in_the_table_and_the_other_way_round() -> None:
    """Help itself is opened by the script."""
    templates = (Path(settings.BASE_DIR) / "templates").rglob("*.html")
    marked = {name for path in templates for name in _MARK.findall(path.read_text())}
    assert marked == {each.name for each in SHORTCUTS} - {"help"}


def test_the_help_lists_every_key(desk: Desk, reception_client: Client) -> None:
    text = reception_client.get("/diary/").content.decode()
    listed = dict(re.findall(r'data-shortcut-row="([^"]*)" data-keys="([^"]*)"', text))
    assert listed == {each.name: " ".join(each.keys) for each in SHORTCUTS}


def test_a_button_shows_its_key(desk: Desk, reception_client: Client) -> None:
    assert key_of("book") == "B"
    assert (
        f'<kbd aria-hidden="true">{key_of("book")}</kbd>' in reception_client.get("/diary/").content.decode()
    )


def test_no_address_takes_part_in_a_key_twice_on_one_page(desk: Desk, reception_client: Client) -> None:
    for url in ("/diary/", "/diary/?show=week", "/diary/calendar/", "/diary/calendar/?show=rooms"):
        marks = Counter(_MARK.findall(reception_client.get(url).content.decode()))
        assert [name for name, count in marks.items() if count > 1] == [], url
