"""Scores, changes and lines in words, beside their drawings."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from consultations.enums import Better
from consultations.models import Goal, Scale, ScaleThreshold
from consultations.outcomes.lines import KIND_WORDS, Kind, Line, Row
from consultations.outcomes.plots import Plot, plot
from consultations.rules.doses import plain
from consultations.rules.outcomes import Change, Moments

_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Shown:
    """A line in words beside its drawing."""

    line: Line
    plot: Plot | None
    title: str
    direction: str
    responder: str
    rows: list[dict[str, Any]]
    latest: dict[str, Any] | None
    kinds: list[tuple[Kind, Any]]


def shown(line: Line) -> Shown:
    """What the page shows of a line."""
    rows = [_row(row, line) for row in line.rows]
    kinds = {mark.kind for mark in line.measured}
    measured = [row for row in rows if row["value"] and not row["is_baseline"]]
    return Shown(
        line=line,
        plot=plot(line),
        title=f"{line.scale}, {line.landmark}" if line.landmark else str(line.scale),
        direction=str(Better(line.scale.better).label),
        responder=responder_words(line.responder) if line.responder else "",
        rows=rows,
        latest=measured[-1] if measured else None,
        kinds=[(kind, words) for kind, words in KIND_WORDS.items() if kind in kinds],
    )


def _row(row: Row, line: Line) -> dict[str, Any]:
    mark = row.mark
    routes = {Kind.SESSION: "consultations:session", Kind.REVIEW: "consultations:review"}
    route = routes.get(mark.kind)
    return {
        "at": mark.at,
        "words": mark.words,
        "url": reverse(route, args=[mark.record]) if route and mark.record else "",
        "value": score_words(line.scale, mark.value) if mark.value is not None else "",
        "reason": mark.reason,
        "is_baseline": row.is_baseline,
        "change": change_words(row.change) if row.change else "",
        "verdict": _verdict(row),
        "by": _ways(row),
    }


def score_words(scale: Scale, value: Decimal) -> str:
    """The score with its unit, or with the level's own name."""
    if scale.levels:
        index = int((value - scale.minimum) / scale.step)
        if 0 <= index < len(scale.levels):
            return f"{plain(value)} {scale.levels[index]}"
    return f"{plain(value)} {scale.unit}".strip()


def _verdict(row: Row) -> str:
    if row.is_baseline or not row.judged:
        return ""
    if row.best:
        return str(row.best.threshold)
    said = [each for each in row.judged if each.is_met is not None]
    return _("no change that matters") if said else _("no baseline to judge by")


def _ways(row: Row) -> str:
    """Where the responder threshold looks at points and at per cent, both."""
    for each in row.judged:
        limit = each.threshold
        if limit.is_responder and limit.points is not None and limit.percent is not None:
            said = {"points": _yes_no(each.by_points), "percent": _yes_no(each.by_percent)}
            return _("responder by points: %(points)s, by per cent: %(percent)s") % said
    return ""


def _yes_no(answer: bool | None) -> str:
    return "–" if answer is None else _("yes") if answer else _("no")


def change_words(change: Change) -> str:
    """+13.8 (+48.4 %); without per cent where the baseline was nought."""
    points = signed(change.points)
    return points if change.percent is None else f"{points} ({signed(change.percent)} %)"


def signed(number: Decimal) -> str:
    """With its sign and at most one figure behind the point, in the reader's notation."""
    rounded = number.quantize(_TENTH)
    words = number_format(abs(rounded).normalize() if rounded else Decimal(0))
    return words if not rounded else f"+{words}" if rounded > 0 else f"−{words}"


def responder_words(threshold: ScaleThreshold) -> str:
    """What makes a responder: "better by 2 points or 33 % (much better)"."""
    if threshold.level is not None:
        return _("level %(level)s or better (%(name)s)") % {
            "name": threshold,
            "level": plain(threshold.level),
        }
    ways = []
    if threshold.points is not None:
        one = threshold.points == 1
        words = _("%(points)s point") if one else _("%(points)s points")
        ways.append(words % {"points": plain(threshold.points)})
    if threshold.percent is not None:
        ways.append(f"{plain(threshold.percent)} %")
    said = {"name": threshold, "ways": _(" or ").join(ways)}
    return _("better by %(ways)s (%(name)s)") % said


def goals_in_words(goals: Iterable[Goal]) -> list[dict[str, str]]:
    """Label and value of each goal: the score now and the score wanted."""
    rows = []
    for goal in goals:
        said = []
        if goal.baseline is not None:
            said.append(_("now %(score)s") % {"score": score_words(goal.scale, goal.baseline)})
        if goal.target is not None:
            said.append(_("wanted %(score)s") % {"score": score_words(goal.scale, goal.target)})
        rows.append({"label": str(goal), "value": ", ".join(said)})
    return rows


def moments_words(found: Moments | None) -> str:
    """Mean and deviation: 28.5 (4.2)."""
    if found is None:
        return "–"
    mean = plain(found.mean.quantize(_TENTH))
    return mean if found.deviation is None else f"{mean} ({plain(found.deviation.quantize(_TENTH))})"
