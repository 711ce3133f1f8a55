"""What is typed to take a handed-over screen back."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class TakeBackForm(BaseForm):
    """The password of the person who is signed in."""

    password = forms.CharField(
        label=_("Your password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "off"}),
        error_messages={"required": _("Type your password to go on.")},
    )
