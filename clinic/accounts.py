"""How people sign in: staff only, invited by an admin; nobody signs up, and nobody without a second factor."""

from typing import Any
from uuid import UUID

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from clinic import encryption, second_factor, sign_in_log
from clinic.enums import SignInEventKind, SignInMeans
from clinic.models import User
from clinic.prepared import ByKey
from clinic.throttling import one_more_try

_NOT_RIGHT = _("Name and password do not fit together. Check both and type the password again.")
# What people may show instead of what a page asks for, by allauth's names of them.
_WAYS = {
    "reauthenticate": _("Use your password"),
    "mfa_reauthenticate": _("Use a code of your app"),
    "mfa_reauthenticate:webauthn": _("Use a passkey"),
}
_NOBODYS_LETTER = "account/email/unknown_account"
_users = ByKey(User, "id", "uuid")


class AccountAdapter(DefaultAccountAdapter):
    """Closes sign-up, counts tries, and says nothing about who has an account."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _NOT_RIGHT,
        "email_password_mismatch": _NOT_RIGHT,
        "too_many_login_attempts": _("Too many tries. Wait five minutes, then try again."),
    }

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuses before the password is looked at. Raises ValidationError: too_many_login_attempts."""
        login = credentials.get("username") or credentials.get("email") or ""
        tries = one_more_try(request, login=login, address=ratelimit.get_ip(request))
        if tries is None:
            # Looked up for everybody, so that the answer takes as long for a name that nobody has.
            account = _named(login)
            sign_in_log.note_once(request, SignInEventKind.THROTTLED, account, SignInMeans.PASSWORD)
            raise self.validation_error("too_many_login_attempts")
        self._tries = tries

    def _rollback_login_failed_rl_usage(self) -> None:
        """allauth calls it where the password was right."""
        self._tries.take_back()

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """The letter with the link, and that it was asked for. To the address of now alone: allauth remembers what a person
        had before, which may be somebody else's by now."""
        is_theirs = email.casefold() == user.email.casefold()
        sign_in_log.note(context["request"], SignInEventKind.RESET_ASKED, user if is_theirs else None)
        if not is_theirs:
            return
        super().send_password_reset_mail(user, email, context)

    def set_password(self, user: User, password: str) -> None:
        """The password alone: the rest may have been changed since this person was read, as by being switched off."""
        user.set_password(password)
        user.save(update_fields=["password"])

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """A letter; of the one to an address that nobody has, that a new password was asked for."""
        if template_prefix == _NOBODYS_LETTER:
            sign_in_log.note(context["request"], SignInEventKind.RESET_ASKED, None)
        super().send_mail(template_prefix, email, context)

    def get_client_ip(self, request: HttpRequest) -> str:
        """The browser's address: what the proxies named in TRUSTED_PROXIES say of it, never what it says of itself.

        Where fewer addresses came along than there are proxies, somebody went past them: the connection's own counts.
        """
        said = request.headers.get("X-Forwarded-For", "").split(",")
        proxies = settings.TRUSTED_PROXIES
        trusted = said[-proxies].strip() if 0 < proxies <= len(said) else ""
        return trusted or request.META.get("REMOTE_ADDR") or "unknown"

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: a clinic's staff is invited."""
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Who signed in a moment ago is not asked for the password once more; set-up follows the first sign-in."""
        has_just_signed_in = any(second_factor.shown_lately(self.request))
        return not has_just_signed_in and super().is_reauthentication_required(app=app, **kwargs)

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Ways to show once more that it is still the person, without those that were shown a moment ago.

        Where one was, the other is what is still asked for (`both_again` in clinic.views.second_factor).
        """
        methods = super().get_reauthentication_methods(user)
        by_password, by_factor = second_factor.shown_lately(self.request)
        left = [
            method | {"description": _WAYS[method["id"]]}
            for method in methods
            if not (by_password if method["id"] == "reauthenticate" else by_factor)
        ]
        return left or methods


class SecondFactorAdapter(DefaultMFAAdapter):
    """Encrypts what second factors are computed from, and keeps the last one where it is."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _("This code is not right (any more). Type the one that is shown now."),
        "cannot_delete_authenticator": _(
            "This is your only second factor, and signing in needs one. Add another first, then remove this one."
        ),
    }

    def factor_refused(self, user: User | None, means: str, *, is_throttled: bool) -> None:
        """A code or passkey that was not right; allauth says so of codes only."""
        sign_in_log.factor_refused(self.request, user, means, is_throttled=is_throttled)

    def encrypt(self, text: str) -> str:
        """Keys of authenticator apps, as they are stored."""
        return encryption.encrypted(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The key again."""
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
    """By name or e-mail, with the same work whoever it is; found, on every request, by a query that is planned once."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **_other: Any,
    ) -> User | None:
        """The person whose password it is. One query and one hash, also for who does not exist or was switched off."""
        typed = username or email
        if not typed or not password:
            return None
        user = _named(typed)
        if request is not None:
            request.named_account = user  # type: ignore[attr-defined]
        if user is None:
            # As long as looking at a real one, so that the time does not tell who works here.
            make_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def get_user(self, user_id: UUID) -> User | None:
        """The person, unless they may not sign in (any more)."""
        user = _users([user_id]).get(user_id)
        return user if user and self.user_can_authenticate(user) else None


def _named(typed: str) -> User | None:
    """By username, else by e-mail. An address that two accounts share opens neither: nobody could say which."""
    found = list(User.objects.filter(Q(username__iexact=typed) | Q(email__iexact=typed)))
    by_name = [user for user in found if user.username.casefold() == typed.casefold()]
    chosen = by_name or found
    return chosen[0] if len(chosen) == 1 else None
