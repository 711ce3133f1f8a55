"""Many clients, one slot: one wins, the others are told, nobody sees an error."""

from __future__ import annotations

from collections import Counter
from statistics import median

from benchmarks.bench import Bench, Place
from benchmarks.clients import Job, crowd
from benchmarks.measure import percentile
from benchmarks.report import Row
from clinic.models import Patient

_RACES = 3


def measure(bench: Bench) -> None:
    """Each race is for another slot, every client with a patient of their own."""
    clients = bench.options.clients
    seconds: list[float] = []
    outcomes: list[Counter[int]] = []
    for _ in range(_RACES):
        load = crowd(bench.product, bench.sessions, _jobs(bench, clients), clients=clients)
        seconds += load.latencies
        outcomes.append(Counter(load.statuses))
    bench.report.add(
        Row(
            f"{clients} clients, one slot: the slowest answer of {_RACES} races {max(seconds) * 1000:.0f}",
            median(seconds) * 1000,
            percentile(seconds, 0.95) * 1000,
            "ms",
        )
    )
    bench.report.budget(
        f"{clients} clients, one slot",
        f"exactly 1 wins, {clients - 1} get 409, 0 5xx",
        "; ".join(_words(found) for found in outcomes),
        held=all(found == {302: 1, 409: clients - 1} for found in outcomes),
    )


def _jobs(bench: Bench, clients: int) -> list[Job]:
    (slot,) = bench.take(1)
    taken = [slot.patient.pk]
    others = Patient.objects.filter(family_name__startswith="Walker").exclude(pk__in=taken)[: clients - 1]
    return [_job(bench, slot._replace(patient=each)) for each in (slot.patient, *others)]


def _job(bench: Bench, place: Place) -> Job:
    fields = bench.form(place)
    return lambda browser: [browser.post(f"/patients/{place.patient.pk}/book/", fields)]


def _words(found: Counter[int]) -> str:
    return ", ".join(f"{count}× {status}" for status, count in sorted(found.items()))
