"""What is noted after a try to reach a patient, and why an entry is closed."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.enums import ContactChannel, ContactOutcome, ContactReason
from clinic.forms.base import BaseForm


class TryForm(BaseForm):
    """How it was tried, how that ended, and a word about it. The outcome is the button that was pressed.

    `said` is what the page asked to tell the patient.
    """

    channel = forms.ChoiceField(label=_("How"), choices=ContactChannel.choices)
    outcome = forms.ChoiceField(label=_("Outcome"), choices=ContactOutcome.choices)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
    said = forms.CharField(max_length=500, required=False, widget=forms.HiddenInput)


class CloseForm(BaseForm):
    """Nobody has to call any more: why."""

    reason = forms.CharField(
        label=_("Why does nobody have to call?"),
        max_length=200,
        error_messages={"required": _("Say why nobody has to call.")},
    )


class ReasonForm(BaseForm):
    """Which part of the list is looked at."""

    show = forms.ChoiceField(
        choices=[*ContactReason.choices, ("closed", _("Done"))],
        required=False,
    )

    @property
    def chosen(self) -> str:
        """A reason, "closed", or nothing; nonsense is nothing."""
        self.full_clean()
        return str(self.cleaned_data.get("show", ""))
