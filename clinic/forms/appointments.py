"""Small forms about visits that are on the books."""

from datetime import date
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.dates import moment_in_words
from clinic.enums import CancelledBy
from clinic.forms.base import BaseForm, DayField
from clinic.models import Appointment


class DayForm(BaseForm):
    """The day the diary shows."""

    day = DayField(label=_("Day"), required=False)

    @property
    def wanted(self) -> date | None:
        """The chosen day; None where there is none, or none that can be read."""
        self.full_clean()
        return self.cleaned_data.get("day")


class VersionForm(BaseForm):
    """Which version of the visit the person looked at."""

    version = forms.IntegerField(min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput)


class CancelForm(VersionForm):
    """By whom, why, and whether the visit that belongs to it goes too."""

    cancelled_by = forms.ChoiceField(
        label=_("Who cancels?"),
        choices=CancelledBy.choices,
        widget=forms.RadioSelect,
        initial=CancelledBy.PATIENT,
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)
    told = forms.BooleanField(
        label=_("The patient has been told"),
        required=False,
        help_text=_("Who cancelled themselves knows. Anybody else comes on the list of those to call."),
    )
    both = forms.BooleanField(label=_("Cancel both visits"), required=False, initial=True)
    pair_version = forms.IntegerField(
        min_value=1, max_value=2_000_000_000, required=False, widget=forms.HiddenInput
    )

    def __init__(
        self, *args: object, has_pair: bool = False, partner: Appointment | None = None, **kwargs: object
    ) -> None:
        """`partner` was not booked as a pair with the visit: the question names it."""
        super().__init__(*args, **kwargs)
        if partner:
            words = _("Cancel “%(type)s” on %(moment)s, too")
            said = {"type": partner.type, "moment": moment_in_words(partner.starts_at)}
            self.fields["both"].label = words % said
        if not has_pair:
            del self.fields["both"], self.fields["pair_version"]

    def layout(self) -> Layout:
        """In the order in which one asks."""
        of_pair = [name for name in ("both", "pair_version") if name in self.fields]
        return Layout("version", "cancelled_by", "told", "reason", *of_pair)

    def clean(self) -> dict[str, Any]:
        """The second visit is called off as it stood on the page, too."""
        cleaned = super().clean()
        if cleaned.get("both") and not cleaned.get("pair_version"):
            raise forms.ValidationError(
                _("This page was incomplete. Open it again before you go on."), code="bad_form"
            )
        return cleaned

    def was_made_for(self, visit: Appointment, pair: Appointment | None) -> bool:
        """Whether the page showed the visits as they are. Only after is_valid()."""
        seen = (self.cleaned_data["version"], self.cleaned_data.get("pair_version"))
        return seen == (visit.version, pair.version if pair else None)
