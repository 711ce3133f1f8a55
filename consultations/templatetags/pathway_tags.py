"""What the pathway's templates may ask for beyond clinic_tags."""

from datetime import datetime, time

from django import template
from django.utils import timezone

from clinic.templatetags.clinic_tags import day, when

register = template.Library()


@register.filter
def stroke_path(strokes: list[list[list[int]]]) -> str:
    """The drawn strokes as the path of an SVG; a touch without a movement is a dot."""
    paths = []
    for stroke in strokes:
        points = [f"{across} {down}" for across, down, _after in stroke]
        paths.append("M" + "L".join(points) + ("h0" if len(points) == 1 else ""))
    return "".join(paths)


@register.filter
def when_or_day(value: datetime | None) -> str:
    """Day and time; only the day where the moment stands for a whole day (midnight on the clinic's clock)."""
    if value and timezone.localtime(value).time() == time():
        return day(value)
    return when(value)
