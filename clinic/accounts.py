"""How people sign in: staff only, invited by an admin; nobody signs up, and nobody without a second factor."""

import time
from typing import Any
from uuid import UUID

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clinic import encryption, second_factor
from clinic.models import User
from clinic.prepared import ByKey

_users = ByKey(User, "id", "uuid")


class AccountAdapter(DefaultAccountAdapter):
    """Closes sign-up; accounts are made in the admin."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: a clinic's staff is invited."""
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who signed in a moment ago is not asked for the password once more; set-up follows the first sign-in."""
        records = get_authentication_records(self.request, self.request.user)
        newest = max((record["at"] for record in records), default=0)
        has_just_signed_in = time.time() - newest < app_settings.REAUTHENTICATION_TIMEOUT
        return not has_just_signed_in and super().is_reauthentication_required(app=app, **kwargs)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts what second factors are computed from, and keeps the last one where it is."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right (any more). Type the one that is shown now."),
        "cannot_delete_authenticator": _(
            "This is your only second factor, and signing in needs one. Add another first, then remove this one."
        ),
    }

    def encrypt(self, text: str) -> str:
        """Keys of authenticator apps and seeds of recovery codes, as they are stored."""
        return encryption.encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The key or seed again."""
        return encryption.decrypted(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Only while another one is left; an admin resets the second factor of who has lost it."""
        others = Authenticator.objects.filter(user=authenticator.user_id, type__in=second_factor.FACTORS)
        return others.exclude(pk=authenticator.pk).exists()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a passkey is called until somebody names it."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def get_totp_issuer(self) -> str:
        """How authenticator apps name the clinic's program."""
        return self._get_site_name()

    def _get_site_name(self) -> str:
        return "Mesoclinic"


class PasswordBackend(ModelBackend):
    """Django's own; whoever has signed in is found, on every request, by a query that is planned once."""

    def get_user(self, user_id: UUID) -> User | None:
        """The person, unless they may not sign in (any more)."""
        user = _users([user_id]).get(user_id)
        return user if user and self.user_can_authenticate(user) else None
