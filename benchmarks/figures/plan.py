"""The dates of a course of ten: found in one search among everybody, all rooms and devices."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks.bench import Bench
from benchmarks.measure import clock, in_turn
from clinic.courses import CourseSearch
from clinic.gaps import DayGap
from clinic.readiness import Step

_SESSIONS, _EVERY = 10, 18  # days: nine gaps are half a year
_MOST_MS = 50


def measure(bench: Bench) -> None:
    """A visit every 18 days, at the least 14 apart; with a device each."""
    gap = DayGap(shortest=14, ideal=_EVERY, slack=9)
    kind, patient = bench.clinic.gun, bench.take(1)[0].patient
    first = Step(kind, "1", "bench:1", earliest=bench.span.starts_at)
    steps = (first, *(Step(kind, str(n), f"bench:{n}", gap) for n in range(2, _SESSIONS + 1)))

    def search() -> None:
        found = CourseSearch(steps, bench.at, {"patient": patient}, {})
        if found.course is None:
            raise RuntimeError("the clinic has no place for a course of ten")

    search()
    with CaptureQueriesContext(connection) as captured:
        search()
    (taken,) = in_turn(clock(search), rounds=bench.options.rounds)
    bench.report.times(f"the ten dates of a course over half a year ({len(captured)} queries)", taken)
    bench.report.budget(
        "finding a course of 10 sessions over 6 months, in process",
        f"≤ {_MOST_MS} ms",
        f"{taken.median_ms:.1f} ms",
        held=taken.median_ms <= _MOST_MS,
    )
