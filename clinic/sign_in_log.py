"""Tells the log of the door what happens there: what Django and allauth say of it, and what our own pages do.

The one place that listens to signals: who is let in is decided by their code, and they say so in no other way. Whatever comes
in, by whichever page, goes through Django's three.
"""

from typing import Any

from allauth.account import signals as account
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as factors
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from clinic import browsers
from clinic.actions import sign_in_events
from clinic.enums import SignInEventKind, SignInMeans
from clinic.models import User
from clinic.sessions import LONGEST_ADDRESS, printable

Kind = SignInEventKind


def note(request: HttpRequest, kind: Kind, user: User | None, means: str = "") -> None:
    """It happened in this request."""
    sign_in_events.note(
        kind=kind, user=user, means=_known(means), by=user, at=timezone.now(), **_origin(request)
    )


def note_once(request: HttpRequest, kind: Kind, user: User | None, means: str = "") -> None:
    """It happened in this request; kept once in a while for each address, because it costs nothing to send."""
    at = timezone.now()
    sign_in_events.note_once(kind=kind, user=user, means=_known(means), by=user, at=at, **_origin(request))


def ends_as(request: HttpRequest, kind: Kind) -> None:
    """Why the sign-in of this request is about to end, where nobody asked for it."""
    request.ends_as = kind  # type: ignore[attr-defined]


def factor_refused(request: HttpRequest, user: User | None, means: str, *, is_throttled: bool) -> None:
    """A code or a passkey was not right. Whoever shows a passkey alone has said no name: such tries are kept once in a while."""
    if is_throttled:
        note_once(request, Kind.THROTTLED, user, means)
    elif user is None:
        note_once(request, Kind.FACTOR_WRONG, None, means)
    else:
        note(request, Kind.FACTOR_WRONG, user, means)


def stopped(request: HttpRequest, kind: Kind, user: User) -> None:
    """Somebody has asked for more than a person reads or writes; once in a while for each account, wherever it asks from."""
    at = timezone.now()
    sign_in_events.note_stopped(kind=kind, user=user, by=user, at=at, **_origin(request))


@receiver(auth.user_login_failed)
def _password_wrong(request: HttpRequest | None = None, **_said: Any) -> None:
    if request is not None:
        # Found or not by the one query that looks for the name (PasswordBackend).
        note(request, Kind.PASSWORD_WRONG, getattr(request, "named_account", None))


@receiver(auth.user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_said: Any) -> None:
    records = get_authentication_records(request, user)
    note(request, Kind.SIGNED_IN, user, _means_of(records[-1]) if records else "")


@receiver(auth.user_logged_out)
def _signed_out(request: HttpRequest, user: User | None = None, **_said: Any) -> None:
    if user is not None:
        note(request, getattr(request, "ends_as", Kind.SIGNED_OUT), user)


@receiver(account.authentication_step_completed)
def _shown(request: HttpRequest, user: User, method: str, reauthenticated: bool = False, **said: Any) -> None:
    if reauthenticated:
        note(request, Kind.SHOWN_AGAIN, user, _means_of({"method": method, **said}))
    elif method == "password":
        note(request, Kind.PASSWORD_RIGHT, user)


@receiver(account.password_reset)
def _reset_done(request: HttpRequest, user: User, **_said: Any) -> None:
    note(request, Kind.RESET_DONE, user)


@receiver(account.password_changed)
def _password_changed(request: HttpRequest, user: User, **_said: Any) -> None:
    note(request, Kind.PASSWORD_CHANGED, user)


@receiver([factors.authenticator_added, factors.authenticator_reset])
def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_said: Any) -> None:
    note(request, Kind.FACTOR_ADDED, user, authenticator.type)


@receiver(factors.authenticator_removed)
def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_said: Any) -> None:
    note(request, Kind.FACTOR_REMOVED, user, authenticator.type)


def _means_of(record: dict[str, Any]) -> str:
    """What was shown, as allauth records it."""
    return str(record.get("type", record["method"]))


def _known(means: str) -> str:
    return means if means in SignInMeans.values else ""


def _origin(request: HttpRequest) -> dict[str, str]:
    """From where: the address by the rule of TRUSTED_PROXIES, the browser in our words and not in those it sends."""
    return {
        "address": printable(get_adapter(request).get_client_ip(request))[:LONGEST_ADDRESS],
        "browser": browsers.in_words(request.headers.get("User-Agent", "")),
    }
