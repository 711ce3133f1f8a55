"""What a run found: rows for the table and for `--json`, and each budget of the design as held or missed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.measure import Times

_HEAD = f"{'what':<66} {'median':>9} {'p95':>9} {'unit':<10} {'× floor':>8} {'× peer':>8}"


@dataclass(frozen=True)
class Row:
    """One line of the table. A ratio says how many times the floor's (or the peer's) value ours is."""

    name: str
    median: float
    p95: float
    unit: str
    ratio_to_floor: float | None = None
    ratio_to_peer: float | None = None

    def __str__(self) -> str:
        ratios = " ".join(f"{_ratio(each):>8}" for each in (self.ratio_to_floor, self.ratio_to_peer))
        return f"{self.name:<66} {self.median:>9.2f} {self.p95:>9.2f} {self.unit:<10} {ratios}"


@dataclass(frozen=True)
class Budget:
    """A budget and what was measured for it."""

    what: str
    limit: str
    measured: str
    held: bool

    def __str__(self) -> str:
        return f"{'held  ' if self.held else 'MISSED'}  {self.what}: {self.measured} (budget {self.limit})"


@dataclass
class Report:
    """Everything one run has found; what is added is printed at once."""

    rows: list[Row] = field(default_factory=list)
    budgets: list[Budget] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def head(self) -> None:
        """The table's first line."""
        print(_HEAD, flush=True)

    def add(self, row: Row) -> None:
        """One more line."""
        self.rows.append(row)
        print(row, flush=True)

    def times(self, name: str, ours: Times, *, floor: Times | None = None, peer: Times | None = None) -> None:
        """A line of milliseconds."""
        self.add(
            Row(
                name,
                ours.median_ms,
                ours.p95_ms,
                "ms",
                ours.ratio_to(floor) if floor else None,
                ours.ratio_to(peer) if peer else None,
            )
        )

    def budget(self, what: str, limit: str, measured: str, *, held: bool) -> None:
        """A promise, kept or not."""
        self.budgets.append(Budget(what, limit, measured, held))

    def remark(self, text: str) -> None:
        """What the reader of the table has to know, such as a peer that could not be installed."""
        self.remarks.append(text)
        print(f"  note: {text}", flush=True)

    def summary(self) -> str:
        """Every budget with its verdict, then the remarks."""
        lines: Iterable[object] = [*self.budgets, *(f"note    {each}" for each in self.remarks)]
        return "\n".join(str(each) for each in lines)

    def write(self, path: Path) -> None:
        """The rows as a JSON list."""
        path.write_text(json.dumps([asdict(row) for row in self.rows], indent=1, ensure_ascii=False) + "\n")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
