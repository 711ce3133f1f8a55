"""Pages of a list that shares its address with other lists: each has its own number, without counting all rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

_LAST_PAGE = 500  # nobody pages further; a larger number is a slip or an attack on OFFSET


@dataclass(frozen=True, slots=True)
class Pages:
    """What to show of a list, and the addresses of the pages beside it; empty where there is none."""

    rows: list[Any]
    newer_url: str
    older_url: str


def pages(request: HttpRequest, found: Sequence[Any], *, name: str, size: int) -> Pages:
    """The page that the address asks for under `name`; the other lists stay where they are.

    `found` is a list or a query set; one row more than is shown tells whether there is another page.
    """
    text = request.GET.get(name, "")[:5]
    page = min(max(int(text), 1), _LAST_PAGE) if text.isascii() and text.isdigit() else 1
    rows = list(found[(page - 1) * size : page * size + 1])
    return Pages(
        rows[:size],
        _address(request, name, page - 1) if page > 1 else "",
        _address(request, name, page + 1) if len(rows) > size else "",
    )


def _address(request: HttpRequest, name: str, page: int) -> str:
    query = request.GET.copy()
    query[name] = str(page)
    return f"?{query.urlencode()}#{name}"
