"""The pre-treatment consultation: begun, saved, taken over, signed with its proposed plan."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import Appointment, Patient, User
from clinic.rules.people import is_minor
from consultations.actions import leaflets, plans
from consultations.actions.plans import Proposal
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import SUITABLE, Answer, Decision, HandoutWay
from consultations.models import (
    Consultation,
    ContraindicationAnswer,
    ContraindicationQuestion,
    DiscussedRisk,
    EvidenceDiscussed,
    Goal,
    PathwayPolicy,
    Plan,
    ReactionType,
    Scale,
)
from consultations.queries import policy_in_force
from consultations.rules import authorship, suitability


@dataclass(frozen=True)
class Reply:
    """One answered contraindication question, as the form read it."""

    question: ContraindicationQuestion
    answer: Answer
    override_reason: str = ""
    event_on: date | None = None
    event_unknown: bool = False
    defer_until: date | None = None
    note: str = ""


@dataclass(frozen=True)
class Aim:
    """One goal as the form read it: a score now, the score wanted, or both, where it is measured."""

    scale: Scale
    landmark: str = ""
    baseline: Decimal | None = None
    target: Decimal | None = None


@explained
def begin(*, patient: Patient, appointment: Appointment | None, by: User, at: datetime) -> Consultation:
    """Start a draft, attached to the visit in progress if there is one.

    Raises:
        NotAllowed: only practitioners.
        DomainError: the visit belongs to somebody else.
    """
    practitioner = authorship.check_may_record(by)
    if appointment and appointment.patient_id != patient.pk:
        raise DomainError(_("This visit belongs to a different patient."), "other_patient")
    return Consultation.objects.create(
        patient=patient,
        practitioner=practitioner,
        appointment=appointment,
        created_at=at,
    )


@explained
def save(
    *,
    consultation: Consultation,
    details: Mapping[str, Any],
    replies: Sequence[Reply],
    risks: Collection[ReactionType],
    proposal: Proposal | None,
    aims: Collection[Aim] = (),
    version: int | None,
    by: User,
    at: datetime,
) -> Consultation:
    """Save the draft with what has been filled in so far, the proposed plan among it.

    Raises:
        NotAllowed, Stale, DomainError: not one's own draft, saved elsewhere, already signed.
    """
    hold_still(consultation.patient_id)
    row = Consultation.objects.select_related("practitioner", "indication").get(pk=consultation.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    for name, value in details.items():
        setattr(row, name, value)
    row.version += 1
    row.clean_fields(exclude=["patient", "practitioner", "appointment"])
    row.save()
    _replace_answers(row, replies, proposal, at=at)
    DiscussedRisk.objects.filter(consultation=row).delete()
    DiscussedRisk.objects.bulk_create([DiscussedRisk(consultation=row, reaction=risk) for risk in risks])
    _replace_goals(row, aims)
    _keep_evidence(row, proposal)
    if proposal and row.indication_id:
        plans.propose(consultation=row, proposal=proposal, by=by, at=at)
    else:
        plans.drop_proposal(consultation=row)
    return row


@explained
def sign(
    *,
    consultation: Consultation,
    proposal: Proposal | None,
    version: int | None,
    by: User,
    at: datetime,
) -> Consultation:
    """Sign; a suitable patient's plan becomes active with its planned sessions.

    Raises:
        DomainError: something is open; the message names it, the field says where.
    """
    hold_still(consultation.patient_id)
    row = Consultation.objects.select_related("practitioner", "indication").get(pk=consultation.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    answers = _judged(row, proposal, at=at)
    questions = list(ContraindicationQuestion.objects.current())
    suitability.check_outcome(row, answers, questions, proposes_plan=proposal is not None)
    risks = list(DiscussedRisk.objects.filter(consultation=row))
    for refusal in _not_explained(row, risks):
        raise refusal
    plan = plans.propose(consultation=row, proposal=proposal, by=by, at=at) if proposal else None
    if plan is None:
        plans.drop_proposal(consultation=row)
    told = (
        _keep_evidence(row, proposal)
        if proposal
        else list(EvidenceDiscussed.objects.filter(consultation=row))
    )
    _give_leaflet(row, plan, by=by, at=at)
    row.signed_at, row.signed_by = at, by
    row.content_hash = content_hash(row, answers, risks, row.scored_goals.all(), *([told] if told else []))
    row.version += 1
    row.save()
    if plan:
        plans.activate(plan=plan, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def intention(consultation: Consultation, proposal: Proposal | None) -> suitability.Intention:
    """The scopes that the contraindication rules are judged by."""
    indication = consultation.indication
    return suitability.Intention(
        indication=indication.code if indication else "",
        group=indication.group if indication else "",
        technique=proposal.technique.family if proposal else "",
        components=frozenset(proposal.formula.component_codes) if proposal else frozenset(),
    )


def _replace_answers(
    row: Consultation,
    replies: Sequence[Reply],
    proposal: Proposal | None,
    *,
    at: datetime,
) -> None:
    meant, policy = intention(row, proposal), policy_in_force(at)
    answers = []
    for reply in replies:
        answer = ContraindicationAnswer(
            consultation=row,
            question=reply.question,
            answer=reply.answer,
            override_reason=reply.override_reason,
            event_on=None if reply.answer == Answer.NO else reply.event_on,
            event_unknown=reply.event_unknown and reply.answer != Answer.NO,
            note=reply.note,
        )
        _judge(answer, meant, wanted=reply.defer_until, policy=policy, at=at)
        answers.append(answer)
    row.answers.all().delete()
    ContraindicationAnswer.objects.bulk_create(answers)


def _keep_evidence(row: Consultation, proposal: Proposal | None) -> list[EvidenceDiscussed]:
    """What trials found, in the very words and versions that are ticked as talked about."""
    EvidenceDiscussed.objects.filter(consultation=row).delete()
    if not row.discussed_expectations or row.indication is None:
        return []
    formula = proposal.formula if proposal else None
    kept = EvidenceDiscussed(
        consultation=row,
        indication_version=row.indication.version,
        indication_words=row.indication.evidence,
        formula_name=formula.name if formula else "",
        formula_version=formula.version if formula else None,
        formula_words=formula.evidence if formula else "",
    )
    kept.save(force_insert=True)
    return [kept]


def _give_leaflet(row: Consultation, plan: Plan | None, *, by: User, at: datetime) -> None:
    """The leaflet that was given goes on record with its version, to the patient or who represents them."""
    if row.leaflet is None:
        return
    leaflets.hand_out(
        leaflet=row.leaflet,
        patient=row.patient,
        plan=plan,
        consultation=row,
        way=HandoutWay.PAPER,
        handed_to=(is_minor(row.patient, at=at) and row.patient.representative_name) or row.patient.name,
        by=by,
        at=at,
    )


def _replace_goals(row: Consultation, aims: Iterable[Aim]) -> None:
    row.scored_goals.all().delete()
    Goal.objects.bulk_create(
        Goal(
            consultation=row,
            scale=aim.scale,
            landmark=aim.landmark,
            baseline=aim.baseline,
            target=aim.target,
        )
        for aim in aims
    )


def _judge(
    answer: ContraindicationAnswer,
    meant: suitability.Intention,
    *,
    wanted: date | None,
    policy: PathwayPolicy,
    at: datetime,
) -> None:
    """What the answer means for what is meant to be done; a wait without a date gets the question's own, from the event on.

    Where nobody knows its day, and in a draft that does not say it yet, it counts from today; the signature asks for it.
    """
    if answer.answer == Answer.NO:
        return
    answer.decision = suitability.decision_for(answer.question, meant) or Decision.ASK
    waits = answer.decision == Decision.DEFER
    event = answer.event_on or timezone.localdate(at)
    default = suitability.defer_until(answer.question, on=event, policy=policy)
    answer.defer_until = (wanted or default) if waits else None


def _judged(row: Consultation, proposal: Proposal | None, *, at: datetime) -> list[ContraindicationAnswer]:
    """The saved answers; a plan proposed only now is judged like one that was saved with them."""
    answers = list(row.answers.select_related("question").prefetch_related("question__rules"))
    if proposal is None:
        return answers
    meant, policy = intention(row, proposal), policy_in_force(at)
    for answer in answers:
        before = answer.decision
        _judge(answer, meant, wanted=answer.defer_until, policy=policy, at=at)
        if answer.decision != before:
            answer.save(update_fields=["decision", "defer_until"])
    return answers


def open_points(*, consultation: Consultation, proposal: Proposal | None) -> list[DomainError]:
    """All that a saved draft still lacks for its signature: sign() refuses with the first, the page names them all."""
    answers = list(consultation.answers.select_related("question"))
    questions = list(ContraindicationQuestion.objects.current())
    found = suitability.open_points(consultation, answers, questions, proposes_plan=proposal is not None)
    return found + _not_explained(consultation, DiscussedRisk.objects.filter(consultation=consultation))


def _not_explained(row: Consultation, risks: Iterable[DiscussedRisk]) -> list[DomainError]:
    """The risks and the leaflet that a suitable patient has to have met."""
    if row.outcome not in SUITABLE:
        return []
    found = []
    named = {risk.reaction_id for risk in risks}
    discussed = ReactionType.objects.current().filter(is_discussed=True)
    missing = [reaction for reaction in discussed if reaction.pk not in named]
    if missing:
        sentence = _("Discuss every risk before you sign; open: %(risk)s.") % {
            "risk": missing[0].patient_words
        }
        found.append(DomainError(sentence, "risks_open", field="risks"))
    if row.leaflet_id is None:
        found.append(DomainError(_("Choose the leaflet you gave."), "leaflet_missing", field="leaflet"))
    return found
