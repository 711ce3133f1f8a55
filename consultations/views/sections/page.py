"""One list of the worklists page: its rows, each with its one next action, page by page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from clinic.models import Patient
from consultations.views.paging import Pages, Sliced, pages

PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to do: about whom, what, since when, and the action; `posts` where that is done at once."""

    patient: Patient
    what: str
    since: str
    url: str
    action: str
    note: str = ""
    chip: str = ""
    tone: str = "warn"
    posts: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One list of the page. `count` costs no query: `has_more` where there are more than the page read; None where the
    page lies beyond the list."""

    key: str
    title: str
    icon: str
    rows: list[Row]
    pages: Pages
    empty: str
    filled_by: str
    count: int | None = None
    has_more: bool = False


def section(
    request: HttpRequest, key: str, found: Sliced, row_of: Callable[[Any], Row], **words: Any
) -> Section:
    """A page of what was found; only the rows shown are worded."""
    shown = pages(request, found, name=key, size=PAGE)
    rows = [row_of(each) for each in shown.rows]
    if isinstance(found, list):
        return Section(key, rows=rows, pages=shown, count=len(found), **words)
    more = bool(shown.older_url)
    return Section(key, rows=rows, pages=shown, count=shown.known, has_more=more, **words)
