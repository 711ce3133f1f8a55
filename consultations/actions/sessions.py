"""Treatment sessions: begun under the session gate, saved while they are given, signed with their doses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, User
from clinic.readiness import Condition
from consultations.actions import aftercare, events, plans
from consultations.actions.deviations import record_deviation
from consultations.actions.session_contents import Contents, Reaction, Score, Zone, replace
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import (
    GIVEN,
    PlanStatus,
    SessionOutcome,
)
from consultations.models import (
    PlannedSession,
    Session,
    SessionDose,
    SessionTyping,
    TechniqueRule,
)
from consultations.queries import PlanFacts, facts_of_one, facts_of_session, policy_in_force
from consultations.rules import (
    authorship,
    clearance,
    doses,
    lots,
    over_caps,
    sessions,
    techniques,
    tested_lots,
)
from consultations.rules.visits import begin_missing

__all__ = ["Contents", "Reaction", "Score", "Zone", "begin", "not_given", "record_deviating", "save", "sign"]


@explained
def begin(*, planned: PlannedSession, appointment: Appointment | None, by: User, at: datetime) -> Session:
    """Open the session if everything clears it now.

    Raises:
        NotCleared: the conditions say what is missing, who can fix it and from when.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(planned.plan.patient_id)
    facts = facts_of_one(planned.plan)
    missing = _missing(facts, planned, on=at)
    if missing:
        raise NotCleared(missing[0].detail or missing[0].what, missing[0].code, conditions=missing)
    return Session.objects.create(
        patient_id=planned.plan.patient_id,
        practitioner=practitioner,
        appointment=appointment,
        plan=planned.plan,
        planned=planned,
        technique=facts.plan.technique,
        needle=facts.plan.technique.needle,
        device=appointment.device if appointment else None,
        started_at=at,
        created_at=at,
    )


@explained
def record_deviating(
    *,
    planned: PlannedSession,
    started_at: datetime,
    reason: str,
    by: User,
    at: datetime,
) -> Session:
    """Open a record of a session that was given although something was missing: the truth, with its reason.

    Raises:
        DomainError: nothing was missing (record it the usual way), or it lies in the future.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(planned.plan.patient_id)
    facts = facts_of_one(planned.plan)
    codes = _codes_missing(facts, planned, on=started_at)
    deviation = record_deviation(
        plan=planned.plan, codes=codes, reason=reason, happened_at=started_at, by=by, at=at
    )
    return Session.objects.create(
        patient_id=planned.plan.patient_id,
        practitioner=practitioner,
        plan=planned.plan,
        planned=planned,
        technique=facts.plan.technique,
        started_at=started_at,
        created_at=at,
        deviation=deviation,
    )


@explained
def not_given(
    *,
    planned: PlannedSession,
    appointment: Appointment | None,
    reason: str,
    by: User,
    at: datetime,
) -> Session:
    """The patient was here and the session was not given; it counts for nothing and stays to be given.

    Raises:
        DomainError: no reason, or on record already.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(planned.plan.patient_id)
    if not reason.strip():
        raise DomainError(_("Say why the session was not given."), "reason_missing", field="reason")
    facts = facts_of_one(planned.plan)
    session = Session(
        patient_id=planned.plan.patient_id,
        practitioner=practitioner,
        appointment=appointment,
        plan=planned.plan,
        planned=planned,
        technique=facts.plan.technique,
        started_at=at,
        created_at=at,
        outcome=SessionOutcome.NOT_GIVEN,
        outcome_reason=reason,
    )
    sessions.check_not_given_once(session, facts)
    session.save()
    _seal(session, [], by=by, at=at)
    _let_go_of_visit(planned, appointment)
    resettle(patient_id=session.patient_id, by=by, at=at)
    return session


@explained
def save(
    *,
    session: Session,
    details: Mapping[str, Any],
    contents: Contents,
    version: int | None,
    window: authorship.Window | None = None,
    by: User,
    at: datetime,
) -> Session:
    """Save the draft. Nothing is judged yet but who writes and which lots may be used. What was typed is in it now.

    Raises:
        NotAllowed, Stale, DomainError: not one's own draft, saved or typed elsewhere, signed.
    """
    hold_still(session.patient_id)
    related = ("practitioner", "technique", "plan", "planned", "typing")
    row = Session.objects.select_related(*related).get(pk=session.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    authorship.check_window(row, window)
    for name, value in details.items():
        setattr(row, name, value)
    row.version += 1
    row.clean_fields(exclude=["patient", "practitioner", "appointment", "plan", "planned", "technique"])
    sessions.check_nothing_injected(row, zones=len(contents.zones))
    # Contents first: the database refuses "not given" while old zones are still there.
    replace(row, contents)
    row.save()
    SessionTyping.objects.filter(session=row).delete()
    return row


@explained
def sign(
    *, session: Session, version: int | None, deviation_reason: str = "", by: User, at: datetime
) -> Session:
    """Judge everything again and sign: doses against every cap, lots, technique, outcome.

    What was injected above a cap, or with a lot that was past use or asks for a new test, is signed with its reason: as a
    deviation that names the caps with their arithmetic, and the lots.

    The pathway is judged by what was known when the session began: what happened is signed whatever closed since. Each
    reaction becomes an adverse event, and holds or stops plans at once.

    Raises:
        DomainError: a field is wrong; nothing is saved.
        NeedsReason: outside the rules without a reason; nothing is saved.
        NotCleared: something closed before the session began.
    """
    hold_still(session.patient_id)
    row = Session.objects.select_related("practitioner", "technique", "plan", "planned").get(pk=session.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    facts = facts_of_session(row)
    rule = TechniqueRule.objects.of(row.technique)
    sessions.check_complete(row, facts, rule, at=at)
    dose_rows: list[SessionDose] = []
    if row.outcome in GIVEN:
        _check_was_cleared(row, facts)
        judged, beyond = _judge_doses(row, facts, rule, reason=deviation_reason)
        if beyond:
            _deviate(row, beyond, reason=deviation_reason, by=by, at=at)
        dose_rows = _dose_rows(row, judged, rule)
        SessionDose.objects.filter(session=row).delete()
        SessionDose.objects.bulk_create(dose_rows)
    _seal(row, dose_rows, by=by, at=at)
    if row.aftercare_given:
        aftercare.hand_out(session=row, by=by, at=at)
    events.of_session(session=row, by=by, at=at)
    _finish(row, facts, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def _codes_missing(facts: PlanFacts, planned: PlannedSession, *, on: datetime) -> list[str]:
    """What a deviation is from: without anything missing there is none, nor for a session given before."""
    codes = [each.code for each in _missing(facts, planned, on=on)]
    if not codes:
        raise DomainError(
            _(
                "Nothing was missing at that time: record the session the usual way. If more was injected than a cap"
                " allows, the signature asks for the reason."
            ),
            "nothing_missing",
        )
    if "session_done" in codes:
        raise DomainError(_("This session is on record already."), "session_done")
    return codes


def _missing(facts: PlanFacts, planned: PlannedSession, *, on: datetime) -> list[Condition]:
    judged = clearance.judge(facts, gate=clearance.Gate.SESSION, on=on, planned=planned)
    return judged.conditions + begin_missing(facts, planned, on=on)


def _check_was_cleared(row: Session, facts: PlanFacts) -> None:
    """By what was known when it began; a deviation has named what was missing already."""
    if row.deviation_id is not None:
        return
    missing = clearance.judge(
        facts,
        gate=clearance.Gate.SESSION,
        on=row.started_at,
        planned=row.planned,
        known_by=row.started_at,
    ).conditions
    if missing:
        raise NotCleared(missing[0].detail or missing[0].what, missing[0].code, conditions=missing)


def _judge_doses(
    row: Session, facts: PlanFacts, rule: TechniqueRule, *, reason: str
) -> tuple[list[doses.ComponentDose], list[DomainError]]:
    """The dose of every component, and a refusal for each cap that was exceeded and each lot that was past use or asks for
    a new test, which has its `reason`."""
    zones = [doses.ZoneDose.of(zone) for zone in row.zones.select_related("zone")]
    doses.check_zones(facts, zones, rule=rule, policy=policy_in_force(row.started_at))
    doses.check_weight(facts, row.weight_kg)
    judged = doses.component_doses(
        facts,
        volume_ml=doses.volume_of(zones),
        weight_kg=row.weight_kg,
        on=timezone.localdate(row.started_at),
        session=row,
    )
    beyond = over_caps.exceeded(facts, zones, judged) + lots.refusals(row)
    if not rule.injects_nothing:
        beyond += tested_lots.refusals(facts, row)
    over_caps.check_reasoned(beyond, reason=reason)
    techniques.check_explained(row, rule, zones)
    return judged, beyond


def _deviate(row: Session, beyond: Sequence[DomainError], *, reason: str, by: User, at: datetime) -> None:
    """By a deviation of the signature; one that was recorded before it began is named in it."""
    codes, before = [each.code for each in beyond], row.deviation
    if before is not None:
        codes, reason = [*before.codes, *codes], f"{before.reason}\n{reason}"
    row.deviation = record_deviation(
        plan=row.plan,
        codes=codes,
        reason=reason,
        findings=" ".join(str(each.message) for each in beyond),
        happened_at=row.started_at,
        field="deviation_reason",
        by=by,
        at=at,
    )


def _dose_rows(row: Session, judged: Sequence[doses.ComponentDose], rule: TechniqueRule) -> list[SessionDose]:
    return [
        SessionDose(
            session=row,
            component=dose.component,
            strength=dose.strength,
            amount=dose.amount,
            unit=dose.component.unit,
            cap_amount=dose.cap,
            cap_arithmetic=dose.arithmetic[:200],
        )
        for dose in judged
        if not rule.injects_nothing
    ]


def _seal(row: Session, dose_rows: Sequence[SessionDose], *, by: User, at: datetime) -> None:
    SessionTyping.objects.filter(session=row).delete()
    row.signed_at, row.signed_by = at, by
    row.ended_at = row.ended_at or at
    row.version += 1
    row.content_hash = content_hash(
        row,
        row.zones.all(),
        row.used_lots.all(),
        dose_rows,
        row.scores.all(),
        row.reactions.all(),
    )
    row.save()


def _finish(row: Session, facts: PlanFacts, *, by: User, at: datetime) -> None:
    """The last session completes the plan, unless a reaction has just held or stopped it; one that was not given lets
    its visit go."""
    if row.outcome == SessionOutcome.NOT_GIVEN:
        _let_go_of_visit(row.planned, row.appointment)
        return
    done = {session.planned_id for session in facts.given} | {row.planned_id}
    row.plan.refresh_from_db(fields=["status"])
    if row.plan.status == PlanStatus.ACTIVE and all(each.pk in done for each in facts.planned):
        plans.complete(plan=row.plan, reason=_("All sessions were given."), by=by, at=at)


def _let_go_of_visit(planned: PlannedSession, appointment: Appointment | None) -> None:
    if appointment and planned.appointment_id == appointment.pk:
        PlannedSession.objects.filter(pk=planned.pk).update(appointment=None)
