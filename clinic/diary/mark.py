"""A mark of the days that is different once anything shown has changed. Read only, and cheap: screens ask every ten
seconds."""

from collections.abc import Sequence
from datetime import date, datetime

from django.db import connection

from clinic.diary.sheet import span_of

# Visits by their versions, summed as hashes: moved in, moved out, changed, run out, and one for another all show. Opening time,
# walk-ins and who has been told by the last entry of their history, which the primary key finds at once.
_MARK = """
SELECT (SELECT concat_ws('.', count(*), sum(hashtextextended(id::text, version)))
          FROM clinic_appointment
         WHERE starts_at >= %(from)s AND starts_at < %(until)s
           AND (held_until IS NULL OR held_until > %(at)s)),
       (SELECT max(pgh_id) FROM clinic_absenceevent), (SELECT max(pgh_id) FROM clinic_extraopeningevent),
       (SELECT max(pgh_id) FROM clinic_outofserviceevent), (SELECT max(pgh_id) FROM clinic_closeddayevent),
       (SELECT max(pgh_id) FROM clinic_workinghoursevent), (SELECT max(pgh_id) FROM clinic_walkinevent),
       (SELECT max(pgh_id) FROM clinic_contactentryevent)
"""


def mark_of(days: Sequence[date], *, at: datetime) -> str:
    """The mark of these days; read it before what it stands for, so that no change falls between."""
    window = span_of(days)
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"from": window.starts_at, "until": window.ends_at, "at": at})
        return "-".join(str(each or 0) for each in cursor.fetchone())
