"""Calendar arithmetic in the clinic's own days."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import ngettext

from clinic.gaps import months_later
from consultations.enums import IntervalUnit


def add_months(moment: datetime, months: int) -> datetime:
    """The same clinic time on the same day some calendar months later."""
    local = timezone.localtime(moment, timezone.get_default_timezone())
    day = months_later(local.date(), months)
    return local.replace(year=day.year, month=day.month, day=day.day)


def later(day: date, amount: int, unit: str) -> date:
    """`amount` days, weeks or calendar months after the day."""
    if unit == IntervalUnit.MONTHS:
        return months_later(day, amount)
    return day + timedelta(days=amount * (7 if unit == IntervalUnit.WEEKS else 1))


def start_of_day(day: date) -> datetime:
    """The first moment of the clinic's day."""
    return timezone.make_aware(datetime.combine(day, time()), timezone.get_default_timezone())


def in_words(day: date) -> str:
    """A day as sentences say it: 26 Nov 2026, in the reader's language. Moments are put on the clinic's day."""
    if isinstance(day, datetime):
        day = timezone.localdate(day)
    return date_format(day, "j M Y")


def duration_in_words(hours: int) -> str:
    """So many hours as people say it: whole weeks as weeks, whole days from two on as days, anything else in hours."""
    if hours and hours % 168 == 0:
        return ngettext("%(count)s week", "%(count)s weeks", hours // 168) % {"count": hours // 168}
    if hours > 24 and hours % 24 == 0:
        return ngettext("%(count)s day", "%(count)s days", hours // 24) % {"count": hours // 24}
    return ngettext("%(count)s hour", "%(count)s hours", hours) % {"count": hours}
