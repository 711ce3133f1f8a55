"""What logs have in common: each entry has its moment, `at`."""

from datetime import date
from typing import Self

from django.db import models
from django.utils import timezone

from clinic.intervals import local_day


class LogQuerySet(models.QuerySet):
    """Entries of a log, narrowed by when."""

    def on_days(self, first: date | None, last: date | None) -> Self:
        """On the clinic's days from `first` to `last`, both included; None leaves that side open."""
        zone, found = timezone.get_default_timezone(), self
        if first:
            found = found.filter(at__gte=local_day(first, zone).starts_at)
        return found.filter(at__lt=local_day(last, zone).ends_at) if last else found
