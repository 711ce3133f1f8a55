"""What a request counts as, of what one account may ask for in an hour and a day (ADR 44; `clinic.actions.asking` counts).

Whatever nobody has said anything of is a page, or an entry where it is sent; so a new list cannot be forgotten. A view says that
it is something else: a search, whose words are posted; what an open page sends by itself; what is never stopped.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from clinic.enums import Pace

View = Callable[..., HttpResponse]
# Signing in and out, and showing who one is, are allauth's and the admin's; they have limits of their own (clinic.throttling).
_AT_THE_DOOR = ("account_", "mfa_", "admin:login", "admin:logout")
# As many pages as somebody may have open in all tabs; of more, the longest untouched counts as a page once.
_OPEN_PAGES = 100


def counts_as(kind: Pace) -> Callable[[View], View]:
    """Marks a view that is neither a page nor an entry by its verb."""

    def mark(view: View) -> View:
        view.pace = kind  # type: ignore[attr-defined]
        return view

    return mark


def never_stopped(view: View) -> View:
    """Marks a view that must open whatever was asked for before: the lock, an emergency, what ends a sign-in."""
    view.pace = None  # type: ignore[attr-defined]
    return view


def kind_of(request: HttpRequest, view: View, *, by_itself: bool) -> Pace | None:
    """What this request counts as; None where it does not count. `by_itself`: a page says that nobody asked for it.

    Anything can say so. It is believed of an address that this account was shown before: a page that is drawn again. Whoever
    walks from page to page asks for another one each time.
    """
    name = request.resolver_match.view_name if request.resolver_match else ""
    if name.startswith(_AT_THE_DOOR):
        return None
    if hasattr(view, "pace"):
        marked: Pace | None = view.pace
        return marked
    if request.method == "POST":
        return Pace.ENTRIES
    return Pace.BY_ITSELF if by_itself and _open_pages.has(request) else Pace.PAGES


def was_shown(request: HttpRequest) -> None:
    """The page is open from now on, and may draw itself again."""
    if request.method != "POST":
        _open_pages.add(request)


class _OpenPages:
    """Which addresses each account was shown last, in this process; as numbers, which take little room."""

    def __init__(self) -> None:
        self._shown: dict[UUID, OrderedDict[int, None]] = {}
        self._lock = Lock()

    def has(self, request: HttpRequest) -> bool:
        """Whether this address is among them."""
        with self._lock:
            return hash(request.get_full_path()) in self._shown.get(request.user.pk, ())

    def add(self, request: HttpRequest) -> None:
        """As the last one."""
        address = hash(request.get_full_path())
        with self._lock:
            shown = self._shown.setdefault(request.user.pk, OrderedDict())
            shown[address] = None
            shown.move_to_end(address)
            if len(shown) > _OPEN_PAGES:
                shown.popitem(last=False)


_open_pages = _OpenPages()
