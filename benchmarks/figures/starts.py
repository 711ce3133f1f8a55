"""Free starts of a practitioner's day over HTTP, signed in, as data; and the whole week of the booking panel beside it."""

from __future__ import annotations

from urllib.parse import urlencode

from benchmarks.bench import Bench
from benchmarks.clients import Answer, Browser
from benchmarks.measure import in_turn


def measure(bench: Bench) -> None:
    """Both answer one day of one practitioner as JSON, to somebody who has signed in."""
    code, who = bench.clinic.plain.code, bench.clinic.practitioners[0].pk
    ours = Browser(bench.product, bench.sessions[0])
    day = urlencode({"type": code, "practitioner": who, "day": bench.monday})
    clocks = [lambda: _taken(ours.get(f"/starts/?{day}"))]
    if bench.peer:
        peer, theirs = bench.peer, Browser(bench.peer.port, bench.peer.sessions[0])
        clocks.append(lambda: _taken(peer.starts_over_http(theirs, bench.monday)))
    taken = in_turn(*clocks, rounds=bench.options.rounds * 4)
    peers = taken[1] if bench.peer else None
    bench.report.times("free starts over HTTP, 1 practitioner × 1 day", taken[0], peer=peers)
    if peers:
        bench.report.times("  django-appointment over HTTP, 1 × 1 day", peers)
        faster = peers.ratio_to(taken[0])
        bench.report.budget(
            "free starts over HTTP signed in, against django-appointment",
            "≥ 3× faster",
            f"{faster:.1f}× faster",
            held=faster >= 3,
        )
    patient = bench.take(1)[0].patient.pk
    week = urlencode({"what": f"{code}:", "practitioner": who, "week": bench.monday})
    panel = f"/patients/{patient}/book/?{week}"
    (taken_panel,) = in_turn(lambda: _taken(ours.get(panel, HX_Request="true")), rounds=bench.options.rounds)
    bench.report.times("the booking panel over HTTP, 1 practitioner × 7 days", taken_panel)


def _taken(answer: Answer) -> float:
    if answer.status != 200:
        raise RuntimeError(f"HTTP {answer.status} instead of free starts: {answer.body[:300]}")
    return answer.seconds
