"""What the pathway's templates may ask for beyond clinic_tags."""

from datetime import datetime, time

from django import template
from django.utils import timezone

from clinic.templatetags.clinic_tags import day, when

register = template.Library()


@register.filter
def when_or_day(value: datetime | None) -> str:
    """Day and time; only the day where the moment stands for a whole day (midnight on the clinic's clock)."""
    if value and timezone.localtime(value).time() == time():
        return day(value)
    return when(value)
