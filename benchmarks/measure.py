"""Pairs of calls in turn (A B A B …), so that a drifting machine slows both alike; the ratio is what is quoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Call = Callable[[], object]


@dataclass(frozen=True)
class Ratio:
    """Medians in milliseconds and the median of the pairwise ratios A / B."""

    name: str
    ours_ms: float
    other_ms: float
    ratio: float

    def __str__(self) -> str:
        return f"{self.name:<64} {self.ours_ms:>9.2f} {self.other_ms:>9.2f} {self.ratio:>8.2f}×"


def compare(name: str, ours: Call, other: Call, *, rounds: int = 15) -> Ratio:
    """Time both in turn, after one warm-up of each."""
    ours()
    other()
    pairs = [(_timed(ours), _timed(other)) for _ in range(rounds)]
    return Ratio(
        name,
        median(a for a, _ in pairs) * 1000,
        median(b for _, b in pairs) * 1000,
        median(a / b for a, b in pairs),
    )


def _timed(call: Call) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start
