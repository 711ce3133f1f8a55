"""What a patient is told after a session: what to leave alone and until when, and at which signs to call."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consultations.models import AftercareRule, AftercareScope, AftercareSheet, RedFlag, Session


@dataclass(frozen=True, slots=True)
class Advice:
    """Something to leave alone until then."""

    what: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """The aftercare sheet: as it would be handed out now, or `is_kept` as it was."""

    advice: tuple[Advice, ...]
    call_if: tuple[str, ...]
    emergencies: tuple[str, ...]
    emergency_number: str = ""
    is_kept: bool = False


def until(rules: Iterable[AftercareRule], *, ended_at: datetime) -> list[Advice]:
    """Until when what is better left alone: the rule's hours after the end, the soonest first, on a whole minute."""
    whole = ended_at.replace(second=0, microsecond=0)
    return sorted(
        (Advice(rule.name, whole + timedelta(hours=rule.hours)) for rule in rules),
        key=lambda each: each.until,
    )


def holds(
    rule: AftercareRule,
    scopes: Mapping[str, Sequence[AftercareScope]],
    *,
    technique_code: str,
    formula_code: str,
    views: Collection[str],
) -> bool:
    """Whether the rule holds after this session: it has no scope, or one whose every named thing fits."""
    mine = scopes.get(rule.code)
    return not mine or any(
        scope.technique_code in ("", technique_code)
        and scope.formula_code in ("", formula_code)
        and (scope.view == "" or scope.view in views)
        for scope in mine
    )


def sheet_of(session: Session, *, views: Collection[str], ended_at: datetime) -> Sheet:
    """The sheet of a session that ended then, in zones of these views; the kept one where it was handed out."""
    kept: AftercareSheet | None = getattr(session, "aftercare_sheet", None)
    if kept is not None:
        return _kept(kept)
    scopes: dict[str, list[AftercareScope]] = {}
    for scope in AftercareScope.objects.current():
        scopes.setdefault(scope.rule_code, []).append(scope)
    names = {"technique_code": session.technique.code, "formula_code": session.formula.code}
    rules = [rule for rule in AftercareRule.objects.current() if holds(rule, scopes, **names, views=views)]
    flags = list(RedFlag.objects.current())
    return Sheet(
        tuple(until(rules, ended_at=ended_at)),
        tuple(flag.name for flag in flags if not flag.is_emergency),
        tuple(flag.name for flag in flags if flag.is_emergency),
    )


def _kept(sheet: AftercareSheet) -> Sheet:
    return Sheet(
        tuple(Advice(what, datetime.fromisoformat(moment)) for what, moment in sheet.advice),
        tuple(sheet.call_if),
        tuple(sheet.emergencies),
        sheet.emergency_number,
        is_kept=True,
    )
