"""One list of the worklists page: its rows, each with its one next action, page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from clinic.models import Patient
from consultations.views.paging import Pages, pages

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
    """One list of the page. `count` is None where counting would cost a query."""

    key: str
    title: str
    icon: str
    rows: list[Row]
    pages: Pages
    empty: str
    filled_by: str
    count: int | None = None


def section(
    request: HttpRequest, key: str, found: Sequence[Any], row_of: Callable[[Any], Row], **words: Any
) -> Section:
    """A page of what was found; only the rows shown are worded."""
    shown = pages(request, found, name=key, size=PAGE)
    count = len(found) if isinstance(found, list) else None
    return Section(key, rows=[row_of(each) for each in shown.rows], pages=shown, count=count, **words)
