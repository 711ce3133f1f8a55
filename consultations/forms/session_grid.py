"""A session's rows with the points that a grid puts on each zone, filled in from area and spacing."""

from decimal import Decimal

from django.http import QueryDict

from consultations.forms.zones import ZoneRows
from consultations.rules.techniques import room_for


def points_from_grid(typed: QueryDict, rows: ZoneRows, spacing_mm: Decimal | None) -> QueryDict | None:
    """What the browser would send had somebody counted the grid in every row with an area; None where there is nothing
    to count from. Rows without an area stay as they are typed, and so do those with points set one by one on the map."""
    data, is_counted = typed.copy(), False
    for form in rows.forms:
        form.is_valid()  # of a row that is not whole yet the area is read all the same
        area = form.cleaned_data.get("area_cm2")
        if area and spacing_mm and not form.cleaned_data.get("places"):
            data[form.add_prefix("points")] = str(room_for(area, spacing_mm))
            is_counted = True
    return data if is_counted else None
