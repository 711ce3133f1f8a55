"""What the contraindication answers mean for an indication, formula and technique."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from clinic.errors import DomainError
from clinic.rules.people import is_minor
from consultations.dates import in_words
from consultations.enums import SUITABLE, Answer, Decision, Outcome, RuleScope
from consultations.models import (
    Consultation,
    ContraindicationAnswer,
    ContraindicationQuestion,
    PathwayPolicy,
    Plan,
    PlanStop,
)
from consultations.queries import in_error

AGE_QUESTION = "age_min"  # asked like the others, but the record knows the answer
_STRICTNESS = [Decision.ASK, Decision.DEFER, Decision.OVERRIDE, Decision.BLOCK]
DAY_MISSING = gettext_lazy(
    "“%(question)s”: enter the day it was or ends, or tick that nobody knows it; the wait then counts from today."
)
_SPECIFICITY = {
    RuleScope.GENERAL: 0,
    RuleScope.GROUP: 1,
    RuleScope.INDICATION: 2,
    RuleScope.TECHNIQUE: 3,
    RuleScope.COMPONENT: 3,
}


@dataclass(frozen=True)
class Intention:
    """What is meant to be done, as far as it is known: the scopes that rules can apply to."""

    indication: str = ""
    group: str = ""
    technique: str = ""
    components: frozenset[str] = frozenset()

    def matches(self, scope: str, code: str) -> bool:
        """Whether a rule of this scope speaks of this intention."""
        return {
            RuleScope.GENERAL: True,
            RuleScope.GROUP: code == self.group,
            RuleScope.INDICATION: code == self.indication,
            RuleScope.TECHNIQUE: code == self.technique,
            RuleScope.COMPONENT: code in self.components,
        }[RuleScope(scope)]


def intention_of(plan: Plan) -> Intention:
    """What an agreed plan does."""
    return Intention(
        indication=plan.indication.code,
        group=plan.indication.group,
        technique=plan.technique.family,
        components=frozenset(plan.formula.component_codes),
    )


def decision_for(question: ContraindicationQuestion, intention: Intention) -> Decision | None:
    """What a yes to the question means here: the most specific rule, of two equally specific ones the stricter.

    A rule for an indication can thereby soften a general one (cancer and lymphoedema). None when no
    rule applies.
    """
    rules = [rule for rule in question.rules.all() if intention.matches(rule.scope, rule.scope_code)]
    if not rules:
        return None
    most = max(
        rules,
        key=lambda rule: (
            _SPECIFICITY[RuleScope(rule.scope)],
            _STRICTNESS.index(Decision(rule.decision)),
        ),
    )
    return Decision(most.decision)


def defer_until(question: ContraindicationQuestion, *, on: date, policy: PathwayPolicy) -> date:
    """The first day on which treatment is possible: the question's own wait in days, or the policy's, from `on`: the day of
    the event, which may still be to come (an antibiotic until the 20th), or today where nobody knows it."""
    return on + timedelta(days=question.defer_days or policy.default_wait_days)


def check_outcome(
    consultation: Consultation,
    answers: Collection[ContraindicationAnswer],
    questions: Iterable[ContraindicationQuestion],
    *,
    proposes_plan: bool,
) -> None:
    """Whether the consultation may be signed with its outcome.

    Raises:
        DomainError: with the field that stands in the way.
    """
    for check in _checks(consultation, answers, questions, proposes_plan=proposes_plan):
        check()


def open_points(
    consultation: Consultation,
    answers: Collection[ContraindicationAnswer],
    questions: Iterable[ContraindicationQuestion],
    *,
    proposes_plan: bool,
) -> list[DomainError]:
    """Everything that stands in the way of the signature, in the order in which check_outcome finds it."""
    found = []
    for check in _checks(consultation, answers, questions, proposes_plan=proposes_plan):
        try:
            check()
        except DomainError as refusal:
            found.append(refusal)
    return found


def _checks(
    consultation: Consultation,
    answers: Collection[ContraindicationAnswer],
    questions: Iterable[ContraindicationQuestion],
    *,
    proposes_plan: bool,
) -> Iterator[Callable[[], None]]:
    yield partial(_check_indication, consultation)
    yield partial(_check_chosen, consultation)
    yield partial(_check_answered, answers, questions)
    for answer in answers:
        if answer.question.code == AGE_QUESTION:
            yield partial(_check_age, consultation, answer)
        yield partial(_check_day_said, answer)
    if not consultation.outcome:
        return
    yield partial(_check_explained, consultation)
    if consultation.outcome in SUITABLE:
        for answer in answers:
            yield partial(_check_not_ruled_out, answer)
        yield partial(_check_discussed, consultation)
    yield partial(_check_plan, consultation, proposes_plan)


def _check_age(consultation: Consultation, answer: ContraindicationAnswer) -> None:
    """The birth date answers this one; a slip of the hand must not turn a minor into an adult."""
    minor = is_minor(consultation.patient, at=consultation.created_at)
    if minor == (answer.answer == Answer.NO):
        raise DomainError(
            _("The patient was born on %(day)s: correct this answer, or the birth date.")
            % {"day": in_words(consultation.patient.birth_date)},
            "age_contradicts",
            field=f"answer_{AGE_QUESTION}",
        )


def _check_day_said(answer: ContraindicationAnswer) -> None:
    """A wait never counts from today unsaid: an antibiotic that ends next week would be forgotten."""
    timed = answer.answer == Answer.YES and answer.decision == Decision.DEFER
    if timed and not answer.event_on and not answer.event_unknown:
        raise DomainError(
            DAY_MISSING % {"question": answer.question.name},
            "event_missing",
            field=f"event_{answer.question.code}",
        )


def _check_indication(consultation: Consultation) -> None:
    if not consultation.indication_id:
        raise DomainError(_("Choose the indication."), "indication_missing", field="indication")


def _check_chosen(consultation: Consultation) -> None:
    if not consultation.outcome:
        raise DomainError(_("Choose the outcome."), "outcome_missing", field="outcome")


def _check_answered(
    answers: Collection[ContraindicationAnswer], questions: Iterable[ContraindicationQuestion]
) -> None:
    answered = {answer.question_id for answer in answers}
    missing = [question for question in questions if question.pk not in answered]
    if missing:
        raise DomainError(
            ngettext(
                "%(count)s question is not answered yet: %(question)s",
                "%(count)s questions are not answered yet, the first: %(question)s",
                len(missing),
            )
            % {"count": len(missing), "question": missing[0].question},
            "questions_open",
            field=f"answer_{missing[0].code}",
        )


def _check_explained(consultation: Consultation) -> None:
    """An outcome other than a plain yes has its reason, a deferral its day."""
    if consultation.outcome != Outcome.ELIGIBLE and not consultation.outcome_reason.strip():
        raise DomainError(
            _("Give the reason or the conditions."),
            "reason_missing",
            field="outcome_reason",
        )
    if consultation.outcome == Outcome.DEFERRED and not consultation.deferred_until:
        raise DomainError(
            _("Say until when the treatment is deferred."),
            "deferred_until",
            field="deferred_until",
        )


def _check_plan(consultation: Consultation, proposes_plan: bool) -> None:
    """A suitable patient gets a plan, and nobody else."""
    if consultation.outcome in SUITABLE and not proposes_plan:
        raise DomainError(
            _("A suitable patient gets a proposed plan: choose technique, formula and template."),
            "plan_missing",
            field="template",
        )
    if consultation.outcome not in SUITABLE and proposes_plan:
        raise DomainError(_("Only a suitable patient gets a plan."), "plan_not_suitable", field="outcome")


def _check_not_ruled_out(answer: ContraindicationAnswer) -> None:
    if answer.answer == Answer.NO:
        return
    field = f"answer_{answer.question.code}"
    if answer.decision == Decision.BLOCK:
        raise DomainError(
            _("“%(question)s” rules treatment out. Choose another outcome.")
            % {"question": answer.question.name},
            "contraindicated",
            field=field,
        )
    if answer.decision == Decision.OVERRIDE and not answer.override_reason.strip():
        raise DomainError(
            _("“%(question)s”: give your reason for going on, or choose another outcome.")
            % {"question": answer.question.name},
            "override_reason_missing",
            field=field,
        )


def _check_discussed(consultation: Consultation) -> None:
    not_discussed = [
        name
        for name in ("technique", "visits", "alternatives", "aftercare", "expectations")
        if not getattr(consultation, f"discussed_{name}")
    ]
    if not_discussed:
        raise DomainError(
            _("Tick what was discussed before you sign; something is open."),
            "not_discussed",
            field=f"discussed_{not_discussed[0]}",
        )


def check_confirmable(consultation: Consultation, *, asked_again: bool) -> None:
    """Only what found the patient suitable can be confirmed, and only by asking again.

    Raises:
        DomainError: what stands in the way.
    """
    if not consultation.is_signed or consultation.outcome not in SUITABLE or in_error(consultation):
        raise DomainError(
            _("Only a signed consultation that found the patient suitable can be confirmed."),
            "not_confirmable",
        )
    if not asked_again:
        raise DomainError(
            _(
                "Ask every question again before you confirm; where an answer has changed, hold a new consultation."
            ),
            "not_asked_again",
            field="asked_again",
        )


def check_liftable(stop: PlanStop, *, reason: str) -> None:
    """A stop is lifted once, with the reason.

    Raises:
        DomainError: what stands in the way.
    """
    if stop.lifted_at is not None:
        raise DomainError(_("This stop has been lifted already."), "lifted_already")
    if not reason.strip():
        raise DomainError(_("Give your reason for going on."), "reason_missing", field="reason")
