"""Plans: proposed and agreed with a consultation; held, resumed, stopped, completed with a reason."""

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError
from clinic.models import User
from consultations.actions.visits import hold_still, resettle
from consultations.enums import PlanStatus
from consultations.models import (
    AdverseEvent,
    Consultation,
    Formula,
    PatchTestPolicy,
    Plan,
    PlannedSession,
    PlanStatusChange,
    PlanTemplate,
    SessionFormula,
    Technique,
    TestReading,
)
from consultations.queries import facts_of_one, policy_in_force, reference_for
from consultations.rules import adverse_events, authorship
from consultations.rules import plans as rules


@dataclass(frozen=True)
class Proposal:
    """The plan that an eligible consultation ends with; `starts_on` is the wanted first day."""

    technique: Technique
    formula: Formula
    template: PlanTemplate
    starts_on: date | None = None


def propose(*, consultation: Consultation, proposal: Proposal, by: User, at: datetime) -> Plan:
    """Write the plan down with its planned sessions, in place of what the draft proposed before.

    Called inside the consultation's saving and signing; until the signature the plan is only a proposal.

    Raises:
        DomainError: no indication, or the clinic has no test policy for this formula and technique.
    """
    if consultation.indication is None:
        raise DomainError(_("Choose the indication."), "indication_missing", field="indication")
    policy, gaps = _policy_for(proposal), policy_in_force(at)
    wanted = {
        "indication": consultation.indication,
        "technique": proposal.technique,
        "formula": proposal.formula,
        "template": proposal.template,
        "test_policy": policy,
        "starts_on": proposal.starts_on,
    }
    before = Plan.objects.filter(consultation=consultation, **wanted).first()
    if before:
        return before
    drop_proposal(consultation=consultation)
    plan = Plan.objects.create(
        patient_id=consultation.patient_id, consultation=consultation, created_at=at, created_by=by, **wanted
    )
    formulas = _formulas_of_sessions(proposal)
    PlannedSession.objects.bulk_create(
        PlannedSession(
            plan=plan,
            ordinal=ordinal,
            interval=interval,
            unit=unit,
            formula=formulas.get(ordinal),
            min_gap_days=rules.min_gap_days(proposal.template, interval, unit, policy=gaps),
        )
        for ordinal, (interval, unit) in enumerate(rules.intervals_of(proposal.template), start=1)
    )
    return plan


def drop_proposal(*, consultation: Consultation) -> None:
    """The draft no longer proposes what it proposed before; agreed plans stay (the database sees to that)."""
    proposed = Plan.objects.filter(consultation=consultation, status=PlanStatus.PROPOSED)
    PlannedSession.objects.filter(plan__in=proposed).delete()
    proposed.delete()


def activate(*, plan: Plan, by: User, at: datetime) -> Plan:
    """The consultation is signed: the plan is in force."""
    plan.status = PlanStatus.ACTIVE
    plan.save(update_fields=["status"])
    return plan


def hold(*, plan: Plan, reason: str, because_of: AdverseEvent | None = None, by: User, at: datetime) -> Plan:
    """No session starts until the plan is resumed."""
    return _change(plan=plan, status=PlanStatus.ON_HOLD, reason=reason, cause=because_of, by=by, at=at)


def resume(*, plan: Plan, reason: str, by: User, at: datetime) -> Plan:
    """Go on, with a clinician's reason; after an allergic event with a new test without reaction, too.

    Raises:
        DomainError: new_test_missing.
    """
    return _change(plan=plan, status=PlanStatus.ACTIVE, reason=reason, by=by, at=at)


def stop(
    *, plan: Plan, reason: str, because_of: AdverseEvent | TestReading | None = None, by: User, at: datetime
) -> Plan:
    """End the plan for good; its visits keep their times until somebody releases them."""
    return _change(plan=plan, status=PlanStatus.STOPPED, reason=reason, cause=because_of, by=by, at=at)


def complete(*, plan: Plan, reason: str, by: User, at: datetime) -> Plan:
    """Every session was given, or the practitioner calls it enough."""
    return _change(plan=plan, status=PlanStatus.COMPLETED, reason=reason, by=by, at=at)


@explained
def _change(
    *,
    plan: Plan,
    status: PlanStatus,
    reason: str,
    cause: AdverseEvent | TestReading | None = None,
    by: User,
    at: datetime,
) -> Plan:
    authorship.check_may_record(by)
    hold_still(plan.patient_id)
    row = Plan.objects.get(pk=plan.pk)
    held_again = cause is not None and row.status == status == PlanStatus.ON_HOLD
    if not held_again:  # one more reason why it is held
        rules.check_status(row, status, reason)
    if status == PlanStatus.ACTIVE:
        adverse_events.check_test_since(facts_of_one(row))
    row.status = status
    row.save(update_fields=["status"])
    PlanStatusChange.objects.create(
        plan=row,
        status=status,
        reason=reason[:1000],
        adverse_event=cause if isinstance(cause, AdverseEvent) else None,
        test_reading=cause if isinstance(cause, TestReading) else None,
        changed_at=at,
        changed_by=by,
    )
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def _formulas_of_sessions(proposal: Proposal) -> dict[int, Formula]:
    """By session, where the template's course changes its formula; none for a plan with a formula of its own choice."""
    if proposal.formula.code != proposal.template.formula_code:
        return {}
    changes = list(SessionFormula.objects.current().filter(template_code=proposal.template.code))
    named = Formula.objects.current().filter(code__in=[each.formula_code for each in changes])
    by_code = {formula.code: formula for formula in named}
    return {
        ordinal: by_code[each.formula_code]
        for each in changes
        if each.formula_code in by_code
        for ordinal in range(each.first_session, each.last_session + 1)
    }


def _policy_for(proposal: Proposal) -> PatchTestPolicy:
    fitting = PatchTestPolicy.objects.current().filter(
        reference_for(proposal.formula.code, proposal.technique.family)
    )
    best = max(
        fitting,
        key=lambda each: (bool(each.formula_code), bool(each.family)),
        default=None,
    )
    if best is None:
        raise DomainError(
            _("The clinic has no test policy for this formula. Ask an admin."),
            "no_policy",
            field="formula",
        )
    return best
