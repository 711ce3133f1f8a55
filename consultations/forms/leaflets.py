"""What is typed when a leaflet is handed out."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.enums import HandoutWay
from consultations.models import Leaflet


class HandOutForm(BaseForm):
    """Which leaflet, how, and to whom; the most specific one for the plan stands first and is chosen."""

    leaflet = forms.ModelChoiceField(
        Leaflet.objects.none(),
        label=_("Leaflet"),
        empty_label=None,
        error_messages={
            "invalid_choice": _("This version is not in force any more. Hand out the one that is."),
        },
    )
    way = forms.ChoiceField(
        label=_("How"), choices=HandoutWay, initial=HandoutWay.PAPER, widget=forms.RadioSelect
    )
    handed_to = forms.CharField(
        label=_("Handed to"),
        max_length=200,
        required=False,  # the rule says in its own words what is missing
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, leaflets: Iterable[Leaflet], handed_to: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = list(leaflets)
        field = self.fields["leaflet"]
        field.queryset = Leaflet.objects.filter(pk__in=[each.pk for each in offered])
        field.choices = [(each.pk, f"{each} ({_('version')} {each.version})") for each in offered]
        field.initial = offered[0] if offered else None
        self.fields["handed_to"].initial = handed_to
