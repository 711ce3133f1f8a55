"""Times of calls in turn (A B A B …), so that a drifting machine slows all alike; the ratio is what is quoted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Call = Callable[[], object]
Clock = Callable[[], float]  # does the work and returns the seconds it took


def percentile(seconds: Sequence[float], share: float) -> float:
    """The smallest of the values that at least `share` of them do not exceed (nearest rank)."""
    if not seconds:
        raise ValueError("no value was measured")
    ordered = sorted(seconds)
    rank = -int(-share * len(ordered) // 1)  # rounded up
    return ordered[min(len(ordered), max(1, rank)) - 1]


@dataclass(frozen=True)
class Times:
    """Seconds of several calls of the same thing."""

    seconds: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """In milliseconds."""
        return median(self.seconds) * 1000

    @property
    def p95_ms(self) -> float:
        """In milliseconds; of few calls it is the slowest."""
        return percentile(self.seconds, 0.95) * 1000

    def ratio_to(self, other: Times) -> float:
        """The median of the ratios of neighbours: the two were measured in turn."""
        return median(a / b for a, b in zip(self.seconds, other.seconds, strict=True))


def timed(call: Call) -> float:
    """Seconds the call took."""
    start = perf_counter()
    call()
    return perf_counter() - start


def clock(call: Call) -> Clock:
    """The call as something that times itself."""
    return lambda: timed(call)


def in_turn(*clocks: Clock, rounds: int) -> list[Times]:
    """Each `rounds` times, one after the other, after a warm-up of each."""
    for each in clocks:
        each()
    taken = [[each() for each in clocks] for _ in range(rounds)]
    return [Times(tuple(column)) for column in zip(*taken, strict=True)]
