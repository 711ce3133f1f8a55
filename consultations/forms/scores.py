"""A score as a field: a choice where the scale names its levels, else a number within its range and on its steps."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clinic.forms.base import MeasureField
from consultations.models import Scale
from consultations.rules import doses

_NOT_TAKEN = _("not taken")


def score_field(scale: Scale, label: Any, taken: Any = None, *, empty: Any = _NOT_TAKEN) -> forms.Field:
    """An optional field; its value is a Decimal on the scale, or None. `taken` is the score on record."""
    if scale.levels:
        steps = [(scale.minimum + index * scale.step, words) for index, words in enumerate(scale.levels)]
        return forms.TypedChoiceField(
            label=label,
            choices=[("", empty), *((doses.plain(value), words) for value, words in steps)],
            coerce=type(scale.minimum),
            empty_value=None,
            required=False,
            initial=doses.plain(taken) if taken is not None else "",
        )
    return MeasureField(
        label=label,
        unit=scale.unit,
        min_value=_tidy(scale.minimum),
        max_value=_tidy(scale.maximum),
        step_size=_tidy(scale.step),
        required=False,
        initial=taken,
        help_text=span(scale),
        error_messages={"step_size": _("Enter a score in steps of %(limit_value)s.")},
    )


def _tidy(number: Decimal) -> Decimal:
    """As the sentences of the field say it: 4, not 4.00."""
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()


def span(scale: Scale) -> str:
    """From where to where the scale runs, in its unit."""
    low, high = doses.plain(scale.minimum), doses.plain(scale.maximum)
    return _("%(low)s to %(high)s %(unit)s") % {"low": low, "high": high, "unit": scale.unit}
