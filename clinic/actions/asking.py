"""Counts what an account asks for, and stops who asks for more than a person can: a machine that walks the lists, or fills them.

Writing down every page would cost each a statement. A process counts in its memory and tells the table, which all of them read,
once in a twentieth of what an hour allows; near the limit each time. So nobody is stopped by old numbers, and each further
process lets through a twentieth more at most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from clinic.dates import moment_in_words
from clinic.enums import Pace
from clinic.errors import TooMuch
from clinic.models import Asked, User
from clinic.models.asked import SLOT_SECONDS, SLOTS

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# What a page asks for by itself, every ten seconds: of so many pages that are open all day.
_OPEN_PAGES = 10
# How often in what an hour allows a process tells the others.
_TELLS = 20
_COUNT = """
    WITH lately AS (
        SELECT COALESCE(sum(number) FILTER (WHERE at > %(hour_ago)s), 0) + %(answered)s AS in_an_hour,
            COALESCE(sum(number), 0) + %(answered)s AS in_a_day
        FROM clinic_asked WHERE user_id = %(user)s AND kind = %(kind)s AND at > %(day_ago)s AND at <= %(at)s
    ), judged AS (
        SELECT *, (in_an_hour < %(an_hour)s AND in_a_day < %(a_day)s)::int AS may FROM lately
    ), kept AS (
        INSERT INTO clinic_asked AS asked (user_id, kind, slot, at, number)
        SELECT %(user)s, %(kind)s, %(slot)s, %(slot_at)s, %(answered)s + may FROM judged WHERE %(answered)s + may > 0
        ON CONFLICT (user_id, kind, slot) DO UPDATE SET at = excluded.at,
            number = excluded.number + CASE WHEN asked.at = excluded.at THEN asked.number ELSE 0 END
    )
    SELECT in_an_hour + may, in_a_day + may, may = 1 FROM judged
"""


@dataclass(slots=True)
class _Known:
    """What this process knows of one account: what the table said last, and what was answered since and stands in no table."""

    in_an_hour: int = 0
    in_a_day: int = 0
    untold: int = 0


_known: dict[tuple[UUID, Pace], _Known] = {}
_lock = Lock()


def note(*, kind: Pace, by: User, at: datetime) -> None:
    """One more of what this account asks for.

    Raises:
        TooMuch: it is more than the limits let through; it is not counted then.
    """
    an_hour, a_day = _limits(kind)
    with _lock:
        known = _known.setdefault((by.pk, kind), _Known())
        is_near = known.in_an_hour + known.untold >= an_hour or known.in_a_day + known.untold >= a_day
        if not is_near and known.untold + 1 < an_hour // _TELLS:
            known.untold += 1
            return
        answered, known.untold = known.untold, 0
    in_an_hour, in_a_day, may = _told(kind, by, at, answered)
    with _lock:
        known.in_an_hour, known.in_a_day = in_an_hour, in_a_day
    if not may:
        raise _too_much(kind, by, at)


def _limits(kind: Pace) -> tuple[int, int]:
    """In an hour, and in a day."""
    if kind is Pace.ENTRIES:
        return settings.ENTRIES_AN_HOUR, settings.ENTRIES_A_DAY
    times = _OPEN_PAGES if kind is Pace.BY_ITSELF else 1
    return settings.PAGES_AN_HOUR * times, settings.PAGES_A_DAY * times


def _told(kind: Pace, by: User, at: datetime, answered: int) -> tuple[int, int, bool]:
    """Tells the table what was answered and asks whether one more is; in one statement. How much it is now in an hour and a day."""
    an_hour, a_day = _limits(kind)
    number = int(at.timestamp()) // SLOT_SECONDS
    said: dict[str, Any] = {
        "user": by.pk,
        "kind": kind,
        "answered": answered,
        "an_hour": an_hour,
        "a_day": a_day,
    }
    times = {"at": at, "hour_ago": at - _HOUR, "day_ago": at - _DAY}
    slot = {"slot": number % SLOTS, "slot_at": datetime.fromtimestamp(number * SLOT_SECONDS, UTC)}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, said | times | slot)
        in_an_hour, in_a_day, may = cursor.fetchone()
    return int(in_an_hour), int(in_a_day), may


def _too_much(kind: Pace, by: User, at: datetime) -> TooMuch:
    opens_at = max(_open_again(kind, by, at), default=at + _HOUR)
    if kind is Pace.ENTRIES:
        sentence, code = (
            _(
                "You have made so many entries that it looks like a machine. This one was not saved: go back and send it again from"
                " %(time)s on. It was written down; an admin sees it."
            ),
            "too_many_entries",
        )
    else:
        sentence, code = (
            _(
                "You have asked for so many pages that it looks like a machine. The next one opens from %(time)s on. It was written"
                " down; an admin sees it."
            ),
            "too_many_pages",
        )
    seconds = int((opens_at - at).total_seconds()) + 1
    return TooMuch(sentence % {"time": moment_in_words(opens_at)}, code, seconds=seconds)


def _open_again(kind: Pace, by: User, at: datetime) -> Iterator[datetime]:
    """Once so much of the window is so long ago that less than the limit is left in it; for the hour and the day."""
    for window, most in zip((_HOUR, _DAY), _limits(kind), strict=True):
        rows = Asked.objects.filter(user=by, kind=kind, at__gt=at - window, at__lte=at).order_by("-at")
        total = 0
        for asked_at, number in rows.values_list("at", "number"):
            total += number
            if total >= most:
                yield asked_at + window
                break
