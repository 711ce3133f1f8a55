"""Whether the person at this browser has shown a second factor, beside the password, since they signed in.

It is read from the session, where allauth writes down what somebody signed in with, so that no page asks the database
for it. A session of before, one that a password alone has opened, or one made in any other way says nothing of it, and
is not through.
"""

import re
import time

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

# Recovery codes are what is left when these are lost, never the only one.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Under this name the row of recovery codes keeps the hashes of those that are left.
HASHES = "hashes"
_SPACES = re.compile(r"[\s-]")


def is_missing(request: HttpRequest) -> bool:
    """Whether the person still has to show, or to set up, a second factor. Asks the database nothing.

    In a demo nobody has to: everybody may sign in there as everybody.
    """
    return settings.MODE != "demo" and not _was_shown(request)


def is_set_up(user: AbstractBaseUser) -> bool:
    """Whether the person has one."""
    return Authenticator.objects.filter(user=user, type__in=FACTORS).exists()


def codes_left(user: AbstractBaseUser) -> int:
    """How many recovery codes the person has not used."""
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES)
    return sum(len(data.get(HASHES, ())) for data in rows.values_list("data", flat=True))


def bare(code: str) -> str:
    """As it is compared: somebody reads it off a sheet, and types it in pieces."""
    return _SPACES.sub("", code)


def is_recovery_code(typed: str) -> bool:
    """Whether it looks like one; those of apps have six digits."""
    return re.fullmatch(r"[0-9]{10}", bare(typed)) is not None


def shown_lately(request: HttpRequest) -> tuple[bool, bool]:
    """Whether the password, and whether a second factor, was shown within the last five minutes, at whatever page.

    A passkey that replaced the password has asked for finger, face or PIN: it is both.
    """
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    lately = [each for each in get_authentication_records(request, request.user) if each["at"] > since]
    by_password = any(each["method"] == "password" or each.get("passwordless") for each in lately)
    return by_password, any(each["method"] == "mfa" for each in lately)


def _was_shown(request: HttpRequest) -> bool:
    """The records are of this very person, or none."""
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)
