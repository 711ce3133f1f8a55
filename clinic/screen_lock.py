"""A screen that was left alone: when it locks, that it is locked, and when a sign-in is over whatever was done.

It is kept in the session and its row, so that no page asks the database for it. When somebody signed in stands in allauth's record
of how they did. What a page asks for by itself is no use of it.
"""

from datetime import datetime, timedelta

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

_LOCKED, _WRONG = "screen_locked", "screen_wrong_pins"
# Use is written down once in so many seconds, in a column of the session's row: saving the session would put back what another
# request has just changed in it.
_NOTED_EVERY = 60
# After so many wrong PINs only a full sign-in is left.
PIN_TRIES = 5


def is_over(request: HttpRequest, at: datetime) -> bool:
    """Whether SIGN_IN_HOURS have passed since both factors were shown. A session that says nothing of it is over."""
    records = get_authentication_records(request, request.user)
    # The first: whoever shows a factor once more, or sets up another, has not signed in anew.
    shown = [record["at"] for record in records if record.get("method") == "mfa"]
    times = shown or [record["at"] for record in records]
    return not times or at.timestamp() - min(times) >= timedelta(hours=settings.SIGN_IN_HOURS).total_seconds()


def is_locked(request: HttpRequest, at: datetime) -> bool:
    """Whether it was locked, or nobody has used it for LOCK_IDLE_MINUTES."""
    idle = at.timestamp() - _used_at(request)
    return request.session.get(_LOCKED, False) or idle >= settings.LOCK_IDLE_MINUTES * 60


def used(request: HttpRequest, at: datetime) -> None:
    """Somebody does something: the time until it locks begins anew."""
    if at.timestamp() - _used_at(request) >= _NOTED_EVERY:
        request.session.note_screen_use(at)  # type: ignore[attr-defined]


def lock(request: HttpRequest) -> None:
    """Locked from now on, however lately it was used.

    The key of the session changes: what is being answered at this moment cannot write down the session of before.
    """
    request.session[_LOCKED] = True
    request.session.cycle_key()


def unlock(request: HttpRequest, at: datetime) -> None:
    """The person is there again. The key of the session changes, as whenever somebody shows who they are."""
    for key in (_LOCKED, _WRONG):
        request.session.pop(key, None)
    request.session.note_screen_use(at)  # type: ignore[attr-defined]
    request.session.cycle_key()


def wrong_pin(request: HttpRequest) -> int:
    """One more wrong PIN since it was locked; how many tries are left."""
    wrong = request.session.get(_WRONG, 0) + 1
    request.session[_WRONG] = wrong
    return max(PIN_TRIES - wrong, 0)


def is_part(request: HttpRequest) -> bool:
    """Whether a page asks for something beside itself, so that a whole page is no answer."""
    ours = ("HX-Request", "X-Unattended", "X-Screen-Of")
    is_marked = any(name in request.headers for name in ours)
    return is_marked or request.headers.get("Sec-Fetch-Dest", "document") != "document"


def _used_at(request: HttpRequest) -> float:
    """Seconds of the epoch. Signing in, and showing a factor once more, is use."""
    records = get_authentication_records(request, request.user)
    noted: datetime | None = request.session.screen_used_at  # type: ignore[attr-defined]
    return max([noted.timestamp() if noted else 0.0, *(record["at"] for record in records)])
