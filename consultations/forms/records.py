"""Forms for what can still be said about records, and the incident list's filter."""

from datetime import date
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField


class AddendumForm(BaseForm):
    """A word after the signature."""

    text = forms.CharField(
        label=_("What you want to add"), max_length=10000, widget=forms.Textarea(attrs={"rows": 6})
    )


class ErrorForm(BaseForm):
    """Why a signed record should not exist."""

    reason = forms.CharField(
        label=_("What went wrong"),
        max_length=1000,
        help_text=_("The person who confirms reads this, an admin too: leave findings out."),
    )


class PeriodForm(BaseForm):
    """From one day to another, both included; either may be open."""

    first = DayField(label=_("From"), required=False)
    last = DayField(label=_("To"), required=False)

    def layout(self) -> Layout:
        """Side by side; the page's style does it."""
        return Layout("first", "last")

    def clean(self) -> dict[str, Any]:
        """The order of the two days."""
        data = super().clean() or self.cleaned_data
        first, last = data.get("first"), data.get("last")
        if first and last and last < first:
            self.add_error("last", ValidationError(_("The last day lies before the first."), code="order"))
        return data

    @property
    def days(self) -> tuple[date | None, date | None]:
        """First and last day; nothing of a period that cannot be read."""
        if not self.is_valid():
            return None, None
        return self.cleaned_data["first"], self.cleaned_data["last"]
