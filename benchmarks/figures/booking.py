"""Bookings over HTTP: the product, a view that inserts one row, and django-appointment, batch after batch in turn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from statistics import median

from django.utils import timezone

from benchmarks.bench import Bench, Place, say
from benchmarks.clients import Answer, Browser, Job, Load, crowd
from benchmarks.measure import percentile
from benchmarks.report import Row

_BATCHES = 3
_AT_MOST_FLOOR, _AT_LEAST_PEER = 3, 3


def measure(bench: Bench) -> None:
    """At one client, at half the crowd and at the whole crowd."""
    for clients in sorted({1, max(1, bench.options.clients // 2), bench.options.clients}):
        _at(bench, clients)


def _at(bench: Bench, clients: int) -> None:
    count = max(clients, bench.options.requests // clients * clients)
    kinds: dict[str, Callable[[list[Place]], Load]] = {
        "ours": lambda places: _product(bench, places, clients),
        "floor": lambda places: _floor(bench, places, clients),
    }
    if bench.peer:
        kinds["peer"] = lambda places: _peer(bench, places, clients)
    for run in kinds.values():
        run(bench.take(min(count, 2 * clients)))  # every thread has its connection and its code loaded
    loads: dict[str, list[Load]] = {name: [] for name in kinds}
    for _ in range(_BATCHES):
        places = bench.take(count)
        for name, run in kinds.items():
            loads[name].append(run(places))
    _report(bench, clients, loads)


def _report(bench: Bench, clients: int, loads: dict[str, list[Load]]) -> None:
    for name, found in loads.items():
        _check(name, found)
    seconds = {name: [s for load in found for s in load.latencies] for name, found in loads.items()}
    middle = {name: median(found) for name, found in seconds.items()}
    rate = {name: median(load.per_second for load in found) for name, found in loads.items()}
    label = f"{clients} client{'s' if clients > 1 else ''}"
    for name, words in (
        ("ours", "booking over HTTP"),
        ("floor", "  one-row view"),
        ("peer", "  django-appointment"),
    ):
        if name not in loads:
            continue
        others = name == "ours"
        bench.report.add(
            Row(
                f"{words}, {label}: {rate[name]:.0f} a second",
                middle[name] * 1000,
                percentile(seconds[name], 0.95) * 1000,
                "ms",
                middle["ours"] / middle["floor"] if others else None,
                middle["ours"] / middle["peer"] if others and "peer" in middle else None,
            )
        )
    slower = rate["floor"] / rate["ours"]
    bench.report.budget(
        f"booking over HTTP, {label}, against a view that inserts one row",
        f"≤ {_AT_MOST_FLOOR}×",
        f"{slower:.2f}× (bookings a second), {middle['ours'] / middle['floor']:.2f}× (median answer)",
        held=slower <= _AT_MOST_FLOOR,
    )
    if "peer" in rate:
        faster = rate["ours"] / rate["peer"]
        bench.report.budget(
            f"bookings a second, {label}, against django-appointment",
            f"≥ {_AT_LEAST_PEER}×",
            f"{faster:.1f}×",
            held=faster >= _AT_LEAST_PEER,
        )


def _check(name: str, loads: list[Load]) -> None:
    """Every booking went through, or the times are those of refusals.

    Raises:
        RuntimeError: one did not.
    """
    for load in loads:
        wrong = [answers[-1] for answers in load.jobs if answers[-1].status != 302]
        if wrong:
            say(wrong[0].body[:500])
            raise RuntimeError(f"{name}: {len(wrong)} of {len(load.jobs)} not booked, HTTP {wrong[0].status}")


def _product(bench: Bench, places: list[Place], clients: int) -> Load:
    def job(place: Place) -> Job:
        fields = bench.form(place)
        return lambda browser: [browser.post(f"/patients/{place.patient.pk}/book/", fields)]

    return crowd(bench.product, bench.sessions, map(job, places), clients=clients)


def _floor(bench: Bench, places: list[Place], clients: int) -> Load:
    def job(place: Place) -> Job:
        fields = {
            "patient_id": str(place.patient.pk),
            "type_id": str(bench.clinic.plain.pk),
            "practitioner_id": str(bench.clinic.practitioners[place.who].pk),
            "room_id": str(bench.clinic.rooms[place.who].pk),
            "starts_at": place.starts_at.isoformat(),
        }
        return lambda browser: [browser.post("/insert/", fields)]

    return crowd(bench.floor, bench.floor_sessions, map(job, places), clients=clients)


def _peer(bench: Bench, places: list[Place], clients: int) -> Load:
    peer = bench.peer
    assert peer is not None

    def job(place: Place) -> Job:
        start = timezone.localtime(place.starts_at)
        end = start + timedelta(minutes=30)

        def book(browser: Browser) -> list[Answer]:
            return peer.book(browser, place.who, start.date(), f"{start:%H:%M}", f"{end:%H:%M}")

        return book

    return crowd(peer.port, peer.sessions, map(job, places), clients=clients)
