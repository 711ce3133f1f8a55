"""How a score has changed, whether the change matters, and what a group's scores come to.

Everything is computed from what was measured; a score that is missing is counted as missing and never filled in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, stdev

from consultations.enums import Better
from consultations.models import Scale, ScaleThreshold


@dataclass(frozen=True, slots=True)
class Change:
    """Current less baseline in the scale's own points, and in per cent of the baseline (None where that is nought)."""

    points: Decimal
    percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One threshold against one score: met by points, by per cent, by level. None: not asked, or not to be said."""

    threshold: ScaleThreshold
    by_points: bool | None = None
    by_percent: bool | None = None
    by_level: bool | None = None

    @property
    def is_met(self) -> bool | None:
        """Either way is enough, points or per cent (Salaffi); None where nothing can be said."""
        said = [each for each in (self.by_points, self.by_percent, self.by_level) if each is not None]
        return any(said) if said else None


@dataclass(frozen=True, slots=True)
class Case:
    """One patient of a group: the score before any treatment and the one looked at; None is missing."""

    baseline: Decimal | None
    current: Decimal | None


@dataclass(frozen=True, slots=True)
class Moments:
    """How many scores, their mean, and their standard deviation as a sample (n − 1; None below two)."""

    n: int
    mean: Decimal
    deviation: Decimal | None


@dataclass(frozen=True, slots=True)
class Summary:
    """A group on one scale. `change` is that of the means of those with both scores; `judged` is how many could be."""

    now: Moments | None
    missing: int
    before: Moments | None
    paired: int
    change: Change | None
    responders: int
    judged: int

    @property
    def measured(self) -> int:
        """How many have the score."""
        return self.now.n if self.now else 0

    @property
    def responder_percent(self) -> Decimal | None:
        """Of those who could be judged; None where nobody could."""
        return share(self.responders, self.judged)


def change(baseline: Decimal, current: Decimal) -> Change:
    """Change = current − baseline; per cent = change / baseline, none where the baseline is nought.

    A baseline below nought is taken without its sign, so that the per cent run the same way as the points.
    """
    points = current - baseline
    return Change(points, 100 * points / abs(baseline) if baseline else None)


def is_as_good_as(scale: Scale, score: Decimal, level: Decimal) -> bool:
    """Whether the score is at the level or on its better side."""
    return score <= level if scale.better == Better.LOWER else score >= level


def judged(
    scale: Scale, thresholds: Iterable[ScaleThreshold], *, baseline: Decimal | None, current: Decimal | None
) -> list[Judged]:
    """Every threshold against the score, the smallest change first; improved only in the better direction."""
    found = [_judged(scale, each, baseline, current) for each in thresholds if each.scale_code == scale.code]
    return sorted(found, key=lambda each: each.threshold.position)


def _judged(
    scale: Scale, threshold: ScaleThreshold, baseline: Decimal | None, current: Decimal | None
) -> Judged:
    if current is None:
        return Judged(threshold)
    if threshold.level is not None:
        return Judged(threshold, by_level=is_as_good_as(scale, current, threshold.level))
    if baseline is None:
        return Judged(threshold)
    moved = change(baseline, current)
    sign = -1 if scale.better == Better.LOWER else 1
    points, percent = threshold.points, threshold.percent
    return Judged(
        threshold,
        by_points=None if points is None else sign * moved.points >= points,
        by_percent=None if percent is None or moved.percent is None else sign * moved.percent >= percent,
    )


def best_met(found: Iterable[Judged]) -> Judged | None:
    """The largest change that was reached."""
    return next((each for each in reversed(list(found)) if each.is_met), None)


def responds(
    scale: Scale, thresholds: Iterable[ScaleThreshold], *, baseline: Decimal | None, current: Decimal | None
) -> bool | None:
    """Whether the responder threshold of the scale is met; None without one, or without the scores it needs."""
    wanted = [each for each in thresholds if each.is_responder]
    found = judged(scale, wanted, baseline=baseline, current=current)
    return found[0].is_met if found else None


def reached_at(scale: Scale, threshold: ScaleThreshold, *, baseline: Decimal | None) -> Decimal | None:
    """The score from which the threshold is met, by whichever way is the easier; None without what it needs."""
    if threshold.level is not None:
        return threshold.level
    if baseline is None:
        return None
    steps = [] if threshold.points is None else [threshold.points]
    if threshold.percent is not None and baseline:
        steps.append(abs(baseline) * threshold.percent / 100)
    if not steps:
        return None
    return baseline - min(steps) if scale.better == Better.LOWER else baseline + min(steps)


def summary(scale: Scale, thresholds: Sequence[ScaleThreshold], cases: Iterable[Case]) -> Summary:
    """What the scores of a group come to; those without the score are counted apart and change nothing else."""
    everybody = list(cases)
    measured = [case for case in everybody if case.current is not None]
    pairs = [(case.baseline, case.current) for case in measured if case.baseline is not None]
    before, after = moments(pair[0] for pair in pairs), moments(pair[1] for pair in pairs)
    answers = [responds(scale, thresholds, baseline=case.baseline, current=case.current) for case in measured]
    return Summary(
        now=moments(case.current for case in measured),
        missing=len(everybody) - len(measured),
        before=before,
        paired=len(pairs),
        change=change(before.mean, after.mean) if before and after else None,
        responders=sum(answer is True for answer in answers),
        judged=sum(answer is not None for answer in answers),
    )


def moments(scores: Iterable[Decimal | None]) -> Moments | None:
    """Mean and sample standard deviation of the scores that are there; None where there are none."""
    there = [score for score in scores if score is not None]
    if not there:
        return None
    return Moments(len(there), mean(there), stdev(there) if len(there) > 1 else None)


def share(part: int, whole: int) -> Decimal | None:
    """Per cent; None of nothing."""
    return Decimal(100 * part) / whole if whole else None
