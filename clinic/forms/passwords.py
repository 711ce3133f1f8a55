"""Forms at the door that ask for a password: allauth's, in the house's words."""

from typing import Any, ClassVar

from allauth.account import forms as allauth_forms
from django.forms import Field
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class _InOurWords:
    """allauth writes each label a second time into the empty field, where it looks like something typed."""

    labels: ClassVar[dict[str, Promise]] = {}
    fields: dict[str, Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        for name, label in self.labels.items():
            self.fields[name].label = label


class LoginForm(_InOurWords, allauth_forms.LoginForm):
    """Who comes in, and the password."""

    labels: ClassVar = {"login": _("User name or e-mail")}


class ChangePasswordForm(_InOurWords, allauth_forms.ChangePasswordForm):
    """Another password in place of one that is known."""

    labels: ClassVar = {
        "oldpassword": _("Password until now"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }


class ResetPasswordForm(_InOurWords, allauth_forms.ResetPasswordForm):
    """Where the letter with the link goes."""

    labels: ClassVar = {"email": _("E-mail")}


class ResetPasswordKeyForm(_InOurWords, allauth_forms.ResetPasswordKeyForm):
    """Another password in place of one that was forgotten."""

    labels: ClassVar = {"password1": _("New password"), "password2": _("New password again")}


class ReauthenticateForm(_InOurWords, allauth_forms.ReauthenticateForm):
    """The password once more."""
