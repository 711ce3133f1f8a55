"""What is typed to have a record erased, and to withdraw that."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.enums import ErasureKind
from clinic.forms.base import BaseForm


class ErasureForm(BaseForm):
    """Why, and of which record."""

    kind = forms.ChoiceField(label=_("Why it is erased"), choices=ErasureKind.choices)
    reason = forms.CharField(
        label=_("In your words"),
        max_length=300,
        help_text=_("How the patient asked, or who looked into it. No names: this sentence stays."),
    )
    number = forms.IntegerField(
        label=_("Clinic number"),
        min_value=1,
        max_value=2_000_000_000,
        help_text=_("Type it from what the patient showed, not from this page."),
    )


class WithdrawForm(BaseForm):
    """Why it is not carried out."""

    because = forms.CharField(
        label=_("Why it is withdrawn"), max_length=300, help_text=_("No names: this sentence stays.")
    )
