"""Secrets that the database must not give away: encrypted before they are written.

Each text of SECRETS_KEYS becomes a key of its own (HKDF, RFC 5869, with SHA-256); the first one encrypts, every one
decrypts. So a key is changed by putting a new text in front, `manage encrypt_anew`, and taking the old one away.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"mesoclinic: secrets of second factors"


class Unreadable(Exception):
    """No key of SECRETS_KEYS opens what is stored: the key it was written with is gone."""


def encrypted(text: str) -> str:
    """The text under the newest key."""
    return _lock().encrypt(text.encode()).decode()


def decrypted(stored: str) -> str:
    """The text again. Raises Unreadable."""
    try:
        return _lock().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise Unreadable from error


def _lock() -> MultiFernet:
    return MultiFernet(_keys(settings.SECRETS_KEYS))


def _keys(texts: Sequence[str]) -> list[Fernet]:
    return [Fernet(base64.urlsafe_b64encode(_derived(text))) for text in texts]


def _derived(text: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(text.encode())
