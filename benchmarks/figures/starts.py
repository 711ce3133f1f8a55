"""Free starts of a practitioner's day over HTTP, signed in, as the pages ask for them."""

from __future__ import annotations

from urllib.parse import urlencode

from benchmarks.bench import Bench
from benchmarks.clients import Answer, Browser
from benchmarks.measure import in_turn
from clinic.models import Patient


def measure(bench: Bench) -> None:
    """The booking panel's fragment against the peer's JSON for one day."""
    patient = Patient.objects.get(pk=bench.take(1)[0].patient.pk)
    query = {
        "what": f"{bench.clinic.plain.code}:",
        "practitioner": bench.clinic.practitioners[0].pk,
        "week": bench.monday,
    }
    ours = Browser(bench.product, bench.sessions[0])
    path = f"/patients/{patient.pk}/book/?{urlencode(query)}"
    clocks = [lambda: _taken(ours.get(path, HX_Request="true"))]
    if bench.peer:
        peer, theirs = bench.peer, Browser(bench.peer.port, bench.peer.sessions[0])
        clocks.append(lambda: _taken(peer.starts_over_http(theirs, bench.monday)))
    taken = in_turn(*clocks, rounds=bench.options.rounds * 4)
    peers = taken[1] if bench.peer else None
    bench.report.times("free starts over HTTP: our panel, 1 practitioner × 7 days", taken[0], peer=peers)
    if peers:
        bench.report.times("  django-appointment over HTTP, 1 × 1 day", peers)
        faster = peers.ratio_to(taken[0])
        bench.report.budget(
            "free starts over HTTP signed in, against django-appointment",
            "≥ 3× faster",
            f"{faster:.1f}× faster",
            held=faster >= 3,
        )


def _taken(answer: Answer) -> float:
    if answer.status != 200:
        raise RuntimeError(f"HTTP {answer.status} instead of free starts: {answer.body[:300]}")
    return answer.seconds
