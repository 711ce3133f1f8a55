"""How people sign in: staff only, invited by an admin; nobody signs up."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):
    """Closes sign-up; accounts are made in the admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: a clinic's staff is invited."""
        return False
