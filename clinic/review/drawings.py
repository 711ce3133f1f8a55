"""The geometry of the review's drawings, for templates that write the SVG. Colours and type are the style sheet's."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS_ABBR

from clinic.review.use import Cell

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 44, 24, 44, 30, 3


@dataclass(frozen=True, slots=True)
class Square:
    """One cell of the heat map; `level` 0 to 5 chooses its colour, `None` is closed."""

    cell: Cell
    url: str
    words: str
    x: int
    y: int
    level: int | None

    @property
    def middle(self) -> tuple[int, int]:
        """Where its number stands."""
        return self.x + (_WIDTH - _GAP) // 2, self.y + (_HEIGHT - _GAP) // 2


@dataclass(frozen=True, slots=True)
class HeatDrawing:
    """Weekdays side by side, hours below each other: it fits a phone."""

    width: int
    height: int
    square_width: int
    square_height: int
    weekdays: list[tuple[str, int]]  # its name, x of its middle
    hours: list[tuple[int, int]]  # hour, y of its middle
    squares: list[Square]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a histogram or a sparkline."""

    x: float
    y: float
    width: float
    height: float
    value: int


def heat(cells: Sequence[Cell], said: Sequence[tuple[str, str]]) -> HeatDrawing:
    """Each cell with its (address, words). The hours between the first and the last cell, so that a lunch break shows as a gap."""
    hours = list(range(cells[0].hour, cells[-1].hour + 1))
    days = range(1, 8) if any(cell.weekday > 5 for cell in cells) else range(1, 6)

    def x(weekday: int) -> int:
        return _LEFT + (weekday - 1) * _WIDTH

    def y(hour: int) -> int:
        return _TOP + (hour - hours[0]) * _HEIGHT

    return HeatDrawing(
        width=_LEFT + len(days) * _WIDTH,
        height=_TOP + len(hours) * _HEIGHT,
        square_width=_WIDTH - _GAP,
        square_height=_HEIGHT - _GAP,
        weekdays=[(str(WEEKDAYS_ABBR[day - 1]), x(day) + (_WIDTH - _GAP) // 2) for day in days],
        hours=[(hour, y(hour) + (_HEIGHT - _GAP) // 2) for hour in hours],
        squares=[
            Square(cell, url, words, x(cell.weekday), y(cell.hour), _level(cell))
            for cell, (url, words) in zip(cells, said, strict=True)
        ],
    )


def bars(values: Sequence[int], *, width: int, height: int, gap: int) -> list[Bar]:
    """One bar a value, scaled to the tallest; a value that is not nought is never invisible."""
    step, most = width / max(len(values), 1), max([*values, 1])
    drawn = []
    for n, value in enumerate(values):
        tall = max(height * value / most, 1.5) if value else 0
        drawn.append(
            Bar(round(n * step, 1), round(height - tall, 1), round(step - gap, 1), round(tall, 1), value)
        )
    return drawn


def _level(cell: Cell) -> int | None:
    """None closed, 0 empty, then by quarters: up to 25, 50, 75, under 100 per cent; 5 is full."""
    if cell.share is None:
        return None
    if cell.share >= 100:
        return 5
    return 0 if not cell.booked else min(cell.share // 25 + 1, 4)
