"""Pages of a list that shares its address with other lists: each has its own number, without counting all rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest

_LAST_PAGE = 500  # nobody pages further; a larger number is a slip or an attack on OFFSET


@dataclass(frozen=True, slots=True)
class Pages:
    """What to show of a list, and the addresses of the pages beside it; empty where there is none. `known` is how many
    rows there are up to the end of this page: all of them where there is no older one."""

    rows: list[Any]
    newer_url: str
    older_url: str
    known: int | None = None  # None beyond the last page


class Sliced(Protocol):
    """A list, a query set, or what is read slice by slice."""

    def __getitem__(self, part: slice, /) -> Iterable[Any]:
        """The rows of the part."""


def pages(request: HttpRequest, found: Sliced, *, name: str, size: int) -> Pages:
    """The page that the address asks for under `name`; the other lists stay where they are.

    Of `found` one slice is read; one row more than is shown tells whether there is another page.
    """
    text = request.GET.get(name, "")[:5]
    page = min(max(int(text), 1), _LAST_PAGE) if text.isascii() and text.isdigit() else 1
    rows = list(found[(page - 1) * size : page * size + 1])
    return Pages(
        rows[:size],
        _address(request, name, page - 1) if page > 1 else "",
        _address(request, name, page + 1) if len(rows) > size else "",
        (page - 1) * size + min(len(rows), size) if rows or page == 1 else None,
    )


def _address(request: HttpRequest, name: str, page: int) -> str:
    query = request.GET.copy()
    query[name] = str(page)
    return f"?{query.urlencode()}#{name}"
