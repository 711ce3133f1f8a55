"""The cohort of a course: for each review and score, how many were measured, how many are missing, what it came to."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from clinic.models import User
from consultations.enums import PlanStatus
from consultations.models import Formula, Plan, PlanTemplate, ReviewRule, Scale
from consultations.outcomes import scores
from consultations.outcomes.lines import Line, Mark, lines_of
from consultations.rules import outcomes
from consultations.rules.outcomes import Case, Summary


@dataclass(frozen=True)
class CohortRow:
    """One review and score over the whole cohort. `to_come`: plans whose review is not due yet; they are not missing."""

    when: str
    scale: Scale
    summary: Summary
    to_come: int
    cases: list[tuple[int, Case]]  # by the plan's number within the cohort


@dataclass(frozen=True)
class Arm:
    """Those plans of a course that were given one formula, in whatever version of it."""

    formula: Formula
    members: "list[_Member]"
    sum_up: "Callable[[list[_Member]], list[CohortRow]]"

    @property
    def patients(self) -> int:
        """How many plans."""
        return len(self.members)

    @cached_property
    def rows(self) -> list[CohortRow]:
        """Summed up when asked for: a page shows a few arms of many. No query."""
        return self.sum_up(self.members)


@dataclass(frozen=True)
class Cohort:
    """All plans of a course, in whatever version of its template; `arms`, where it was given with several formulas."""

    template: PlanTemplate
    patients: int
    rows: list[CohortRow]
    arms: list[Arm]
    thresholds: list[Any]
    formulas: dict[int, Formula]  # by the plan's number within the cohort


@dataclass(frozen=True)
class _Member:
    """One plan of the cohort, with its lines and the rules whose review is over or overdue."""

    number: int
    formula: Formula
    lines: list[Line]
    due: frozenset[str]
    is_over: bool
    last_session: object


def courses(user: User) -> list[tuple[PlanTemplate, int]]:
    """The courses that plans were agreed for, with how many plans, by name."""
    codes = _plans(user).values_list("template__code").annotate(plans=Count("pk")).order_by()
    counts = dict(codes)
    templates = PlanTemplate.objects.current().filter(code__in=counts).order_by("name")
    return [(template, counts[template.code]) for template in templates]


def read(
    template: PlanTemplate, *, user: User, on: date, first: date | None = None, last: date | None = None
) -> Cohort:
    """The cohort as it stands on the day; `first` and `last` narrow it to plans agreed between them."""
    plans = _plans(user).filter(template__code=template.code)
    if first:
        plans = plans.filter(created_at__date__gte=first)
    if last:
        plans = plans.filter(created_at__date__lte=last)
    found = list(
        plans.select_related("template", "formula")
        .annotate(total=Count("planned_sessions"))
        .order_by("created_at", "pk")
    )
    taken = scores.read(found)
    members = [_member(number, plan, taken, on=on) for number, plan in enumerate(found, start=1)]
    scales = _scales(template, taken)
    rows = _rows(template, scales, members, taken)
    shown = {row.scale.code for row in rows}
    return Cohort(
        template,
        len(members),
        rows,
        _arms(template, scales, members, taken),
        [each for each in taken.thresholds if each.scale_code in shown and each.is_responder],
        {member.number: member.formula for member in members},
    )


def _scales(template: PlanTemplate, taken: scores.Scores) -> dict[str, Scale]:
    """What the course is measured by, by code."""
    rules = taken.rules.get(template.code, [])
    codes = {code for rule in rules for code in rule.scale_codes} | {template.scale_code}
    return {scale.code: scale for scale in Scale.objects.current().filter(code__in=codes)}


def _rows(
    template: PlanTemplate, scales: dict[str, Scale], members: list[_Member], taken: scores.Scores
) -> list[CohortRow]:
    rows = [
        _at_review(rule, scales[code], members, taken)
        for rule in taken.rules.get(template.code, [])
        for code in rule.scale_codes
        if code in scales
    ]
    if template.scale_code in scales:
        rows.insert(0, _at_last_session(scales[template.scale_code], members, taken))
    return rows


def _arms(
    template: PlanTemplate, scales: dict[str, Scale], members: list[_Member], taken: scores.Scores
) -> list[Arm]:
    """By formula, the one given most often first; none where all were given the same."""
    by_code: dict[str, list[_Member]] = defaultdict(list)
    for member in members:
        by_code[member.formula.code].append(member)
    if len(by_code) < 2:
        return []
    return [
        Arm(arm[-1].formula, arm, lambda members: _rows(template, scales, members, taken))
        for _code, arm in sorted(by_code.items(), key=lambda each: (-len(each[1]), each[0]))
    ]


def _plans(user: User) -> QuerySet[Plan]:
    """Agreed plans whose consultation was not an error."""
    agreed = Plan.objects.visible_to(user).exclude(status=PlanStatus.PROPOSED)
    return agreed.filter(consultation__entered_in_error=None)


def _member(number: int, plan: Plan, taken: scores.Scores, *, on: date) -> _Member:
    total = getattr(plan, "total", 0)
    due = {each.rule.code for each in taken.schedule(plan, total=total) if each.on and each.on < on}
    sessions = taken.sessions[plan.pk]
    over = plan.status in (PlanStatus.STOPPED, PlanStatus.COMPLETED)
    last = sessions[-1].pk if sessions else None
    return _Member(
        number, plan.formula, lines_of(plan, taken), frozenset(due), over and last is not None, last
    )


def _line(member: _Member, scale: Scale) -> Line | None:
    """The member's line on the scale; where it is measured at several places, the first."""
    return next((line for line in member.lines if line.scale.code == scale.code), None)


def _at_review(rule: ReviewRule, scale: Scale, members: list[_Member], taken: scores.Scores) -> CohortRow:
    cases, to_come = [], 0
    for member in members:
        line = _line(member, scale)
        mark = _reviewed(line, rule, taken) if line else None
        if mark is None and rule.code not in member.due:
            to_come += 1
            continue
        # The score that all others are held against has changed from nothing.
        baseline = None if line and mark == line.baseline else _baseline(line)
        cases.append((member.number, Case(baseline, mark.value if mark else None)))
    return _row(str(rule), scale, cases, to_come, taken)


def _at_last_session(scale: Scale, members: list[_Member], taken: scores.Scores) -> CohortRow:
    cases, to_come = [], 0
    for member in members:
        if not member.is_over:
            to_come += 1
            continue
        line = _line(member, scale)
        marks = [mark for mark in line.measured if mark.record == member.last_session] if line else []
        cases.append((member.number, Case(_baseline(line), marks[-1].value if marks else None)))
    return _row(_("At the last session"), scale, cases, to_come, taken)


def _row(
    when: str, scale: Scale, cases: list[tuple[int, Case]], to_come: int, taken: scores.Scores
) -> CohortRow:
    fitting = [each for each in taken.thresholds if each.scale_code == scale.code]
    found = outcomes.summary(scale, fitting, [case for _number, case in cases])
    return CohortRow(when, scale, found, to_come, cases)


def _reviewed(line: Line, rule: ReviewRule, taken: scores.Scores) -> Mark | None:
    """The score at the review that was held for the rule, in whatever version; of several, the latest."""
    held = {each.pk for each in taken.reviews[line.plan.pk] if each.rule and each.rule.code == rule.code}
    found = [mark for mark in line.measured if mark.record in held]
    return found[-1] if found else None


def _baseline(line: Line | None) -> Decimal | None:
    before = line.baseline if line else None
    return before.value if before else None


def sheet(cohort: Cohort) -> Iterator[list[Any]]:
    """One row a case and score, without a name or a number that leads to the patient."""
    yield [
        _("Case"),
        _("Formula"),
        _("When"),
        _("Scale"),
        _("Before"),
        _("Score"),
        _("Change"),
        _("Change, %"),
        _("By points"),
        _("By per cent"),
        _("Responder"),
    ]
    for row in cohort.rows:
        wanted = [each for each in cohort.thresholds if each.scale_code == row.scale.code]
        for number, case in row.cases:
            yield [
                number,
                str(cohort.formulas[number]),
                row.when,
                str(row.scale),
                *_cells(row.scale, wanted, case),
            ]


def _cells(scale: Scale, thresholds: list[Any], case: Case) -> list[Any]:
    before, now = case.baseline, case.current
    moved = outcomes.change(before, now) if before is not None and now is not None else None
    found = outcomes.judged(scale, thresholds, baseline=before, current=now)
    one = found[0] if found else None
    percent = moved.percent if moved else None
    return [
        _plain(before),
        _plain(now),
        _plain(moved.points if moved else None),
        _plain(percent.quantize(Decimal("0.1")) if percent is not None else None),
        _said(one.by_points if one else None),
        _said(one.by_percent if one else None),
        _said(one.is_met if one else None),
    ]


def _plain(number: Decimal | None) -> Decimal | str:
    """A number for a spreadsheet, without zeros behind; empty where it is missing."""
    if number is None:
        return ""
    return number.quantize(Decimal(1)) if number == number.to_integral() else number.normalize()


def _said(answer: bool | None) -> str:
    return "" if answer is None else _("yes") if answer else _("no")
