"""A mark of the days that is different once anything shown has changed. Read only, and cheap: screens ask every ten
seconds."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from clinic import readiness
from clinic.diary.sheet import span_of
from clinic.models import (
    Absence,
    ClosedDay,
    ContactEntry,
    ExtraOpening,
    OutOfService,
    Patient,
    Practitioner,
    WalkIn,
    WorkingHours,
)

# Visits by their versions, summed as hashes: moved in, moved out, changed, run out, and one for another all show.
_VISITS = """
SELECT concat_ws('.', count(*), sum(hashtextextended(id::text, version)))
  FROM clinic_appointment
 WHERE starts_at >= %(from)s AND starts_at < %(until)s AND (held_until IS NULL OR held_until > %(at)s)
"""
# A visit may be ready or not because of another one of its patient's on another day: the test before it, the session
# before it. Those still to come, by whole days, so that no mark changes because an hour has passed.
_BESIDE = """
SELECT concat_ws('.', count(*), sum(hashtextextended(id::text, version)))
  FROM clinic_appointment
 WHERE purpose <> '' AND starts_at >= %(today)s AND patient_id IN (
    SELECT patient_id FROM clinic_appointment
     WHERE starts_at >= %(from)s AND starts_at < %(until)s AND purpose <> ''
 )
"""
# All else by the newest entries of its journal, which the primary key finds at once. The sum of several, not the newest
# alone: a change that was numbered earlier may be committed later.
_NEWEST = "SELECT sum({key}) FROM (SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 32) newest"
_JOURNALS = tuple(
    each.pgh_event_model
    for each in (
        Absence,
        ExtraOpening,
        OutOfService,
        ClosedDay,
        WorkingHours,
        WalkIn,
        ContactEntry,
        Patient,  # the name
        Practitioner,  # takes patients or not
    )
)


def mark_of(days: Sequence[date], *, at: datetime) -> str:
    """The mark of these days; read it before what it stands for, so that no change falls between."""
    window, today = span_of(days), span_of([timezone.localdate(at)])
    parts = [_VISITS, _BESIDE, *map(_newest, (*_JOURNALS, *readiness.pathway().journals()))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(f'({each})' for each in parts)}",
            {"from": window.starts_at, "until": window.ends_at, "at": at, "today": today.starts_at},
        )
        return "-".join(str(each or 0) for each in cursor.fetchone())


def _newest(journal: type[Model]) -> str:
    quote, meta = connection.ops.quote_name, journal._meta
    assert meta.pk is not None
    return _NEWEST.format(key=quote(meta.pk.column), table=quote(meta.db_table))
