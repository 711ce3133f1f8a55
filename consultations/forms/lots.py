"""Forms for lots: received, put aside."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm, DayField, MeasureField
from consultations.models import AllergenGroup, Component


def _label_fields() -> tuple[MeasureField, MeasureField]:
    amount = MeasureField(
        label=_("Amount on the label"),
        min_value=Decimal("0.0001"),
        max_digits=12,
        decimal_places=4,
        required=False,
        help_text=_("In mg or units: for “250 mg in 5 ml” 250. Empty for a product that is counted in ml."),
    )
    volume = MeasureField(
        label=_("in so many ml"),
        unit="ml",
        min_value=Decimal("0.001"),
        max_digits=8,
        decimal_places=3,
        required=False,
        help_text=_("For “250 mg in 5 ml” 5; empty where the label says an amount per ml."),
    )
    return amount, volume


def _groups_field() -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("Excipients that somebody may be allergic to"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("What the label, the leaflet or the stopper names beside the component."),
    )


def _groups(kept: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Those in force, and those noted before that are not any more."""
    known = list(AllergenGroup.objects.current().order_by("name").values_list("code", "name"))
    codes = {code for code, _name in known}
    return known + [(code, code) for code in kept if code not in codes]


class LabelForm(BaseForm):
    """The strength of a lot and the allergen groups of its excipients, as its label says."""

    label_amount, label_ml = _label_fields()
    allergen_groups = _groups_field()

    def __init__(self, *args: Any, kept: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["allergen_groups"].choices = _groups(kept)


class ReceiveForm(BaseForm):
    """A delivered lot, as its label says."""

    component = forms.ModelChoiceField(label=_("Component"), queryset=Component.objects.none())
    maker = forms.CharField(label=_("Maker"), max_length=100)
    number = forms.CharField(
        label=_("Lot number"), max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    label_amount, label_ml = _label_fields()
    expires_on = DayField(
        label=_("Last day of use"),
        help_text=_("Where the label names only a month, its last day."),
    )
    allergen_groups = _groups_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["allergen_groups"].choices = _groups()
        self.fields["component"].queryset = (
            Component.objects.current().filter(is_active=True).order_by("name")
        )


class ReleaseForm(BaseForm):
    """Why a lot may be used again."""

    reason = forms.CharField(label=_("Why it may be used again"), max_length=200)


class RecallForm(BaseForm):
    """What the maker calls the recall."""

    reference = forms.CharField(
        label=_("The maker's recall reference"),
        max_length=100,
        help_text=_("As on the maker's notice."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class OpenForm(BaseForm):
    """When a lot was opened."""

    opened_on = DayField(label=_("Opened on"))


class QuarantineForm(BaseForm):
    """Why a lot is put aside."""

    reason = forms.CharField(label=_("Why it is put aside"), max_length=200)
