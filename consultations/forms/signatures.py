"""A signature drawn on screen: strokes of a finger or a pointer, as the page's script writes them."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consultations.models.consent import (
    BOARD_HEIGHT,
    BOARD_WIDTH,
    LONGEST_MILLISECONDS,
    MOST_POINTS,
    MOST_STROKES,
)

FEWEST_POINTS = 4  # fewer are a slip of the finger


class StrokesField(forms.CharField):
    """Lists of [x, y, milliseconds since the first touch], as JSON; nothing drawn is an empty list."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=True, **kwargs)

    def to_python(self, value: Any) -> Any:
        """The strokes.

        Raises:
            ValidationError: not a drawing, too much of one, or only a dot.
        """
        typed = super().to_python(value)
        if not typed:
            return []
        try:
            strokes = json.loads(typed)
        except (ValueError, RecursionError):
            strokes = None
        if not isinstance(strokes, list) or not all(_is_stroke(each) for each in strokes):
            raise ValidationError(
                _(
                    "The drawing did not arrive whole. Clear it and draw it again, or sign with the typed name."
                )
            )
        points = sum(len(stroke) for stroke in strokes)
        if len(strokes) > MOST_STROKES or points > MOST_POINTS:
            raise ValidationError(_("That is too much for a signature. Clear it and draw it again."))
        if strokes and points < FEWEST_POINTS:
            raise ValidationError(_("That is only a dot. Clear it, or draw the whole signature."))
        return strokes


def _is_stroke(stroke: Any) -> bool:
    return isinstance(stroke, list) and bool(stroke) and all(_is_point(point) for point in stroke)


def _is_point(point: Any) -> bool:
    if not isinstance(point, list) or len(point) != 3 or any(type(number) is not int for number in point):
        return False
    across, down, after = point
    return 0 <= across <= BOARD_WIDTH and 0 <= down <= BOARD_HEIGHT and 0 <= after <= LONGEST_MILLISECONDS
