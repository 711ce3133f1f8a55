"""A file that only the key opens, and that cannot be cut, altered or put in another order unseen.

    head    magic (16 bytes) · log2 of the cost of scrypt (1) · salt (32) · check of the key (16)
    pieces  one MiB of plain text each, the last one shorter or empty, each with a tag of 16 bytes

AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár 2015, as in the age file format): the nonce of
a piece is its number (11 bytes) and whether it is the last (1 byte), and the head is authenticated with each of them. Every
file has a salt and so a key of its own: no nonce is ever used twice with one key.
"""

from __future__ import annotations

import hmac
import os
from io import RawIOBase
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from clinic.backup import BackupError

MAGIC = b"mesoclinic-bkp-1"
PIECE = 1 << 20
TAG = 16
_SALT, _CHECK = 32, 16
HEAD = len(MAGIC) + 1 + _SALT + _CHECK
# What a head may ask for: with more, a made-up file could take all the memory there is (2^20 × 8 × 128 bytes = 1 GiB).
_HIGHEST_COST = 20


def _keys(secret: bytes, *, cost: int, salt: bytes) -> tuple[bytes, bytes]:
    """The key of this file, and what its head may tell of it: whether a secret is the right one."""
    derived = Scrypt(salt=salt, length=32 + _CHECK, n=1 << cost, r=8, p=1).derive(secret)
    return derived[:32], derived[32:]


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


class SealingWriter(RawIOBase):
    """Encrypts what is written, piece by piece. `finish` ends the file; without it nobody can read it."""

    def __init__(self, out: IO[bytes], secret: bytes, *, cost: int) -> None:
        salt = os.urandom(_SALT)
        key, check = _keys(secret, cost=cost, salt=salt)
        self._head = MAGIC + bytes([cost]) + salt + check
        self._cipher, self._out, self._number, self._waiting = AESGCM(key), out, 0, bytearray()
        out.write(self._head)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """A piece goes out once it is known that another follows."""
        self._waiting += data
        while len(self._waiting) > PIECE:
            self._put(bytes(self._waiting[:PIECE]), is_last=False)
            del self._waiting[:PIECE]
        return len(data)

    def finish(self) -> None:
        """The last piece."""
        self._put(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _put(self, plain: bytes, *, is_last: bool) -> None:
        self._out.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), plain, self._head))
        self._number += 1


class OpeningReader(RawIOBase):
    """Decrypts; gives out no byte before its piece has been proven.

    Raises:
        BackupError: no backup, another key, or (while reading) altered or cut.
    """

    def __init__(self, source: IO[bytes], secret: bytes) -> None:
        self._head = source.read(HEAD)
        if len(self._head) < HEAD or not self._head.startswith(MAGIC):
            raise BackupError("This is not a backup of Mesoclinic, or its beginning is damaged.")
        cost, salt, check = (
            self._head[len(MAGIC)],
            self._head[len(MAGIC) + 1 : -_CHECK],
            self._head[-_CHECK:],
        )
        if not 1 <= cost <= _HIGHEST_COST:
            raise BackupError("The beginning of this backup is damaged.")
        key, expected = _keys(secret, cost=cost, salt=salt)
        if not hmac.compare_digest(check, expected):
            raise BackupError("This key does not open this backup (or the backup's beginning is damaged).")
        self._cipher, self._source, self._number = AESGCM(key), source, 0
        self._plain, self._following = memoryview(b""), source.read(PIECE + TAG)
        self._is_over = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As `io` has it; 0 at the proven end."""
        while not self._plain and not self._is_over:
            self._next()
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _next(self) -> None:
        sealed, self._following = self._following, self._source.read(PIECE + TAG)
        is_last = not self._following
        try:
            plain = self._cipher.decrypt(_nonce(self._number, is_last=is_last), sealed, self._head)
        except InvalidTag as error:
            where = f"{HEAD + self._number * (PIECE + TAG):,}"
            raise BackupError(
                f"This backup is damaged: what begins at byte {where} was altered, or the end is missing."
            ) from error
        self._plain, self._number, self._is_over = memoryview(plain), self._number + 1, is_last
