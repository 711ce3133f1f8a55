"""The geometry of a line's drawing, for the template that writes the SVG. Colours and type are the style sheet's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from consultations.enums import Better
from consultations.outcomes.lines import Line, Mark

# In the drawing's own units; at this width a phone shows the figures at their size.
WIDTH, HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 14, 28
_WHOLE_SCALE = (
    20  # a scale of at most so many steps is drawn whole; of a longer one, the part that was measured
)
_AIR = Decimal("0.15")


@dataclass(frozen=True, slots=True)
class Dot:
    """One score; `kind` chooses the shape, `half` is half its size."""

    x: float
    y: float
    kind: str
    half: float = 4

    @property
    def left(self) -> float:
        """Where a square begins."""
        return round(self.x - self.half, 1)

    @property
    def top(self) -> float:
        """Where a square begins."""
        return round(self.y - self.half, 1)

    @property
    def diamond(self) -> str:
        """The corners of a diamond."""
        wide = self.half + 1.5
        corners = ((0, -wide), (wide, 0), (0, wide), (-wide, 0))
        return " ".join(f"{self.x + right:.1f},{self.y + down:.1f}" for right, down in corners)


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing: the band where the patient is a responder, the wanted score, the dots and the line through them."""

    dots: list[Dot]
    path: str
    ticks: list[tuple[float, Decimal]]
    band: tuple[float, float] | None
    target: float | None
    first_at: datetime
    last_at: datetime
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def span(self) -> float:
        """How wide the drawing is between its axes."""
        return self.right - self.left


def plot(line: Line) -> Plot | None:
    """The drawing of a line; None where fewer than two scores were taken."""
    marks = line.measured
    if len(marks) < 2:
        return None
    low, high = _ends(line, marks)

    def y(score: Decimal) -> float:
        share = (score - low) / (high - low)
        return round(HEIGHT - _BOTTOM - float(share) * (HEIGHT - _TOP - _BOTTOM), 1)

    dots = [Dot(x, y(mark.value or Decimal(0)), mark.kind) for x, mark in zip(_xs(marks), marks, strict=True)]
    return Plot(
        dots=dots,
        path=" ".join(f"{dot.x},{dot.y}" for dot in dots),
        ticks=[(y(score), score) for score in _ticks(low, high)],
        band=_band(line, low, high, y),
        target=y(line.target) if line.target is not None and low <= line.target <= high else None,
        first_at=marks[0].at,
        last_at=marks[-1].at,
    )


def _xs(marks: Sequence[Mark]) -> list[float]:
    """By time: weeks without a score show as a gap."""
    first, last = marks[0].at, marks[-1].at
    whole = (last - first).total_seconds() or 1
    wide = WIDTH - _LEFT - _RIGHT - 16
    return [round(_LEFT + 8 + wide * (mark.at - first).total_seconds() / whole, 1) for mark in marks]


def _ends(line: Line, marks: Sequence[Mark]) -> tuple[Decimal, Decimal]:
    """The lowest and the highest score drawn."""
    scale = line.scale
    if scale.maximum - scale.minimum <= _WHOLE_SCALE:
        return scale.minimum, scale.maximum
    shown = [mark.value for mark in marks if mark.value is not None]
    shown += [each for each in (line.limit, line.target) if each is not None]
    low, high = min(shown), max(shown)
    air = max((high - low) * _AIR, scale.step)
    return max(low - air, scale.minimum), min(high + air, scale.maximum)


def _ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """Both ends and the middle."""
    middle = (low + high) / 2
    return [each.quantize(Decimal("0.1")) for each in (low, middle, high)]


def _band(line: Line, low: Decimal, high: Decimal, y: object) -> tuple[float, float] | None:
    """Top and height of the part where the patient is a responder."""
    limit = line.limit
    if limit is None or not callable(y):
        return None
    inside = min(max(limit, low), high)
    best = low if line.scale.better == Better.LOWER else high
    top, bottom = sorted((y(inside), y(best)))
    return (top, round(bottom - top, 1)) if bottom > top else None
