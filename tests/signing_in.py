"""Signing in as people do: with a password and a second factor. There is no setting that lets anybody in without."""

from importlib import import_module

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY,
    AUTHENTICATION_METHODS_SESSION_KEY,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.test import Client
from django.utils import timezone

from clinic.actions import recovery_codes
from clinic.models import User

BACKEND = "clinic.accounts.PasswordBackend"
# What people have written down: in the database nobody can read it.
_written_down: dict[object, list[str]] = {}


def sign_in(client: Client, user: User, *, backend: str = BACKEND, is_noted: bool = False) -> Client:
    """The client, in which the person is signed in and has shown both factors.

    The session is written as signing in leaves it. The way there takes sixteen statements; only tests of the log of the door
    need it (`is_noted`).
    """
    if is_noted:
        client.force_login(user, backend=backend)
        session = client.session
    else:
        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = backend
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    record_both(session, user)
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def record_both(session, user: User) -> None:
    """Writes into the session what allauth does when somebody has shown both factors."""
    at = timezone.now().timestamp()
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(user.pk)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "password", "at": at, "username": user.username},
        {"method": "mfa", "at": at, "type": "totp"},
    ]


def with_second_factor(user: User) -> User:
    """The person, with an authenticator app and recovery codes."""
    if not Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists():
        TOTP.activate(user, generate_totp_secret())
        _written_down[user.pk] = recovery_codes.make(user=user, by=user, at=timezone.now())
    return user


def next_code(user: User) -> str:
    """A code that opens the account once: unlike the app's it does not need the clock to move on."""
    kept = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).data["hashes"]
    left = {each["first"] for each in kept}
    return next(code for code in _written_down[user.pk] if code[0] in left)
