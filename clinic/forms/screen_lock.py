"""What is typed to open a locked screen, and to choose the PIN for it."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from clinic.rules.screen_lock import PIN_DIGITS

_KEYS = {"inputmode": "numeric", "autocomplete": "off", "maxlength": str(PIN_DIGITS[1])}


def _pin(label: str, required: str) -> forms.CharField:
    # More than the widget's maxlength is read, so that a longer one is refused by the rule and not by its length.
    return forms.CharField(
        label=label,
        max_length=50,
        widget=forms.PasswordInput(_KEYS),
        error_messages={"required": required},
    )


class UnlockByPinForm(BaseForm):
    """The PIN of who is signed in."""

    pin = _pin(_("Your PIN"), _("Type your PIN."))


class UnlockByPasskeyForm(BaseForm):
    """What the passkey of who is signed in has answered; the browser fills it in."""

    credential = forms.CharField(max_length=20_000, required=False, widget=forms.HiddenInput)


class PasswordForm(BaseForm):
    """The password of who is signed in: it opens a locked screen, and takes a handed-over one back."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        error_messages={"required": _("Type your password to go on.")},
    )


class ChoosePinForm(BaseForm):
    """A PIN, twice."""

    pin = _pin(_("PIN, 6 to 8 digits"), _("Type the PIN you want."))
    again = _pin(_("The same once more"), _("Type it once more."))

    def clean(self) -> dict[str, Any]:
        """Both the same."""
        said = super().clean() or {}
        if {"pin", "again"} <= said.keys() and said["pin"] != said["again"]:
            self.add_error("again", _("These two are not the same. Type both again."))
        return said
