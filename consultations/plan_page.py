"""What the plan page says: what was agreed, the test policy in words, every session with its window and state."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.models import Appointment
from consultations.enums import IntervalUnit, PlanStatus, SessionOutcome, TestRequirement
from consultations.lot_queries import every_lot, needed
from consultations.models import PatchTestPolicy, PlannedSession, PlanPhase
from consultations.queries import PlanFacts, in_error, unbooked
from consultations.rules import lots as lots_rules
from consultations.rules import plans, recipes, stock, tested_lots
from consultations.rules.doses import plain
from consultations.rules.tested_lots import Untested


@dataclass(frozen=True, slots=True)
class Row:
    """One session of the plan: its number, when it is due or was given, and its state in a word."""

    number: int
    state: str
    words: str
    earliest: date
    ideal: date
    latest: date
    url: str
    moment: datetime | None = None
    shortage: str = ""  # no lot is in date on its day
    visit: Appointment | None = None


def rows(facts: PlanFacts, *, at: datetime) -> list[Row]:
    """Every session with its window, from what was given and what is booked, and whether the lots last until then."""
    waiting, today = unbooked(facts), timezone.localdate(at)
    first = waiting[0].pk if waiting else None
    windows = plans.windows(facts, on=today)
    short = _shortages(facts, windows, today=today)
    return [_row(facts, each, first, short.get(each.planned.pk, "")) for each in windows]


def _row(facts: PlanFacts, window: plans.Window, first_unbooked: Any, short: str) -> Row:
    planned = window.planned
    url = reverse("consultations:session_of", args=[planned.pk])
    state, words, moment = "todo", _("to be booked"), None
    if window.session:
        state, words, moment = "given", window.session.get_outcome_display(), window.session.started_at
        url = reverse("consultations:session", args=[window.session.pk])
    elif _is_draft(facts, planned):
        state, words = "draft", _("being recorded")
    elif window.visit:
        state, words, moment = "booked", window.visit.get_status_display(), window.visit.starts_at
    elif planned.pk == first_unbooked:
        state, words = "next", _("to book next")
    return Row(
        planned.ordinal,
        state,
        words,
        window.earliest,
        window.ideal,
        window.latest,
        url,
        moment,
        short,
        window.visit,
    )


def shortage(facts: PlanFacts, planned: PlannedSession, *, at: datetime) -> str:
    """What is not on the shelf for this session on its day; empty where there is all, or nothing is injected now."""
    today = timezone.localdate(at)
    return _shortages(facts, plans.windows(facts, on=today), today=today).get(planned.pk, "")


def _shortages(facts: PlanFacts, windows: list[plans.Window], *, today: date) -> dict[UUID, str]:
    """By planned session still to be given. Of a plan in which nothing is injected now, none."""
    if facts.plan.status in (PlanStatus.STOPPED, PlanStatus.COMPLETED):
        return {}
    lots, components = list(every_lot(facts)), needed(facts)
    return {
        each.planned.pk: stock.shortage(
            components[each.planned.pk], lots, today=today, on=_day_of(each, today)
        )
        for each in windows
        if not each.session
    }


def _day_of(window: plans.Window, today: date) -> date:
    """The clinic's day that the session is booked for, or else is best given on."""
    return timezone.localdate(window.visit.starts_at) if window.visit else max(window.ideal, today)


def to_test(facts: PlanFacts, *, at: datetime) -> list[Untested]:
    """Of each component of which every lot that could be used now asks for a new test first, one of them: to be tested
    before a session of the plan."""
    if facts.plan.status != PlanStatus.ACTIVE:
        return []
    whole = facts.of_whole_plan
    tested = tested_lots.tested_lots(whole, at)
    if not tested:
        return []
    fit, _aside = lots_rules.shelf(whole.plan.formula, at=at, allergies=whole.allergies)
    return tested_lots.none_tested(whole, [lot for mine in fit.values() for lot in mine], tested)


def _is_draft(facts: PlanFacts, planned: PlannedSession) -> bool:
    mine = [each for each in facts.sessions if each.planned_id == planned.pk and not in_error(each)]
    return any(not each.is_signed and each.outcome != SessionOutcome.NOT_GIVEN for each in mine)


def agreed(facts: PlanFacts, *, at: datetime) -> list[dict[str, Any]]:
    """Label and value of everything the consultation ended with."""
    plan = facts.plan
    parts = [
        f"{part.component} {plain(part.strength)} {part.component.get_unit_display()}/ml"
        for part in facts.parts
    ]
    phases = [phase_words(phase) for phase in plan.template.phases.all()]
    items = [
        {"label": _("Indication"), "value": plan.indication},
        {"label": _("Technique"), "value": plan.technique},
        {
            "label": _("Formula"),
            "value": plan.formula,
            "note": _("version %(version)s") % {"version": plan.formula.version},
        },
        {"label": _("Contains"), "value": ", ".join(parts)},
        {"label": _("Mix"), "value": recipes.words_of(plan.formula, at=at)},
        {"label": _("Template"), "value": plan.template, "note": ", ".join(phases)},
        {"label": _("Practitioner"), "value": plan.consultation.practitioner},
    ]
    items += formulas_of_sessions(facts)
    if plan.starts_on:
        items.append({"label": _("Wanted start"), "value": plan.starts_on})
    if plan.template.review_after_session:
        words = _("after session %(number)s") % {"number": plan.template.review_after_session}
        items.append({"label": _("Review"), "value": words})
    return items


def formulas_of_sessions(facts: PlanFacts) -> list[dict[str, Any]]:
    """Label and value of every formula but the plan's, with the sessions that are given with it."""
    found: dict[str, list[str]] = {}
    for planned in facts.planned:
        if planned.formula:
            found.setdefault(str(planned.formula), []).append(str(planned.ordinal))
    return [
        {"label": _("Sessions %(numbers)s") % {"numbers": ", ".join(numbers)}, "value": formula}
        for formula, numbers in found.items()
    ]


def phase_words(phase: PlanPhase) -> str:
    """4 sessions, 1 month apart."""
    units = {
        IntervalUnit.DAYS: ngettext("%(count)s day", "%(count)s days", phase.interval),
        IntervalUnit.WEEKS: ngettext("%(count)s week", "%(count)s weeks", phase.interval),
        IntervalUnit.MONTHS: ngettext("%(count)s month", "%(count)s months", phase.interval),
    }
    gap = units[IntervalUnit(phase.unit)] % {"count": phase.interval}
    sessions = ngettext("%(count)s session, %(gap)s apart", "%(count)s sessions, %(gap)s apart", phase.count)
    return sessions % {"count": phase.count, "gap": gap}


def policy_words(policy: PatchTestPolicy) -> list[str]:
    """The test policy as sentences."""
    if policy.requirement == TestRequirement.NOT_REQUIRED:
        return [_("No test injection is required.")]
    first = {
        TestRequirement.REQUIRED: _("A test injection is required."),
        TestRequirement.NOT_AGAIN: _("A test is required for components that have no valid test yet."),
    }[TestRequirement(policy.requirement)]
    return [
        first,
        _("%(method)s, %(volume)s ml, %(site)s; observed for %(minutes)s minutes.")
        % {
            "method": policy.get_method_display().capitalize(),
            "volume": plain(policy.volume_ml),
            "site": policy.site,
            "minutes": policy.observe_minutes,
        },
        _("Read %(low)s to %(high)s hours later, best after %(due)s.")
        % {
            "low": policy.reading_from_hours,
            "high": policy.reading_until_hours,
            "due": policy.reading_due_hours,
        },
        _("First session %(hours)s hours after the test at the earliest; valid for %(months)s months.")
        % {"hours": policy.min_hours_before_session, "months": policy.validity_months},
        *_late_words(policy),
    ]


def _late_words(policy: PatchTestPolicy) -> list[str]:
    if policy.late_reading_from_days is None:
        return []
    sentence = _("May be looked at again on day %(first)s to %(last)s; nothing waits for it.")
    return [sentence % {"first": policy.late_reading_from_days, "last": policy.late_reading_until_days}]
