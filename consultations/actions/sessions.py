"""Treatment sessions: begun under the session gate, saved while they are given, signed with their doses."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.errors import DomainError, NotCleared
from clinic.models import Appointment, User
from clinic.readiness import Condition
from consultations.actions import plans
from consultations.actions.deviations import record_deviation
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import (
    GIVEN,
    PlanStatus,
    ScoreMoment,
    SessionOutcome,
    TechniqueFamily,
)
from consultations.models import (
    BodyZone,
    Lot,
    PlannedSession,
    ReactionType,
    Scale,
    Session,
    SessionDose,
    SessionLot,
    SessionReaction,
    SessionScore,
    SessionZone,
)
from consultations.queries import PlanFacts, facts_of_one
from consultations.rules import authorship, clearance, doses, sessions
from consultations.rules.visits import earlier_not_given


@dataclass(frozen=True)
class Zone:
    """One treated zone as the form read it; `volume_ml` is the total of the zone."""

    zone: BodyZone
    points: int
    ml_per_point: Decimal
    volume_ml: Decimal


@dataclass(frozen=True)
class Score:
    """A score before or after."""

    scale: Scale
    moment: ScoreMoment
    value: Decimal


@dataclass(frozen=True)
class Reaction:
    """A reaction with its grade 1 to 5."""

    reaction: ReactionType
    grade: int = 1
    note: str = ""


@dataclass(frozen=True)
class Contents:
    """Everything below a session's own fields."""

    zones: Sequence[Zone] = ()
    lots: Collection[Lot] = ()
    scores: Sequence[Score] = ()
    reactions: Sequence[Reaction] = field(default_factory=tuple)


@explained
def begin(
    *, planned: PlannedSession, appointment: Appointment | None, by: User, at: datetime
) -> Session:
    """Open the session if everything clears it now.

    Raises:
        NotCleared: the conditions say what is missing, who can fix it and from when.
    """
    practitioner = authorship.check_may_record(by)
    hold_still(planned.plan.patient_id)
    facts = facts_of_one(planned.plan)
    missing = _missing(facts, planned, on=at)
    if missing:
        raise NotCleared(
            missing[0].detail or missing[0].what, missing[0].code, conditions=missing
        )
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
    missing = _missing(facts, planned, on=started_at)
    if not missing:
        raise DomainError(
            _("Nothing was missing at that time; record the session the usual way."),
            "nothing_missing",
        )
    if any(each.code == "session_done" for each in missing):
        raise DomainError(_("This session is on record already."), "session_done")
    deviation = record_deviation(
        plan=planned.plan,
        codes=[each.code for each in missing],
        reason=reason,
        happened_at=started_at,
        by=by,
        at=at,
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
    """The patient was here and the session was not given; it counts for nothing and stays to be given."""
    practitioner = authorship.check_may_record(by)
    hold_still(planned.plan.patient_id)
    if not reason.strip():
        raise DomainError(
            _("Say why the session was not given."), "reason_missing", field="reason"
        )
    facts = facts_of_one(planned.plan)
    session = Session.objects.create(
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
    by: User,
    at: datetime,
) -> Session:
    """Save the draft. Nothing is judged yet but who writes and which lots may be used.

    Raises:
        NotAllowed, Stale, DomainError: not one's own draft, saved elsewhere, signed.
    """
    hold_still(session.patient_id)
    row = Session.objects.select_related(
        "practitioner", "technique", "plan", "planned"
    ).get(pk=session.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    for name, value in details.items():
        setattr(row, name, value)
    row.version += 1
    row.clean_fields(
        exclude=[
            "patient",
            "practitioner",
            "appointment",
            "plan",
            "planned",
            "technique",
        ]
    )
    row.save()
    _replace_contents(row, contents)
    return row


@explained
def sign(*, session: Session, version: int | None, by: User, at: datetime) -> Session:
    """Judge everything again and sign: doses against every cap, lots, technique, outcome.

    Raises:
        DomainError: a field is wrong or a dose is above its cap; nothing is saved.
        NotCleared: something closed since the session was opened.
    """
    hold_still(session.patient_id)
    row = Session.objects.select_related(
        "practitioner", "technique", "plan", "planned"
    ).get(pk=session.pk)
    authorship.check_may_edit(row, by)
    authorship.check_version(row, version)
    facts = facts_of_one(row.plan)
    sessions.check_complete(row, facts, at=at)
    dose_rows: list[SessionDose] = []
    if row.outcome in GIVEN:
        if row.deviation_id is None:
            missing = clearance.judge(
                facts,
                gate=clearance.Gate.SESSION,
                on=row.started_at,
                planned=row.planned,
            ).conditions
            if missing:
                raise NotCleared(
                    missing[0].detail or missing[0].what,
                    missing[0].code,
                    conditions=missing,
                )
        dose_rows = _judge_doses(row, facts)
        SessionDose.objects.filter(session=row).delete()
        SessionDose.objects.bulk_create(dose_rows)
    _seal(row, dose_rows, by=by, at=at)
    _finish(row, facts, by=by, at=at)
    resettle(patient_id=row.patient_id, by=by, at=at)
    return row


def _missing(
    facts: PlanFacts, planned: PlannedSession, *, on: datetime
) -> list[Condition]:
    judged = clearance.judge(facts, gate=clearance.Gate.SESSION, on=on, planned=planned)
    return judged.conditions + earlier_not_given(facts, planned)


def _judge_doses(row: Session, facts: PlanFacts) -> list[SessionDose]:
    zones = [
        doses.ZoneDose(zone.points, zone.ml_per_point, zone.volume_ml)
        for zone in row.zones.all()
    ]
    needleless = row.technique.family == TechniqueFamily.NEEDLELESS
    day = timezone.localdate(row.started_at)
    judged = doses.component_doses(
        facts,
        volume_ml=doses.volume_of(zones),
        weight_kg=row.weight_kg,
        on=day,
        session=row,
    )
    if row.deviation_id is None:
        doses.check_zones(facts, zones, needleless=needleless)
        doses.check_doses(facts, judged, weight_kg=row.weight_kg)
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
    ]


def _replace_contents(row: Session, contents: Contents) -> None:
    for rows in (row.zones, row.used_lots, row.scores, row.reactions):
        rows.all().delete()
    SessionZone.objects.bulk_create(
        SessionZone(
            session=row,
            zone=zone.zone,
            points=zone.points,
            ml_per_point=zone.ml_per_point,
            volume_ml=zone.volume_ml,
        )
        for zone in contents.zones
    )
    SessionLot.objects.bulk_create(
        SessionLot(session=row, lot=lot) for lot in contents.lots
    )
    SessionScore.objects.bulk_create(
        SessionScore(
            session=row, scale=score.scale, moment=score.moment, value=score.value
        )
        for score in contents.scores
    )
    SessionReaction.objects.bulk_create(
        SessionReaction(
            session=row, reaction=each.reaction, grade=each.grade, note=each.note
        )
        for each in contents.reactions
    )


def _seal(
    row: Session, dose_rows: Sequence[SessionDose], *, by: User, at: datetime
) -> None:
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
    """The last session completes the plan; one that was not given lets its visit go."""
    if row.outcome == SessionOutcome.NOT_GIVEN:
        _let_go_of_visit(row.planned, row.appointment)
        return
    done = {session.planned_id for session in facts.given} | {row.planned_id}
    if facts.plan.status == PlanStatus.ACTIVE and all(
        each.pk in done for each in facts.planned
    ):
        plans.complete(
            plan=row.plan, reason=_("All sessions were given."), by=by, at=at
        )


def _let_go_of_visit(planned: PlannedSession, appointment: Appointment | None) -> None:
    if appointment and planned.appointment_id == appointment.pk:
        PlannedSession.objects.filter(pk=planned.pk).update(appointment=None)
