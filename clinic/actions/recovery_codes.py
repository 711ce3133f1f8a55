"""Recovery codes: what opens an account once where neither phone nor passkey is at hand. Only a hash of each is kept (ADR 43).

They stand in allauth's row of their kind, in a shape in which allauth finds no code left: what it would keep is a seed from which
all of them can be read again.
"""

import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import check_password, make_password

from clinic import encryption, second_factor
from clinic.actions.locking import explained, locked_account
from clinic.models import User

_NO_CODES_OF_ALLAUTH: dict[str, list[Any]] = {"migrated_codes": []}


def make(*, user: User, by: User, at: datetime) -> list[str]:
    """Ten new codes, to be shown now and never again. Older ones stop working."""
    # Each begins with another digit: so a code that is typed is compared with one hash, and that takes as long as a password.
    codes = [f"{first}{secrets.randbelow(10**9):09}" for first in range(10)]
    # Seconds of work: not under a lock.
    _keep(user, {**_NO_CODES_OF_ALLAUTH, second_factor.HASHES: _hashed(codes)}, at)
    return codes


@explained
def _keep(user: User, kept: dict[str, list[Any]], at: datetime) -> None:
    account = locked_account(user)
    _all_of(account).delete()
    Authenticator.objects.create(
        user=account, type=Authenticator.Type.RECOVERY_CODES, data=kept, created_at=at
    )


@explained
def use(*, user: User, typed: str, by: User, at: datetime) -> Authenticator | None:
    """Uses this code up, and says of what it was one; None where it is no code of theirs, or was used.

    Of two that are sent at once with the same code the second waits for the first, and finds it used.
    """
    row = _all_of(user).select_for_update().first()
    if row is None:
        return None
    code = second_factor.bare(typed)
    left = row.data.get(second_factor.HASHES, [])
    for each in left:
        if each["first"] == code[:1] and check_password(code, encryption.decrypted(each["hash"])):
            row.data[second_factor.HASHES] = [other for other in left if other is not each]
            row.save(update_fields=["data"])
            row.user = user
            return row
    return None


def _hashed(codes: Sequence[str]) -> list[dict[str, str]]:
    """As they are kept: hashed as passwords are, each with a salt of its own, and the hash under the server's key.

    A code has ten digits: whoever has the database alone shall not even get to guessing.
    """
    with ThreadPoolExecutor() as pool:  # each takes a quarter of a second of one core
        hashes = list(pool.map(make_password, codes))
    return [
        {"first": code[0], "hash": encryption.encrypted(hash_)}
        for code, hash_ in zip(codes, hashes, strict=True)
    ]


def _all_of(user: User) -> Any:
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES)
