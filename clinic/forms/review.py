"""What is typed on the review pages."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class NumberForm(BaseForm):
    """A patient, named by clinic number only: a name would be a search."""

    number = forms.IntegerField(label=_("Clinic number"), min_value=1, max_value=2**31 - 1)
