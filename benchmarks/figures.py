"""The figures: each against a plain way of doing the same, in one run on one machine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import perf_counter
from uuid import uuid4

from django.db import connection, transaction

from benchmarks import data
from benchmarks.measure import Ratio, compare
from clinic import availability, readiness
from clinic.actions import booking
from clinic.enums import HOLDS_TIME
from clinic.errors import SlotTaken
from clinic.intervals import Interval
from clinic.models import Appointment, Patient

CROWD = 32


def main() -> int:
    """Build the big clinic in a database of its own, measure, drop it."""
    connection.settings_dict["TEST"]["NAME"] = "bench_mesoclinic"
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        print("Building a clinic with 20 practitioners, 20 rooms, 10 devices and 12 weeks …", flush=True)
        with transaction.atomic():
            clinic = data.build()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(f"{Appointment.objects.count()} visits\n")
        print(f"{'what':<64} {'ours ms':>9} {'other ms':>9} {'ratio':>9}")
        for figure in figures(clinic):
            print(figure, flush=True)
        print(f"\n{CROWD} clients, one slot: slowest answer {slowest_of_a_crowd(clinic) * 1000:.0f} ms")
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
    return 0


def figures(clinic: data.BigClinic) -> list[Ratio]:
    """Every pair."""
    return [_search(clinic), _one_day(clinic), _booking(clinic), _course(clinic)]


def _wishes(clinic: data.BigClinic) -> availability.Wishes:
    return {"practitioners": clinic.practitioners, "rooms": clinic.rooms, "devices": clinic.devices}


def _search(clinic: data.BigClinic) -> Ratio:
    start = datetime.combine(data.MONDAY, datetime.min.time(), UTC)
    window = Interval(start, start + timedelta(weeks=data.WEEKS))

    def ours() -> object:
        return availability.free_starts(
            type=clinic.type, window=window, at=data.NOW, limit=20, **_wishes(clinic)
        )

    return compare(
        "free starts, 20 practitioners × 12 weeks, against a plain sweep",
        ours,
        lambda: sweep(window),
        rounds=9,
    )


def sweep(window: Interval) -> dict[object, list[tuple[datetime, datetime]]]:
    """The plain way: read the busy ranges of practitioners and rooms, sort, take the gaps. No hours, no offsets."""
    rows = Appointment.objects.filter(
        status__in=HOLDS_TIME, starts_at__range=(window.starts_at, window.ends_at)
    )
    busy: dict[object, list[tuple[datetime, datetime]]] = {}
    for person, first, last, room, room_first, room_last in rows.values_list(
        "practitioner", "practitioner_from", "practitioner_until", "room", "room_from", "room_until"
    ):
        busy.setdefault(person, []).append((first, last))
        busy.setdefault(room, []).append((room_first, room_last))
    free: dict[object, list[tuple[datetime, datetime]]] = {}
    for resource, spans in busy.items():
        spans.sort()
        end = window.starts_at
        for first, last in spans:
            if first > end:
                free.setdefault(resource, []).append((end, first))
            end = max(end, last)
    return free


def _one_day(clinic: data.BigClinic) -> Ratio:
    start = datetime.combine(data.MONDAY, datetime.min.time(), UTC)
    window = Interval(start, start + timedelta(days=1))
    one = _wishes(clinic)
    one["practitioners"] = clinic.practitioners[:1]

    def ours() -> object:
        return availability.free_starts(type=clinic.type, window=window, at=data.NOW, **one)

    return compare(
        "free starts, 1 practitioner × 1 day, against a plain sweep of that day", ours, lambda: sweep(window)
    )


def _booking(clinic: data.BigClinic) -> Ratio:
    before = readiness.connect(readiness.Pathway())
    start = datetime.combine(data.MONDAY, datetime.min.time(), UTC)
    starts = availability.free_starts(
        type=clinic.type,
        window=Interval(start, start + timedelta(weeks=2)),
        at=data.NOW,
        **_wishes(clinic),
    )
    starts_left, free_patients = iter(starts[::7]), iter(clinic.patients)

    def wish() -> booking.Wish:
        slot = next(starts_left)
        return booking.Wish(
            next(free_patients), clinic.type, slot.practitioner, slot.room, slot.starts_at, slot.device
        )

    def ours() -> None:
        with transaction.atomic():
            booking.book(wish=wish(), by=clinic.desk, at=data.NOW)
            transaction.set_rollback(True)

    def insert() -> None:
        wanted = wish()
        with transaction.atomic():
            row = Appointment(
                patient=wanted.patient,
                type=wanted.type,
                practitioner=wanted.practitioner,
                room=wanted.room,
                device=wanted.device,
                created_by=clinic.desk,
                created_at=data.NOW,
                request_id=uuid4(),
            )
            booking.put(row, wanted.starts_at)
            row.save(force_insert=True)
            transaction.set_rollback(True)

    ratio = compare("booking with locks, rules and history, against one bare insert", ours, insert)
    readiness.connect(before)
    return ratio


def _course(clinic: data.BigClinic) -> Ratio:
    start = datetime.combine(data.MONDAY, datetime.min.time(), UTC)
    patient = clinic.patients[-1]
    wishes = []
    for week in range(10):
        window = Interval(start + timedelta(weeks=week), start + timedelta(weeks=week + 1))
        slot = availability.free_starts(
            type=clinic.type, window=window, at=data.NOW, patient=patient, limit=1, **_wishes(clinic)
        )[0]
        wishes.append(
            booking.Wish(patient, clinic.type, slot.practitioner, slot.room, slot.starts_at, slot.device)
        )

    def ours() -> None:
        with transaction.atomic():
            booking.book_many(wishes=wishes, by=clinic.desk, at=data.NOW)
            transaction.set_rollback(True)

    def one_by_one() -> None:
        with transaction.atomic():
            for wish in wishes:
                booking.book(wish=wish, by=clinic.desk, at=data.NOW)
            transaction.set_rollback(True)

    return compare("a course of 10 in one book_many, against ten single bookings", ours, one_by_one, rounds=7)


def slowest_of_a_crowd(clinic: data.BigClinic) -> float:
    """Seconds until the last of many clients who want the same slot at the same moment has an answer."""
    before = readiness.connect(readiness.Pathway())
    start = datetime.combine(data.MONDAY, datetime.min.time(), UTC)
    window = Interval(start + timedelta(weeks=3), start + timedelta(weeks=4))
    slot = availability.free_starts(type=clinic.type, window=window, at=data.NOW, limit=1, **_wishes(clinic))[
        0
    ]
    barrier = threading.Barrier(CROWD)

    def ask(patient: Patient) -> float:
        connection.ensure_connection()
        barrier.wait(timeout=60)
        began = perf_counter()
        wish = booking.Wish(patient, clinic.type, slot.practitioner, slot.room, slot.starts_at, slot.device)
        try:
            booking.book(wish=wish, by=clinic.desk, at=data.NOW)
        except SlotTaken:
            pass
        finally:
            waited = perf_counter() - began
            connection.close()
        return waited

    with ThreadPoolExecutor(CROWD) as crowd:
        slowest = max(crowd.map(ask, clinic.patients[:CROWD]))
    readiness.connect(before)
    return slowest
