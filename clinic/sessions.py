"""Where sign-ins are kept: in the database, as Django keeps them, but found by a query that is planned once.

The row of a session says too whose it is, from where and when it was last used (ADR 31). That costs no page a query: it is
read with the session, and written with it, every five minutes, or every minute that somebody uses the screen.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from allauth.account.adapter import get_adapter
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import db
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from clinic import browsers
from clinic.around import Around
from clinic.models import SignIn
from clinic.prepared import Objects

USE_NOTED_EVERY = timedelta(minutes=5)
LONGEST_ADDRESS = 45
_valid = Objects(
    SignIn,
    "WHERE session_key = %(key)s AND expire_date > %(at)s",
    key="text",
    at="timestamptz",
)


class SessionStore(db.SessionStore):
    """Every request asks for its session. Its row comes along, and knows from where this request was sent."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.row: SignIn | None = None
        self._device = self._address = ""

    @classmethod
    def get_model_class(cls) -> type[SignIn]:
        """In place of Django's own table."""
        return SignIn

    def sent_from(self, *, device: str, address: str) -> None:
        """From which browser and which address this request comes; kept when the session is next saved."""
        self._device = printable(device)[: browsers.LONGEST]
        self._address = printable(address)[:LONGEST_ADDRESS]

    def note_use(self, at: datetime) -> None:
        """Somebody, or an open page, uses this sign-in: written down at most every five minutes."""
        row = self.row
        if row and row.last_used_at and at - row.last_used_at >= USE_NOTED_EVERY:
            self._write_down(row, last_used_at=at)

    @property
    def screen_used_at(self) -> datetime | None:
        """When somebody last used the screen, as far as it was noted (clinic.screen_lock)."""
        return self.row.screen_used_at if self.row else None

    def note_screen_use(self, at: datetime) -> None:
        """Somebody uses the screen."""
        if self.row:
            self._write_down(self.row, last_used_at=at, screen_used_at=at)

    def _write_down(self, row: SignIn, **moments: datetime) -> None:
        """The columns alone, so that no request overwrites what another one of the same browser has just put in the session."""
        said = {"device": self._device, "address": self._address, **moments}
        for name, value in said.items():
            setattr(row, name, value)
        SignIn.objects.filter(pk=row.pk).update(**said)

    def create_model_instance(self, data: dict[str, Any]) -> SignIn:
        """The row as it is saved: with whose it is, where the session says so."""
        row: SignIn = super().create_model_instance(data)
        if SESSION_KEY in data:
            self._say_whose(row, data, timezone.now())
            self.row = row
        return row

    def flush(self) -> None:
        """Nothing of the one who was signed in passes on to the next."""
        super().flush()
        self.row = None

    def _say_whose(self, row: SignIn, data: dict[str, Any], at: datetime) -> None:
        row.user_id = UUID(data[SESSION_KEY])
        row.signed_with = data.get(HASH_SESSION_KEY, "")
        known = self.row if self.row and self.row.user_id == row.user_id else None
        row.device = self._device or (known.device if known else "")
        row.address = self._address or (known.address if known else "")
        row.signed_in_at, row.last_used_at = known.signed_in_at if known else at, at
        if known:
            row.public_id = known.public_id  # the key changes, the sign-in stays what it is
            row.screen_used_at = known.screen_used_at

    def _get_session_from_db(self) -> SignIn | None:
        for found in _valid(key=self.session_key, at=timezone.now()):
            self.row = found
            return found
        missing: None = super()._get_session_from_db()
        return missing


class UseMiddleware(Around):
    """Tells the session from where it is used. Behind whatever finds the session, in front of whatever signs people in."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """As asked."""
        address = get_adapter(request).get_client_ip(request)
        request.session.sent_from(device=request.headers.get("User-Agent", ""), address=address)
        response = self.get_response(request)
        if response.status_code < 500:  # a database that does not answer is not asked once more
            request.session.note_use(timezone.now())
        return response


def printable(sent: str) -> str:
    """What the database can keep of a header: anybody may send anything."""
    return "".join(each for each in sent if each.isprintable())
