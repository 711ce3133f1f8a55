"""What is typed when a consultation is confirmed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class ConfirmForm(BaseForm):
    """That everything was asked again, and a note."""

    asked_again = forms.BooleanField(
        label=_("I asked every question again. No answer has changed."),
        required=False,  # the rule says in its own words what is missing
    )
    note = forms.CharField(label=_("Note"), max_length=1000, required=False)
