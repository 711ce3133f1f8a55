"""The form that the gallery shows: every kind of field once."""

from decimal import Decimal

from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.enums import ContactChannel
from clinic.forms.base import BaseForm, ClockField, DayField, LocalDateTimeField, MeasureField


class EveryFieldForm(BaseForm):
    """An example of each field; nothing reads it."""

    name = forms.CharField(label=_("Family name"), max_length=20, help_text=_("As the patient writes it."))
    prefers = forms.ChoiceField(label=_("Prefers"), choices=ContactChannel, widget=forms.RadioSelect)
    born_on = DayField(label=_("Birth date"))
    opens = ClockField(label=_("Opens at"), required=False)
    starts_at = LocalDateTimeField(label=_("Starts"))
    volume = MeasureField(label=_("Volume"), unit="ml", min_value=Decimal("0.01"), max_value=Decimal(10))
    note = forms.CharField(
        label=_("Note"), max_length=500, required=False, widget=forms.Textarea({"rows": 3})
    )
    told = forms.BooleanField(label=_("The patient was told"))

    def layout(self) -> Layout:
        """Short fields side by side."""
        return Layout(
            "name", "prefers", Row(Column("born_on"), Column("opens")), "starts_at", "volume", "note", "told"
        )
