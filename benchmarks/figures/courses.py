"""Courses of ten: one after the other in process, and many at the same moment on connections of their own."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from statistics import median
from time import perf_counter

from django.db import connection, transaction

from benchmarks.bench import Bench, Place
from benchmarks.measure import clock, in_turn, percentile
from benchmarks.report import Row
from clinic.actions import booking
from clinic.errors import DomainError
from clinic.models import Patient

_SESSIONS = 10
_MOST_MS = 50


def measure(bench: Bench) -> None:
    """First one alone, rolled back each time, then the crowd."""
    alone, *others = _courses(bench, bench.options.courses + 1)
    _alone(bench, alone)
    _together(bench, others)


def _courses(bench: Bench, count: int) -> list[list[booking.Wish]]:
    """Courses of one visit a day, each for a patient of its own; no two want the same place, and every second one
    names its visits backwards."""
    days: dict[object, list[Place]] = {}
    while sum(len(places) >= count for places in days.values()) < _SESSIONS:
        (place,) = bench.take(1)
        days.setdefault(place.starts_at.date(), []).append(place)
    full = [places for places in days.values() if len(places) >= count]
    newcomers = _newcomers(bench, count)
    courses = [
        _wishes(bench, patient, [places[number] for places in full])
        for number, patient in enumerate(newcomers)
    ]
    return [wishes[::-1] if number % 2 else wishes for number, wishes in enumerate(courses)]


def _newcomers(bench: Bench, count: int) -> list[Patient]:
    """Patients without any visit: a place is free for the patient it was drawn for, not for others."""
    return Patient.objects.bulk_create(
        Patient(
            family_name=f"Newcomer {number}",
            birth_date=date(1980, 1, 1),
            created_at=bench.at,
            created_by=bench.clinic.desk,
        )
        for number in range(count)
    )


def _wishes(bench: Bench, patient: Patient, places: list[Place]) -> list[booking.Wish]:
    """One patient's ten visits."""
    people, rooms = bench.clinic.practitioners, bench.clinic.rooms
    return [
        booking.Wish(patient, bench.clinic.plain, people[each.who], rooms[each.who], each.starts_at)
        for each in places
    ]


def _alone(bench: Bench, wishes: list[booking.Wish]) -> None:
    def ours() -> None:
        with transaction.atomic():
            booking.book_many(wishes=wishes, by=bench.clinic.desk, at=bench.at)
            transaction.set_rollback(True)

    taken = in_turn(clock(ours), rounds=bench.options.rounds)
    bench.report.times("a course of 10 in one book_many, in process", taken[0])
    bench.report.budget(
        "booking a course of 10 sessions, in process",
        f"≤ {_MOST_MS} ms",
        f"{taken[0].median_ms:.1f} ms",
        held=taken[0].median_ms <= _MOST_MS,
    )


def _together(bench: Bench, courses: list[list[booking.Wish]]) -> None:
    """The courses want each other's practitioners and rooms in orders of their own, all at the same moment."""
    count = len(courses)
    barrier = threading.Barrier(count)
    before = _deadlocks()

    def book(wishes: list[booking.Wish]) -> tuple[str, float]:
        connection.ensure_connection()
        barrier.wait(timeout=60)
        began = perf_counter()
        try:
            booking.book_many(wishes=wishes, by=bench.clinic.desk, at=bench.at)
            outcome = "booked"
        except DomainError as refusal:
            outcome = refusal.code
        finally:
            taken = perf_counter() - began
            connection.close()
        return outcome, taken

    with ThreadPoolExecutor(count) as crowd:
        found = list(crowd.map(book, courses))
    outcomes, deadlocks = Counter(outcome for outcome, _ in found), _deadlocks() - before
    seconds = [taken for _, taken in found]
    bench.report.add(
        Row(
            f"{count} courses of 10 at the same moment: the slowest {max(seconds) * 1000:.0f}",
            median(seconds) * 1000,
            percentile(seconds, 0.95) * 1000,
            "ms",
        )
    )
    bench.report.budget(
        f"{count} concurrent courses of 10",
        "all booked, 0 deadlocks, 0 5xx",
        f"{dict(outcomes)}, {deadlocks} deadlocks",
        held=outcomes == {"booked": count} and deadlocks == 0,
    )


def _deadlocks() -> int:
    """How often this database has had to break one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])
