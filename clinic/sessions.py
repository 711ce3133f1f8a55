"""Where sign-ins are kept: in the database, as Django keeps them, but found by a query that is planned once."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from clinic.prepared import Objects

_valid = Objects(
    Session,
    "WHERE session_key = %(key)s AND expire_date > %(at)s",
    key="text",
    at="timestamptz",
)


class SessionStore(db.SessionStore):
    """Every request asks for its session; nothing else is different."""

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        for found in _valid(key=self.session_key, at=timezone.now()):
            return found
        return super()._get_session_from_db()
