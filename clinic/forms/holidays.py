"""Which public holidays of a year the clinic is closed on."""

from datetime import date
from typing import Any

from django import forms
from django.utils import formats
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from clinic.forms.base import FIRST_DAY, LAST_DAY, BaseForm


class YearForm(BaseForm):
    """The year, and the part of the country where that matters. Stands in the address."""

    year = forms.IntegerField(
        label=_("Year"), min_value=FIRST_DAY.year, max_value=LAST_DAY.year, required=False
    )
    region = forms.ChoiceField(label=_("Part of the country"), required=False)

    def __init__(self, *args: Any, regions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].choices = [
            ("", _("Holidays of the whole country")),
            *((each, each) for each in regions),
        ]


class HolidaysForm(BaseForm):
    """The holidays that are not closed days yet, as boxes to tick; ticked to begin with, and none is closed unseen."""

    days = forms.MultipleChoiceField(label=_("Close the clinic on"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, offered: dict[date, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = {day.isoformat(): (day, name) for day, name in offered.items()}
        self.fields["days"].choices = [(key, _line(*each)) for key, each in self.offered.items()]
        self.fields["days"].initial = list(self.offered)
        self.fields["days"].error_messages["required"] = _("Choose at least one day.")
        self.fields["days"].error_messages["invalid_choice"] = _(
            "Some of these days are closed already, or over. Look at those that are left."
        )

    @property
    def chosen(self) -> dict[date, str]:
        """The ticked days with their names. Only of a valid form."""
        return dict(self.offered[key] for key in self.cleaned_data["days"])


def _line(day: date, name: str) -> str:
    return f"{formats.date_format(day, pgettext('date format', 'D j M Y'))} · {name}"
