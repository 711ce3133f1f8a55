"""What the booking panel is asked and told: the state of its choices, a typed time, and the place to be booked."""

from datetime import UTC, datetime
from typing import Any

from crispy_forms.layout import Layout
from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clinic.chooser import Part, Slot
from clinic.forms.base import (
    FIRST_DAY,
    LAST_DAY,
    BaseForm,
    ClockField,
    DayField,
    LocalDateTimeField,
    LocalDateTimeWidget,
)
from clinic.rules.booking import LONGEST, SHORTEST


class InstantField(forms.Field):
    """A moment in an address, as ISO 8601 with its offset; cleaned to UTC."""

    def to_python(self, value: Any) -> datetime | None:
        """The moment, or None for an empty optional field."""
        if value in self.empty_values:
            return None
        try:
            moment = parse_datetime(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.utcoffset() is None or not FIRST_DAY <= moment.date() <= LAST_DAY:
            raise ValidationError(_("This time cannot be read. Choose one below."), code="bad_time")
        return moment.astimezone(UTC)


class SlotsField(forms.Field):
    """The chosen place, or the two places of a pair, as `clinic.chooser.Option.value` wrote them."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> list[Slot]:
        """The slots, first visit first; empty where nothing was chosen."""
        if value in self.empty_values:
            return []
        try:
            slots = [Slot.read(text) for text in str(value).split("+")]
        except (ValueError, OverflowError):
            slots = []
        if not 1 <= len(slots) <= 2 or not all(
            FIRST_DAY <= slot.starts_at.date() <= LAST_DAY for slot in slots
        ):
            raise ValidationError(_("Choose one of the times that are offered."), code="bad_choice")
        return slots


class FindPatientForm(BaseForm):
    """Any part of number, name, phone, e-mail or birth date."""

    q = forms.CharField(label=_("Find a patient"), max_length=100, required=False)


class StateForm(BaseForm):
    """The choices made so far. All of them are optional; they stand in addresses, so none is a name."""

    what = forms.CharField(max_length=130, required=False)
    practitioner = forms.UUIDField(required=False)
    week = DayField(required=False)
    days = forms.RegexField(r"^[1-7]{1,7}$", required=False)  # ISO weekdays, one digit each
    part = forms.ChoiceField(choices=[(part.value, part.name) for part in Part], required=False)
    since = ClockField(required=False)
    until = ClockField(required=False)
    minutes = forms.IntegerField(min_value=SHORTEST, max_value=LONGEST, required=False)
    view = forms.ChoiceField(choices=[("next", "next")], required=False)
    after = InstantField(required=False)
    seen = forms.ChoiceField(choices=[("yes", "yes")], required=False)  # what is recorded has been filled in
    starts_at = InstantField(required=False)
    why = DayField(required=False)
    walk_in = forms.UUIDField(required=False)
    alone = forms.ChoiceField(choices=[("yes", "yes")], required=False)
    next = forms.CharField(max_length=300, required=False)

    def clean(self) -> dict[str, Any]:
        """Hours that end before they begin suit nobody: both are as if they were not there."""
        cleaned = super().clean() or self.cleaned_data
        since, until = cleaned.get("since"), cleaned.get("until")
        if since and until and since >= until:
            self.add_error("until", ValidationError(_("The end must come after the start."), code="order"))
            cleaned["since"] = None
        return cleaned

    @property
    def state(self) -> dict[str, Any]:
        """What could be read; what could not is as if it were not there."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or None for name in self.fields}


class TypedTimeForm(BaseForm):
    """A day and a time typed by hand, for what the offered times leave out."""

    moment = LocalDateTimeField(label=_("Another day and time"))

    def layout(self) -> Layout:
        """Day and time side by side."""
        return Layout("moment")


class StartsForm(BaseForm):
    """Whose free starts, of which kind of visit, on which day; all of it stands in the address."""

    type = forms.SlugField(max_length=40)
    practitioner = forms.UUIDField()
    day = DayField()


class BookForm(BaseForm):
    """The place to be booked. `request_id` makes a second submit of the same page harmless."""

    choice = SlotsField(label=_("Time"))
    request_id = forms.UUIDField(widget=forms.HiddenInput)
    note = forms.CharField(label=_("Note for the diary"), max_length=500, required=False)
    hold = forms.ChoiceField(choices=[("yes", "yes")], required=False)
    held_until = LocalDateTimeField(
        label=_("The patient calls back by"), required=False, widget=LocalDateTimeWidget({"form": "booking"})
    )

    def clean_held_until(self) -> datetime | None:
        """Until when the place is only held; None when it is to be booked, whatever stands in the field."""
        if not self.cleaned_data.get("hold"):
            return None
        if not self.cleaned_data["held_until"]:
            raise ValidationError(_("Enter until when the time is held."), code="required")
        return self.cleaned_data["held_until"]


class MoveForm(BaseForm):
    """The place to move to. `both` moves the second visit of a pair along, with a version of its own."""

    choice = SlotsField(label=_("Time"))
    version = forms.IntegerField(min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput)
    pair_version = forms.IntegerField(
        min_value=1, max_value=2_000_000_000, widget=forms.HiddenInput, required=False
    )
    told = forms.BooleanField(
        label=_("The patient has been told"),
        required=False,
        help_text=_("Or asked for it. Left open, the patient comes on the list of those to call."),
    )
