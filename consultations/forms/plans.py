"""The form behind a plan's change of status."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class ReasonForm(BaseForm):
    """Why, for those who read this later."""

    reason = forms.CharField(label=_("Why"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
