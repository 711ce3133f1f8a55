"""The points of a zone as they were set one by one on the body map."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from consultations.body_map import DRAWINGS
from consultations.models.session import TENTHS, Place

MOST_POINTS = 2000  # of one zone, as its figure of points
_WIDEST, _DEEPEST = 200 * TENTHS, max(drawing.height for drawing in DRAWINGS) * TENTHS
_WRITTEN = re.compile(r"\d{1,4},\d{1,4}(?: \d{1,4},\d{1,4})*", re.ASCII)


class PlacesField(forms.CharField):
    """Places on the drawing in tenths of its units, as the map writes them: "871,1030 902,1044"; none is empty."""

    widget = forms.HiddenInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=True, **kwargs)

    def prepare_value(self, value: Any) -> str:
        """As the map reads them."""
        if value is None or isinstance(value, str):
            return value or ""
        return " ".join(f"{across},{down}" for across, down in value)

    def to_python(self, value: Any) -> Any:
        """The places.

        Raises:
            ValidationError: no places, places beside the drawing, or too many.
        """
        typed = super().to_python(value)
        if not typed:
            return []
        whole = len(typed) <= 10 * MOST_POINTS and _WRITTEN.fullmatch(typed)
        places = [_place(pair) for pair in typed.split(" ")] if whole else []
        if not places or not all(across <= _WIDEST and down <= _DEEPEST for across, down in places):
            raise ValidationError(_("The points on the map did not arrive whole. Set them again."), "places")
        if len(places) > MOST_POINTS:
            raise ValidationError(_("At most 2000 points in one zone."), "places")
        return places


def _place(pair: str) -> Place:
    across, down = pair.split(",")
    return int(across), int(down)
