"""What is typed to set up a second factor."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.base.internal.flows import check_rate_limit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic import encryption, second_factor
from clinic.actions import recovery_codes
from clinic.models import User


class ActivateTotpForm(ActivateTOTPForm):
    """The first code of a new authenticator app.

    Until it is typed the app's key waits in the session, and sessions are rows of the database: it waits encrypted.
    """

    code = forms.CharField(
        label=_("Code that the app shows now"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": _("Type the six digits that the app shows.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        session = context.request.session
        waiting = session.get(SECRET_SESSION_KEY)
        super().__init__(*args, **kwargs)
        try:
            self.secret = encryption.decrypted(waiting if self.is_bound and waiting else "")
        except encryption.Unreadable:
            # None waits, or its key has been taken away meanwhile: the page shows a new one.
            self.secret = generate_totp_secret()
            session[SECRET_SESSION_KEY] = encryption.encrypted(self.secret)


# What fido2 and allauth raise where a browser, or somebody in its place, sends something that is no passkey's answer.
_NO_PASSKEY = (AttributeError, KeyError, TypeError, ValueError)


class _RefusesNonsense:
    """Says of an answer that cannot be read what is said of a wrong one; both are written down."""

    user: User | None

    def clean_credential(self) -> Authenticator:
        """The passkey that has answered."""
        try:
            return super().clean_credential()  # type: ignore[misc]
        except ValidationError as refused:
            _tell(self.user, Authenticator.Type.WEBAUTHN, refused)
            raise
        except _NO_PASSKEY as error:
            refused = get_adapter().validation_error("incorrect_code")
            _tell(self.user, Authenticator.Type.WEBAUTHN, refused)
            raise refused from error


def _tell(user: User | None, means: str, refused: ValidationError) -> None:
    """The log of the door."""
    get_adapter().factor_refused(user, means, is_throttled=refused.code == "too_many_login_attempts")


class _LooksAtCodes:
    """Looks at recovery codes, of which allauth knows nothing, and writes wrong codes down."""

    user: User

    def clean_code(self) -> str:
        """The code, if it is right now."""
        typed: str = self.cleaned_data["code"]  # type: ignore[attr-defined]
        try:
            if second_factor.is_recovery_code(typed):
                self._use_up(typed)
                return typed
            return super().clean_code()  # type: ignore[misc]
        except ValidationError as refused:
            # Of an app or one for recovery: who mistypes one may have meant the other.
            _tell(self.user, "", refused)
            raise

    def _use_up(self, typed: str) -> None:
        """Counted with the codes of apps, before it is looked at."""
        take_back = check_rate_limit(self.user)
        used = recovery_codes.use(user=self.user, typed=typed, by=self.user, at=timezone.now())
        if used is None:
            raise get_adapter().validation_error("incorrect_code")
        take_back()
        self.authenticator = used


class AuthenticateByCodeForm(_LooksAtCodes, AuthenticateForm):
    """A code as the second factor."""


class ReauthenticateByCodeForm(_LooksAtCodes, ReauthenticateForm):
    """A code shown once more."""


class AuthenticatePasskeyForm(_RefusesNonsense, AuthenticateWebAuthnForm):
    """A passkey as the second factor."""


class LoginPasskeyForm(_RefusesNonsense, LoginWebAuthnForm):
    """A passkey instead of password and second factor."""


class ReauthenticatePasskeyForm(_RefusesNonsense, ReauthenticateWebAuthnForm):
    """A passkey shown once more."""


class AddPasskeyForm(AddWebAuthnForm):
    """A name for the passkey, and whether it is asked for beside the password or instead of it."""

    name = forms.CharField(label=_("Name of this passkey"), max_length=60, required=False)
    passwordless = forms.BooleanField(
        label=_("Sign in with it alone, without the password"),
        required=False,
        help_text=_(
            "It then asks for your finger, your face or its PIN each time, which is a second factor too."
        ),
    )

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except _NO_PASSKEY as error:
            raise get_adapter().validation_error("incorrect_code") from error
