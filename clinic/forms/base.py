"""The one base of every form: how forms are laid out, what they refuse, and how they say so.

Forms parse and lay out; they never save. The page writes the form tag (`novalidate`, so that the sentences are ours)
and its csrf token; `{% crispy form %}` writes the rest, with every error listed on top and repeated at its field.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

from crispy_forms.bootstrap import AppendedText
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Field, Layout, LayoutObject
from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils import formats, timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from clinic.errors import DomainError
from clinic.intervals import AmbiguousTime, NonexistentTime, exact_local

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
EARLIEST_BIRTH = date(1900, 1, 1)
# No text here needs them, and PostgreSQL stores no NUL. Marks that turn the direction of what follows, as they come along with
# a copied telephone number, reach beyond the text they stand in: beside it something else would be read.
_INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class DateInput(forms.DateInput):
    """The browser's own date picker; it speaks ISO dates whatever the locale."""

    input_type = "date"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")


class TimeInput(forms.TimeInput):
    """The browser's own time picker, in steps of five minutes."""

    input_type = "time"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"step": "300", **(attrs or {})}, format="%H:%M")


class DayField(forms.DateField):
    """A calendar day between `first` and `last`; a year 9999 is a slip of the keyboard."""

    widget = DateInput

    def __init__(self, *, first: date = FIRST_DAY, last: date = LAST_DAY, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first, self.last = first, last

    def to_python(self, value: Any) -> date | None:
        """The day, or None for an empty optional field."""
        day = super().to_python(value)
        if day is not None and not self.first <= day <= self.last:
            raise ValidationError(
                _("Choose a date between %(first)s and %(last)s."),
                code="date_out_of_range",
                params={"first": _written(self.first), "last": _written(self.last)},
            )
        return day


class ClockField(forms.TimeField):
    """A time on the wall clock."""

    widget = TimeInput


class LocalDateTimeWidget(forms.SplitDateTimeWidget):
    """A day and a time, side by side, each with its own name for screen readers."""

    supports_microseconds = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        widgets = (DateInput({"aria-label": _("Date")}), TimeInput({"aria-label": _("Time")}))
        super(forms.SplitDateTimeWidget, self).__init__(widgets, attrs)


class LocalDateTimeField(forms.SplitDateTimeField):
    """A moment, typed as day and time on the clinic's clock; cleaned to an aware datetime in UTC.

    A time the clocks jump over, or that comes twice, is refused in words: nobody can say which moment is meant.
    """

    widget = LocalDateTimeWidget
    default_error_messages = {
        "invalid_date": _("Enter the date as day, month and year."),
        "invalid_time": _("Enter the time as hours and minutes, like 09:15."),
        "nonexistent": _(
            "On %(day)s the clocks go forward, so %(time)s does not exist. Choose %(next)s or later."
        ),
        "ambiguous": _(
            "On %(day)s the clocks go back, so %(time)s comes twice. Choose a time outside that hour."
        ),
        "out_of_range": _("Choose a date between 2000 and 2100."),
    }

    def compress(self, data_list: list[Any]) -> datetime | None:
        """Day and time to one instant (UTC)."""
        day, at = self._parts(data_list)
        if day is None or at is None:
            return None
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValidationError(self.error_messages["out_of_range"], code="out_of_range")
        return self._instant(datetime.combine(day, at))

    def _parts(self, data_list: list[Any]) -> tuple[date | None, time | None]:
        if not data_list:
            return None, None
        day, at = data_list
        if (day in self.empty_values) != (at in self.empty_values):
            code = "invalid_date" if day in self.empty_values else "invalid_time"
            raise ValidationError(self.error_messages[code], code=code)
        return day or None, None if at in self.empty_values else at

    def _instant(self, naive: datetime) -> datetime:
        zone = timezone.get_default_timezone()
        said = {"day": _written(naive.date()), "time": f"{naive:%H:%M}"}
        try:
            return exact_local(naive, zone)
        except NonexistentTime as gap:
            said["next"] = f"{gap.next_valid.astimezone(zone):%H:%M}"
            raise ValidationError(self.error_messages["nonexistent"], "nonexistent", said) from gap
        except AmbiguousTime as twice:
            raise ValidationError(self.error_messages["ambiguous"], "ambiguous", said) from twice


class MeasureField(forms.DecimalField):
    """A number with its unit, typed with a comma or a point: "0,3" and "0.3" are the same.

    "1,000" is refused: to some it is one, to others a thousand, and a dose must not depend on who reads it.
    """

    widget = forms.TextInput
    default_error_messages = {
        "ambiguous": _("“%(value)s” can be read two ways. Write it without the comma."),
        "invalid": _("Enter a number, like 0.3."),
    }

    def __init__(self, *, unit: str = "", **kwargs: Any) -> None:
        self.unit = unit
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Decimal | None:
        """The number, or None for an empty optional field."""
        if isinstance(value, str) and "," in value:
            value = self._with_point(value.strip())
        return super().to_python(value)

    def prepare_value(self, value: Any) -> Any:
        """A hundred is no 1E+2, which it becomes where noughts behind the point are taken off."""
        return f"{value:f}" if isinstance(value, Decimal) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """A number pad on phones; not type=number, which eats what it does not understand."""
        return {"inputmode": "decimal", "autocomplete": "off"}

    def _with_point(self, value: str) -> str:
        whole, _comma, rest = value.partition(",")
        if len(rest) == 3 and whole.lstrip("+-").strip("0"):
            raise ValidationError(self.error_messages["ambiguous"], code="ambiguous", params={"value": value})
        return f"{whole}.{rest}"


class BaseForm(forms.Form):
    """What every form here has: our layout, our sentences, and no characters that nobody sees."""

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        _teach_our_words(type(self))
        data, self._keys_with_invisible = _without_invisible(data)
        super().__init__(data, *args, **kwargs)

    def add_field(self, name: str, field: forms.Field) -> None:
        """One more field, known only once the form is made; it speaks our words like the declared ones."""
        _speak_our_words(field)
        self.fields[name] = field

    def layout(self) -> Layout:
        """The fields in order; override to group them. Measures get their unit by themselves."""
        return Layout(*self.fields)

    @cached_property
    def helper(self) -> FormHelper:
        """How crispy renders the form."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.layout = self._with_units(self.layout())
        return helper

    def add_domain_error(self, error: DomainError) -> None:
        """Put a refusal next to its field, or on top where it names none of ours."""
        field = error.field if error.field in self.fields else None
        self.add_error(field, ValidationError(str(error.message), code=error.code))

    def full_clean(self) -> None:
        """Everything Django checks, then the characters that were taken out of what was typed."""
        super().full_clean()
        if not self.is_bound:
            return
        for name in self.fields:
            prefix = self.add_prefix(name)
            if any(key == prefix or key.startswith(f"{prefix}_") for key in self._keys_with_invisible):
                self.add_error(name, ValidationError(_TAKEN_OUT, code="null_character"))

    @property
    def error_codes(self) -> set[str]:
        """The codes of all errors, for tests and pages that react to one of them."""
        errors: ErrorDict = self.errors
        return {error.code or "" for each in errors.as_data().values() for error in each}

    def _with_units(self, item: Any) -> Any:
        """The layout, with the unit behind every plainly named measure."""
        if isinstance(item, str):
            unit = getattr(self.fields.get(item), "unit", "")
            return AppendedText(item, unit) if unit else item
        if isinstance(item, LayoutObject) and not isinstance(item, Field | HTML):
            item.fields = [self._with_units(each) for each in item.fields]
        return item


_TAKEN_OUT = _(
    "This contained an invisible character that cannot be stored; it was taken out. Please check the text."
)


@cache
def _teach_our_words(form: type[forms.BaseForm]) -> None:
    """The declared fields, of which each form gets copies: once a class, not once a request."""
    for field in form.base_fields.values():
        _speak_our_words(field)


def _speak_our_words(field: forms.Field) -> None:
    """Replace Django's stock sentences by ours; a sentence written for this one field stays."""
    stock: dict[str, Any] = {}
    for each in reversed(type(field).__mro__):
        if each.__module__.startswith("django."):
            stock.update(vars(each).get("default_error_messages", {}))
    for code, sentence in _sentences(field).items():
        if field.error_messages.get(code) in (None, stock.get(code)):
            field.error_messages[code] = sentence


def _sentences(field: forms.Field) -> dict[str, Any]:
    """Our words for Django's refusals."""
    words: dict[str, Any] = {"required": _("Please fill this in.")}
    if isinstance(field, forms.ChoiceField | forms.ModelChoiceField):
        words["required"] = _("Please choose.")
        # Django repeats what was sent: of a choice that is gone since the page was opened, a key that says nothing.
        words["invalid_choice"] = _("This is not offered, or not any more. Choose again.")
        words["invalid_pk_value"] = words["invalid_choice"]
    if isinstance(field, forms.BooleanField):
        words["required"] = _("Please tick this to go on.")
    if isinstance(field, forms.CharField):
        words["max_length"] = _("Write at most %(limit_value)d characters (these are %(show_value)d).")
    if isinstance(field, forms.DateField):
        words["invalid"] = _("Enter the date as day, month and year.")
    if isinstance(field, forms.TimeField):
        words["invalid"] = _("Enter the time as hours and minutes, like 09:15.")
    if isinstance(field, forms.DecimalField | forms.IntegerField):
        words["min_value"] = _("At least %(limit_value)s.")
        words["max_value"] = _("At most %(limit_value)s.")
    return words


def _without_invisible(data: Mapping[str, Any] | None) -> tuple[Mapping[str, Any] | None, set[str]]:
    """The data with such characters taken out, and the keys that had some."""
    if data is None:
        return None, set()
    lists = (
        data.lists() if isinstance(data, MultiValueDict) else ((key, [value]) for key, value in data.items())
    )
    found = {
        key
        for key, values in lists
        if any(isinstance(value, str) and _INVISIBLE.search(value) for value in values)
    }
    if not found:
        return data, found
    clean = (
        data.copy() if isinstance(data, MultiValueDict) else MultiValueDict({k: [v] for k, v in data.items()})
    )
    for key in found:
        values = [
            _INVISIBLE.sub("", value) if isinstance(value, str) else value for value in clean.getlist(key)
        ]
        clean.setlist(key, values)
    return clean, found


def _written(day: date) -> str:
    """A day in words, as the pages write it."""
    return formats.date_format(day, pgettext("date format", "D j M Y"))
