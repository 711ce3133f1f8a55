"""What is typed where two records are made one, or taken apart again."""

from typing import Any

from crispy_forms.layout import Field, Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm


class TakeApartForm(BaseForm):
    """Why, and which preview was looked at."""

    reason = forms.CharField(label=_("How do you know that these are two people?"), max_length=300)
    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def build_on(self, digest: str) -> None:
        """From now on the form answers to this preview; what was typed stays."""
        self.data = self.data.copy()
        self.data["digest"] = digest


class MergeForm(TakeApartForm):
    """Also why it is one person where birth date or sex say otherwise."""

    reason = forms.CharField(
        label=_("How do you know that it is the same person?"),
        max_length=300,
        help_text=_("For example: identity card seen, the patient says so."),
    )
    although = forms.CharField(
        label=_("Why do the two records differ all the same?"), max_length=300, required=False
    )

    def __init__(self, *args: Any, differs: bool, **kwargs: Any) -> None:
        self.differs = differs
        super().__init__(*args, **kwargs)
        self.fields["although"].required = differs

    def layout(self) -> Layout:
        """The second sentence only where it is asked for."""
        asked = ("reason", "although") if self.differs else ("reason",)
        return Layout(*(Field(name) for name in asked), Field("digest"))
