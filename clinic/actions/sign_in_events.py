"""Writes down what happens at the door."""

from datetime import datetime, timedelta

from clinic.enums import SignInEventKind, SignInMeans
from clinic.models import SignInEvent, User

# What is refused without looking costs nothing to send: of it one row is kept for each address and so long.
ONCE_IN = timedelta(minutes=5)


def note(
    *,
    kind: SignInEventKind,
    user: User | None,
    means: SignInMeans | str = "",
    address: str = "",
    browser: str = "",
    by: User | None = None,
    at: datetime,
) -> None:
    """Adds a row. `by`: who did it, where that is somebody else than the account's owner."""
    SignInEvent.objects.create(
        kind=kind,
        user=user,
        means=means,
        address=address,
        browser=browser,
        by=None if user and by and by.pk == user.pk else by,
        at=at,
    )


def note_once(
    *,
    kind: SignInEventKind,
    user: User | None,
    means: SignInMeans | str = "",
    address: str,
    browser: str,
    by: User | None = None,
    at: datetime,
) -> None:
    """Adds a row where this address has none of its kind yet from the last minutes.

    By address alone, whoever was named: were names counted apart, the time of an answer would tell which of them exist.
    """
    window = SignInEvent.objects.filter(kind=kind, means=means, address=address, at__gt=at - ONCE_IN)
    if not window.exists():
        note(kind=kind, user=user, means=means, address=address, browser=browser, by=by, at=at)


def note_stopped(
    *, kind: SignInEventKind, user: User, address: str, browser: str, by: User, at: datetime
) -> None:
    """Adds that the person asked for too much, where their account has no such row yet from the last minutes."""
    if not SignInEvent.objects.of(user).filter(kind=kind, at__gt=at - ONCE_IN).exists():
        note(kind=kind, user=user, address=address, browser=browser, by=by, at=at)
