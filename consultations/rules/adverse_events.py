"""What an adverse event means: for plans, for components, for the time until somebody looks (policy of the clinic)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from clinic.errors import DomainError
from consultations.enums import EventOutcome, PlanEffect, PlanStatus
from consultations.models import AdverseEvent, PathwayPolicy, Plan, ReactionRule
from consultations.queries import PlanFacts, policy_in_force

_STRICTNESS = list(PlanEffect)
# Which plans an effect changes. A plan on hold is held already: it is noted why once more, and it can still be stopped.
CONCERNS = {
    PlanEffect.HOLD: (PlanStatus.ACTIVE, PlanStatus.ON_HOLD),
    PlanEffect.STOP: (PlanStatus.ACTIVE, PlanStatus.ON_HOLD),
}
# What two events are told apart by.
_WRITTEN = (
    "patient",
    "signed_by",
    "reaction",
    "grade",
    "onset_at",
    "ended_at",
    "words",
    "zone",
    "plan",
    "session",
    "patch_test",
    "component_codes",
)


@dataclass(frozen=True)
class Effect:
    """What follows from an event, before it is recorded and after."""

    plan_effect: PlanEffect = PlanEffect.NONE
    is_allergic: bool = False
    is_infectious: bool = False
    is_emergency: bool = False
    closes_components: bool = False
    is_red_flag: bool = False
    in_clusters: bool = False
    review_within: timedelta | None = None
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """The effect of an event and the plans that it changes."""

    effect: Effect
    plans: list[Plan]


def judge(event: AdverseEvent, *, at: datetime) -> Judged:
    """What recording the event does, by the rules in force and the patient's plans as they are.

    Raises:
        DomainError: as check_event.
    """
    rules = list(ReactionRule.objects.current())
    check_event(event, rules, at=at)
    effect = effect_of(event, rules, policy=policy_in_force(at), at=at)
    theirs = Plan.objects.filter(patient_id=event.patient_id).select_related("formula", "indication")
    return Judged(effect, concerned(event, effect, theirs))


def effect_of(
    event: AdverseEvent, rules: Iterable[ReactionRule], *, policy: PathwayPolicy, at: datetime
) -> Effect:
    """The strictest of all rules of the reaction, and of any reaction, that name the grade.

    A red flag is reviewed within the policy's hours and holds plans until then: it may be an infection
    that no culture has shown yet. Clinic to confirm the hold; the source asks for the review only.
    """
    found = [rule for rule in rules if _applies(rule, event)]
    late = any(rule.is_watched for rule in found) and is_red_flag(event, policy=policy, at=at)
    effects = [PlanEffect(rule.plan_effect) for rule in found] + [PlanEffect.HOLD] * late
    hours = [rule.review_within_hours for rule in found if rule.review_within_hours]
    hours += [policy.urgent_review_hours] * late
    return Effect(
        plan_effect=max(effects, key=_STRICTNESS.index, default=PlanEffect.NONE),
        is_allergic=any(rule.is_allergic for rule in found),
        is_infectious=late or any(rule.is_infectious for rule in found),
        is_emergency=any(rule.is_emergency for rule in found),
        closes_components=any(rule.closes_components for rule in found),
        is_red_flag=late,
        in_clusters=any(rule.in_clusters for rule in found),
        review_within=timedelta(hours=min(hours)) if hours else None,
        advice=tuple(rule.advice for rule in found if rule.advice),
    )


def _applies(rule: ReactionRule, event: AdverseEvent) -> bool:
    """The rule is of the reaction, or of any, and names the grade."""
    return rule.reaction_code in ("", event.reaction.code) and rule.grade_from <= event.grade <= rule.grade_to


def is_red_flag(event: AdverseEvent, *, policy: PathwayPolicy, at: datetime) -> bool:
    """A nodule that began late after the session, grows, drains, or lasts too long.

    Days are whole spans of 24 hours: from `late_nodule_days` on after the session began, and after more than
    `nodule_lasts_days` since the onset.
    """
    if event.is_growing or event.is_draining:
        return True
    lasted = (event.ended_at or at) - event.onset_at
    still_there = (
        event.outcome in (EventOutcome.ONGOING, EventOutcome.RECOVERING) or event.ended_at is not None
    )
    if still_there and lasted > timedelta(days=policy.nodule_lasts_days):
        return True
    session = event.session
    return session is not None and event.onset_at - session.started_at >= timedelta(
        days=policy.late_nodule_days
    )


def concerned(event: AdverseEvent, effect: Effect, plans: Iterable[Plan]) -> list[Plan]:
    """The plans that the effect changes, of all plans of the patient.

    The plan that the event followed; for an infection or an emergency, or where nobody knows which plan it was, every
    plan; for an allergic event every plan that shares a suspected component.
    """
    states = CONCERNS.get(effect.plan_effect, ())
    return [plan for plan in plans if plan.status in states and _reaches(event, effect, plan)]


def _reaches(event: AdverseEvent, effect: Effect, plan: Plan) -> bool:
    if event.plan_id is None or event.plan_id == plan.pk or effect.is_infectious or effect.is_emergency:
        return True
    return effect.is_allergic and bool(set(event.component_codes) & set(plan.formula.component_codes))


def check_event(event: AdverseEvent, rules: Iterable[ReactionRule], *, at: datetime) -> None:
    """It has begun, ends after it began, says what happened, follows what it is linked to; the grade can be.

    Raises:
        DomainError: with the field to look at.
    """
    if not event.words.strip():
        raise DomainError(_("Write down what happened."), "words_missing", field="words")
    if event.onset_at > at:
        raise DomainError(_("It has begun already: check the day and time."), "future", field="onset_at")
    if event.ended_at is not None and not event.onset_at <= event.ended_at <= at:
        raise DomainError(
            _("It ended after it began, and not in the future."), "ends_before", field="ended_at"
        )
    if event.session is not None and event.onset_at < event.session.started_at:
        raise DomainError(
            _("It began before this session. Choose an earlier session, or none."),
            "before_session",
            field="onset_at",
        )
    floor = grade_floor(event.reaction.code, rules)
    if not floor <= event.grade <= 5:
        raise DomainError(
            _("%(reaction)s is graded from %(floor)s to 5.") % {"reaction": event.reaction, "floor": floor},
            "grade_floor",
            field="grade",
        )


def check_recorded_once(event: AdverseEvent) -> None:
    """A form that is sent twice is one event: the same person wrote the same words of the same reaction, grade, onset and
    cause. What was called an error is recorded anew; how an event went on is no new one.

    Asked under the patient's lock, so that what was signed a moment ago is seen.

    Raises:
        DomainError: recorded_already.
    """
    same = AdverseEvent.objects.filter(
        supersedes=None, entered_in_error=None, **{name: getattr(event, name) for name in _WRITTEN}
    )
    if same.exists():
        raise DomainError(
            _(
                "This event is on record already, in these words. Follow it up there, or say what is different."
            ),
            "recorded_already",
            field="words",
        )


def grade_floor(reaction_code: str, rules: Iterable[ReactionRule]) -> int:
    """The lowest grade that any rule of the reaction names; 1 where it has none (as anaphylaxis: 3)."""
    return min((rule.grade_from for rule in rules if rule.reaction_code == reaction_code), default=1)


def check_test_since(facts: PlanFacts) -> None:
    """A plan held for an allergic event resumes only after a new test without reaction (policy of the clinic).

    Raises:
        DomainError: new_test_missing.
    """
    if not tested_since(facts):
        raise DomainError(
            _(
                "The plan was put on hold for an allergic reaction. Give a new test injection and read it"
                " without reaction first; then resume."
            ),
            "new_test_missing",
        )


def tested_since(facts: PlanFacts) -> bool:
    """No allergic event holds the plan, or a test given after its onset covers the formula and was read without
    reaction."""
    since = facts.allergic_since
    if since is None:
        return True
    negative = [each for each in facts.negative_readings if each.patch_test.given_at > since]
    return any(_covers(each.patch_test.component_codes, facts.component_codes) for each in negative)


def _covers(tested: Collection[str], wanted: Collection[str]) -> bool:
    return set(wanted) <= set(tested)
