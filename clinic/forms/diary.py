"""What the diary and the calendar are asked to show, and where a visit was dragged to."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from clinic.forms.appointments import DayForm, VersionForm
from clinic.forms.base import LocalDateTimeField


class Show(StrEnum):
    """How the diary is laid out."""

    DAY = "day"
    ROOMS = "rooms"
    WEEK = "week"
    LIST = "list"


class Colour(StrEnum):
    """What the colours stand for."""

    TYPE = "type"
    STATUS = "status"


class DiaryForm(DayForm):
    """The day, the layout, whose week, and what the colours stand for. What cannot be read is as if it were not there."""

    show = forms.ChoiceField(choices=[(each, each.name) for each in Show], required=False)
    of = forms.CharField(max_length=60, required=False)
    colour = forms.ChoiceField(choices=[(each, each.name) for each in Colour], required=False)

    @property
    def layout_wanted(self) -> Show:
        """A day by practitioner, unless something else was asked for."""
        self.full_clean()
        return Show(self.cleaned_data.get("show") or Show.DAY)

    @property
    def colour_wanted(self) -> Colour:
        """The type's, unless the status's were asked for."""
        self.full_clean()
        return Colour(self.cleaned_data.get("colour") or Colour.TYPE)

    @property
    def lane_wanted(self) -> str:
        """The key of a practitioner, room or device; empty for none."""
        self.full_clean()
        return self.cleaned_data.get("of") or ""


class WallClockField(LocalDateTimeField):
    """A moment as the calendar writes it: day and time on the clinic's clock, without a zone ("2026-03-02T09:15")."""

    widget = forms.TextInput

    def clean(self, value: Any) -> datetime | None:
        """The one instant (UTC); refused where the clocks leave it out or show it twice."""
        if value in self.empty_values:
            return super().clean(["", ""])
        try:
            naive = parse_datetime(str(value))
        except ValueError:
            naive = None
        if naive is None or naive.tzinfo is not None:
            raise forms.ValidationError(self.error_messages["invalid_time"], code="invalid_time")
        return self.compress([naive.date(), naive.time()])


class DragForm(VersionForm):
    """Where a visit was dropped: the patient's start, whose column, and how long it is now."""

    starts_at = WallClockField(label=_("Time"))
    lane = forms.CharField(max_length=60, required=False)
    minutes = forms.IntegerField(
        label=_("Minutes"),
        min_value=1,
        max_value=720,
        required=False,
        error_messages={
            "min_value": _("A visit takes at least one minute."),
            "max_value": _("A visit takes at most twelve hours."),
        },
    )


class FreePlaceForm(forms.Form):
    """The free place that was clicked."""

    starts_at = WallClockField()
    lane = forms.CharField(max_length=60, required=False)
