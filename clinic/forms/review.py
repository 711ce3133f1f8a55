"""What is typed on the review pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from clinic.enums import SignInEventKind
from clinic.forms.base import BaseForm, DayField
from clinic.models import User
from clinic.review.period import DAYS, EARLIEST, LATEST, LONGEST, Period


class NumberForm(BaseForm):
    """A patient, named by clinic number only: a name would be a search."""

    number = forms.IntegerField(label=_("Clinic number"), min_value=1, max_value=2**31 - 1)


class ReadingForm(BaseForm):
    """Who read records, and on which days; both may be left open."""

    user = forms.ModelChoiceField(
        User.objects.order_by("last_name", "first_name", "username"),
        label=_("Who"),
        required=False,
        empty_label=_("anybody"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("from", _("From")), ("until", _("Until"))):
            self.add_field(name, DayField(label=label, first=EARLIEST, last=LATEST, required=False))

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("from") and cleaned.get("until") and cleaned["until"] < cleaned["from"]:
            self.add_error("until", ValidationError(_BACKWARDS, code="until_before_from"))
        return cleaned


class WhoSignedInForm(ReadingForm):
    """Whose account, what happened, and on which days; all may be left open."""

    kind = forms.ChoiceField(
        choices=[("", _("anything")), *SignInEventKind.choices], label=_("What"), required=False
    )


class PeriodForm(BaseForm):
    """From one day to another, both included; at most a year. Gives `period`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label in (("from", _("From")), ("until", _("Until"))):
            self.add_field(name, DayField(label=label, first=EARLIEST, last=LATEST))

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first, and the two are at most a year apart."""
        cleaned = super().clean() or self.cleaned_data
        first, last = cleaned.get("from"), cleaned.get("until")
        if first and last and last < first:
            self.add_error("until", ValidationError(_BACKWARDS, code="until_before_from"))
        elif first and last and (last - first).days >= LONGEST:
            self.add_error("until", ValidationError(_TOO_LONG, code="too_long"))
        elif first and last:
            cleaned["period"] = Period(DAYS, first, last)
        return cleaned


_BACKWARDS = _("This day comes before the first one. Check both.")
_TOO_LONG = _("Choose at most a year (366 days).")
