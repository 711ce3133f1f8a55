"""What pages send beside a form: the id of a record, a page of a list, where to go back to. All may be anything."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

_LAST_PAGE = 500  # nobody pages further; a larger number is a slip or an attack on OFFSET


def id_in(data: Mapping[str, str], name: str) -> UUID:
    """The id sent under this name; a missing or malformed one is as unknown as any other (404)."""
    try:
        return UUID(data.get(name, ""))
    except ValueError as error:
        raise Http404 from error


def way_back(request: HttpRequest, data: Mapping[str, str]) -> str:
    """The `next` address, if it is one of our own pages; else nothing. A word without a slash is none: leading there, Django
    would look for a page of that name."""
    wanted = data.get("next", "")
    if not wanted.startswith(("/", f"{request.scheme}://")):
        return ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else ""


def page_number(request: HttpRequest, name: str = "page") -> int:
    """Which page of a list is asked for; the first where that is nonsense. `name`: of another list on the same page."""
    text = request.GET.get(name, "")[:5]
    return min(max(int(text), 1), _LAST_PAGE) if text.isascii() and text.isdigit() else 1


class Page(NamedTuple):
    """One page of a list, and whether another follows."""

    number: int
    rows: list[Any]
    has_more: bool

    def links(self, address: Callable[[int], str]) -> dict[str, str]:
        """The addresses of the pages beside it, as components/pagination.html wants them; empty where there is none."""
        return {
            "newer_url": address(self.number - 1) if self.number > 1 else "",
            "older_url": address(self.number + 1) if self.has_more else "",
        }


def one_page(request: HttpRequest, found: Any, size: int, name: str = "page") -> Page:
    """The page asked for of a queryset or a list, `size` rows long; one row more is read, nothing is counted."""
    number = page_number(request, name)
    rows = list(found[(number - 1) * size : number * size + 1])
    return Page(number, rows[:size], len(rows) > size)
