"""What is typed in the search for a cause: the decision, the components tested in one visit, the conclusion."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from crispy_forms.layout import Fieldset, Layout
from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import BaseForm
from consultations.actions.causes import Place
from consultations.enums import TestArm
from consultations.forms.patch_tests import GiveForm, MinuteForm, control_words, lot_choice, side, usual
from consultations.models import FormulaPart, Lot, PatchTestPolicy

_TEST = ("method", "volume_ml", "antihistamine_last_on", "steroid_last_on", "saline_control")
_SHARED_TEST = (*_TEST, "histamine_control", "observed_until", "note")
_SHARED_SKIN = ("saline_positive", "saline_wheal_mm", "histamine_wheal_mm", "systemic_sign")
_OWN_SKIN = ("wheal_start_mm", "wheal_end_mm", "flare")


class DecideForm(BaseForm):
    """Why the components are tested one by one."""

    reason = forms.CharField(
        label=_("Why the components are tested"), max_length=1000, widget=forms.Textarea({"rows": "2"})
    )


class FindingForm(BaseForm):
    """The practitioner's words beside what was computed."""

    words = forms.CharField(label=_("Your assessment"), max_length=1000, widget=forms.Textarea({"rows": "3"}))


class ComponentsForm(MinuteForm):
    """One or several components in one visit, each at a place of its own; what is left without a tick was not given."""

    given_at = GiveForm.base_fields["given_at"]
    method = GiveForm.base_fields["method"]
    volume_ml = GiveForm.base_fields["volume_ml"]
    antihistamine_last_on = GiveForm.base_fields["antihistamine_last_on"]
    steroid_last_on = GiveForm.base_fields["steroid_last_on"]
    saline_control = GiveForm.base_fields["saline_control"]
    histamine_control = GiveForm.base_fields["histamine_control"]
    observed_until = GiveForm.base_fields["observed_until"]
    saline_positive = GiveForm.base_fields["saline_positive"]
    saline_wheal_mm = GiveForm.base_fields["saline_wheal_mm"]
    histamine_wheal_mm = GiveForm.base_fields["histamine_wheal_mm"]
    systemic_sign = GiveForm.base_fields["systemic_sign"]
    note = GiveForm.base_fields["note"]

    def __init__(
        self,
        *args: Any,
        parts: list[FormulaPart],
        lots: Mapping[str, list[Lot]],
        policy: PatchTestPolicy,
        at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts
        self._by_key = {str(lot.pk): lot for found in lots.values() for lot in found}
        for number, part in enumerate(parts, start=1):
            self._add_component(part, number, lots.get(part.component.code, []), policy, at)
        self.fields["saline_control"].help_text = control_words(policy)
        self.initial = {**usual(policy, at), **self.initial}

    def _add_component(
        self, part: FormulaPart, number: int, lots: list[Lot], policy: PatchTestPolicy, at: datetime
    ) -> None:
        code = part.component.code
        place = _("%(site)s, place %(number)s") % {"site": policy.site, "number": number}
        choices = [("", _("choose")), *((str(lot.pk), lot_choice(lot, at)) for lot in lots)]
        own: dict[str, forms.Field] = {
            "test": forms.BooleanField(label=_("Tested"), required=False),
            "lot": forms.ChoiceField(
                label=_("Lot"), choices=choices, required=False, initial=choices[1][0] if lots else ""
            ),
            "arm": forms.ChoiceField(label=_("Side"), choices=TestArm, required=False, initial=TestArm.LEFT),
            "site": forms.CharField(label=_("Place"), max_length=100, required=False, initial=place),
            **{name: GiveForm.base_fields[name] for name in _OWN_SKIN},
        }
        for name, field in own.items():
            self.add_field(f"{name}_{code}", field)

    def layout(self) -> Layout:
        """What all share, then each component with its place and its skin."""
        injection = Fieldset(
            _("The injections"),
            "given_at",
            side("method", "volume_ml"),
            side("antihistamine_last_on", "steroid_last_on"),
            "saline_control",
            "histamine_control",
        )
        skin = Fieldset(
            _("The skin after observation"),
            "observed_until",
            "saline_positive",
            side("saline_wheal_mm", "histamine_wheal_mm"),
            "systemic_sign",
            "note",
        )
        return Layout("opened_at", injection, *(self._fieldset(part) for part in self.parts), skin)

    def _fieldset(self, part: FormulaPart) -> Fieldset:
        code = part.component.code
        return Fieldset(
            str(part.component),
            f"test_{code}",
            f"lot_{code}",
            side(f"arm_{code}", f"site_{code}"),
            side(f"wheal_start_mm_{code}", f"wheal_end_mm_{code}"),
            f"flare_{code}",
        )

    def clean(self) -> dict[str, Any]:
        """A component that was tested has its lot, its side and its place."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for part in self.parts:
            code = part.component.code
            for name in ("lot", "arm", "site") if cleaned.get(f"test_{code}") else ():
                if not cleaned.get(f"{name}_{code}") and f"{name}_{code}" not in self.errors:
                    self.add_error(f"{name}_{code}", _("Fill this in for a component that was tested."))
        return cleaned

    @property
    def details(self) -> dict[str, Any]:
        """What all tests share. Only for a valid form."""
        found = {name: self.cleaned_data[name] for name in _SHARED_TEST}
        return found | {"given_at": self.exact("given_at")}

    @property
    def places(self) -> list[Place]:
        """Each component that was tested. Only for a valid form."""
        shared = {name: self.cleaned_data[name] for name in _SHARED_SKIN}
        return [
            Place(
                code,
                self._by_key[self.cleaned_data[f"lot_{code}"]],
                self.cleaned_data[f"arm_{code}"],
                self.cleaned_data[f"site_{code}"],
                shared | {name: self.cleaned_data[f"{name}_{code}"] for name in _OWN_SKIN},
            )
            for code in (part.component.code for part in self.parts)
            if self.cleaned_data[f"test_{code}"]
        ]
