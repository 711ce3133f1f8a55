"""Writes down whose record was read, and stops who reads more of them than a person can: a machine that walks all patients.

Reading is written down anyway, so counting costs no page another statement: the row is written by the statement that looks how
many patients it would be. Two that are sent at once may both be the last one; more than there are processes never get past it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import Reading
from clinic.errors import TooMuch
from clinic.models import Patient, RecordOpened, User

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Opened, or handed out whole; not printed once more, and not the lists with names in them that are exported.
_COUNTS = Q(kind=Reading.OPENED) | ~Q(reason="")
_NOTE = """
    WITH lately AS (
        SELECT patient_id, max(at) AS last FROM clinic_recordopened
        WHERE user_id = %(user)s AND at > %(day_ago)s AND at <= %(at)s AND (kind = %(opened)s OR reason <> '')
            AND (emergency_id IS NOT NULL) = (%(emergency)s::uuid IS NOT NULL)
        GROUP BY patient_id
    ), pace AS (
        SELECT count(*) FILTER (WHERE last > %(hour_ago)s) AS in_an_hour, count(*) AS in_a_day,
            COALESCE(bool_or(patient_id = %(patient)s), false) AS is_known
        FROM lately
    ), judged AS (
        SELECT is_known, is_known OR (in_an_hour < %(an_hour)s AND in_a_day < %(a_day)s) AS may FROM pace
    ), noted AS (
        INSERT INTO clinic_recordopened (at, user_id, patient_id, page, kind, case_file_id, emergency_id, reason)
        SELECT %(at)s, %(user)s, %(patient)s, %(page)s, %(kind)s, %(case_file)s, %(emergency)s, %(reason)s
        FROM judged WHERE may AND NOT (is_known AND %(only_new)s)
    )
    SELECT may FROM judged
"""


def note_opened(
    *,
    patient: Patient,
    page: str,
    by: User,
    at: datetime,
    case_file: UUID | None = None,
    emergency: UUID | None = None,
    only_new: bool = False,
) -> None:
    """Write down who opened whose record, which page, and for which case or emergency; never what it said.

    `only_new`: not where this person has opened this record within a day; for what is asked for beside a page, or sent to it.
    Of patients whose record was opened within a day there is never one too many.

    Raises:
        TooMuch: this would be one patient more than the limits let through.
    """
    said = {
        "page": page,
        "kind": Reading.OPENED,
        "case_file": case_file,
        "emergency": emergency,
        "reason": "",
    }
    _note(patient, by, at, said | {"only_new": only_new})


def note_printed(
    *,
    patient: Patient,
    page: str,
    by: User,
    at: datetime,
    case_file: UUID | None = None,
    emergency: UUID | None = None,
) -> None:
    """Write down that a page that was opened is being printed."""
    RecordOpened.objects.create(
        patient=patient,
        page=page,
        user=by,
        at=at,
        kind=Reading.PRINTED,
        case_file_id=case_file,
        emergency_id=emergency,
    )


def note_handed_out(*, patient: Patient, page: str, by: User, at: datetime, reason: str) -> None:
    """Write down whose whole record became a file, for whom and why.

    Raises:
        TooMuch: see note_opened, with which it is counted.
    """
    said = {"page": page, "kind": Reading.EXPORTED, "case_file": None, "emergency": None, "reason": reason}
    _note(patient, by, at, said | {"only_new": False})


def note_exported(*, patients: Iterable[Patient], page: str, by: User, at: datetime) -> None:
    """Write down whose names went into a file, in one insert however many they are."""
    RecordOpened.objects.bulk_create(
        RecordOpened(patient=patient, page=page, user=by, at=at, kind=Reading.EXPORTED)
        for patient in patients
    )


def _note(patient: Patient, by: User, at: datetime, said: dict[str, Any]) -> None:
    limits = {"an_hour": settings.RECORDS_AN_HOUR, "a_day": settings.RECORDS_A_DAY}
    times: dict[str, Any] = {"opened": Reading.OPENED, "at": at, "hour_ago": at - _HOUR, "day_ago": at - _DAY}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, {"patient": patient.pk, "user": by.pk, **said, **limits, **times})
        (may,) = cursor.fetchone()
    if not may:
        raise _too_much(by, at, is_emergency=said["emergency"] is not None)


def _too_much(by: User, at: datetime, *, is_emergency: bool) -> TooMuch:
    """With when the next one opens: once the oldest of so many patients is so long ago."""
    opens_at = max(_open_again(by, at, is_emergency), default=at + _HOUR)
    sentence = _(
        "You have opened the records of so many patients that it looks like a machine. Those you opened within a day still open,"
        " others from %(time)s on. It was written down; an admin sees it."
    )
    return TooMuch(
        sentence % {"time": moment_in_words(opens_at)},
        "too_many_records",
        seconds=int((opens_at - at).total_seconds()) + 1,
    )


def _open_again(by: User, at: datetime, is_emergency: bool) -> Iterator[datetime]:
    rows = RecordOpened.objects.filter(_COUNTS, user=by, emergency__isnull=not is_emergency).order_by()
    for window, most in ((_HOUR, settings.RECORDS_AN_HOUR), (_DAY, settings.RECORDS_A_DAY)):
        lately = rows.filter(at__gt=at - window, at__lte=at).values("patient").annotate(last=Max("at"))
        for last in lately.order_by("-last").values_list("last", flat=True)[max(most - 1, 0) : max(most, 1)]:
            yield last + window
