"""How people sign in: staff only, invited by an admin; nobody signs up."""

from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from clinic.models import User
from clinic.prepared import ByKey

_users = ByKey(User, "id", "uuid")


class AccountAdapter(DefaultAccountAdapter):
    """Closes sign-up; accounts are made in the admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: a clinic's staff is invited."""
        return False


class PasswordBackend(ModelBackend):
    """Django's own; whoever has signed in is found, on every request, by a query that is planned once."""

    def get_user(self, user_id: UUID) -> User | None:
        """The person, unless they may not sign in (any more)."""
        user = _users([user_id]).get(user_id)
        return user if user and self.user_can_authenticate(user) else None
