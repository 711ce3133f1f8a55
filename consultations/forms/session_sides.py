"""Forms beside a session's record: why it was not given, and what happened outside the rules."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, LocalDateTimeField


class NotGivenForm(BaseForm):
    """Why the session was not given."""

    reason = forms.CharField(
        label=_("Why it was not given"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )


class DeviationForm(BaseForm):
    """What happened although it should not have."""

    started_at = LocalDateTimeField(label=_("When the session began"))
    reason = forms.CharField(
        label=_("Why it happened"), max_length=5000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at

    def clean_started_at(self) -> datetime:
        """What is recorded here has happened."""
        moment: datetime = self.cleaned_data["started_at"]
        if moment > self.at:
            raise ValidationError(
                _("A deviation records what has happened; this lies in the future."), code="future"
            )
        return moment
