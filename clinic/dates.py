"""Moments in words, on the clinic's clock and in the reader's language."""

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import pgettext


def moment_in_words(moment: datetime) -> str:
    """Day and time as pages and messages write it: Tue 3 Mar 2026, 09:00."""
    return date_format(timezone.localtime(moment), pgettext("date and time format", "D j M Y, H:i"))
