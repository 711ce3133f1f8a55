"""What pages send beside a form: the id of a record, a page of a list, where to go back to. All may be anything."""

from collections.abc import Mapping
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
    """The `next` address, if it is one of our own pages; else nothing."""
    wanted = data.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else ""


def page_number(request: HttpRequest) -> int:
    """Which page of a list is asked for; the first where that is nonsense."""
    text = request.GET.get("page", "")[:5]
    return min(max(int(text), 1), _LAST_PAGE) if text.isascii() and text.isdigit() else 1
