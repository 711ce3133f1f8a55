"""The keyboard shortcuts, in one table: the help lists it and the page obeys it, so that the two cannot differ.

A template marks what a shortcut presses, follows or focuses with `data-shortcut="<name>"`.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Shortcut:
    """`keys` as the browser names them, the first one is shown on buttons."""

    name: str
    keys: tuple[str, ...]
    words: str | Promise


_SHOWN = {"ArrowLeft": "←", "ArrowRight": "→"}
SHORTCUTS = (
    Shortcut("help", ("?",), _("Show this list")),
    Shortcut("find", ("/",), _("Find a patient")),
    Shortcut("book", ("b",), _("Book a visit")),
    Shortcut("privacy", ("p",), _("Hide the names, or show them again")),
    Shortcut("today", ("t",), _("Diary: today")),
    Shortcut("before", ("k", "ArrowLeft"), _("Diary: the day or week before")),
    Shortcut("after", ("j", "ArrowRight"), _("Diary: the day or week after")),
    Shortcut("day", ("d",), _("Diary: the day by practitioner")),
    Shortcut("rooms", ("r",), _("Diary: the day by room and device")),
    Shortcut("week", ("w",), _("Diary: a week of one practitioner or room")),
    Shortcut("list", ("l",), _("Diary: the day as a list")),
    Shortcut("calendar", ("c",), _("Diary: to the calendar and back")),
    Shortcut("print", ("x",), _("Diary: the day on paper")),
)
_BY_NAME = {each.name: each for each in SHORTCUTS}


def key_of(name: str) -> str:
    """The key as a button shows it."""
    return shown(_BY_NAME[name].keys[0])


def shown(key: str) -> str:
    """The key as it is printed on a keyboard."""
    return _SHOWN.get(key, key.upper())
