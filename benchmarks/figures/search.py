"""Free starts in process, against a hand-written query with a sweep and against django-appointment's search."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from benchmarks.bench import Bench, say
from benchmarks.measure import Times, clock, in_turn
from clinic import availability
from clinic.enums import HOLDS_TIME
from clinic.intervals import Interval, local_day
from clinic.models import AppointmentType, Practitioner

_MOST, _MOST_QUERIES = 2, 3


def measure(bench: Bench) -> None:
    """One practitioner and a day, one and twelve weeks, everybody and twelve weeks."""
    first, everybody = bench.clinic.practitioners[:1], bench.clinic.practitioners
    _one_day(bench, first)
    _weeks(bench, "1 practitioner", first, bench.clinic.plain)
    words = f"{len(everybody)} practitioners, rooms and devices"
    ratio, queries = _weeks(bench, words, everybody, bench.clinic.gun)
    bench.report.budget(
        f"free starts, {words} × {bench.options.weeks} weeks",
        f"≤ {_MOST}× the floor, ≤ {_MOST_QUERIES} queries",
        f"{ratio:.2f}×, {queries} queries",
        held=ratio <= _MOST and queries <= _MOST_QUERIES,
    )


def _one_day(bench: Bench, who: list[Practitioner]) -> None:
    window = local_day(bench.monday, timezone.get_default_timezone())
    ours = _search(bench, bench.clinic.plain, who, window)
    clocks = [clock(ours), clock(_floor(window, who))]
    peer = bench.peer
    if peer:
        _check_same(ours(), peer.search(bench.monday)[1])
        clocks.append(lambda: peer.search(bench.monday)[0])
    taken = in_turn(*clocks, rounds=bench.options.rounds * 4)
    peers: Times | None = taken[2] if peer else None
    bench.report.times("free starts, 1 practitioner × 1 day", taken[0], floor=taken[1], peer=peers)
    if peers:
        bench.report.times("  django-appointment in process", peers)
        faster = peers.ratio_to(taken[0])
        bench.report.budget(
            "free starts 1 × 1 day in process, against django-appointment",
            "≥ 10× faster",
            f"{faster:.1f}× faster",
            held=faster >= 10,
        )


def _weeks(bench: Bench, name: str, who: list[Practitioner], kind: AppointmentType) -> tuple[float, int]:
    """How many times the floor's time the search takes, and its queries."""
    ours = _search(bench, kind, who, bench.span, limit=20)
    with CaptureQueriesContext(connection) as captured:
        ours()
    queries = len(captured)
    taken = in_turn(clock(ours), clock(_floor(bench.span, who)), rounds=bench.options.rounds)
    words = f"free starts, {name} × {bench.options.weeks} weeks ({queries} queries)"
    bench.report.times(words, taken[0], floor=taken[1])
    return taken[0].ratio_to(taken[1]), queries


def _search(
    bench: Bench, kind: AppointmentType, who: list[Practitioner], window: Interval, limit: int | None = None
) -> Callable[[], list[availability.FreeStart]]:
    """The product's search among these people; one alone works in a room of their own, all share rooms and devices."""
    rooms = bench.clinic.rooms[: len(who)] if len(who) == 1 else bench.clinic.rooms
    return lambda: availability.free_starts(
        type=kind,
        window=window,
        at=bench.at,
        limit=limit,
        practitioners=who,
        rooms=rooms,
        devices=bench.clinic.devices,
    )


def _check_same(ours: list[availability.FreeStart], theirs: list[str]) -> None:
    """Comparing speed makes sense only where the answers are the same.

    Raises:
        RuntimeError: they differ.
    """
    starts = [timezone.localtime(each.starts_at).replace(tzinfo=None).isoformat() for each in ours]
    if starts != theirs:
        raise RuntimeError(f"the two searches disagree: {starts} and {theirs}")
    say(f"both searches find the same {len(starts)} starts of that day")


_BUSY = """
SELECT practitioner_id::text, extract(epoch FROM practitioner_from)::int, extract(epoch FROM practitioner_until)::int,
       room_id::text, device_id::text, extract(epoch FROM room_from)::int, extract(epoch FROM room_until)::int
  FROM clinic_appointment
 WHERE starts_at >= %s AND starts_at < %s AND status = ANY(%s) AND (%s OR practitioner_id = ANY(%s::uuid[]))
"""


def _floor(window: Interval, who: list[Practitioner]) -> Callable[[], dict[str, list[tuple[int, int]]]]:
    """A query and a sweep as one would write them by hand: psycopg2, then gaps. No hours, offsets, grid or absences."""
    first, last = (int(each.timestamp()) for each in (window.starts_at, window.ends_at))
    wanted = _wanted(window, who)

    def sweep() -> dict[str, list[tuple[int, int]]]:
        with connection.connection.cursor() as cursor:
            cursor.execute(_BUSY, wanted)
            rows = cursor.fetchall()
        busy: dict[str, list[tuple[int, int]]] = {}
        for person, since, until, room, device, room_since, room_until in rows:
            busy.setdefault(person, []).append((since, until))
            busy.setdefault(room, []).append((room_since, room_until))
            if device:
                busy.setdefault(device, []).append((room_since, room_until))
        return {key: _gaps(spans, first, last) for key, spans in busy.items()}

    connection.ensure_connection()
    return sweep


def _wanted(window: Interval, who: list[Practitioner]) -> list[Any]:
    earliest: datetime = window.starts_at - timedelta(hours=12)
    everybody = len(who) > 1
    return [earliest, window.ends_at, sorted(HOLDS_TIME), everybody, [str(each.pk) for each in who]]


def _gaps(spans: list[tuple[int, int]], first: int, last: int) -> list[tuple[int, int]]:
    spans.sort()
    free, end = [], first
    for since, until in spans:
        if since > end:
            free.append((end, since))
        if until > end:
            end = until
    if end < last:
        free.append((end, last))
    return free
