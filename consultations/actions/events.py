"""Adverse events: signed when they are recorded; what they mean for plans and components happens in the same transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from clinic.actions.locking import explained
from clinic.enums import ContactReason
from clinic.errors import DomainError
from clinic.models import Appointment, Patient, User
from consultations.actions import calls, plans
from consultations.actions.signing import content_hash
from consultations.actions.visits import hold_still, resettle
from consultations.enums import Causality, EventOutcome, PlanEffect, Seriousness
from consultations.models import (
    AdverseEvent,
    AdverseEventLot,
    Alert,
    Allergy,
    Lot,
    Session,
    SessionReaction,
)
from consultations.queries import in_error
from consultations.rules import adverse_events as rules
from consultations.rules import authorship

_CHANGE = {PlanEffect.HOLD: plans.hold, PlanEffect.STOP: plans.stop}


@explained
def record(
    *, patient: Patient, details: Mapping[str, Any], lots: Collection[Lot] = (), by: User, at: datetime
) -> AdverseEvent:
    """Record and sign an event; at once hold or stop the plans that its grade concerns, close suspected components and
    put the patient on the contact list. `details` are AdverseEvent's own fields.

    Raises:
        NotAllowed: practitioners only.
        DomainError: a field is wrong, or it is on record already; nothing is saved.
    """
    authorship.check_may_record(by)
    hold_still(patient.pk)
    event = AdverseEvent(patient=patient, signed_at=at, signed_by=by, **details)
    rules.check_recorded_once(event)
    _carry_out(event, lots, by=by, at=at)
    resettle(patient_id=patient.pk, by=by, at=at)
    return event


@explained
def follow(*, event: AdverseEvent, details: Mapping[str, Any], by: User, at: datetime) -> AdverseEvent:
    """How it went on: a new row that supersedes, with the links of the one before. It is judged anew.

    Raises:
        DomainError: followed already, called an error, or a field is wrong.
    """
    authorship.check_may_record(by)
    hold_still(event.patient_id)
    before = AdverseEvent.objects.get(pk=event.pk)
    if AdverseEvent.objects.filter(supersedes=before).exists():
        raise DomainError(
            _("Somebody has followed this event up already. Open the latest word on it."), "followed"
        )
    if in_error(before):
        raise DomainError(_("This event has been called an error. Record a new one."), "in_error_already")
    later = followed(before, details)
    later.signed_at, later.signed_by = at, by
    _carry_out(later, list(before.lots.all()), by=by, at=at)
    resettle(patient_id=before.patient_id, by=by, at=at)
    return later


def followed(before: AdverseEvent, details: Mapping[str, Any]) -> AdverseEvent:
    """The next word on an event, not saved: its links stay what they were."""
    kept = (*_LINKS, "component_codes", "reaction")
    links = {name: getattr(before, name) for name in kept}
    return AdverseEvent(patient_id=before.patient_id, supersedes=before, **links | dict(details))


_LINKS = ("zone", "plan", "session", "patch_test", "device", "practitioner", "room", "report", "follow_up")


def of_session(*, session: Session, by: User, at: datetime) -> list[AdverseEvent]:
    """An event for each reaction that was seen at the session; called inside its signing."""
    lots = [used.lot for used in session.used_lots.select_related("lot")]
    return [
        _seen_at(session, reaction, lots, by=by, at=at)
        for reaction in session.reactions.select_related("reaction").order_by("pk")
    ]


def _seen_at(
    session: Session, seen: SessionReaction, lots: Collection[Lot], *, by: User, at: datetime
) -> AdverseEvent:
    event = AdverseEvent(
        patient_id=session.patient_id,
        reaction=seen.reaction,
        grade=seen.grade,
        onset_at=session.started_at,
        words=seen.note or _("Seen at the session."),
        causality=Causality.POSSIBLE,
        seriousness=Seriousness.NOT_SERIOUS,
        outcome=EventOutcome.ONGOING,
        plan=session.plan,
        session=session,
        device=session.device,
        practitioner=session.practitioner,
        room=session.appointment.room if session.appointment else None,
        component_codes=session.formula.component_codes,
        signed_at=at,
        signed_by=by,
    )
    _carry_out(event, lots, by=by, at=at)
    return event


def _carry_out(event: AdverseEvent, lots: Collection[Lot], *, by: User, at: datetime) -> None:
    """Judge, save, and let follow what follows."""
    judged = rules.judge(event, at=at)
    effect = judged.effect
    event.plan_effect, event.is_allergic = effect.plan_effect, effect.is_allergic
    event.is_red_flag, event.in_clusters = effect.is_red_flag, effect.in_clusters
    event.review_by = at + effect.review_within if effect.review_within else None
    _save(event, lots)
    _change_plans(event, judged, by=by, at=at)
    if effect.closes_components:
        _close_components(event, by=by, at=at)


def _save(event: AdverseEvent, lots: Collection[Lot]) -> None:
    """Lots first: an event is signed at birth and takes none afterwards (its key is deferred)."""
    used = [AdverseEventLot(event=event, lot=lot) for lot in lots]
    AdverseEventLot.objects.bulk_create(used)
    event.content_hash = content_hash(event, used)
    event.clean_fields(exclude=["patient", "signed_by", "supersedes", "reaction", *_LINKS])
    event.save(force_insert=True)


def _change_plans(event: AdverseEvent, judged: rules.Judged, *, by: User, at: datetime) -> None:
    reason = _("Adverse event: %(reaction)s, grade %(grade)s.") % {
        "reaction": event.reaction,
        "grade": event.grade,
    }
    for plan in judged.plans:
        _CHANGE[judged.effect.plan_effect](plan=plan, reason=reason, because_of=event, by=by, at=at)
    booked = Appointment.objects.upcoming(at).filter(patient_id=event.patient_id).exclude(purpose="")
    if judged.plans and booked.exists():
        calls.ask(patient=event.patient, reason=ContactReason.TREATMENT, by=by, at=at)


def _close_components(event: AdverseEvent, *, by: User, at: datetime) -> None:
    """The reaction is an allergy until somebody refutes it. Without suspected components it closes everything."""
    words = _("reaction to an injection: %(reaction)s") % {"reaction": event.reaction}
    Allergy.objects.create(
        patient_id=event.patient_id,
        words=words[:200],
        component_codes=sorted(event.component_codes),
        reaction=event.words[:500],
        adverse_event=event,
        reported_at=at,
        reported_by=by,
    )
    Alert.objects.create(
        patient_id=event.patient_id,
        text=_("Allergic reaction to an injection"),
        adverse_event=event,
        raised_at=at,
        raised_by=by,
    )
