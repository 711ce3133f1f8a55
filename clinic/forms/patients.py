"""What is typed about patients: a search, a record, a comparison of two."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any
from uuid import UUID

from crispy_forms.layout import Div, Field, Fieldset, Layout
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.enums import ContactChannel, Sex
from clinic.forms.base import EARLIEST_BIRTH, LAST_DAY, BaseForm, ClockField, DayField
from clinic.models import Patient, Practitioner
from clinic.models.opening import Weekday
from clinic.rules.people import is_minor

_IDENTITY = (
    "family_name",
    "given_names",
    "family_name_latin",
    "given_names_latin",
    "birth_date",
    "sex",
    "phone",
    "email",
    "prefers",
    "address",
    "representative_name",
    "representative_relation",
    "representative_phone",
    "suits_weekdays",
    "suits_since",
    "suits_until",
    "usual_practitioner",
    "desk_note",
)
_CHOICES = {"sex", "prefers"}
_LOOK_ALIKES = 20  # more are never shown at once
_phone = RegexValidator(
    r"^[\d\s+().\-/#x]*\d[\d\s+().\-/#x]*$", _("Write the number in digits, like +33 6 12 00 44 71.")
)


class FindForm(BaseForm):
    """Search words and the page of the results."""

    q = forms.CharField(label=_("Find a patient"), max_length=100, required=False)
    page = forms.IntegerField(min_value=1, max_value=500, required=False, widget=forms.HiddenInput)

    def clean_page(self) -> int:
        """The first page unless another is asked for."""
        return self.cleaned_data["page"] or 1


class IdsField(forms.Field):
    """Several public ids, hidden."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> list[UUID]:
        """The ids; a ValidationError for anything else."""
        try:
            return [UUID(each) for each in (value or [])[:_LOOK_ALIKES]]
        except (ValueError, TypeError, AttributeError) as error:
            raise ValidationError(_("These records are unknown."), code="unknown") from error


class Disclosure(Div):
    """A group of fields that opens and closes; `title` is its summary, `note` says when it is needed."""

    template = "clinic/_patient_disclosure.html"

    def __init__(self, *fields: Any, title: Any, note: Any, open: bool, **kwargs: Any) -> None:
        super().__init__(*fields, **kwargs)
        self.title, self.note, self.open = title, note, open


class PatientForm(BaseForm):
    """A patient's record: names, contacts, representative, desk note."""

    family_name = forms.CharField(
        label=_("Family name"),
        max_length=100,
        help_text=_("As the patient writes it. A single name goes here."),
    )
    given_names = forms.CharField(label=_("Given names"), max_length=100, required=False)
    family_name_latin = forms.CharField(
        label=_("Family name in Latin letters"),
        max_length=100,
        required=False,
        help_text=_("Only where the name is written in another script."),
    )
    given_names_latin = forms.CharField(
        label=_("Given names in Latin letters"), max_length=100, required=False
    )
    birth_date = DayField(label=_("Birth date"), first=EARLIEST_BIRTH)
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex, initial=Sex.UNKNOWN)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False, validators=[_phone])
    email = forms.EmailField(label=_("E-mail"), required=False, max_length=254)
    prefers = forms.ChoiceField(label=_("Prefers to be reached by"), choices=ContactChannel)
    address = forms.CharField(
        label=_("Address"), max_length=500, required=False, widget=forms.Textarea({"rows": "2"})
    )
    representative_name = forms.CharField(label=_("Representative"), max_length=200, required=False)
    representative_relation = forms.CharField(
        label=_("Relation to the patient"),
        max_length=100,
        required=False,
        help_text=_("For example: mother."),
    )
    representative_phone = forms.CharField(
        label=_("Representative's phone"), max_length=40, required=False, validators=[_phone]
    )
    suits_weekdays = forms.TypedMultipleChoiceField(
        label=_("Days that suit"),
        choices=Weekday,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: any day."),
    )
    suits_since = ClockField(label=_("Can come from"), required=False)
    suits_until = ClockField(
        label=_("Can come until"),
        required=False,
        help_text=_("Visits begin before this time. Both empty: any time."),
    )
    usual_practitioner = forms.ModelChoiceField(
        Practitioner.objects.active(),
        label=_("Usual practitioner"),
        required=False,
        empty_label=_("Nobody in particular"),
    )
    desk_note = forms.CharField(
        label=_("Desk note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": "2"}),
        help_text=_("For the desk only: nothing clinical belongs here."),
    )
    not_duplicates = IdsField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only a help: without it the server still asks for the representative of a minor when the form is sent.
        self.fields["birth_date"].widget.attrs |= {
            "hx-post": "",
            "hx-trigger": "change",
            "hx-vals": '{"redraw": "1"}',
            "hx-include": "closest form",
            "hx-target": "#representative",
            "hx-select": "#representative",
            "hx-swap": "outerHTML",
        }
        for name in ("phone", "representative_phone"):
            self.fields[name].widget.input_type = "tel"

    def layout(self) -> Layout:
        """Name, contact, representative, desk note."""
        representative = ("representative_name", "representative_relation", "representative_phone")
        return Layout(
            Fieldset(
                _("Name"),
                _pair("family_name", "given_names"),
                _pair("family_name_latin", "given_names_latin"),
                _pair("birth_date", "sex"),
            ),
            Fieldset(_("Contact"), _pair("phone", "email"), _pair("prefers", "address")),
            Disclosure(
                _pair(*representative[:2]),
                _pair(representative[2]),
                title=_("Representative"),
                note=_("needed under 18"),
                open=self._is_minor()
                or any(self[name].value() or name in self.errors for name in representative),
                css_id="representative",
            ),
            Fieldset(
                _("When it suits"),
                Field("suits_weekdays"),
                _pair("suits_since", "suits_until"),
                _pair("usual_practitioner"),
                css_id="suits",
            ),
            Fieldset(_("At the desk"), Field("desk_note")),
        )

    @classmethod
    def of(cls, patient: Patient) -> "PatientForm":
        """The form as it shows the record now."""
        values = {name: getattr(patient, name) for name in _IDENTITY}
        form = cls(initial={**values, "version": patient.version})
        form.fields["usual_practitioner"].queryset |= Practitioner.objects.filter(
            pk=patient.usual_practitioner_id
        )
        return form

    def clean(self) -> dict[str, Any]:
        """Nobody can come between two and one."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("suits_since"), cleaned.get("suits_until")
        if since and until and since >= until:
            self.add_error(
                "suits_until", ValidationError(_("The end must come after the start."), code="order")
            )
        return cleaned

    @property
    def details(self) -> dict[str, Any]:
        """The record's fields, cleaned. Only for a valid form."""
        return {name: self.cleaned_data[name] for name in _IDENTITY}

    @property
    def wants_redrawing(self) -> bool:
        """Whether the page asks how the form looks with this birth date, not for anything to be saved."""
        return "redraw" in self.data

    def redrawn(self) -> "PatientForm":
        """The same form with what was typed, unchecked."""
        typed = {name: self.data.get(name, "") for name in [*_IDENTITY, "version"]}
        days = (
            self.data.getlist("suits_weekdays") if hasattr(self.data, "getlist") else typed["suits_weekdays"]
        )
        return type(self)(initial={**typed, "suits_weekdays": days})

    def _is_minor(self) -> bool:
        try:
            born = self.fields["birth_date"].clean(self["birth_date"].value())
        except ValidationError:
            return False
        return is_minor(Patient(birth_date=born), at=timezone.now())


class PatientEditForm(PatientForm):
    """A record that exists: knows which version the page was opened on."""

    version = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def layout(self) -> Layout:
        """As for a new record, with the version."""
        return Layout(*super().layout().fields, Field("version"))

    def build_on(self, version: int) -> None:
        """From now on the form answers to this version; what was typed stays."""
        self.data = self.data.copy()
        self.data["version"] = str(version)


def facts(patient: Patient) -> list[dict[str, Any]]:
    """The record as names and values, in the order of the form."""
    return [
        {
            "label": PatientForm.base_fields[name].label,
            "value": _shown(patient, name),
        }
        for name in _IDENTITY
    ]


def _shown(patient: Patient, name: str) -> Any:
    """A value as the record writes it in a list."""
    if name in _CHOICES:
        return getattr(patient, f"get_{name}_display")()
    value = getattr(patient, name)
    if name == "suits_weekdays":
        return ", ".join(str(Weekday(day).label) for day in value)
    return f"{value:%H:%M}" if isinstance(value, time) else value


def first_guess(typed: str) -> Mapping[str, Any]:
    """What a search that found nobody says about the new patient: e-mail, birth date, phone or name."""
    text = " ".join(typed.replace("\x00", "").split())[:100]
    if "@" in text:
        return {"email": text}
    if born := _as_date(text):
        return {"birth_date": born}
    if re.fullmatch(r"[\d\s+().\-/]+", text):
        return {"phone": text[:40]}
    family, _separator, given = text.partition(",") if "," in text else text.partition(" ")
    return {"family_name": family.strip(), "given_names": given.strip()}


def _as_date(text: str) -> date | None:
    try:
        return DayField(first=EARLIEST_BIRTH, last=LAST_DAY).clean(text.replace(".", "/"))
    except ValidationError:
        return None


def _pair(*names: str) -> Div:
    """Fields side by side where there is room."""
    return Div(*(Div(Field(name), css_class="col-sm-6") for name in names), css_class="row")
