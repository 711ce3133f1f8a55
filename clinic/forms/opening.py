"""What is typed to close and open time."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clinic.enums import AbsenceKind
from clinic.forms.base import FIRST_DAY, LAST_DAY, BaseForm, DayField, LocalDateTimeField
from clinic.intervals import EmptyInterval, Interval, local_day
from clinic.models import Device, Location, Practitioner, Room, User
from clinic.rules import access


class EdgeField(LocalDateTimeField):
    """One edge of a span: a day, and a time where the span does not take in the whole day."""

    def __init__(self, *, last: bool = False, **kwargs: Any) -> None:
        super().__init__(require_all_fields=False, **kwargs)
        self.fields[0].required = self.fields[1].required = False
        self.last = last

    def compress(self, data_list: list[Any]) -> datetime | None:
        """The moment typed; without a time, where the clinic's calendar day begins (or, for the last day, ends)."""
        day, at = data_list or (None, None)
        if day in self.empty_values or at not in self.empty_values:
            return super().compress(data_list)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(self.error_messages["out_of_range"], code="out_of_range")
        whole = local_day(day, timezone.get_default_timezone())
        return whole.ends_at if self.last else whole.starts_at


class SpanForm(BaseForm):
    """Something that begins and ends. `at` is now: what is over already is refused."""

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.at = user, at

    def clean(self) -> dict[str, Any]:
        """End after start, and not all of it in the past; gives `span`."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("starts_at"), cleaned.get("ends_at")
        if start and not end and "ends_at" not in self.errors:
            end = self._end_of_day(start)
        if not (start and end):
            return cleaned
        try:
            cleaned["span"] = Interval(start, end)
        except EmptyInterval:
            same = start == end
            self.add_error("ends_at", _SAME if same else _BACKWARDS)
            return cleaned
        if end <= self.at:
            self.add_error("ends_at", ValidationError(_("This time has passed."), code="past"))
        return cleaned

    def _end_of_day(self, start: datetime) -> datetime:
        zone = timezone.get_default_timezone()
        return local_day(start.astimezone(zone).date(), zone).ends_at


_SAME = ValidationError(_("The end is the same as the start. Choose a later end."), code="zero_length")
_BACKWARDS = ValidationError(
    _("The end comes before the start. Check the dates and times."), code="end_before_start"
)
_WHOLE_DAY = _("Leave the time empty for the whole day.")
_ONE_DAY = _("Leave the time empty for the whole day, and all of it for one day only.")


class AbsenceForm(SpanForm):
    """A practitioner takes no patients."""

    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("Who"), empty_label=_("Choose…")
    )
    kind = forms.ChoiceField(label=_("Why"), choices=AbsenceKind)
    starts_at = EdgeField(label=_("From"), help_text=_WHOLE_DAY)
    ends_at = EdgeField(label=_("Until"), last=True, required=False, help_text=_ONE_DAY)
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_practitioners(self, self.user)


class OutOfServiceForm(SpanForm):
    """A room or a device cannot be used."""

    thing = forms.ChoiceField(label=_("What"))
    starts_at = EdgeField(label=_("From"), help_text=_WHOLE_DAY)
    ends_at = EdgeField(label=_("Until"), last=True, required=False, help_text=_ONE_DAY)
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("For example: out for service."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rooms, devices = list(Room.objects.active()), list(Device.objects.active())
        self._things: dict[str, Room | Device] = {str(each.pk): each for each in (*rooms, *devices)}
        self.fields["thing"].choices = [
            ("", _("Choose…")),
            (_("Rooms"), [(str(each.pk), each.name) for each in rooms]),
            (_("Devices"), [(str(each.pk), each.name) for each in devices]),
        ]

    def clean_thing(self) -> Room | Device:
        """The room or device itself."""
        return self._things[self.cleaned_data["thing"]]


class ExtraOpeningForm(SpanForm):
    """A practitioner takes patients outside the weekly hours, this time once."""

    practitioner = forms.ModelChoiceField(
        Practitioner.objects.none(), label=_("Who"), empty_label=_("Choose…")
    )
    location = forms.ModelChoiceField(Location.objects.none(), label=_("Where"), empty_label=_("Choose…"))
    starts_at = LocalDateTimeField(label=_("From"))
    ends_at = LocalDateTimeField(label=_("Until"))
    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("For example: evening visit agreed by phone.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_practitioners(self, self.user)
        places = Location.objects.active()
        self.fields["location"].queryset = places
        if len(known := list(places[:2])) == 1:
            # With one location the pages do not mention it.
            self.fields["location"].widget = forms.HiddenInput()
            self.fields["location"].initial = known[0]


class ClosedDayForm(BaseForm):
    """The whole clinic is closed on a day."""

    day = DayField(label=_("Day"))
    name = forms.CharField(label=_("Why"), max_length=100, help_text=_("For example: All Saints' Day."))

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def may_change(user: User) -> QuerySet[Practitioner]:
    """Those in use whose time the person may close and open: everybody's, or their own."""
    everybody = Practitioner.objects.active()
    return everybody if access.may_change_opening(user, None) else everybody.filter(user=user)


def prefilled(asked: Mapping[str, str]) -> dict[str, Any]:
    """What a link asks the form to begin with; nonsense is left out."""
    edges = {name: _moment(asked.get(name, "")) for name in ("starts_at", "ends_at")}
    begin = {"practitioner": asked.get("practitioner", ""), "day": _day(asked.get("day", "")), **edges}
    return {name: value for name, value in begin.items() if value}


def _offer_practitioners(form: SpanForm, user: User) -> None:
    field = form.fields["practitioner"]
    field.queryset = may_change(user)
    if not access.may_change_opening(user, None):
        field.initial = field.queryset.first()


def _moment(text: str) -> datetime | None:
    """An ISO date and time; without an offset it is the clinic's clock."""
    for each in (text, text.replace(" ", "+")):  # a "+" in an address means a space
        try:
            moment = datetime.fromisoformat(each)
        except ValueError:
            continue
        if FIRST_DAY <= moment.date() <= LAST_DAY:
            return moment if moment.tzinfo is None else timezone.localtime(moment)
    return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
