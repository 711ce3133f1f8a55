"""Forms for lots: received, put aside."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField
from consultations.models import Component


class ReceiveForm(BaseForm):
    """A delivered lot, as its label says."""

    component = forms.ModelChoiceField(label=_("Component"), queryset=Component.objects.none())
    maker = forms.CharField(label=_("Maker"), max_length=100)
    number = forms.CharField(
        label=_("Lot number"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    expires_on = DayField(
        label=_("Last day of use"),
        help_text=_("Where the label names only a month, its last day."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["component"].queryset = (
            Component.objects.current().filter(is_active=True).order_by("name")
        )


class QuarantineForm(BaseForm):
    """Why a lot is put aside."""

    reason = forms.CharField(label=_("Why it is put aside"), max_length=200)
