"""What is typed to open an emergency summary, and after it was looked at."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class EmergencyForm(BaseForm):
    """What has happened."""

    reason = forms.CharField(
        label=_("What has happened?"),
        max_length=300,
        widget=forms.TextInput({"autofocus": True, "autocomplete": "off"}),
        help_text=_("One sentence. Practitioners and admins read it afterwards."),
        error_messages={
            "required": _("Say in a few words what has happened, for example: fainted in the waiting room.")
        },
    )


class EmergencyReviewForm(BaseForm):
    """What an admin found."""

    note = forms.CharField(
        label=_("What did you find?"),
        max_length=500,
        help_text=_("For example: spoke with reception, the ambulance had asked for the lots."),
    )
