"""What is typed about somebody at the counter."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class WalkInForm(BaseForm):
    """What the walk-in came for."""

    wants = forms.CharField(
        label=_("What does the patient want?"),
        max_length=200,
        help_text=_("For example: a first consultation."),
    )
